//! What is shown while mail is read: a line that moves on a terminal, notices on request.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::context::Context;
use super::failure::say;
use crate::fetch::FailureSummary;
use crate::ingest::{IngestSummary, Notice, Observer, OtherKind};

/// Shows progress and notices on standard error.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    verbose: bool,
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
        Progress { bar, quiet: context.quiet, verbose: context.verbose }
    }

    /// The same without a line that moves, for a program that runs for long.
    pub(super) fn log(context: &Context) -> Self {
        Progress { bar: None, quiet: context.quiet, verbose: context.verbose }
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

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Progress {
    fn notice(&mut self, notice: &Notice) {
        let verbose = self.verbose;
        match notice {
            Notice::Failed(failed) => self.say(&format!("dmarcstat: {}: {}", failed.input, failed.reason)),
            Notice::Quarantined(one) if (!self.quiet && !one.known) || verbose => {
                let known = if one.known { "quarantined before" } else { "quarantined" };
                self.say(&format!("dmarcstat: {}: {known} ({}): {}", one.input, one.code, one.reason));
            }
            Notice::Other(kind, origin, note) if verbose => {
                let what = match kind {
                    OtherKind::FailureReport => "a failure report",
                    OtherKind::NotAReport => "not a report",
                };
                let note = note.as_deref().map_or(String::new(), |note| format!(" ({note})"));
                self.say(&format!("{}: {what}{note}", origin.location));
            }
            Notice::Duplicate(origin) if verbose => self.say(&format!("{}: was there before", origin.location)),
            Notice::Conflicting(origin) if verbose => {
                self.say(&format!("{}: another report under a known id", origin.location));
            }
            _ => {}
        }
    }

    fn progress(&mut self, summary: &IngestSummary) {
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
