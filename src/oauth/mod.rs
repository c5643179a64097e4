//! Access tokens for accounts that want them (OAuth 2.0, RFC 6749).
//!
//! An account's [`TokenSource`] hands out a token that is good for a while, from a file where there is one, else from the
//! provider. Whoever connects asks for one each time, and once more with `renew` when the server did not take it.

//!
//! A token is got by a [grant](Grant): by the program in its own name, by an assertion that it signs, or by the refresh
//! token that is left of somebody's [login].

mod advice;
mod assertion;
mod cache;
mod error;
pub mod fuzzing;
mod http;
pub mod login;
mod loopback;
mod request;
mod settings;
mod tokens;

use secrecy::SecretString;

pub use assertion::{ClientCertificate, ServiceAccount};
pub use cache::{Cache, Kept};
pub use error::Error;
pub use settings::{Grant, Proof, Settings};
pub use tokens::{Clock, Tokens};

/// Where an account gets its access tokens.
pub trait TokenSource: Send {
    /// A token to log in with now; with `renew` another than the one handed out last, which was not taken.
    ///
    /// # Errors
    /// When there is none to be had; the message says what to do.
    fn access_token(&mut self, renew: bool) -> Result<SecretString, Error>;
}

/// The address of an endpoint: HTTPS, or plain HTTP on this machine only, since secrets go there.
///
/// # Errors
/// The reason, in a few words.
pub fn endpoint(address: &str) -> Result<oauth2::url::Url, String> {
    let url = oauth2::url::Url::parse(address).map_err(|error| format!("not a URL: {error}"))?;
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err("plain http is only for this machine; secrets go there, so use https".to_owned()),
        _ => Err("not a https:// address".to_owned()),
    }
}

fn is_loopback(url: &oauth2::url::Url) -> bool {
    use oauth2::url::Host;
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
