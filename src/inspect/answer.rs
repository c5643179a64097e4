//! The answer of `inspect`.

use std::net::IpAddr;

use serde::Serialize;

use super::code::Finding;
use crate::diagnosis::Class;
use crate::domain::Author;
use crate::role::Role;

/// How a domain stands to the domain of From.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Aligned {
    /// The same name: aligned under `adkim=s` or `aspf=s` too.
    Strict,
    /// The same organizational domain.
    Relaxed,
    /// Neither.
    No,
}

impl Aligned {
    /// Of a normalized name.
    #[must_use]
    pub fn of(name: &str, from: &Author<'_>) -> Self {
        match (from.aligns(name, true), from.aligns(name, false)) {
            (true, _) => Aligned::Strict,
            (false, true) => Aligned::Relaxed,
            (false, false) => Aligned::No,
        }
    }

    /// Whether it counts for DMARC, where strict alignment is published or not.
    #[must_use]
    pub fn counts(self, strict: bool) -> bool {
        match self {
            Aligned::Strict => true,
            Aligned::Relaxed => !strict,
            Aligned::No => false,
        }
    }
}

/// The alignment that the domain of From publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Published {
    /// `adkim=s`.
    pub dkim_strict: bool,
    /// `aspf=s`.
    pub spf_strict: bool,
    /// How it is known: `dns` or `reports`.
    pub source: &'static str,
}

/// Whose results are read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Authserv {
    /// The authserv-id; absent where the server wrote none.
    pub id: Option<String>,
    /// It is one's own, so that it may be believed: named with `--authserv-id` or in the configuration.
    pub trusted: bool,
    /// Others that speak in this message.
    pub others: Vec<String>,
}

/// One field with results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResultsField {
    /// `Authentication-Results` or `ARC-Authentication-Results`.
    pub field: &'static str,
    /// Who speaks.
    pub authserv_id: Option<String>,
    /// `i=` of the ARC set.
    pub instance: Option<u32>,
    /// Whether the answer builds on it.
    pub used: bool,
    /// `method=result`, each with the domain it is about where it names one.
    pub results: Vec<String>,
}

/// A DKIM signature: one that the message carries, or one that only the results tell of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignatureReview {
    /// `d=`, normalized.
    pub domain: Option<String>,
    /// `s=`.
    pub selector: Option<String>,
    /// `a=`.
    pub algorithm: Option<String>,
    /// The RSA key's size as the length of the signature tells it.
    pub key_bits: Option<usize>,
    /// `i=`.
    pub identity: Option<String>,
    /// The field is in the message.
    pub present: bool,
    /// Whether its domain aligns with From.
    pub aligned: Aligned,
    /// Its result by the server whose results are read, as written.
    pub result: Option<String>,
    /// What else the server says of it.
    pub result_detail: Option<String>,
    /// The header fields it covers.
    pub covered: Vec<String>,
    /// Header fields of the message that ought to be covered and are not.
    pub uncovered: Vec<String>,
    /// What is missing or weak.
    pub findings: Vec<Finding>,
}

/// SPF, as far as the message tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpfReview {
    /// The domain that was checked, normalized.
    pub domain: Option<String>,
    /// `mfrom` or `helo`.
    pub scope: &'static str,
    /// The result as written; absent where no server's word was found.
    pub result: Option<String>,
    /// Whether the domain aligns with From.
    pub aligned: Aligned,
    /// The field it was taken from.
    pub source: &'static str,
}

/// The machine that handed the message over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandOver {
    /// Its address.
    pub address: IpAddr,
    /// The field it was taken from.
    pub source: &'static str,
}

/// One ARC set (RFC 8617).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ArcSet {
    /// `i=`.
    pub instance: u32,
    /// `d=` of the seal.
    pub sealed_by: Option<String>,
    /// `cv=` of the seal: what the sealer found the chain before it to be.
    pub chain_validation: Option<String>,
    /// All three fields are there.
    pub complete: bool,
}

/// The message's sending path in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathMatch {
    /// Its id.
    pub id: String,
    /// Who hands over.
    pub sender: String,
    /// Its class.
    pub class: Class,
    /// Its role.
    pub role: Role,
    /// Its messages in the window.
    pub messages: u64,
    /// How many of them had an aligned, verifying signature.
    pub dkim_aligned: u64,
    /// What the message and the path have in common.
    pub matched_by: String,
}

/// The place of the message among the sending paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The path, where just one fits.
    pub path: Option<PathMatch>,
    /// Why there is none, or what else to know.
    pub note: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// Which answer, and its version.
    pub schema: &'static str,
    /// Domain of From, normalized; absent where there is not just one.
    pub from: Option<String>,
    /// All addresses in From.
    pub from_addresses: Vec<String>,
    /// The reverse-path as the last server wrote it; empty for the null reverse-path.
    pub reverse_path: Option<String>,
    /// Who handed it over.
    pub handed_over_by: Option<HandOver>,
    /// When it arrived by its topmost `Received`, RFC 3339.
    pub received: Option<String>,
    /// Whose results are read.
    pub authserv: Option<Authserv>,
    /// All fields with results, topmost first.
    pub results: Vec<ResultsField>,
    /// All signatures.
    pub signatures: Vec<SignatureReview>,
    /// SPF.
    pub spf: Option<SpfReview>,
    /// The alignment that the domain publishes; absent where it is not known, and relaxed is taken for it.
    pub published: Option<Published>,
    /// The server's own DMARC result.
    pub dmarc: Option<String>,
    /// The ARC sets, oldest first.
    pub arc: Vec<ArcSet>,
    /// The DKIM state, by the results read.
    pub dkim_state: &'static str,
    /// The SPF state, by the results read.
    pub spf_state: &'static str,
    /// Whether DMARC passes by the results read and the published alignment; absent where they do not tell.
    pub dmarc_pass: Option<bool>,
    /// Signatures are not verified by this command.
    pub verified_here: bool,
    /// What the failure report says that the message was enclosed in; absent where it came as it is.
    pub failure_report: Option<FailureReport>,
    /// The path in the database.
    pub place: Place,
    /// What is missing or weak about the message as a whole, the worst first.
    pub findings: Vec<Finding>,
}

/// What a failure report says of the message that it encloses; text of strangers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FailureReport {
    /// Who reports: `Reporting-MTA`, else the domain of the report's From.
    pub reporter: Option<String>,
    /// `Feedback-Type`: `auth-failure`, `abuse` …
    pub feedback_type: Option<String>,
    /// `Auth-Failure`: `dmarc`, `dkim`, `spf`, `bodyhash` …
    pub auth_failure: Option<String>,
    /// `Identity-Alignment`: what aligned.
    pub identity_alignment: Option<String>,
    /// `Reported-Domain`.
    pub reported_domain: Option<String>,
    /// `Source-IP`.
    pub source_ip: Option<String>,
    /// `Arrival-Date`, as written.
    pub arrival_date: Option<String>,
    /// `Delivery-Result`: what became of the message.
    pub delivery_result: Option<String>,
    /// Only the header of the message is enclosed.
    pub headers_only: bool,
}
