//! The closed sets of words in TLS reports. What stands in a report may be any other; it is then kept as it is written.

use crate::vocabulary::vocabulary;

/// No receiver of mail has seen more sessions of one kind; larger counts are mistakes or jokes, and sums stay sums.
pub const MOST_SESSIONS: u64 = 1_000_000_000_000;

vocabulary! {
    /// `policy-type` (RFC 8460 §4.4).
    pub enum PolicyType {
        /// An MTA-STS policy (RFC 8461).
        Sts => "sts",
        /// DANE: TLSA records (RFC 7672).
        Tlsa => "tlsa",
        /// Neither was found: TLS is used where the server offers it.
        NoPolicyFound => "no-policy-found",
    }
}

vocabulary! {
    /// `result-type` (RFC 8460 §4.3).
    pub enum ResultType {
        /// The server did not offer STARTTLS.
        StarttlsNotSupported => "starttls-not-supported",
        /// The certificate names another host.
        CertificateHostMismatch => "certificate-host-mismatch",
        /// The certificate has expired.
        CertificateExpired => "certificate-expired",
        /// The certificate is of an authority that the sender does not trust, or its chain has gaps.
        CertificateNotTrusted => "certificate-not-trusted",
        /// The session failed for a reason that has no word of its own.
        ValidationFailure => "validation-failure",
        /// The TLSA records are not valid ones.
        TlsaInvalid => "tlsa-invalid",
        /// No valid DNSSEC answers came.
        DnssecInvalid => "dnssec-invalid",
        /// The sender insists on DANE, and there are no TLSA records.
        DaneRequired => "dane-required",
        /// The policy could not be fetched.
        StsPolicyFetchError => "sts-policy-fetch-error",
        /// The policy could not be read.
        StsPolicyInvalid => "sts-policy-invalid",
        /// The certificate of the host that has the policy is not valid.
        StsWebpkiInvalid => "sts-webpki-invalid",
    }
}
