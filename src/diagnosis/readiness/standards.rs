//! Checks of the published policy against what standards advise, and of the live records.

use super::answer::CheckArea;
use super::checklist::{Findings, List, listed};
use super::policy::Target;
use super::subdomains::Subdomain;
use crate::dns::Outcome;
use crate::finding::Severity;
use crate::words::{grouped, plural};

/// The policy as reports found it, and what the change would do to it.
pub(super) fn policy(findings: &Findings<'_>, list: &mut List) {
    let area = CheckArea::Policy;
    let p = findings.review.published.as_ref().and_then(|record| record.p.as_deref());
    let ladder = match (findings.review.target, p) {
        (Target::Reject, Some("quarantine" | "reject")) | (Target::Quarantine, Some(_)) => true,
        (Target::Reject, _) | (Target::Quarantine, None) => false,
    };
    list.add(
        area,
        "policy_ladder",
        false,
        ladder,
        match findings.review.target {
            Target::Reject => "p=quarantine before p=reject",
            Target::Quarantine => "a published record",
        },
        match p {
            None => "no report has a published policy".to_owned(),
            Some(p) if ladder => format!("reports found p={p}"),
            Some(p) => format!("reports found p={p}: publish p=quarantine first, and review again after a month"),
        },
    );
    let partly: Vec<String> = findings
        .review
        .published
        .iter()
        .flat_map(|record| {
            let pct = record.pct.as_deref().filter(|pct| *pct != "100").map(|pct| format!("pct={pct}"));
            let testing = record.testing.as_deref().filter(|t| *t == "y").map(|_| "t=y".to_owned());
            pct.into_iter().chain(testing)
        })
        .collect();
    list.add(
        area,
        "policy_in_full",
        false,
        partly.is_empty(),
        "no pct below 100 and no t=y",
        match partly.as_slice() {
            [] => "the policy holds in full".to_owned(),
            some => format!("{}: the policy holds for a part of the mail, or is a test", some.join(", ")),
        },
    );
    let open: Vec<&Subdomain> = findings
        .review
        .subdomains
        .iter()
        .filter(|one| one.inherited && one.then != findings.review.target.as_str())
        .collect();
    list.add(
        area,
        "subdomains",
        false,
        open.is_empty(),
        format!(
            "the change covers every subdomain seen: none keeps another policy than {}",
            findings.review.target.as_str()
        ),
        match (findings.review.subdomains.as_slice(), open.as_slice()) {
            ([], _) => "none was seen".to_owned(),
            (seen, []) => format!("{} seen", plural(seen.len() as u64, "subdomain")),
            (_, open) => listed(open.iter().map(|one| format!("{} keeps {}={}", one.domain, one.by, one.then))),
        },
    );
    list.add(
        area,
        "mailbox_users",
        false,
        findings.review.target == Target::Quarantine || findings.mailboxes.is_empty(),
        "no people's mailboxes under p=reject (RFC 9989 §7.4)",
        match findings.mailboxes.as_slice() {
            [] => "no catalogued mailbox host among your paths".to_owned(),
            some => format!("people's mail was seen: {}", listed(some.iter())),
        },
    );
    let strict = &findings.review.strict;
    let modes = findings.review.published.as_ref().map(|record| (record.adkim.as_deref(), record.aspf.as_deref()));
    let (adkim, aspf) = modes.map_or((false, false), |(adkim, aspf)| (adkim == Some("s"), aspf == Some("s")));
    list.add(
        area,
        "strict_alignment",
        false,
        true,
        "for information: relaxed alignment is the usual choice",
        format!(
            "{}; of your mail that passes now, adkim=s alone would lose {}, aspf=s alone {}, both {}{}",
            match (adkim, aspf) {
                (false, false) => "published: relaxed".to_owned(),
                (adkim, aspf) => {
                    format!("published: {}{}", if adkim { "adkim=s " } else { "" }, if aspf { "aspf=s" } else { "" })
                }
            },
            grouped(strict.lost_adkim),
            grouped(strict.lost_aspf),
            grouped(strict.lost_both),
            match strict.unknown {
                0 => String::new(),
                some => format!(" ({} cannot be determined)", grouped(some)),
            }
        ),
    );
}

/// Live records: what `dmarcstat dns` found, one check each.
pub(super) fn dns(findings: &Findings<'_>, list: &mut List) {
    let Some(audit) = &findings.review.dns else { return };
    for checked in &audit.findings {
        let finding = &checked.finding;
        let name = format!("dns_{}", finding.code.as_str().replace('-', "_"));
        let threshold = match finding.severity {
            Severity::Error => "must be right",
            Severity::Warning => "ought to be right",
            Severity::Advice => "could be better",
        };
        let detail = match &finding.remedy {
            Some(remedy) => format!("{}: {} {remedy}", finding.subject, finding.detail),
            None => format!("{}: {}", finding.subject, finding.detail),
        };
        // What could not be looked at is not wrong.
        let blocking = finding.severity == Severity::Error && checked.outcome != Outcome::CouldNotLook;
        list.add(CheckArea::Dns, &name, blocking, checked.outcome == Outcome::Passed, threshold, detail);
    }
}
