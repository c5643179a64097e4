//! The review before `p=quarantine` or `p=reject`, for a terminal, a ticket, a program.

mod blockers;
mod details;
pub(super) mod list;
mod wording;

pub(super) use wording::{ANYBODYS, verdict_paint};

use std::collections::BTreeMap;

use serde::Serialize;

use crate::diagnosis::readiness::{Check, Decision, Review, Subdomain, Target, Undecided};
use crate::render::document::{Document, Mark, Paint, Text};
use crate::render::form::Answer;
use crate::render::shares::{Share, Shares};
use crate::render::sparkline::Look;
use crate::render::table::{Column, Field, Row, Rows, Table, Written as _, painted, plain};
use crate::render::{findings, remedy};
use crate::role::Role;
use crate::words::{self, grouped, more, percent, plural};
use wording::{caution, few, known, sentence, title};

/// The most blockers that are shown with what to do; for the others `explain` says it.
const IN_FULL: usize = 10;
/// So many subdomains of one kind that only spoofed mail carries are one row.
const MANY: usize = 5;

const FIELDS: &[Field<Check>] = &[
    ("name", |check| check.name.written()),
    ("area", |check| check.area.as_str().written()),
    ("blocking", |check| check.blocking.written()),
    ("passed", |check| check.passed.written()),
    ("detail", |check| check.detail.written()),
    ("threshold", |check| check.threshold.written()),
];

impl Answer for Review {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        self
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        document.aside(|document| document.title(details::title(self)));
        document.text(known(self));
        if let Some(caution) = caution(self) {
            document.text(Text::plain(caution).paint(Paint::Warn));
        }
        document.text(Text::plain(sentence(self)).paint(verdict_paint(self.verdict)));
        findings::in_full(&self.findings, &mut document);
        impact(self, &mut document);
        checks(self, &mut document);
        blockers(self, &mut document);
        ended(self, &mut document);
        fragile(self, &mut document);
        decisions(self, &mut document);
        decide(self, &mut document);
        forgotten(self, &mut document);
        subdomains(self, &mut document);
        receivers(self, &mut document);
        reporters(self, &mut document);
        changes(self, &mut document);
        document.aside(|document| details::policy(self, document));
        if !self.advice.is_empty() {
            document.heading("What the standard says");
        }
        for advice in &self.advice {
            let text = format!("{} ({})", advice.text, advice.because);
            document.marked(format!("{}:", advice.section), Paint::Dim, Text::prose(text));
        }
        document.aside(|document| {
            details::daily(self, document);
            details::paths(self, document);
            details::method(self, document);
        });
        document
    }

    /// A check is a row.
    fn rows(&self) -> Rows<'_> {
        Rows::of(FIELDS, self.checks.iter())
    }
}

fn impact(answer: &Review, document: &mut Document) {
    let (impact, target) = (&answer.impact, answer.target.as_str());
    document.heading(format!("What p={target} would do to {}", plural(impact.messages, "message")));
    let share = |look, label, note, paint, messages| Share { look, label, note, paint, messages };
    let mut parts = vec![share(Look::Signed, "pass DMARC", "arrive as now", Paint::Good, impact.pass)];
    for &role in Role::ALL {
        let (look, note, paint) = match role {
            Role::Own => (Look::Unsigned, "would be lost", Paint::Bad),
            Role::Approved => (Look::Broken, "would be lost", Paint::Bad),
            Role::Service => (Look::Unaligned, "decide whose they are", Paint::Warn),
            Role::OtherAccount => (Look::Intermittent, "decide whose they are", Paint::Warn),
            Role::Forwarder | Role::MailingList | Role::RecipientFilter => {
                (Look::HandedOn, "receivers decide", Paint::Warn)
            }
            Role::Denied | Role::Unknown => (Look::NotReported, "what the policy is for", Paint::Dim),
        };
        parts.push(share(look, role.as_str(), note, paint, impact.lost_of(role)));
    }
    document.shares(Shares { parts });
    if answer.target == Target::Quarantine {
        document.aside(|document| document.text("Lost means: put into the junk folder."));
    }
}

fn checks(answer: &Review, document: &mut Document) {
    document.heading("Checks");
    for check in &answer.checks {
        let (mark, paint) = match (check.passed, check.blocking) {
            (true, _) => ("ok", Paint::Good),
            (false, true) => ("BLOCKS", Paint::Bad),
            (false, false) => ("advice", Paint::Warn),
        };
        let text = format!("{}: {} ({})", title(&check.name), check.detail, check.threshold);
        document.marked(mark, paint, Text::prose(text));
    }
}

fn blockers(answer: &Review, document: &mut Document) {
    if answer.blockers.is_empty() {
        return;
    }
    document.heading("What stands in the way");
    for (at, alike) in blockers::alike(&answer.blockers).into_iter().enumerate() {
        blockers::lines(&alike, &answer.domain, document);
        if let Some(remedy) = alike[0].remedy.as_ref().filter(|_| at < IN_FULL) {
            document.item_at(1, Mark::None, remedy::title(remedy));
            remedy::steps(remedy, 1, document);
        }
    }
}

fn ended(answer: &Review, document: &mut Document) {
    if answer.ended.is_empty() {
        return;
    }
    document.heading("Nothing comes from these any more");
    for path in &answer.ended {
        let (messages, last) = (plural(path.messages, "message"), &path.last_seen);
        let text = format!("{} · last mail {last}, {messages} before · {}", path.sender, path.path);
        document.marked("→", Paint::Dim, text);
    }
}

fn fragile(answer: &Review, document: &mut Document) {
    let only: Vec<_> =
        answer.fragile.iter().filter(|path| !answer.blockers.iter().any(|blocker| blocker.path == path.path)).collect();
    if only.is_empty() {
        return;
    }
    document.heading("Pass by SPF only: lost when forwarded");
    for path in only {
        let text = format!(
            "{} · {} · {} of {} · {}",
            path.sender,
            path.class.as_str(),
            grouped(path.messages),
            plural(path.path_messages, "message"),
            path.path
        );
        document.marked("→", Paint::Warn, text);
    }
}

/// A sender whose mail fails, and its path.
fn failing(sender: &str, messages: u64, path: &str, document: &mut Document) {
    document.marked("→", Paint::Warn, format!("{sender} · {} fail · {path}", plural(messages, "message")));
}

fn decisions(answer: &Review, document: &mut Document) {
    if answer.decisions.is_empty() {
        return;
    }
    document.heading("Decisions to make");
    let is_live = |decision: &Decision| [&decision.approve, &decision.deny].into_iter().any(|entry| has_entry(entry));
    let how = match answer.decisions.iter().filter(|one| is_live(one)).count() {
        0 => "No report shows whose these are. An entry would cover others too: the lines with # say what to do first.",
        some if some == answer.decisions.len() => {
            "No report shows whose these are. Paste one of the two entries for each into the configuration; lines with # \
             say what to do first where an entry would cover others too."
        }
        _ => {
            "No report shows whose these are. Where an entry stands without #, paste one into the configuration; lines with # \
             say what to do first where an entry would cover others too."
        }
    };
    document.text(how);
    for decision in &answer.decisions {
        let has = |reason| decision.reasons.contains(&reason);
        if has("account-unproven") {
            let (sender, path) = (&decision.sender, &decision.path);
            let passing = format!("{} pass by SPF only", plural(decision.spf_alone, "message"));
            document.marked("→", Paint::Warn, format!("{sender} · {passing} · {path}"));
        } else {
            failing(&decision.sender, decision.messages, &decision.path, document);
        }
        let several = if decision.is_of_line() { &[][..] } else { &decision.together };
        for one in several {
            let text = format!("{} · {} · {}", one.sender, plural(one.messages, "message"), one.path);
            document.item_at(1, Mark::Bullet, text);
        }
        let mut say = |text: String| document.text(Text::plain(text).paint(Paint::Warn));
        if let Some(former) = &decision.in_place_of {
            say(format!("It began as {former} fell silent: it may be the same sender, on another machine."));
        }
        if has("account-unproven") {
            say(format!(
                "{} signs its mail elsewhere. This account passes through the include of its provider, as any customer's does: it may be one of yours, and it may be a stranger's.",
                decision.domain
            ));
        }
        if decision.is_of_line() {
            say("It comes from one network, on most working days and at most reporters, about as much each day and from an address or two at a time, as from an office whose line gets a new address every few days.".to_owned());
        }
        if !several.is_empty() {
            say("A spoofer buys names like these by the dozen. If some of them are yours, keep those in [[sender]], and take them out of [[not_ours]].".to_owned());
        }
        if has("steady") {
            say("It comes from one address, on most working days and at most reporters, as a server, a printer or a script of yours would that SPF does not name.".to_owned());
        }
        for entry in [&decision.approve, &decision.deny] {
            document.verbatim(1, entry.lines().map(str::to_owned).collect());
        }
    }
}

/// Whether there is more in an entry than comments.
fn has_entry(entry: &str) -> bool {
    entry.lines().any(|line| !line.trim().is_empty() && !line.starts_with('#'))
}

/// Those of which nothing was said above, among the decisions.
fn others<'a>(answer: &'a Review, list: &'a [Undecided]) -> Vec<&'a Undecided> {
    list.iter().filter(|one| answer.decisions.iter().all(|decision| !decision.is_about(&one.path))).collect()
}

fn decide(answer: &Review, document: &mut Document) {
    let list = others(answer, &answer.decide);
    if list.is_empty() {
        return;
    }
    document.heading("Senders to decide about");
    document.text(
        "Known services; nothing shows that they send for you. If they do, put them into [[sender]] and make them sign.",
    );
    for path in list {
        failing(&path.sender, path.messages, &path.path, document);
    }
}

fn forgotten(answer: &Review, document: &mut Document) {
    let list = others(answer, &answer.forgotten);
    if list.is_empty() {
        return;
    }
    document.heading("Unknown, and worth a look before they are lost");
    for path in list {
        failing(&path.sender, path.messages, &path.path, document);
    }
}

fn subdomains(answer: &Review, document: &mut Document) {
    if answer.subdomains.is_empty() {
        return;
    }
    document.heading("Subdomains seen");
    let mut table = Table::new([
        Column::text("SUBDOMAIN"),
        Column::number("MESSAGES"),
        Column::number("PASS"),
        Column::number("YOURS LOST"),
        Column::text("POLICY NOW"),
        Column::text("THEN"),
    ]);
    // Names that nothing but spoofed mail carries are of one kind, however many somebody invents.
    let is_empty = |one: &&Subdomain| one.pass == 0 && one.own_lost == 0 && one.notes.is_empty();
    let kind = |one: &Subdomain| (one.now.clone(), one.by, one.then.clone());
    let mut invented: BTreeMap<_, Vec<&Subdomain>> = BTreeMap::new();
    answer.subdomains.iter().filter(is_empty).for_each(|one| invented.entry(kind(one)).or_default().push(one));
    invented.retain(|_, of_kind| of_kind.len() >= MANY);
    for one in &answer.subdomains {
        let of_kind = Some(one).filter(is_empty).and_then(|one| invented.get(&kind(one)));
        if of_kind.is_some_and(|of_kind| of_kind[0].domain != one.domain) {
            continue;
        }
        let (name, messages) = match of_kind {
            Some(of_kind) => (
                format!("{} and {} more", one.domain, grouped(of_kind.len() as u64 - 1)),
                of_kind.iter().fold(0, |sum: u64, one| sum.saturating_add(one.messages)),
            ),
            None => (one.domain.clone(), one.messages),
        };
        let row = Row::new([
            name,
            grouped(messages),
            percent(one.pass, messages),
            grouped(one.own_lost),
            match &one.now {
                Some(now) => format!("{now} ({})", one.by),
                None => one.by.to_owned(),
            },
            one.then.clone(),
        ]);
        table.push(row.below((!one.notes.is_empty()).then(|| Text::prose(one.notes.join("; ")))));
    }
    document.table(table);
}

fn receivers(answer: &Review, document: &mut Document) {
    let done = &answer.dispositions;
    let failing = done.none + done.quarantine + done.reject + done.unknown;
    if failing == 0 {
        return;
    }
    document.heading("What receivers did with the messages that failed");
    let parts = [
        ("delivered", done.none),
        ("quarantined", done.quarantine),
        ("rejected", done.reject),
        ("not given", done.unknown),
    ];
    let parts = words::parts(&parts, |messages| format!("{} ({})", grouped(messages), percent(messages, failing)));
    document.text(format!("{}: {parts}", plural(failing, "message")));
    const MOST: usize = 10;
    for one in answer.overridden.iter().take(MOST) {
        let why = match one.reasons.as_slice() {
            [] => "no reason given".to_owned(),
            some => some.join(", "),
        };
        let text = format!(
            "{}: {} instead of {} · {why} · {}",
            plural(one.messages, "message"),
            one.done,
            one.asked,
            few(&one.reporters)
        );
        document.marked("→", Paint::Dim, text);
    }
    if let Some(more) = more(answer.overridden.len().saturating_sub(MOST)) {
        document.marked("→", Paint::Dim, format!("{more}, see the JSON answer"));
    }
}

/// So many reporters are listed.
const REPORTERS: usize = 100;

fn reporters(answer: &Review, document: &mut Document) {
    if answer.reporters.is_empty() {
        return;
    }
    document.heading("Who reports");
    let all = answer.evidence.messages;
    let table = Table::first_of(
        REPORTERS,
        answer.reporters.iter().map(|one| (one, all.max(one.messages))),
        [
            (Column::text("REPORTER"), |(one, _)| plain(&one.reporter)),
            (Column::number("REPORTS"), |(one, _)| plain(grouped(one.reports))),
            (Column::number("MESSAGES"), |(one, _)| plain(grouped(one.messages))),
            (Column::number("SHARE"), |(one, all)| plain(percent(one.messages, *all))),
            (Column::text("LAST"), |(one, _)| plain(&one.last)),
            (Column::text(""), |(one, _)| painted(if one.silent { "fell silent" } else { "" }, Paint::Warn)),
        ],
    );
    document.table(table);
}

fn changes(answer: &Review, document: &mut Document) {
    if answer.policy_changes.is_empty() {
        return;
    }
    document.heading("The published record changed in this window");
    for change in &answer.policy_changes {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let text = format!("{}: {} → {}", change.tag, value(&change.from), value(&change.to));
        document.marked(change.date.clone(), Paint::Dim, text);
    }
}
