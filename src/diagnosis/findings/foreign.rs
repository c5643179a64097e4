//! Reports on domains that are not the owner's.

use super::code::{DomainFinding, FindingCode, FindingEvidence, remedy};
use super::observations::Observations;
use crate::finding::Severity;
use crate::words::{list_of, plural};

/// The most domains that are named.
const NAMED: usize = 5;

/// One finding for all of them, under the one with most messages: strangers choose how many there are.
pub(super) fn find(of: &Observations<'_>) -> Option<DomainFinding> {
    let worst = of.foreign.first()?;
    let messages = of.foreign.iter().fold(0_u64, |sum, one| sum.saturating_add(one.messages));
    let names = || of.foreign.iter().map(|one| &one.domain);
    let detail = format!(
        "reports on {} that [owner] does not name, with {}: {}",
        plural(of.foreign.len() as u64, "domain"),
        plural(messages, "message"),
        list_of(names(), NAMED, of.foreign.len()),
    );
    let domains = names().take(NAMED).cloned().collect();
    let evidence = FindingEvidence::Foreign { domains, of: of.foreign.len() as u64, messages };
    let mut one = DomainFinding::new(
        Severity::Advice,
        FindingCode::ForeignReports,
        &worst.domain,
        "the report mailbox",
        detail,
        evidence,
    );
    one.finding.remedy = Some(remedy(
        "add the domains to [owner], or find out why their reports come here",
        &[
            "If a domain is yours, add it to `domains` in `[owner]`: what is proven on one of them counts for all.",
            "If it is not, somebody's DMARC record names your address in rua=, or somebody made the reports up. Receivers ask the domain of such an address whether it consents (RFC 7489 §7.1): `dmarcstat dns` of the reported domain shows whether yours does, perhaps for all domains (`*._report._dmarc`).",
        ],
        Some("https://www.rfc-editor.org/rfc/rfc7489#section-7.1"),
    ));
    Some(one)
}
