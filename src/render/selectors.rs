//! DKIM selectors: the answer of `selectors`.

use std::io::{Result, Write};

use super::days::Layout;
use super::grid::{Column, Grid, Row, csv, wrap};
use super::paths::{cautioned, days_of, summary};
use super::{Form, Paint, Style, json};
use crate::diagnosis::{KeyAddress, KeyState, SelectorUse, SelectorsAnswer};
use crate::report::period::Day;
use crate::sanitize::sanitize;
use crate::words::{grouped, percent, plural};

/// The widest picture of days.
const PICTURE: usize = 40;
/// From this width of terminal on each key has its picture; below it those have one that want a look.
const WIDE: u16 = 150;
/// So many machines of a key are shown; the JSON answer has all of them.
const MACHINES: usize = 20;

/// Writes the answer.
///
/// # Errors
/// Those of writing.
pub fn selectors(answer: &SelectorsAnswer, form: Form, style: &Style, out: &mut dyn Write) -> Result<()> {
    match form {
        Form::Json => json(answer, out),
        Form::Csv => as_csv(answer, out),
        Form::Table | Form::Markdown => {
            let days = days_of(&answer.window);
            let newest = answer.newest_report.as_deref();
            writeln!(out, "{}", summary(&days, answer.reports, answer.reporters as u64, newest))?;
            if let Some(text) = cautioned(&answer.cautions) {
                for line in wrap(&sanitize(&text), usize::from(style.width)) {
                    writeln!(out, "{}", style.paint(&line, Paint::Warn))?;
                }
            }
            let write = |grid: &Grid, out: &mut dyn Write| match form {
                Form::Markdown => grid.markdown(out),
                _ => grid.table(out, style),
            };
            if answer.selectors.is_empty() {
                writeln!(out, "\nNo key of these domains signed anything in this window.")?;
            } else {
                writeln!(out)?;
                write(&keys(answer, style, form == Form::Markdown), out)?;
            }
            if answer.selectors.iter().any(|one| one.addresses.is_some()) {
                writeln!(out)?;
                write(&machines(answer), out)?;
            }
            footer(answer, style, out)
        }
    }
}

fn keys(answer: &SelectorsAnswer, style: &Style, markdown: bool) -> Grid {
    let all = answer.selectors.iter().flat_map(|one| &one.days).map(|day| day.day);
    let layout = all.clone().min().zip(all.max()).map(|(first, last)| {
        Layout::new(first, last, PICTURE.min(usize::from(style.width).saturating_sub(4)), style.unicode)
    });
    let mut grid = Grid::new([
        Column::text("SELECTOR"),
        Column::text("SIGNS AS"),
        Column::text("STATE"),
        Column::number("MESSAGES").from(56),
        Column::number("VERIFIED").from(46),
        Column::text("FIRST SEEN").from(100),
        Column::text("LAST SEEN").from(70),
        Column::text("USED BY").from(90),
        Column::number("REPORTERS").from(180),
        // Its width is fixed, and so it is no text to be broken.
        Column::number("DAYS").from(WIDE),
    ]);
    for one in &answer.selectors {
        let mut row = Row::new([
            one.selector.clone().unwrap_or_else(|| "(not named)".to_owned()),
            one.signing_domain.clone(),
            one.state.as_str().to_owned(),
            grouped(one.messages),
            percent(one.verified, one.messages),
            one.first_seen.clone(),
            one.last_seen.clone(),
            used_by(one),
            grouped(one.reporters.len() as u64),
            layout.map_or_else(String::new, |layout| picture(one, layout)),
        ])
        .paint(2, paint(one.state));
        let mut below = Vec::new();
        if wants_a_look(one.state) && (style.width < WIDE && !markdown) {
            below.extend(layout.map(|layout| picture(one, layout)));
        }
        below.extend((!one.notes.is_empty()).then(|| format!("({})", one.notes.join("; "))));
        row.below = (!below.is_empty()).then(|| below.join(" "));
        grid.push(row);
    }
    grid
}

fn picture(one: &SelectorUse, layout: Layout) -> String {
    let of = |value: fn(&crate::diagnosis::KeyDay) -> u64| -> Vec<(Day, u64)> {
        one.days.iter().map(|day| (day.day, value(day))).collect()
    };
    layout.marks(&layout.sums(of(|day| day.verified)), &layout.sums(of(|day| day.failed)))
}

/// Who uses it: the first of its paths, and how many more.
fn used_by(one: &SelectorUse) -> String {
    match one.senders.as_slice() {
        [] => String::new(),
        [only] => only.sender.clone(),
        [first, rest @ ..] => format!("{} and {} more", first.sender, rest.len()),
    }
}

fn paint(state: KeyState) -> Paint {
    match state {
        KeyState::Failing | KeyState::Vanished => Paint::Bad,
        KeyState::Partly => Paint::Warn,
        KeyState::Verifying => Paint::Good,
        KeyState::Rotated | KeyState::Quiet | KeyState::Few | KeyState::Unsupported => Paint::Dim,
    }
}

fn wants_a_look(state: KeyState) -> bool {
    matches!(state, KeyState::Failing | KeyState::Vanished | KeyState::Partly | KeyState::Rotated)
}

fn machines(answer: &SelectorsAnswer) -> Grid {
    let mut grid = Grid::new([
        Column::text("SELECTOR"),
        Column::text("ADDRESS"),
        Column::number("MESSAGES").from(56),
        Column::number("VERIFIED"),
        Column::number("FAILED"),
        Column::text("FIRST SEEN").from(80),
        Column::text("LAST SEEN").from(70),
    ]);
    for one in &answer.selectors {
        let Some(addresses) = &one.addresses else {
            continue;
        };
        let name = one.selector.clone().unwrap_or_else(|| format!("(not named) {}", one.signing_domain));
        let shown = addresses.len().min(MACHINES);
        for (number, address) in addresses[..shown].iter().enumerate() {
            let paint = if address.fails_alone { Paint::Bad } else { Paint::Plain };
            let mut row = Row::new(address_cells(if number == 0 { &name } else { "" }, address)).paint(1, paint);
            if number + 1 == shown && shown < addresses.len() {
                row.below = Some(format!("and {} more, see the JSON answer", addresses.len() - shown));
            }
            grid.push(row);
        }
    }
    grid
}

fn address_cells(name: &str, address: &KeyAddress) -> [String; 7] {
    [
        name.to_owned(),
        address.ip.to_string(),
        grouped(address.messages),
        percent(address.verified, address.messages),
        grouped(address.failed),
        address.first_seen.clone(),
        address.last_seen.clone(),
    ]
}

fn footer(answer: &SelectorsAnswer, style: &Style, out: &mut dyn Write) -> Result<()> {
    if answer.others.selectors == 0 {
        return Ok(());
    }
    let line = format!(
        "{} of third parties on {} {} not listed; see them with --all.",
        plural(answer.others.selectors, "key"),
        plural(answer.others.messages, "message"),
        if answer.others.selectors == 1 { "is" } else { "are" },
    );
    writeln!(out)?;
    for line in wrap(&sanitize(&line), usize::from(style.width)) {
        writeln!(out, "{}", style.paint(&line, Paint::Dim))?;
    }
    Ok(())
}

const HEADINGS: [&str; 18] = [
    "signing_domain",
    "selector",
    "owner",
    "state",
    "messages",
    "verified",
    "failed",
    "first_seen",
    "last_seen",
    "last_verified",
    "began",
    "failing_since",
    "senders",
    "paths",
    "reporters",
    "address",
    "fails_alone",
    "notes",
];

/// One line a selector; where machines were asked for, one line a machine, with its figures.
fn as_csv(answer: &SelectorsAnswer, out: &mut dyn Write) -> Result<()> {
    let lines = answer.selectors.iter().flat_map(|one| match &one.addresses {
        Some(addresses) => addresses.iter().map(|address| cells(one, Some(address))).collect(),
        None => vec![cells(one, None)],
    });
    csv(&HEADINGS, lines, out)
}

fn cells(one: &SelectorUse, address: Option<&KeyAddress>) -> Vec<String> {
    let join = |words: &mut dyn Iterator<Item = &str>| words.collect::<Vec<_>>().join(" ");
    let figures = address.map_or([one.messages, one.verified, one.failed], |address| {
        [address.messages, address.verified, address.failed]
    });
    vec![
        one.signing_domain.clone(),
        one.selector.clone().unwrap_or_default(),
        one.owner.as_str().to_owned(),
        one.state.as_str().to_owned(),
        figures[0].to_string(),
        figures[1].to_string(),
        figures[2].to_string(),
        address.map_or(&one.first_seen, |address| &address.first_seen).clone(),
        address.map_or(&one.last_seen, |address| &address.last_seen).clone(),
        one.last_verified.clone().unwrap_or_default(),
        one.began.clone().unwrap_or_default(),
        one.failing_since.clone().unwrap_or_default(),
        join(&mut one.senders.iter().map(|sender| sender.sender.as_str())),
        join(&mut one.senders.iter().map(|sender| sender.path.as_str())),
        join(&mut one.reporters.iter().map(|reporter| reporter.reporter.as_str())),
        address.map_or_else(String::new, |address| address.ip.to_string()),
        address.map_or_else(String::new, |address| address.fails_alone.to_string()),
        one.notes.join("; "),
    ]
}
