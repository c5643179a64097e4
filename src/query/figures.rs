//! The figures that a survey comes to.

use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::alignment::AuthResult;
use crate::report::period::Day;

/// Who handed mail over, as far as records alone show.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SenderKey {
    /// The organizational domain that SPF authenticated.
    Domain(String),
    /// The network of the address: a /24 or a /48.
    Network(IpAddr),
    /// No address was readable.
    Nobody,
}

/// A signature on a path's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// `d=`.
    pub domain: String,
    /// `s=`.
    pub selector: Option<String>,
    /// Its result.
    pub result: AuthResult,
}

/// A set of signatures, and the messages that carried it.
#[derive(Debug, Clone)]
pub struct SignerUse {
    /// The signatures; many paths share a set.
    pub signers: Arc<[Signer]>,
    /// The messages.
    pub messages: u64,
    /// Those of them with aligned SPF.
    pub spf_aligned: u64,
}

/// Sums of one path.
#[derive(Debug, Clone)]
pub struct PathFigures {
    /// Header From, empty where reports left it out.
    pub domain: String,
    /// Who handed over.
    pub sender: SenderKey,
    /// Messages.
    pub messages: u64,
    /// Messages by DKIM state, in the order of [`DkimState::ALL`](crate::alignment::DkimState::ALL).
    pub dkim: [u64; 5],
    /// Messages with aligned SPF.
    pub spf_aligned: u64,
    /// Messages that passed DMARC.
    pub dmarc_pass: u64,
    /// Messages that were refused.
    pub rejected: u64,
    /// Messages that were quarantined.
    pub quarantined: u64,
    /// Messages with aligned SPF or DKIM.
    pub vouched: u64,
    /// Reporters that saw messages with aligned SPF or DKIM.
    pub vouched_reporters: usize,
    /// Whether such messages were seen on more than one day.
    pub vouched_days: bool,
    /// What signed.
    pub signers: Vec<SignerUse>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
    /// Reporters.
    pub reporters: Vec<String>,
    /// First day seen.
    pub first: Day,
    /// Last day seen.
    pub last: Day,
}

/// Sums of one policy domain.
#[derive(Debug, Clone, Serialize)]
pub struct DomainFigures {
    /// The domain.
    pub domain: String,
    /// The policy published last.
    pub policy: Option<String>,
    /// Messages.
    pub messages: u64,
    /// Messages that passed DMARC.
    pub dmarc_pass: u64,
    /// Messages whose DKIM state is aligned.
    pub dkim_aligned: u64,
    /// Messages with aligned SPF.
    pub spf_aligned: u64,
    /// Reports.
    pub reports: u64,
    /// Reporters.
    pub reporters: usize,
}

/// How much evidence there is on a header From domain.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence {
    /// Reporters.
    pub reporters: usize,
    /// More than one day.
    pub days: bool,
}

/// What a window holds.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// First and last day with reports, within the window.
    pub days: Option<(Day, Day)>,
    /// Reports.
    pub reports: u64,
    /// Reporters.
    pub reporters: usize,
    /// By policy domain, in the order of their names.
    pub domains: Vec<DomainFigures>,
    /// By header From and sender, in the order of both.
    pub paths: Vec<PathFigures>,
    /// Evidence by header From domain.
    pub evidence: FxHashMap<String, Evidence>,
}
