//! Where reports on a domain go: whether they can arrive there, whether whoever gets them agrees, and whether they come
//! into this database.

use serde::Serialize;

use super::discovery::record_name;
use super::record::DmarcRecord;
use super::report_uri::ReportUri;
use crate::dns::check::{Check, Findings};
use crate::dns::{Answer, Kind, Memory, Question, Request};
use crate::domain;
use crate::finding::Severity;
use crate::tag_list::quoted;

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

/// Looks at the addresses of `rua` or `ruf` of the record at a domain.
pub(super) fn addresses(
    uris: &[ReportUri],
    at: &str,
    request: &Request<'_>,
    memory: &Memory<'_>,
) -> Vec<ReportAddress> {
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
    // The record need not have any tag but v, and several are as good as one (RFC 7489 §7.1 step 6).
    let agrees = |answer: &Answer| answer.values().iter().any(|text| DmarcRecord::parse(text).is_some());
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
pub(super) fn reports(at: &str, rua: &[ReportAddress], request: &Request<'_>, findings: &mut Findings) {
    let subject = record_name(at);
    if rua.is_empty() {
        findings.fail(
            Check::DmarcRua,
            Severity::Error,
            &subject,
            "there is no rua=: nobody sends reports on this domain",
            "Add rua=mailto:… with the address that feeds this database.",
        );
        return;
    }
    for address in rua {
        delivery(Check::DmarcRua, Severity::Error, at, address, findings);
    }
    let usable = rua.iter().filter(|address| address.uri.problem.is_none()).count();
    if usable > 2 {
        findings.fail(
            Check::DmarcRua,
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
    const CHECK: Check = Check::DmarcRuaFeeds;
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
pub(super) fn delivery(check: Check, severity: Severity, at: &str, address: &ReportAddress, findings: &mut Findings) {
    let subject = record_name(at);
    let uri = quoted(&address.uri.uri);
    if let Some(problem) = &address.uri.problem {
        findings.fail(check, severity, &subject, format!("{uri:?} cannot be used: {problem}"), "Correct the address.");
        return;
    }
    let host = address.uri.host.as_deref().unwrap_or_default();
    if address.uri.size_limit.is_some() {
        findings.fail(
            Check::DmarcHistoric,
            Severity::Advice,
            &subject,
            format!("the size limit of {uri} is historic; receivers of RFC 9989 pass over it"),
            "Remove \"!\" and what follows.",
        );
    }
    if address.uri.is_international() {
        findings.fail(
            check,
            severity.max(Severity::Warning),
            &subject,
            format!("{uri} has letters beyond ASCII in it: most receivers send no report there"),
            format!("Write the domain as {host}, and the mailbox in ASCII."),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::NewestReport;
    use crate::dns::zone::Zone;

    fn found(rua: &str, zone: &str, request: &Request<'_>) -> (Vec<ReportAddress>, Findings) {
        let zone = Zone::new(zone);
        let memory = Memory::new(&zone);
        let mut findings = Findings::default();
        let list = addresses(&ReportUri::parse_list(rua), "example.com", request, &memory);
        reports("example.com", &list, request, &mut findings);
        (list, findings)
    }

    #[test]
    fn another_organization_must_agree() {
        let request = Request { domain: "example.com", ..Request::default() };
        let rua = "mailto:a@mail.example.com,mailto:a@one.example.net,mailto:a@two.example.org,mailto:a@three.example.info,\
                   mailto:a@four.example.edu";
        let zone = "mail.example.com MX mx.example.com\n\
            one.example.net MX mx.example.net\nexample.com._report._dmarc.one.example.net TXT v=DMARC1;\n\
            two.example.org MX mx.example.org\n*._report._dmarc.two.example.org TXT v=DMARC1\n\
            example.com._report._dmarc.two.example.org TXT v=DMARC1\n\
            example.com._report._dmarc.one.example.net TXT v=DMARC1\n\
            three.example.info A 192.0.2.1\nexample.com._report._dmarc.three.example.info TXT v=spf1 -all\n\
            four.example.edu MX !SERVFAIL\nexample.com._report._dmarc.four.example.edu TXT !SERVFAIL";
        let (list, findings) = found(rua, zone, &request);
        let states: Vec<_> = list.iter().map(|one| (one.external, one.authorized, one.accepts_mail)).collect();
        assert_eq!(
            states,
            [
                (false, None, Some(true)),
                (true, Some(true), Some(true)),
                (true, Some(true), Some(true)),
                (true, Some(false), Some(true)),
                (true, None, None),
            ]
        );
        assert_eq!(list[2].authorized_at.as_deref(), Some("*._report._dmarc.two.example.org"));
        let failed: Vec<&str> = findings
            .0
            .iter()
            .filter(|checked| {
                checked.outcome == crate::dns::Outcome::Failed && checked.finding.severity == Severity::Error
            })
            .map(|checked| checked.finding.subject.as_str())
            .collect();
        assert_eq!(failed, ["example.com._report._dmarc.three.example.info"]);
    }

    #[test]
    fn letters_that_most_receivers_cannot_send_to() {
        let request = Request { domain: "example.com", ..Request::default() };
        let zone = "xn--bcher-kva.example.com MX mail.example.com";
        let failed = |rua: &str| {
            let (_, findings) = found(rua, zone, &request);
            let rua = findings.0.into_iter().filter(|one| one.finding.code == Check::DmarcRua);
            rua.filter(|one| one.outcome == crate::dns::Outcome::Failed).map(|one| one.finding).collect::<Vec<_>>()
        };
        let [warning] = &failed("mailto:dmarc@b\u{fc}cher.example.com")[..] else { panic!() };
        assert_eq!(warning.severity, Severity::Warning);
        assert!(warning.remedy.as_ref().unwrap().contains("xn--bcher-kva.example.com"), "{warning:?}");
        assert_eq!(failed("mailto:dmarc@xn--bcher-kva.example.com"), []);
    }

    #[test]
    fn who_takes_no_mail() {
        let request = Request { domain: "example.com", ..Request::default() };
        let takes = |zone: &str| found("mailto:a@mail.example.com", zone, &request).0[0].accepts_mail;
        // A null MX has the root for a name (RFC 7505).
        assert_eq!(takes("mail.example.com MX "), Some(false));
        assert_eq!(takes("mail.example.com AAAA 2001:db8::1"), Some(true));
        assert_eq!(takes("mail.example.com TXT x"), Some(false));
        assert_eq!(takes(""), Some(false));
        assert_eq!(takes("mail.example.com A !timed out\nmail.example.com TXT x"), None);
    }

    #[test]
    fn whether_reports_come_in_here() {
        let zone = "example.com MX mail.example.com";
        let outcome = |receivers: &[String], newest_report: Option<NewestReport>| {
            let request = Request { domain: "example.com", receivers, newest_report, ..Request::default() };
            let (list, findings) = found("mailto:Dmarc@example.com", zone, &request);
            let feeds = findings.0.into_iter().find(|checked| checked.finding.code == Check::DmarcRuaFeeds).unwrap();
            (list[0].feeds, feeds.outcome, feeds.finding.severity)
        };
        use crate::dns::Outcome::{Failed, Passed};
        let (own, other) = (["dmarc@example.com".to_owned()], ["reports@example.com".to_owned()]);
        let newest = |days_ago| Some(NewestReport { day: jiff::civil::date(2026, 11, 1), days_ago });
        assert_eq!(outcome(&own, None), (Feeds::Yes, Passed, Severity::Advice));
        // An alias may lead to the account: what arrives says so.
        assert_eq!(outcome(&other, newest(1)), (Feeds::Unknown, Passed, Severity::Advice));
        assert_eq!(outcome(&other, newest(20)), (Feeds::Unknown, Failed, Severity::Warning));
        assert_eq!(outcome(&other, None), (Feeds::Unknown, Failed, Severity::Warning));
        assert_eq!(outcome(&[], None), (Feeds::Unknown, Failed, Severity::Advice));
    }
}
