//! What a review of a domain's records is asked, and what reports and configuration say that bears on it.

use std::net::IpAddr;

use serde::Serialize;

/// What to look at, and what is known that bears on it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// The domain, in its one spelling.
    pub domain: &'a str,
    /// The DKIM selectors to look at.
    pub selectors: &'a [Selector],
    /// The mail addresses that feed the database: user names of configured accounts.
    pub receivers: &'a [String],
    /// The newest report on the domain in the database.
    pub newest_report: Option<NewestReport>,
    /// Whether reports show mail of Microsoft 365 for the domain.
    pub microsoft365: bool,
    /// Addresses of machines that reports show as the domain's own.
    pub own_addresses: &'a [IpAddr],
}

/// The newest report on a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewestReport {
    /// The day on which it counts.
    pub day: jiff::civil::Date,
    /// How many days ago that is.
    pub days_ago: i64,
}

/// Why a selector is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Somebody asked for it.
    Asked,
    /// Reports say that signatures with it verified.
    Verified,
    /// They did, and for a week its paths have signed with another: that its key is gone is as it should be.
    Retired,
    /// Reports name it, and no signature with it verified: it may be anybody's invention, and its key is not missed.
    Unverified,
}

/// A DKIM selector and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selector {
    /// `d=`, in its one spelling.
    pub domain: String,
    /// `s=`.
    pub selector: String,
    /// Why it is looked at.
    pub origin: Origin,
}
