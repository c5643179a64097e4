//! What a review says of itself: its verdict, its checks and the names of them, in words.

use crate::diagnosis::readiness::{Check, CheckArea, Decision, Review, Verdict};
use crate::render::document::Paint;
use crate::render::opening::{days_of, summary};
use crate::words::{agree, list, plural};

/// What a verdict says, in a sentence.
pub(in crate::render) fn sentence(answer: &Review) -> String {
    let target = answer.target.as_str();
    let (domain, failed) = (&answer.domain, failed(answer));
    match answer.verdict {
        Verdict::Ready if is_published(answer) => {
            format!("{domain} is at p={target}; nothing of its own mail speaks against it.")
        }
        Verdict::Ready => format!("{domain} is ready for p={target}."),
        Verdict::NotReady if is_published(answer) => {
            format!("{domain} is at p={target}, and not ready for it: {}.", reasons(&failed))
        }
        Verdict::NotReady => format!("{domain} is not ready for p={target}: {}.", reasons(&failed)),
        Verdict::Undecided => format!(
            "No mail of {domain}'s own stands in the way of p={target}, but somebody has to decide first whose the mail of {} is.",
            plural(answer.decisions.iter().map(Decision::senders).sum(), "sender")
        ),
        Verdict::NotEnoughData => {
            let mut text = format!(
                "There is not enough data to say whether {domain} is ready for p={target}: {}.",
                reasons(&failed)
            );
            let certain = || answer.blockers.iter().filter(|one| one.certain).map(|one| &one.sender);
            let number = certain().count() as u64;
            if number > 0 {
                text += &format!(
                    " Certain already: {} of yours {} in the way ({}).",
                    plural(number, "path"),
                    agree(number, "stands", "stand"),
                    list(certain(), 3)
                );
            }
            if failed.iter().any(|check| is_of_length(&check.name)) {
                text += " Ask over more days (--since): those before may have enough.";
            }
            text
        }
    }
}

/// Whether the policy that the review is for is published already.
pub(super) fn is_published(answer: &Review) -> bool {
    answer.published.as_ref().and_then(|record| record.p.as_deref()) == Some(answer.target.as_str())
}

/// Whether more days would help a check.
fn is_of_length(name: &str) -> bool {
    matches!(name, "days" | "reporters" | "messages")
}

/// What is to be known before the verdict: that the reports it rests on can be anybody's.
pub(super) fn caution(answer: &Review) -> Option<&'static str> {
    let evidence = &answer.evidence;
    (evidence.reports > 0 && evidence.unchecked_reports > 0 && !evidence.unchecked_left_out).then_some(ANYBODYS)
}

/// Said where nobody checked who sent the reports.
pub(in crate::render) const ANYBODYS: &str =
    "Nobody checked who sent these reports (trusted_authserv_id): anybody could have written them.";

/// The blocking checks that failed, those about data alone where they decide.
pub(super) fn failed(answer: &Review) -> Vec<&Check> {
    let failed = answer.checks.iter().filter(|check| check.blocking && !check.passed);
    let data = |check: &&Check| check.area == CheckArea::Data;
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
        "lone_reporter" => "One reporter against the others",
        "failing_paths" => "Paths of yours that fail",
        "dkim_coverage" => "Paths that pass by SPF only",
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

pub(in crate::render) fn verdict_paint(verdict: Verdict) -> Paint {
    match verdict {
        Verdict::Ready => Paint::Good,
        Verdict::NotReady => Paint::Bad,
        Verdict::NotEnoughData | Verdict::Undecided => Paint::Warn,
    }
}

/// The window, and how much is known of it.
pub(super) fn known(answer: &Review) -> String {
    let newest = answer.newest_report.as_deref();
    summary(&days_of(&answer.window), answer.evidence.reports, answer.reporters.len(), newest)
}

/// The first few names, and how many more.
pub(super) fn few(names: &[String]) -> String {
    list(names, 3)
}
