//! SMTP TLS reports (RFC 8460): how mail servers that send to a domain fared with TLS there, under MTA-STS, DANE or no policy.
//!
//! They are JSON, written by strangers. What senders are known to do is read: numbers as texts, lists as texts and the
//! reverse, fields that are missing or `null`, words that no RFC has. A policy type or result type that is not known stays
//! as it is written. Text of any length is cut, counts are bounded, and of what is not asked for nothing is kept.

mod json;
mod node;
mod words;

pub use json::{LARGEST, ReadFailure, looks_like, read};
pub use words::{MOST_SESSIONS, PolicyType, ResultType};

use crate::report::DateRange;

/// A report (RFC 8460 §4.4), as it is written: what is missing or empty is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsReport {
    /// `organization-name`.
    pub organization_name: Option<String>,
    /// `contact-info`.
    pub contact_info: Option<String>,
    /// `report-id`.
    pub report_id: Option<String>,
    /// `date-range`, both times as written.
    pub date_range: DateRange,
    /// `policies`.
    pub policies: Vec<PolicyReport>,
}

/// What became of the sessions under one policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyReport {
    /// `policy-type`, in lower case: see [`PolicyType`].
    pub policy_type: Option<String>,
    /// `policy-domain`.
    pub policy_domain: Option<String>,
    /// `policy-string`: the lines of an MTA-STS policy, or TLSA records.
    pub policy_string: Vec<String>,
    /// `mx-host`: the patterns of the policy.
    pub mx_host: Vec<String>,
    /// `total-successful-session-count`.
    pub successful: u64,
    /// `total-failure-session-count`, and no less than the failures add up to.
    pub failed: u64,
    /// `failure-details`; those that differ in the number of sessions alone are one.
    pub failures: Vec<Failure>,
}

/// Sessions that failed for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Failure {
    /// `result-type`, in lower case: see [`ResultType`].
    pub result_type: Option<String>,
    /// `receiving-mx-hostname`, in lower case.
    pub mx_host: Option<String>,
    /// `receiving-mx-helo`.
    pub mx_helo: Option<String>,
    /// `receiving-ip`.
    pub receiving_ip: Option<String>,
    /// `sending-mta-ip`.
    pub sending_ip: Option<String>,
    /// `failure-reason-code`.
    pub reason_code: Option<String>,
    /// `additional-information`.
    pub information: Option<String>,
    /// `failed-session-count`.
    pub sessions: u64,
}

#[cfg(test)]
mod tests;
