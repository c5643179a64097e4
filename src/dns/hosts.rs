//! Names of addresses that can be believed: reverse DNS, confirmed forward.
//!
//! Whoever holds an address may write any name into its reverse zone. It counts only where the zone of that name says the
//! same: one of its addresses is this one.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::lookup::{Answer, Kind, Lookup, Memory, Question};
use crate::domain;

/// What reverse DNS says of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name, confirmed forward, in its one spelling.
    Confirmed(String),
    /// It has no name, or none that its own zone confirms.
    Unconfirmed,
    /// Nobody could say.
    CouldNotLook,
}

/// Names of one address that are looked at; more are somebody's game.
const MOST_NAMES: usize = 5;

/// Looks up the addresses, all in parallel, in two rounds.
#[must_use]
pub fn confirm(lookup: &dyn Lookup, addresses: &[IpAddr]) -> BTreeMap<IpAddr, Host> {
    let memory = Memory::new(lookup);
    memory.fetch(addresses.iter().map(|&address| Question::reverse(address)));
    let named: Vec<(IpAddr, Answer)> =
        addresses.iter().map(|&address| (address, memory.ask(Question::reverse(address)))).collect();
    memory.fetch(named.iter().flat_map(|(address, answer)| {
        names(answer).map(|name| Question::new(forward(*address), name)).collect::<Vec<_>>()
    }));
    named.into_iter().map(|(address, answer)| (address, judge(address, &answer, &memory))).collect()
}

fn judge(address: IpAddr, answer: &Answer, memory: &Memory<'_>) -> Host {
    let mut failed = answer.failure().is_some();
    // The same name on every run, where an address has several.
    let mut names: Vec<&str> = names(answer).collect();
    names.sort_unstable();
    for name in names {
        let forward = memory.ask(Question::new(forward(address), name));
        failed |= forward.failure().is_some();
        if forward.values().iter().any(|value| value.parse() == Ok(address)) {
            return Host::Confirmed(name.to_owned());
        }
    }
    if failed { Host::CouldNotLook } else { Host::Unconfirmed }
}

fn forward(address: IpAddr) -> Kind {
    if address.is_ipv4() { Kind::A } else { Kind::Aaaa }
}

/// The names that can be those of a host.
fn names(answer: &Answer) -> impl Iterator<Item = &str> {
    let fit = |name: &&str| {
        name.len() <= 253
            && name.contains('.')
            && domain::normalize(name).as_deref() == Some(name)
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    answer.values().iter().map(String::as_str).filter(fit).take(MOST_NAMES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::zone::Zone;

    #[test]
    fn only_what_is_confirmed_counts() {
        let zone = Zone::new(
            "1.2.0.192.in-addr.arpa PTR mail.example.com\n\
             mail.example.com A 192.0.2.9\n\
             mail.example.com A 192.0.2.1\n\
             2.2.0.192.in-addr.arpa PTR mail.protection.outlook.com\n\
             mail.protection.outlook.com A 198.51.100.1\n\
             3.2.0.192.in-addr.arpa PTR bad\x1b[31m.example.com\n\
             4.2.0.192.in-addr.arpa PTR !SERVFAIL\n\
             5.2.0.192.in-addr.arpa PTR slow.example.com\n\
             slow.example.com A !timed out\n\
             6.2.0.192.in-addr.arpa PTR z.example.com\n\
             6.2.0.192.in-addr.arpa PTR b.example.com\n\
             z.example.com A 192.0.2.6\n\
             b.example.com A 192.0.2.6\n\
             1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR six.example.com\n\
             six.example.com AAAA 2001:db8:0:0::1",
        );
        let addresses: Vec<IpAddr> =
            ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7", "2001:db8::1"]
                .map(|address| address.parse().unwrap())
                .to_vec();
        let confirmed = |name: &str| Host::Confirmed(name.to_owned());
        let found: Vec<Host> = confirm(&zone, &addresses).into_values().collect();
        assert_eq!(
            found,
            [
                confirmed("mail.example.com"),
                Host::Unconfirmed,
                Host::Unconfirmed,
                Host::CouldNotLook,
                Host::CouldNotLook,
                confirmed("b.example.com"),
                Host::Unconfirmed,
                confirmed("six.example.com"),
            ]
        );
    }
}
