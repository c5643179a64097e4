//! What SMTP TLS reports (RFC 8460) come to: the answer of `tls`. By domain, policy and host, what fails, since when, who says
//! so, and what to do.

mod judge;
mod policy;
mod remedy;

use serde::Serialize;

use super::dates::WindowAnswer;
use crate::providers::Remedy;

pub use judge::tls_domains;
pub(super) use judge::{Judged, judged, remedy_of};

/// The answer of `tls`.
#[derive(Debug, Clone, Serialize)]
pub struct TlsAnswer {
    /// Which answer, and its version.
    pub schema: &'static str,
    /// The days it is about.
    pub window: WindowAnswer,
    /// The end of the newest TLS report in the database.
    pub newest_report: Option<String>,
    /// TLS reports within the window.
    pub reports: u64,
    /// Their reporters.
    pub reporters: usize,
    /// By policy domain, in alphabetical order.
    pub domains: Vec<TlsDomain>,
}

/// A policy domain.
#[derive(Debug, Clone, Serialize)]
pub struct TlsDomain {
    /// Its name.
    pub domain: String,
    /// Sessions that went well.
    pub successful: u64,
    /// Sessions that failed.
    pub failed: u64,
    /// By policy type, in alphabetical order.
    pub policies: Vec<TlsPolicy>,
}

/// The sessions with a domain's hosts under policies of one type.
#[derive(Debug, Clone, Serialize)]
pub struct TlsPolicy {
    /// `sts`, `tlsa`, `no-policy-found`, any other word that a report has, or `null`.
    pub policy_type: Option<String>,
    /// `mode` of an MTA-STS policy.
    pub mode: Option<String>,
    /// The policy as the newest report has it, a line each.
    pub policy_string: Vec<String>,
    /// The hosts that the policy allows, as the newest report has them.
    pub mx_host: Vec<String>,
    /// Mail is not delivered where TLS fails: DANE, or MTA-STS in the mode `enforce`.
    pub enforced: bool,
    /// Sessions that went well.
    pub successful: u64,
    /// Sessions that failed.
    pub failed: u64,
    /// Reports.
    pub reports: u64,
    /// Who reports, in alphabetical order.
    pub reporters: Vec<String>,
    /// The first day with reports within the window.
    pub first_seen: String,
    /// The last.
    pub last_seen: String,
    /// What fails: that which still does first, then by sessions.
    pub failures: Vec<TlsFailure>,
}

/// A kind of failure at a host.
#[derive(Debug, Clone, Serialize)]
pub struct TlsFailure {
    /// A word of RFC 8460 §4.3, any other that a report has, or `null` where only the number of sessions is told.
    pub result_type: Option<String>,
    /// What that means.
    pub explanation: Option<&'static str>,
    /// The host, where it is told.
    pub mx_host: Option<String>,
    /// Its addresses, some of them.
    pub receiving_ips: Vec<String>,
    /// `failure-reason-code`, some of them.
    pub reason_codes: Vec<String>,
    /// `additional-information`, some of it: text of strangers, and links not to be followed blindly.
    pub information: Vec<String>,
    /// Sessions within the window.
    pub sessions: u64,
    /// Who says so, in alphabetical order.
    pub reporters: Vec<String>,
    /// Days within the window on which it failed.
    pub days: usize,
    /// The first of them.
    pub first_seen: String,
    /// The last of them.
    pub last_seen: String,
    /// The day since when it has failed without a pause of seven days with reports of those who say so; it may lie before the
    /// window.
    pub since: String,
    /// Those who say so have not reported on two later days without it.
    pub ongoing: bool,
    /// Only one reporter says so, and two others or more saw otherwise on the same days.
    pub lone_claim: bool,
    /// What to do.
    pub remedy: Remedy,
}
