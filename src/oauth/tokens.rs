//! An account's tokens: kept ones while they are good, else new ones.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::cache::{Cache, Kept};
use super::http::Http;
use super::request::{Granted, Requests};
use super::settings::{Grant, Settings};
use super::{Error, TokenSource};
use crate::words::hex;

/// The time, in seconds since the epoch.
pub type Clock = fn() -> i64;

/// How long a token is taken to be good where the provider does not say.
const UNSAID_LIFETIME: i64 = 300;
/// A token is renewed this long before its end, or a fifth of its life where that is less.
const MARGIN: i64 = 300;

/// The tokens of an account.
#[derive(Debug)]
pub struct Tokens {
    pub(super) settings: Settings,
    pub(super) http: Http,
    cache: Cache,
    pub(super) clock: Clock,
    /// What was handed out last.
    last: Option<Kept>,
}

impl Tokens {
    /// Tokens by these settings, kept in this file.
    #[must_use]
    pub fn new(settings: Settings, cache: Cache, clock: Clock) -> Self {
        Tokens { settings, http: Http::new(), cache, clock, last: None }
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where tokens are kept.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// What is kept for these settings; nobody is asked.
    ///
    /// # Errors
    /// [`Error::Cache`] when the file cannot be read.
    pub fn kept(&self) -> Result<Option<Kept>, Error> {
        let digest = self.digest();
        Ok(self.cache.load()?.filter(|kept| kept.settings == digest))
    }

    pub(super) fn requests(&self) -> Requests<'_> {
        Requests { settings: &self.settings, http: &self.http, now: (self.clock)() }
    }

    /// Keeps what somebody's login brought.
    pub(super) fn keep_login(&mut self, granted: Granted) -> Result<&Kept, Error> {
        if granted.refresh_token.is_none() {
            return Err(Error::Answer {
                host: super::request::host(&self.settings.token_url),
                reason:
                    "a token without a refresh token, which would be over within the hour; ask for it with the scope \
                         (offline_access at most providers)"
                        .to_owned(),
            });
        }
        let mut kept = self.kept_of(granted, None);
        kept.logged_in = Some(kept.obtained);
        let _lock = self.cache.lock()?;
        self.cache.store(&kept)?;
        Ok(self.last.insert(kept))
    }

    fn kept_of(&self, granted: Granted, before: Option<&Kept>) -> Kept {
        let now = (self.clock)();
        let lifetime =
            granted.lifetime.map_or(UNSAID_LIFETIME, |life| i64::try_from(life.as_secs()).unwrap_or(i64::MAX));
        Kept {
            settings: self.digest(),
            access_token: granted.access_token,
            obtained: now,
            expires: now.saturating_add(lifetime),
            // Where none comes with the token, the old one stays good (RFC 6749 §6).
            refresh_token: granted.refresh_token.or_else(|| before.and_then(|before| before.refresh_token.clone())),
            logged_in: before.and_then(|before| before.logged_in),
        }
    }

    /// Tells tokens of other settings apart: other endpoints, client, user, scope, or another refresh token to begin with.
    fn digest(&self) -> String {
        let settings = &self.settings;
        let mut digest = Sha256::new();
        let begin = match &settings.grant {
            Grant::RefreshToken(token) => token.expose_secret(),
            Grant::JwtBearer(account) => &account.client_email,
            _ => "",
        };
        let scopes = settings.scopes.join(" ");
        for text in
            [settings.grant.name(), settings.token_url.as_str(), &settings.client_id, &settings.user, &scopes, begin]
        {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        }
        hex(&digest.finalize())
    }

    /// Whether a token is good for a while.
    fn is_fresh(&self, kept: &Kept) -> bool {
        let margin = MARGIN.min((kept.expires - kept.obtained) / 5);
        let now = (self.clock)();
        // A clock that was set back makes no token good for longer.
        now >= kept.obtained - MARGIN && now < kept.expires - margin
    }

    /// Gets a new token; `kept` is what there was.
    fn renew(&self, kept: Option<&Kept>) -> Result<Granted, Error> {
        let requests = self.requests();
        match &self.settings.grant {
            Grant::ClientCredentials => requests.client_credentials(),
            Grant::JwtBearer(account) => requests.jwt_bearer(account),
            Grant::RefreshToken(first) => match kept.and_then(|kept| kept.refresh_token.as_ref()) {
                Some(token) if token.expose_secret() != first.expose_secret() => match requests.refresh(token) {
                    // The one it began with may be good where a later one is not.
                    Err(Error::Refused { .. }) => requests.refresh(first),
                    other => other,
                },
                _ => requests.refresh(first),
            },
            Grant::DeviceCode | Grant::AuthorizationCode => {
                let login =
                    |why: &str| Error::LoginNeeded { account: self.settings.account.clone(), why: why.to_owned() };
                let kept = kept.ok_or_else(|| login("nobody has logged in yet"))?;
                let token = kept.refresh_token.as_ref().ok_or_else(|| login("there is no refresh token"))?;
                requests.refresh(token)
            }
        }
    }
}

impl TokenSource for Tokens {
    fn access_token(&mut self, renew: bool) -> Result<SecretString, Error> {
        if let Some(last) = &self.last
            && !renew
            && self.is_fresh(last)
        {
            return Ok(last.access_token.clone());
        }
        // Where nothing that is kept is needed, it goes without keeping: then each run asks for a token of its own.
        let needed = !matches!(self.settings.grant, Grant::ClientCredentials | Grant::JwtBearer(_));
        let lock = match self.cache.lock() {
            Ok(lock) => Some(lock),
            Err(error) if needed => return Err(error),
            Err(_) => None,
        };
        let kept = if lock.is_some() { self.kept()? } else { None };
        if let Some(kept) = &kept {
            // What was not taken is not tried again; another process may have got a better one meanwhile.
            let refused = renew && self.last.as_ref().is_none_or(|last| same(last, kept));
            if !refused && self.is_fresh(kept) {
                let token = kept.access_token.clone();
                self.last = Some(kept.clone());
                return Ok(token);
            }
        }
        let granted = self.renew(kept.as_ref())?;
        let new = self.kept_of(granted, kept.as_ref());
        if lock.is_some()
            && let Err(error) = self.cache.store(&new)
            && needed
        {
            return Err(error);
        }
        let token = new.access_token.clone();
        self.last = Some(new);
        Ok(token)
    }
}

fn same(left: &Kept, right: &Kept) -> bool {
    left.access_token.expose_secret() == right.access_token.expose_secret()
}
