//! All the evidence on one path: the answer of `explain`.

use serde::Serialize;

use super::document::{Document, Paint, Text};
use super::form::Answer;
use super::paths::paint;
use super::sparkline::{Look, Series, Sparkline};
use super::table::{Cell, Column, Field, Row, Rows, Table, Written as _, painted, plain};
use super::{opening, remedy};
use crate::diagnosis::{DayPart, ExplainAnswer, NetworkPart, PartAnswer, ReporterPart, Stay, Turn, TurnKind};
use crate::report::period::{Day, date_of};
use crate::words::{self, grouped, list, more, percent, plural};

/// Where there are more machines, networks are shown instead.
const MACHINES: usize = 12;
/// The most rows of a table that are shown; the JSON answer has all of them.
const ROWS: usize = 15;
/// The most machines that fail which are named where networks are shown.
const WORST: usize = 8;
/// The most reasons of receivers that are shown.
const REASONS: usize = 8;

impl Answer for ExplainAnswer {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        self
    }

    fn document(&self) -> Document {
        let (path, evidence, mut document) = (&self.path, &self.evidence, Document::default());
        opening::basis(&self.basis, &mut document);
        let domain = if path.domain.is_empty() { "(no header From)" } else { &path.domain };
        document.title(format!("{} on {domain} [{}]", path.sender, path.id));
        let judged = format!("{}, {}", path.class.as_str(), path.role.as_str());
        document.text(Text::plain(judged).paint(paint(path.class)));
        document.text(in_words(&path.into()));
        for text in evidence.reasoning.iter().map(|reason| &reason.text).chain(&path.notes) {
            document.item(Text::prose(text));
        }
        day_by_day(&evidence.days, &mut document);
        turns(&evidence.turns, &mut document);
        reporters(self, &mut document);
        signatures(self, &mut document);
        spf(self, &mut document);
        machines(self, &mut document);
        receivers(self, &mut document);
        if let Some(remedy) = &path.remedy {
            remedy::part(remedy, &mut document);
        }
        document
    }

    /// A day is a row.
    fn rows(&self) -> Rows<'_> {
        Rows::of(FIELDS, self.evidence.days.iter())
    }
}

fn in_words(figures: &PartAnswer) -> String {
    let share = |messages| percent(messages, figures.messages);
    [
        plural(figures.messages, "message"),
        format!("DMARC pass {}", share(figures.dmarc_pass)),
        format!("SPF aligned {}", share(figures.spf_aligned)),
        format!("DKIM {}", words::parts(&figures.dkim.named(), share)),
    ]
    .join(" · ")
}

/// A row of bars for each state that occurs, all to one scale.
fn day_by_day(days: &[DayPart], document: &mut Document) {
    if days.is_empty() {
        return;
    }
    /// Counted beside the states of DKIM.
    const SPF: &str = "SPF aligned";
    type Value = fn(&PartAnswer) -> u64;
    let rows: [(&str, Look, Value); 6] = [
        ("aligned", Look::Signed, |part| part.dkim.aligned),
        ("unaligned", Look::Unaligned, |part| part.dkim.unaligned),
        ("broken", Look::Broken, |part| part.dkim.broken),
        ("unsigned", Look::Unsigned, |part| part.dkim.unsigned),
        ("unknown", Look::NotReported, |part| part.dkim.unknown),
        (SPF, Look::HandedOn, |part| part.spf_aligned),
    ];
    let values = |value: Value| days.iter().map(|part| (part.day, value(&part.figures))).collect::<Vec<_>>();
    let series = rows.into_iter().map(|(label, look, value)| Series {
        label: label.to_owned(),
        look,
        apart: label == SPF,
        days: values(value),
    });
    let occurs = |series: &Series| series.days.iter().any(|&(_, messages)| messages > 0);
    document.heading("Day by day");
    document.sparkline(Sparkline { all: values(|part| part.messages), series: series.filter(occurs).collect() });
}

fn turns(turns: &[Turn], document: &mut Document) {
    if turns.is_empty() {
        return;
    }
    document.heading("When it changed");
    for turn in turns {
        let (word, paint) = match turn.kind {
            TurnKind::Mended => ("mended", Paint::Good),
            TurnKind::Worse => ("worse", Paint::Bad),
            TurnKind::Changed => ("changed", Paint::Warn),
        };
        document.item(Text::plain(format!("{}, {word}: ", turn.day)).and(Text::prose(&turn.text)).paint(paint));
        document.below(stay("before", &turn.before));
        document.below(stay("after", &turn.after));
        let mut seen = format!("shown by {}", turn.reporters.join(", "));
        if !turn.unchanged_at.is_empty() {
            seen.push_str(&format!("; nothing of it at {}", turn.unchanged_at.join(", ")));
        }
        document.below(seen);
    }
}

fn stay(word: &str, stay: &Stay) -> String {
    let days = if stay.begin == stay.end { stay.begin.clone() } else { format!("{} to {}", stay.begin, stay.end) };
    format!("{word}, {days}: {}", in_words(&stay.figures))
}

fn reporters(answer: &ExplainAnswer, document: &mut Document) {
    fn share(one: &ReporterPart, part: u64) -> Cell {
        plain(percent(part, one.figures.messages))
    }
    let table = Table::first_of(
        ROWS,
        &answer.evidence.by_reporter,
        [
            (Column::text("REPORTER"), |one| plain(&one.reporter)),
            (Column::number("MESSAGES"), |one| plain(grouped(one.figures.messages))),
            (Column::number("ALIGNED"), |one| share(one, one.figures.dkim.aligned)),
            (Column::number("UNALIGNED").from(70), |one| share(one, one.figures.dkim.unaligned)),
            (Column::number("BROKEN").from(70), |one| share(one, one.figures.dkim.broken)),
            (Column::number("UNSIGNED").from(70), |one| share(one, one.figures.dkim.unsigned)),
            (Column::number("SPF ALIGNED").from(90), |one| share(one, one.figures.spf_aligned)),
            (Column::text("FIRST SEEN").from(120), |one| plain(&one.first_seen)),
            (Column::text("LAST SEEN").from(100), |one| plain(&one.last_seen)),
            (Column::text("COMPARED").from(50), |one| beside(one)),
        ],
    );
    document.heading("Who saw it");
    document.table(table);
}

fn beside(one: &ReporterPart) -> Cell {
    let (word, paint) = match one.agrees {
        Some(true) => ("agrees", Paint::Plain),
        Some(false) => ("disagrees", Paint::Warn),
        None => ("too few to compare", Paint::Plain),
    };
    let mut words = word.to_owned();
    if one.contradictions > 0 {
        words.push_str(&format!(", contradicts itself in {}", grouped(one.contradictions)));
    }
    painted(words, paint)
}

fn signatures(answer: &ExplainAnswer, document: &mut Document) {
    document.heading("Signatures");
    if answer.evidence.signatures.is_empty() {
        document.text("None was listed.");
    }
    let table = Table::first_of(
        ROWS,
        &answer.evidence.signatures,
        [
            (Column::text("SIGNS AS"), |one| plain(&one.signing_domain)),
            (Column::text("SELECTOR"), |one| plain(one.selector.as_deref().unwrap_or("(not named)"))),
            (Column::text("ALIGNS").from(50), |one| plain(yes_or_no(one.aligns))),
            (Column::number("MESSAGES").from(64), |one| plain(grouped(one.messages))),
            (Column::text("RESULTS"), |one| {
                let results = one.results.by_word().map(|(word, messages)| format!("{word} {}", grouped(messages)));
                plain(results.collect::<Vec<_>>().join(", "))
            }),
            (Column::text("FIRST SEEN").from(120), |one| plain(&one.first_seen)),
            (Column::text("LAST SEEN").from(100), |one| plain(&one.last_seen)),
        ],
    );
    document.table(table);
}

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn spf(answer: &ExplainAnswer, document: &mut Document) {
    document.heading("SPF");
    if answer.evidence.spf.is_empty() {
        document.text("No check was listed.");
    }
    let table = Table::first_of(
        ROWS,
        &answer.evidence.spf,
        [
            (Column::text("DOMAIN"), |one| plain(one.domain.as_deref().unwrap_or("(none)"))),
            (Column::text("SCOPE").from(70), |one| plain(one.scope.unwrap_or("–"))),
            (Column::text("RESULT"), |one| plain(one.result)),
            (Column::text("ALIGNS"), |one| plain(yes_or_no(one.aligns))),
            (Column::number("MESSAGES"), |one| plain(grouped(one.messages))),
        ],
    );
    document.table(table);
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
fn machines(answer: &ExplainAnswer, document: &mut Document) {
    let evidence = &answer.evidence;
    if evidence.addresses.is_empty() {
        return;
    }
    if evidence.addresses.len() <= MACHINES {
        document.heading("Machines, worst first");
        let mut table = Table::new([Column::text("ADDRESS")].into_iter().chain(PART_COLUMNS));
        for one in &evidence.addresses {
            let cells = part_cells(&one.figures, one.last_seen);
            table.push(Row::new([one.ip.to_string()].into_iter().chain(cells)));
        }
        return document.table(table);
    }
    let (machines, networks) = (evidence.addresses.len() as u64, evidence.networks.len() as u64);
    document.heading(format!("{} in {}, worst first", plural(machines, "machine"), plural(networks, "network")));
    let columns = [Column::text("NETWORK"), Column::number("MACHINES")];
    let mut table = Table::new(columns.into_iter().chain(PART_COLUMNS)).at_most(ROWS);
    for one in &evidence.networks {
        table.push(Row::new(network_head(one).into_iter().chain(part_cells(&one.figures, one.last_seen))));
    }
    document.table(table);
    let failing: Vec<_> =
        evidence.addresses.iter().filter(|one| one.figures.dkim.aligned < one.figures.messages).collect();
    if failing.is_empty() || failing.len() as u64 == machines {
        return;
    }
    document.text(format!(
        "{} of the {} sent mail that was not aligned: {}",
        grouped(failing.len() as u64),
        plural(machines, "machine"),
        list(failing.iter().map(|one| one.ip), WORST),
    ));
}

fn network_head(one: &NetworkPart) -> [String; 2] {
    [one.network.clone(), grouped(one.addresses)]
}

/// What became of the mail at the receivers, and bounces.
fn receivers(answer: &ExplainAnswer, document: &mut Document) {
    let evidence = &answer.evidence;
    document.heading("At the receivers");
    let done = &evidence.dispositions;
    let parts = [
        ("delivered, no policy applied", done.none),
        ("passed under the policy", done.pass),
        ("quarantined", done.quarantine),
        ("rejected", done.reject),
        ("not given", done.unknown),
    ];
    document.item(format!("disposition: {}", words::parts(&parts, grouped)));
    if let Some(null) = &evidence.null_senders {
        document.item(format!("null reverse-path (bounces, automatic replies): {}", in_words(null)));
    }
    if let Some(none) = &evidence.no_address {
        document.item(format!("no address named: {}", in_words(none)));
    }
    if evidence.contradictions > 0 {
        let messages = plural(evidence.contradictions, "message");
        let text = format!("the evaluation and the results listed disagree on {messages}");
        document.item(Text::plain(text).paint(Paint::Warn));
    }
    for one in evidence.words.iter().take(REASONS) {
        let about = if one.about == "dkim" { "DKIM" } else { "SPF" };
        let said = one.code.map(str::to_owned).or_else(|| one.text.as_ref().map(|text| format!("\"{text}\"")));
        let said = said.unwrap_or_else(|| "other texts".to_owned());
        document
            .item(format!("written beside {about} that does not pass: {said}, {}", plural(one.messages, "message")));
    }
    if let Some(more) = more(evidence.words.len().saturating_sub(REASONS)) {
        document.item(Text::plain(format!("{more} texts, see the JSON answer")).paint(Paint::Dim));
    }
    for one in evidence.overrides.iter().take(REASONS) {
        let comment = one.comment.as_ref().map_or_else(String::new, |comment| format!(" ({comment})"));
        document.item(format!("override {}{comment}: {}", one.kind, plural(one.messages, "message")));
    }
    if let Some(more) = more(evidence.overrides.len().saturating_sub(REASONS)) {
        document.item(Text::plain(format!("{more} reasons, see the JSON answer")).paint(Paint::Dim));
    }
}

const FIELDS: &[Field<DayPart>] = &[
    ("day", |part| date_of(part.day).written()),
    ("messages", |part| part.figures.messages.written()),
    ("dkim_aligned", |part| part.figures.dkim.aligned.written()),
    ("dkim_unaligned", |part| part.figures.dkim.unaligned.written()),
    ("dkim_broken", |part| part.figures.dkim.broken.written()),
    ("dkim_unsigned", |part| part.figures.dkim.unsigned.written()),
    ("dkim_unknown", |part| part.figures.dkim.unknown.written()),
    ("spf_aligned", |part| part.figures.spf_aligned.written()),
    ("dmarc_pass", |part| part.figures.dmarc_pass.written()),
];
