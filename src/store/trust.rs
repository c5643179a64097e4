//! Which reports are trusted, and whose they are, by the results of their mails.
//!
//! A report that was seen in mails that failed DMARC only, or in such as passed for somebody who uses another's name, counts
//! for nothing. The best of its mails decides, however often somebody sends it otherwise; and who reports is the domain that
//! this mail passed for (see [`reporter`]).

use std::cmp::Reverse;

use crate::mail::Authenticity;
use crate::reporter::{self, Naming};
use crate::vocabulary::vocabulary;

vocabulary! {
    /// What is known of the mails that a report came in, the worst first.
    #[derive(Default)]
    pub enum Trust {
        /// All that were checked failed DMARC: the report counts for nothing.
        Failed => "failed",
        /// One of them passed, for somebody who uses the name of a well-known reporter: the report counts for nothing.
        Misnamed => "misnamed",
        /// One of them was not checked, or it passed for a domain that does not say who reports.
        #[default]
        Unchecked => "unchecked",
        /// One of them passed, for the domain that the reporter goes by.
        Passed => "passed",
    }
}

impl Trust {
    /// In the order of their numbers in the database.
    const BY_NUMBER: [Trust; 4] = [Trust::Unchecked, Trust::Failed, Trust::Passed, Trust::Misnamed];

    /// Whether the report counts.
    #[must_use]
    pub fn is_believed(self) -> bool {
        self >= Trust::Unchecked
    }

    /// As the database holds it.
    pub(super) fn number(self) -> i64 {
        Self::BY_NUMBER.iter().position(|one| *one == self).map_or(0, |at| at as i64)
    }

    pub(super) fn from_number(number: i64) -> Self {
        usize::try_from(number).ok().and_then(|at| Self::BY_NUMBER.get(at)).copied().unwrap_or_default()
    }

    /// What stands with the records of a report that counts: whether they are known to be the reporter's.
    pub(super) fn counted(self) -> i64 {
        if self == Trust::Passed { CHECKED } else { 1 }
    }
}

/// What stands with the records of a report that counts and passed.
pub(super) const CHECKED: i64 = 2;

/// For conditions in SQL: reports that are believed, and were not taken away.
pub(super) const BELIEVED: &str = "trust IN (0, 2) AND dropped = 0";

impl From<&Authenticity> for Trust {
    fn from(authenticity: &Authenticity) -> Self {
        match authenticity {
            Authenticity::Unchecked => Trust::Unchecked,
            Authenticity::Failed(_) => Trust::Failed,
            Authenticity::Passed(_) => Trust::Passed,
        }
    }
}

/// Who reports, and whether that is believed: by the name that a report gives its reporter, what its mail was found to be, and
/// the domain that it is about.
#[must_use]
pub fn who_reports(label: &str, authenticity: &Authenticity, policy_domain: &str) -> (String, Trust) {
    if let Authenticity::Passed(Some(domain)) = authenticity {
        let (name, naming) = reporter::name(label, domain, policy_domain);
        let trust = match naming {
            Naming::Confirmed => Trust::Passed,
            Naming::Unconfirmed => Trust::Unchecked,
            Naming::Misused => Trust::Misnamed,
        };
        return (name, trust);
    }
    let trust = match authenticity {
        Authenticity::Failed(_) => Trust::Failed,
        // Who passed, and says not for which domain, is nobody.
        _ => Trust::Unchecked,
    };
    (reporter::plain(label).into_owned(), trust)
}

/// The better of two: what is believed more; of equals the name without a remark, then the first.
pub(super) fn better(left: (String, Trust), right: (String, Trust)) -> (String, Trust) {
    let rank = |(name, trust): &(String, Trust)| (*trust, Reverse(name.clone()));
    if rank(&right) > rank(&left) { right } else { left }
}
