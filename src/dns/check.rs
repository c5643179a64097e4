//! The checks of a review of records, and what each came to.

use serde::Serialize;

use crate::finding::{Finding, Severity};
use crate::vocabulary::vocabulary;

vocabulary! {
    /// The checks; docs/dns.md says what each looks at.
    pub enum Check {
        /// There is such a domain.
        Domain => "domain",
        /// There is one DMARC record that receivers recognise.
        DmarcRecord => "dmarc-record",
        /// DMARC records where no receiver looks.
        DmarcPlace => "dmarc-place",
        /// Receivers of RFC 9989 and of RFC 7489 come to the same policy.
        DmarcDiscovery => "dmarc-discovery",
        /// `p`, `sp`, `np`.
        DmarcPolicy => "dmarc-policy",
        /// All other tags.
        DmarcSyntax => "dmarc-syntax",
        /// Tags that RFC 9989 has no more.
        DmarcHistoric => "dmarc-historic",
        /// `pct`.
        DmarcPct => "dmarc-pct",
        /// `t=y`.
        DmarcTestMode => "dmarc-test-mode",
        /// `fo` without `ruf`.
        DmarcFo => "dmarc-fo",
        /// `sp` and `np` where they have no effect.
        DmarcSp => "dmarc-sp",
        /// Aggregate reports can arrive.
        DmarcRua => "dmarc-rua",
        /// Aggregate reports come into this database.
        DmarcRuaFeeds => "dmarc-rua-feeds",
        /// Failure reports can arrive.
        DmarcRuf => "dmarc-ruf",
        /// There is one SPF record.
        SpfRecord => "spf-record",
        /// Its terms can be read.
        SpfSyntax => "spf-syntax",
        /// The look-ups it costs.
        SpfLookups => "spf-lookups",
        /// Look-ups that find nothing.
        SpfVoidLookups => "spf-void-lookups",
        /// The records that its terms refer to.
        SpfInclude => "spf-include",
        /// The result for all other addresses.
        SpfAll => "spf-all",
        /// Not everybody passes.
        SpfReach => "spf-reach",
        /// The machines that reports show as the domain's own pass.
        SpfSenders => "spf-senders",
        /// `ptr`.
        SpfPtr => "spf-ptr",
        /// Its length.
        SpfLength => "spf-length",
        /// A selector has one key that can be used.
        DkimKey => "dkim-key",
        /// How long the key is.
        DkimKeyBits => "dkim-key-bits",
        /// `t=y`.
        DkimTesting => "dkim-testing",
        /// What else is odd about the key record.
        DkimSyntax => "dkim-syntax",
        /// The two names of Microsoft 365.
        DkimMicrosoft365 => "dkim-microsoft365",
        /// The MTA-STS record (RFC 8461).
        MtaSts => "mta-sts",
        /// The record of SMTP TLS reports (RFC 8460).
        TlsRpt => "tls-rpt",
        /// The BIMI record.
        Bimi => "bimi",
    }
}

vocabulary! {
    /// What a check came to; what is open comes first.
    pub enum Outcome {
        /// Something is wrong.
        Failed => "failed",
        /// The DNS gave no answer; nothing is known.
        CouldNotLook => "could_not_look",
        /// As it should be.
        Passed => "passed",
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
