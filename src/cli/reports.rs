//! `dmarcstat reports`.

use anyhow::anyhow;
use clap::Subcommand;

use super::context::Context;
use super::failure::{Failure, Outcome, Status};
use super::scope::Scope;
use crate::render::{IgnoredAnswer, ReportAnswer, ReportsAction, ReportsAnswer};
use crate::report::period::{Day, rfc3339};
use crate::report::shorten;
use crate::reporter;
use crate::store::{Apart, ReportFilter, ReportSummary, Store};

/// The reports that were read; with ID one of them in full, with its irregularities
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Reports {
    #[command(subcommand)]
    action: Option<Action>,
    /// A report: its number in the list, or the id that the reporter gave it
    #[arg(conflicts_with_all = ["since", "until", "as_of", "domain"])]
    id: Option<String>,
    #[command(flatten)]
    scope: Scope,
    /// Only reports with irregularities
    #[arg(long, conflicts_with = "id")]
    irregular: bool,
    /// Only the reports that do not count because their mail failed DMARC or came under another's name
    #[arg(long, conflicts_with = "id")]
    untrusted: bool,
    /// Only the reports that do not count because they are on domains that are not in [owner] domains
    #[arg(long, conflicts_with_all = ["id", "untrusted"])]
    foreign: bool,
    /// Only the reports that were dropped
    #[arg(long, conflicts_with_all = ["id", "untrusted", "foreign"])]
    dropped: bool,
    /// Only the reports that do not count because their reporters are ignored
    #[arg(long, conflicts_with_all = ["id", "untrusted", "foreign", "dropped"])]
    ignored: bool,
    /// Write the report's bytes as they came
    #[arg(long, requires = "id")]
    raw: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Take reports out of every answer, even when their mail is read again
    Drop {
        /// The reports: their numbers in the list, or the ids that their reporters gave them
        #[arg(required = true)]
        ids: Vec<String>,
        /// Bring them back
        #[arg(long)]
        back: bool,
    },
    /// Keep all reports of a reporter, present and future, out of every answer; without a reporter, list those ignored
    Ignore {
        /// A reporter as `reports` shows it, or the domain that reporters write from, subdomains included
        #[arg(value_name = "REPORTER|DOMAIN", required_if_eq("back", "true"))]
        who: Vec<String>,
        /// Count their reports again
        #[arg(long)]
        back: bool,
    },
}

impl Reports {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        match self.action {
            None => {}
            Some(Action::Drop { ids, back }) => return take_away(&ids, back, context),
            Some(Action::Ignore { who, back }) => return ignore(&who, back, context),
        }
        if context.config.tenant.is_some() && self.raw {
            let text = "a file may hold reports on several tenants' domains: leave out --tenant, or --raw";
            return Err(Failure::Usage(text.to_owned()));
        }
        let (window, domains) = (self.scope.window(context)?, self.scope.domains(context)?);
        let (store, status) = self.scope.open(context)?;
        if let Some(id) = &self.id {
            return self.one(&store, id, status, context);
        }
        let asked = [
            (self.dropped, Apart::Dropped),
            (self.ignored, Apart::Ignored),
            (self.foreign, Apart::Foreign),
            (self.untrusted, Apart::Untrusted),
        ];
        let apart = asked.into_iter().find(|(asked, _)| *asked).map(|(_, apart)| apart);
        let filter = ReportFilter {
            first: Some(window.first),
            last: Some(window.last),
            domains,
            irregular: self.irregular,
            apart,
        };
        let mut reports = Vec::new();
        store.list_reports(&filter, &mut |report| reports.push(report))?;
        if reports.is_empty() && !self.irregular && apart.is_none() {
            return Err(self.scope.no_data(&store, window));
        }
        let days = reports.iter().map(|report| report.day);
        let begin = if window.first == Day::MIN { days.clone().min() } else { Some(window.first) };
        let end = if window.last == Day::MAX { days.max() } else { Some(window.last) };
        let newest = store.newest_report(self.scope.now(context))?.map(rfc3339);
        let mut answer = ReportsAnswer { begin, end, newest, reports: &reports, ..ReportsAnswer::default() };
        if apart.is_none() {
            answer.dropped = store.dropped_reports()?;
            answer.ignored = store.ignored_reports()?;
            answer.foreign = store.foreign_reports()?;
            answer.untrusted = store.untrusted_reports()?;
        }
        context.show(&answer)?;
        Ok(status)
    }

    fn one(&self, store: &Store, id: &str, status: Status, context: &mut Context) -> Outcome {
        if self.raw {
            context.has_own_form(
                "--raw writes the bytes of the report as they came: leave out --format; without --raw, `reports ID --json` gives JSON",
            )?;
        }
        let summary = chosen(store, id)?;
        if self.raw {
            let bytes = store.raw_report(summary.id)?;
            let bytes = bytes.ok_or_else(|| anyhow!("the bytes of report {} were not kept (keep_raw)", summary.id))?;
            std::io::Write::write_all(context.out(), &bytes)?;
            return Ok(status);
        }
        let detail = store.report_detail(summary)?;
        let mut rows = Vec::new();
        let report = &detail.head.summary;
        store.report_rows(report.day, report.id, &mut |row| rows.push(row))?;
        context.show(&ReportAnswer { detail: &detail, rows: &rows })?;
        Ok(status)
    }
}

/// The one report that an id means.
fn chosen(store: &Store, id: &str) -> Result<ReportSummary, Failure> {
    let mut found = store.find_reports(id)?;
    if found.len() > 1 {
        let candidates: Vec<String> = found
            .iter()
            .take(10)
            .map(|one| format!("{} ({} on {}, {})", one.id, one.reporter, one.domain, rfc3339(one.begin)))
            .collect();
        return Err(Failure::Failed(anyhow!(
            "{} reports have the id {:?}; ask for one by its number: {}",
            found.len(),
            shorten(id, 80),
            candidates.join(", ")
        )));
    }
    found.pop().ok_or_else(|| {
        let id = shorten(id, 80);
        Failure::Failed(anyhow!("there is no report {id:?}; `dmarcstat reports --since all` lists them"))
    })
}

/// Takes reports away, or brings them back. Either all of them, or none.
fn take_away(ids: &[String], back: bool, context: &mut Context) -> Outcome {
    context.form_of::<ReportsAction<'_>>()?;
    let ignored = context.config.ignored.clone();
    let changed = Store::forgetting(context.database()?, |store| {
        store.ignore_also(&ignored);
        let mut reports = Vec::new();
        for id in ids {
            match chosen(store, id) {
                Ok(report) => reports.push(report),
                Err(failure) => return Ok(Err(failure)),
            }
        }
        reports.sort_unstable_by_key(|report| report.id);
        reports.dedup_by_key(|report| report.id);
        let numbers: Vec<i64> = reports.iter().map(|report| report.id).collect();
        store.set_dropped(&numbers, !back)?;
        Ok(Ok(reports))
    })??;
    context.show(&ReportsAction { back, reports: &changed })?;
    Ok(Status::Done)
}

/// Notes whom not to hear, or to hear again, and lists who is ignored.
fn ignore(who: &[String], back: bool, context: &mut Context) -> Outcome {
    context.form_of::<IgnoredAnswer<'_>>()?;
    let named = |text: &String| {
        reporter::typed(text).ok_or_else(|| {
            let text = shorten(text, 80);
            Failure::Usage(format!("invalid reporter {text:?}: use a name that `dmarcstat reports` shows, or a domain"))
        })
    };
    let who: Vec<String> = who.iter().map(named).collect::<Result<_, _>>()?;
    let configured = context.config.ignored.clone();
    if let Some(one) = who.iter().find(|one| back && configured.contains(one)) {
        return Err(Failure::Failed(anyhow!(
            "{one:?} stands in [reports] ignore of the configuration: take it out there"
        )));
    }
    let entries = if who.is_empty() {
        context.open_to_read()?.ignored_entries()?
    } else {
        Store::forgetting(context.database()?, |store| {
            store.ignore_also(&configured);
            let no_news = store.ignore(&who, !back)?;
            if let Some(one) = no_news.first().filter(|_| back) {
                return Ok(Err(Failure::Failed(anyhow!(
                    "{one:?} is not ignored; `dmarcstat reports ignore` lists who is"
                ))));
            }
            Ok(Ok(store.ignored_entries()?))
        })??
    };
    context.show(&IgnoredAnswer { entries: &entries, changed: &who, back })?;
    Ok(Status::Done)
}
