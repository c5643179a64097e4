//! Accounts, from what the configuration says of them to what can log in.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use secrecy::SecretString;

use super::Config;
use super::account::{AccountConfig, Auth};
use super::mistake::SecretRef;
use super::oauth2::{GrantWord, OAuthConfig};
use super::places::{config_path, state_path};
use super::preset::Preset;
use crate::oauth::{Cache, ClientCertificate, Error, Grant, Proof, ServiceAccount, Settings, Tokens};
use crate::source::imap::account::{Account, Credentials};

/// The accounts of these names, in this order; all of them where no name is given.
pub(crate) fn select<'c>(config: &'c Config, names: &[String]) -> anyhow::Result<Vec<&'c AccountConfig>> {
    let file = match config.file.clone().or_else(config_path) {
        Some(file) => file.display().to_string(),
        None => "the configuration".to_owned(),
    };
    if config.accounts.is_empty() {
        anyhow::bail!("no account is configured; add an [[account]] to {file}");
    }
    if names.is_empty() {
        return Ok(config.accounts.iter().collect());
    }
    let find = |name: &String| {
        config.accounts.iter().find(|account| account.name == *name).ok_or_else(|| {
            let known: Vec<_> = config.accounts.iter().map(|account| account.name.as_str()).collect();
            anyhow!("there is no account {name:?} in {file}; it has {}", known.join(", "))
        })
    };
    names.iter().map(find).collect()
}

/// Makes an account ready to log in: its secrets are read now.
pub(crate) fn open(config: &Config, account: &AccountConfig) -> anyhow::Result<Account> {
    let credentials = match &account.auth {
        Auth::Password(secret) => Credentials::Password(read_secret(config, secret)?),
        Auth::OAuth(mechanism, oauth) => {
            Credentials::OAuth { mechanism: *mechanism, tokens: Box::new(tokens(config, account, oauth)?) }
        }
    };
    Ok(Account {
        name: account.name.clone(),
        host: account.host.clone(),
        port: account.port,
        tls: account.tls,
        ca_file: account.ca_file.clone(),
        allow_plaintext: account.allow_plaintext,
        user: account.user.clone(),
        credentials,
        folders: account.folders.clone(),
        after: account.after.clone(),
        after_quarantined: account.after_quarantined.clone(),
        after_other: account.after_other.clone(),
        trusted_authserv_id: account.trusted_authserv_id.clone(),
    })
}

/// Reads a secret; an error says where the configuration names it.
pub(crate) fn read_secret(config: &Config, secret: &SecretRef) -> anyhow::Result<SecretString> {
    secret.source.read().with_context(|| match &config.file {
        Some(file) => format!("{}: {}", file.display(), secret.place),
        None => secret.place.to_string(),
    })
}

/// Where an account's access tokens come from.
pub(crate) fn tokens(config: &Config, account: &AccountConfig, oauth: &OAuthConfig) -> anyhow::Result<Tokens> {
    let optional = |secret: &Option<SecretRef>| secret.as_ref().map(|secret| read_secret(config, secret)).transpose();
    let grant = match oauth.grant {
        GrantWord::ClientCredentials => Grant::ClientCredentials,
        GrantWord::DeviceCode => Grant::DeviceCode,
        GrantWord::AuthorizationCode => Grant::AuthorizationCode,
        GrantWord::RefreshToken => {
            let token = optional(&oauth.refresh_token)?.context("there is no refresh token")?;
            Grant::RefreshToken(token)
        }
        GrantWord::JwtBearer => {
            let key = oauth.service_account_key.as_ref().context("there is no service account key")?;
            let name = format!("the key of `{}`", key.place.key);
            let json = read_secret(config, key)?;
            Grant::JwtBearer(Box::new(ServiceAccount::from_json(&json, oauth.token_url.as_ref(), &name)?))
        }
    };
    let token_url = match (&oauth.token_url, &grant) {
        (Some(url), _) => url.clone(),
        (None, Grant::JwtBearer(key)) => key.token_url.clone(),
        (None, _) => anyhow::bail!("there is no token_url"),
    };
    let google = oauth.preset == Some(Preset::Google);
    let settings = Settings {
        account: account.name.clone(),
        user: oauth.subject.clone(),
        client_id: oauth.client_id.clone(),
        proof: proof(config, oauth)?,
        grant,
        scopes: oauth.scopes.clone(),
        token_url,
        auth_url: oauth.auth_url.clone(),
        device_url: oauth.device_url.clone(),
        // Without these Google gives a refresh token only at the first login.
        auth_parameters: if google { vec![("access_type", "offline"), ("prompt", "consent")] } else { Vec::new() },
        // Entra ID takes any port for `localhost` alone; others follow RFC 8252, which advises the address.
        redirect_host: if oauth.preset == Some(Preset::Microsoft365) { "localhost" } else { "127.0.0.1" },
        redirect_port: oauth.redirect_port.unwrap_or(0),
    };
    Ok(Tokens::new(settings, Cache::new(cache_path(account, oauth)?), now))
}

fn proof(config: &Config, oauth: &OAuthConfig) -> anyhow::Result<Proof> {
    if let Some(secret) = &oauth.client_secret {
        return Ok(Proof::Secret(read_secret(config, secret)?));
    }
    let Some(path) = &oauth.client_certificate else { return Ok(Proof::None) };
    let name = path.display().to_string();
    let pem =
        std::fs::read_to_string(path).map_err(|error| Error::Key { what: name.clone(), reason: error.to_string() })?;
    let key = match &oauth.client_key {
        Some(key) => read_secret(config, key)?,
        None => SecretString::from(pem.as_str()),
    };
    Ok(Proof::Certificate(Box::new(ClientCertificate::from_pem(&pem, &key, &name)?)))
}

/// The file that keeps an account's tokens.
fn cache_path(account: &AccountConfig, oauth: &OAuthConfig) -> anyhow::Result<PathBuf> {
    if let Some(path) = &oauth.token_cache {
        return Ok(path.clone());
    }
    // The name is the operator's; as a file's name it must stay in the folder.
    let mut name = String::new();
    for byte in account.name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    state_path(&format!("tokens/{name}.json"))
        .ok_or_else(|| anyhow!("no home folder is known to keep tokens in; set token_cache in [account.oauth2]"))
}

/// Tokens end while a run goes on.
#[expect(clippy::disallowed_methods, reason = "tokens are renewed by the time of the moment")]
fn now() -> i64 {
    Timestamp::now().as_second()
}
