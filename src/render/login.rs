//! What came of a login.

use std::io::{Result, Write};

use serde_json::json;

use super::{Form, Paint, Style, json};
use crate::sanitize::sanitize;

/// What came of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginAnswer<'a> {
    /// The account.
    pub account: &'a str,
    /// The file that keeps the tokens.
    pub kept_in: &'a str,
    /// When the access token ends; absent where none could be kept.
    pub access_token_expires: Option<String>,
}

/// Writes it.
///
/// # Errors
/// Those of writing.
pub fn login(answer: &LoginAnswer<'_>, form: Form, style: &Style, out: &mut dyn Write) -> Result<()> {
    let expires = answer.access_token_expires.as_deref();
    match form {
        Form::Json => json(
            &json!({
                "schema": "dmarcstat/login/1",
                "account": answer.account,
                "kept_in": expires.map(|_| answer.kept_in),
                "access_token_expires": expires,
            }),
            out,
        ),
        Form::Table | Form::Markdown | Form::Csv => {
            let kept = match expires {
                Some(expires) => format!("it is good until {expires}, and kept in {}", answer.kept_in),
                None => format!("it cannot be kept in {}, so each run gets its own", answer.kept_in),
            };
            let account = style.paint(&sanitize(answer.account), Paint::Bold);
            writeln!(out, "{account} has an access token; {}.", sanitize(&kept))
        }
    }
}
