//! What is right and wrong about a domain's DMARC record.

use serde::Serialize;

use super::discovery::{Discovery, discover, record_name};
use super::place::misplaced;
use super::record::{DmarcRecord, Policy, Psd, TagReview, TagState};
use super::report_uri::ReportUri;
use crate::dns::finding::{Findings, Severity};
use crate::dns::tags::quoted;
use crate::dns::{Answer, Kind, Memory, Question, Request};
use crate::domain;

/// Whether what is sent to an address comes into this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feeds {
    /// It is the user name of a configured account.
    Yes,
    /// Not known: an alias may lead there.
    Unknown,
}

/// An address that reports are asked for at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportAddress {
    /// The address.
    #[serde(flatten)]
    pub uri: ReportUri,
    /// Whether it belongs to another organization, which must agree.
    pub external: bool,
    /// Whether that organization agrees; `None` where it need not, or nobody could say.
    pub authorized: Option<bool>,
    /// The name at which it agrees.
    pub authorized_at: Option<String>,
    /// Whether its domain accepts mail; `None` where nobody could say.
    pub accepts_mail: Option<bool>,
    /// Whether its mail comes into this database.
    pub feeds: Feeds,
}

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
        aliases: at_own_name.aliases().to_vec(),
        policy: walk.and_then(|walk| walk.policy),
        tags: Vec::new(),
        rua: Vec::new(),
        ruf: Vec::new(),
        discovery,
    };
    let Some(record) = review.record.as_deref().and_then(DmarcRecord::parse) else { return review };
    let at = review.policy_domain.clone().unwrap_or_else(|| name.to_owned());
    ways(name, &review.discovery, findings);
    tags(name, &at, &record, findings);
    review.rua = addresses(&record.rua, &at, request, memory);
    review.ruf = addresses(&record.ruf, &at, request, memory);
    reports(&at, &review.rua, request, findings);
    for address in &review.ruf {
        delivery("dmarc-ruf", Severity::Advice, &at, address, findings);
    }
    review.tags = record.tags;
    review
}

/// Whether there is one record, at the right place.
fn places(name: &str, answer: &Answer, discovery: &Discovery, memory: &Memory<'_>, findings: &mut Findings) {
    const CHECK: &str = "dmarc-record";
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
            "dmarc-place",
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
    if let Some(failure) = walks.iter().find_map(|walk| walk.could_not_look.as_deref()) {
        findings.unknown(CHECK, Severity::Error, &subject, failure);
    } else if let Some(walk) = walks.iter().find(|walk| walk.record.is_some()) {
        let at = walk.policy_domain.as_deref().unwrap_or(name);
        findings.pass(
            CHECK,
            &record_name(at),
            match at == name {
                true => "there is one DMARC record".to_owned(),
                false => format!("the DMARC record of {at} applies; {name} has none of its own"),
            },
        );
    } else if records == 0 && misread.is_empty() && misplaced.is_empty() {
        let alias = memory.ask(Question::new(Kind::Cname, &subject));
        let detail = match alias.values().first() {
            Some(target) => format!("there is no DMARC record: {subject} is an alias of {target}, which has none"),
            None => "there is no DMARC record, here or above".to_owned(),
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
        let policy = one.policy.map_or("no policy", Policy::word);
        let at = one.policy_domain.as_deref().map_or_else(|| "no record".to_owned(), record_name);
        let organization = one.organizational_domain.as_deref().unwrap_or("unknown");
        format!("{policy} ({at}, organizational domain {organization})")
    };
    let severity = if walk.policy == psl.policy { Severity::Advice } else { Severity::Warning };
    findings.fail(
        "dmarc-discovery",
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
        findings.fail("dmarc-syntax", Severity::Warning, &subject, problem.to_string(), "Correct the record.");
    }
    for tag in record.tags.iter().filter(|tag| tag.state != TagState::Valid) {
        tag_finding(tag, record, &subject, findings);
    }
    if wrong == findings.0.len() {
        findings.pass("dmarc-syntax", &subject, "every tag of the DMARC record can be read");
    }
    if record.p.is_none() && !record.tags.iter().any(|tag| tag.name == "p") {
        let effect = match record.effective() {
            Some(_) => "receivers of RFC 9989 take it for p=none, older ones refuse the record",
            None => "receivers do not look at it",
        };
        findings.fail(
            "dmarc-policy",
            Severity::Error,
            &subject,
            format!("there is no p= in the record: {effect}"),
            "Add p=none, right behind v=DMARC1.",
        );
    } else if record.tags.get(1).is_some_and(|tag| tag.name != "p") && record.p.is_some() {
        findings.fail(
            "dmarc-syntax",
            Severity::Advice,
            &subject,
            "p= does not stand right behind v=DMARC1, as RFC 7489 wants it",
            "Move p= to the second place: older receivers may refuse the record.",
        );
    }
    if let Some(policy) = record.effective() {
        let tested = if record.testing { policy.tested() } else { policy };
        if record.testing && policy != Policy::None {
            findings.fail(
                "dmarc-test-mode",
                Severity::Advice,
                &subject,
                format!("test mode (t=y): receivers of RFC 9989 apply {} instead of {}", tested.word(), policy.word()),
                "Remove t=y when the policy is to be applied.",
            );
        }
        if let Some(percent) = record.pct.filter(|&percent| percent < 100 && policy != Policy::None) {
            findings.fail(
                "dmarc-pct",
                Severity::Warning,
                &subject,
                format!("pct={percent} is historic: receivers of RFC 9989 apply {} to all failing mail, older ones to {percent}% of it", policy.word()),
                "Remove pct. To go slowly, publish t=y or a lower policy.",
            );
        }
    }
    let has = |wanted: &str| record.tags.iter().any(|tag| tag.name == wanted);
    if has("fo") && !has("ruf") {
        findings.fail("dmarc-fo", Severity::Advice, &subject, "fo= without ruf= has no effect", "Remove fo=.");
    }
    if (has("sp") || has("np")) && domain::organizational(at) != at && record.psd == Psd::Unknown && name == at {
        findings.fail(
            "dmarc-sp",
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
                "dmarc-policy",
                Severity::Error,
                subject,
                format!("{shown}: {}; {effect}", tag.meaning),
                "Write none, quarantine or reject.",
            );
        }
        TagState::Invalid => findings.fail(
            "dmarc-syntax",
            Severity::Warning,
            subject,
            format!("{shown}: {}; receivers take the default", tag.meaning),
            format!("Correct or remove {}=.", tag.name),
        ),
        TagState::Historic => findings.fail(
            "dmarc-historic",
            Severity::Advice,
            subject,
            format!("{shown} is historic (RFC 9989 has no such tag): {}", tag.meaning),
            format!("Remove {}=.", tag.name),
        ),
        TagState::Unknown => findings.fail(
            "dmarc-syntax",
            Severity::Warning,
            subject,
            format!("{shown}: {}", tag.meaning),
            format!("Remove {}=, or correct its name.", tag.name),
        ),
        TagState::Valid => {}
    }
}

/// Looks at the addresses of `rua` or `ruf` of the record at a domain.
fn addresses(uris: &[ReportUri], at: &str, request: &Request<'_>, memory: &Memory<'_>) -> Vec<ReportAddress> {
    let hosts: Vec<&str> = uris.iter().filter_map(|uri| uri.host.as_deref()).collect();
    memory.fetch(hosts.iter().flat_map(|host| {
        let kinds = [Kind::Mx, Kind::A, Kind::Aaaa].map(|kind| Question::new(kind, host));
        kinds.into_iter().chain([Question::new(Kind::Txt, &authorization(at, host))])
    }));
    let address = |uri: &ReportUri| {
        let host = uri.host.as_deref();
        let external = host.is_some_and(|host| domain::organizational(host) != domain::organizational(at));
        let (authorized, authorized_at) = match host.filter(|_| external) {
            Some(host) => authorized(at, host, memory),
            None => (None, None),
        };
        let same =
            |receiver: &String| uri.address.as_ref().is_some_and(|address| address.eq_ignore_ascii_case(receiver));
        ReportAddress {
            uri: uri.clone(),
            external,
            authorized,
            authorized_at,
            accepts_mail: host.and_then(|host| accepts_mail(host, memory)),
            feeds: if request.receivers.iter().any(same) { Feeds::Yes } else { Feeds::Unknown },
        }
    };
    uris.iter().map(address).collect()
}

/// Where an organization agrees to receive the reports of a domain (RFC 9990 §4, RFC 7489 §7.1).
fn authorization(at: &str, host: &str) -> String {
    format!("{at}._report._dmarc.{host}")
}

fn authorized(at: &str, host: &str, memory: &Memory<'_>) -> (Option<bool>, Option<String>) {
    let name = authorization(at, host);
    // The record need not have any tag but v.
    let agrees =
        |answer: &Answer| answer.values().iter().filter(|text| DmarcRecord::parse(text).is_some()).count() == 1;
    match memory.txt(&name) {
        Answer::CouldNotLook(_) => (None, None),
        answer if agrees(&answer) => {
            let wildcard = format!("*._report._dmarc.{host}");
            let by_wildcard = memory.txt(&wildcard).values() == answer.values();
            (Some(true), Some(if by_wildcard { wildcard } else { name }))
        }
        _ => (Some(false), None),
    }
}

/// Whether a domain takes mail: it has a mail server, or at least an address (RFC 5321 §5.1), and no null MX (RFC 7505).
fn accepts_mail(host: &str, memory: &Memory<'_>) -> Option<bool> {
    match memory.ask(Question::new(Kind::Mx, host)) {
        Answer::Found(records) => Some(records.values.iter().any(|server| !server.is_empty())),
        Answer::NoSuchName => Some(false),
        Answer::CouldNotLook(_) => None,
        Answer::NoData => {
            let addresses = [Kind::A, Kind::Aaaa].map(|kind| memory.ask(Question::new(kind, host)));
            if addresses.iter().any(|answer| !answer.values().is_empty()) {
                return Some(true);
            }
            addresses.iter().all(Answer::is_nothing).then_some(false)
        }
    }
}

/// Whether aggregate reports can arrive, and whether they arrive here.
fn reports(at: &str, rua: &[ReportAddress], request: &Request<'_>, findings: &mut Findings) {
    let subject = record_name(at);
    if rua.is_empty() {
        findings.fail(
            "dmarc-rua",
            Severity::Error,
            &subject,
            "there is no rua=: nobody sends reports on this domain",
            "Add rua=mailto:… with the address that feeds this database.",
        );
        return;
    }
    for address in rua {
        delivery("dmarc-rua", Severity::Error, at, address, findings);
    }
    let usable = rua.iter().filter(|address| address.uri.problem.is_none()).count();
    if usable > 2 {
        findings.fail(
            "dmarc-rua",
            Severity::Advice,
            &subject,
            format!("there are {usable} addresses; some receivers send to two at most"),
            "Put the one that matters first.",
        );
    }
    feeds(&subject, rua, request, findings);
}

/// Reports come daily; after some days without any, those of before prove nothing.
const FRESH_DAYS: i64 = 7;

/// Whether the reports come into this database.
fn feeds(subject: &str, rua: &[ReportAddress], request: &Request<'_>, findings: &mut Findings) {
    const CHECK: &str = "dmarc-rua-feeds";
    let name = request.domain;
    let feeding = rua.iter().find(|address| address.feeds == Feeds::Yes);
    if let Some(address) = feeding.and_then(|address| address.uri.address.as_deref()) {
        findings.pass(CHECK, subject, format!("{address} is the user of a configured account"));
        return;
    }
    let known = match request.receivers {
        [] => "no account is configured".to_owned(),
        some => format!("no address is the user of a configured account ({})", some.join(", ")),
    };
    let remedy = "Where an alias or another program brings the mail here, all is well; otherwise add an address to rua= that feeds this database.";
    match request.newest_report {
        Some(newest) if newest.days_ago <= FRESH_DAYS => {
            findings.pass(
                CHECK,
                subject,
                format!("{known}, but reports on {name} do come in; the newest is of {}", newest.day),
            );
        }
        Some(newest) => findings.fail(
            CHECK,
            Severity::Warning,
            subject,
            format!("{known}, and the newest report on {name} is of {}, {} days ago", newest.day, newest.days_ago),
            remedy,
        ),
        None if request.receivers.is_empty() => findings.fail(
            CHECK,
            Severity::Advice,
            subject,
            format!("not known: {known}, and no report on {name} is in the database"),
            "",
        ),
        None => findings.fail(
            CHECK,
            Severity::Warning,
            subject,
            format!("{known}, and no report on {name} is in the database"),
            remedy,
        ),
    }
}

/// Whether reports can be delivered to an address.
fn delivery(check: &'static str, severity: Severity, at: &str, address: &ReportAddress, findings: &mut Findings) {
    let subject = record_name(at);
    let uri = quoted(&address.uri.uri);
    if let Some(problem) = &address.uri.problem {
        findings.fail(check, severity, &subject, format!("{uri:?} cannot be used: {problem}"), "Correct the address.");
        return;
    }
    let host = address.uri.host.as_deref().unwrap_or_default();
    if address.uri.size_limit.is_some() {
        findings.fail(
            "dmarc-historic",
            Severity::Advice,
            &subject,
            format!("the size limit of {uri} is historic; receivers of RFC 9989 pass over it"),
            "Remove \"!\" and what follows.",
        );
    }
    match address.accepts_mail {
        Some(true) => {}
        Some(false) => findings.fail(
            check,
            severity,
            &subject,
            format!("{host} takes no mail, so no report reaches {uri}"),
            "Name an address of a domain that has a mail server.",
        ),
        None => findings.unknown(check, severity, host, "whether it takes mail"),
    }
    if !address.external {
        if address.accepts_mail == Some(true) {
            findings.pass(check, &subject, format!("reports can reach {uri}"));
        }
        return;
    }
    let name = authorization(at, host);
    match address.authorized {
        Some(true) => {
            let by = address.authorized_at.as_deref().unwrap_or(&name);
            findings.pass(check, &subject, format!("{host} agrees to receive reports ({by})"));
        }
        Some(false) => findings.fail(
            check,
            severity,
            &name,
            format!("{host} belongs to another organization and does not agree to receive reports on {at}: they are not sent"),
            format!("Whoever runs {host} publishes a TXT record at {name}: v=DMARC1"),
        ),
        None => findings.unknown(check, severity, &name, "whether it agrees to receive the reports"),
    }
}
