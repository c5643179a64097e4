//! From the bytes of a document to the reports in it.

use std::borrow::Cow;

use indexmap::IndexMap;
use indexmap::map::Entry;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess};

use super::node::{Count, Into, Node, Reading, Text, Texts};
use super::{Failure, MOST_SESSIONS, PolicyReport, TlsReport};
use crate::limits::{Budget, Cost, Limits};
use crate::rejection::{Rejection, RejectionCode};

/// No report is larger, unpacked: it is held whole while it is read.
pub const LARGEST: u64 = 32 * 1024 * 1024;

/// Why a document has no reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadFailure {
    /// It is well-formed, and something else.
    Other,
    /// It cannot be read.
    Rejected(Rejection),
}

/// Whether the beginning of a document is that of a TLS report (RFC 8460 §4.4), as far as it tells.
#[must_use]
pub fn looks_like(head: &[u8]) -> bool {
    const KEYS: [&[u8]; 9] = [
        b"\"organization-name\"",
        b"\"date-range\"",
        b"\"contact-info\"",
        b"\"report-id\"",
        b"\"policies\"",
        b"\"policy-type\"",
        b"\"policy-domain\"",
        b"\"total-successful-session-count\"",
        b"\"failure-details\"",
    ];
    KEYS.iter().filter(|key| memchr::memmem::find(head, key).is_some()).nth(1).is_some()
}

/// Reads the reports of a document: one, several in a list, or several one after the other. What follows a whole report
/// and is none takes nothing from it.
///
/// # Errors
/// Where there is no report, or a limit is met.
pub fn read(document: &[u8], limits: &Limits, budget: &Budget) -> Result<Vec<TlsReport>, ReadFailure> {
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    // Whatever is not UTF-8 stands in a text, or the JSON is none.
    let text: Cow<'_, str> = String::from_utf8_lossy(document);
    let text = text.trim_matches(|c: char| c == '\0' || c.is_ascii_whitespace());
    let reading = Reading::new(limits, budget);
    let mut reports = Reports::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    loop {
        let whole = reports.0.len();
        if let Err(error) = Into(&mut reports, &reading).deserialize(&mut deserializer) {
            if let Some(code) = reading.exceeded.get() {
                return Err(ReadFailure::Rejected(Rejection::new(code)));
            }
            if whole == 0 {
                let code = if error.is_eof() { RejectionCode::Truncated } else { RejectionCode::JsonMalformed };
                return Err(ReadFailure::Rejected(Rejection::new(code).detail(error.to_string())));
            }
            reports.0.truncate(whole);
            break;
        }
        if deserializer.end().is_ok() {
            break;
        }
    }
    if reports.0.is_empty() { Err(ReadFailure::Other) } else { Ok(reports.0) }
}

/// The outermost: an object is a report, a list holds some.
#[derive(Default)]
struct Reports(Vec<TlsReport>);

impl Node for Reports {
    fn object<'de, A: MapAccess<'de>>(&mut self, map: &mut A, reading: &Reading<'_>) -> Result<(), A::Error> {
        let mut report = ReportNode::default();
        report.object(map, reading)?;
        if report.is_one() {
            reading.take(Cost::Reports)?;
            self.0.push(report.report);
        }
        Ok(())
    }
}

#[derive(Default)]
struct ReportNode {
    report: TlsReport,
    /// It has `policies`, a list or an object.
    has_policies: bool,
    /// Known keys beside that.
    keys: usize,
}

impl ReportNode {
    /// Whether it is a report and not any object: it has policies, and says whose they are or what became of them.
    fn is_one(&self) -> bool {
        let told = |policy: &PolicyReport| {
            policy.policy_type.is_some() || policy.policy_domain.is_some() || policy.successful + policy.failed > 0
        };
        self.has_policies && (self.keys > 0 || self.report.policies.iter().any(told))
    }
}

fn text<'de, A: MapAccess<'de>>(map: &mut A, reading: &Reading<'_>) -> Result<Option<String>, A::Error> {
    let mut text = Text::default();
    map.next_value_seed(Into(&mut text, reading))?;
    Ok(text.0)
}

fn word<'de, A: MapAccess<'de>>(map: &mut A, reading: &Reading<'_>) -> Result<Option<String>, A::Error> {
    Ok(text(map, reading)?.map(|text| text.to_ascii_lowercase()))
}

fn texts<'de, A: MapAccess<'de>>(map: &mut A, reading: &Reading<'_>) -> Result<Vec<String>, A::Error> {
    let mut texts = Texts::default();
    map.next_value_seed(Into(&mut texts, reading))?;
    Ok(texts.0)
}

fn count<'de, A: MapAccess<'de>>(map: &mut A, reading: &Reading<'_>) -> Result<Option<u64>, A::Error> {
    let mut count = Count::default();
    map.next_value_seed(Into(&mut count, reading))?;
    Ok(count.0)
}

impl Node for ReportNode {
    fn entry<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A, reading: &Reading<'_>) -> Result<(), A::Error> {
        let report = &mut self.report;
        match key {
            "organization-name" => report.organization_name = text(map, reading)?,
            "contact-info" => report.contact_info = text(map, reading)?,
            "report-id" => report.report_id = text(map, reading)?,
            "date-range" => {
                let mut range = RangeNode::default();
                map.next_value_seed(Into(&mut range, reading))?;
                (report.date_range.begin, report.date_range.end) = (range.start, range.end);
            }
            "policies" => {
                let mut policies = Policies::default();
                map.next_value_seed(Into(&mut policies, reading))?;
                report.policies.append(&mut policies.list);
                self.has_policies |= policies.met;
                return Ok(());
            }
            _ => return map.next_value::<IgnoredAny>().map(drop),
        }
        self.keys += 1;
        Ok(())
    }
}

#[derive(Default)]
struct RangeNode {
    start: Option<String>,
    end: Option<String>,
}

impl Node for RangeNode {
    fn entry<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A, reading: &Reading<'_>) -> Result<(), A::Error> {
        match key {
            "start-datetime" | "start" | "begin" => self.start = text(map, reading)?,
            "end-datetime" | "end" => self.end = text(map, reading)?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }

    fn item<'de, A: SeqAccess<'de>>(&mut self, list: &mut A, _: &Reading<'_>) -> Result<bool, A::Error> {
        Ok(list.next_element::<IgnoredAny>()?.is_some())
    }
}

/// A list of policies; an object in its place is one.
#[derive(Default)]
struct Policies {
    list: Vec<PolicyReport>,
    /// A list, or an object, was there.
    met: bool,
}

impl Node for Policies {
    fn object<'de, A: MapAccess<'de>>(&mut self, map: &mut A, reading: &Reading<'_>) -> Result<(), A::Error> {
        self.met = true;
        reading.take(Cost::Policies)?;
        let mut policy = PolicyNode::default();
        policy.object(map, reading)?;
        self.list.push(policy.finish());
        Ok(())
    }

    fn item<'de, A: SeqAccess<'de>>(&mut self, list: &mut A, reading: &Reading<'_>) -> Result<bool, A::Error> {
        self.met = true;
        Ok(list.next_element_seed(Into(self, reading))?.is_some())
    }
}

#[derive(Default)]
struct PolicyNode {
    policy: PolicyReport,
    failures: Failures,
}

impl PolicyNode {
    fn finish(self) -> PolicyReport {
        let PolicyNode { mut policy, failures } = self;
        let sum = failures.0.values().fold(0_u64, |sum, &sessions| sum.saturating_add(sessions));
        policy.failures = failures.0.into_iter().map(|(failure, sessions)| Failure { sessions, ..failure }).collect();
        policy.failed = policy.failed.max(sum.min(MOST_SESSIONS));
        policy
    }
}

impl Node for PolicyNode {
    fn entry<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A, reading: &Reading<'_>) -> Result<(), A::Error> {
        let policy = &mut self.policy;
        match key {
            // What these two hold stands in the policy itself at some.
            "policy" | "summary" => map.next_value_seed(Into(self, reading))?,
            "policy-type" => policy.policy_type = word(map, reading)?,
            "policy-domain" => policy.policy_domain = text(map, reading)?,
            "policy-string" => policy.policy_string = texts(map, reading)?,
            // `mx-host-pattern` is how an older draft has it.
            "mx-host" | "mx-host-pattern" => {
                // One reporter writes the line of the policy.
                let bare = |host: String| host.strip_prefix("mx:").map_or(host.clone(), |host| host.trim().to_owned());
                policy.mx_host = texts(map, reading)?.into_iter().map(bare).collect();
            }
            "total-successful-session-count" => policy.successful = count(map, reading)?.unwrap_or(0),
            "total-failure-session-count" => policy.failed = count(map, reading)?.unwrap_or(0),
            "failure-details" => map.next_value_seed(Into(&mut self.failures, reading))?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }

    fn item<'de, A: SeqAccess<'de>>(&mut self, list: &mut A, _: &Reading<'_>) -> Result<bool, A::Error> {
        Ok(list.next_element::<IgnoredAny>()?.is_some())
    }
}

/// A list of failures, each with its sessions; an object in its place is one.
#[derive(Default)]
struct Failures(IndexMap<Failure, u64>);

impl Failures {
    fn add<E: serde::de::Error>(&mut self, failure: Failure, sessions: u64, reading: &Reading<'_>) -> Result<(), E> {
        let sum = match self.0.entry(failure) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let left = reading.failures_left.get().checked_sub(1);
                reading.failures_left.set(left.ok_or_else(|| reading.exceed(RejectionCode::LimitTlsFailures))?);
                new.insert(0)
            }
        };
        *sum = sum.saturating_add(sessions).min(MOST_SESSIONS);
        Ok(())
    }
}

impl Node for Failures {
    fn object<'de, A: MapAccess<'de>>(&mut self, map: &mut A, reading: &Reading<'_>) -> Result<(), A::Error> {
        let mut failure = FailureNode::default();
        failure.object(map, reading)?;
        // A failure that does not say how often was there once.
        let sessions = failure.sessions.unwrap_or(1);
        self.add(failure.failure, sessions, reading)
    }
}

#[derive(Default)]
struct FailureNode {
    failure: Failure,
    sessions: Option<u64>,
}

impl Node for FailureNode {
    fn entry<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A, reading: &Reading<'_>) -> Result<(), A::Error> {
        let failure = &mut self.failure;
        match key {
            "result-type" => failure.result_type = word(map, reading)?,
            "receiving-mx-hostname" => {
                let host = word(map, reading)?;
                failure.mx_host =
                    host.map(|host| host.trim_end_matches('.').to_owned()).filter(|host| !host.is_empty());
            }
            "receiving-mx-helo" => failure.mx_helo = text(map, reading)?,
            "receiving-ip" => failure.receiving_ip = text(map, reading)?,
            "sending-mta-ip" => failure.sending_ip = text(map, reading)?,
            "failure-reason-code" => failure.reason_code = text(map, reading)?,
            // `additional-info-uri` is how the text of RFC 8460 §4.4 names what its example calls otherwise.
            "additional-information" | "additional-info-uri" => failure.information = text(map, reading)?,
            "failed-session-count" => self.sessions = count(map, reading)?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}
