//! `dmarcstat tls`.

use std::collections::BTreeSet;

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome, Status};
use super::page::Page;
use super::scope::{Scope, not_the_owners};
use crate::answer;
use crate::diagnosis::{WindowAnswer, tls_domains};
use crate::domain::is_among;
use crate::finding::{Finding, Severity};
use crate::query::{Window, tls_survey};
use crate::render::TlsReportsAnswer;
use crate::render::check::CheckCode;
use crate::report::period::{DAY, Day, age_in_days, rfc3339};
use crate::store::{Store, StoreError};
use crate::words::list;

/// What SMTP TLS reports say: which mail servers of yours fail at TLS, since when, and what to do
///
/// Mail servers that send to a domain with a record at `_smtp._tls.` report how TLS went there, under MTA-STS,
/// DANE or neither (RFC 8460). `fetch` and `ingest` read these reports from the same mailbox as the others.
#[derive(Debug, clap::Args)]
pub(super) struct Tls {
    #[command(flatten)]
    scope: Scope,
    /// List the reports, including those that do not count
    #[arg(long, conflicts_with = "html")]
    reports: bool,
    /// Exit with 4 when TLS still fails where more than one reporter, or the only one, says so
    #[arg(long, conflicts_with = "reports")]
    exit_code: bool,
    #[command(flatten)]
    page: Page,
}

/// Days before the window that are looked at, to find out since when something fails.
const HISTORY: Day = 90;

impl Tls {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let page = self.page.target(context)?;
        let (window, domains) = (self.scope.window(context)?, self.scope.domains(context)?);
        let (store, status) = self.scope.open(context)?;
        let now = self.scope.now(context);
        if self.reports {
            let newest = store.newest_tls_report(now)?.map(rfc3339);
            let reports = store.tls_reports(window.first, window.last, &domains)?;
            let days = days(reports.iter().map(|report| report.day));
            let Some(days) = days else { return Err(self.no_data(&store, window, context)?) };
            let window = WindowAnswer::of(window, days);
            context.show(&TlsReportsAnswer { window: &window, newest: newest.as_deref(), reports: &reports })?;
            return Ok(status);
        }
        let answer = answer::tls(&store, window, &domains, now)?;
        let Some(answer) = answer else { return Err(self.no_data(&store, window, context)?) };
        let failures = answer.domains.iter().flat_map(|domain| &domain.policies).flat_map(|policy| &policy.failures);
        let fails = failures.into_iter().any(|failure| failure.ongoing && !failure.lone_claim);
        page.show(&answer, "SMTP TLS reports", context)?;
        Ok(if self.exit_code && fails { Status::No } else { status })
    }
}

fn days(days: impl Iterator<Item = Day> + Clone) -> Option<(Day, Day)> {
    days.clone().min().zip(days.max())
}

/// Those who report TLS do so once a day; not all send mail every day. The newest report is of more than a week ago.
const SILENCE_DAYS: u32 = 8;
/// Days with reports within [`HABIT_DAYS`] that make a habit.
const HABIT: usize = 10;
const HABIT_DAYS: Day = 30;
/// Failures that `check` names.
const NAMED: usize = 3;

/// What `check` has to say: that reports no longer come, and what fails in those of the last week.
pub(super) fn findings(store: &Store, newest: Option<i64>, now: i64) -> Result<Vec<Finding<CheckCode>>, StoreError> {
    let Some(newest) = newest else { return Ok(Vec::new()) };
    let day_of = |time: i64| Day::try_from(time.div_euclid(DAY)).unwrap_or(Day::MAX);
    let mut found = Vec::new();
    let age = age_in_days(newest, day_of(now));
    if age >= SILENCE_DAYS {
        let reports = store.tls_reports(day_of(newest) - HABIT_DAYS, day_of(newest), &[])?;
        let days: BTreeSet<Day> = reports.iter().filter(|one| one.counted && !one.foreign).map(|one| one.day).collect();
        if days.len() >= HABIT {
            let what =
                format!("the newest SMTP TLS report is {age} days old, and they came on {} of 30 days", days.len());
            let remedy =
                "see whether they reach the mailbox, and what `rua` at _smtp._tls. says (`dmarcstat dns DOMAIN`)";
            let finding = Finding::new(Severity::Warning, CheckCode::NoNewTlsReports, "database", what);
            found.push(finding.with_remedy(remedy));
        }
        return Ok(found);
    }
    let window = Window { first: day_of(now) - 7, last: day_of(now) };
    let survey = tls_survey(store, window.first - HISTORY, window.last, &[])?;
    let mut failing = Vec::new();
    for domain in tls_domains(&survey, window) {
        for failure in domain.policies.iter().flat_map(|policy| &policy.failures) {
            if failure.ongoing && !failure.lone_claim {
                let what = failure.result_type.as_deref().unwrap_or("failures");
                let host = failure.mx_host.as_deref().unwrap_or(&domain.domain);
                failing.push(format!("{what} at {host} since {}", failure.since));
            }
        }
    }
    if !failing.is_empty() {
        let what = format!("TLS fails with mail servers: {}", list(&failing, NAMED));
        let finding = Finding::new(Severity::Warning, CheckCode::TlsFailures, "database", what);
        found.push(finding.with_remedy("see `dmarcstat tls --since 7d`"));
    }
    Ok(found)
}

impl Tls {
    /// The error of having nothing to answer from, with what there is.
    fn no_data(&self, store: &Store, window: Window, context: &Context) -> Result<Failure, Failure> {
        let all = store.tls_reports(Day::MIN, Day::MAX, &[])?;
        let (foreign, own): (Vec<_>, Vec<_>) = all.iter().partition(|report| report.foreign);
        if self.scope.has_domains() {
            let asked = self.scope.domains(context)?;
            let names = foreign.iter().flat_map(|report| &report.domains).map(String::as_str);
            let those: BTreeSet<&str> = names.filter(|name| is_among(name, &asked)).collect();
            let failure = not_the_owners("SMTP TLS reports", "tls --reports --since all", those.into_iter());
            if let Some(failure) = failure {
                return Ok(failure);
            }
        }
        let error = match (days(own.iter().map(|report| report.day)), foreign.len()) {
            (None, 0) => anyhow!(
                "no SMTP TLS reports to answer from; they are sent where a TXT record `v=TLSRPTv1; rua=mailto:…` stands at \
                 _smtp._tls. below the domain"
            ),
            (None, number) => anyhow!(
                "no SMTP TLS reports on the domains of [owner]; {number} on others: `dmarcstat tls --reports --since all`"
            ),
            (Some((first, last)), _) => anyhow!(
                "no SMTP TLS reports {} on these domains; there are some from {} to {}; choose with --since, --until and --domain",
                super::scope::shown(window),
                crate::report::period::date_of(first),
                crate::report::period::date_of(last)
            ),
        };
        Ok(Failure::Failed(error))
    }
}
