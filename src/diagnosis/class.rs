//! The class of a path and its standing.

use serde::Serialize;

use crate::alignment::DkimState;
use crate::query::{Evidence, PathFigures};

/// What a path does about DKIM. Exactly one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Signs as the domain.
    Signed,
    /// Signs as the domain at times.
    Intermittent,
    /// Signs as another domain.
    Unaligned,
    /// Signs as the domain, and the signatures do not verify.
    Broken,
    /// Does not sign.
    Unsigned,
    /// Hands on mail of other paths.
    Forwarded,
    /// Nothing vouches for it: a spoofer, or a sender that everybody forgot.
    Unproven,
}

/// How much is known of a path's right to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// The domain's own SPF or DKIM vouches for it.
    Yours,
    /// In the ledger of approved senders.
    Listed,
    /// A catalogued sender; nothing shows that it acts for the domain.
    Recognised,
    /// Nothing vouches for it.
    Unproven,
}

impl Class {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Signed => "signed",
            Class::Intermittent => "intermittent",
            Class::Unaligned => "unaligned",
            Class::Broken => "broken",
            Class::Unsigned => "unsigned",
            Class::Forwarded => "forwarded",
            Class::Unproven => "unproven",
        }
    }

    /// Whether `dmarcstat unsigned` is about it.
    #[must_use]
    pub fn needs_work(self) -> bool {
        matches!(self, Class::Intermittent | Class::Unaligned | Class::Broken | Class::Unsigned)
    }
}

impl Standing {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Yours => "yours",
            Standing::Listed => "listed",
            Standing::Recognised => "recognised",
            Standing::Unproven => "unproven",
        }
    }
}

/// Where one class ends and the next begins; shares of messages whose DKIM state is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// From this share of aligned messages on, a path is signed.
    pub signed: f64,
    /// The same where what is not aligned is broken only.
    pub signed_but_broken: f64,
    /// From these shares of aligned, and of unsigned and unaligned messages on, a path is intermittent.
    pub intermittent: f64,
    /// From this share of messages with aligned SPF or DKIM on, a path is the domain's own.
    pub vouched: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds { signed: 0.95, signed_but_broken: 0.80, intermittent: 0.05, vouched: 0.01 }
    }
}

/// The standing of a path. One reporter, or one day, proves nothing where the domain has more.
#[must_use]
pub(super) fn standing(path: &PathFigures, evidence: Evidence, thresholds: &Thresholds) -> Standing {
    let enough = path.vouched > 0 && path.vouched as f64 >= thresholds.vouched * path.messages as f64;
    let reporters = path.vouched_reporters >= evidence.reporters.min(2);
    if enough && reporters && (path.vouched_days || !evidence.days) { Standing::Yours } else { Standing::Unproven }
}

/// The class of a path.
#[must_use]
pub(super) fn class(path: &PathFigures, standing: Standing, forwarded: bool, thresholds: &Thresholds) -> Class {
    if forwarded {
        return Class::Forwarded;
    }
    if standing == Standing::Unproven {
        return Class::Unproven;
    }
    let count = |state: DkimState| path.dkim[usize::from(state.code())];
    let (aligned, unaligned) = (count(DkimState::Aligned), count(DkimState::Unaligned));
    let (broken, unsigned) = (count(DkimState::Broken), count(DkimState::Unsigned));
    let known = aligned + unaligned + broken + unsigned;
    if known == 0 {
        // Nothing is known of its signatures: no work can be named.
        return Class::Unproven;
    }
    let share = |messages: u64| messages as f64 / known as f64;
    let only_broken = unaligned + unsigned == 0;
    if share(aligned) >= thresholds.signed || only_broken && share(aligned) >= thresholds.signed_but_broken {
        return Class::Signed;
    }
    if share(aligned) >= thresholds.intermittent && share(unsigned + unaligned) >= thresholds.intermittent {
        return Class::Intermittent;
    }
    // Of equals the one that is more work to mend.
    [(unsigned, Class::Unsigned), (unaligned, Class::Unaligned), (broken, Class::Broken)]
        .into_iter()
        .rev()
        .max_by_key(|(messages, _)| *messages)
        .map_or(Class::Unsigned, |(_, class)| class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{NamedBy, SenderKey};

    fn path(dkim: [u64; 5], spf_aligned: u64) -> PathFigures {
        PathFigures {
            domain: "example.com".to_owned(),
            sender: SenderKey::Nobody,
            named_by: NamedBy::Network,
            entry: None,
            provider: None,
            tenant: None,
            own_tenant: false,
            excused: 0,
            excused_reporters: 0,
            messages: dkim.iter().sum(),
            dkim,
            spf_aligned,
            dmarc_pass: 0,
            rejected: 0,
            quarantined: 0,
            vouched: spf_aligned.max(dkim[0]),
            vouched_reporters: 2,
            vouched_days: true,
            signers: Vec::new(),
            reporters: Vec::new(),
            first: 0,
            last: 0,
        }
    }

    fn class_of(dkim: [u64; 5]) -> Class {
        class(&path(dkim, 1), Standing::Yours, false, &Thresholds::default())
    }

    #[test]
    fn classes_by_share() {
        // aligned, unaligned, broken, unsigned, unknown
        assert_eq!(class_of([95, 5, 0, 0, 0]), Class::Signed);
        assert_eq!(class_of([80, 0, 20, 0, 0]), Class::Signed);
        assert_eq!(class_of([80, 1, 19, 0, 0]), Class::Broken);
        assert_eq!(class_of([94, 0, 0, 6, 0]), Class::Intermittent);
        assert_eq!(class_of([5, 0, 0, 95, 0]), Class::Intermittent);
        assert_eq!(class_of([4, 0, 0, 96, 0]), Class::Unsigned);
        assert_eq!(class_of([0, 96, 4, 0, 900]), Class::Unaligned);
        assert_eq!(class_of([0, 0, 60, 40, 0]), Class::Broken);
        assert_eq!(class_of([0, 0, 0, 0, 7]), Class::Unproven);
    }

    #[test]
    fn one_reporter_proves_nothing_where_there_are_more() {
        let thresholds = Thresholds::default();
        let many = Evidence { reporters: 5, days: true };
        let mut figures = path([10, 0, 0, 0, 0], 0);
        assert_eq!(standing(&figures, many, &thresholds), Standing::Yours);
        figures.vouched_reporters = 1;
        assert_eq!(standing(&figures, many, &thresholds), Standing::Unproven);
        assert_eq!(standing(&figures, Evidence { reporters: 1, days: true }, &thresholds), Standing::Yours);
        figures.vouched_days = false;
        assert_eq!(standing(&figures, Evidence { reporters: 1, days: true }, &thresholds), Standing::Unproven);
        assert_eq!(standing(&figures, Evidence { reporters: 1, days: false }, &thresholds), Standing::Yours);
    }
}
