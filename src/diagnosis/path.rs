//! A sending path, judged.

use std::net::IpAddr;

use serde::Serialize;

use super::cause::{CauseEvidence, Fault};
use super::class::Class;
use super::evidence::Grounds;
use super::states::DkimFigures;
use crate::cause::Cause;
use crate::domain;
use crate::providers::Remedy;
use crate::role::Role;

/// A sending path.
#[derive(Debug, Clone, Serialize)]
pub struct SendingPath {
    /// Its place in [`Survey::paths`](crate::query::Survey::paths), for who wants more of its figures.
    #[serde(skip)]
    pub figures: usize,
    /// It looks like the other leg of an own server: only receivers see it that see none of that.
    #[serde(skip)]
    pub leg: bool,
    /// Short, and the same on every machine for the same path.
    pub id: String,
    /// Header From.
    pub domain: String,
    /// Who runs the machine that handed the mail to the reporter.
    pub sender: String,
    /// Whose system wrote it, as authenticated: a domain, an account of a provider, or nobody.
    pub author: Option<String>,
    /// The rule that named it.
    pub named_by: String,
    /// The provider, where it is catalogued.
    pub provider: Option<String>,
    /// The tenant, where the provider shows it.
    pub tenant: Option<String>,
    /// Why it exists.
    pub role: Role,
    /// How it signs.
    pub class: Class,
    /// Why it does not pass; nothing where nothing is wrong.
    pub cause: Option<Cause>,
    /// The day of the last change that class and cause speak of the time after, where there was one.
    pub since: Option<String>,
    /// Messages.
    pub messages: u64,
    /// By DKIM state.
    pub dkim: DkimFigures,
    /// Messages with aligned SPF.
    pub spf_aligned: u64,
    /// Messages that passed DMARC.
    pub dmarc_pass: u64,
    /// Messages that were refused.
    pub rejected: u64,
    /// Messages that were quarantined.
    pub quarantined: u64,
    /// Domains whose signatures verified, or would have.
    pub signing_domains: Vec<String>,
    /// The selectors of those.
    pub selectors: Vec<String>,
    /// Every address.
    pub source_ips: Vec<IpAddr>,
    /// Every reporter.
    pub reporters: Vec<String>,
    /// How many operators these are.
    #[serde(skip)]
    pub witnesses: usize,
    /// First day seen.
    pub first_seen: String,
    /// Last day seen.
    pub last_seen: String,
    /// The same day, where mail is sent in the domain's name on purpose and nothing has come for two weeks, while other mail of
    /// the organizational domain has.
    pub quiet_since: Option<String>,
    /// What else to know.
    pub notes: Vec<String>,
    /// What to do.
    pub remedy: Option<Remedy>,
    /// Whom to ask, by the ledger.
    pub owner: Option<String>,
    /// Why it is of its class.
    pub evidence: Grounds,
}

impl SendingPath {
    /// The organizational domain of header From.
    #[must_use]
    pub fn organization(&self) -> &str {
        domain::organizational(&self.domain)
    }

    /// Without what only answers about paths show: who it is, its figures, its addresses and the title of its remedy stay.
    pub(super) fn in_brief(self) -> Self {
        let remedy =
            self.remedy.map(|remedy| Remedy { steps: Vec::new(), records: Vec::new(), source: None, ..remedy });
        SendingPath {
            signing_domains: Vec::new(),
            selectors: Vec::new(),
            reporters: Vec::new(),
            notes: Vec::new(),
            evidence: Grounds::default(),
            remedy,
            ..self
        }
    }

    /// Whether `dmarcstat unsigned` is about it: mail sent in the domain's name on purpose that is not all signed as the
    /// domain, or machines of a path that never sign.
    #[must_use]
    pub fn needs_work(&self) -> bool {
        needs_work(self.role, self.class, self.is_of_machines())
    }

    /// Whether what is wrong is wrong at some of its machines, whatever their share of the path.
    pub(super) fn is_of_machines(&self) -> bool {
        self.evidence.cause.as_ref().is_some_and(|shown| is_of_machines(self.cause, shown))
    }
}

/// Whether a cause is one of some machines of a path.
pub(super) fn is_of_machines(cause: Option<Cause>, shown: &CauseEvidence) -> bool {
    cause == Some(Cause::SomeMachines) || shown.fault == Some(Fault::BodyAtMachines)
}

/// Paths in sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// How many.
    pub paths: u64,
    /// Their messages.
    pub messages: u64,
}

/// Whether a path of a role and a class, with something wrong at some of its machines or not, is one that `dmarcstat unsigned` is about.
pub(super) fn needs_work(role: Role, class: Class, of_machines: bool) -> bool {
    role.sends_for_owner() && (class.needs_work() || of_machines)
}
