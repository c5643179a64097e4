//! Which network an address is in: networks of both families, sorted, the narrowest that holds it.

use std::net::IpAddr;

use ipnet::IpNet;

/// Networks, each with a number. Two networks are apart or one holds the other, so each knows the next wider one around it.
#[derive(Debug, Clone, Default)]
pub(super) struct Networks {
    sorted: Vec<Network>,
}

#[derive(Debug, Clone, Copy)]
struct Network {
    net: IpNet,
    number: usize,
    around: Option<usize>,
}

impl Networks {
    /// Of networks with their numbers; of two that are equal the later counts.
    pub(super) fn new(networks: impl IntoIterator<Item = (IpNet, usize)>) -> Self {
        let mut sorted: Vec<Network> = Vec::new();
        for (net, number) in networks {
            sorted.push(Network { net: net.trunc(), number, around: None });
        }
        // A wider network stands before the narrower ones that begin with it.
        sorted.sort_by_key(|one| (one.net.network(), one.net.prefix_len()));
        sorted.dedup_by(|later, earlier| {
            let same = later.net == earlier.net;
            if same {
                earlier.number = later.number;
            }
            same
        });
        let mut open: Vec<usize> = Vec::new();
        for at in 0..sorted.len() {
            while open.last().is_some_and(|&last| !sorted[last].net.contains(&sorted[at].net)) {
                open.pop();
            }
            sorted[at].around = open.last().copied();
            open.push(at);
        }
        Networks { sorted }
    }

    /// The number of the narrowest network that holds the address. An IPv4 address written as IPv6 is the IPv4 address.
    pub(super) fn find(&self, address: IpAddr) -> Option<usize> {
        let address = address.to_canonical();
        let after = self.sorted.partition_point(|one| one.net.network() <= address);
        let mut candidate = after.checked_sub(1);
        while let Some(at) = candidate {
            let one = self.sorted[at];
            if one.net.contains(&address) {
                return Some(one.number);
            }
            candidate = one.around;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(list: &[&str]) -> Networks {
        Networks::new(list.iter().enumerate().map(|(number, net)| (net.parse().unwrap(), number)))
    }

    #[test]
    fn the_narrowest_network_counts() {
        let networks = networks(&["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "192.0.2.7/32", "2001:db8::/32"]);
        for (address, number) in [
            ("10.0.0.0", Some(0)),
            ("10.1.2.255", Some(2)),
            ("10.1.3.0", Some(1)),
            ("10.2.0.0", Some(0)),
            ("11.0.0.0", None),
            ("9.255.255.255", None),
            ("192.0.2.7", Some(3)),
            ("192.0.2.8", None),
            ("2001:db8::1", Some(4)),
            ("2001:db9::", None),
            ("::ffff:10.1.2.3", Some(2)),
            ("::1", None),
        ] {
            assert_eq!(networks.find(address.parse().unwrap()), number, "{address}");
        }
        assert_eq!(Networks::default().find("10.0.0.1".parse().unwrap()), None);
    }

    #[test]
    fn of_equal_networks_the_later_counts() {
        assert_eq!(networks(&["10.0.0.0/8", "10.0.0.0/8"]).find("10.0.0.1".parse().unwrap()), Some(1));
    }

    proptest::proptest! {
        #[test]
        fn as_a_plain_search_finds(nets in proptest::collection::vec((0u32..64, 26u8..=32), 0..12), address in 0u32..64) {
            let list: Vec<(IpNet, usize)> = nets
                .iter()
                .enumerate()
                .map(|(at, &(bits, length))| (IpNet::new(IpAddr::V4(bits.into()), length).unwrap().trunc(), at))
                .collect();
            let address = IpAddr::V4(address.into());
            let plain = list
                .iter()
                .filter(|(net, _)| net.contains(&address))
                .max_by_key(|&&(net, at)| (net.prefix_len(), at))
                .map(|&(_, at)| at);
            proptest::prop_assert_eq!(Networks::new(list.clone()).find(address), plain);
        }
    }
}
