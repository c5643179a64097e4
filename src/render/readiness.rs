//! The review before `p=quarantine` or `p=reject`, for a terminal, a ticket, a program.

use std::io::{Result, Write};

use super::grid::{Column, Grid, Row, csv};
use super::paths::summary;
use super::prose::Prose;
use super::{Form, Paint, Style, findings, json};
use crate::diagnosis::readiness::{Blocker, Check, Review, Verdict};
use crate::role::Role;
use crate::words::{grouped, percent, plural};

/// Writes a review.
///
/// # Errors
/// Those of writing.
pub fn readiness(answer: &Review, form: Form, style: &Style, out: &mut dyn Write) -> Result<()> {
    match form {
        Form::Json => json(answer, out),
        Form::Csv => csv(
            &["name", "area", "blocking", "passed", "detail", "threshold"],
            answer.checks.iter().map(|check| {
                let area = format!("{:?}", check.area).to_lowercase();
                let flags = [check.blocking.to_string(), check.passed.to_string()];
                let [blocking, passed] = flags;
                vec![check.name.clone(), area, blocking, passed, check.detail.clone(), check.threshold.clone()]
            }),
            out,
        ),
        Form::Table => prose(answer).table(out, style),
        Form::Markdown => prose(answer).markdown(out),
    }
}

/// What a verdict says, in a sentence.
pub(super) fn sentence(answer: &Review) -> String {
    let target = answer.target.as_str();
    let (domain, failed) = (&answer.domain, failed(answer));
    match answer.verdict {
        Verdict::Ready => format!("{domain} is ready for p={target}."),
        Verdict::NotReady => format!("{domain} is not ready for p={target}: {}.", reasons(&failed)),
        Verdict::Undecided => format!(
            "Nothing of {domain}'s own stands in the way of p={target}; whose the mail of {} is has to be decided first.",
            plural(answer.decisions.len() as u64, "sender")
        ),
        Verdict::NotEnoughData => {
            format!("There is not enough data to say whether {domain} is ready for p={target}: {}.", reasons(&failed))
        }
    }
}

/// What is to be known before the verdict: that the reports it rests on can be anybody's.
pub(super) fn caution(answer: &Review) -> Option<&'static str> {
    let evidence = &answer.evidence;
    (evidence.reports > 0 && evidence.unchecked_reports > 0 && !evidence.unchecked_left_out).then_some(ANYBODYS)
}

/// Said where nobody checked who sent the reports.
pub(super) const ANYBODYS: &str = "Nobody checked who sent these reports (trusted_authserv_id): they can be anybody's.";

/// The blocking checks that failed, those about data alone where they decide.
fn failed(answer: &Review) -> Vec<&Check> {
    let failed = answer.checks.iter().filter(|check| check.blocking && !check.passed);
    let data = |check: &&Check| check.area == crate::diagnosis::readiness::CheckArea::Data;
    let all: Vec<&Check> = failed.collect();
    match answer.verdict {
        Verdict::NotEnoughData => all.into_iter().filter(data).collect(),
        _ => all,
    }
}

fn reasons(failed: &[&Check]) -> String {
    let names: Vec<String> = failed.iter().map(|check| small(&title(&check.name))).collect();
    names.join(", ")
}

/// Text with a small first letter, for the middle of a sentence; not where a name begins.
pub(super) fn small(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(next)) if next.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

/// A check's name for people.
pub(super) fn title(name: &str) -> String {
    match name {
        "days" => "Days with reports",
        "reporters" => "Reporters",
        "messages" => "Messages",
        "newest_report" => "Age of the newest report",
        "largest_reporter" => "Share of the largest reporter",
        "unchecked_reports" => "Genuine reports",
        "reporters_silent" => "Reporters that fell silent",
        "own_mail" => "Mail of your own",
        "pass_share" => "Pass share of your mail",
        "domain_findings" => "SPF and DKIM of the domain itself",
        "failing_paths" => "Paths of yours that fail",
        "dkim_coverage" => "Paths carried by SPF alone",
        "failing_signatures" => "Signatures that fail everywhere",
        "recognised_senders" => "Senders to decide about",
        "forgotten_senders" => "Forgotten senders",
        "selectors" => "Selectors",
        "regressions" => "Fresh regressions",
        "policy_ladder" => "One step at a time",
        "policy_in_full" => "Policy in full",
        "subdomains" => "Subdomains",
        "mailbox_users" => "People's mailboxes",
        "strict_alignment" => "Strict alignment",
        other => {
            let words = other.strip_prefix("dns_").map(|rest| format!("DNS: {rest}")).unwrap_or(other.to_owned());
            return words.replace('_', " ");
        }
    }
    .to_owned()
}

pub(super) fn verdict_paint(verdict: Verdict) -> Paint {
    match verdict {
        Verdict::Ready => Paint::Good,
        Verdict::NotReady => Paint::Bad,
        Verdict::NotEnoughData | Verdict::Undecided => Paint::Warn,
    }
}

/// The window, and how much is known of it.
pub(super) fn known(answer: &Review) -> String {
    let days = match (&answer.window.begin, &answer.window.end) {
        (Some(begin), Some(end)) if begin == end => begin.clone(),
        (Some(begin), Some(end)) => format!("{begin} to {end}"),
        _ => "no days".to_owned(),
    };
    summary(&days, answer.evidence.reports, answer.reporters.len() as u64, answer.newest_report.as_deref())
}

fn prose(answer: &Review) -> Prose {
    let mut prose = Prose::default();
    prose.line(known(answer), Paint::Plain);
    if let Some(caution) = caution(answer) {
        prose.line(caution, Paint::Warn);
    }
    prose.line(sentence(answer), verdict_paint(answer.verdict));
    findings::prose(&answer.findings, &mut prose);
    impact(answer, &mut prose);
    checks(answer, &mut prose);
    blockers(answer, &mut prose);
    fragile(answer, &mut prose);
    decisions(answer, &mut prose);
    decide(answer, &mut prose);
    forgotten(answer, &mut prose);
    subdomains(answer, &mut prose);
    receivers(answer, &mut prose);
    reporters(answer, &mut prose);
    changes(answer, &mut prose);
    if !answer.advice.is_empty() {
        prose.heading("What the standard says");
        for advice in &answer.advice {
            prose.item(0, format!("{}:", advice.section), Paint::Dim, format!("{} ({})", advice.text, advice.because));
        }
    }
    prose
}

fn impact(answer: &Review, prose: &mut Prose) {
    let (impact, target) = (&answer.impact, answer.target.as_str());
    prose.heading(format!("What p={target} would do to {}", plural(impact.messages, "message")));
    let mut grid =
        Grid::new([Column::text("WHOSE"), Column::number("MESSAGES"), Column::number("SHARE"), Column::text("")]);
    let mut add = |whose: &str, messages: u64, says: &str, paint: Paint| {
        let paint = if messages == 0 { Paint::Dim } else { paint };
        let row = [whose.to_owned(), grouped(messages), percent(messages, impact.messages), says.to_owned()];
        grid.push(Row::new(row).paint(0, paint));
    };
    add("pass DMARC", impact.pass, "arrive as now", Paint::Good);
    for role in Role::ALL {
        let (what, paint) = match role {
            Role::Own | Role::Approved => ("would be lost", Paint::Bad),
            Role::Service | Role::OtherAccount => ("decide whose they are", Paint::Warn),
            Role::Forwarder | Role::MailingList | Role::RecipientFilter => ("receivers decide", Paint::Warn),
            Role::Denied | Role::Unknown => ("what the policy is for", Paint::Dim),
        };
        add(role.as_str(), impact.lost.of(role), what, paint);
    }
    prose.grid(grid);
}

fn checks(answer: &Review, prose: &mut Prose) {
    prose.heading("Checks");
    for check in &answer.checks {
        let (mark, paint) = match (check.passed, check.blocking) {
            (true, _) => ("ok", Paint::Good),
            (false, true) => ("BLOCKS", Paint::Bad),
            (false, false) => ("advice", Paint::Warn),
        };
        let text = format!("{}: {} ({})", title(&check.name), check.detail, check.threshold);
        prose.item(0, mark, paint, text);
    }
}

fn blockers(answer: &Review, prose: &mut Prose) {
    if answer.blockers.is_empty() {
        return;
    }
    prose.heading("What stands in the way");
    for blocker in &answer.blockers {
        prose.item(0, "→", Paint::Bad, blocker_line(blocker, &answer.domain));
        let Some(remedy) = &blocker.remedy else { continue };
        prose.item(1, "mend:", Paint::Plain, remedy.title.clone());
        for (number, step) in remedy.steps.iter().enumerate() {
            prose.item(1, format!("{}.", number + 1), Paint::Dim, step.clone());
        }
        for record in &remedy.records {
            let value = record.value.as_deref().unwrap_or("(value as the provider shows it)");
            prose.code(format!("{} {} {value}", record.name, record.kind));
        }
        if let Some(source) = &remedy.source {
            prose.item(1, "source:", Paint::Dim, source.clone());
        }
    }
}

/// One blocker in a line.
pub(super) fn blocker_line(blocker: &Blocker, domain: &str) -> String {
    let from = if blocker.domain == domain { String::new() } else { format!(" as {}", blocker.domain) };
    let mut parts = vec![format!("{}{from}", blocker.sender)];
    parts.push(format!("{}, {}", blocker.class.as_str(), blocker.role.as_str()));
    if blocker.reasons.contains(&"fails") {
        parts.push(format!("{} of {} fail", grouped(blocker.messages), grouped(blocker.path_messages)));
    }
    if blocker.reasons.contains(&"spf-alone") {
        parts.push(format!("{} pass by SPF alone", grouped(blocker.spf_alone)));
    }
    parts.push(blocker.path.clone());
    parts.join(" · ")
}

fn fragile(answer: &Review, prose: &mut Prose) {
    let only: Vec<_> =
        answer.fragile.iter().filter(|path| !answer.blockers.iter().any(|blocker| blocker.path == path.path)).collect();
    if only.is_empty() {
        return;
    }
    prose.heading("Carried by SPF alone: lost when forwarded");
    for path in only {
        let text = format!(
            "{} · {} · {} of {} · {}",
            path.sender,
            path.class.as_str(),
            grouped(path.messages),
            plural(path.path_messages, "message"),
            path.path
        );
        prose.item(0, "→", Paint::Warn, text);
    }
}

/// A sender whose mail fails, and its path.
fn failing(sender: &str, messages: u64, path: &str, prose: &mut Prose) {
    prose.item(0, "→", Paint::Warn, format!("{sender} · {} fail · {path}", plural(messages, "message")));
}

fn decisions(answer: &Review, prose: &mut Prose) {
    if answer.decisions.is_empty() {
        return;
    }
    prose.heading("Decisions to make");
    prose.line(
        "Whose these are, no report shows. Paste one of the two entries for each into the configuration; lines with # say \
         what to do first where an entry would be about others too.",
        Paint::Plain,
    );
    for decision in &answer.decisions {
        failing(&decision.sender, decision.messages, &decision.path, prose);
        for entry in [&decision.approve, &decision.deny] {
            entry.lines().for_each(|line| prose.code(line));
        }
    }
}

fn decide(answer: &Review, prose: &mut Prose) {
    if answer.decide.is_empty() {
        return;
    }
    prose.heading("Senders to decide about");
    prose.line(
        "Known services of which nothing shows that they send for you. If they do, put them into [[sender]] and have them sign.",
        Paint::Plain,
    );
    for path in &answer.decide {
        failing(&path.sender, path.messages, &path.path, prose);
    }
}

fn forgotten(answer: &Review, prose: &mut Prose) {
    if answer.forgotten.is_empty() {
        return;
    }
    prose.heading("Unknown, and worth a look before they are lost");
    for path in &answer.forgotten {
        failing(&path.sender, path.messages, &path.path, prose);
    }
}

fn subdomains(answer: &Review, prose: &mut Prose) {
    if answer.subdomains.is_empty() {
        return;
    }
    prose.heading("Subdomains seen");
    let mut grid = Grid::new([
        Column::text("SUBDOMAIN"),
        Column::number("MESSAGES"),
        Column::number("PASS"),
        Column::number("YOURS LOST"),
        Column::text("POLICY NOW"),
        Column::text("THEN"),
    ]);
    for one in &answer.subdomains {
        let mut row = Row::new([
            one.domain.clone(),
            grouped(one.messages),
            percent(one.pass, one.messages),
            grouped(one.own_lost),
            match &one.now {
                Some(now) => format!("{now} ({})", one.by),
                None => one.by.to_owned(),
            },
            one.then.clone(),
        ]);
        row.below = (!one.notes.is_empty()).then(|| one.notes.join("; "));
        grid.push(row);
    }
    prose.grid(grid);
}

fn receivers(answer: &Review, prose: &mut Prose) {
    let done = &answer.dispositions;
    let failing = done.none + done.quarantine + done.reject + done.unknown;
    if failing == 0 {
        return;
    }
    prose.heading("What receivers did with the messages that failed");
    let mut parts = Vec::new();
    for (word, messages) in [
        ("delivered", done.none),
        ("quarantined", done.quarantine),
        ("rejected", done.reject),
        ("not told", done.unknown),
    ] {
        if messages > 0 {
            parts.push(format!("{word} {} ({})", grouped(messages), percent(messages, failing)));
        }
    }
    prose.line(format!("{}: {}", plural(failing, "message"), parts.join(", ")), Paint::Plain);
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
        prose.item(0, "→", Paint::Dim, text);
    }
    if answer.overridden.len() > MOST {
        let more = (answer.overridden.len() - MOST) as u64;
        prose.item(0, "→", Paint::Dim, format!("{} more, in the JSON answer", grouped(more)));
    }
}

/// The first few names, and how many more.
pub(super) fn few(names: &[String]) -> String {
    const MOST: usize = 3;
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn reporters(answer: &Review, prose: &mut Prose) {
    if answer.reporters.is_empty() {
        return;
    }
    prose.heading("Who reports");
    let mut grid = Grid::new([
        Column::text("REPORTER"),
        Column::number("REPORTS"),
        Column::number("MESSAGES"),
        Column::number("SHARE"),
        Column::text("LAST"),
        Column::text(""),
    ]);
    for one in &answer.reporters {
        grid.push(
            Row::new([
                one.reporter.clone(),
                grouped(one.reports),
                grouped(one.messages),
                percent(one.messages, answer.evidence.messages.max(one.messages)),
                one.last.clone(),
                if one.silent { "fell silent".to_owned() } else { String::new() },
            ])
            .paint(5, Paint::Warn),
        );
    }
    prose.grid(grid);
}

fn changes(answer: &Review, prose: &mut Prose) {
    if answer.policy_changes.is_empty() {
        return;
    }
    prose.heading("The published record changed in this window");
    for change in &answer.policy_changes {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let text = format!("{}: {} → {}", change.tag, value(&change.from), value(&change.to));
        prose.item(0, change.date.clone(), Paint::Dim, text);
    }
}
