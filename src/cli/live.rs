//! The name servers to ask about live DNS records, for all commands that do.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::failure::Failure;
use crate::dns::Lookup;

/// Whom to ask about live DNS records.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Live {
    /// Ask this name server, not those of the system
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = server)]
    pub(super) resolver: Option<SocketAddr>,
}

/// The port of name servers.
const PORT: u16 = 53;

/// An address, with or without a port.
fn server(text: &str) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    text.parse::<SocketAddr>()
        .or_else(|_| bare.parse::<IpAddr>().map(|address| SocketAddr::new(address, PORT)))
        .map_err(|_| "not an address such as 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:53".to_owned())
}

impl Live {
    /// Sets up the look-ups; `total` is the time for all of them together, which begins now.
    #[cfg(feature = "dns")]
    pub(super) fn lookup(&self, total: Duration) -> Result<Box<dyn Lookup>, Failure> {
        use crate::dns::resolver::{Resolver, Settings};

        let timeout = Duration::from_secs(3).min(total);
        let settings = Settings { server: self.resolver, timeout, total };
        Ok(Box::new(Resolver::new(&settings).map_err(|error| Failure::Failed(error.into()))?))
    }

    /// Says that this cannot be done.
    #[cfg(not(feature = "dns"))]
    pub(super) fn lookup(&self, _total: Duration) -> Result<Box<dyn Lookup>, Failure> {
        Err(Failure::Failed(anyhow::anyhow!(
            "this dmarcstat was built without the feature \"dns\": it cannot look up anything"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("192.0.2.1:5353", "192.0.2.1:5353"),
            ("2001:db8::1", "[2001:db8::1]:53"),
            ("[2001:db8::1]", "[2001:db8::1]:53"),
            ("[2001:db8::1]:5353", "[2001:db8::1]:5353"),
        ] {
            assert_eq!(server(text), Ok(address.parse().unwrap()));
        }
        assert!(["", "dns.example.com", "192.0.2.1:", "192.0.2.1:99999"].into_iter().all(|text| server(text).is_err()));
    }
}
