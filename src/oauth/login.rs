//! Somebody logs in, once: with a device code on any device, or with a browser that comes back to this machine.

use std::borrow::Cow;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use oauth2::url::Url;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, RedirectUrl, Scope, basic::BasicClient};

use super::loopback::{Answer, Loopback};
use super::settings::Grant;
use super::{Error, Kept, Tokens};

/// How long somebody may take in the browser.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// What somebody has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task<'t> {
    /// Open a page on any device and type a code.
    TypeCode {
        /// The page.
        page: &'t str,
        /// The code.
        code: &'t str,
        /// The page with the code in it, where the provider offers that.
        complete: Option<&'t str>,
        /// How long there is to do it.
        within: Duration,
    },
    /// Open a page in a browser, which comes back to this machine.
    OpenPage {
        /// The page.
        page: &'t str,
        /// The port that it comes back to.
        port: u16,
        /// How long there is to do it.
        within: Duration,
    },
}

impl Tokens {
    /// Has somebody log in, and keeps the tokens. `tell` says what to do; `pasted` brings the address that a browser on
    /// another machine was sent to, where somebody brings it by hand.
    ///
    /// # Errors
    /// When nobody logs in in time, or the provider refuses.
    pub fn log_in(&mut self, tell: &mut dyn FnMut(&Task<'_>), pasted: &Receiver<String>) -> Result<&Kept, Error> {
        // Better now than after somebody has logged in.
        drop(self.cache().lock()?);
        let granted = match (&self.settings.grant, &self.settings.device_url, &self.settings.auth_url) {
            (Grant::DeviceCode, Some(endpoint), _) => {
                let device = self.requests().device(endpoint)?;
                let complete = device.verification_uri_complete().map(|uri| uri.secret().as_str());
                tell(&Task::TypeCode {
                    page: device.verification_uri().as_str(),
                    code: device.user_code().secret(),
                    complete,
                    within: device.expires_in(),
                });
                self.requests().device_token(&device)?
            }
            (Grant::AuthorizationCode, _, Some(page)) => self.by_browser(page, tell, pasted)?,
            (grant, _, _) => {
                return Err(Error::LoginFailed(format!("the grant {} needs none", grant.name())));
            }
        };
        self.keep_login(granted)
    }

    fn by_browser(
        &self,
        page: &Url,
        tell: &mut dyn FnMut(&Task<'_>),
        pasted: &Receiver<String>,
    ) -> Result<super::request::Granted, Error> {
        let settings = &self.settings;
        let loopback = Loopback::listen(settings.redirect_port).map_err(|error| {
            Error::LoginFailed(format!("no port to come back to: {error}; try another redirect_port"))
        })?;
        let redirect = RedirectUrl::new(format!("http://{}:{}/", settings.redirect_host, loopback.port()))
            .map_err(|error| Error::LoginFailed(error.to_string()))?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client =
            BasicClient::new(ClientId::new(settings.client_id.clone())).set_auth_uri(AuthUrl::from_url(page.clone()));
        let mut request = client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(settings.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge)
            .set_redirect_uri(Cow::Borrowed(&redirect))
            .add_extra_param("login_hint", settings.user.as_str());
        for (name, value) in &settings.auth_parameters {
            request = request.add_extra_param(*name, *value);
        }
        let (url, state) = request.url();
        tell(&Task::OpenPage { page: url.as_str(), port: loopback.port(), within: PATIENCE });
        match loopback.wait(state.secret(), pasted, PATIENCE) {
            Some(Answer::Code(code)) => self.requests().code(code, verifier, &redirect),
            Some(Answer::Refused(reason)) => Err(Error::LoginFailed(reason)),
            None => Err(Error::LoginExpired { account: settings.account.clone(), minutes: PATIENCE.as_secs() / 60 }),
        }
    }
}
