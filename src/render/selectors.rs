//! DKIM selectors: the answer of `selectors`.

use serde::Serialize;

use super::document::{Document, Paint, Text};
use super::form::Answer;
use super::opening;
use super::sparkline::Marks;
use super::table::{Cell, Column, Field, NoRoom, Row, Rows, Table, Written as _};
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
        let lines = self.selectors.iter().flat_map(|key| {
            let machines = key.addresses.iter().flatten().map(Some);
            let all = key.addresses.is_none().then_some(None);
            machines.chain(all).map(move |address| Line { key, address })
        });
        Rows::of(&fields(), lines)
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

/// A key, and one of its machines where they were asked for.
struct Line<'a> {
    key: &'a SelectorUse,
    address: Option<&'a KeyAddress>,
}

impl Line<'_> {
    /// What is in a field about the machine.
    fn of_address(&self, value: fn(&KeyAddress) -> String) -> String {
        self.address.map(value).unwrap_or_default()
    }
}

fn fields<'a>() -> [Field<Line<'a>>; 18] {
    [
        ("signing_domain", |line| line.key.signing_domain.written()),
        ("selector", |line| line.key.selector.written()),
        ("owner", |line| line.key.owner.as_str().written()),
        ("state", |line| line.key.state.as_str().written()),
        ("messages", |line| line.address.map_or(line.key.messages, |address| address.messages).written()),
        ("verified", |line| line.address.map_or(line.key.verified, |address| address.verified).written()),
        ("failed", |line| line.address.map_or(line.key.failed, |address| address.failed).written()),
        ("first_seen", |line| line.address.map_or(&line.key.first_seen, |address| &address.first_seen).written()),
        ("last_seen", |line| line.address.map_or(&line.key.last_seen, |address| &address.last_seen).written()),
        ("last_verified", |line| line.key.last_verified.written()),
        ("began", |line| line.key.began.written()),
        ("failing_since", |line| line.key.failing_since.written()),
        ("senders", |line| line.key.senders.iter().map(|one| &one.sender).collect::<Vec<_>>().written()),
        ("paths", |line| line.key.senders.iter().map(|one| &one.path).collect::<Vec<_>>().written()),
        ("reporters", |line| line.key.reporters.iter().map(|one| &one.reporter).collect::<Vec<_>>().written()),
        ("address", |line| line.of_address(|address| address.ip.written())),
        ("fails_alone", |line| line.of_address(|address| address.fails_alone.written())),
        ("notes", |line| line.key.notes.join("; ")),
    ]
}
