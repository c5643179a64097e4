//! What came of a login.

use serde::Serialize;
use serde_json::json;

use super::document::{Document, Paint, Text};
use super::form::Answer;

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

impl Answer for LoginAnswer<'_> {
    fn data(&self) -> impl Serialize {
        let expires = self.access_token_expires.as_deref();
        json!({
            "schema": "dmarcstat/login/1",
            "account": self.account,
            "kept_in": expires.map(|_| self.kept_in),
            "access_token_expires": expires,
        })
    }

    fn document(&self) -> Document {
        let kept = match &self.access_token_expires {
            Some(expires) => format!(" has an access token; it is good until {expires}, and kept in {}.", self.kept_in),
            None => format!(" has an access token; it cannot be kept in {}, so each run gets its own.", self.kept_in),
        };
        let mut document = Document::default();
        document.line(Text::plain(self.account).paint(Paint::Bold).and(kept));
        document
    }
}
