//! TLS: whom to trust, and what to say when a server cannot prove who it is.
//!
//! A certificate that a server signed itself is its own authority, which no verifier accepts at the end of a chain. One that
//! stands byte for byte in `ca_file` is trusted all the same, for its names and while it is valid.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::error::{Error, Result};
use crate::oauth::certificate;

/// A connection about to be made with a server of this name, which its certificate has to carry. Trusted are the roots of
/// the system and those in `ca_file`.
pub(super) fn connection(host: &str, ca_file: Option<&Path>) -> Result<ClientConnection> {
    let failed = |reason: String| Error::Tls { host: host.to_owned(), reason };
    let extra = ca_file.map(read_certificates).transpose()?.unwrap_or_default();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let by_chain = Verifier::new_with_extra_roots(extra.clone(), Arc::clone(&provider)).map_err(|error| {
        failed(format!("no certificates to trust ({error}); install ca-certificates, or set ca_file"))
    })?;
    let verifier = OwnCertificates { by_chain, trusted: extra };
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

/// Trusts by chain, and a certificate that the operator named itself.
#[derive(Debug)]
struct OwnCertificates {
    by_chain: Verifier,
    trusted: Vec<CertificateDer<'static>>,
}

impl OwnCertificates {
    /// Name and dates of a certificate that is trusted for itself.
    fn verify_own(
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let wrong = |what: CertificateError| rustls::Error::InvalidCertificate(what);
        let parsed = webpki::EndEntityCert::try_from(certificate).map_err(|_| wrong(CertificateError::BadEncoding))?;
        parsed.verify_is_valid_for_subject_name(name).map_err(|_| wrong(CertificateError::NotValidForName))?;
        let (begin, end) = certificate::validity(certificate).ok_or(wrong(CertificateError::BadEncoding))?;
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        match now {
            _ if now < begin => Err(wrong(CertificateError::NotValidYet)),
            _ if now > end => Err(wrong(CertificateError::Expired)),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }
}

impl ServerCertVerifier for OwnCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let by_chain = self.by_chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match by_chain {
            Err(_) if self.trusted.iter().any(|own| own.as_ref() == end_entity.as_ref()) => {
                Self::verify_own(end_entity, server_name, now)
            }
            by_chain => by_chain,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.by_chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.by_chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_chain.supported_verify_schemes()
    }
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

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| "an unknown day".to_owned(),
        |time| time.to_zoned_datetime(jiff::tz::TimeZone::UTC).date().to_string(),
    )
}

/// What a failed handshake means, and what to do.
pub(super) fn explain(host: &str, error: &std::io::Error) -> Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let reason = match inner {
        Some(rustls::Error::InvalidCertificate(wrong)) => match wrong {
            CertificateError::NotValidForName => {
                "its certificate is for another name; set `host` to a name in the certificate".to_owned()
            }
            CertificateError::NotValidForNameContext { presented, .. } => {
                let names = if presented.is_empty() { "none".to_owned() } else { presented.join(", ") };
                format!("its certificate is for another name; set `host` to a name in the certificate ({names})")
            }
            CertificateError::Expired => {
                "its certificate has expired; the server's administrator has to renew it".to_owned()
            }
            CertificateError::ExpiredContext { not_after, .. } => {
                let day = date(*not_after);
                format!("its certificate has expired on {day}; the server's administrator has to renew it")
            }
            CertificateError::NotValidYet => {
                "its certificate is not valid yet; check this machine's clock".to_owned()
            }
            CertificateError::NotValidYetContext { not_before, .. } => {
                format!("its certificate is valid from {} only; check this machine's clock", date(*not_before))
            }
            CertificateError::UnknownIssuer => {
                "its certificate is from an authority that is not trusted; set ca_file to that authority's certificate, or to \
                 the server's own if it signed itself"
                    .to_owned()
            }
            _ => "its certificate is not accepted; if the server is yours, set ca_file to its certificate, or to that of the \
                  authority that signed it"
                .to_owned(),
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
