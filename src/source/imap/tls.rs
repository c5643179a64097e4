//! TLS: whom to trust, and what to say when a server cannot prove who it is.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection};
use rustls_platform_verifier::Verifier;

use super::error::{Error, Result};

/// A connection about to be made with a server of this name, which its certificate has to carry. Trusted are the roots of
/// the system and those in `ca_file`.
pub(super) fn connection(host: &str, ca_file: Option<&Path>) -> Result<ClientConnection> {
    let failed = |reason: String| Error::Tls { host: host.to_owned(), reason };
    let extra = ca_file.map(read_certificates).transpose()?.unwrap_or_default();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(|error| {
        failed(format!("no certificates to trust ({error}); install ca-certificates, or set ca_file"))
    })?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        // The verifier checks chain, dates and name; it only gets its roots from the system.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| failed("not a name that a certificate can carry".to_owned()))?;
    ClientConnection::new(Arc::new(config), name).map_err(|error| failed(error.to_string()))
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let failed = |reason: String| Error::CaFile { path: path.display().to_string(), reason };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| failed(error.to_string()))?;
    if certificates.is_empty() {
        return Err(failed("no certificate in it; it has to be in PEM form".to_owned()));
    }
    Ok(certificates)
}

/// What a failed handshake means, and what to do.
pub(super) fn explain(host: &str, error: &std::io::Error) -> Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let reason = match inner {
        Some(rustls::Error::InvalidCertificate(wrong)) => match wrong {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("its certificate is for another name; set `host` to a name in the certificate ({wrong})")
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("its certificate has expired; the server's administrator has to renew it ({wrong})")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("its certificate is not valid yet; check this machine's clock ({wrong})")
            }
            CertificateError::UnknownIssuer => {
                "its certificate is from an authority that is not trusted; set ca_file to that authority's certificate, if it is yours"
                    .to_owned()
            }
            other => format!(
                "its certificate is not accepted ({other}); if the server is yours, set ca_file to the certificate of the \
                 authority that signed it"
            ),
        },
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
