//! The answer of `selectors`: what is said of each key.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::health::KeyState;
use super::key::KeyOwner;
use super::rotation::Rotation;
use crate::diagnosis::basis::Basis;
use crate::diagnosis::class::Class;
use crate::query::KeyResults;
use crate::report::period::Day;

/// The answer of `selectors`.
#[derive(Debug, Clone, Serialize)]
pub struct SelectorsAnswer {
    /// Which answer, and its version.
    pub schema: &'static str,
    /// The days, and how much is known of them.
    #[serde(flatten)]
    pub basis: Basis,
    /// The selectors, those that want a look first.
    pub selectors: Vec<SelectorUse>,
    /// Keys that took over from others.
    pub rotations: Vec<Rotation>,
    /// Keys of third parties, where they are not listed.
    pub others: OtherKeys,
}

/// Keys that are not listed, in sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OtherKeys {
    /// How many.
    pub selectors: u64,
    /// Messages with their signatures.
    pub messages: u64,
}

/// A selector and what it signed.
#[derive(Debug, Clone, Serialize)]
pub struct SelectorUse {
    /// `d=`.
    pub signing_domain: String,
    /// `s=`; absent where reporters do not name it.
    pub selector: Option<String>,
    /// Whose it is.
    pub owner: KeyOwner,
    /// How it fares.
    pub state: KeyState,
    /// Messages that carry its signature.
    pub messages: u64,
    /// Those whose signature verified.
    pub verified: u64,
    /// Those whose signature did not.
    pub failed: u64,
    /// Messages by result, those of zero left out.
    pub results: KeyResults,
    /// First day seen.
    pub first_seen: String,
    /// Last day seen.
    pub last_seen: String,
    /// Last day on which it verified.
    pub last_verified: Option<String>,
    /// The first day seen, where its paths sent without it before.
    pub began: Option<String>,
    /// The first day from which on it failed, where it verified before.
    pub failing_since: Option<String>,
    /// The paths that use it, by their messages.
    pub senders: Vec<KeySender>,
    /// Who saw it.
    pub reporters: Vec<KeyReporter>,
    /// The machines that use it, worst first; only with `--by-address`.
    pub addresses: Option<Vec<KeyAddress>>,
    /// Other keys of the same domain that verified on the same paths on the same days. Keys of the same days have one list.
    pub overlaps: Arc<[Overlap]>,
    /// Day by day; days without its signatures are left out.
    pub days: Vec<KeyDay>,
    /// What else to know.
    pub notes: Vec<String>,
}

/// A path that uses a key.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "as in the selector's own fields")]
pub struct KeySender {
    /// The path's id.
    pub path: String,
    pub sender: String,
    /// Header From.
    pub domain: String,
    pub class: Class,
    pub messages: u64,
    pub verified: u64,
    pub failed: u64,
    pub first_seen: String,
    pub last_seen: String,
}

/// A reporter that saw a key.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "as in the selector's own fields")]
pub struct KeyReporter {
    pub reporter: String,
    pub messages: u64,
    pub verified: u64,
    pub failed: u64,
    pub last_verified: Option<String>,
    pub last_failed: Option<String>,
}

/// A machine that uses a key.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "as in the selector's own fields")]
pub struct KeyAddress {
    pub ip: IpAddr,
    pub messages: u64,
    pub verified: u64,
    pub failed: u64,
    pub first_seen: String,
    pub last_seen: String,
    /// It fails, and the key's other machines do not.
    pub fails_alone: bool,
}

/// Another key and the days on which both verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// Its selector.
    pub selector: Arc<str>,
    /// How many days.
    pub days: usize,
}

/// A day of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "as in the selector's own fields")]
pub struct KeyDay {
    #[serde(serialize_with = "crate::diagnosis::dates::as_date")]
    pub day: Day,
    pub verified: u64,
    pub failed: u64,
    pub unknown: u64,
}
