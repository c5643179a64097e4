//! TLS with a mail server, and what to say when it does not come about.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;

use super::error::{Error, Result};
use crate::certificates::{self, TrustError};

/// A connection about to be made with a server of this name, which its certificate has to carry. Trusted are the roots of
/// the system and those in `ca_file`.
pub(super) fn connection(host: &str, ca_file: Option<&Path>) -> Result<ClientConnection> {
    let failed = |reason: String| Error::Tls { host: host.to_owned(), reason };
    let config = certificates::client_config(ca_file).map_err(|error| match error {
        TrustError::CaFile { path, reason } => Error::CaFile { path, reason },
        other => failed(other.to_string()),
    })?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| failed("not a name that a certificate can carry".to_owned()))?;
    ClientConnection::new(Arc::new(config), name).map_err(|error| failed(error.to_string()))
}

/// What a failed handshake means, and what to do.
pub(super) fn explain(host: &str, error: &std::io::Error) -> Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let reason = match inner {
        Some(rustls::Error::InvalidCertificate(wrong)) => certificates::explain(wrong, "`host`"),
        Some(rustls::Error::InvalidMessage(_)) => {
            "it does not speak TLS on this port; check `port`, or set tls = \"starttls\"".to_owned()
        }
        Some(other) => other.to_string(),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "it hung up during the handshake; check `port` and `tls`".to_owned()
        }
        None => error.to_string(),
    };
    Error::Tls { host: host.to_owned(), reason }
}
