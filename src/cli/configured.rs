//! What a look at the configuration alone shows, for `dmarcstat check`: what is set and does nothing, or does harm.

use std::path::Path;

use super::context::Context;
use super::failure::Failure;
use crate::config::account::{AccountConfig, Auth};
use crate::config::secrets::SecretSource;
use crate::finding::{Finding, Severity};
use crate::render::check::CheckCode;
use crate::report::period::day_of;
use crate::source::imap::account::After;
use crate::store::{Store, StoreError};
use crate::words::list;

/// Days of reports that a server's word is looked for in.
const DAYS: i32 = 30;

/// Findings about the configuration as a whole.
pub(super) fn whole(context: &Context) -> Vec<Finding<CheckCode>> {
    let mut found = Vec::new();
    if context.config.accounts.is_empty() {
        let detail = "no account is configured: `fetch` has nothing to fetch";
        let finding = Finding::new(Severity::Advice, CheckCode::NoAccount, "configuration", detail);
        found.push(
            finding.with_remedy(
                "add [[account]] to the configuration (docs/imap.md), or read files with `dmarcstat ingest`",
            ),
        );
    }
    // The catalogue's own file, and what the ledger says of it.
    if let Err(Failure::Failed(error)) = context.known() {
        found.push(Finding::new(Severity::Error, CheckCode::Configuration, "configuration", format!("{error:#}")));
    }
    found
}

/// Findings about an account that no server needs to be asked for.
pub(super) fn account(config: &AccountConfig) -> Vec<Finding<CheckCode>> {
    let mut found = Vec::new();
    let mut note = |code, detail: String, remedy: String| {
        found.push(Finding::new(Severity::Warning, code, &config.name, detail).with_remedy(remedy));
    };
    for path in secret_files(config).filter(|path| is_readable_by_all(path)) {
        let path = path.display();
        note(
            CheckCode::SecretReadable,
            format!("everybody on this machine can read {path}"),
            format!("chmod o-rwx {path}"),
        );
    }
    for (key, after) in [
        ("after", &config.after),
        ("after_quarantined", &config.after_quarantined),
        ("after_other", &config.after_other),
    ] {
        let After::Move(target) = after else { continue };
        if config.folders.iter().any(|folder| folder == target) {
            let detail = format!("`{key}` moves mail to {target:?}, from where it is fetched: it stays there");
            note(CheckCode::MoveTarget, detail, "name a folder that is not among `folders`".to_owned());
        }
    }
    found
}

/// The finding that none of the reports of the last days came in a mail on which a believed server has a word, where every
/// account names one.
pub(super) fn unheard(context: &Context, store: &Store) -> Result<Option<Finding<CheckCode>>, StoreError> {
    let accounts = &context.config.accounts;
    if accounts.is_empty() || accounts.iter().any(|account| account.trusted_authserv_id.is_none()) {
        return Ok(None);
    }
    let today = day_of(context.today());
    let (first, last) = (today - DAYS, today);
    let reports: u64 = store.day_totals(first, last)?.iter().map(|total| total.reports).sum();
    if reports == 0 || store.unchecked_reports(first, last, &[])? < reports {
        return Ok(None);
    }
    let detail = format!("`trusted_authserv_id` fits no mail: none of the reports of the last {DAYS} days was checked");
    let remedy = "compare it with the beginning of Authentication-Results in a report's mail (docs/trust.md)";
    Ok(Some(Finding::new(Severity::Warning, CheckCode::AuthservId, "configuration", detail).with_remedy(remedy)))
}

/// The finding that some of those whom `[reports] ignore` names never reported: the name may be a slip.
pub(super) fn ignores_nobody(context: &Context, store: &Store) -> Result<Option<Finding<CheckCode>>, StoreError> {
    if context.config.ignored.is_empty() || store.count_reports()? == 0 {
        return Ok(None);
    }
    let mut entries = store.ignored_entries()?;
    entries.retain(|entry| entry.reporters.is_empty() && context.config.ignored.contains(&entry.who));
    if entries.is_empty() {
        return Ok(None);
    }
    let named = list(entries.iter().map(|entry| format!("{:?}", entry.who)), 5);
    let detail = format!("[reports] ignore names {named}, and there is no report of theirs");
    let remedy = "write a reporter as `dmarcstat reports` shows it, or the domain that its mail comes from";
    Ok(Some(Finding::new(Severity::Advice, CheckCode::Configuration, "configuration", detail).with_remedy(remedy)))
}

/// The files that secrets of an account are in.
fn secret_files(config: &AccountConfig) -> impl Iterator<Item = &Path> {
    let secrets = match &config.auth {
        Auth::Password(secret) => vec![secret],
        Auth::OAuth(_, oauth) => {
            let all = [&oauth.client_secret, &oauth.client_key, &oauth.refresh_token, &oauth.service_account_key];
            all.into_iter().flatten().collect()
        }
    };
    secrets.into_iter().filter_map(|secret| match &secret.source {
        SecretSource::File(path) => Some(path.as_path()),
        SecretSource::Command(_) | SecretSource::Env(_) => None,
    })
}

#[cfg(unix)]
fn is_readable_by_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_all(_: &Path) -> bool {
    false
}
