//! Asking for tokens, by one grant or another.

use std::time::Duration;

use oauth2::basic::{BasicClient, BasicErrorResponse, BasicErrorResponseType, BasicTokenResponse};
use oauth2::url::{Url, form_urlencoded};
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpResponse, PkceCodeVerifier,
    RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardDeviceAuthorizationResponse, SyncHttpClient,
    TokenResponse, TokenUrl, http,
};
use secrecy::{ExposeSecret, SecretString};

use super::advice::advice;
use super::http::{Http, NoAnswer};
use super::settings::{Proof, Settings};
use super::{Error, ServiceAccount};

/// RFC 7523 §2.2.
const CLIENT_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// RFC 7523 §2.1.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What an endpoint gave.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) access_token: SecretString,
    /// Absent where the old one stays good.
    pub(super) refresh_token: Option<SecretString>,
    pub(super) lifetime: Option<Duration>,
}

impl Granted {
    fn of(answer: &BasicTokenResponse) -> Self {
        Granted {
            access_token: SecretString::from(answer.access_token().secret().as_str()),
            refresh_token: answer.refresh_token().map(|token| SecretString::from(token.secret().as_str())),
            lifetime: answer.expires_in(),
        }
    }
}

type Client = BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// Asks the endpoints of an account.
#[derive(Debug)]
pub(super) struct Requests<'s> {
    pub(super) settings: &'s Settings,
    pub(super) http: &'s Http,
    pub(super) now: i64,
}

impl Requests<'_> {
    fn client(&self) -> Client {
        let settings = self.settings;
        // In the body, where every server looks, those too that do not know HTTP Basic.
        let client = BasicClient::new(ClientId::new(settings.client_id.clone()))
            .set_token_uri(TokenUrl::from_url(settings.token_url.clone()))
            .set_auth_type(AuthType::RequestBody);
        match &settings.proof {
            Proof::Secret(secret) => client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned())),
            _ => client,
        }
    }

    /// The parameters by which a client with a certificate proves who it is.
    fn proof(&self) -> Result<Vec<(&'static str, String)>, Error> {
        let Proof::Certificate(certificate) = &self.settings.proof else { return Ok(Vec::new()) };
        let settings = self.settings;
        let assertion = certificate.assertion(&settings.client_id, &settings.token_url, self.now)?;
        Ok(vec![
            ("client_assertion_type", CLIENT_ASSERTION.to_owned()),
            ("client_assertion", assertion.expose_secret().to_owned()),
        ])
    }

    fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.settings.scopes.iter().cloned().map(Scope::new)
    }

    pub(super) fn client_credentials(&self) -> Result<Granted, Error> {
        let client = self.client();
        let mut request = client.exchange_client_credentials().add_scopes(self.scopes());
        for (name, value) in self.proof()? {
            request = request.add_extra_param(name, value);
        }
        self.settle(request.request(self.http))
    }

    pub(super) fn refresh(&self, token: &SecretString) -> Result<Granted, Error> {
        let (client, token) = (self.client(), RefreshToken::new(token.expose_secret().to_owned()));
        // Without a scope the new token has that of the old one (RFC 6749 §6).
        let mut request = client.exchange_refresh_token(&token);
        for (name, value) in self.proof()? {
            request = request.add_extra_param(name, value);
        }
        self.settle(request.request(self.http))
    }

    pub(super) fn code(
        &self,
        code: String,
        verifier: PkceCodeVerifier,
        redirect: &RedirectUrl,
    ) -> Result<Granted, Error> {
        let client = self.client();
        let mut request = client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(verifier)
            .set_redirect_uri(std::borrow::Cow::Borrowed(redirect));
        for (name, value) in self.proof()? {
            request = request.add_extra_param(name, value);
        }
        self.settle(request.request(self.http))
    }

    /// Asks for a device code.
    pub(super) fn device(&self, endpoint: &Url) -> Result<StandardDeviceAuthorizationResponse, Error> {
        let client =
            self.client().set_device_authorization_url(oauth2::DeviceAuthorizationUrl::from_url(endpoint.clone()));
        let answer = client.exchange_device_code().add_scopes(self.scopes()).request(self.http);
        answer.map_err(|error| self.error(endpoint, error))
    }

    /// Waits until somebody has typed the device code.
    pub(super) fn device_token(&self, device: &StandardDeviceAuthorizationResponse) -> Result<Granted, Error> {
        let client = self.client();
        let mut request = client.exchange_device_access_token(device).set_max_backoff_interval(Duration::from_secs(10));
        for (name, value) in self.proof()? {
            request = request.add_extra_param(name, value);
        }
        use oauth2::DeviceCodeErrorResponseType as Kind;
        match request.request(self.http, std::thread::sleep, Some(device.expires_in())) {
            Ok(answer) => Ok(Granted::of(&answer)),
            Err(RequestTokenError::ServerResponse(answer)) => match answer.error() {
                Kind::ExpiredToken => Err(Error::LoginExpired {
                    account: self.settings.account.clone(),
                    minutes: device.expires_in().as_secs().div_ceil(60),
                }),
                Kind::AccessDenied => Err(Error::LoginFailed("it was declined in the browser".to_owned())),
                other => {
                    let description = answer.error_description().map_or("", String::as_str);
                    Err(self.refused(&self.settings.token_url, other.as_ref(), description))
                }
            },
            Err(RequestTokenError::Request(error)) => Err(self.unreachable(&self.settings.token_url, &error)),
            Err(RequestTokenError::Parse(_, body)) => Err(self.no_token(&self.settings.token_url, &body)),
            Err(RequestTokenError::Other(reason)) => Err(self.answer(&self.settings.token_url, reason)),
        }
    }

    /// Asks with a service account's assertion. The crate knows no such grant; request and answer are of the usual form.
    pub(super) fn jwt_bearer(&self, account: &ServiceAccount) -> Result<Granted, Error> {
        let settings = self.settings;
        let scope = settings.scopes.join(" ");
        let assertion = account.assertion(&settings.user, &scope, &settings.token_url, self.now)?;
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", JWT_BEARER)
            .append_pair("assertion", assertion.expose_secret())
            .finish();
        let request = http::Request::post(settings.token_url.as_str())
            .header(http::header::ACCEPT, "application/json")
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into_bytes())
            .map_err(|error| self.answer(&settings.token_url, error.to_string()))?;
        let answer = self.http.call(request).map_err(|error| self.unreachable(&settings.token_url, &error))?;
        self.token_of(&answer)
    }

    fn token_of(&self, answer: &HttpResponse) -> Result<Granted, Error> {
        let endpoint = &self.settings.token_url;
        if answer.status() == http::StatusCode::OK {
            let read = serde_json::from_slice::<BasicTokenResponse>(answer.body());
            return read.map(|answer| Granted::of(&answer)).map_err(|_| self.no_token(endpoint, answer.body()));
        }
        match serde_json::from_slice::<BasicErrorResponse>(answer.body()) {
            Ok(error) => {
                let description = error.error_description().map_or("", String::as_str);
                Err(self.refused(endpoint, error.error().as_ref(), description))
            }
            Err(_) => Err(self.answer(endpoint, format!("it answered with status {}", answer.status()))),
        }
    }

    fn settle(
        &self,
        answer: Result<BasicTokenResponse, RequestTokenError<NoAnswer, BasicErrorResponse>>,
    ) -> Result<Granted, Error> {
        answer.map(|answer| Granted::of(&answer)).map_err(|error| self.error(&self.settings.token_url, error))
    }

    fn error(&self, endpoint: &Url, error: RequestTokenError<NoAnswer, BasicErrorResponse>) -> Error {
        match error {
            RequestTokenError::ServerResponse(answer) => {
                let description = answer.error_description().map_or("", String::as_str);
                let kind: &BasicErrorResponseType = answer.error();
                self.refused(endpoint, kind.as_ref(), description)
            }
            RequestTokenError::Request(error) => self.unreachable(endpoint, &error),
            RequestTokenError::Parse(_, body) => self.no_token(endpoint, &body),
            RequestTokenError::Other(reason) => self.answer(endpoint, reason),
        }
    }

    fn refused(&self, endpoint: &Url, code: &str, description: &str) -> Error {
        let description = one_line(description);
        let code = one_line(code);
        let advice = advice(&code, &description, self.settings);
        Error::Refused { host: host(endpoint), code, description, advice }
    }

    fn unreachable(&self, endpoint: &Url, error: &NoAnswer) -> Error {
        let host = host(endpoint);
        match error {
            NoAnswer::Unreachable(reason) => Error::Unreachable { host, reason: reason.clone() },
            &NoAnswer::Busy { status, retry_after } => Error::Busy { host, status, retry_after },
        }
    }

    /// An answer of another kind. It is not shown: it may hold half a token.
    fn no_token(&self, endpoint: &Url, body: &[u8]) -> Error {
        let what = match body.trim_ascii_start().first() {
            None => "an empty answer",
            Some(b'<') => "a page for a browser",
            Some(b'{') => "JSON without what a token needs (access_token, token_type)",
            Some(_) => "something that is not JSON",
        };
        self.answer(endpoint, what.to_owned())
    }

    fn answer(&self, endpoint: &Url, reason: String) -> Error {
        Error::Answer { host: host(endpoint), reason }
    }
}

pub(super) fn host(endpoint: &Url) -> String {
    endpoint.host_str().unwrap_or_default().to_owned()
}

/// What a server says of its error, shortened to a line.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
