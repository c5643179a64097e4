//! Whom an SPF record lets pass: how much of the internet, and whether one address.

use std::net::IpAddr;

use ipnet::IpNet;

use super::record::SpfRecord;
use super::term::{Qualifier, Term, TermKind};
use super::tree::{counted, records};
use crate::dns::{Answer, Kind, Memory, Question};

/// Records followed; beyond these receivers have long given up.
const MOST_RECORDS: usize = 60;
/// Networks of this length and shorter hold too many strangers to be let pass.
const WIDE_V4: u8 = 8;
const WIDE_V6: u8 = 16;
/// All addresses of IPv6 that are in use are in one network of this length.
const EVERYBODY_V6: u8 = 3;

/// A term that lets many pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wide {
    /// The term.
    pub(super) term: String,
    /// The domain in whose record it stands.
    pub(super) at: String,
    /// Whether anybody passes by it, or by it together with others.
    pub(super) anybody: bool,
}

/// The terms that let many pass, in the record and in those that it includes.
pub(super) fn wide(record: &SpfRecord, name: &str, memory: &Memory<'_>) -> Vec<Wide> {
    let mut found = Found::default();
    found.walk(record, name, memory, &mut vec![name.to_owned()], false);
    // Two halves are the whole.
    let half = found.v4_shares.iter().sum::<f64>() >= 0.5;
    let mut wide = found.wide;
    for (one, is_v4) in &mut wide {
        one.anybody |= half && *is_v4;
    }
    wide.into_iter().map(|(one, _)| one).collect()
}

#[derive(Default)]
struct Found {
    wide: Vec<(Wide, bool)>,
    /// The share of all IPv4 addresses that each wide network is.
    v4_shares: Vec<f64>,
    networks: Vec<IpNet>,
    records: usize,
}

impl Found {
    fn walk(&mut self, record: &SpfRecord, name: &str, memory: &Memory<'_>, path: &mut Vec<String>, included: bool) {
        self.records += 1;
        if self.records > MOST_RECORDS {
            return;
        }
        for term in reached(record).filter(|term| term.qualifier == Qualifier::Pass) {
            match &term.kind {
                // That of the record itself, and behind a redirect, is a check of its own.
                TermKind::All if included => self.add(term, name, true, false),
                TermKind::Ip(network) => self.network(*network, term, name),
                TermKind::A(_, lengths) | TermKind::Mx(_, lengths) => {
                    let addresses = addresses(term, name, memory).unwrap_or_default();
                    for network in addresses.into_iter().filter_map(|address| lengths.around(address)) {
                        self.network(network, term, name);
                    }
                }
                // A name that does not depend on the message is there for every sender.
                TermKind::Exists(target)
                    if !target.contains('%') && !memory.ask(Question::new(Kind::A, target)).values().is_empty() =>
                {
                    self.add(term, name, true, false);
                }
                TermKind::Include(target) | TermKind::Redirect(target)
                    if !target.contains('%') && !path.contains(target) =>
                {
                    if let Some(record) = only_record(&memory.txt(target)) {
                        path.push(target.clone());
                        let included = included || matches!(term.kind, TermKind::Include(_));
                        self.walk(&record, target, memory, path, included);
                        path.pop();
                    }
                }
                _ => {}
            }
        }
    }

    fn network(&mut self, network: IpNet, term: &Term, name: &str) {
        let network = network.trunc();
        let length = network.prefix_len();
        let is_v4 = network.addr().is_ipv4();
        if length > if is_v4 { WIDE_V4 } else { WIDE_V6 } || self.networks.iter().any(|one| one.contains(&network)) {
            return;
        }
        self.networks.push(network);
        if is_v4 {
            self.v4_shares.push(0.5_f64.powi(i32::from(length)));
        }
        self.add(term, name, !is_v4 && length <= EVERYBODY_V6, is_v4);
    }

    fn add(&mut self, term: &Term, name: &str, anybody: bool, is_v4: bool) {
        self.wide.push((Wide { term: term.text.clone(), at: name.to_owned(), anybody }, is_v4));
    }
}

/// The terms that a receiver comes to, with the `all`.
fn reached(record: &SpfRecord) -> impl Iterator<Item = &Term> {
    counted(record).chain(record.all())
}

fn only_record(answer: &Answer) -> Option<SpfRecord> {
    match records(answer).as_slice() {
        [text] => SpfRecord::parse(text),
        _ => None,
    }
}

/// The addresses that an `a` or `mx` stands for; `None` where that depends on the message, or nobody could say.
fn addresses(term: &Term, own: &str, memory: &Memory<'_>) -> Option<Vec<IpAddr>> {
    let (target, servers) = match &term.kind {
        TermKind::A(target, _) => (target, false),
        TermKind::Mx(target, _) => (target, true),
        _ => return None,
    };
    let target = target.as_deref().unwrap_or(own);
    if target.contains('%') {
        return None;
    }
    let hosts = match servers {
        false => vec![target.to_owned()],
        true => values(memory, Kind::Mx, target)?,
    };
    let kinds = [Kind::A, Kind::Aaaa];
    memory.fetch(hosts.iter().flat_map(|host| kinds.map(|kind| Question::new(kind, host))).collect::<Vec<_>>());
    let mut addresses = Vec::new();
    for host in hosts.iter().filter(|host| !host.is_empty()) {
        for kind in kinds {
            addresses.extend(values(memory, kind, host)?.iter().filter_map(|text| text.parse::<IpAddr>().ok()));
        }
    }
    Some(addresses)
}

fn values(memory: &Memory<'_>, kind: Kind, name: &str) -> Option<Vec<String>> {
    let answer = memory.ask(Question::new(kind, name));
    answer.failure().is_none().then(|| answer.values().to_vec())
}

/// Whether an address passes (RFC 7208 §4.6); `None` where that depends on the message, or nobody could say.
pub(super) fn passes(address: IpAddr, record: &SpfRecord, name: &str, memory: &Memory<'_>) -> Option<bool> {
    evaluate(address, record, name, memory, &mut 0)
}

fn evaluate(
    address: IpAddr,
    record: &SpfRecord,
    name: &str,
    memory: &Memory<'_>,
    followed: &mut usize,
) -> Option<bool> {
    *followed += 1;
    if *followed > MOST_RECORDS {
        return None;
    }
    for term in reached(record) {
        let matches = match &term.kind {
            TermKind::All => true,
            TermKind::Ip(network) => network.contains(&address),
            TermKind::A(_, lengths) | TermKind::Mx(_, lengths) => addresses(term, name, memory)?
                .into_iter()
                .filter(|one| one.is_ipv4() == address.is_ipv4())
                .filter_map(|one| lengths.around(one))
                .any(|network| network.contains(&address)),
            TermKind::Include(target) | TermKind::Redirect(target) if !target.contains('%') => {
                let answer = memory.txt(target);
                if answer.failure().is_some() {
                    return None;
                }
                // Without a record receivers give up, so nobody passes.
                let Some(record) = only_record(&answer) else { return Some(false) };
                let passes = evaluate(address, &record, target, memory, followed)?;
                if matches!(term.kind, TermKind::Redirect(_)) {
                    return Some(passes);
                }
                passes
            }
            TermKind::Include(_) | TermKind::Redirect(_) | TermKind::Exists(_) | TermKind::Ptr(_) => return None,
            TermKind::Exp(_) | TermKind::Modifier => false,
            TermKind::Invalid(_) => return Some(false),
        };
        if matches {
            return Some(term.qualifier == Qualifier::Pass);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::zone::Zone;

    fn record(zone: &Zone) -> SpfRecord {
        only_record(&Memory::new(zone).txt("example.com")).unwrap()
    }

    fn found(lines: &str) -> Vec<(String, bool)> {
        let zone = Zone::new(lines);
        let wide = wide(&record(&zone), "example.com", &Memory::new(&zone));
        wide.into_iter().map(|one| (one.term, one.anybody)).collect()
    }

    #[test]
    fn who_lets_anybody_pass() {
        let both = "b.example.net TXT v=spf1 include:c.example.net ?all\nc.example.net TXT v=spf1";
        for (record, rest, wide) in [
            ("include:b.example.net -all", format!("{both} +all"), vec![("+all", true)]),
            ("include:b.example.net -all", format!("{both} all"), vec![("all", true)]),
            ("redirect=b.example.net", format!("{both} ip4:0.0.0.0/0 -all"), vec![("ip4:0.0.0.0/0", true)]),
            (
                "ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all",
                String::new(),
                vec![("ip4:0.0.0.0/1", true), ("ip4:128.0.0.0/1", true)],
            ),
            ("ip6:::/0 -all", String::new(), vec![("ip6:::/0", true)]),
            ("ip6:2000::/3 -all", String::new(), vec![("ip6:2000::/3", true)]),
            (
                "ip4:10.0.0.0/8 ip6:2001::/16 -all",
                String::new(),
                vec![("ip4:10.0.0.0/8", false), ("ip6:2001::/16", false)],
            ),
            ("a/0 -all", "example.com A 192.0.2.1".to_owned(), vec![("a/0", true)]),
            (
                "exists:www.example.com -all",
                "www.example.com A 192.0.2.1".to_owned(),
                vec![("exists:www.example.com", true)],
            ),
            ("ip4:10.0.0.0/9 ip6:2001:db8::/17 -all", String::new(), vec![]),
            // Not those that pass by it, and not what follows the end.
            ("-include:b.example.net ?ip4:0.0.0.0/0 -all ip4:0.0.0.0/0", format!("{both} +all"), vec![]),
        ] {
            let lines = format!("example.com TXT v=spf1 {record}\n{rest}");
            let wide: Vec<(String, bool)> =
                wide.into_iter().map(|(term, anybody)| (term.to_owned(), anybody)).collect();
            assert_eq!(found(&lines), wide, "{record}");
        }
    }

    #[test]
    fn who_passes() {
        let zone = Zone::new(
            "example.com TXT v=spf1 -ip4:192.0.2.66 ip4:192.0.2.0/24 mx a:www.example.com//64 include:n.example.net exists:%{i}.example.com ~all\n\
             example.com MX mx.example.com\nmx.example.com AAAA 2001:db8::25\nmx.example.com A 198.51.100.25\n\
             www.example.com AAAA 2001:db8:1::80\n\
             n.example.net TXT v=spf1 ip4:203.0.113.0/24 ip6:2001:db8:2::/48 -all",
        );
        let passes = |text: &str| passes(text.parse().unwrap(), &record(&zone), "example.com", &Memory::new(&zone));
        for address in ["192.0.2.1", "198.51.100.25", "2001:db8::25", "2001:db8:1::99", "203.0.113.9", "2001:db8:2::1"]
        {
            assert_eq!(passes(address), Some(true), "{address}");
        }
        assert_eq!(passes("192.0.2.66"), Some(false));
        // The rest depends on the message.
        assert_eq!(passes("2001:db8::26"), None);
    }
}
