//! Sending paths: the answers of `unsigned` and `sources`.

use serde::Serialize;

use super::document::{Document, Paint, Text};
use super::fold::{Folded, fold};
use super::form::Answer;
use super::table::{Cell, Column, NoRoom, Row, Rows, Table};
use super::{findings, opening, remedy};
use crate::diagnosis::{self, Class, SendingPath};
use crate::words::{agree, grouped, percent, plural};

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
        Rows::new(&HEADINGS, self.found.paths.iter().map(cells))
    }
}

impl PathsAnswer<'_> {
    fn footer(&self, document: &mut Document) {
        let answer = self.found;
        if self.unsigned && answer.paths.is_empty() {
            document.text("No path of yours is unsigned, unaligned or broken now; what was repaired within these days is not listed (`dmarcstat sources` has since when).");
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
    let mut table = Table::new([
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
        table.push(Row::new([
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
    table
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
