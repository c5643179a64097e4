//! What has changed: the answer of `changes`.

use std::collections::BTreeMap;
use std::io::{Result, Write};

use super::grid::csv;
use super::page::Page;
use super::paths::{days_of, summary};
use super::{Form, Paint, Style, findings, json};
use crate::diagnosis::{Change, ChangeKind, ChangeSubject, ChangesAnswer, PathState, Role};
use crate::words::{grouped, plural};

/// So many changes of a kind are shown; the JSON answer has all of them.
const MOST: usize = 40;

/// Writes the answer.
///
/// # Errors
/// Those of writing.
pub fn changes(answer: &ChangesAnswer, form: Form, style: &Style, out: &mut dyn Write) -> Result<()> {
    match form {
        Form::Json => json(answer, out),
        Form::Csv => csv(&HEADINGS, answer.found.changes.iter().map(cells), out),
        Form::Table | Form::Markdown => page(answer, &mut Page::new(out, *style, form == Form::Markdown)),
    }
}

fn page(answer: &ChangesAnswer, page: &mut Page<'_>) -> Result<()> {
    let found = &answer.found;
    let newest = answer.newest_report.as_deref();
    page.line(&summary(&days_of(&answer.window), answer.reports, answer.reporters as u64, newest), Paint::Plain)?;
    page.line(
        &format!(
            "against {} · {}, {}",
            days_of(&answer.before),
            plural(answer.reports_before, "report"),
            plural(answer.reporters_before as u64, "reporter")
        ),
        Paint::Dim,
    )?;
    if let Some(silence) = &found.silence {
        page.heading("No reports come any more")?;
        let text = match &silence.last_day {
            Some(day) => format!(
                "The last report is of {day}, {} ago. Look at the mailbox, the rua= tag and `dmarcstat check`.",
                plural(u64::from(silence.days), "day")
            ),
            None => "There never was a report. Look at the mailbox, the rua= tag and `dmarcstat check`.".to_owned(),
        };
        page.item("-", &text, Paint::Bad)?;
    }
    findings::page(&found.findings, page)?;
    if !found.notes.is_empty() {
        page.heading("Note")?;
    }
    for note in &found.notes {
        page.item("-", note, Paint::Warn)?;
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
        let changes: Vec<&Change> = found.changes.iter().filter(told).collect();
        if changes.is_empty() {
            continue;
        }
        page.heading(heading)?;
        let mut told: BTreeMap<(&str, Role), [u64; 2]> = BTreeMap::new();
        for change in changes.iter().take(MOST) {
            // A spray of senders that are alike is told by its largest.
            if let Some(alike) = alike(change) {
                let [paths, messages] = told.entry(alike).or_default();
                *paths += 1;
                if *paths > ALIKE {
                    *messages += messages_of(change);
                    continue;
                }
            }
            self::change(change, paint, page)?;
        }
        for ((domain, role), [paths, messages]) in told.into_iter().filter(|(_, [paths, _])| *paths > ALIKE) {
            let more = plural(paths - ALIKE, "more path");
            let text = format!("{more} of role {} on {domain}, of {}", role.as_str(), plural(messages, "message"));
            page.item("-", &text, Paint::Dim)?;
        }
        if changes.len() > MOST {
            page.item("-", &format!("and {} more, see the JSON answer", changes.len() - MOST), Paint::Dim)?;
        }
    }
    if found.changes.is_empty() && found.silence.is_none() && answer.reports > 0 && answer.reports_before > 0 {
        page.heading("Nothing has changed")?;
        page.line("No path, key, policy or reporter is other than before, but for noise.", Paint::Good)?;
    }
    unknown(answer, page)
}

/// So many paths that are alike are told one by one.
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

fn change(change: &Change, paint: Paint, page: &mut Page<'_>) -> Result<()> {
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
    let since = change.since.as_ref().map_or_else(String::new, |day| format!(" (since {day})"));
    page.item("-", &format!("{head}: {}{since}", change.text), paint)?;
    if let (Some(before), Some(after)) = (change.before, change.after) {
        page.below(&format!("before {}; now {}", state(&before), state(&after)))?;
    }
    match &change.remedy {
        Some(remedy)
            if matches!(change.kind, ChangeKind::Worse | ChangeKind::New)
                && !change.after.is_some_and(|state| state.role.hands_on()) =>
        {
            page.below(&format!("→ {remedy}"))
        }
        _ => Ok(()),
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

fn unknown(answer: &ChangesAnswer, page: &mut Page<'_>) -> Result<()> {
    let sums = &answer.found.unknown;
    if sums.new_paths + sums.gone_paths == 0 {
        return Ok(());
    }
    page.heading("Unknown senders")?;
    let parts = [(sums.new_paths, sums.new_messages, "new"), (sums.gone_paths, sums.gone_messages, "gone")];
    for (paths, messages, word) in parts.into_iter().filter(|(paths, ..)| *paths > 0) {
        let text = format!("{} {word}, of {}", plural(paths, "small path"), plural(messages, "message"));
        page.item("-", &text, Paint::Dim)?;
    }
    Ok(())
}

const HEADINGS: [&str; 19] = [
    "kind",
    "subject",
    "alarm",
    "domain",
    "name",
    "path",
    "since",
    "text",
    "class_before",
    "class_after",
    "role_before",
    "role_after",
    "messages_before",
    "messages_after",
    "dkim_aligned_before",
    "dkim_aligned_after",
    "dmarc_pass_before",
    "dmarc_pass_after",
    "remedy",
];

fn cells(change: &Change) -> Vec<String> {
    let both = |value: &dyn Fn(&PathState) -> String| {
        [change.before, change.after].map(|state| state.as_ref().map_or_else(String::new, value))
    };
    let mut cells = vec![
        change.kind.as_str().to_owned(),
        change.subject.as_str().to_owned(),
        change.alarm.to_string(),
        change.domain.clone().unwrap_or_default(),
        change.name.clone().unwrap_or_default(),
        change.path.clone().unwrap_or_default(),
        change.since.clone().unwrap_or_default(),
        change.text.clone(),
    ];
    cells.extend(both(&|state| state.class.as_str().to_owned()));
    cells.extend(both(&|state| state.role.as_str().to_owned()));
    cells.extend(both(&|state| state.figures.messages.to_string()));
    cells.extend(both(&|state| state.figures.dkim.aligned.to_string()));
    cells.extend(both(&|state| state.figures.dmarc_pass.to_string()));
    cells.push(change.remedy.clone().unwrap_or_default());
    cells
}
