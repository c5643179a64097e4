//! What is right and wrong about a domain's DMARC record.

use serde::Serialize;

use super::destinations::{ReportAddress, addresses, delivery, reports};
use super::discovery::{Discovery, discover, record_name};
use super::place::misplaced;
use super::policy::Policy;
use super::record::{DmarcRecord, Psd, TagReview, TagState};
use crate::dns::check::{Check, Findings};
use crate::dns::{Answer, Kind, Memory, Question, Request};
use crate::domain;
use crate::finding::Severity;
use crate::tag_list::{TagProblem, is_name_of_target, quoted};

/// A domain's DMARC policy as it is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DmarcReview {
    /// The record that applies: the domain's own, or that of a domain above.
    pub record: Option<String>,
    /// The domain that has it.
    pub policy_domain: Option<String>,
    /// The names that led there, where `_dmarc` is an alias.
    pub aliases: Vec<String>,
    /// Its policy for this domain.
    pub policy: Option<Policy>,
    /// Its tags.
    pub tags: Vec<TagReview>,
    /// Where aggregate reports go.
    pub rua: Vec<ReportAddress>,
    /// Where failure reports go.
    pub ruf: Vec<ReportAddress>,
    /// How receivers find it.
    pub discovery: Discovery,
}

/// Looks at the DMARC record of a domain.
#[must_use]
pub fn review(request: &Request<'_>, memory: &Memory<'_>, findings: &mut Findings) -> DmarcReview {
    let name = request.domain;
    let discovery = discover(name, memory);
    let at_own_name = memory.txt(&record_name(name));
    places(name, &at_own_name, &discovery, memory, findings);
    let walk = [&discovery.tree_walk, &discovery.psl].into_iter().find(|walk| walk.record.is_some());
    let mut review = DmarcReview {
        record: walk.and_then(|walk| walk.record.clone()),
        policy_domain: walk.and_then(|walk| walk.policy_domain.clone()),
        aliases: Vec::new(),
        policy: walk.and_then(|walk| walk.policy),
        tags: Vec::new(),
        rua: Vec::new(),
        ruf: Vec::new(),
        discovery,
    };
    let Some(record) = review.record.as_deref().and_then(DmarcRecord::parse) else { return review };
    let at = review.policy_domain.clone().unwrap_or_else(|| name.to_owned());
    review.aliases = memory.txt(&record_name(&at)).aliases().to_vec();
    ways(name, &review.discovery, findings);
    tags(name, &at, &record, findings);
    review.rua = addresses(&record.rua, &at, request, memory);
    review.ruf = addresses(&record.ruf, &at, request, memory);
    reports(&at, &review.rua, request, findings);
    for address in &review.ruf {
        delivery(Check::DmarcRuf, Severity::Advice, &at, address, findings);
    }
    review.tags = record.tags;
    review
}

/// Whether there is one record, at the right place.
fn places(name: &str, answer: &Answer, discovery: &Discovery, memory: &Memory<'_>, findings: &mut Findings) {
    const CHECK: Check = Check::DmarcRecord;
    let subject = record_name(name);
    let records = answer.values().iter().filter(|text| DmarcRecord::parse(text).is_some()).count();
    let misread: Vec<&String> = answer
        .values()
        .iter()
        .filter(|text| DmarcRecord::is_meant(text) && DmarcRecord::parse(text).is_none())
        .collect();
    for text in &misread {
        findings.fail(
            CHECK,
            if records == 0 { Severity::Error } else { Severity::Warning },
            &subject,
            format!(
                "receivers do not see {:?} as a DMARC record: it does not begin with exactly \"v=DMARC1;\"",
                quoted(text)
            ),
            "Let the record begin with v=DMARC1; in this spelling, without quotation marks within the text.",
        );
    }
    let others: Vec<&String> =
        answer.values().iter().filter(|text| DmarcRecord::parse(text).is_none() && !misread.contains(text)).collect();
    let target = others.iter().find(|text| records == 0 && is_name_of_target(text));
    if let Some(target) = target {
        findings.fail(
            CHECK,
            Severity::Error,
            &subject,
            format!(
                "a TXT record holds {:?}, which is what a CNAME points to: there is no DMARC record",
                quoted(target)
            ),
            format!("Make it a CNAME: {subject} CNAME {}", quoted(target.trim())),
        );
    }
    if records > 0 {
        for text in &others {
            findings.fail(
                CHECK,
                Severity::Advice,
                &subject,
                format!(
                    "another TXT record stands here, {:?}: some receivers (OpenDMARC) then find no DMARC record",
                    quoted(text)
                ),
                "Remove it; only the DMARC record belongs here.",
            );
        }
    }
    if records > 1 {
        findings.fail(
            CHECK,
            Severity::Error,
            &subject,
            format!("there are {records} DMARC records; receivers treat several as none"),
            "Leave one TXT record that begins with v=DMARC1 and remove the others.",
        );
    }
    let misplaced = misplaced(name, memory);
    for wrong in &misplaced {
        let severity = if records == 0 { Severity::Error } else { Severity::Advice };
        findings.fail(
            Check::DmarcPlace,
            severity,
            &wrong.name,
            format!(
                "there is a DMARC record here, where no receiver looks: {}: {:?}",
                wrong.mistake,
                quoted(&wrong.text)
            ),
            if records == 0 {
                format!("Move it to {subject}.")
            } else {
                format!("Remove it; the one at {subject} counts.")
            },
        );
    }
    let walks = [&discovery.tree_walk, &discovery.psl];
    let failure = walks.iter().find_map(|walk| walk.could_not_look.as_deref());
    if let Some(walk) = walks.iter().find(|walk| walk.record.is_some()) {
        let at = walk.policy_domain.as_deref().unwrap_or(name);
        findings.pass(
            CHECK,
            &record_name(at),
            match at == name {
                true => "there is one DMARC record".to_owned(),
                false => format!("the DMARC record of {at} applies; {name} has none of its own"),
            },
        );
        if let Some(failure) = failure {
            findings.unknown(Check::DmarcDiscovery, Severity::Advice, name, failure);
        }
    } else if let Some(failure) = failure {
        findings.unknown(CHECK, Severity::Error, &subject, failure);
    } else if records == 0 && misread.is_empty() && misplaced.is_empty() && target.is_none() {
        let alias = memory.ask(Question::new(Kind::Cname, &subject));
        let detail = match alias.values().first() {
            Some(target) => format!("there is no DMARC record: {subject} is an alias of {target}, which has none"),
            None => match others.first() {
                Some(text) => {
                    format!("there is no DMARC record, here or above; what stands here is {:?}", quoted(text))
                }
                None => "there is no DMARC record, here or above".to_owned(),
            },
        };
        findings.fail(
            CHECK,
            Severity::Error,
            &subject,
            detail,
            format!("Publish a TXT record at {subject}: v=DMARC1; p=none; rua=mailto:… with the address that feeds this database."),
        );
    }
}

/// Whether receivers of both kinds come to the same.
fn ways(name: &str, discovery: &Discovery, findings: &mut Findings) {
    let (walk, psl) = (&discovery.tree_walk, &discovery.psl);
    if !discovery.differs() {
        return;
    }
    let shown = |one: &super::Walk| {
        let policy = one.policy.map_or("no policy", Policy::as_str);
        let at = one.policy_domain.as_deref().map_or_else(|| "no record".to_owned(), record_name);
        let organization = one.organizational_domain.as_deref().unwrap_or("unknown");
        format!("{policy} ({at}, organizational domain {organization})")
    };
    let severity = if walk.policy == psl.policy { Severity::Advice } else { Severity::Warning };
    findings.fail(
        Check::DmarcDiscovery,
        severity,
        name,
        format!(
            "receivers that walk the tree (RFC 9989) see {}; those that use the Public Suffix List (RFC 7489) see {}",
            shown(walk),
            shown(psl)
        ),
        format!(
            "Publish a record at {} so that both find the same, and look at psd= in the records above.",
            record_name(name)
        ),
    );
}

/// Each tag by itself, and those that belong together.
fn tags(name: &str, at: &str, record: &DmarcRecord, findings: &mut Findings) {
    let subject = record_name(at);
    let wrong = findings.0.len();
    for problem in &record.problems {
        if let TagProblem::Twice(name, _) = problem
            && matches!(name.as_str(), "p" | "sp" | "np")
        {
            let applied = [("p", record.p), ("sp", record.sp), ("np", record.np)];
            let applied = applied.into_iter().find(|(tag, _)| tag == name).and_then(|(_, policy)| policy);
            findings.fail(
                Check::DmarcPolicy,
                Severity::Error,
                &subject,
                format!("{name}= is there twice: receivers apply {}", applied.map_or("neither", Policy::as_str)),
                format!("Leave one {name}=, directly after v=DMARC1 where it is p=."),
            );
            continue;
        }
        findings.fail(Check::DmarcSyntax, Severity::Warning, &subject, problem.to_string(), "Correct the record.");
    }
    for tag in record.tags.iter().filter(|tag| tag.state != TagState::Valid) {
        tag_finding(tag, record, &subject, findings);
    }
    if wrong == findings.0.len() {
        findings.pass(Check::DmarcSyntax, &subject, "every tag of the DMARC record can be read");
    }
    if record.p.is_none() && !record.tags.iter().any(|tag| tag.name == "p") {
        let effect = match record.effective() {
            Some(_) => "receivers of RFC 9989 take it for p=none, older ones refuse the record",
            None => "receivers do not look at it",
        };
        findings.fail(
            Check::DmarcPolicy,
            Severity::Error,
            &subject,
            format!("there is no p= in the record: {effect}"),
            "Add p=none, directly after v=DMARC1.",
        );
    } else if record.tags.get(1).is_some_and(|tag| tag.name != "p") && record.p.is_some() {
        findings.fail(
            Check::DmarcSyntax,
            Severity::Advice,
            &subject,
            "p= does not directly follow v=DMARC1, as RFC 7489 requires",
            "Move p= to the second place: older receivers may refuse the record.",
        );
    }
    if let Some(policy) = record.effective() {
        let tested = if record.testing { policy.tested() } else { policy };
        if record.testing && policy != Policy::None {
            findings.fail(
                Check::DmarcTestMode,
                Severity::Advice,
                &subject,
                format!(
                    "test mode (t=y): receivers of RFC 9989 apply {} instead of {}",
                    tested.as_str(),
                    policy.as_str()
                ),
                "Remove t=y when the policy is to be applied.",
            );
        }
        if let Some(percent) = record.pct.filter(|&percent| percent < 100 && policy != Policy::None) {
            findings.fail(
                Check::DmarcPct,
                Severity::Warning,
                &subject,
                format!("pct={percent} is historic: receivers of RFC 9989 apply {} to all failing mail, older ones to {percent}% of it", policy.as_str()),
                "Remove pct. To go slowly, publish t=y or a lower policy.",
            );
        }
    }
    if let (Some(policy), Some(Policy::None)) = (record.p, record.sp)
        && policy != Policy::None
    {
        findings.fail(
            Check::DmarcSp,
            Severity::Advice,
            &subject,
            format!(
                "sp=none: mail that claims to be from a subdomain is let through, though p={} is asked for",
                policy.as_str()
            ),
            "Remove sp=, or write the same policy, once no subdomain sends unsigned mail.",
        );
    }
    let has = |wanted: &str| record.tags.iter().any(|tag| tag.name == wanted);
    if has("fo") && !has("ruf") {
        findings.fail(Check::DmarcFo, Severity::Advice, &subject, "fo= without ruf= has no effect", "Remove fo=.");
    }
    if (has("sp") || has("np")) && domain::organizational(at) != at && record.psd == Psd::Unknown && name == at {
        findings.fail(
            Check::DmarcSp,
            Severity::Advice,
            &subject,
            "sp= and np= count at an organizational domain; at a subdomain RFC 9989 passes over them",
            "Give the subdomains below records of their own where they need another policy.",
        );
    }
}

fn tag_finding(tag: &TagReview, record: &DmarcRecord, subject: &str, findings: &mut Findings) {
    let shown = format!("{}={}", tag.name, quoted(&tag.value));
    match tag.state {
        // Its addresses are looked at one by one.
        TagState::Invalid if matches!(tag.name.as_str(), "rua" | "ruf") && !tag.value.is_empty() => {}
        TagState::Invalid if matches!(tag.name.as_str(), "p" | "sp" | "np") => {
            let effect = match record.effective() {
                Some(_) => "receivers of RFC 9989 act as if the record said p=none",
                None => "receivers do not look at the record",
            };
            findings.fail(
                Check::DmarcPolicy,
                Severity::Error,
                subject,
                format!("{shown}: {}; {effect}", tag.meaning),
                "Write none, quarantine or reject.",
            );
        }
        TagState::Invalid => findings.fail(
            Check::DmarcSyntax,
            Severity::Warning,
            subject,
            format!("{shown}: {}; receivers take the default", tag.meaning),
            format!("Correct or remove {}=.", tag.name),
        ),
        TagState::Historic => findings.fail(
            Check::DmarcHistoric,
            Severity::Advice,
            subject,
            format!("{shown} is historic (RFC 9989 has no such tag): {}", tag.meaning),
            format!("Remove {}=.", tag.name),
        ),
        TagState::Unknown => findings.fail(
            Check::DmarcSyntax,
            Severity::Warning,
            subject,
            format!("{shown}: {}", tag.meaning),
            format!("Remove {}=, or correct its name.", tag.name),
        ),
        TagState::Valid => {}
    }
}
