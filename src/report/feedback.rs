//! The parts of an aggregate report, named as in RFC 9990 (and RFC 7489 Appendix C where it has more).
//!
//! What stands here is what the reporter wrote, trimmed and decoded but not judged: a result is still a word, a
//! count still a text. [`Outcome`](crate::alignment::Outcome) holds what it means.

use super::pool::{Reusable, Reused, Text};
use super::shorten;

/// `feedback` without its records, which are streamed past: a report may hold millions of them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct AggregateReport {
    /// The namespace of the root element as written, if there was one.
    pub namespace: Option<String>,
    /// `version`: informational only, reporters write anything.
    pub version: Option<String>,
    /// `report_metadata`.
    pub report_metadata: ReportMetadata,
    /// `policy_published`.
    pub policy_published: PolicyPublished,
}

impl AggregateReport {
    /// All texts that are kept of it, but for its id and its records.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Option<&str>> + Clone {
        let metadata = &self.report_metadata;
        let named = [
            &self.namespace,
            &self.version,
            &metadata.org_name,
            &metadata.email,
            &metadata.extra_contact_info,
            &metadata.generator,
            &self.policy_published.domain,
        ];
        let errors = metadata.errors.iter().map(|error| Some(error.as_str()));
        named.map(Option::as_deref).into_iter().chain(self.policy_published.written()).chain(errors)
    }

    /// Whether a text for people, as opposed to a name, is longer than a number of bytes.
    pub(crate) fn has_long_texts(&self, most: usize) -> bool {
        let metadata = &self.report_metadata;
        metadata.extra_contact_info.iter().chain(&metadata.errors).any(|text| text.len() > most)
    }

    /// Cuts the texts for people to a number of bytes.
    pub(crate) fn cut_texts(&mut self, most: usize) {
        let metadata = &mut self.report_metadata;
        for text in metadata.extra_contact_info.iter_mut().chain(&mut metadata.errors) {
            text.truncate(shorten(text, most).len());
        }
    }
}

/// `report_metadata`: who reports, and about when.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ReportMetadata {
    /// `org_name`.
    pub org_name: Option<String>,
    /// `email`.
    pub email: Option<String>,
    /// `extra_contact_info`.
    pub extra_contact_info: Option<String>,
    /// `report_id`, as written.
    pub report_id: Option<String>,
    /// `date_range`.
    pub date_range: DateRange,
    /// `error`, any number.
    pub errors: Vec<String>,
    /// `generator` (RFC 9990).
    pub generator: Option<String>,
}

/// `date_range` as written; [`period`](super::period) reads it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct DateRange {
    /// `begin`.
    pub begin: Option<String>,
    /// `end`.
    pub end: Option<String>,
}

/// `policy_published`: the DMARC record as the reporter found it. What was not written stays absent; defaults
/// belong to who shows or evaluates it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct PolicyPublished {
    /// `domain`: where the record was found.
    pub domain: Option<String>,
    /// `p`.
    pub p: Option<String>,
    /// `sp`: for subdomains.
    pub sp: Option<String>,
    /// `np`: for subdomains that do not exist (RFC 9990).
    pub np: Option<String>,
    /// `adkim`: `r` or `s`.
    pub adkim: Option<String>,
    /// `aspf`: `r` or `s`.
    pub aspf: Option<String>,
    /// `pct` (RFC 7489).
    pub pct: Option<String>,
    /// `fo`.
    pub fo: Option<String>,
    /// `testing`: the record's `t=` (RFC 9990).
    pub testing: Option<String>,
    /// `discovery_method`: `psl` or `treewalk` (RFC 9990).
    pub discovery_method: Option<String>,
}

impl PolicyPublished {
    /// What was written of the record, but for its domain; the order is part of the digests that reports are known by.
    pub(crate) fn written(&self) -> [Option<&str>; 9] {
        [
            &self.p,
            &self.sp,
            &self.np,
            &self.adkim,
            &self.aspf,
            &self.pct,
            &self.fo,
            &self.testing,
            &self.discovery_method,
        ]
        .map(Option::as_deref)
    }
}

/// `record`: messages that had an address and an outcome in common.
#[derive(Debug, Default, Clone)]
pub struct Record {
    /// `row`.
    pub row: Row,
    /// `identifiers`.
    pub identifiers: Identifiers,
    /// `auth_results`.
    pub auth_results: AuthResults,
}

/// `row`.
#[derive(Debug, Default, Clone)]
pub struct Row {
    /// `source_ip`.
    pub source_ip: Text,
    /// `count`.
    pub count: Text,
    /// `policy_evaluated`.
    pub policy_evaluated: PolicyEvaluated,
}

/// `policy_evaluated`: the reporter's verdict, after alignment.
#[derive(Debug, Default, Clone)]
pub struct PolicyEvaluated {
    /// `disposition`: what was done with the messages.
    pub disposition: Text,
    /// `dkim`: pass or fail.
    pub dkim: Text,
    /// `spf`: pass or fail.
    pub spf: Text,
    /// `reason`, any number.
    pub reasons: Reused<PolicyOverrideReason>,
}

/// `reason`: why the disposition is not what the policy asked for.
#[derive(Debug, Default, Clone)]
pub struct PolicyOverrideReason {
    /// `type`.
    pub kind: Text,
    /// `comment`.
    pub comment: Text,
}

/// `identifiers`.
#[derive(Debug, Default, Clone)]
pub struct Identifiers {
    /// `envelope_to`: the recipients' domain.
    pub envelope_to: Text,
    /// `envelope_from`: the domain of MAIL FROM; empty for the null reverse-path.
    pub envelope_from: Text,
    /// `header_from`: the domain of the From header field.
    pub header_from: Text,
}

/// `auth_results`: what was verified, whatever its alignment.
#[derive(Debug, Default, Clone)]
pub struct AuthResults {
    /// `dkim`, one for a signature.
    pub dkim: Reused<DkimAuthResult>,
    /// `spf`.
    pub spf: Reused<SpfAuthResult>,
}

/// One `dkim` of `auth_results`.
#[derive(Debug, Default, Clone)]
pub struct DkimAuthResult {
    /// `domain`: the signature's `d=`.
    pub domain: Text,
    /// `selector`: the signature's `s=`.
    pub selector: Text,
    /// `result`.
    pub result: Text,
    /// `human_result`.
    pub human_result: Text,
}

/// One `spf` of `auth_results`.
#[derive(Debug, Default, Clone)]
pub struct SpfAuthResult {
    /// `domain` that was checked.
    pub domain: Text,
    /// `scope`: `mfrom` or `helo`.
    pub scope: Text,
    /// `result`.
    pub result: Text,
    /// `human_result` (RFC 9990).
    pub human_result: Text,
}

impl Record {
    /// Whether a text for people, as opposed to a name, is longer than a number of bytes.
    pub(crate) fn has_long_texts(&self, most: usize) -> bool {
        let is_long = |text: &Text| text.get().is_some_and(|text| text.len() > most);
        let results = &self.auth_results;
        self.row.policy_evaluated.reasons.iter().any(|reason| is_long(&reason.comment))
            || results.dkim.iter().any(|one| is_long(&one.human_result))
            || results.spf.iter().any(|one| is_long(&one.human_result))
    }

    /// Cuts the texts for people to a number of bytes.
    pub(crate) fn cut_texts(&mut self, most: usize) {
        let results = &mut self.auth_results;
        self.row.policy_evaluated.reasons.as_mut_slice().iter_mut().for_each(|reason| reason.comment.cut(most));
        results.dkim.as_mut_slice().iter_mut().for_each(|one| one.human_result.cut(most));
        results.spf.as_mut_slice().iter_mut().for_each(|one| one.human_result.cut(most));
    }
}

impl Reusable for PolicyOverrideReason {
    fn clear(&mut self) {
        self.kind.clear();
        self.comment.clear();
    }
}

impl Reusable for DkimAuthResult {
    fn clear(&mut self) {
        self.domain.clear();
        self.selector.clear();
        self.result.clear();
        self.human_result.clear();
    }
}

impl Reusable for SpfAuthResult {
    fn clear(&mut self) {
        self.domain.clear();
        self.scope.clear();
        self.result.clear();
        self.human_result.clear();
    }
}

impl Reusable for Record {
    fn clear(&mut self) {
        self.row.source_ip.clear();
        self.row.count.clear();
        let evaluated = &mut self.row.policy_evaluated;
        evaluated.disposition.clear();
        evaluated.dkim.clear();
        evaluated.spf.clear();
        evaluated.reasons.clear();
        self.identifiers.envelope_to.clear();
        self.identifiers.envelope_from.clear();
        self.identifiers.header_from.clear();
        self.auth_results.dkim.clear();
        self.auth_results.spf.clear();
    }
}
