//! `dmarcstat reports`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome, Status};
use super::scope::Scope;
use crate::render::{ReportAnswer, ReportsAnswer};
use crate::report::period::{Day, rfc3339};
use crate::report::shorten;
use crate::store::{Apart, ReportFilter, Store};

/// The reports that were read; with ID one of them whole, irregularities and all
#[derive(Debug, clap::Args)]
pub(super) struct Reports {
    /// A report: its number in the list, or the id that the reporter gave it
    id: Option<String>,
    #[command(flatten)]
    scope: Scope,
    /// Only reports with irregularities
    #[arg(long)]
    irregular: bool,
    /// Only the reports that are kept apart, and count for nothing, because their mail failed DMARC or came under another's name
    #[arg(long, conflicts_with = "id")]
    untrusted: bool,
    /// Only the reports that are in no answer because they are on domains that are not in [owner] domains
    #[arg(long, conflicts_with_all = ["id", "untrusted"])]
    foreign: bool,
    /// Write the report's bytes as they came
    #[arg(long, requires = "id")]
    raw: bool,
}

impl Reports {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let (window, domains) = (self.scope.window(context)?, self.scope.domains()?);
        let (store, status) = self.scope.open(context)?;
        if let Some(id) = &self.id {
            return self.one(&store, id, status, context);
        }
        let apart = match (self.foreign, self.untrusted) {
            (true, _) => Some(Apart::Foreign),
            (false, true) => Some(Apart::Untrusted),
            (false, false) => None,
        };
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
        let (foreign, untrusted) = match apart {
            None => (store.foreign_reports()?, store.untrusted_reports()?),
            Some(_) => (0, 0),
        };
        let answer = ReportsAnswer { begin, end, newest, reports: &reports, foreign, untrusted };
        context.show(&answer)?;
        Ok(status)
    }

    fn one(&self, store: &Store, id: &str, status: Status, context: &mut Context) -> Outcome {
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
        let Some(summary) = found.pop() else {
            return Err(Failure::Failed(anyhow!(
                "there is no report {:?}; `dmarcstat reports --since all` lists them",
                shorten(id, 80)
            )));
        };
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
