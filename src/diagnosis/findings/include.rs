//! Another customer of a provider passes SPF as the domain, because the domain includes all of the provider's machines.

use std::collections::BTreeMap;

use super::code::{DomainFinding, FindingCode, FindingEvidence, remedy};
use super::observations::{DomainMail, names};
use crate::alignment::{AuthResult, DkimState, SpfState};
use crate::diagnosis::class::Thresholds;
use crate::diagnosis::dates::shown;
use crate::finding::Severity;
use crate::query::{PathFigures, SenderKey};
use crate::report::period::Day;
use crate::role::Role;
use crate::words::{list, plural};

/// The most accounts that are named.
const NAMED: usize = 5;

pub(super) fn find(of: &DomainMail<'_>, thresholds: &Thresholds) -> Option<DomainFinding> {
    let (survey, tally) = (of.survey, &of.survey.tally);
    let mut accounts: BTreeMap<String, u64> = BTreeMap::new();
    let mut reporters: BTreeMap<u32, u64> = BTreeMap::new();
    let mut first = Day::MAX;
    // That the owner says it is not his stops nobody.
    let is_others = |path: &PathFigures| match path.role {
        Role::OtherAccount => true,
        Role::Denied => path.provider.is_some(),
        _ => false,
    };
    let others = of.paths.iter().filter(|&&at| is_others(&survey.paths[at]));
    for &at in others {
        for entry in tally.entries(at).iter().filter(|entry| entry.messages > 0) {
            // What carries a signature of the domain's own is its mail, handed on: a recipient's account redirects it.
            let facts = tally.facts(entry);
            let of_domain = matches!(facts.dkim, DkimState::Aligned | DkimState::Broken);
            if facts.spf != SpfState::Aligned || of_domain {
                continue;
            }
            let path = &survey.paths[at];
            let many = || (path.role == Role::OtherAccount).then(|| "many accounts".to_owned());
            let name =
                path.author.clone().or_else(many).or_else(|| signer(path)).unwrap_or_else(|| match &path.sender {
                    SenderKey::Provider { id, .. } => id.clone(),
                    _ => String::new(),
                });
            let report = tally.report(entry);
            *accounts.entry(name).or_default() += entry.messages;
            *reporters.entry(report.reporter).or_default() += entry.messages;
            first = first.min(report.day);
        }
    }
    let messages = reporters.values().copied().fold(0, u64::saturating_add);
    if messages < thresholds.shared_include_messages || (reporters.len() as u64) < thresholds.shared_include_reporters {
        return None;
    }
    let mut ranked: Vec<(String, u64)> = accounts.into_iter().collect();
    ranked.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    let accounts: Vec<String> = ranked.into_iter().map(|(name, _)| name).filter(|name| !name.is_empty()).collect();
    let who = names(of.survey, reporters.into_keys());
    let detail = format!(
        "another account passes SPF through its include, and no policy stops it: {} of {} at {}",
        plural(messages, "message"),
        if accounts.is_empty() { "an account without a name".to_owned() } else { list(&accounts, NAMED) },
        plural(who.len() as u64, "reporter"),
    );
    let evidence = FindingEvidence::Accounts { accounts, messages, reporters: who };
    let mut found = DomainFinding::new(
        Severity::Warning,
        FindingCode::AccountSharedByInclude,
        of.domain,
        of.domain,
        detail,
        evidence,
    );
    found.finding.remedy = Some(remedy(
        format!("let DKIM alone authenticate what {} sends through shared providers", of.domain),
        &[
            "Look whether the account is one of yours, of another office or an earlier contract: then name it in the ledger (`[[sender]]` with `tenant`, as `dmarcstat sources --as-ledger` writes it) and switch on DKIM for the domain there. What follows is for accounts of others.",
            "The domain's SPF record includes all machines of the provider, and every customer sends from these: SPF passes, so DMARC does, whatever p= says.",
            "Sign all mail with DKIM first, and see that none passes by SPF only (`dmarcstat readiness`).",
            "Then take the include out of the record, or give it the qualifier `?` (neutral): mail from there passes by its signature, and a stranger's does not. A reverse-path on a subdomain with an SPF record of its own does the same.",
            "Report the account to the provider's abuse desk.",
        ],
        None,
    ));
    found.since = began(of, first).then(|| shown(first));
    Some(found)
}

/// Whether the domain's mail was reported on well before a day, so that what was first seen then began then.
fn began(of: &DomainMail<'_>, first: Day) -> bool {
    let tally = &of.survey.tally;
    let days = of.paths.iter().flat_map(|&at| tally.entries(at)).map(|entry| tally.report(entry).day);
    let mut before: Vec<Day> = days.filter(|&day| day < first).collect();
    before.sort_unstable();
    before.dedup();
    before.len() >= 3
}

/// Who signed most of a path.
fn signer(path: &PathFigures) -> Option<String> {
    let lists =
        path.signers.iter().map(|list| (list.messages, list.signers.iter().find(|one| one.result == AuthResult::Pass)));
    let most = lists
        .filter_map(|(messages, one)| Some((messages, one?)))
        .max_by_key(|(messages, one)| (*messages, &one.domain));
    most.map(|(_, one)| one.domain.clone())
}
