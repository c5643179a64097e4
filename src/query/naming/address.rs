//! What an address alone says of who handed over, worked out once for each.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Knowledge, ProviderNumber, Texts};
use crate::domain;
use crate::providers::Provider;

/// What an address says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct AddressFacts {
    /// The provider that has published its network.
    pub(super) by_range: Option<ProviderNumber>,
    /// The provider that its confirmed host name is of.
    pub(super) by_host: Option<ProviderNumber>,
    /// The organizational domain of its confirmed host name, by its number among the texts.
    pub(super) host_organization: Option<u32>,
}

/// All addresses that were asked for, each with a number. Senders choose them, so they are not hashed in a way that anybody
/// foresees.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    numbers: HashMap<IpAddr, u32>,
    /// By number.
    facts: Vec<AddressFacts>,
}

/// Whether a host name is made of the address: such names are given by whoever runs the network, for all of it.
fn spells_address(host: &str, ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => spells_v4(host, v4),
        IpAddr::V6(v6) => spells_v6(host, v6),
    }
}

/// Three octets of four as numbers of their own, in any order; or all of them joined, either way round; or in hexadecimal; or
/// as one number.
fn spells_v4(host: &str, ip: Ipv4Addr) -> bool {
    let mut octets = ip.octets();
    let mut left = octets.map(u32::from).to_vec();
    for number in host.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse::<u32>().ok()) {
        // Each octet is found once: the 10 of mail10 is not all of 10.10.10.10.
        if let Some(at) = left.iter().position(|&octet| octet == number) {
            left.swap_remove(at);
        }
    }
    let joined = |octets: [u8; 4]| {
        let padded = octets.map(|octet| format!("{octet:03}")).concat();
        let plain = octets.map(|octet| octet.to_string()).concat();
        let hexadecimal = octets.map(|octet| format!("{octet:02x}")).concat();
        host.contains(&padded) || host.contains(&hexadecimal) || plain.len() >= PLAIN_DIGITS && host.contains(&plain)
    };
    let whole = left.len() <= 1 || joined(octets) || host.contains(&u32::from(ip).to_string());
    octets.reverse();
    whole || joined(octets)
}

/// Octets that are joined without anything between are the address only where there are at least this many digits: 11111 is 1.1.1.11 and a
/// customer's number.
const PLAIN_DIGITS: usize = 8;

/// The second half of the address in hexadecimal: padded, or as groups of their own, or digit by digit either way round.
fn spells_v6(host: &str, ip: Ipv6Addr) -> bool {
    let tail = &ip.segments()[4..];
    let digits: String = host.chars().filter(char::is_ascii_hexdigit).collect();
    let padded: String = tail.iter().map(|part| format!("{part:04x}")).collect();
    let groups: Vec<Option<u16>> =
        host.split(['.', '-', '_', 'x']).map(|group| u16::from_str_radix(group, 16).ok()).collect();
    digits.contains(&padded)
        || digits.contains(&padded.chars().rev().collect::<String>())
        || groups.windows(tail.len()).any(|window| window.iter().zip(tail).all(|(group, part)| *group == Some(*part)))
        || host.contains(&ip.to_string().replace(':', "-"))
}

impl Addresses {
    /// The number of an address that was asked for.
    pub(super) fn known(&self, ip: IpAddr) -> Option<u32> {
        self.numbers.get(&ip).copied()
    }

    /// The number of an address, and what it says; host names get their numbers from `texts`.
    pub(super) fn facts(&mut self, ip: IpAddr, knowledge: &Knowledge<'_>, texts: &mut Texts) -> (u32, AddressFacts) {
        if let Some(&known) = self.numbers.get(&ip) {
            return (known, self.facts[known as usize]);
        }
        let number = |provider: &Provider| provider.number as ProviderNumber;
        let sender = |provider: &&Provider| provider.kind.names_sender();
        let host = knowledge.hosts.get(&ip);
        let by_host = host.and_then(|host| knowledge.catalogue.by_host(host));
        let facts = AddressFacts {
            by_range: knowledge.catalogue.by_address(ip).filter(sender).map(number),
            by_host: by_host.filter(sender).map(number),
            host_organization: host
                .filter(|host| !spells_address(host, ip) && by_host.is_none_or(|provider| provider.kind.names_sender()))
                .map(|host| texts.number(domain::organizational(host))),
        };
        let new = self.facts.len() as u32;
        self.numbers.insert(ip, new);
        self.facts.push(facts);
        (new, facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_made_of_the_address() {
        let spells = |host, ip: &str| spells_address(host, ip.parse().unwrap());
        assert!(spells("static.10.2.0.192.clients.hoster.example", "192.0.2.10"));
        assert!(spells("ec2-192-0-2-10.compute.example", "192.0.2.10"));
        assert!(spells("c000020a.cable.example", "192.0.2.10"));
        assert!(spells("h0a0200c0.line.example", "192.0.2.10"));
        assert!(spells("host-192000002010.line.example", "192.0.2.10"));
        assert!(spells("abo-19216813210.line.example", "192.168.132.10"));
        assert!(spells("3221225994.line.example", "192.0.2.10"));
        assert!(!spells("mx1.example.com", "192.0.2.10"));
        assert!(!spells("mail10.example.com", "192.0.2.10"));
        assert!(!spells("mail10.example.com", "10.10.10.10"));
        assert!(!spells("customer11111.example.com", "1.1.1.11"));
        assert!(spells("2001-db8--a1.line.example", "2001:db8::a1"));
        assert!(spells("2001-db8-0-1-2-3-4-a5.line.example", "2001:db8:0:1:2:3:4:a5"));
        assert!(spells("h0002000300040abc.line.example", "2001:db8::2:3:4:abc"));
        assert!(spells("c.b.a.0.4.0.0.0.3.0.0.0.2.0.0.0.ip6.line.example", "2001:db8::2:3:4:abc"));
        assert!(!spells("mx1.example.com", "2001:db8::1"));
    }
}
