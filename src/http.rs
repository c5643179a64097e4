//! HTTPS requests, set up in one place.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// Who asks: with the certificates that the system trusts, and no longer than `patience` from the look-up of a name to the end of
/// its answer. Any status is an answer, and no redirect is followed: secrets go only where they were sent.
pub(crate) fn agent(patience: Duration) -> Agent {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(patience))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_response_header_size(64 * 1024)
        .user_agent(concat!("dmarcstat/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}
