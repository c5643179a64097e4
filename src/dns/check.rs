//! The checks of a review of records, and what each came to.

use serde::Serialize;

use crate::finding::{Code, Finding, Severity};

/// The checks; docs/dns.md says what each looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// There is such a domain.
    Domain,
    /// There is one DMARC record that receivers recognise.
    DmarcRecord,
    /// DMARC records where no receiver looks.
    DmarcPlace,
    /// Receivers of RFC 9989 and of RFC 7489 come to the same policy.
    DmarcDiscovery,
    /// `p`, `sp`, `np`.
    DmarcPolicy,
    /// All other tags.
    DmarcSyntax,
    /// Tags that RFC 9989 has no more.
    DmarcHistoric,
    /// `pct`.
    DmarcPct,
    /// `t=y`.
    DmarcTestMode,
    /// `fo` without `ruf`.
    DmarcFo,
    /// `sp` and `np` where they have no effect.
    DmarcSp,
    /// Aggregate reports can arrive.
    DmarcRua,
    /// Aggregate reports come into this database.
    DmarcRuaFeeds,
    /// Failure reports can arrive.
    DmarcRuf,
    /// There is one SPF record.
    SpfRecord,
    /// Its terms can be read.
    SpfSyntax,
    /// The look-ups it costs.
    SpfLookups,
    /// Look-ups that find nothing.
    SpfVoidLookups,
    /// The records that its terms refer to.
    SpfInclude,
    /// The result for all other addresses.
    SpfAll,
    /// Not everybody passes.
    SpfReach,
    /// The machines that reports show as the domain's own pass.
    SpfSenders,
    /// `ptr`.
    SpfPtr,
    /// Its length.
    SpfLength,
    /// A selector has one key that can be used.
    DkimKey,
    /// How long the key is.
    DkimKeyBits,
    /// `t=y`.
    DkimTesting,
    /// What else is odd about the key record.
    DkimSyntax,
    /// The two names of Microsoft 365.
    DkimMicrosoft365,
    /// The MTA-STS record (RFC 8461).
    MtaSts,
    /// The record of SMTP TLS reports (RFC 8460).
    TlsRpt,
    /// The BIMI record.
    Bimi,
}

impl Code for Check {
    fn as_str(self) -> &'static str {
        match self {
            Check::Domain => "domain",
            Check::DmarcRecord => "dmarc-record",
            Check::DmarcPlace => "dmarc-place",
            Check::DmarcDiscovery => "dmarc-discovery",
            Check::DmarcPolicy => "dmarc-policy",
            Check::DmarcSyntax => "dmarc-syntax",
            Check::DmarcHistoric => "dmarc-historic",
            Check::DmarcPct => "dmarc-pct",
            Check::DmarcTestMode => "dmarc-test-mode",
            Check::DmarcFo => "dmarc-fo",
            Check::DmarcSp => "dmarc-sp",
            Check::DmarcRua => "dmarc-rua",
            Check::DmarcRuaFeeds => "dmarc-rua-feeds",
            Check::DmarcRuf => "dmarc-ruf",
            Check::SpfRecord => "spf-record",
            Check::SpfSyntax => "spf-syntax",
            Check::SpfLookups => "spf-lookups",
            Check::SpfVoidLookups => "spf-void-lookups",
            Check::SpfInclude => "spf-include",
            Check::SpfAll => "spf-all",
            Check::SpfReach => "spf-reach",
            Check::SpfSenders => "spf-senders",
            Check::SpfPtr => "spf-ptr",
            Check::SpfLength => "spf-length",
            Check::DkimKey => "dkim-key",
            Check::DkimKeyBits => "dkim-key-bits",
            Check::DkimTesting => "dkim-testing",
            Check::DkimSyntax => "dkim-syntax",
            Check::DkimMicrosoft365 => "dkim-microsoft365",
            Check::MtaSts => "mta-sts",
            Check::TlsRpt => "tls-rpt",
            Check::Bimi => "bimi",
        }
    }
}

/// What a check came to; what is open comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Something is wrong.
    Failed,
    /// The DNS gave no answer; nothing is known.
    CouldNotLook,
    /// As it should be.
    Passed,
}

impl Outcome {
    /// The word in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Failed => "failed",
            Outcome::CouldNotLook => "could_not_look",
            Outcome::Passed => "passed",
        }
    }
}

/// A check that was made. Of one that did not fail, the severity is what a failure would have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What it came to.
    pub outcome: Outcome,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding<Check>,
}

impl Checked {
    /// Outcome, severity and code, for tests.
    #[cfg(test)]
    pub(super) fn key(&self) -> (Outcome, Severity, Check) {
        (self.outcome, self.finding.severity, self.finding.code)
    }
}

/// Checks as they are made, about one subject after the other.
#[derive(Debug, Clone, Default)]
pub struct Findings(pub Vec<Checked>);

impl Findings {
    /// A check passed.
    pub fn pass(&mut self, check: Check, subject: &str, detail: impl Into<String>) {
        self.add(Outcome::Passed, Finding::new(Severity::Advice, check, subject, detail));
    }

    /// A check failed; the remedy is empty where there is nothing to do.
    pub fn fail(
        &mut self,
        check: Check,
        severity: Severity,
        subject: &str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let remedy = Some(remedy.into()).filter(|text| !text.is_empty());
        self.add(Outcome::Failed, Finding { remedy, ..Finding::new(severity, check, subject, detail) });
    }

    /// Nobody could say; `severity` is what a failure would have been.
    pub fn unknown(&mut self, check: Check, severity: Severity, subject: &str, reason: &str) {
        let detail = format!("could not look: {reason}");
        self.add(Outcome::CouldNotLook, Finding::new(severity, check, subject, detail));
    }

    fn add(&mut self, outcome: Outcome, finding: Finding<Check>) {
        self.0.push(Checked { outcome, finding });
    }
}
