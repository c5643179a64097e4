//! The health of the selectors that the domain's own mail is signed with.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::alignment::AuthResult;
use crate::diagnosis::SendingPath;
use crate::domain;
use crate::query::Survey;

/// A selector of the domain's own signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SelectorHealth {
    /// `d=`.
    pub domain: String,
    /// `s=`; absent where reporters leave it out.
    pub selector: Option<String>,
    /// Messages whose signature verified.
    pub verified: u64,
    /// Messages whose signature did not.
    pub failed: u64,
    /// Whether that is within the threshold.
    pub healthy: bool,
}

/// The selectors on one's own paths whose `d=` aligns, by name.
pub(super) fn selectors(survey: &Survey, own: &[&SendingPath], most_failing: f64) -> Vec<SelectorHealth> {
    let mut sums: BTreeMap<(&str, Option<&str>), [u64; 2]> = BTreeMap::new();
    for path in own {
        let Some(figures) = survey.paths.get(path.figures) else { continue };
        for list in &figures.signers {
            let own = |name: &str| domain::aligned(name, &path.domain);
            let saved = list.signers.iter().any(|one| one.result == AuthResult::Pass && own(&one.domain));
            for signer in list.signers.iter().filter(|signer| domain::aligned(&signer.domain, &path.domain)) {
                let sums = sums.entry((&signer.domain, signer.selector.as_deref())).or_default();
                match signer.result {
                    AuthResult::Pass => sums[0] += list.messages,
                    // What another signature of the domain stands beside costs nothing: a second algorithm.
                    _ if saved => {}
                    // A key that could not be fetched says nothing of the signature.
                    AuthResult::None | AuthResult::Unknown | AuthResult::TempError => {}
                    _ => sums[1] += list.messages,
                }
            }
        }
    }
    sums.into_iter()
        .map(|((domain, selector), [verified, failed])| SelectorHealth {
            domain: domain.to_owned(),
            selector: selector.map(str::to_owned),
            verified,
            failed,
            healthy: failed as f64 <= most_failing * (verified + failed) as f64,
        })
        .collect()
}
