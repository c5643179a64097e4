//! The input of the store: reports, runs of their records, and entries of the quarantine.

use std::fs::File;
use std::sync::Arc;

use super::trust::Trust;
use crate::alignment::{DkimState, SpfState, Verdict};
use crate::mail::Authenticity;
use crate::rejection::Rejection;
use crate::report::period::{Day, Period};
use crate::report::{AggregateReport, Irregularities};

/// An outcome on its way to the store: its identity, and its content with the texts in place.
#[derive(Debug)]
pub struct SharedOutcome {
    /// A keyed digest of the content.
    pub digest: u128,
    /// The content, see [`codec`](crate::alignment::codec).
    pub canonical: Box<[u8]>,
    /// What it amounts to.
    pub verdict: Verdict,
}

/// A run of records of one report. Each row (see [`rows`](crate::rows)) names its outcome by its place in `outcomes`.
#[derive(Debug, Default)]
pub struct Run {
    /// The outcomes that the rows name.
    pub outcomes: Vec<Arc<SharedOutcome>>,
    /// The rows.
    pub rows: Vec<u8>,
    /// How many.
    pub records: u64,
}

/// Sums over a report's records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records.
    pub records: u64,
    /// Messages.
    pub messages: u64,
    /// Messages that passed DMARC.
    pub dmarc_pass: u64,
    /// Messages whose DKIM state is aligned.
    pub dkim_aligned: u64,
    /// Messages whose SPF state is aligned.
    pub spf_aligned: u64,
}

impl Totals {
    /// Adds a record.
    pub fn add(&mut self, outcome: &SharedOutcome, messages: u64) {
        let verdict = &outcome.verdict;
        self.records += 1;
        for (sum, holds) in [
            (&mut self.messages, true),
            (&mut self.dmarc_pass, verdict.dmarc == Some(true)),
            (&mut self.dkim_aligned, verdict.dkim == DkimState::Aligned),
            (&mut self.spf_aligned, verdict.spf == SpfState::Aligned),
        ] {
            *sum = sum.saturating_add(if holds { messages } else { 0 });
        }
    }
}

/// The bytes of a report or of something quarantined, as they came.
#[derive(Debug)]
pub struct Raw {
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
    /// How many there were.
    pub size: u64,
    /// The bytes.
    pub bytes: RawBytes,
}

/// Where bytes lie on their way to the store.
#[derive(Debug)]
pub enum RawBytes {
    /// In memory, as they came.
    Plain(Arc<Vec<u8>>),
    /// In memory, made smaller with gzip here.
    Packed(Vec<u8>),
    /// In a file of their own, made smaller with gzip here.
    PackedFile(File),
    /// Not kept.
    Dropped,
}

/// Where an input came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The input: a path, the number of a mail in it, the number of a part.
    pub location: String,
    /// `Message-ID` of the mail.
    pub message_id: Option<String>,
    /// `From` of the mail.
    pub from: Option<String>,
    /// `Subject` of the mail.
    pub subject: Option<String>,
    /// `Date` of the mail, in seconds since the epoch.
    pub date: Option<i64>,
    /// The file name of the attachment.
    pub file_name: Option<String>,
    /// Whether the mail comes from whom it says.
    pub authenticity: Authenticity,
}

/// A report that was read to its end.
#[derive(Debug)]
pub struct NewReport {
    /// What it says of itself.
    pub report: AggregateReport,
    /// Who reports, in lower case, see [`who_reports`](super::who_reports).
    pub reporter: String,
    /// Whether that is believed.
    pub trust: Trust,
    /// `org_name`, or what stands in for it, from the report alone: what identifies it, whether it came in a mail or as a file.
    pub identity: String,
    /// The policy domain, normalized.
    pub domain: String,
    /// The id as written, without needless white space.
    pub report_id: String,
    /// When.
    pub period: Period,
    /// The day it counts on.
    pub day: Day,
    /// The form of RFC 9990, as far as can be told.
    pub rfc9990: bool,
    /// A keyed digest of its rows: addresses, outcomes and messages, those of one address and outcome added up.
    pub content: u128,
    /// Sums over all its records.
    pub totals: Totals,
    /// The records that were not handed over before.
    pub run: Run,
    /// What was odd.
    pub irregularities: Irregularities,
    /// Its bytes.
    pub raw: Arc<Raw>,
    /// Where it came from.
    pub origin: Arc<Origin>,
}

/// Something that was not read.
#[derive(Debug)]
pub struct NewQuarantine {
    /// Why.
    pub rejection: Rejection,
    /// Its bytes.
    pub raw: Arc<Raw>,
    /// Which of several documents in the bytes, empty where there is one.
    pub inner: String,
    /// Where it came from.
    pub origin: Arc<Origin>,
    /// Who reported, as far as it was read.
    pub reporter: Option<String>,
    /// On which domain, as far as it was read.
    pub domain: Option<String>,
    /// About when, as far as it was read.
    pub period: Option<Period>,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It was stored.
    New,
    /// It was there before.
    Duplicate,
    /// It was stored beside others of the same identity with other content.
    Conflicting,
    /// It took the place of what an earlier version of the program had read from the same bytes.
    Reread,
}

/// How a report was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// What became of it.
    pub arrival: Arrival,
    /// Oddities noted on it, with those that only the store can see.
    pub irregularities: u64,
    /// It is on a domain that is not the owner's.
    pub foreign: bool,
    /// Its reporter is ignored.
    pub ignored: bool,
}

/// A report id as it is compared: reporters write it with and without angle brackets.
#[must_use]
pub fn bare_id(id: &str) -> &str {
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id)
}
