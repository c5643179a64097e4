//! `[account.oauth2]`: where an account's access tokens come from.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use oauth2::url::Url;
use serde::Deserialize;
use toml::Spanned;

use super::mistake::{Mistake, SecretRef};
use super::preset::Preset;
use super::written::{Misplaced, NO_SECRETS_HERE, date, filled, secret};
use crate::vocabulary::vocabulary;

/// The table as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenOAuth {
    grant: Option<Spanned<GrantWord>>,
    tenant: Option<Spanned<String>>,
    client_id: Option<Spanned<String>>,
    client_secret_command: Option<Spanned<String>>,
    client_secret_file: Option<Spanned<String>>,
    client_secret_env: Option<Spanned<String>>,
    client_secret_expires: Option<Spanned<toml::Value>>,
    client_certificate: Option<PathBuf>,
    client_key_command: Option<Spanned<String>>,
    client_key_file: Option<Spanned<String>>,
    client_key_env: Option<Spanned<String>>,
    refresh_token_command: Option<Spanned<String>>,
    refresh_token_file: Option<Spanned<String>>,
    refresh_token_env: Option<Spanned<String>>,
    service_account_key_command: Option<Spanned<String>>,
    service_account_key_file: Option<Spanned<String>>,
    service_account_key_env: Option<Spanned<String>>,
    subject: Option<String>,
    scope: Option<String>,
    token_url: Option<Spanned<String>>,
    auth_url: Option<Spanned<String>>,
    device_url: Option<Spanned<String>>,
    redirect_port: Option<u16>,
    token_cache: Option<PathBuf>,
    /// Secrets, which are not kept.
    client_secret: Option<Spanned<Misplaced>>,
    refresh_token: Option<Spanned<Misplaced>>,
}

vocabulary! {
    /// How tokens are obtained.
    pub(crate) enum GrantWord {
        /// By the program in its own name (RFC 6749 §4.4).
        ClientCredentials => "client_credentials",
        /// By a signed assertion (RFC 7523), as of Google's service accounts.
        JwtBearer => "jwt_bearer",
        /// By a refresh token from elsewhere (RFC 6749 §6).
        RefreshToken => "refresh_token",
        /// By a person with any browser (RFC 8628), then by refresh tokens.
        DeviceCode => "device_code",
        /// By a person with a browser on this machine (RFC 6749 §4.1, RFC 7636, RFC 8252), then by refresh tokens.
        AuthorizationCode => "authorization_code",
    }
}

/// The table, checked; secrets are still where they are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OAuthConfig {
    pub(crate) grant: GrantWord,
    pub(crate) preset: Option<Preset>,
    /// Empty for a service account, whose key says it.
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<SecretRef>,
    pub(crate) client_secret_expires: Option<Date>,
    /// A PEM file, which holds the key too unless `client_key` says where that is.
    pub(crate) client_certificate: Option<PathBuf>,
    pub(crate) client_key: Option<SecretRef>,
    pub(crate) refresh_token: Option<SecretRef>,
    pub(crate) service_account_key: Option<SecretRef>,
    /// The mailbox that a service account acts for.
    pub(crate) subject: String,
    pub(crate) scopes: Vec<String>,
    /// Absent only for a service account, whose key says it.
    pub(crate) token_url: Option<Url>,
    pub(crate) auth_url: Option<Url>,
    pub(crate) device_url: Option<Url>,
    pub(crate) redirect_port: Option<u16>,
    pub(crate) token_cache: Option<PathBuf>,
}

impl OAuthConfig {
    /// Takes relative paths to be from this folder.
    pub(super) fn lie_in(&mut self, folder: &Path) {
        for path in [&mut self.client_certificate, &mut self.token_cache].into_iter().flatten() {
            *path = folder.join(&path);
        }
        let secrets =
            [&mut self.client_secret, &mut self.client_key, &mut self.refresh_token, &mut self.service_account_key];
        secrets.into_iter().flatten().for_each(|secret| secret.lie_in(folder));
    }
}

/// What a preset fills in.
struct Known {
    token_url: String,
    auth_url: String,
    device_url: Option<String>,
    scope: &'static str,
}

fn known(preset: Preset, tenant: &str, grant: GrantWord) -> Known {
    match preset {
        Preset::Microsoft365 => {
            let at = |what: &str| format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/{what}");
            Known {
                token_url: at("token"),
                auth_url: at("authorize"),
                device_url: Some(at("devicecode")),
                scope: match grant {
                    GrantWord::ClientCredentials => "https://outlook.office365.com/.default",
                    _ => "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
                },
            }
        }
        Preset::Google => Known {
            token_url: "https://oauth2.googleapis.com/token".to_owned(),
            auth_url: "https://accounts.google.com/o/oauth2/v2/auth".to_owned(),
            device_url: None,
            scope: "https://mail.google.com/",
        },
    }
}

impl WrittenOAuth {
    /// Checks the table, which begins at byte `at` of `text`.
    pub(super) fn check(
        &self,
        at: usize,
        text: &str,
        preset: Option<Preset>,
        user: &str,
    ) -> Result<OAuthConfig, Mistake> {
        for (key, value) in [("client_secret", &self.client_secret), ("refresh_token", &self.refresh_token)] {
            if let Some(value) = value {
                return Err(Mistake::new(value.span().start, key, NO_SECRETS_HERE));
            }
        }
        let missing =
            |key: &str, what: &str| Mistake::new(at, key, format!("is missing in [account.oauth2]: it {what}"));
        let client_secret = secret(
            text,
            "client_secret",
            [&self.client_secret_command, &self.client_secret_file, &self.client_secret_env],
        )?;
        let client_key =
            secret(text, "client_key", [&self.client_key_command, &self.client_key_file, &self.client_key_env])?;
        let refresh_token = secret(
            text,
            "refresh_token",
            [&self.refresh_token_command, &self.refresh_token_file, &self.refresh_token_env],
        )?;
        let service_account_key = secret(
            text,
            "service_account_key",
            [&self.service_account_key_command, &self.service_account_key_file, &self.service_account_key_env],
        )?;
        if let (Some(secret), Some(_)) = (&client_secret, &self.client_certificate) {
            let reason = format!("{} already proves who the client is; give only one of them", secret.place);
            return Err(Mistake::new(at, "client_certificate", reason));
        }
        if let (Some(key), None) = (&client_key, &self.client_certificate) {
            return Err(missing("client_certificate", &format!("belongs to `{}`", key.place.key)));
        }
        let proof = client_secret.is_some() || self.client_certificate.is_some();
        let grant = match &self.grant {
            Some(grant) => *grant.get_ref(),
            None if service_account_key.is_some() => GrantWord::JwtBearer,
            None if refresh_token.is_some() => GrantWord::RefreshToken,
            None if preset == Some(Preset::Microsoft365) && proof => GrantWord::ClientCredentials,
            None => {
                return Err(missing(
                    "grant",
                    "must be client_credentials, jwt_bearer, refresh_token, device_code or authorization_code",
                ));
            }
        };
        let here = self.grant.as_ref().map_or(at, |grant| grant.span().start);
        match grant {
            GrantWord::ClientCredentials if !proof => {
                let what = "proves who the client is, as do client_secret_file, client_secret_env, client_certificate";
                return Err(missing("client_secret_command", what));
            }
            GrantWord::JwtBearer if service_account_key.is_none() => {
                return Err(missing("service_account_key_file", "is the service account's key, as JSON"));
            }
            GrantWord::RefreshToken if refresh_token.is_none() => {
                return Err(missing("refresh_token_command", "says where the refresh token is, as do …_file, …_env"));
            }
            GrantWord::DeviceCode if preset == Some(Preset::Google) && self.device_url.is_none() => {
                let reason = "Google does not allow the device flow for mail; use \"authorization_code\"";
                return Err(Mistake::new(here, "grant", reason));
            }
            _ => {}
        }
        let tenant = self.tenant(preset, grant, &missing)?;
        let known = preset.map(|preset| known(preset, &tenant, grant));
        let url = |key: &str, written: &Option<Spanned<String>>, known: Option<&str>| match (written, known) {
            (Some(written), _) => crate::oauth::endpoint(written.get_ref())
                .map(Some)
                .map_err(|reason| Mistake::new(written.span().start, key, reason)),
            (None, Some(known)) => {
                crate::oauth::endpoint(known).map(Some).map_err(|reason| Mistake::new(at, key, reason))
            }
            (None, None) => Ok(None),
        };
        let token_url = url("token_url", &self.token_url, known.as_ref().map(|known| known.token_url.as_str()))?;
        let auth_url = url("auth_url", &self.auth_url, known.as_ref().map(|known| known.auth_url.as_str()))?;
        let device_url =
            url("device_url", &self.device_url, known.as_ref().and_then(|known| known.device_url.as_deref()))?;
        if token_url.is_none() && grant != GrantWord::JwtBearer {
            return Err(missing("token_url", "is where tokens come from, where no `provider` is named"));
        }
        if auth_url.is_none() && grant == GrantWord::AuthorizationCode {
            return Err(missing("auth_url", "is where the browser goes, where no `provider` is named"));
        }
        if device_url.is_none() && grant == GrantWord::DeviceCode {
            return Err(missing("device_url", "is where device codes come from, where no `provider` is named"));
        }
        let client_id = match &self.client_id {
            Some(id) => filled(id, "client_id")?,
            None if grant == GrantWord::JwtBearer => String::new(),
            None => return Err(missing("client_id", "names the application that the provider knows")),
        };
        let expires = self.client_secret_expires.as_ref();
        let client_secret_expires = expires.map(|value| date(value, "client_secret_expires")).transpose()?;
        let scope = self.scope.as_deref().or(known.as_ref().map(|known| known.scope)).unwrap_or("");
        Ok(OAuthConfig {
            grant,
            preset,
            client_id,
            client_secret,
            client_secret_expires,
            client_certificate: self.client_certificate.clone(),
            client_key,
            refresh_token,
            service_account_key,
            subject: self.subject.clone().unwrap_or_else(|| user.to_owned()),
            scopes: scope.split_whitespace().map(str::to_owned).collect(),
            token_url,
            auth_url,
            device_url,
            redirect_port: self.redirect_port,
            token_cache: self.token_cache.clone(),
        })
    }

    fn tenant(
        &self,
        preset: Option<Preset>,
        grant: GrantWord,
        missing: &dyn Fn(&str, &str) -> Mistake,
    ) -> Result<String, Mistake> {
        match &self.tenant {
            Some(tenant) => {
                let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
                if tenant.get_ref().is_empty() || !tenant.get_ref().chars().all(fit) {
                    let reason = "must be a directory (tenant) id, or a domain of the organization";
                    return Err(Mistake::new(tenant.span().start, "tenant", reason));
                }
                Ok(tenant.get_ref().clone())
            }
            None if preset == Some(Preset::Microsoft365)
                && grant == GrantWord::ClientCredentials
                && self.token_url.is_none() =>
            {
                Err(missing("tenant", "is the directory (tenant) id of the organization"))
            }
            // Whoever logs in says which organization they belong to.
            None => Ok("organizations".to_owned()),
        }
    }
}
