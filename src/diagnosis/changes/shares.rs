//! What part of a path's mail is signed, aligned or passes, before and after.

use super::comparison::FEW;
use crate::diagnosis::path::SendingPath;
use crate::words::percent;

/// The standard errors by which shares must differ.
const ERRORS: f64 = 3.0;

/// The most independent observations that the messages of one window are taken for.
const WITNESSES: f64 = 400.0;

/// A share of messages before and after.
pub(super) struct Shares {
    word: &'static str,
    before: (u64, u64),
    after: (u64, u64),
}

impl Shares {
    pub(super) fn gain(&self) -> f64 {
        share(self.after) - share(self.before)
    }

    /// Whether they differ by a margin, and by more than chance would have it.
    pub(super) fn differ(&self, margin: f64) -> bool {
        let (before, after) = ((self.before.1 as f64).min(WITNESSES), (self.after.1 as f64).min(WITNESSES));
        if before < FEW as f64 || after < FEW as f64 {
            return false;
        }
        let pooled = (share(self.before) * before + share(self.after) * after) / (before + after);
        // Never quite certain, so that shares of zero and one have an error too.
        let spread = (pooled * (1.0 - pooled)).max(0.01);
        let error = (spread * (1.0 / before + 1.0 / after)).sqrt();
        self.gain().abs() >= margin && self.gain().abs() >= ERRORS * error
    }

    pub(super) fn in_words(&self) -> String {
        format!("{} {} → {}", self.word, percent(self.before.0, self.before.1), percent(self.after.0, self.after.1))
    }
}

pub(super) fn share((part, whole): (u64, u64)) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

pub(super) fn states(path: &SendingPath) -> [u64; 4] {
    [path.dkim.aligned, path.dkim.unaligned, path.dkim.broken, path.dkim.unsigned]
}

/// What is compared of a path, or of one that took the place of another.
pub(super) fn shares(before: &SendingPath, after: &SendingPath) -> [Shares; 3] {
    let known = |path: &SendingPath| states(path).iter().fold(0_u64, |sum, &n| sum.saturating_add(n));
    let signing = Shares {
        word: "signed and aligned",
        before: (before.dkim.aligned, known(before)),
        after: (after.dkim.aligned, known(after)),
    };
    let of = |word, value: fn(&SendingPath) -> u64| Shares {
        word,
        before: (value(before), before.messages),
        after: (value(after), after.messages),
    };
    [signing, of("SPF aligned", |path| path.spf_aligned), of("DMARC pass", |path| path.dmarc_pass)]
}
