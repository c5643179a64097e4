//! `dmarcstat prune`.

use jiff::civil::Date;

use super::context::Context;
use super::data::date;
use super::failure::{Outcome, Status};
use crate::query::Span;
use crate::render::PruneAnswer;
use crate::report::period::{date_of, day_of};
use crate::store::Store;

/// Delete old reports
#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    /// Delete the reports of days older than this (400d, 52w)
    #[arg(long, value_name = "AGE")]
    older_than: Span,
    /// The day to take as today
    #[arg(long, value_name = "DATE", value_parser = date)]
    as_of: Option<Date>,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
}

impl Prune {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        context.form_of::<PruneAnswer>()?;
        let today = self.as_of.unwrap_or_else(|| context.today());
        let before = day_of(today) - self.older_than.days();
        let pruned = if self.dry_run {
            context.open_to_read()?.prunable(before)?
        } else {
            Store::forgetting(context.database()?, |store| store.prune(before))?
        };
        context.show(&PruneAnswer { pruned, before: date_of(before), dry_run: self.dry_run })?;
        Ok(Status::Done)
    }
}
