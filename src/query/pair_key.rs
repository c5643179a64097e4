//! One number for what a record shows and for its address: what the sums of a pass over records go by.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use crate::alignment::DkimState;

/// In a [`PairKey`], behind the address (32 bits), the states (4) and the family (2).
const WHO_SHIFT: u32 = 38;
const FAMILY_SHIFT: u32 = 36;
const STATES_SHIFT: u32 = 32;
const V4: u64 = 0;
const V6: u64 = 1;
const NO_ADDRESS: u64 = 2;

/// The identity (26 bits), the DKIM state, whether SPF aligns, and the address, in one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct PairKey(u64);

impl PairKey {
    /// Without an address.
    pub(super) fn new(identity: u32, dkim: DkimState, spf_aligned: bool) -> Self {
        let states = u64::from(dkim.code()) << 1 | u64::from(spf_aligned);
        PairKey(u64::from(identity) << WHO_SHIFT | NO_ADDRESS << FAMILY_SHIFT | states << STATES_SHIFT)
    }

    #[inline]
    fn at(self, family: u64, number: u32) -> Self {
        PairKey(self.0 & !(3 << FAMILY_SHIFT) | family << FAMILY_SHIFT | u64::from(number))
    }

    #[inline]
    pub(super) fn identity(self) -> u32 {
        (self.0 >> WHO_SHIFT) as u32
    }

    /// The code of the DKIM state, and whether SPF aligns.
    pub(super) fn states(self) -> (u8, bool) {
        ((self.0 >> (STATES_SHIFT + 1) & 7) as u8, self.0 >> STATES_SHIFT & 1 == 1)
    }
}

/// Addresses in 32 bits: an IPv4 address is its own number, and IPv6 addresses are numbered as they come.
#[derive(Debug, Default)]
pub(super) struct AddressNumbers {
    /// Senders choose these, so they are not hashed in a way that anybody foresees.
    v6: HashMap<u128, u32>,
}

impl AddressNumbers {
    /// The key with an address, and the address where its number is new.
    #[inline]
    pub(super) fn key(&mut self, base: PairKey, ip: Option<IpAddr>) -> (PairKey, Option<Ipv6Addr>) {
        match ip {
            Some(IpAddr::V4(v4)) => (base.at(V4, u32::from(v4)), None),
            Some(IpAddr::V6(v6)) => {
                let next = self.v6.len() as u32;
                let number = *self.v6.entry(u128::from(v6)).or_insert(next);
                (base.at(V6, number), (number == next).then_some(v6))
            }
            None => (base, None),
        }
    }

    /// The key with an address, unless its number was never given.
    pub(super) fn known(&self, base: PairKey, ip: Option<IpAddr>) -> Option<PairKey> {
        Some(match ip {
            Some(IpAddr::V4(v4)) => base.at(V4, u32::from(v4)),
            Some(IpAddr::V6(v6)) => base.at(V6, *self.v6.get(&u128::from(v6))?),
            None => base,
        })
    }
}

/// IPv6 addresses by their numbers.
#[derive(Debug, Default)]
pub(super) struct V6Addresses(Vec<Ipv6Addr>);

impl V6Addresses {
    /// Takes those whose numbers follow.
    pub(super) fn append(&mut self, new: &mut Vec<Ipv6Addr>) {
        self.0.append(new);
    }

    /// Lets go of room that is only needed to take more.
    pub(super) fn close(&mut self) {
        self.0.shrink_to_fit();
    }

    /// The address in a key.
    pub(super) fn address(&self, key: PairKey) -> Option<IpAddr> {
        let number = key.0 as u32;
        match key.0 >> FAMILY_SHIFT & 3 {
            V4 => Some(IpAddr::V4(number.into())),
            V6 => self.0.get(number as usize).map(|&v6| IpAddr::V6(v6)),
            _ => None,
        }
    }
}
