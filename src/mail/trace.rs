//! Field values that say who wrote a mail and by which hands it came.

use std::net::IpAddr;

use mail_parser::parsers::MessageStream;
use mail_parser::{HeaderValue, Host};

use super::header::unfold;

/// The addresses of a `From` field or the like, in order; of groups, those within.
#[must_use]
pub fn addresses(value: &[u8]) -> Vec<String> {
    /// Addresses kept; the domains of the first few decide.
    const MOST: usize = 32;
    match MessageStream::new(&unfold(value)).parse_address() {
        HeaderValue::Address(list) => list
            .into_list()
            .into_iter()
            .filter_map(|one| one.address.map(|text| text.into_owned()))
            .take(MOST)
            .collect(),
        _ => Vec::new(),
    }
}

/// One hand-over, as the `Received` field of the machine that took the mail tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hop {
    /// The address of the machine that gave.
    pub address: Option<IpAddr>,
    /// The name it gave itself.
    pub from: Option<String>,
    /// The machine that took.
    pub by: Option<String>,
    /// When, in seconds since the epoch.
    pub time: Option<i64>,
}

impl Hop {
    /// Reads the value of a `Received` field.
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        let value = unfold(value);
        let HeaderValue::Received(received) = MessageStream::new(&value).parse_received() else {
            return Hop::default();
        };
        let name = |host: Option<Host<'_>>| match host {
            Some(Host::Name(name)) => Some(name.into_owned()),
            Some(Host::IpAddr(ip)) => Some(ip.to_string()),
            None => None,
        };
        let address = received.from_ip.or(match received.from {
            Some(Host::IpAddr(ip)) => Some(ip),
            _ => None,
        });
        let time = received.date.filter(mail_parser::DateTime::is_valid).map(|date| date.to_timestamp());
        Hop { address, from: name(received.from), by: name(received.by), time }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn as_servers_write_it() {
        let hop = Hop::parse(
            b" from mail.example.com (mail.example.com [192.0.2.1])\r\n\tby mx.example.net (Postfix) with ESMTPS id 1\r\n\tfor <a@example.net>; Sat, 21 Nov 2026 10:00:00 +0100 (CET)",
        );
        assert_eq!(hop.address, Some("192.0.2.1".parse().unwrap()));
        assert_eq!((hop.by.as_deref(), hop.time), (Some("mx.example.net"), Some(1_795_251_600)));
        assert_eq!(addresses(b" =?utf-8?q?A?= <a@example.com>, b@example.org"), ["a@example.com", "b@example.org"]);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (Hop::parse(&bytes), addresses(&bytes));
        }
    }
}
