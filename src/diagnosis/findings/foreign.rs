//! Reports on domains that are not the owner's.

use super::Observations;
use super::code::{DomainFinding, FindingCode, FindingEvidence, remedy};
use crate::diagnosis::silence::{gather, messages};
use crate::domain::is_within;
use crate::finding::Severity;
use crate::query::Presence;
use crate::words::{list_of, plural};

/// So many domains are named.
const NAMED: usize = 5;

/// One finding for all of them, under the one with most messages: strangers choose how many there are.
pub(super) fn find(of: &Observations<'_>) -> Option<DomainFinding> {
    let ledger = of.rules.ledger;
    // A policy may stand above the domain that is the owner's.
    let foreign =
        |domain: &str| !ledger.is_owners(domain) && !ledger.owner_domains.iter().any(|own| is_within(own, domain));
    let mut found: Vec<(&str, u64)> = gather(of.presence, |one: &Presence| &one.domain)
        .into_iter()
        .filter(|(domain, _)| foreign(domain))
        .filter(|(_, days)| days.range(of.window.first..=of.window.last).next().is_some())
        .map(|(domain, days)| (domain, messages(&days, of.window.first, of.window.last)))
        .collect();
    found.sort_by(|a, b| (b.1, a.0).cmp(&(a.1, b.0)));
    let &(domain, _) = found.first()?;
    let messages = found.iter().fold(0_u64, |sum, one| sum.saturating_add(one.1));
    let detail = format!(
        "reports on {} that [owner] does not name, with {}: {}",
        plural(found.len() as u64, "domain"),
        plural(messages, "message"),
        list_of(found.iter().map(|one| one.0), NAMED, found.len()),
    );
    let named = found.iter().take(NAMED).map(|one| one.0.to_owned()).collect();
    let evidence = FindingEvidence::Foreign { domains: named, of: found.len() as u64, messages };
    let mut one = DomainFinding::new(
        Severity::Advice,
        FindingCode::ForeignReports,
        domain,
        "the report mailbox",
        detail,
        evidence,
    );
    one.finding.remedy = Some(remedy(
        "add the domains to [owner], or see why their reports come here",
        &[
            "If a domain is yours, add it to `domains` in `[owner]`: what is proven on one of them counts for all.",
            "If it is not, somebody's DMARC record names your address in rua=, or somebody made the reports up. Receivers ask a domain elsewhere whether it consents (RFC 7489 §7.1): `dmarcstat dns` of that domain shows whether yours does, for all domains perhaps (`*._report._dmarc`).",
        ],
        Some("https://www.rfc-editor.org/rfc/rfc7489#section-7.1"),
    ));
    Some(one)
}
