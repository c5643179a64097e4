//! A finding of a domain: its code, and what is known of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::finding::{Finding, Severity};
use crate::providers::Remedy;
use crate::vocabulary::vocabulary;

vocabulary! {
    /// Which finding of a domain.
    pub enum FindingCode {
        /// The domain's own SPF record cannot be evaluated.
        SpfUnevaluable => "spf_unevaluable",
        /// Own mail fails for nothing but the strict alignment that is published.
        StrictAlignmentCosts => "strict_alignment_costs",
        /// Mail that the domain signed is sent again by others, out of proportion to what it sends.
        ReplaySuspected => "replay_suspected",
        /// Another customer of a provider passes SPF as the domain, through the provider's include.
        AccountSharedByInclude => "account_shared_by_include",
        /// No reports on the domain come any more.
        NoReports => "no_reports",
        /// A large reporter no longer reports.
        ReporterSilent => "reporter_silent",
        /// Reporters find different policies on the same days.
        PoliciesDisagree => "policies_disagree",
        /// What is published changed.
        PolicyChanged => "policy_changed",
        /// Unauthenticated mail under the domain's name from many networks at once.
        SpoofingBurst => "spoofing_burst",
        /// Reports on domains that are not the owner's.
        ForeignReports => "foreign_reports",
    }
}

/// Something wrong with a domain as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DomainFinding {
    /// What was found, how bad it is, and what to do.
    #[serde(flatten)]
    pub finding: Finding<FindingCode, Remedy>,
    /// The domain: header From of the mail that it is about, or the domain that policy or reports are about.
    pub domain: String,
    /// The day it began, where that can be told: it lies within the days that were looked at.
    pub since: Option<String>,
    /// It breaks the domain's own SPF or DKIM now: no policy is to be made stricter until it is mended.
    pub breaks_authentication: bool,
    /// The figures behind it.
    pub evidence: FindingEvidence,
}

impl DomainFinding {
    /// With nothing known of when it began.
    pub(super) fn new(
        severity: Severity,
        code: FindingCode,
        domain: &str,
        subject: impl Into<String>,
        detail: impl Into<String>,
        evidence: FindingEvidence,
    ) -> Self {
        DomainFinding {
            finding: Finding::new(severity, code, subject, detail),
            domain: domain.to_owned(),
            since: None,
            breaks_authentication: false,
            evidence,
        }
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> FindingCode {
        self.finding.code
    }

    /// In words, with the day it began.
    #[must_use]
    pub fn worded(&self) -> String {
        let since = self.since.as_ref().map_or_else(String::new, |day| format!(" (since {day})"));
        format!("{}: {}{since}", self.finding.subject, self.finding.detail)
    }
}

/// What to do, without records to publish.
pub(super) fn remedy(title: impl Into<String>, steps: &[&str], source: Option<&str>) -> Remedy {
    Remedy {
        title: title.into(),
        steps: steps.iter().map(|step| (*step).to_owned()).collect(),
        records: Vec::new(),
        source: source.map(str::to_owned),
    }
}

/// A tag of the published record that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagChange {
    /// Its name.
    pub tag: &'static str,
    /// Its value before.
    pub from: String,
    /// Its value since.
    pub to: String,
}

/// The figures behind a finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FindingEvidence {
    /// Of [`FindingCode::SpfUnevaluable`].
    Spf {
        /// What reporters say most: `temperror`, `permerror`, or `too_many_lookups` where a text tells.
        fault: &'static str,
        /// Messages for which the record could not be evaluated.
        messages: u64,
        /// Messages that passed and aligned in the same time.
        spf_aligned: u64,
        /// Who could not evaluate it.
        reporters: Vec<String>,
    },
    /// Of [`FindingCode::StrictAlignmentCosts`].
    Strict {
        /// Messages that fail for that alone.
        messages: u64,
        /// Those with a verified signature that aligns in relaxed mode.
        verified_dkim: u64,
        /// Those with SPF that aligns in relaxed mode.
        passed_spf: u64,
        /// Who refused them alignment.
        reporters: Vec<String>,
    },
    /// Of [`FindingCode::ReplaySuspected`].
    Replay {
        /// The worst day.
        worst_day: String,
        /// Senders on that day that were never seen before; of one that the catalogue does not know, its networks.
        senders: u64,
        /// Their messages with a verified signature of the domain.
        messages: u64,
        /// What the domain's own senders sent on that day or the day before to the same reporters, signed so.
        home_messages: u64,
        /// The last day of it.
        last_day: String,
        /// Who saw enough of it.
        reporters: Vec<String>,
    },
    /// Of [`FindingCode::AccountSharedByInclude`].
    Accounts {
        /// The accounts, or where nothing names one the providers, most messages first.
        accounts: Vec<String>,
        /// Their messages with aligned SPF.
        messages: u64,
        /// Who saw them.
        reporters: Vec<String>,
    },
    /// Of [`FindingCode::SpoofingBurst`].
    Burst {
        /// The worst day.
        worst_day: String,
        /// Networks on that day.
        networks: u64,
        /// Messages on that day.
        messages: u64,
        /// How many days it lasted.
        days: u64,
        /// The last of them.
        last_day: String,
        /// Who saw it.
        reporters: Vec<String>,
    },
    /// Of [`FindingCode::NoReports`] and [`FindingCode::ReporterSilent`].
    Silence {
        /// The last day that a report is on.
        last_day: String,
        /// Days since, up to the last of the window, or of a reporter up to the newest report of others.
        days: u64,
        /// Of a reporter, the messages that it reported.
        messages: Option<u64>,
    },
    /// Of [`FindingCode::PoliciesDisagree`].
    Disagree {
        /// On how many days.
        days: u64,
        /// For each policy, who finds it.
        policies: BTreeMap<String, Vec<String>>,
    },
    /// Of [`FindingCode::PolicyChanged`].
    Changed {
        /// Tag by tag.
        changes: Vec<TagChange>,
    },
    /// Of [`FindingCode::ForeignReports`].
    Foreign {
        /// The domains with most messages.
        domains: Vec<String>,
        /// How many there are.
        of: u64,
        /// The messages that the reports tell of.
        messages: u64,
    },
}
