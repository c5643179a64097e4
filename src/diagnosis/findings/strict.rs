//! Strict alignment (`adkim=s`, `aspf=s`) that makes the domain's own mail fail: what signed or passed SPF is of the same
//! organizational domain, and aligns in relaxed mode.

use super::cells;
use super::code::{DomainFinding, FindingCode, FindingEvidence, remedy};
use super::observations::{DomainMail, names};
use crate::diagnosis::dates::shown;
use crate::finding::Severity;
use crate::query::OutcomeFacts;
use crate::words::plural;

/// From this share of the domain's mail on.
const NOTABLE: f64 = 0.01;
/// For fewer messages no change of policy is advised.
const FEWEST: u64 = 5;

/// Whether a message fails for nothing but strict alignment. A reporter that goes by relaxed alignment all the same passes it.
fn is_lost(facts: &OutcomeFacts) -> bool {
    facts.dmarc == Some(false) && (facts.detail.strict_dkim || facts.detail.strict_spf)
}

pub(super) fn find(of: &DomainMail<'_>) -> Option<DomainFinding> {
    let tally = &of.survey.tally;
    let entries = || of.paths.iter().flat_map(|&at| tally.entries(at));
    if !entries().any(|entry| is_lost(tally.facts(entry))) {
        return None;
    }
    let cells = cells::cells(of.survey, of.paths, |facts| Some(usize::from(!is_lost(facts))));
    let now = cells::now(&cells, NOTABLE)?;
    let (mut messages, mut by_dkim, mut by_spf) = (0u64, 0u64, 0u64);
    let mut who = Vec::new();
    for entry in entries() {
        let (facts, report) = (tally.facts(entry), tally.report(entry));
        if is_lost(facts) && report.day >= now.first && entry.messages > 0 {
            let count =
                |sum: &mut u64, counts: bool| *sum = sum.saturating_add(if counts { entry.messages } else { 0 });
            count(&mut messages, true);
            count(&mut by_dkim, facts.detail.strict_dkim);
            count(&mut by_spf, facts.detail.strict_spf);
            who.push(report.reporter);
        }
    }
    if messages < FEWEST {
        return None;
    }
    let who = names(of.survey, who);
    // Where one of the two would save all of it, the other may stay.
    let tags = match (by_dkim == messages, by_spf == messages) {
        (true, _) => "adkim=r",
        (false, true) => "aspf=r",
        (false, false) => "adkim=r and aspf=r",
    };
    let detail = format!(
        "strict alignment alone makes {} fail, at {}: {tags} would let them pass",
        plural(messages, "message"),
        plural(who.len() as u64, "reporter"),
    );
    let evidence = FindingEvidence::Strict { messages, verified_dkim: by_dkim, passed_spf: by_spf, reporters: who };
    let subject = format!("the DMARC record of {}", of.domain);
    let mut found =
        DomainFinding::new(Severity::Error, FindingCode::StrictAlignmentCosts, of.domain, subject, detail, evidence);
    found.finding.remedy = Some(remedy(
        format!("publish {tags} for {}", of.domain),
        &[
            "The mail is signed, or passes SPF, under a name below or beside that in From; strict alignment wants the very same name, relaxed alignment the same organizational domain.",
            &format!(
                "In the DMARC record that holds for {} change to {tags}; relaxed is also what a record without these tags means.",
                of.domain
            ),
            "Or keep it strict, and have that mail written under the name that signs it, or signed as the name that it is written under.",
            "Nothing has to be switched on at the sender.",
        ],
        Some("https://www.rfc-editor.org/rfc/rfc9989"),
    ));
    found.since = now.changed.then(|| shown(now.first));
    Some(found)
}
