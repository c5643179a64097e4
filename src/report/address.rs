//! The source address of a record, from whatever was written for it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A source address as read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceAddress {
    /// An address.
    Ip(IpAddr),
    /// Text that is none; empty when nothing was there.
    Text(String),
}

/// What was done to read an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressNote {
    /// Nothing worth a word.
    Plain,
    /// It was IPv4 written as IPv6.
    Mapped,
    /// It is not an address.
    Bad,
}

/// Reads a source address: plain, in brackets, with `IPv6:`, a zone or a port. A zero-padded octet makes it text:
/// whether it is octal cannot be told.
#[must_use]
pub fn read(text: &str) -> (SourceAddress, AddressNote) {
    let text = text.trim();
    let mut bare = text;
    if let Some(prefix) = bare.get(..5)
        && prefix.eq_ignore_ascii_case("ipv6:")
    {
        bare = &bare[5..];
    }
    let parsed = if let Some(inner) = bare.strip_prefix('[') {
        inner.split_once(']').and_then(|(inner, after)| {
            let port = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
            port.then(|| parse(inner)).flatten()
        })
    } else {
        parse(bare).or_else(|| {
            let (address, port) = bare.rsplit_once(':')?;
            (is_port(port)).then(|| address.parse::<Ipv4Addr>().ok().map(IpAddr::V4)).flatten()
        })
    };
    match parsed {
        Some(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_some() => {
            (SourceAddress::Ip(IpAddr::V6(v6).to_canonical()), AddressNote::Mapped)
        }
        Some(address) => (SourceAddress::Ip(address), AddressNote::Plain),
        None => (SourceAddress::Text(text.to_owned()), AddressNote::Bad),
    }
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.parse::<u16>().is_ok()
}

fn parse(text: &str) -> Option<IpAddr> {
    let text = text.strip_prefix("IPv6:").unwrap_or(text);
    let bare = text.split_once('%').map_or(text, |(address, _)| address);
    if bare.len() == text.len() { text.parse().ok() } else { bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_every_notation() {
        let ip = |text: &str| SourceAddress::Ip(text.parse().unwrap());
        for (written, expected, note) in [
            ("192.0.2.1", ip("192.0.2.1"), AddressNote::Plain),
            ("[192.0.2.1]", ip("192.0.2.1"), AddressNote::Plain),
            ("192.0.2.1:2525", ip("192.0.2.1"), AddressNote::Plain),
            ("2001:db8::1", ip("2001:db8::1"), AddressNote::Plain),
            ("IPv6:2001:db8::1", ip("2001:db8::1"), AddressNote::Plain),
            ("[IPv6:2001:db8::1]", ip("2001:db8::1"), AddressNote::Plain),
            ("[2001:db8::1]:25", ip("2001:db8::1"), AddressNote::Plain),
            ("fe80::1%eth0", ip("fe80::1"), AddressNote::Plain),
            ("::ffff:192.0.2.1", ip("192.0.2.1"), AddressNote::Mapped),
            ("192.0.02.1", SourceAddress::Text("192.0.02.1".into()), AddressNote::Bad),
            ("mail.example", SourceAddress::Text("mail.example".into()), AddressNote::Bad),
            ("", SourceAddress::Text(String::new()), AddressNote::Bad),
        ] {
            assert_eq!(read(written), (expected, note), "{written}");
        }
    }
}
