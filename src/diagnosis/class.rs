//! The class of a path: how it signs. Why it exists is its role.

use serde::{Deserialize, Deserializer, de};

use super::states::{ALIGNED, BROKEN, States, UNALIGNED, UNSIGNED, known, share};
use crate::vocabulary::vocabulary;

vocabulary! {
    /// What a path does about DKIM. Exactly one holds.
    pub enum Class {
        /// Signs as the domain.
        Signed => "signed",
        /// Signs as the domain at times.
        Intermittent => "intermittent",
        /// Signs as another domain.
        Unaligned => "unaligned",
        /// Signs as the domain, and the signatures do not verify.
        Broken => "broken",
        /// Does not sign.
        Unsigned => "unsigned",
        /// No report says how it signs.
        NotReported => "not-reported",
    }
}

impl Class {
    /// Whether `dmarcstat unsigned` is about it.
    #[must_use]
    pub fn needs_work(self) -> bool {
        matches!(self, Class::Intermittent | Class::Unaligned | Class::Broken | Class::Unsigned)
    }
}

/// Where one word ends and the next begins: `[diagnosis]` in the configuration. Shares are from 0 to 1; those of DKIM states
/// are shares of the messages whose state is known. Counts are 1 at least.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// From this share of aligned messages on, a path is signed.
    #[serde(deserialize_with = "a_share")]
    pub signed: f64,
    /// The same where what is not aligned is broken only.
    #[serde(deserialize_with = "a_share")]
    pub signed_but_broken: f64,
    /// From these shares of aligned, and of unsigned and unaligned messages on, a path is intermittent.
    #[serde(deserialize_with = "a_share")]
    pub intermittent: f64,
    /// Days before the window in which the owner's accounts, machines and keys are looked up as well.
    pub memory_days: u32,
    /// A replay: own verified mail from at least this many senders not seen in memory, on one day,
    #[serde(deserialize_with = "at_least_one")]
    pub replay_senders: u64,
    /// and at least this many times that day's own mail at home.
    #[serde(deserialize_with = "at_least_one")]
    pub replay_factor: u64,
    /// A burst of spoofed mail: from at least this many networks of role `unknown` on one day,
    #[serde(deserialize_with = "at_least_one")]
    pub burst_networks: u64,
    /// and at least this many messages.
    #[serde(deserialize_with = "at_least_one")]
    pub burst_messages: u64,
    /// Another account that passes SPF through the domain's own include: from this many messages on,
    #[serde(deserialize_with = "at_least_one")]
    pub shared_include_messages: u64,
    /// at this many reporters or more.
    #[serde(deserialize_with = "at_least_one")]
    pub shared_include_reporters: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds {
            signed: 0.95,
            signed_but_broken: 0.80,
            intermittent: 0.05,
            memory_days: 90,
            replay_senders: 10,
            replay_factor: 5,
            burst_networks: 20,
            burst_messages: 200,
            shared_include_messages: 10,
            shared_include_reporters: 2,
        }
    }
}

fn a_share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&number) {
        Ok(number)
    } else {
        Err(de::Error::custom(format!("invalid share {number}: write one from 0 to 1, such as 0.95")))
    }
}

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        0 => Err(de::Error::custom("invalid count 0: it must be 1 or more")),
        count => Ok(count),
    }
}

/// Less than this share of messages is a slip and not a state of the path.
const SLIP: f64 = 0.01;

/// The class by the messages that count, see [`View::counted`](super::consensus::view::View).
#[must_use]
pub(super) fn class(counted: &States, thresholds: &Thresholds) -> Class {
    let [aligned, unaligned, broken, unsigned] = [ALIGNED, UNALIGNED, BROKEN, UNSIGNED].map(|at| counted[at]);
    let known = known(counted);
    if known == 0 {
        return Class::NotReported;
    }
    let missing = share(unaligned + unsigned, known);
    let signed = share(aligned, known);
    if signed >= thresholds.signed || missing < SLIP && signed >= thresholds.signed_but_broken {
        return Class::Signed;
    }
    if signed >= thresholds.intermittent && missing >= thresholds.intermittent {
        return Class::Intermittent;
    }
    // Of equals the one that is more work to mend.
    [(broken, Class::Broken), (unaligned, Class::Unaligned), (unsigned, Class::Unsigned)]
        .into_iter()
        .max_by_key(|(messages, _)| *messages)
        .map_or(Class::Unsigned, |(_, class)| class)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(counted: [u64; 5]) -> Class {
        class(&counted, &Thresholds::default())
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
        assert_eq!(class_of([0, 0, 0, 0, 7]), Class::NotReported);
    }

    #[test]
    fn thresholds_are_shares() {
        let read = |text: &str| toml::from_str::<Thresholds>(text);
        assert_eq!(read("signed = 0.9").unwrap(), Thresholds { signed: 0.9, ..Thresholds::default() });
        for wrong in ["signed = 95", "signed = -0.1", "signed = \"most\"", "sined = 0.9", "signed = nan"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
