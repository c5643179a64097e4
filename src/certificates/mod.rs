//! Whom to trust on a TLS connection, and what to say when a server cannot prove who it is.
//!
//! A certificate that a server signed itself is its own authority, which no verifier accepts at the end of a chain. One that
//! stands byte for byte in `ca_file` is trusted all the same, for its names and while it is valid.

mod validity;

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;

pub(crate) use self::validity::validity;

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    /// The `ca_file` is of no use.
    #[error("ca_file {path}: {reason}")]
    CaFile {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// There is nothing to trust.
    #[error("no certificates to trust ({0}); install ca-certificates, or set ca_file")]
    NoRoots(rustls::Error),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] rustls::Error),
}

/// How servers have to prove who they are: by the roots of the system and those in `ca_file`.
pub(crate) fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, TrustError> {
    let extra = ca_file.map(read_certificates).transpose()?.unwrap_or_default();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let by_chain = Verifier::new_with_extra_roots(extra.clone(), Arc::clone(&provider)).map_err(TrustError::NoRoots)?;
    let verifier = OwnCertificates { by_chain, trusted: extra };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        // The verifier checks chain, dates and name; it only gets its roots from the system.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let failed = |reason: String| TrustError::CaFile { path: path.display().to_string(), reason };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| failed(error.to_string()))?;
    if certificates.is_empty() {
        return Err(failed("no certificate in it; it has to be in PEM form".to_owned()));
    }
    Ok(certificates)
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
    ) -> Result<ServerCertVerified, rustls::Error> {
        let wrong = |what: CertificateError| rustls::Error::InvalidCertificate(what);
        let parsed = webpki::EndEntityCert::try_from(certificate).map_err(|_| wrong(CertificateError::BadEncoding))?;
        parsed.verify_is_valid_for_subject_name(name).map_err(|_| wrong(CertificateError::NotValidForName))?;
        let (begin, end) = validity(certificate).ok_or(wrong(CertificateError::BadEncoding))?;
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
    ) -> Result<ServerCertVerified, rustls::Error> {
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
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.by_chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.by_chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_chain.supported_verify_schemes()
    }
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| "an unknown day".to_owned(),
        |time| time.to_zoned_datetime(jiff::tz::TimeZone::UTC).date().to_string(),
    )
}

/// What is wrong with the certificate of a server, and what to do; `host` is where its name is set.
pub(crate) fn explain(wrong: &CertificateError, host: &str) -> String {
    match wrong {
        CertificateError::NotValidForName => {
            format!("its certificate is for another name; set {host} to a name in the certificate")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = if presented.is_empty() { "none".to_owned() } else { presented.join(", ") };
            format!("its certificate is for another name; set {host} to a name in the certificate ({names})")
        }
        CertificateError::Expired => {
            "its certificate has expired; the server's administrator has to renew it".to_owned()
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            let day = date(*not_after);
            format!("its certificate has expired on {day}; the server's administrator has to renew it")
        }
        CertificateError::NotValidYet => "its certificate is not valid yet; check this machine's clock".to_owned(),
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
    }
}
