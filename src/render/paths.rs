//! Sending paths: the answers of `unsigned` and `sources`.

use std::io::{Result, Write};

use super::fold::{Folded, fold};
use super::grid::{Column, Grid, Row, csv, wrap};
use super::text::markdown_cell;
use super::{Form, Paint, Style, findings, json};
use crate::diagnosis::{Answer, Class, SendingPath, WindowAnswer};
use crate::sanitize::sanitize;
use crate::words::{grouped, percent, plural};

/// What the table says besides the paths.
#[derive(Debug, Clone, Copy)]
pub struct PathsView {
    /// It is about paths that want work, so what is healthy is not in it.
    pub unsigned: bool,
    /// Every path is listed, and none only summed.
    pub all: bool,
}

/// Writes the answer.
///
/// # Errors
/// Those of writing.
pub fn paths(answer: &Answer, view: PathsView, form: Form, style: &Style, out: &mut dyn Write) -> Result<()> {
    match form {
        Form::Json => json(answer, out),
        Form::Csv => csv(&HEADINGS, answer.paths.iter().map(cells), out),
        Form::Markdown => {
            writeln!(out, "{}\n", header(answer))?;
            if let Some(text) = cautioned(&answer.cautions) {
                writeln!(out, "{}\n", markdown_cell(&text))?;
            }
            findings::markdown(&answer.findings, out)?;
            domains(answer).markdown(out)?;
            if !answer.paths.is_empty() {
                writeln!(out)?;
                path_grid(answer, view.unsigned, false).markdown(out)?;
            }
            footer(answer, view, style, out)
        }
        Form::Table => {
            writeln!(out, "{}", header(answer))?;
            for line in cautioned(&answer.cautions).iter().flat_map(|text| wrapped(text, style)) {
                writeln!(out, "{}", style.paint(&line, Paint::Warn))?;
            }
            writeln!(out)?;
            findings::table(&answer.findings, style, out)?;
            domains(answer).table(out, style)?;
            if !answer.paths.is_empty() {
                writeln!(out)?;
                path_grid(answer, view.unsigned, style.width < ID_FROM).table(out, style)?;
            }
            footer(answer, view, style, out)
        }
    }
}

/// The window, how much is known of it, and how fresh that is.
fn header(answer: &Answer) -> String {
    summary(&days_of(&answer.window), answer.reports, answer.reporters as u64, answer.newest_report.as_deref())
}

/// The days of an answer.
pub(super) fn days_of(window: &WindowAnswer) -> String {
    match (&window.begin, &window.end) {
        (Some(begin), Some(end)) if begin == end => begin.clone(),
        (Some(begin), Some(end)) => format!("{begin} to {end}"),
        _ => "no days".to_owned(),
    }
}

/// The line below it where there is reason for caution.
pub(super) fn cautioned(cautions: &[String]) -> Option<String> {
    (!cautions.is_empty()).then(|| format!("Bear in mind: {}.", cautions.join("; ")))
}

fn wrapped(text: &str, style: &Style) -> Vec<String> {
    wrap(&sanitize(text), usize::from(style.width))
}

/// The line that every table begins with; short enough for the narrowest of usual terminals.
pub(super) fn summary(days: &str, reports: u64, reporters: u64, newest: Option<&str>) -> String {
    let newest = newest.map_or("none", |time| time.get(..10).unwrap_or(time));
    format!("{days} · {}, {} · newest {newest}", plural(reports, "report"), plural(reporters, "reporter"))
}

fn domains(answer: &Answer) -> Grid {
    let mut grid = Grid::new([
        Column::text("DOMAIN"),
        Column::text("POLICY"),
        Column::number("MESSAGES"),
        Column::number("DMARC PASS"),
        Column::number("DKIM ALIGNED").from(66),
        Column::number("SPF ALIGNED").from(80),
        Column::number("REPORTS").from(110),
        Column::number("REPORTERS").from(110),
    ]);
    for one in &answer.domains {
        grid.push(Row::new([
            one.domain.clone(),
            one.policy.clone().unwrap_or_else(|| "–".to_owned()),
            grouped(one.messages),
            percent(one.dmarc_pass, one.messages),
            percent(one.dkim_aligned, one.messages),
            percent(one.spf_aligned, one.messages),
            grouped(one.reports),
            grouped(one.reporters as u64),
        ]));
    }
    grid
}

/// From this width on ids have a column of their own. Below it they stand behind the senders: `explain` asks for them.
const ID_FROM: u16 = 110;

fn path_grid(answer: &Answer, with_remedy: bool, ids_behind: bool) -> Grid {
    let mut grid = Grid::new([
        Column::text("SENDER"),
        Column::text("DOMAIN"),
        Column::text("CLASS"),
        Column::text("ROLE").from(72),
        Column::number("MESSAGES"),
        Column::number("DMARC PASS").from(90),
        Column::number("ALIGNED").from(66),
        Column::number("UNALIGNED").from(140),
        Column::number("BROKEN").from(140),
        Column::number("UNSIGNED").from(140),
        Column::number("UNKNOWN").from(180),
        Column::number("SPF ALIGNED").from(160),
        Column::number("ADDRESSES").from(150),
        Column::number("REPORTERS").from(170),
        Column::text("LAST SEEN").from(180),
        Column::text("ID").from(ID_FROM),
    ]);
    let rows = if with_remedy {
        fold(&answer.paths, answer.domains.iter().map(|one| one.messages).sum())
    } else {
        each(&answer.paths)
    };
    for folded in &rows {
        let (path, messages, dkim) = (folded.first(), folded.sum(|path| path.messages), folded.dkim());
        let mut row = Row::new([
            sender(folded, ids_behind),
            if path.domain.is_empty() { "(none)".to_owned() } else { path.domain.clone() },
            path.class.as_str().to_owned(),
            path.role.as_str().to_owned(),
            grouped(messages),
            percent(folded.sum(|path| path.dmarc_pass), messages),
            percent(dkim.aligned, messages),
            grouped(dkim.unaligned),
            grouped(dkim.broken),
            grouped(dkim.unsigned),
            grouped(dkim.unknown),
            percent(folded.sum(|path| path.spf_aligned), messages),
            grouped(folded.sum(|path| path.source_ips.len() as u64)),
            grouped(path.reporters.len() as u64),
            path.last_seen.clone(),
            if folded.is_one() { path.id.clone() } else { "(several)".to_owned() },
        ])
        .paint(2, paint(path.class));
        row.below = below(folded, with_remedy);
        grid.push(row);
    }
    grid
}

/// Every path in a row of its own.
fn each(paths: &[SendingPath]) -> Vec<Folded<'_>> {
    paths.iter().map(|path| Folded { paths: vec![path] }).collect()
}

fn sender(folded: &Folded<'_>, with_id: bool) -> String {
    let first = &folded.first().sender;
    match folded.paths.len() {
        1 if with_id => format!("{first} [{}]", folded.first().id),
        1 => first.clone(),
        many => format!("{first} and {} more", grouped(many as u64 - 1)),
    }
}

pub(super) fn paint(class: Class) -> Paint {
    match class {
        Class::Signed => Paint::Good,
        Class::Intermittent | Class::Broken => Paint::Warn,
        Class::Unaligned | Class::Unsigned => Paint::Bad,
        Class::NotReported => Paint::Dim,
    }
}

/// The line below a path: what to do, and what else to know.
fn below(folded: &Folded<'_>, with_remedy: bool) -> Option<String> {
    if !with_remedy {
        return None;
    }
    let path = folded.first();
    let mut parts = Vec::new();
    if let Some(remedy) = &path.remedy {
        parts.push(format!("→ {}", remedy.title));
    }
    if !folded.is_one() {
        let each = if folded.is_same_remedy() { "the same for all of them" } else { "likewise for each" };
        parts.push(format!("({each}; `dmarcstat sources` lists them)"));
    } else if !path.notes.is_empty() {
        parts.push(format!("({})", path.notes.join("; ")));
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn footer(answer: &Answer, view: PathsView, style: &Style, out: &mut dyn Write) -> Result<()> {
    if view.unsigned && answer.paths.is_empty() {
        writeln!(out, "\nNo path of yours was found unsigned, unaligned or broken in this window.")?;
    }
    for finding in &answer.ledger {
        for line in wrapped(&format!("Ledger: {}.", finding.worded()), style) {
            writeln!(out, "{}", style.paint(&line, Paint::Warn))?;
        }
    }
    if !view.unsigned || view.all {
        return Ok(());
    }
    let sums = [(answer.other_accounts, "of other customers' accounts"), (answer.unknown, "of unknown senders")];
    for (sum, what) in sums.into_iter().filter(|(sum, _)| sum.paths > 0) {
        let line = format!(
            "{} with {} {what} {} not listed; see them with --all.",
            plural(sum.paths, "path"),
            plural(sum.messages, "message"),
            if sum.paths == 1 { "is" } else { "are" },
        );
        for (number, line) in wrapped(&line, style).iter().enumerate() {
            writeln!(out, "{}{}", if number == 0 { "\n" } else { "" }, style.paint(line, Paint::Dim))?;
        }
    }
    Ok(())
}

const HEADINGS: [&str; 29] = [
    "id",
    "domain",
    "sender",
    "author",
    "named_by",
    "provider",
    "tenant",
    "role",
    "class",
    "cause",
    "since",
    "messages",
    "dkim_aligned",
    "dkim_unaligned",
    "dkim_broken",
    "dkim_unsigned",
    "dkim_unknown",
    "spf_aligned",
    "dmarc_pass",
    "rejected",
    "quarantined",
    "signing_domains",
    "selectors",
    "source_ips",
    "reporters",
    "first_seen",
    "last_seen",
    "notes",
    "remedy",
];

fn cells(path: &SendingPath) -> Vec<String> {
    let addresses: Vec<String> = path.source_ips.iter().map(ToString::to_string).collect();
    vec![
        path.id.clone(),
        path.domain.clone(),
        path.sender.clone(),
        path.author.clone().unwrap_or_default(),
        path.named_by.clone(),
        path.provider.clone().unwrap_or_default(),
        path.tenant.clone().unwrap_or_default(),
        path.role.as_str().to_owned(),
        path.class.as_str().to_owned(),
        path.cause.map_or_else(String::new, |cause| cause.as_str().to_owned()),
        path.since.clone().unwrap_or_default(),
        path.messages.to_string(),
        path.dkim.aligned.to_string(),
        path.dkim.unaligned.to_string(),
        path.dkim.broken.to_string(),
        path.dkim.unsigned.to_string(),
        path.dkim.unknown.to_string(),
        path.spf_aligned.to_string(),
        path.dmarc_pass.to_string(),
        path.rejected.to_string(),
        path.quarantined.to_string(),
        path.signing_domains.join(" "),
        path.selectors.join(" "),
        addresses.join(" "),
        path.reporters.join(" "),
        path.first_seen.clone(),
        path.last_seen.clone(),
        path.notes.join(" "),
        path.remedy.as_ref().map_or(String::new(), |remedy| remedy.title.clone()),
    ]
}
