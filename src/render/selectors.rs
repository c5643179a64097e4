//! DKIM selectors: the answer of `selectors`.

use serde::Serialize;

use super::document::{Document, Paint, Text};
use super::form::Answer;
use super::opening;
use super::sparkline::Marks;
use super::table::{Cell, Column, NoRoom, Row, Rows, Table};
use crate::diagnosis::{KeyAddress, KeyDay, KeyState, SelectorUse, SelectorsAnswer};
use crate::report::period::Day;
use crate::words::{agree, grouped, list, more, percent, plural};

/// The most machines of a key that are shown; the JSON answer has all of them.
const MACHINES: usize = 20;

impl Answer for SelectorsAnswer {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        self
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        document.aside(|document| document.title("DKIM selectors"));
        opening::basis(&self.basis, &mut document);
        if self.selectors.is_empty() {
            document.text("No key of these domains signed anything in this window.");
        }
        document.table(keys(self));
        document.table(machines(self));
        let others = &self.others;
        if others.selectors > 0 {
            let line = format!(
                "{} of third parties on {} {} not listed; see {} with --all.",
                plural(others.selectors, "key"),
                plural(others.messages, "message"),
                agree(others.selectors, "is", "are"),
                agree(others.selectors, "it", "them"),
            );
            document.text(Text::plain(line).paint(Paint::Dim));
        }
        document
    }

    /// One row a selector; where machines were asked for, one row a machine, with its figures.
    fn rows(&self) -> Rows<'_> {
        let rows = self.selectors.iter().flat_map(|one| match &one.addresses {
            Some(addresses) => addresses.iter().map(|address| cells(one, Some(address))).collect(),
            None => vec![cells(one, None)],
        });
        Rows::new(&HEADINGS, rows)
    }
}

fn keys(answer: &SelectorsAnswer) -> Table {
    let all = answer.selectors.iter().flat_map(|one| &one.days).map(|day| day.day);
    let days = all.clone().min().zip(all.max());
    let mut table = Table::new([
        Column::text("SELECTOR"),
        Column::text("SIGNS AS"),
        Column::text("STATE"),
        Column::number("MESSAGES").from(56),
        Column::number("VERIFIED").from(46),
        Column::text("FIRST SEEN").from(100),
        Column::text("LAST SEEN").from(70),
        Column::text("USED BY").from(90),
        Column::number("REPORTERS").from(180),
        // Its width is fixed, and so it is not text to be broken.
        Column::number("DAYS").from(150).otherwise(NoRoom::Below),
    ]);
    for one in &answer.selectors {
        let row = Row::new([
            one.selector.clone().unwrap_or_else(|| "(not named)".to_owned()),
            one.signing_domain.clone(),
            one.state.as_str().to_owned(),
            grouped(one.messages),
            percent(one.verified, one.messages),
            one.first_seen.clone(),
            one.last_seen.clone(),
            list(one.senders.iter().map(|sender| &sender.sender), 1),
            grouped(one.reporters.len() as u64),
        ])
        .cell(days.map_or_else(|| Cell::from(""), |days| picture(one, days)));
        let notes = (!one.notes.is_empty()).then(|| Text::prose(format!("({})", one.notes.join("; "))));
        table.push(row.paint(2, paint(one.state)).below(notes));
    }
    table
}

/// Day by day, how much of what a key signed verified. On narrow terminals those keys have one that want a look.
fn picture(one: &SelectorUse, days: (Day, Day)) -> Cell {
    let of = |value: fn(&KeyDay) -> u64| one.days.iter().map(|day| (day.day, value(day))).collect();
    let cell = Cell::from(Marks { days, good: of(|day| day.verified), bad: of(|day| day.failed) });
    let wants_a_look =
        matches!(one.state, KeyState::Failing | KeyState::Vanished | KeyState::Partly | KeyState::Rotated);
    if wants_a_look { cell } else { cell.only_in_column() }
}

fn paint(state: KeyState) -> Paint {
    match state {
        KeyState::Failing | KeyState::Vanished => Paint::Bad,
        KeyState::Partly => Paint::Warn,
        KeyState::Verifying => Paint::Good,
        KeyState::Rotated | KeyState::Quiet | KeyState::Few | KeyState::Unsupported => Paint::Dim,
    }
}

fn machines(answer: &SelectorsAnswer) -> Table {
    let mut table = Table::new([
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
            let row = Row::new(address_cells(if number == 0 { &name } else { "" }, address)).paint(1, paint);
            let left = if number + 1 == shown { more(addresses.len() - shown) } else { None };
            table.push(row.below(left.map(|more| format!("{more}, see the JSON answer"))));
        }
    }
    table
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
