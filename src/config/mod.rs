//! The configuration file.
//!
//! Everything in it is optional. A mistake in it is one error that names the file, the line and the key.

pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod database;
pub(crate) mod hook;
mod ledger;
pub(crate) mod mail;
pub(crate) mod mistake;
mod narrowed;
pub(crate) mod oauth2;
pub(crate) mod places;
pub(crate) mod preset;
pub mod secrets;
mod tenant;
mod written;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use serde::Deserialize;
use toml::Spanned;

use account::AccountConfig;
pub use database::{Database, KeepRaw};
use mistake::Mistake;
pub use tenant::Tenant;

use crate::diagnosis::Thresholds;
use crate::diagnosis::readiness::ReadinessThresholds;
use crate::folders;
use crate::limits::Limits;
use crate::query::Ledger;

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where it was read from.
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// `[database]`.
    pub database: Database,
    /// `[limits]`.
    pub limits: Limits,
    /// `[[account]]`, as written.
    #[serde(rename = "account")]
    written_accounts: Vec<Spanned<account::Written>>,
    /// `[[account]]`, checked.
    #[serde(skip)]
    pub(crate) accounts: Vec<AccountConfig>,
    /// `[providers]`.
    pub providers: Providers,
    /// `[diagnosis]`.
    pub diagnosis: Thresholds,
    /// `[owner]`, as written.
    #[serde(rename = "owner")]
    written_owner: ledger::WrittenOwner,
    /// `[reports]`, as written.
    #[serde(rename = "reports")]
    written_reports: ledger::WrittenReports,
    /// `[reports] ignore`: the reporters, and domains that reporters write from, whose reports are in no answer.
    #[serde(skip)]
    pub ignored: Vec<String>,
    /// `[[sender]]`, as written.
    #[serde(rename = "sender")]
    written_senders: Vec<Spanned<ledger::WrittenSender>>,
    /// `[[not_ours]]`, as written.
    #[serde(rename = "not_ours")]
    written_denials: Vec<Spanned<ledger::WrittenDenial>>,
    /// `[owner]`, `[[sender]]` and `[[not_ours]]`, checked.
    #[serde(skip)]
    pub ledger: Ledger,
    /// `[[tenant]]`, as written.
    #[serde(rename = "tenant")]
    written_tenants: Vec<Spanned<tenant::Written>>,
    /// `[[tenant]]`, checked.
    #[serde(skip)]
    pub tenants: Vec<Tenant>,
    /// The tenant that this is the configuration of, see [`of_tenant`](Self::of_tenant).
    #[serde(skip)]
    pub tenant: Option<Tenant>,
    /// `[readiness]`.
    pub readiness: ReadinessThresholds,
    /// `[notify]`, as written.
    #[serde(rename = "notify")]
    written_hook: hook::Written,
    /// `[notify]`, checked.
    #[serde(skip)]
    pub(crate) hook: hook::HookConfig,
    /// `[mail]`, as written.
    #[serde(rename = "mail")]
    written_mail: mail::Written,
    /// `[mail]`, checked.
    #[serde(skip)]
    pub(crate) mail: mail::MailConfig,
}

/// `[providers]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Providers {
    /// A file of entries that add to the catalogue of senders and override it. A relative path begins at the
    /// configuration's folder.
    pub file: Option<PathBuf>,
    /// A database of autonomous systems in the format of MaxMind, by which networks that nothing else names are called.
    pub asn_database: Option<PathBuf>,
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// That it cannot be read, or what is wrong in it, with the file's name.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = read_text(path)?;
        let mut config = Self::parse(&text).map_err(|reason| anyhow!("{}: {reason}", path.display()))?;
        // Joining leaves an absolute path as it is.
        let folder = path.parent().unwrap_or(Path::new(""));
        let providers = &mut config.providers;
        for file in [&mut providers.file, &mut providers.asn_database] {
            *file = file.take().map(|file| folder.join(file));
        }
        config.database.lie_in(folder);
        config.accounts.iter_mut().for_each(|account| account.lie_in(folder));
        config.mail.lie_in(folder);
        config.hook.lie_in(folder);
        config.file = Some(path.to_owned());
        Ok(config)
    }

    /// Reads the text of a configuration file; an error names the line, and the key where there is one.
    ///
    /// # Errors
    /// The reason, in one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut config: Config = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            Mistake { at, key: None, reason: error.message().to_owned() }.worded(text)
        })?;
        // What was written may hold a secret, in a command; what was checked does not show it.
        let written = std::mem::take(&mut config.written_accounts);
        config.accounts = account::check(&written, text).map_err(|mistake| mistake.worded(text))?;
        let written = ledger::Written {
            owner: &config.written_owner,
            senders: &config.written_senders,
            denials: &config.written_denials,
        };
        config.ledger = ledger::check(written, text).map_err(|mistake| mistake.worded(text))?;
        config.tenants = tenant::check(&config.written_tenants).map_err(|mistake| mistake.worded(text))?;
        // Where nobody says which domains are the owner's, all are.
        if !config.ledger.owner_domains.is_empty() {
            let of_tenants = config.tenants.iter().flat_map(|tenant| tenant.domains.clone());
            config.ledger.owner_domains.extend(of_tenants);
        }
        let written = std::mem::take(&mut config.written_hook);
        config.hook = hook::check(&written, text).map_err(|mistake| mistake.worded(text))?;
        let written = std::mem::take(&mut config.written_mail);
        config.mail = mail::check(&written, text).map_err(|mistake| mistake.worded(text))?;
        config.ignored = config.written_reports.ignored().map_err(|mistake| mistake.worded(text))?;
        Ok(config)
    }
}

/// Reads a file of text, with its name in the error.
pub(crate) fn read_text(path: &Path) -> anyhow::Result<String> {
    let read = if path.is_dir() { Err(folders::not_a_file()) } else { std::fs::read_to_string(path) };
    read.with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_optional() {
        assert_eq!(Config::parse("").unwrap(), Config::default());
        let config =
            Config::parse("[database]\npath = \"/x\"\nkeep_raw = \"quarantined\"\n[limits]\nrecords = 5\n").unwrap();
        assert_eq!((config.database.keep_raw, config.limits.records), (KeepRaw::Quarantined, 5));
        assert_eq!(config.limits.message, Limits::default().message);
    }

    #[test]
    fn readiness_has_defaults() {
        let config = Config::parse("[readiness]\nmin_days = 14\n").unwrap();
        assert_eq!((config.readiness.min_days, config.readiness.min_reporters), (14, 3));
    }

    #[test]
    fn mistakes_name_line_and_key() {
        for (text, parts) in [
            ("[database]\npth = \"x\"\n", ["line 2", "pth"]),
            ("[database]\n\nkeep_raw = \"some\"\n", ["line 3", "`keep_raw`"]),
            ("[limits]\nrecords = \"many\"\n", ["line 2", "`records`"]),
            ("[limits]\n\ndocument = 0\n", ["line 3", "`document`"]),
            ("[limits]\ntext = 0\nquarantine = 0\narchive_depth = 0\n", ["line 4", "`archive_depth`"]),
            (
                "[limits]\nxml_depth = 6\nmime_depth = 2\n",
                ["line 3", "invalid limit 2: reports could not be read; use 3 or more"],
            ),
            (
                "[limits]\nmime_depth = 3\nxml_depth = 5\n",
                ["line 3", "invalid limit 5: reports could not be read; use 6 or more"],
            ),
            ("[diagnosis]\nsigned = 95\n", ["line 2", "`signed`"]),
            ("[diagnosis]\n\nmemory_days = -1\n", ["line 3", "`memory_days`"]),
            ("[diagnosis]\nreplay_factor = 0\n", ["line 2", "`replay_factor`"]),
            ("[limits\n", ["line 1", ""]),
            ("[readiness]\nmin_day = 3\n", ["line 2", "min_day"]),
            ("[readiness]\nmin_days = 3\npass_share = 99.5\n", ["line 3", "`pass_share`"]),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)) && !error.contains('\n'), "{error}");
        }
    }
}
