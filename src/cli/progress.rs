//! What is shown while mail is read: a line that moves on a terminal, notices on request.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::context::Context;
use super::failure::say;
use crate::fetch::FailureSummary;
use crate::ingest::{IngestSummary, Notice, Observer, OtherKind};
use crate::report::shorten;
use crate::store::Kept;
use crate::words::grouped;

/// Inputs of which it is said what is wrong with them; of more only how many they are. Anybody can send as many as he cares to.
const MOST_NAMED: u64 = 50;
/// The most inputs that are named with -v, and the most of which there is something else to say.
const MOST_VERBOSE: u64 = 500;
/// The most bytes of what is said of one.
const LONGEST_LINE: usize = 1000;

/// Shows progress and notices on standard error.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    verbose: bool,
    /// What is refused is kept in the quarantine of a database.
    has_quarantine: bool,
    /// Inputs that were refused or could not be opened, of those at hand.
    wrong: u64,
    /// Others of which something was to be said.
    told: u64,
    /// How many inputs there were when it was said last.
    inputs: u64,
}

impl Progress {
    pub(super) fn new(context: &Context) -> Self {
        let bar = (!context.quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {per_sec}") {
                bar.set_style(style);
            }
            bar
        });
        Progress { bar, ..Progress::log(context) }
    }

    /// The same without a line that moves, for a program that runs for long.
    pub(super) fn log(context: &Context) -> Self {
        let (quiet, verbose) = (context.quiet, context.verbose);
        Progress { bar: None, quiet, verbose, has_quarantine: true, wrong: 0, told: 0, inputs: 0 }
    }

    /// The same for files that are read without a database, in which nothing could be kept.
    pub(super) fn without_quarantine(self) -> Self {
        Progress { has_quarantine: false, ..self }
    }

    /// Says something that is good to know.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            self.say(&format!("dmarcstat: {text}"));
        }
    }

    /// Says what went wrong with an account.
    pub(super) fn trouble(&self, account: &str, failure: &FailureSummary) {
        self.say(&format!("dmarcstat: {account}: {}: {}", failure.step, failure.reason));
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(line)),
            None => say(line),
        }
    }

    /// Says that an input could not be read, of the first of them.
    fn wrong(&mut self, line: &str) {
        self.wrong += 1;
        if self.wrong <= self.most_named() {
            self.say_short(line);
        }
    }

    /// Says what else became of an input, of the first of them.
    fn told(&mut self, line: &str) {
        self.told += 1;
        if self.told <= MOST_VERBOSE {
            self.say_short(line);
        }
    }

    fn most_named(&self) -> u64 {
        if self.verbose { MOST_VERBOSE } else { MOST_NAMED }
    }

    fn say_short(&self, line: &str) {
        let short = shorten(line, LONGEST_LINE);
        self.say(&if short.len() < line.len() { format!("{short}\u{2026}") } else { line.to_owned() });
    }

    /// Says of how many more there would be something to say.
    fn rest(&mut self) {
        let more = std::mem::take(&mut self.told).saturating_sub(MOST_VERBOSE);
        if more > 0 {
            self.say(&format!("dmarcstat: and {} more that are not reports, or not new ones", grouped(more)));
        }
        let more = std::mem::take(&mut self.wrong).saturating_sub(self.most_named());
        if more > 0 {
            let names = Some("-v names more").filter(|_| !self.verbose);
            let lists = Some("`dmarcstat quarantine` lists what is kept").filter(|_| self.has_quarantine);
            let advice: Vec<&str> = names.into_iter().chain(lists).collect();
            let advice = if advice.is_empty() { String::new() } else { format!("; {}", advice.join(", ")) };
            self.say(&format!("dmarcstat: and {} more{advice}", grouped(more)));
        }
    }

    pub(super) fn finish(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.rest();
    }
}

impl Observer for Progress {
    fn notice(&mut self, notice: &Notice) {
        let verbose = self.verbose;
        match notice {
            Notice::Failed(failed) => self.wrong(&format!("dmarcstat: {}: {}", failed.input, failed.reason)),
            Notice::Quarantined(one) if (!self.quiet && one.kept != Kept::Before) || verbose => {
                let kept = match one.kept {
                    _ if !self.has_quarantine => "refused",
                    Kept::Before => "quarantined before",
                    Kept::Now => "quarantined",
                    Kept::Not => "refused, and not kept: the quarantine is full",
                };
                self.wrong(&format!("dmarcstat: {}: {kept} ({}): {}", one.input, one.code, one.reason));
            }
            Notice::Other(kind, origin, note) if verbose => {
                let what = match kind {
                    OtherKind::FailureReport => "a failure report",
                    OtherKind::NotAReport => "not a report",
                };
                let note = note.as_deref().map_or(String::new(), |note| format!(" ({note})"));
                self.told(&format!("{}: {what}{note}", origin.location));
            }
            Notice::Duplicate(origin) if verbose => self.told(&format!("{}: was there before", origin.location)),
            Notice::Conflicting(origin) if verbose => {
                self.told(&format!("{}: another report under a known id", origin.location));
            }
            _ => {}
        }
    }

    fn progress(&mut self, summary: &IngestSummary) {
        // Another run begins to count.
        if summary.inputs < self.inputs {
            self.rest();
        }
        self.inputs = summary.inputs;
        if let Some(bar) = &self.bar {
            let reports = summary.new + summary.duplicate + summary.conflicting;
            bar.set_position(summary.inputs);
            bar.set_message(format!(
                "{} files and mails, {reports} reports, {} records",
                summary.inputs, summary.records
            ));
        }
    }
}
