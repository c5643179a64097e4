//! What came of a run, in sum and as it happens.

use std::sync::Arc;

use serde::Serialize;

use super::event::OtherKind;
use crate::store::{Kept, Origin};

/// What became of something, told as it happens.
#[derive(Debug, Clone)]
pub enum Notice {
    /// Something that is not an aggregate report.
    Other(OtherKind, Arc<Origin>, Option<String>),
    /// A report was there before.
    Duplicate(Arc<Origin>),
    /// A report contradicts another of its identity.
    Conflicting(Arc<Origin>),
    /// Something was quarantined.
    Quarantined(QuarantinedInput),
    /// An input could not be opened.
    Failed(FailedInput),
}

/// Something that was quarantined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedInput {
    /// Which input.
    pub input: String,
    /// The code of the reason.
    pub code: &'static str,
    /// The reason.
    pub reason: String,
    /// Whether it is kept.
    pub kept: Kept,
}

/// An input that could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedInput {
    /// Which.
    pub input: String,
    /// Why.
    pub reason: String,
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IngestSummary {
    /// Files, and mails of mailboxes.
    pub inputs: u64,
    /// Those that were mail.
    pub mails: u64,
    /// Reports that are new.
    pub new: u64,
    /// Reports that were there before.
    pub duplicate: u64,
    /// Those of them that this version of the program reads otherwise than the one that stored them: the reading of now
    /// has taken the place of the earlier one.
    pub reread: u64,
    /// Reports beside others of their identity with other content.
    pub conflicting: u64,
    /// Those of the new and conflicting reports that are kept apart because they are on domains that are not the owner's.
    pub foreign: u64,
    /// Those of the new and conflicting reports that are in no answer because their reporters are ignored.
    pub ignored: u64,
    /// Those of the new reports that are kept apart because their mail failed DMARC or came under another's name.
    pub untrusted: u64,
    /// Records of the new and conflicting reports.
    pub records: u64,
    /// Their messages.
    pub messages: u64,
    /// SMTP TLS reports.
    pub tls: TlsReports,
    /// Failure reports.
    pub failure_reports: u64,
    /// Mails and files that are not reports.
    pub not_a_report: u64,
    /// Repairs and oddities accepted in the new and conflicting reports.
    pub irregularities: u64,
    /// What was quarantined.
    pub quarantined: Vec<QuarantinedInput>,
    /// What could not be opened.
    pub failed: Vec<FailedInput>,
}

/// What became of SMTP TLS reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TlsReports {
    /// Those that are new.
    pub new: u64,
    /// Those that were there before.
    pub duplicate: u64,
    /// Those beside others of their identity with other content.
    pub conflicting: u64,
    /// Those of the new and conflicting ones that are on none of the owner's domains.
    pub foreign: u64,
    /// Those of the new and conflicting ones whose mail failed DMARC or came under another's name.
    pub untrusted: u64,
}

impl TlsReports {
    /// All of them.
    #[must_use]
    pub fn all(self) -> u64 {
        self.new + self.duplicate + self.conflicting
    }

    fn add(&mut self, other: TlsReports) {
        self.new += other.new;
        self.duplicate += other.duplicate;
        self.conflicting += other.conflicting;
        self.foreign += other.foreign;
        self.untrusted += other.untrusted;
    }
}

impl IngestSummary {
    /// Adds what came of another run.
    pub fn add(&mut self, other: IngestSummary) {
        self.inputs += other.inputs;
        self.mails += other.mails;
        self.new += other.new;
        self.duplicate += other.duplicate;
        self.reread += other.reread;
        self.conflicting += other.conflicting;
        self.records += other.records;
        self.messages = self.messages.saturating_add(other.messages);
        self.foreign += other.foreign;
        self.ignored += other.ignored;
        self.untrusted += other.untrusted;
        self.tls.add(other.tls);
        self.failure_reports += other.failure_reports;
        self.not_a_report += other.not_a_report;
        self.irregularities += other.irregularities;
        self.quarantined.extend(other.quarantined);
        self.failed.extend(other.failed);
    }
}

/// Hears what happens while a run goes on.
pub trait Observer {
    /// Something worth a line in a log.
    fn notice(&mut self, _notice: &Notice) {}
    /// Some inputs were written.
    fn progress(&mut self, _summary: &IngestSummary) {}
}

/// An observer that does not listen.
pub struct Silent;

impl Observer for Silent {}
