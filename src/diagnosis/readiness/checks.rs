//! The checks, each with its threshold and its figure, and the verdict they come to.

use super::answer::{Blocker, Check, CheckArea, Verdict};
use super::checklist::{Findings, List, listed};
use super::policy::Target;
use super::reporters::share;
use super::selectors::SelectorHealth;
use super::standards;
use crate::diagnosis::DomainFinding;
use crate::role::Role;
use crate::words::{agree, grouped, percent, percent_of, plural, threshold};

/// All checks, and what they come to: too little evidence, then what stands in the way, then ready.
pub(super) fn checks(findings: &Findings<'_>) -> (Vec<Check>, Verdict) {
    let mut list = List::default();
    data(findings, &mut list);
    mail(findings, &mut list);
    standards::policy(findings, &mut list);
    standards::dns(findings, &mut list);
    let failed = |area: Option<CheckArea>| {
        list.checks.iter().any(|check| check.blocking && !check.passed && area.is_none_or(|area| check.area == area))
    };
    let verdict = if failed(Some(CheckArea::Data)) {
        Verdict::NotEnoughData
    } else if failed(None) {
        Verdict::NotReady
    } else {
        Verdict::Ready
    };
    (list.checks, verdict)
}

fn data(findings: &Findings<'_>, list: &mut List) {
    let (limits, evidence) = (&findings.review.thresholds, &findings.review.evidence);
    let area = CheckArea::Data;
    // A domain that sends no mail never gets there.
    let sends = !findings.review.thresholds.is_parked(&findings.review.domain);
    list.add(
        area,
        "days",
        sends,
        evidence.days >= limits.min_days,
        format!("at least {}", plural(u64::from(limits.min_days), "day")),
        format!(
            "{} of the window's {} have reports of mail",
            plural(u64::from(evidence.days), "day"),
            findings.window_days
        ),
    );
    list.add(
        area,
        "reporters",
        sends,
        evidence.operators >= u64::from(limits.min_reporters),
        format!("at least {}", plural(u64::from(limits.min_reporters), "reporter")),
        match plural(evidence.reporters, "reporter") {
            reporters if evidence.operators == evidence.reporters => format!("{reporters} sent data"),
            reporters => format!("{reporters} sent data, of {}", plural(evidence.operators, "operator")),
        },
    );
    list.add(
        area,
        "messages",
        sends,
        evidence.messages >= limits.min_messages && evidence.messages > 0,
        format!("at least {}", plural(limits.min_messages, "message")),
        plural(evidence.messages, "message"),
    );
    let detail = match findings.age {
        None => "there is no report".to_owned(),
        Some(age) => format!("it ended {} before the review", plural(u64::from(age), "day")),
    };
    let fresh = findings.age.is_some_and(|age| age <= limits.max_age_days);
    let limit = format!("at most {} old", plural(u64::from(limits.max_age_days), "day"));
    list.add(area, "newest_report", true, fresh, limit, detail);
    let largest = evidence.largest_reporter_share;
    list.add(
        area,
        "largest_reporter",
        false,
        largest.is_some_and(|largest| largest <= limits.max_reporter_share),
        format!("at most {} of the messages from one reporter", threshold(limits.max_reporter_share)),
        match (largest, &evidence.largest_reporter) {
            (Some(largest), Some(name)) => format!("{} from {name}", percent_of(largest)),
            _ => "no reporter sent data".to_owned(),
        },
    );
    let left_out = if evidence.unchecked_left_out { evidence.unchecked_reports } else { 0 };
    let all = evidence.reports.saturating_add(left_out);
    let unchecked = share(evidence.unchecked_reports, all);
    list.add(
        area,
        "unchecked_reports",
        false,
        unchecked.is_some_and(|unchecked| unchecked <= limits.max_unchecked_share),
        format!("at most {} of the reports unchecked", threshold(limits.max_unchecked_share)),
        format!(
            "for {} of {}, nobody checked whether the mail was genuine{}",
            grouped(evidence.unchecked_reports),
            plural(all, "report"),
            if evidence.unchecked_left_out { "; they are left out of the review" } else { " (trusted_authserv_id)" }
        ),
    );
    let silent: Vec<&str> =
        findings.review.reporters.iter().filter(|one| one.silent).map(|one| one.reporter.as_str()).collect();
    let detail = match silent.as_slice() {
        [] => "none".to_owned(),
        some => format!("{} fell silent: {}", plural(some.len() as u64, "reporter"), listed(some.iter().copied())),
    };
    list.add(area, "reporters_silent", false, silent.is_empty(), "no reporter falls silent", detail);
}

/// The first few, and that there is none where there is none.
fn or_none(items: impl ExactSizeIterator<Item = String>) -> String {
    if items.len() == 0 { "none".to_owned() } else { listed(items) }
}

/// How many paths, and the first few.
fn counted(items: impl ExactSizeIterator<Item = String>) -> String {
    match items.len() as u64 {
        0 => "none".to_owned(),
        number => format!("{}: {}", plural(number, "path"), listed(items)),
    }
}

/// How many paths, and the first few with their messages.
fn paths<'p>(items: impl ExactSizeIterator<Item = (&'p String, u64)>) -> String {
    counted(items.map(|(sender, messages)| format!("{sender} ({})", grouped(messages))))
}

fn mail(findings: &Findings<'_>, list: &mut List) {
    let limits = &findings.review.thresholds;
    let area = CheckArea::Mail;
    let parked = findings.review.thresholds.is_parked(&findings.review.domain);
    let seen = findings.own.messages > 0;
    let denied = findings.review.paths.iter().filter(|path| path.role == Role::Denied);
    let denied = denied.fold(0u64, |sum, path| sum.saturating_add(path.pass));
    list.add(
        area,
        "own_mail",
        true,
        seen || parked,
        "mail of an own or approved path was seen, or `[readiness] parked` lists the domain",
        match (seen, parked) {
            (true, _) => plural(findings.own.messages, "message"),
            (false, true) => "the configuration lists the domain as parked (`[readiness] parked`)".to_owned(),
            (false, false) if denied > 0 => format!(
                "none was seen, beside {} that {} DMARC and that `[[not_ours]]` in the configuration denies: see whether that is right",
                plural(denied, "message"),
                agree(denied, "passes", "pass")
            ),
            (false, false) => {
                "none was seen: either the domain sends no mail, or none of it is authenticated and all would be lost"
                    .to_owned()
            }
        },
    );
    let passing = findings.own.messages - findings.own.failing.min(findings.own.messages);
    let pass_share = share(passing, findings.own.messages);
    list.add(
        area,
        "pass_share",
        true,
        pass_share.map_or(parked, |passing| passing >= limits.pass_share),
        format!("at least {} of the messages of own and approved paths pass DMARC", threshold(limits.pass_share)),
        match pass_share {
            Some(passing) => {
                format!(
                    "{}; {} of {} fail",
                    percent_of(passing),
                    grouped(findings.own.failing),
                    plural(findings.own.messages, "message")
                )
            }
            None => "no such message".to_owned(),
        },
    );
    let (alone, at) = findings.alone.iter().fold((0u64, None), |(all, most), &(name, sum)| {
        (all.saturating_add(sum), most.max(Some((sum, std::cmp::Reverse(name)))))
    });
    list.add(
        area,
        "lone_reporter",
        false,
        alone <= limits.max_path_failures,
        format!(
            "no more than {} of own and approved paths fail at one reporter alone",
            plural(limits.max_path_failures, "message")
        ),
        match at {
            None => "none".to_owned(),
            Some((most, name)) => format!(
                "{} fail at {} alone{}, {} of own and approved mail: all others see this mail pass, so that it does not count as failing; find out why before the policy is made stricter",
                plural(alone, "message"),
                name.0,
                if most < alone { " and at others each alone" } else { "" },
                percent(alone, findings.own.messages.saturating_add(alone))
            ),
        },
    );
    let failing: Vec<&Blocker> = findings.review.blockers.iter().filter(|one| one.reasons.contains(&"fails")).collect();
    let broken: Vec<&DomainFinding> = findings.review.findings.iter().filter(|one| one.breaks_authentication).collect();
    list.add(
        area,
        "domain_findings",
        true,
        broken.is_empty(),
        "no finding that breaks the SPF or DKIM of the domain itself",
        or_none(broken.iter().map(|one| format!("{} ({})", one.code().as_str(), one.domain))),
    );
    list.add(
        area,
        "failing_paths",
        true,
        failing.is_empty(),
        format!(
            "no own or approved path fails in more than {} and more than {} of its mail",
            plural(limits.max_path_failures, "message"),
            threshold(1.0 - limits.pass_share)
        ),
        paths(failing.iter().map(|one| (&one.sender, one.messages))),
    );
    let reject = findings.review.target == Target::Reject;
    list.add(
        area,
        "dkim_coverage",
        reject,
        findings.review.fragile.is_empty(),
        format!(
            "no own or approved path passes by SPF only in more than {} (RFC 9989 §7.4)",
            plural(limits.max_path_failures, "message")
        ),
        match (findings.review.fragile.as_slice(), findings.unsigned_own) {
            ([], 0) => "all are signed and aligned".to_owned(),
            ([], some) => format!("none is; {} not signed throughout", plural(some, "path")),
            (some, _) => paths(some.iter().map(|one| (&one.sender, one.messages))),
        },
    );
    list.add(
        area,
        "failing_signatures",
        false,
        findings.failing_signatures.is_empty(),
        "no own or approved path on which DKIM fails at every reporter",
        counted(findings.failing_signatures.iter().map(|(sender, cause)| match cause {
            Some(cause) => format!("{sender} ({})", cause.as_str()),
            None => sender.clone(),
        })),
    );
    list.add(
        area,
        "recognised_senders",
        false,
        findings.review.decide.is_empty(),
        "no catalogued sender fails while nothing shows whether it is yours",
        match findings.review.decide.as_slice() {
            [] => "none".to_owned(),
            some => format!("decide about {}", paths(some.iter().map(|one| (&one.sender, one.messages)))),
        },
    );
    list.add(
        area,
        "forgotten_senders",
        false,
        findings.review.forgotten.is_empty(),
        "no unknown path with 1% of the mail or more that authenticates as somebody, or comes from one address, or one line whose address changes, on most working days and at most reporters",
        match findings.review.forgotten.as_slice() {
            [] => "none".to_owned(),
            some => format!(
                "{}. Spoofers seldom send like this; a printer, a scanner, a script or a server that SPF does not name may. See whether {} yours",
                paths(some.iter().map(|one| (&one.sender, one.messages))),
                agree(some.len() as u64, "it is", "they are")
            ),
        },
    );
    let ill: Vec<&SelectorHealth> = findings.review.selectors.iter().filter(|one| !one.healthy).collect();
    let name = |one: &&SelectorHealth| {
        let selector = one.selector.as_deref().unwrap_or("(not named)");
        format!("{selector} of {} ({} of {} fail)", one.domain, grouped(one.failed), grouped(one.verified + one.failed))
    };
    list.add(
        area,
        "selectors",
        false,
        ill.is_empty(),
        format!("at most {} of a selector's signatures fail", threshold(limits.max_selector_failures)),
        match ill.as_slice() {
            [] => format!("{} in use, none over the limit", plural(findings.review.selectors.len() as u64, "selector")),
            some => listed(some.iter().map(name)),
        },
    );
    list.add(
        area,
        "regressions",
        false,
        findings.review.regressions.is_empty(),
        format!(
            "no own or approved path passes, or is signed, less by more than {} in the last {}",
            threshold(limits.max_regression),
            plural(u64::from(limits.recent_days), "day")
        ),
        or_none(findings.review.regressions.iter().map(|one| {
            let (what, now, before) = (one.what.to_ascii_uppercase(), percent_of(one.now), percent_of(one.before));
            format!("{} ({what} {now} after {before})", one.sender)
        })),
    );
}
