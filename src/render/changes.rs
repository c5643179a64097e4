//! What has changed: the answer of `changes`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::document::{Document, Paint, Text};
use super::findings;
use super::form::Answer;
use super::opening::{days_of, summary};
use super::table::{Field, Rows, Written as _};
use crate::diagnosis::{Change, ChangeKind, ChangeSubject, ChangesAnswer, PathState, Role};
use crate::words::{grouped, more, plural};

/// The most changes of a kind that are shown, where they can be asked for again; the JSON answer has all of them.
const MOST: usize = 40;

impl Answer for ChangesAnswer {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        self
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        document.aside(|document| document.title("What has changed"));
        opening(self, &mut document);
        told(self, &mut document);
        document
    }

    fn rows(&self) -> Rows<'_> {
        Rows::of(FIELDS, self.found.changes.iter())
    }
}

/// What it comes to, in a line: the subject of a mail.
#[must_use]
pub fn headline(answer: &ChangesAnswer) -> String {
    let found = &answer.found;
    let alarms = found.changes.iter().filter(|change| change.alarm).count().max(1);
    let what = if found.silence.is_some() {
        "no reports come any more".to_owned()
    } else if found.alarm {
        format!("{} worse", plural(alarms as u64, "thing"))
    } else {
        "nothing worse".to_owned()
    };
    format!("DMARC {}: {what}", days_of(&answer.window))
}

/// What was found.
pub(super) fn told(answer: &ChangesAnswer, document: &mut Document) {
    let found = &answer.found;
    silence(answer, document);
    findings::short(&found.findings, document);
    if !found.notes.is_empty() {
        document.heading("Note");
    }
    for note in &found.notes {
        document.item(Text::prose(note).paint(Paint::Warn));
    }
    for (kind, heading, paint) in [
        (ChangeKind::Worse, "Worse", Paint::Bad),
        (ChangeKind::New, "New", Paint::Warn),
        (ChangeKind::Gone, "Gone", Paint::Plain),
        (ChangeKind::Mended, "Mended", Paint::Good),
        (ChangeKind::Changed, "Changed", Paint::Plain),
    ] {
        // What is told in full above is not told again.
        let told = |change: &&Change| change.kind == kind && change.finding.is_none();
        // What is remembered as told is told.
        let most = if answer.only_new { usize::MAX } else { MOST };
        of_kind(&found.changes.iter().filter(told).collect::<Vec<_>>(), most, heading, paint, document);
    }
    if found.changes.is_empty() && found.silence.is_none() && answer.reports > 0 && answer.reports_before > 0 {
        document.heading(if answer.only_new { "Nothing new" } else { "Nothing has changed" });
        let text = match (answer.only_new, found.told_before) {
            (true, 1) => "One change or finding was said before.".to_owned(),
            (true, many @ 2..) => format!("{} changes and findings were said before.", grouped(many)),
            _ => "No significant change in paths, keys, policies or reporters.".to_owned(),
        };
        document.text(Text::plain(text).paint(Paint::Good));
    }
    unknown(answer, document);
}

/// The windows.
fn opening(answer: &ChangesAnswer, document: &mut Document) {
    let days = days_of(&answer.window);
    document.text(summary(&days, answer.reports, answer.reporters, answer.newest_report.as_deref()));
    let before = format!(
        "against {} · {}, {}",
        days_of(&answer.before),
        plural(answer.reports_before, "report"),
        plural(answer.reporters_before as u64, "reporter")
    );
    document.text(Text::plain(before).paint(Paint::Dim));
}

/// Whether reports still come.
fn silence(answer: &ChangesAnswer, document: &mut Document) {
    let Some(silence) = &answer.found.silence else { return };
    document.heading("No reports come any more");
    let last = match &silence.last_day {
        Some(day) => format!("The last report is of {day}, {} ago.", plural(u64::from(silence.days), "day")),
        None => "There never was a report.".to_owned(),
    };
    let text = format!("{last} Look at the mailbox, the rua= tag and `dmarcstat check`.");
    document.item(Text::prose(text).paint(Paint::Bad));
}

/// The changes of one kind.
fn of_kind(changes: &[&Change], most: usize, heading: &str, paint: Paint, document: &mut Document) {
    if changes.is_empty() {
        return;
    }
    document.heading(heading);
    let mut told: BTreeMap<(&str, Role), [u64; 2]> = BTreeMap::new();
    for change in changes.iter().take(most) {
        // Of many senders that are alike only the largest are shown.
        if let Some(alike) = alike(change) {
            let [paths, messages] = told.entry(alike).or_default();
            *paths += 1;
            if *paths > ALIKE {
                *messages += messages_of(change);
                continue;
            }
        }
        self::change(change, paint, document);
    }
    for ((domain, role), [paths, messages]) in told.into_iter().filter(|(_, [paths, _])| *paths > ALIKE) {
        let more = plural(paths - ALIKE, "more path");
        let text = format!("{more} of role {} on {domain}, of {}", role.as_str(), plural(messages, "message"));
        document.item(Text::plain(text).paint(Paint::Dim));
    }
    if let Some(more) = more(changes.len().saturating_sub(most)) {
        document.item(Text::prose(format!("{more}, see `dmarcstat changes --format json`")).paint(Paint::Dim));
    }
}

/// The most paths alike that are listed one by one.
const ALIKE: u64 = 5;

/// What paths that came or went have in common, where none of them is an alarm.
fn alike(change: &Change) -> Option<(&str, Role)> {
    let state = change.after.or(change.before).filter(|_| !change.alarm)?;
    let came_or_went = matches!(change.kind, ChangeKind::New | ChangeKind::Gone);
    (came_or_went && !state.role.is_owners()).then_some((change.domain.as_deref()?, state.role))
}

fn messages_of(change: &Change) -> u64 {
    change.after.or(change.before).map_or(0, |state| state.figures.messages)
}

fn change(change: &Change, paint: Paint, document: &mut Document) {
    let mut head = match change.subject {
        ChangeSubject::Path => String::new(),
        subject => format!("{} ", subject.as_str()),
    };
    if let Some(name) = &change.name {
        head.push_str(name);
        if change.domain.is_some() {
            head.push_str(" on ");
        }
    }
    if let Some(domain) = &change.domain {
        head.push_str(if domain.is_empty() { "(none)" } else { domain });
    }
    if let Some(id) = &change.path {
        head.push_str(&format!(" [{id}]"));
    }
    let unsaid = change.since.as_ref().filter(|day| !change.text.contains(day.as_str()));
    let since = unsaid.map_or_else(String::new, |day| format!(" (since {day})"));
    document.item(Text::plain(head).and(": ").and(Text::prose(&change.text)).and(since).paint(paint));
    if let (Some(before), Some(after)) = (change.before, change.after) {
        document.below(format!("before {}; now {}", state(&before), state(&after)));
    }
    let hands_on = change.after.is_some_and(|state| state.role.hands_on());
    if let Some(remedy) = &change.remedy
        && matches!(change.kind, ChangeKind::Worse | ChangeKind::New)
        && !hands_on
    {
        document.below(Text::prose(format!("→ {remedy}")));
    }
}

fn state(state: &PathState) -> String {
    let figures = &state.figures;
    format!(
        "{}, {}: {} of {} aligned, {} passed DMARC",
        state.class.as_str(),
        state.role.as_str(),
        grouped(figures.dkim.aligned),
        plural(figures.messages, "message"),
        grouped(figures.dmarc_pass)
    )
}

fn unknown(answer: &ChangesAnswer, document: &mut Document) {
    let sums = &answer.found.unknown;
    if sums.new_paths + sums.gone_paths == 0 {
        return;
    }
    document.heading("Unknown senders");
    let parts = [(sums.new_paths, sums.new_messages, "new"), (sums.gone_paths, sums.gone_messages, "gone")];
    for (paths, messages, word) in parts.into_iter().filter(|(paths, ..)| *paths > 0) {
        let text = format!("{} {word}, of {}", plural(paths, "small path"), plural(messages, "message"));
        document.item(Text::plain(text).paint(Paint::Dim));
    }
}

/// What is in a field about the state of a path, before or after.
fn of(state: &Option<PathState>, value: fn(&PathState) -> String) -> String {
    state.as_ref().map(value).unwrap_or_default()
}

const FIELDS: &[Field<Change>] = &[
    ("kind", |change| change.kind.as_str().written()),
    ("subject", |change| change.subject.as_str().written()),
    ("alarm", |change| change.alarm.written()),
    ("domain", |change| change.domain.written()),
    ("name", |change| change.name.written()),
    ("path", |change| change.path.written()),
    ("since", |change| change.since.written()),
    ("text", |change| change.text.written()),
    ("class_before", |change| of(&change.before, |state| state.class.as_str().written())),
    ("class_after", |change| of(&change.after, |state| state.class.as_str().written())),
    ("role_before", |change| of(&change.before, |state| state.role.as_str().written())),
    ("role_after", |change| of(&change.after, |state| state.role.as_str().written())),
    ("messages_before", |change| of(&change.before, |state| state.figures.messages.written())),
    ("messages_after", |change| of(&change.after, |state| state.figures.messages.written())),
    ("dkim_aligned_before", |change| of(&change.before, |state| state.figures.dkim.aligned.written())),
    ("dkim_aligned_after", |change| of(&change.after, |state| state.figures.dkim.aligned.written())),
    ("dmarc_pass_before", |change| of(&change.before, |state| state.figures.dmarc_pass.written())),
    ("dmarc_pass_after", |change| of(&change.after, |state| state.figures.dmarc_pass.written())),
    ("remedy", |change| change.remedy.written()),
];
