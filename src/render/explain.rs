//! All the evidence on one path: the answer of `explain`.

use std::io::{Result, Write};

use super::days::Layout;
use super::grid::{Column, Grid, Row, csv};
use super::page::Page;
use super::paths::{cautioned, days_of, paint, summary};
use super::{Form, Paint, Style, json};
use crate::diagnosis::{DayPart, ExplainAnswer, NetworkPart, PartAnswer, Remedy, ReporterPart, Stay, Turn, TurnKind};
use crate::report::period::{Day, date_of};
use crate::words::{grouped, percent, plural};

/// Where there are more machines, networks are shown instead.
const MACHINES: usize = 12;
/// So many rows of a table are shown; the JSON answer has all of them.
const ROWS: usize = 15;
/// So many of the machines that fail are named where networks are shown.
const WORST: usize = 8;
/// The widest picture of days.
const PICTURE: usize = 100;

/// Writes the answer.
///
/// # Errors
/// Those of writing.
pub fn explain(answer: &ExplainAnswer, form: Form, style: &Style, out: &mut dyn Write) -> Result<()> {
    match form {
        Form::Json => json(answer, out),
        Form::Csv => csv(&HEADINGS, answer.evidence.days.iter().map(cells), out),
        Form::Table | Form::Markdown => page(answer, &mut Page::new(out, *style, form == Form::Markdown)),
    }
}

fn page(answer: &ExplainAnswer, page: &mut Page<'_>) -> Result<()> {
    let (path, evidence) = (&answer.path, &answer.evidence);
    let days = days_of(&answer.window);
    page.line(&summary(&days, answer.reports, answer.reporters as u64, answer.newest_report.as_deref()), Paint::Plain)?;
    if let Some(text) = cautioned(&answer.cautions) {
        page.line(&text, Paint::Warn)?;
    }
    let domain = if path.domain.is_empty() { "(no header From)" } else { &path.domain };
    page.title(&format!("{} on {domain} [{}]", path.sender, path.id))?;
    page.line(&format!("{}, {}", path.class.as_str(), path.role.as_str()), paint(path.class))?;
    page.line(&in_words(&path.into()), Paint::Plain)?;
    for reason in &evidence.reasoning {
        page.item("-", &reason.text, Paint::Plain)?;
    }
    for note in &path.notes {
        page.item("-", note, Paint::Plain)?;
    }
    pictures(evidence.days.as_slice(), page)?;
    turns(&evidence.turns, page)?;
    reporters(answer, page)?;
    signatures(answer, page)?;
    spf(answer, page)?;
    machines(answer, page)?;
    receivers(answer, page)?;
    if let Some(remedy) = &path.remedy {
        self::remedy(remedy, page)?;
    }
    Ok(())
}

fn in_words(figures: &PartAnswer) -> String {
    let mut parts = vec![plural(figures.messages, "message")];
    parts.push(format!("DMARC pass {}", percent(figures.dmarc_pass, figures.messages)));
    parts.push(format!("SPF aligned {}", percent(figures.spf_aligned, figures.messages)));
    let dkim = &figures.dkim;
    let states = [
        ("aligned", dkim.aligned),
        ("unaligned", dkim.unaligned),
        ("broken", dkim.broken),
        ("unsigned", dkim.unsigned),
        ("unknown", dkim.unknown),
    ];
    let states = states.iter().filter(|(_, messages)| *messages > 0);
    let states: Vec<String> =
        states.map(|(word, messages)| format!("{word} {}", percent(*messages, figures.messages))).collect();
    parts.push(format!("DKIM {}", if states.is_empty() { "–".to_owned() } else { states.join(", ") }));
    parts.join(" · ")
}

/// A row of bars for each state that occurs, all to one scale.
fn pictures(days: &[DayPart], page: &mut Page<'_>) -> Result<()> {
    let Some((first, last)) = days.first().zip(days.last()) else {
        return Ok(());
    };
    type Value = fn(&PartAnswer) -> u64;
    let rows: [(&str, Value); 6] = [
        ("aligned", |part| part.dkim.aligned),
        ("unaligned", |part| part.dkim.unaligned),
        ("broken", |part| part.dkim.broken),
        ("unsigned", |part| part.dkim.unsigned),
        ("unknown", |part| part.dkim.unknown),
        ("SPF aligned", |part| part.spf_aligned),
    ];
    let style = page.style();
    // The word before a row, the number behind it, and the margin.
    let room = usize::from(style.width).saturating_sub(2 + 12 + 11).clamp(10, PICTURE);
    let layout = Layout::new(first.day, last.day, room, style.unicode);
    let sums = |value: Value| layout.sums(days.iter().map(|part| (part.day, value(&part.figures))));
    let most = sums(|part| part.messages).into_iter().max().unwrap_or(0);
    let mut lines = Vec::new();
    for (word, value) in rows {
        let sums = sums(value);
        let all: u64 = days.iter().fold(0, |sum, part| sum.saturating_add(value(&part.figures)));
        if all > 0 {
            let bars = layout.bars(&sums, most);
            let blank = " ".repeat(layout.characters().saturating_sub(bars.chars().count()));
            lines.push(format!("{word:<12}{bars}{blank}{:>11}", grouped(all)));
        }
    }
    lines.push(format!("{:<12}{}", "", layout.axis()));
    page.heading(&match layout.days_a_character() {
        1 => format!("Day by day, the highest {}", plural(most, "message")),
        days => format!("{days} days a character, the highest {}", plural(most, "message")),
    })?;
    page.verbatim(&lines)
}

fn turns(turns: &[Turn], page: &mut Page<'_>) -> Result<()> {
    if turns.is_empty() {
        return Ok(());
    }
    page.heading("When it changed")?;
    for turn in turns {
        let (word, paint) = match turn.kind {
            TurnKind::Mended => ("mended", Paint::Good),
            TurnKind::Worse => ("worse", Paint::Bad),
            TurnKind::Changed => ("changed", Paint::Warn),
        };
        page.item("-", &format!("{}, {word}: {}", turn.day, turn.text), paint)?;
        page.below(&stay("before", &turn.before))?;
        page.below(&stay("after", &turn.after))?;
        let mut seen = format!("shown by {}", turn.reporters.join(", "));
        if !turn.unchanged_at.is_empty() {
            seen.push_str(&format!("; nothing of it at {}", turn.unchanged_at.join(", ")));
        }
        page.below(&seen)?;
    }
    Ok(())
}

fn stay(word: &str, stay: &Stay) -> String {
    let days = if stay.begin == stay.end { stay.begin.clone() } else { format!("{} to {}", stay.begin, stay.end) };
    format!("{word}, {days}: {}", in_words(&stay.figures))
}

fn reporters(answer: &ExplainAnswer, page: &mut Page<'_>) -> Result<()> {
    let mut grid = Grid::new([
        Column::text("REPORTER"),
        Column::number("MESSAGES"),
        Column::number("ALIGNED"),
        Column::number("UNALIGNED").from(70),
        Column::number("BROKEN").from(70),
        Column::number("UNSIGNED").from(70),
        Column::number("SPF ALIGNED").from(90),
        Column::text("FIRST SEEN").from(120),
        Column::text("LAST SEEN").from(100),
        Column::text("BESIDE THE OTHERS").from(50),
    ]);
    for one in &answer.evidence.by_reporter {
        let figures = &one.figures;
        let row = Row::new([
            one.reporter.clone(),
            grouped(figures.messages),
            percent(figures.dkim.aligned, figures.messages),
            percent(figures.dkim.unaligned, figures.messages),
            percent(figures.dkim.broken, figures.messages),
            percent(figures.dkim.unsigned, figures.messages),
            percent(figures.spf_aligned, figures.messages),
            one.first_seen.clone(),
            one.last_seen.clone(),
            beside(one),
        ]);
        grid.push(row.paint(9, if one.agrees == Some(false) { Paint::Warn } else { Paint::Plain }));
    }
    page.heading("Who saw it")?;
    page.grid(grid, ROWS)
}

fn beside(one: &ReporterPart) -> String {
    let mut words = match one.agrees {
        Some(true) => "agrees".to_owned(),
        Some(false) => "sees it otherwise".to_owned(),
        None => "too few to compare".to_owned(),
    };
    if one.contradictions > 0 {
        words.push_str(&format!(", contradicts itself in {}", grouped(one.contradictions)));
    }
    words
}

fn signatures(answer: &ExplainAnswer, page: &mut Page<'_>) -> Result<()> {
    page.heading("Signatures")?;
    if answer.evidence.signatures.is_empty() {
        return page.line("None was listed.", Paint::Plain);
    }
    let mut grid = Grid::new([
        Column::text("SIGNS AS"),
        Column::text("SELECTOR"),
        Column::text("ALIGNS").from(50),
        Column::number("MESSAGES").from(64),
        Column::text("RESULTS"),
        Column::text("FIRST SEEN").from(120),
        Column::text("LAST SEEN").from(100),
    ]);
    for one in &answer.evidence.signatures {
        let results = one.results.iter().map(|(word, messages)| format!("{word} {}", grouped(*messages)));
        grid.push(Row::new([
            one.signing_domain.clone(),
            one.selector.clone().unwrap_or_else(|| "(not named)".to_owned()),
            yes_or_no(one.aligns),
            grouped(one.messages),
            results.collect::<Vec<_>>().join(", "),
            one.first_seen.clone(),
            one.last_seen.clone(),
        ]));
    }
    page.grid(grid, ROWS)
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn spf(answer: &ExplainAnswer, page: &mut Page<'_>) -> Result<()> {
    page.heading("SPF")?;
    if answer.evidence.spf.is_empty() {
        return page.line("No check was listed.", Paint::Plain);
    }
    let mut grid = Grid::new([
        Column::text("DOMAIN"),
        Column::text("SCOPE").from(70),
        Column::text("RESULT"),
        Column::text("ALIGNS"),
        Column::number("MESSAGES"),
    ]);
    for one in &answer.evidence.spf {
        grid.push(Row::new([
            one.domain.clone().unwrap_or_else(|| "(none)".to_owned()),
            one.scope.unwrap_or("–").to_owned(),
            one.result.to_owned(),
            yes_or_no(one.aligns),
            grouped(one.messages),
        ]));
    }
    page.grid(grid, ROWS)
}

const PART_COLUMNS: [Column; 7] = [
    Column::number("MESSAGES"),
    Column::number("ALIGNED"),
    Column::number("UNALIGNED").from(70),
    Column::number("BROKEN").from(70),
    Column::number("UNSIGNED").from(70),
    Column::number("SPF ALIGNED").from(90),
    Column::text("LAST SEEN").from(100),
];

fn part_cells(figures: &PartAnswer, last: Day) -> [String; 7] {
    [
        grouped(figures.messages),
        percent(figures.dkim.aligned, figures.messages),
        grouped(figures.dkim.unaligned),
        grouped(figures.dkim.broken),
        grouped(figures.dkim.unsigned),
        percent(figures.spf_aligned, figures.messages),
        date_of(last).to_string(),
    ]
}

/// The machines; where there are many, the networks that they are in.
fn machines(answer: &ExplainAnswer, page: &mut Page<'_>) -> Result<()> {
    let evidence = &answer.evidence;
    if evidence.addresses.is_empty() {
        return Ok(());
    }
    if evidence.addresses.len() <= MACHINES {
        page.heading("Machines, worst first")?;
        let mut grid = Grid::new([Column::text("ADDRESS")].into_iter().chain(PART_COLUMNS));
        for one in &evidence.addresses {
            let cells = part_cells(&one.figures, one.last_seen);
            grid.push(Row::new([one.ip.to_string()].into_iter().chain(cells)));
        }
        return page.grid(grid, MACHINES);
    }
    let (machines, networks) = (evidence.addresses.len() as u64, evidence.networks.len() as u64);
    page.heading(&format!("{} in {}, worst first", plural(machines, "machine"), plural(networks, "network")))?;
    let columns = [Column::text("NETWORK"), Column::number("MACHINES")];
    let mut grid = Grid::new(columns.into_iter().chain(PART_COLUMNS));
    for one in &evidence.networks {
        grid.push(Row::new(network_head(one).into_iter().chain(part_cells(&one.figures, one.last_seen))));
    }
    page.grid(grid, ROWS)?;
    let failing: Vec<_> =
        evidence.addresses.iter().filter(|one| one.figures.dkim.aligned < one.figures.messages).collect();
    if failing.is_empty() || failing.len() as u64 == machines {
        return Ok(());
    }
    let worst: Vec<String> = failing.iter().take(WORST).map(|one| one.ip.to_string()).collect();
    let more = if failing.len() > WORST { " …" } else { "" };
    page.line(
        &format!(
            "{} of the {} sent mail that was not aligned: {}{more}",
            grouped(failing.len() as u64),
            plural(machines, "machine"),
            worst.join(", ")
        ),
        Paint::Plain,
    )
}

fn network_head(one: &NetworkPart) -> [String; 2] {
    [one.network.clone(), grouped(one.addresses)]
}

/// What became of the mail at the receivers, and bounces.
fn receivers(answer: &ExplainAnswer, page: &mut Page<'_>) -> Result<()> {
    let evidence = &answer.evidence;
    page.heading("At the receivers")?;
    let done = &evidence.dispositions;
    let parts = [
        ("delivered, no policy applied", done.none),
        ("passed under the policy", done.pass),
        ("quarantined", done.quarantine),
        ("rejected", done.reject),
        ("not told", done.unknown),
    ];
    let parts = parts.iter().filter(|(_, messages)| *messages > 0);
    let parts: Vec<String> = parts.map(|(word, messages)| format!("{word} {}", grouped(*messages))).collect();
    page.item("-", &format!("disposition: {}", parts.join(", ")), Paint::Plain)?;
    if let Some(null) = &evidence.null_senders {
        page.item("-", &format!("null reverse-path (bounces, automatic replies): {}", in_words(null)), Paint::Plain)?;
    }
    if let Some(none) = &evidence.no_address {
        page.item("-", &format!("no address named: {}", in_words(none)), Paint::Plain)?;
    }
    if evidence.contradictions > 0 {
        let messages = plural(evidence.contradictions, "message");
        page.item("-", &format!("evaluation against what is listed: they disagree on {messages}"), Paint::Warn)?;
    }
    for one in evidence.overrides.iter().take(8) {
        let comment = one.comment.as_ref().map_or_else(String::new, |comment| format!(" ({comment})"));
        let messages = plural(one.messages, "message");
        page.item("-", &format!("override {}{comment}: {messages}", one.kind), Paint::Plain)?;
    }
    match evidence.overrides.len().saturating_sub(8) {
        0 => Ok(()),
        more => page.item("-", &format!("and {more} more reasons, see the JSON answer"), Paint::Dim),
    }
}

/// What to do, with the records ready to copy.
pub(super) fn remedy(remedy: &Remedy, page: &mut Page<'_>) -> Result<()> {
    page.heading("What to do")?;
    page.line(&remedy.title, Paint::Bold)?;
    for (number, step) in remedy.steps.iter().enumerate() {
        page.item(&format!("{}.", number + 1), step, Paint::Plain)?;
    }
    if !remedy.records.is_empty() {
        page.line("DNS records:", Paint::Plain)?;
        let records: Vec<String> = remedy
            .records
            .iter()
            .map(|record| {
                let value = record.value.as_deref().unwrap_or("(see the steps)");
                format!("{}  {}  {value}", record.name, record.kind)
            })
            .collect();
        page.verbatim(&records)?;
    }
    match &remedy.source {
        Some(source) => page.verbatim(&[format!("See {source}")]),
        None => Ok(()),
    }
}

const HEADINGS: [&str; 9] = [
    "day",
    "messages",
    "dkim_aligned",
    "dkim_unaligned",
    "dkim_broken",
    "dkim_unsigned",
    "dkim_unknown",
    "spf_aligned",
    "dmarc_pass",
];

/// A day is a line.
fn cells(part: &DayPart) -> Vec<String> {
    let figures = &part.figures;
    let numbers = [
        figures.messages,
        figures.dkim.aligned,
        figures.dkim.unaligned,
        figures.dkim.broken,
        figures.dkim.unsigned,
        figures.dkim.unknown,
        figures.spf_aligned,
        figures.dmarc_pass,
    ];
    [date_of(part.day).to_string()].into_iter().chain(numbers.iter().map(u64::to_string)).collect()
}
