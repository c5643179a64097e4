//! `dmarcstat metrics`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::context::Context;
use super::failure::Outcome;
use super::sender_scope::SenderScope;
use super::version::COMMIT;
use super::whole_file::{Content, LEAVE_OUT, place};
use crate::config::account::AccountConfig;
use crate::diagnosis::{Class, Role, Wanted, diagnose};
use crate::query::{DomainFigures, TlsSurvey, tls_survey};
use crate::render::{self, DatabaseFigures, MetricsAnswer};
use crate::report::period::{begin_of, end_of};
use crate::source::imap::account::identity;
use crate::store::{AccountRun, Store, StoreError};
use crate::tls::PolicyType;

/// Figures for Prometheus: pass share, messages by role and class, TLS, newest report, fetches, quarantine
///
/// Writes the text format of Prometheus, for the textfile collector of its node exporter or anything that serves a file. Sums
/// are over a window of days, as in all other answers. Without reports the figures are written all the same, as 0.
#[derive(Debug, clap::Args)]
pub(super) struct Metrics {
    /// Replace this file as a whole; who may read it follows from the umask
    #[arg(short, long, value_name = "FILE", value_parser = place(LEAVE_OUT))]
    output: Option<PathBuf>,
    #[command(flatten)]
    scope: SenderScope,
}

/// Domains listed: anybody can send reports on domains that nobody asked for, and each is a time series for good.
const MOST_DOMAINS: usize = 1000;

impl Metrics {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        context.has_own_form(
            "metrics are written as Prometheus text only: leave out --format; `dmarcstat sources --json` gives JSON",
        )?;
        let target = self.output.as_deref().map(|path| context.target(path, Content::Metrics)).transpose()?;
        let asked = self.scope.ask(context)?;
        let survey = asked.question().scan()?.survey()?;
        let findings = asked.question().findings(&survey)?;
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
        let tls = tls_survey(&asked.store, asked.window.first, asked.window.last, &asked.domains)?;
        let database = match &context.config.tenant {
            Some(_) => None,
            None => Some(DatabaseFigures {
                accounts: accounts(&asked.store, &context.config.accounts)?,
                quarantined: asked.store.count_quarantined()?,
                foreign: asked.store.foreign_reports()?,
            }),
        };
        let answer = MetricsAnswer {
            build: (env!("CARGO_PKG_VERSION"), COMMIT),
            window: survey.days.map(|(first, last)| (begin_of(first), end_of(last))),
            newest_report: asked.store.newest_report(context.now.as_second())?,
            all_domains,
            domains: &domains,
            messages,
            newest_tls_report: asked.store.newest_tls_report(context.now.as_second())?,
            tls_sessions: tls_sessions(&tls),
            findings,
            database,
            untrusted: asked.store.untrusted_reports()?,
        };
        match target {
            Some(target) => target.write(|out| render::metrics(&answer, out))?,
            None => render::metrics(&answer, context.out())?,
        }
        Ok(asked.status)
    }
}

/// Sessions that went well and that failed, by domain and policy type. What is not a type of the RFC is a stranger's word, and each
/// would be a time series.
fn tls_sessions(survey: &TlsSurvey) -> BTreeMap<(&str, &'static str), [u64; 2]> {
    let mut of_domains: BTreeMap<&str, BTreeMap<&'static str, [u64; 2]>> = BTreeMap::new();
    for policy in &survey.policies {
        let known = policy.policy_type.as_deref().and_then(PolicyType::parse);
        let sums =
            of_domains.entry(&policy.domain).or_default().entry(known.map_or("other", PolicyType::as_str)).or_default();
        for sessions in policy.sessions.values() {
            *sums = [0, 1].map(|at| sums[at].saturating_add(sessions[at]));
        }
    }
    let mut domains: Vec<_> = of_domains.into_iter().collect();
    let all =
        |types: &BTreeMap<_, [u64; 2]>| types.values().flatten().fold(0, |sum: u64, one| sum.saturating_add(*one));
    domains.sort_by_key(|(_, types)| Reverse(all(types)));
    domains.truncate(MOST_DOMAINS);
    let flat = |(domain, types): (_, BTreeMap<_, _>)| types.into_iter().map(move |(kind, sums)| ((domain, kind), sums));
    domains.into_iter().flat_map(flat).collect()
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
