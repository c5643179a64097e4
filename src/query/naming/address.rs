//! What an address alone says of who handed over, worked out once for each.

use std::collections::HashMap;
use std::net::IpAddr;

use super::{ProviderNumber, Units};
use crate::domain;
use crate::providers::{Kind, Provider};

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

/// All addresses that were asked for. Senders choose them, so they are not hashed in a way that anybody foresees.
#[derive(Debug, Default)]
pub(super) struct Addresses(HashMap<IpAddr, AddressFacts>);

/// Whether a provider of this kind says who sends: whoever rents a machine at a hoster is not the hoster.
pub(super) fn names_sender(kind: Kind) -> bool {
    kind.sends_for_customers() || matches!(kind, Kind::Forwarder | Kind::List)
}

/// Whether a host name is made of the address: such names are given by whoever runs the network, for all of it.
fn spells_address(host: &str, ip: IpAddr) -> bool {
    let digits: Vec<u32> = host.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
    match ip {
        IpAddr::V4(v4) => {
            let octets = v4.octets();
            let spelled = octets.iter().filter(|&&octet| digits.contains(&u32::from(octet))).count();
            spelled >= 3 || host.contains(&octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>())
        }
        IpAddr::V6(v6) => {
            let plain: String = host.chars().filter(char::is_ascii_hexdigit).collect();
            let tail: String = v6.segments()[4..].iter().map(|part| format!("{part:04x}")).collect();
            plain.contains(&tail)
        }
    }
}

impl Units<'_> {
    pub(super) fn address(&mut self, ip: IpAddr) -> AddressFacts {
        if let Some(&known) = self.addresses.0.get(&ip) {
            return known;
        }
        let knowledge = self.knowledge;
        let number = |provider: &Provider| provider.number as ProviderNumber;
        let sender = |provider: &&Provider| names_sender(provider.kind);
        let host = knowledge.hosts.get(&ip);
        let by_host = host.and_then(|host| knowledge.catalogue.by_host(host));
        let facts = AddressFacts {
            by_range: knowledge.catalogue.by_address(ip).filter(sender).map(number),
            by_host: by_host.filter(sender).map(number),
            host_organization: host
                .filter(|host| !spells_address(host, ip) && by_host.is_none_or(|provider| names_sender(provider.kind)))
                .map(|host| self.hosts.number(domain::organizational(host))),
        };
        self.addresses.0.insert(ip, facts);
        facts
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
        assert!(!spells("mx1.example.com", "192.0.2.10"));
        assert!(!spells("mail10.example.com", "192.0.2.10"));
    }
}
