//! The figures of policy domains.

use rustc_hash::FxHashMap;

use super::figures::DomainFigures;
use super::tally::DomainSums;
use crate::store::{NameReader, Store, StoreError};

/// The figures of each policy domain, in the order of their names; `sums` are by the number of the name.
pub(super) fn policy_domains(
    store: &Store,
    texts: &mut NameReader<'_>,
    sums: &FxHashMap<i64, DomainSums>,
) -> Result<Vec<DomainFigures>, StoreError> {
    let mut domains = Vec::with_capacity(sums.len());
    for (&id, sums) in sums {
        let [messages, dmarc_pass, dkim_aligned, spf_aligned] = sums.figures;
        domains.push(DomainFigures {
            domain: texts.text(id)?.to_owned(),
            policy: store
                .published_policy(&sums.last_reports)?
                .map(|policy| policy.to_ascii_lowercase())
                .filter(|policy| matches!(policy.as_str(), "none" | "quarantine" | "reject")),
            messages,
            dmarc_pass,
            dkim_aligned,
            spf_aligned,
            reports: sums.reports,
            reporters: sums.reporters.len(),
        });
    }
    domains.sort_unstable_by(|a, b| a.domain.cmp(&b.domain));
    Ok(domains)
}
