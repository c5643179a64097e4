//! What several tables of the file have in common: texts, servers' names, and where secrets are.

use std::net::IpAddr;
use std::path::PathBuf;

use jiff::civil::Date;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::mistake::{Mistake, Place, SecretRef, line};
use super::secrets::SecretSource;

/// A value that has no business in the file; equal to every other, so that nothing of it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misplaced;

impl<'de> Deserialize<'de> for Misplaced {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Misplaced)
    }
}

pub(super) const NO_SECRETS_HERE: &str = "secrets do not belong in this file; name a command, a file or an environment variable: `…_command`, `…_file`, `…_env`";

/// A text that must not be empty.
pub(super) fn filled(text: &Spanned<String>, key: &str) -> Result<String, Mistake> {
    match text.get_ref().trim() {
        "" => Err(Mistake::new(text.span().start, key, "is empty")),
        _ => Ok(text.get_ref().clone()),
    }
}

/// A date, in quotes or not. Where a time of day follows, only the date counts.
pub(super) fn date(value: &Spanned<toml::Value>, key: &str) -> Result<Date, Mistake> {
    let text = match value.get_ref() {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let date = text.get(..10).filter(|_| matches!(text.as_bytes().get(10), None | Some(b'T' | b' ')));
    date.and_then(|date| date.parse().ok()).ok_or_else(|| {
        let reason = format!("invalid date {text:?}: write it like 2027-03-31, in quotes or without");
        Mistake::new(value.span().start, key, reason)
    })
}

/// Where a secret is, by the keys `…_command`, `…_file` and `…_env`: at most one of the three may be said.
pub(super) fn secret(
    text: &str,
    name: &str,
    written: [&Option<Spanned<String>>; 3],
) -> Result<Option<SecretRef>, Mistake> {
    let mut found = None;
    for (way, value) in ["command", "file", "env"].into_iter().zip(written) {
        let Some(value) = value else { continue };
        let key = format!("{name}_{way}");
        let said = filled(value, &key)?;
        if let Some(SecretRef { place, .. }) = &found {
            let reason = format!("{place} already says where it is; give only one of them");
            return Err(Mistake::new(value.span().start, &key, reason));
        }
        let source = match way {
            "command" => SecretSource::Command(said),
            "file" => SecretSource::File(PathBuf::from(said)),
            _ => SecretSource::Env(said),
        };
        found = Some(SecretRef { source, place: Place { line: line(text, value.span().start), key } });
    }
    Ok(found)
}

/// The name or address of a server, and nothing else.
pub(super) fn host_name(written: &Spanned<String>) -> Result<String, Mistake> {
    let host = filled(written, "host")?;
    let bare = host.trim_matches(['[', ']']);
    if bare.parse::<IpAddr>().is_err() && host.contains([':', '/', '@', ' ']) {
        let reason = "names the server alone, such as imap.example.com; its port goes into `port`, the rest into `user` and `tls`";
        return Err(Mistake::new(written.span().start, "host", reason));
    }
    Ok(host)
}

pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_need_no_quotes() {
        let read = |text: &str| {
            let table: std::collections::BTreeMap<String, Spanned<toml::Value>> = toml::from_str(text).unwrap();
            date(&table["expires"], "expires").map(|date| date.to_string())
        };
        for written in ["2027-03-31", "\"2027-03-31\"", "2027-03-31T10:00:00Z", "\"2027-03-31T10:00:00Z\""] {
            assert_eq!(read(&format!("expires = {written}")), Ok("2027-03-31".to_owned()), "{written}");
        }
        for wrong in ["\"soon\"", "\"2027-02-30\"", "\"2027-03-311\"", "20270331", "true", "[]"] {
            assert!(read(&format!("expires = {wrong}")).is_err(), "{wrong}");
        }
    }
}
