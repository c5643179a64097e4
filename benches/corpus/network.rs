//! The addresses of senders.
//!
//! Addresses are those set aside for benchmarks and documentation (RFC 2544, RFC 5180, RFC 3849), except those of
//! the large providers, whose published ranges a reader may recognise and so has work with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a sender's addresses lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network {
    first: [u8; 4],
    /// The first half of its IPv6 addresses, and of how many addresses one is such.
    v6: Option<([u16; 4], usize)>,
    /// How many addresses there are; `number` of [`Network::address`] is below this.
    pub(crate) size: usize,
}

/// IPv4 only.
pub(crate) const fn v4(first: [u8; 4], size: usize) -> Network {
    Network { first, v6: None, size }
}

/// IPv4, and IPv6 for one address in this many.
pub(crate) const fn mixed(first: [u8; 4], v6: [u16; 4], one_in: usize, size: usize) -> Network {
    Network { first, v6: Some((v6, one_in)), size }
}

impl Network {
    /// The address with this number; the numbers are scattered over the range, as the machines of a service are.
    pub(crate) fn address(&self, number: usize) -> IpAddr {
        match self.v6 {
            Some((half, one_in)) if number % one_in == one_in - 1 => {
                let low = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let [a, b, c, d] = half;
                let half_of_low = |shift: u32| (low >> shift) as u16;
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, half_of_low(8) & 0xfff, half_of_low(24), half_of_low(40)))
            }
            _ => {
                let step = if self.size < 64 { 1 } else { 7 };
                IpAddr::V4(Ipv4Addr::from_bits(u32::from_be_bytes(self.first) + number as u32 * step))
            }
        }
    }
}
