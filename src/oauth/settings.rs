//! What must be known to get tokens for an account.

use oauth2::url::Url;
use secrecy::SecretString;

use super::assertion::{ClientCertificate, ServiceAccount};

/// How an account gets its tokens.
#[derive(Debug)]
pub struct Settings {
    /// The account, as the configuration names it.
    pub account: String,
    /// Whose mailbox it is.
    pub user: String,
    /// The client, as the provider knows it; empty for a service account.
    pub client_id: String,
    /// How the client proves who it is.
    pub proof: Proof,
    /// The grant.
    pub grant: Grant,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The token endpoint.
    pub token_url: Url,
    /// The authorization endpoint, to which a browser is sent.
    pub auth_url: Option<Url>,
    /// The device authorization endpoint.
    pub device_url: Option<Url>,
    /// What the provider wants to hear in the browser's request besides.
    pub auth_parameters: Vec<(&'static str, &'static str)>,
    /// The host name by which the browser comes back to this machine.
    pub redirect_host: &'static str,
    /// The port by which it does; any free one where it is 0.
    pub redirect_port: u16,
}

/// How the client proves who it is.
#[derive(Debug)]
pub enum Proof {
    /// Not at all: a public client.
    None,
    /// By a secret.
    Secret(SecretString),
    /// By an assertion that it signs (RFC 7523 §2.2).
    Certificate(Box<ClientCertificate>),
}

/// How tokens are obtained.
#[derive(Debug)]
pub enum Grant {
    /// By the client in its own name (RFC 6749 §4.4).
    ClientCredentials,
    /// By an assertion signed with a service account's key (RFC 7523 §2.1).
    JwtBearer(Box<ServiceAccount>),
    /// By a refresh token from elsewhere (RFC 6749 §6).
    RefreshToken(SecretString),
    /// By somebody with any browser (RFC 8628), and then by refresh tokens.
    DeviceCode,
    /// By somebody with a browser on this machine (RFC 6749 §4.1, RFC 7636, RFC 8252), and then by refresh tokens.
    AuthorizationCode,
}

impl Grant {
    /// Whether somebody must log in before there are tokens.
    #[must_use]
    pub fn needs_login(&self) -> bool {
        matches!(self, Grant::DeviceCode | Grant::AuthorizationCode)
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Grant::ClientCredentials => "client_credentials",
            Grant::JwtBearer(_) => "jwt_bearer",
            Grant::RefreshToken(_) => "refresh_token",
            Grant::DeviceCode => "device_code",
            Grant::AuthorizationCode => "authorization_code",
        }
    }
}
