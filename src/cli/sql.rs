//! `dmarcstat sql`.

use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::failure::{Failure, Outcome, say};
use super::length::some_length;
use super::sender_scope::SenderScope;
use crate::diagnosis::{Wanted, diagnose};
use crate::flat::{AlignmentTable, Behind, PathTable, PolicyTable, ReportTable};
use crate::query::{Bound, Scan};
use crate::store::{Limits, RowSource, SqlAnswer, SqlError, SqlValue, ask};

/// Ask anything else in SQL: one SELECT over the tables alignment, path, report and policy
///
/// `alignment` has a row for each record that counts, `report` one for each report, `policy` one for each policy that reports found
/// published, `path` one for each sending path of the window. Nothing can be written. docs/sql.md has examples.
#[derive(Debug, clap::Args)]
#[command(override_usage = "dmarcstat sql [OPTIONS] <SELECT>|--tables")]
pub(super) struct Sql {
    /// The query, in SQLite's SQL
    #[arg(value_name = "SELECT", required_unless_present = "tables")]
    question: Option<String>,
    /// List the tables and their columns
    #[arg(long, conflicts_with = "question")]
    tables: bool,
    #[command(flatten)]
    scope: SenderScope,
    /// The largest number of rows to answer with
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    max_rows: usize,
    /// Give up after this time (30s, 5m)
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = some_length)]
    timeout: Duration,
}

impl Sql {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        // Records are asked for by day in the question itself; paths are those of a window, as everywhere.
        let (days, window) = (self.scope.window_since(Bound::All, context)?, self.scope.window(context)?);
        let (domains, opened) = (self.scope.domains(context)?, self.scope.open(context)?);
        let asked = self.scope.ask_repeatably(window, domains, opened, context)?;
        let (status, known, domains) = (asked.status, asked.known, asked.domains);
        let behind = Behind::new(asked.store, (days.first, days.last), domains.clone());
        let (hosts, paths_behind) = (known.row_hosts(), behind.clone());
        let find = move || {
            let store = paths_behind.store();
            let survey = Scan::new(&store, window, &domains, known.knowledge())?.survey()?;
            Ok(diagnose(&survey, &known.rules(), 0, Wanted::All).paths)
        };
        let sources: Vec<Arc<dyn RowSource>> = vec![
            Arc::new(AlignmentTable::new(behind.clone(), hosts)),
            Arc::new(PathTable::new(Box::new(find))),
            Arc::new(ReportTable::new(behind.clone())),
            Arc::new(PolicyTable::new(behind)),
        ];
        let answer = match &self.question {
            Some(question) => ask(question, sources, Limits { time: self.timeout, rows: self.max_rows })?,
            None => tables(&sources),
        };
        if answer.is_cut {
            say(&format!("dmarcstat: there are more than {} rows; --max-rows allows more", self.max_rows));
        }
        context.show(&answer)?;
        Ok(status)
    }
}

/// The columns of all tables.
fn tables(sources: &[Arc<dyn RowSource>]) -> SqlAnswer {
    let text = |text: &str| SqlValue::Text(text.to_owned());
    let rows = sources.iter().flat_map(|source| {
        let columns = source.columns().into_iter();
        columns.map(|column| {
            let kind = if column.is_number { "INTEGER" } else { "TEXT" };
            vec![text(source.name()), text(column.name), text(kind)]
        })
    });
    let columns = ["table", "column", "type"].map(str::to_owned).to_vec();
    SqlAnswer { columns, rows: rows.collect(), is_cut: false }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Store(error) => error.into(),
            SqlError::TooLong(_) | SqlError::Unread(_) => Failure::Failed(error.into()),
            SqlError::Wrong(_) | SqlError::Refused => Failure::Usage(error.to_string()),
        }
    }
}
