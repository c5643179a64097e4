//! The figures that a survey comes to.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::naming::NamedBy;
use super::tally::{Bits, Days, Tally};
use crate::alignment::AuthResult;
use crate::report::period::Day;
use crate::role::Role;

/// Who handed mail over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SenderKey {
    /// An approved sender, by the name in the ledger.
    Listed(String),
    /// A catalogued provider, and whose account of it where that is known.
    Provider {
        /// Its id.
        id: String,
        /// The tenant.
        tenant: Option<String>,
    },
    /// An organization on the machines of a catalogued provider.
    Through {
        /// Its organizational domain.
        organization: String,
        /// The provider's id.
        provider: String,
    },
    /// What stands behind the owner's signer and nothing names, by the author that signed.
    Behind(String),
    /// The organizational domain that SPF authenticated.
    Domain(String),
    /// The organizational domain of the confirmed host name.
    Host(String),
    /// The network of the address: a /24 or a /48.
    Network(IpAddr),
    /// Very many that only an address, a host or SPF names, each with little of the mail.
    Many,
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
    /// Its number, see [`OutcomeFacts::signers`](crate::store::OutcomeFacts::signers).
    pub list: i64,
    /// The signatures; many paths share a set.
    pub signers: Arc<[Signer]>,
    /// The messages.
    pub messages: u64,
}

/// Sums of one path. What is summed by day, reporter and address is in the [`Tally`].
#[derive(Debug, Clone)]
pub struct PathFigures {
    /// Header From, empty where reports left it out.
    pub domain: String,
    /// Who runs the machine that handed over.
    pub sender: SenderKey,
    /// Whose system wrote it, as authenticated: a domain, an account of a provider, or nobody.
    pub author: Option<String>,
    /// Why it exists.
    pub role: Role,
    /// The rule that named most of its messages.
    pub named_by: NamedBy,
    /// The entry of the ledger, by its place.
    pub entry: Option<usize>,
    /// The provider's id, where it is catalogued; also of approved senders.
    pub provider: Option<String>,
    /// Whose account of the provider.
    pub tenant: Option<String>,
    /// The tenant is the domain's own.
    pub own_tenant: bool,
    /// There is no other such tenant, so what shows none is its too.
    pub only_tenant: bool,
    /// The tenant is another's as far as anything shows, and sends as the owner's would.
    pub doubted_tenant: bool,
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
    /// Messages with aligned SPF or DKIM that speaks for the domain: not SPF through a provider under another's tenant.
    pub authenticated: u64,
    /// Messages that reasons to override the policy speak of as forwarded.
    pub excused: u64,
    /// Reporters that gave such reasons.
    pub excused_reporters: usize,
    /// What signed, in the order of the lists' numbers, see [`OutcomeFacts::signers`](crate::store::OutcomeFacts).
    pub signers: Vec<SignerUse>,
    /// The domains that SPF authenticated most, by number (see [`OutcomeFacts::envelope`](crate::store::OutcomeFacts::envelope)) and
    /// name, a handful at most.
    pub envelopes: Vec<(i64, String)>,
    /// Reporters.
    pub reporters: Vec<String>,
    /// How many operators these are: one bears witness once, under however many names.
    pub witnesses: usize,
    /// First day seen.
    pub first: Day,
    /// Last day seen.
    pub last: Day,
    /// The first day on which the sender was seen at all with mail of this header From, the memory before the window included.
    pub sender_since: Day,
}

impl PathFigures {
    /// Without any figures yet.
    pub(super) fn new(domain: String, sender: SenderKey, author: Option<String>, role: Role) -> Self {
        PathFigures {
            domain,
            sender,
            author,
            role,
            named_by: NamedBy::Nothing,
            entry: None,
            provider: None,
            tenant: None,
            own_tenant: false,
            only_tenant: false,
            doubted_tenant: false,
            messages: 0,
            dkim: [0; 5],
            spf_aligned: 0,
            dmarc_pass: 0,
            rejected: 0,
            quarantined: 0,
            authenticated: 0,
            excused: 0,
            excused_reporters: 0,
            signers: Vec::new(),
            envelopes: Vec::new(),
            reporters: Vec::new(),
            witnesses: 0,
            first: 0,
            last: 0,
            sender_since: 0,
        }
    }

    /// Lets go of all but who it is and its sums.
    pub fn keep_sums(&mut self) {
        (self.signers, self.envelopes, self.reporters) = (Vec::new(), Vec::new(), Vec::new());
    }

    /// Whether aligned SPF speaks for the domain: through a provider that many share it does so only under the domain's own
    /// tenant.
    #[must_use]
    pub fn spf_authenticates(&self) -> bool {
        matches!(self.role, Role::Own | Role::Approved)
    }
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
    /// The entries of the ledger that mail was seen of, by their places, each with the places of the paths that have it.
    pub matched: BTreeSet<(usize, usize)>,
    /// The names of reporters, by their places in the tally: several names of one operator are one.
    pub reporter_names: Vec<String>,
    /// The names that answers list reporters under, by their places in the tally.
    pub listed_reporters: Vec<String>,
    /// The sums by report and by address behind the paths.
    pub tally: Tally,
}

impl Survey {
    /// Of reports that were summed up; nothing by path or by domain yet.
    pub(super) fn of_reports(tally: Tally) -> Self {
        // Reporters that said nothing of what is asked for are no witnesses.
        let (mut days, mut reporters) = (Days::default(), Bits::default());
        for report in &tally.reports {
            days.add(report.day);
            reporters.insert(report.listed as usize);
        }
        let reports = tally.reports.len() as u64;
        Survey {
            days: (reports > 0).then_some((days.first, days.last)),
            reports,
            reporters: reporters.len(),
            reporter_names: tally.reporters.clone(),
            listed_reporters: tally.listed.clone(),
            tally,
            ..Survey::default()
        }
    }

    /// Whether mail was seen of an entry of the ledger, by its place.
    #[must_use]
    pub fn is_matched(&self, entry: usize) -> bool {
        self.matched.range((entry, 0)..=(entry, usize::MAX)).next().is_some()
    }
}
