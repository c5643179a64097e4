//! The head of a report: who reports, on which domain, about which period; and replacements for what it leaves out.

use crate::alignment::AlignmentMode;
use crate::domain;
use crate::rejection::{Rejection, RejectionCode};
use crate::report::period::{self, Period};
use crate::report::{AggregateReport, DateRange, Irregularities, IrregularityCode, PolicyPublished, shorten};
use crate::store::{Origin, Trust, who_reports};

/// A report as far as its head tells.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) reporter: String,
    pub(super) trust: Trust,
    pub(super) identity: String,
    pub(super) domain: String,
    pub(super) period: Period,
    pub(super) mode: AlignmentMode,
}

impl Head {
    /// Reads the head of a report that came with what `origin` says of it.
    pub(super) fn read(
        report: &AggregateReport,
        origin: &Origin,
        irregularities: &mut Irregularities,
    ) -> Result<Self, Rejection> {
        let (label, identity, domain) = names(report, origin, irregularities)?;
        let (reporter, trust) = who_reports(&label, &origin.authenticity, &domain);
        let period = period(report, origin, irregularities)?;
        let policy = &report.policy_published;
        if let Some(pct) = policy.pct.as_deref().filter(|pct| pct.parse::<i64>().is_err()) {
            irregularities.add(IrregularityCode::BadPct, pct);
        }
        check_policy(policy, irregularities);
        let mode = AlignmentMode::from_tags(policy.adkim.as_deref(), policy.aspf.as_deref());
        Ok(Head { reporter, trust, identity, domain, period, mode })
    }
}

/// Notes the words of a policy that are not in their vocabularies.
fn check_policy(policy: &PolicyPublished, irregularities: &mut Irregularities) {
    const POLICIES: &[&str] = &["none", "quarantine", "reject"];
    for (tag, value, words) in [
        ("p", &policy.p, POLICIES),
        ("sp", &policy.sp, POLICIES),
        ("np", &policy.np, POLICIES),
        ("adkim", &policy.adkim, &["r", "s"]),
        ("aspf", &policy.aspf, &["r", "s"]),
        ("testing", &policy.testing, &["n", "y"]),
        ("discovery_method", &policy.discovery_method, &["psl", "treewalk"]),
    ] {
        if let Some(value) = value
            && !words.iter().any(|word| value.eq_ignore_ascii_case(word))
        {
            irregularities.add(IrregularityCode::BadEnum, &format!("{tag}: {value}"));
        }
    }
}

/// The reporter's label, identity and policy domain, from the report or from what came with it.
fn names(
    report: &AggregateReport,
    origin: &Origin,
    irregularities: &mut Irregularities,
) -> Result<(String, String, String), Rejection> {
    let metadata = &report.report_metadata;
    let file = origin.file_name.as_deref().and_then(FileName::read);
    let email_domain = || {
        let email = metadata.email.as_deref()?.trim_matches(['<', '>']);
        domain::normalize(email.rsplit_once('@')?.1).map(|name| name.into_owned())
    };
    let identity = match metadata.org_name.as_deref() {
        Some(name) => name.to_lowercase(),
        None => {
            irregularities.add(IrregularityCode::NoOrgName, "");
            email_domain().unwrap_or_default()
        }
    };
    let reporter = if identity.is_empty() {
        file.as_ref()
            .map(|file| file.receiver.to_owned())
            .filter(|receiver| !receiver.is_empty())
            .or_else(|| submitter(origin.subject.as_deref()?))
            .or_else(|| Some(origin.from.as_deref()?.rsplit_once('@')?.1.to_lowercase()))
            .unwrap_or_default()
    } else {
        identity.clone()
    };
    let domain = match written_domain(report, irregularities).and_then(domain::normalize) {
        Some(name) => name.into_owned(),
        None => {
            let name = file.as_ref().and_then(|file| domain::normalize(file.domain));
            let name = name.ok_or_else(|| Rejection::new(RejectionCode::NoDomain))?;
            irregularities.add(IrregularityCode::DomainFromFilename, &name);
            name.into_owned()
        }
    };
    Ok((reporter, identity, domain))
}

/// The policy domain as the report has it; of an address, its domain.
fn written_domain<'r>(report: &'r AggregateReport, irregularities: &mut Irregularities) -> Option<&'r str> {
    let written = report.policy_published.domain.as_deref()?;
    let domain = domain::of_mailbox(written);
    if domain.len() != written.trim().len() {
        irregularities.add(IrregularityCode::AddressForDomain, &format!("policy_published/domain: {written}"));
    }
    Some(domain)
}

/// The period, from the report, the file's name or the mail's date.
fn period(report: &AggregateReport, origin: &Origin, irregularities: &mut Irregularities) -> Result<Period, Rejection> {
    let range = &report.report_metadata.date_range;
    let file = origin.file_name.as_deref().and_then(FileName::read);
    period_told(range, file.as_ref(), origin.date, irregularities)
        // Examples of the specifications have times before DMARC; 0 is not a time at all.
        .or_else(|| period::as_written(range))
        .ok_or_else(|| Rejection::new(RejectionCode::NoDateRange))
}

/// The period that a report gives, else what its file's name gives, else the day before the mail.
pub(super) fn period_told(
    range: &DateRange,
    file: Option<&FileName<'_>>,
    mail: Option<i64>,
    irregularities: &mut Irregularities,
) -> Option<Period> {
    let ends = period::ends(range, irregularities);
    if let (Some(begin), Some(end)) = ends {
        return Some(period::checked(begin, end, irregularities));
    }
    // Both times of the file's name tell more than one of the report's.
    if let Some(FileName { begin, end, .. }) = file {
        return Some(period::checked(*begin, *end, irregularities));
    }
    // One end is enough to know the day, and only reporters that err give just one.
    if let (Some(only), None) | (None, Some(only)) = ends {
        return Some(Period { begin: only, end: only });
    }
    // A report is sent soon after its period.
    let date = mail.filter(|date| period::is_plausible(*date))?;
    Some(Period { begin: date - period::DAY, end: date })
}

/// The file name that RFC 7489 §7.2.1.1 asks for: `receiver!domain!begin!end[!id].ext`.
pub(super) struct FileName<'n> {
    pub(super) receiver: &'n str,
    pub(super) domain: &'n str,
    pub(super) begin: i64,
    pub(super) end: i64,
}

impl<'n> FileName<'n> {
    pub(super) fn read(name: &'n str) -> Option<Self> {
        let base = name.rsplit(['/', '\\']).next()?;
        let mut parts = base.split('!');
        let (receiver, domain) = (parts.next()?, parts.next()?);
        let begin = parts.next()?.parse().ok()?;
        let end = parts.next()?;
        let digits = end.bytes().take_while(u8::is_ascii_digit).count();
        let end = end.get(..digits)?.parse().ok()?;
        let plausible = |time: &i64| period::is_plausible(*time);
        (plausible(&begin) && plausible(&end)).then_some(FileName { receiver, domain, begin, end })
    }
}

/// The submitter that the Subject names (RFC 7489 §7.2.1.1).
pub(super) fn submitter(subject: &str) -> Option<String> {
    let at = subject.to_ascii_lowercase().find("submitter:")? + "submitter:".len();
    let word = subject.get(at..)?.split_whitespace().next()?;
    Some(shorten(&word.trim_end_matches(';').to_lowercase(), 255).to_owned()).filter(|word| !word.is_empty())
}
