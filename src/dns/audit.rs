//! All records of a domain together.

use serde::Serialize;

use super::check::{Check, Checked, Findings};
use super::dkim::{self, DkimKey, Microsoft365};
use super::dmarc::{self, DmarcReview};
use super::lookup::{Kind, Lookup, Memory, Question};
use super::request::Request;
use super::services::{self, ServiceRecord};
use super::spf::{self, SpfReview};
use crate::finding::Severity;

/// The records of a domain as they are live, and what is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DnsAudit {
    /// The domain.
    pub domain: String,
    /// Whether it exists; `null` where nobody could say.
    pub exists: Option<bool>,
    /// Whether any question about it was answered.
    pub could_look: bool,
    /// Its mail servers; an empty name stands for "takes no mail" (RFC 7505).
    pub mx: Vec<String>,
    /// DMARC.
    pub dmarc: DmarcReview,
    /// SPF.
    pub spf: SpfReview,
    /// The DKIM keys of the selectors asked for.
    pub dkim: Vec<DkimKey>,
    /// The two names of Microsoft 365, where it sends for the domain.
    pub microsoft365: Option<Microsoft365>,
    /// The MTA-STS record (RFC 8461).
    pub mta_sts: ServiceRecord,
    /// The record of SMTP TLS reports (RFC 8460).
    pub tls_rpt: ServiceRecord,
    /// The BIMI record of the selector `default`.
    pub bimi: ServiceRecord,
    /// Every check, the worst first.
    pub findings: Vec<Checked>,
}

/// Looks at all records of a domain.
#[must_use]
pub fn audit(lookup: &dyn Lookup, request: &Request<'_>) -> DnsAudit {
    let memory = Memory::new(lookup);
    let mut findings = Findings::default();
    let name = request.domain;
    let first = [Kind::Txt, Kind::Mx].map(|kind| Question::new(kind, name));
    let questions = first.into_iter().chain(dmarc::questions(name)).chain(dkim::questions(request));
    memory.fetch(questions.chain(services::questions(name)));
    let dmarc = dmarc::review(request, &memory, &mut findings);
    let spf = spf::review(request, &memory, &mut findings);
    let mx = memory.ask(Question::new(Kind::Mx, name)).values().to_vec();
    let (dkim, microsoft365) = dkim::review(request, &spf, &mx, &memory, &mut findings);
    let services = services::review(name, dmarc.record.as_deref(), &memory, &mut findings);
    if dmarc.discovery.exists == Some(false) {
        findings.fail(
            Check::Domain,
            Severity::Error,
            name,
            "there is no such domain",
            "Check its spelling and its delegation.",
        );
    }
    let mut findings = findings.0;
    findings.sort_by_key(|checked| (checked.outcome, checked.finding.severity));
    DnsAudit {
        domain: name.to_owned(),
        exists: dmarc.discovery.exists,
        could_look: memory.could_look(name),
        mx,
        dmarc,
        spf,
        dkim,
        microsoft365,
        mta_sts: services.mta_sts,
        tls_rpt: services.tls_rpt,
        bimi: services.bimi,
        findings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::lookup::{Answer, Records};
    use crate::dns::request::{Origin, Selector};
    use proptest::prelude::*;

    /// Says the same whatever is asked.
    struct Echo(Vec<String>);

    impl Lookup for Echo {
        fn look_up(&self, questions: &[Question]) -> Vec<Answer> {
            let values = |kind| match kind {
                Kind::Txt => self.0.clone(),
                _ => self.0.iter().map(|text| text.to_lowercase()).collect(),
            };
            let records = |question: &Question| Records { aliases: Vec::new(), values: values(question.kind) };
            questions.iter().map(|question| Answer::Found(records(question))).collect()
        }
    }

    proptest! {
        /// Whatever strangers publish, the review ends, within bounds.
        #[test]
        fn any_records(texts in proptest::collection::vec("(v=DMARC1; |v=spf1 |v=DKIM1; |)(p=|rua=mailto:|include:|redirect=|mx:|)\\PC{0,80}", 1..4)) {
            let selector = texts[0].chars().take(20).collect();
            let selectors = [Selector { domain: "example.com".to_owned(), selector, origin: Origin::Verified }];
            let request = Request { domain: "example.com", selectors: &selectors, microsoft365: true, ..Request::default() };
            let audit = audit(&Echo(texts), &request);
            prop_assert!(audit.could_look && audit.spf.lookups <= 60 && audit.findings.len() < 500);
            prop_assert!(audit.findings.is_sorted_by_key(|checked| (checked.outcome, checked.finding.severity)));
        }
    }
}
