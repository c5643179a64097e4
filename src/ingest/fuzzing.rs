//! Examining bytes without a database: for property tests and fuzzing, which share these entry points.

use std::sync::Arc;

use super::event::{Event, OtherKind};
use super::examiner::Examiner;
use super::reorder_buffer::Sender;
use crate::limits::Limits;
use crate::mail::Envelope;
use crate::source::{Belief, Content, Input};
use crate::store::DigestKey;

/// What the bytes came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Findings {
    /// Reports.
    pub reports: u64,
    /// Their records.
    pub records: u64,
    /// What was refused.
    pub quarantined: u64,
    /// SMTP TLS reports.
    pub tls_reports: u64,
    /// Failure reports, and what could not be opened.
    pub other: u64,
    /// What is not a report.
    pub not_a_report: u64,
}

/// Examines the bytes of a file, whatever they are; as one mail of a mailbox when `is_mail`.
///
/// # Panics
/// When an input ends as nothing at all, or a report's sums differ from its records: what the tests look for.
#[must_use]
pub fn examine(bytes: &[u8], is_mail: bool, limits: &Limits) -> Findings {
    let input = Input {
        location: "probe".to_owned(),
        file_name: None,
        is_mail,
        envelope: Envelope::default(),
        receipt: None,
        belief: Belief::Nobody,
        content: Content::Bytes(Arc::new(bytes.to_vec())),
    };
    let mut examiner = Examiner::new(limits, DigestKey::default(), true, Sender::default());
    examiner.examine(&input);
    let mut findings = Findings::default();
    let mut pending = 0;
    for event in &examiner.sender.events {
        match event {
            Event::Rows { run, .. } => pending += run.records,
            Event::Discard => pending = 0,
            Event::Report(report) => {
                let records = std::mem::take(&mut pending) + report.run.records;
                assert_eq!(records, report.totals.records, "records handed over and records counted");
                assert!(report.period.begin <= report.period.end, "a period in order");
                findings.reports += 1;
                findings.records += records;
            }
            Event::TlsReport(tls) => {
                assert!(tls.period.begin <= tls.period.end, "a period in order");
                assert!(tls.report.policies.iter().all(|policy| policy.policy_domain.is_some()), "a domain each");
                findings.tls_reports += 1;
            }
            Event::Quarantine(_) => findings.quarantined += 1,
            Event::Other(OtherKind::NotAReport, ..) => findings.not_a_report += 1,
            Event::Other(..) | Event::Failed { .. } => findings.other += 1,
            Event::End { .. } => {}
        }
    }
    assert_eq!(pending, 0, "no records without a report");
    let Findings { reports, tls_reports, quarantined, other, not_a_report, .. } = findings;
    assert!(reports + tls_reports + quarantined + other + not_a_report > 0, "every input ends as something");
    findings
}
