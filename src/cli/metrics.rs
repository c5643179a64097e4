//! `dmarcstat metrics`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use super::Format;
use super::context::Context;
use super::failure::{Failure, Outcome};
use super::findings::Question;
use super::scope::Scope;
use super::version::COMMIT;
use crate::config::account::AccountConfig;
use crate::diagnosis::{Class, Role, Wanted, diagnose};
use crate::query::DomainFigures;
use crate::render::{self, MetricsAnswer};
use crate::report::period::{Day, date_of};
use crate::source::imap::account::identity;
use crate::store::{AccountRun, Store, StoreError};

/// Figures for Prometheus: pass share, messages by role and class, newest report, fetches, quarantine
///
/// Writes the text format of Prometheus, for the textfile collector of its node exporter or anything that serves a file. Sums
/// are of a window of days as in all other answers. Without reports the figures are 0, and there all the same.
#[derive(Debug, clap::Args)]
pub(super) struct Metrics {
    /// Write to this file, whole or not at all, and readable by everybody
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    scope: Scope,
}

/// Domains listed: anybody can send reports on domains that nobody asked for, and each is a time series for good.
const MOST_DOMAINS: usize = 1000;
/// The mode of the file: whoever collects is somebody else.
#[cfg(unix)]
const MODE: u32 = 0o644;
const DAY: i64 = 86_400;

impl Metrics {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        if context.format != Format::Table {
            let text = "metrics are written as Prometheus text only; for JSON ask `dmarcstat sources --format json`";
            return Err(Failure::Usage(text.to_owned()));
        }
        let asked = self.scope.ask(context)?;
        let survey = asked.scan()?.survey()?;
        let question = Question {
            store: &asked.store,
            known: &asked.known,
            window: asked.window,
            domains: &asked.domains,
            today: self.scope.today_of_reports(asked.window, context),
        };
        let findings = question.findings(&survey)?;
        let diagnosis = diagnose(&survey, &asked.known.rules(), 0, Wanted::All);
        let mut domains = diagnosis.domains;
        let all_domains = domains.len();
        if all_domains > MOST_DOMAINS {
            domains.sort_by_key(|domain| Reverse(domain.messages));
            domains.truncate(MOST_DOMAINS);
            domains.sort_by(|a, b| a.domain.cmp(&b.domain));
        }
        let mut messages: BTreeMap<(&str, Role, Class), u64> = BTreeMap::new();
        for path in &diagnosis.paths {
            if let Some(domain) = policy_domain(&domains, &path.domain) {
                *messages.entry((domain, path.role, path.class)).or_default() += path.messages;
            }
        }
        let accounts = accounts(&asked.store, &context.config.accounts)?;
        let answer = MetricsAnswer {
            build: (env!("CARGO_PKG_VERSION"), COMMIT),
            window: survey.days.map(|(first, last)| (begin(first), begin(last) + DAY)),
            newest_report: asked.store.newest_report(context.now.as_second())?,
            all_domains,
            domains: &domains,
            messages,
            findings,
            accounts,
            quarantined: asked.store.count_quarantined()?,
            foreign: asked.store.foreign_reports()?,
            untrusted: asked.store.untrusted_reports()?,
        };
        match &self.output {
            Some(path) => write_whole(path, &answer)?,
            None => render::metrics(&answer, context.out())?,
        }
        Ok(asked.status)
    }
}

/// The first second of a day.
fn begin(day: Day) -> i64 {
    date_of(day).to_zoned(jiff::tz::TimeZone::UTC).map_or(0, |at| at.timestamp().as_second())
}

/// The policy domain that a header From domain is at or below, the narrowest of several.
fn policy_domain<'d>(domains: &'d [DomainFigures], from: &str) -> Option<&'d str> {
    let mut name = from;
    loop {
        if let Ok(at) = domains.binary_search_by(|one| one.domain.as_str().cmp(name)) {
            return Some(&domains[at].domain);
        }
        name = name.split_once('.')?.1;
    }
}

/// The accounts of the configuration; without any, those that were ever fetched from.
fn accounts(store: &Store, configured: &[AccountConfig]) -> Result<Vec<(String, Option<AccountRun>)>, StoreError> {
    if configured.is_empty() {
        return Ok(store.account_runs()?.into_iter().map(|run| (run.account.clone(), Some(run))).collect());
    }
    let run = |account: &AccountConfig| {
        Ok((account.name.clone(), store.account_run(&identity(&account.user, &account.host, account.port))?))
    };
    configured.iter().map(run).collect()
}

/// Writes a file that is there whole, or as it was before.
fn write_whole(path: &Path, answer: &MetricsAnswer<'_>) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> anyhow::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".dmarcstat").tempfile_in(folder)?;
        render::metrics(answer, file.as_file_mut())?;
        #[cfg(unix)]
        file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(MODE))?;
        file.as_file_mut().flush()?;
        file.persist(path).map_err(|error| anyhow!(error.error))?;
        Ok(())
    };
    Ok(write().with_context(|| format!("cannot write {}", path.display()))?)
}
