//! Sending paths: the answers of `unsigned` and `sources`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::document::{Document, Paint, Text};
use super::fold::{Folded, fold};
use super::form::Answer;
use super::table::{Cell, Column, Field, NoRoom, Row, Rows, Table, Written as _, plain};
use super::{findings, opening, remedy};
use crate::cause::Cause;
use crate::diagnosis::{self, Class, FindingCode, SendingPath};
use crate::words::{agree, grouped, list, percent, plural};

/// The most domains that are named.
const NAMED: usize = 3;

/// Sending paths, and what is said of them.
#[derive(Debug, Clone, Copy)]
pub struct PathsAnswer<'a> {
    /// The paths, and the domains that they send for.
    pub found: &'a diagnosis::Answer,
    /// It is about paths that want work: those that want the same are one row, with what to do.
    pub unsigned: bool,
    /// Every path is listed, and none only summed.
    pub all: bool,
}

impl Answer for PathsAnswer<'_> {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        self.found
    }

    fn document(&self) -> Document {
        let (answer, mut document) = (self.found, Document::default());
        let title = if self.unsigned { "Mail that is not signed" } else { "Sending paths" };
        document.aside(|document| document.title(title));
        opening::basis(&answer.basis, &mut document);
        findings::short(&answer.findings, &mut document);
        document.table(domains(answer));
        document.table(paths(answer, self.unsigned));
        self.footer(&mut document);
        document
    }

    fn rows(&self) -> Rows<'_> {
        Rows::of(FIELDS, self.found.paths.iter())
    }
}

impl PathsAnswer<'_> {
    fn footer(&self, document: &mut Document) {
        let answer = self.found;
        if self.unsigned && answer.paths.is_empty() {
            let unevaluable = answer
                .findings
                .iter()
                .filter(|one| one.code() == FindingCode::SpfUnevaluable && one.breaks_authentication);
            let domains: BTreeSet<&str> = unevaluable.map(|one| one.domain.as_str()).collect();
            document.text(if domains.is_empty() {
                Text::prose("No path of yours is unsigned, unaligned or broken now; what was repaired within these days is not listed (`dmarcstat sources` has since when).")
            } else {
                Text::prose(format!(
                    "No path is listed, but what is sent unsigned for {} cannot be told from what strangers send until its SPF can be evaluated: `dmarcstat sources` lists all senders.",
                    list(domains, NAMED)
                ))
            });
        }
        for finding in &answer.ledger {
            document.text(Text::prose(format!("Ledger: {}.", finding.worded())).paint(Paint::Warn));
        }
        if !self.unsigned || self.all {
            return;
        }
        let sums = [(answer.other_accounts, "of other customers' accounts"), (answer.unknown, "of unknown senders")];
        for (sum, what) in sums.into_iter().filter(|(sum, _)| sum.paths > 0) {
            let line = format!(
                "{} with {} {what} {} not listed; see {} with --all.",
                plural(sum.paths, "path"),
                plural(sum.messages, "message"),
                agree(sum.paths, "is", "are"),
                agree(sum.paths, "it", "them"),
            );
            document.text(Text::plain(line).paint(Paint::Dim));
        }
    }
}

fn domains(answer: &diagnosis::Answer) -> Table {
    Table::of(
        &answer.domains,
        [
            (Column::text("DOMAIN"), |one| plain(&one.domain)),
            (Column::text("POLICY"), |one| plain(one.policy.as_deref().unwrap_or("–"))),
            (Column::number("MESSAGES"), |one| plain(grouped(one.messages))),
            (Column::number("DMARC PASS"), |one| plain(percent(one.dmarc_pass, one.messages))),
            (Column::number("DKIM ALIGNED").from(66), |one| plain(percent(one.dkim_aligned, one.messages))),
            (Column::number("SPF ALIGNED").from(80), |one| plain(percent(one.spf_aligned, one.messages))),
            (Column::number("REPORTS").from(110), |one| plain(grouped(one.reports))),
            (Column::number("REPORTERS").from(110), |one| plain(grouped(one.reporters as u64))),
        ],
    )
}

fn paths(answer: &diagnosis::Answer, with_remedy: bool) -> Table {
    let mut table = Table::new([
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
        // `explain` asks for them.
        Column::text("ID").from(110).otherwise(NoRoom::Behind(0)),
    ]);
    let rows = if with_remedy {
        fold(&answer.paths, answer.domains.iter().map(|one| one.messages).sum())
    } else {
        each(&answer.paths)
    };
    for folded in &rows {
        let (path, messages, dkim) = (folded.first(), folded.sum(|path| path.messages), folded.dkim());
        let row = Row::new([
            folded.name(),
            if path.domain.is_empty() { "(none)".to_owned() } else { folded.domain().into_owned() },
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
        ])
        .cell(id(folded));
        table.push(row.paint(2, paint(path.class)).below(with_remedy.then(|| below(folded)).flatten()));
    }
    table
}

fn id(folded: &Folded<'_>) -> Cell {
    if folded.is_one() { folded.first().id.clone().into() } else { Cell::from("(several)").only_in_column() }
}

/// Every path in a row of its own.
fn each(paths: &[SendingPath]) -> Vec<Folded<'_>> {
    paths.iter().map(|path| Folded { paths: vec![path] }).collect()
}

pub(in crate::render) fn paint(class: Class) -> Paint {
    match class {
        Class::Signed => Paint::Good,
        Class::Intermittent | Class::Broken => Paint::Warn,
        Class::Unaligned | Class::Unsigned => Paint::Bad,
        Class::NotReported => Paint::Dim,
    }
}

/// The line below a path: what to do, and what else to know.
fn below(folded: &Folded<'_>) -> Option<Text> {
    let path = folded.first();
    let more = if !folded.is_one() {
        let each = if folded.is_same_remedy() { "the same for all of them" } else { "likewise for each" };
        Some(format!("({each}; `dmarcstat sources` lists them)"))
    } else if !path.notes.is_empty() {
        Some(format!("({})", path.notes.join("; ")))
    } else {
        None
    };
    match (path.remedy.as_ref().map(remedy::title), more.map(Text::prose)) {
        (Some(title), Some(more)) => Some(title.and(" ").and(more)),
        (title, more) => title.or(more),
    }
}

const FIELDS: &[Field<SendingPath>] = &[
    ("id", |path| path.id.written()),
    ("domain", |path| path.domain.written()),
    ("sender", |path| path.sender.written()),
    ("author", |path| path.author.written()),
    ("named_by", |path| path.named_by.written()),
    ("provider", |path| path.provider.written()),
    ("tenant", |path| path.tenant.written()),
    ("role", |path| path.role.as_str().written()),
    ("class", |path| path.class.as_str().written()),
    ("cause", |path| path.cause.map(Cause::as_str).written()),
    ("since", |path| path.since.written()),
    ("messages", |path| path.messages.written()),
    ("dkim_aligned", |path| path.dkim.aligned.written()),
    ("dkim_unaligned", |path| path.dkim.unaligned.written()),
    ("dkim_broken", |path| path.dkim.broken.written()),
    ("dkim_unsigned", |path| path.dkim.unsigned.written()),
    ("dkim_unknown", |path| path.dkim.unknown.written()),
    ("spf_aligned", |path| path.spf_aligned.written()),
    ("dmarc_pass", |path| path.dmarc_pass.written()),
    ("rejected", |path| path.rejected.written()),
    ("quarantined", |path| path.quarantined.written()),
    ("signing_domains", |path| path.signing_domains.written()),
    ("selectors", |path| path.selectors.written()),
    ("source_ips", |path| path.source_ips.written()),
    ("reporters", |path| path.reporters.written()),
    ("first_seen", |path| path.first_seen.written()),
    ("last_seen", |path| path.last_seen.written()),
    ("notes", |path| path.notes.written()),
    ("remedy", |path| path.remedy.as_ref().map(|remedy| &remedy.title).written()),
];
