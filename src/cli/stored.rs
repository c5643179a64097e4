//! What `check` has to say of what is stored: a quarantine that is full, domains that may not be the owner's.

use crate::finding::{Finding, Severity};
use crate::limits::Limits;
use crate::render::check::CheckCode;
use crate::store::{ForeignDomain, Held, Store, StoreError};
use crate::words::{grouped, list, plural, size};

/// Domains that a finding names.
const DOMAINS_NAMED: usize = 5;

/// What there is to say of a quarantine that takes no more.
pub(super) fn full_quarantine(held: Held, limits: &Limits) -> Option<Finding<CheckCode>> {
    let what = format!(
        "it is full, with {} of {} in {}: what cannot be read is refused without being kept",
        plural(held.entries, "entry"),
        grouped(limits.quarantine_entries),
        size(held.bytes)
    );
    let remedy = "look through it (`dmarcstat quarantine`), drop what is of no use (`quarantine drop --older-than AGE`), or \
                  raise `quarantine` and `quarantine_entries` in [limits]";
    held.is_full(limits)
        .then(|| Finding::new(Severity::Error, CheckCode::QuarantineFull, "quarantine", what).with_remedy(remedy))
}

/// What there is to say of domains that are not the owner's, or may not be.
pub(super) fn whose_domains(
    store: &Store,
    foreign: &[ForeignDomain],
) -> Result<Option<Finding<CheckCode>>, StoreError> {
    if !foreign.is_empty() {
        let reports = foreign.iter().map(|one| one.reports).sum();
        let domains = list(foreign.iter().map(|one| &one.domain), DOMAINS_NAMED);
        let what = format!("{} not on the domains of [owner], but on {domains}", plural(reports, "report"));
        let remedy =
            "they are in no answer: see `dmarcstat reports --foreign`; if a domain is yours, add it to [owner] domains";
        return Ok(Some(
            Finding::new(Severity::Advice, CheckCode::ForeignReports, "database", what).with_remedy(remedy),
        ));
    }
    if store.has_owner() {
        return Ok(None);
    }
    let (domains, all) = store.domains_of_one_reporter()?;
    // Where one reporter is all there is, that says nothing of a domain.
    if domains.is_empty() || domains.len() == all {
        return Ok(None);
    }
    let what = format!("only one reporter ever wrote about {}", list(&domains, DOMAINS_NAMED));
    let remedy = "name the domains that are yours in [owner] domains: reports on others are then in no answer";
    Ok(Some(Finding::new(Severity::Advice, CheckCode::OneReporter, "database", what).with_remedy(remedy)))
}
