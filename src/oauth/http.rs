//! Asking an endpoint: HTTPS, one answer, small and soon.

use std::time::Duration;

use oauth2::http::HeaderValue;
use oauth2::http::header::CONTENT_TYPE;
use oauth2::url::form_urlencoded;
use oauth2::{HttpRequest, HttpResponse, SyncHttpClient};
use ureq::Agent;

use crate::http::agent;
use crate::secrets::Secrets;

/// An answer with a token has some kilobytes.
const LARGEST_ANSWER: u64 = 256 * 1024;
/// From the look-up of the name to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who asks.
#[derive(Debug)]
pub(super) struct Http {
    agent: Agent,
}

impl Http {
    pub(super) fn new() -> Self {
        Http { agent: agent(PATIENCE) }
    }
}

/// The endpoint did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    /// It could not be reached, or its answer could not be read.
    #[error("{0}")]
    Unreachable(String),
    /// It has no time now: 429 (RFC 6585 §4) or a status of 500 and above, and says nothing that OAuth knows.
    #[error("HTTP status {status}")]
    Busy {
        /// The HTTP status.
        status: u16,
        /// When to ask again, where it says (RFC 9110 §10.2.3, in seconds).
        retry_after: Option<Duration>,
    },
}

/// Whether an answer is an error as OAuth words it (RFC 6749 §5.2).
fn is_oauth_error(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|value| value["error"].is_string())
}

/// What of a form is not a secret: it says what is asked for, and who asks.
const PUBLIC: [&str; 6] =
    ["client_assertion_type", "client_id", "grant_type", "redirect_uri", "response_type", "scope"];

/// The secrets in a form that is sent (RFC 6749 §4). A server that gives no token may repeat them.
fn secrets(form: &[u8]) -> Secrets {
    let mut secrets = Secrets::default();
    for (name, value) in form_urlencoded::parse(form).filter(|(name, _)| !PUBLIC.contains(&name.as_ref())) {
        secrets.add(&value);
        // A token of three parts, of which the last proves that the others are ours (RFC 7515 §3.1).
        if let (true, Some((_, signature))) = (name.ends_with("assertion"), value.rsplit_once('.')) {
            secrets.add(signature);
        }
    }
    secrets
}

/// Whether an answer has a token, and so no words for people.
fn has_token(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|value| value["access_token"].is_string())
}

impl SyncHttpClient for Http {
    type Error = NoAnswer;

    fn call(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let secrets = secrets(request.body());
        let failed = |error: ureq::Error| NoAnswer::Unreachable(secrets.hide(&error.to_string()).into_owned());
        let answer = self.agent.run(request).map_err(failed)?;
        let (mut head, mut body) = answer.into_parts();
        let mut body = body.with_config().limit(LARGEST_ANSWER).read_to_vec().map_err(failed)?;
        if !has_token(&body) {
            body = secrets.hide(&String::from_utf8_lossy(&body)).into_owned().into_bytes();
            // Its type is shown where it is not the one that tokens have.
            let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
            if let Some(kind) = kind.and_then(|kind| HeaderValue::from_str(&secrets.hide(&kind)).ok()) {
                head.headers.insert(CONTENT_TYPE, kind);
            }
        }
        let (status, busy) = (head.status, head.status.is_server_error() || head.status.as_u16() == 429);
        if busy && !is_oauth_error(&body) {
            let seconds = head.headers.get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
            return Err(NoAnswer::Busy { status: status.as_u16(), retry_after: seconds.map(Duration::from_secs) });
        }
        Ok(HttpResponse::from_parts(head, body))
    }
}
