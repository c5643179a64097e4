//! Records in few bytes: the number of the outcome, the count, the address.
//!
//! A record is an outcome that many others share, a count, and an address: some ten bytes. Runs of them are kept as
//! they are written here, in memory on their way to the database and in the database itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::report::SourceAddress;
use crate::varint;

/// No report has seen more messages of one kind; larger counts are mistakes or jokes. No sum over the records that fit on a
/// disk comes near the end of 64 bits with it.
pub const LARGEST_COUNT: u64 = 1_000_000_000;

const NO_ADDRESS: u8 = 0;
const TEXT: u8 = 1;
const V4: u8 = 4;
const V6: u8 = 6;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedRow<'b> {
    /// The number of its outcome.
    pub outcome: u64,
    /// Its messages; absent where the report's count was unreadable.
    pub count: Option<u64>,
    /// Its address.
    pub address: PackedAddress<'b>,
}

/// The address of a packed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PackedAddress<'b> {
    /// An address.
    Ip(IpAddr),
    /// Text that is none.
    Text(&'b str),
}

impl PackedAddress<'_> {
    /// The address, where it is one.
    #[must_use]
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            PackedAddress::Ip(ip) => Some(ip),
            PackedAddress::Text(_) => None,
        }
    }
}

/// Appends the address of a record.
pub fn put_address(out: &mut Vec<u8>, address: &SourceAddress) {
    match address {
        SourceAddress::Ip(ip) => put_ip(out, Some(*ip)),
        SourceAddress::Text(text) if text.is_empty() => put_ip(out, None),
        SourceAddress::Text(text) => {
            out.push(TEXT);
            varint::put(out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// Appends an address, or that there is none.
pub fn put_ip(out: &mut Vec<u8>, address: Option<IpAddr>) {
    match address {
        Some(IpAddr::V4(v4)) => {
            out.push(V4);
            out.extend_from_slice(&v4.octets());
        }
        Some(IpAddr::V6(v6)) => {
            out.push(V6);
            out.extend_from_slice(&v6.octets());
        }
        None => out.push(NO_ADDRESS),
    }
}

/// Appends a record whose address is packed already.
pub fn put_row(out: &mut Vec<u8>, outcome: u64, count: Option<u64>, address: &[u8]) {
    varint::put(out, outcome);
    varint::put(out, count.map_or(0, |count| count + 1));
    out.extend_from_slice(address);
}

/// Takes the outcome and the count of a record from the front, and leaves the bytes at its address.
#[inline]
pub fn take_head(bytes: &mut &[u8]) -> Option<(u64, Option<u64>)> {
    let outcome = varint::take(bytes)?;
    let count = varint::take(bytes)?;
    // Larger ones were never written here.
    Some((outcome, count.checked_sub(1).map(|count| count.min(LARGEST_COUNT))))
}

/// Takes an address from the front, as bytes.
#[inline]
pub fn take_address_bytes<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let whole = *bytes;
    let length = match *whole.first()? {
        NO_ADDRESS => 1,
        V4 => 5,
        V6 => 17,
        TEXT => {
            let mut rest = &whole[1..];
            let text = usize::try_from(varint::take(&mut rest)?).ok()?;
            (whole.len() - rest.len()).checked_add(text)?
        }
        _ => return None,
    };
    let (address, rest) = whole.split_at_checked(length)?;
    *bytes = rest;
    Some(address)
}

/// What a packed address is.
#[inline]
#[must_use]
pub fn read_address(packed: &[u8]) -> Option<PackedAddress<'_>> {
    let (&kind, rest) = packed.split_first()?;
    Some(match kind {
        NO_ADDRESS => PackedAddress::Text(""),
        V4 => PackedAddress::Ip(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(rest).ok()?))),
        V6 => PackedAddress::Ip(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(rest).ok()?))),
        TEXT => {
            let mut text = rest;
            varint::take(&mut text)?;
            PackedAddress::Text(std::str::from_utf8(text).ok()?)
        }
        _ => return None,
    })
}

/// The outcome of a record, its count, and its packed address, see [`read_address`].
pub type Packed<'b> = (u64, Option<u64>, &'b [u8]);

/// The records of a run, in order; nothing for what cannot be read, which is the last.
#[inline]
pub fn records(mut bytes: &[u8]) -> impl Iterator<Item = Option<Packed<'_>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let head = take_head(&mut bytes);
        let record = head.and_then(|(outcome, count)| Some((outcome, count, take_address_bytes(&mut bytes)?)));
        if record.is_none() {
            bytes = &[];
        }
        Some(record)
    })
}

/// The same with their addresses read.
pub fn iterate(bytes: &[u8]) -> impl Iterator<Item = Option<PackedRow<'_>>> {
    records(bytes).map(|record| {
        let (outcome, count, address) = record?;
        Some(PackedRow { outcome, count, address: read_address(address)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::address;

    #[test]
    fn rows_come_back_as_they_were() {
        let mut bytes = Vec::new();
        let written =
            [("192.0.2.1", Some(5)), ("2001:db8::1", None), ("no address", Some(0)), ("", Some(u64::MAX - 1))];
        // The last is larger than any that is written.
        for (number, (text, count)) in written.iter().enumerate() {
            let mut packed = Vec::new();
            put_address(&mut packed, &address::read(text).0);
            put_row(&mut bytes, number as u64 * 1000, *count, &packed);
        }
        let rows: Vec<_> = iterate(&bytes).map(Option::unwrap).collect();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[0].address, PackedAddress::Ip("192.0.2.1".parse().unwrap()));
        assert_eq!((rows[1].outcome, rows[1].count), (1000, None));
        assert_eq!(rows[2].address, PackedAddress::Text("no address"));
        assert_eq!(rows[3].count, Some(LARGEST_COUNT));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let read = iterate(&bytes).count();
            let all: Vec<_> = records(&bytes).collect();
            // What cannot be read ends them, and is told.
            proptest::prop_assert!(all.iter().rev().skip(1).all(Option::is_some));
            proptest::prop_assert_eq!(read, all.len());
        }
    }
}
