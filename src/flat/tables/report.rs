//! The reports, also those that do not count, a row each.

use std::sync::Arc;

use super::Behind;
use crate::domain;
use crate::flat::columns::{REPORT, list, number, truth};
use crate::flat::value::{Field, Value, values};
use crate::report::IrregularityCode;
use crate::report::period::Day;
use crate::store::{Bounds, PlainColumn, PlainValue, ReportHead, ReportPlace, Result, RowSource, Rows};

/// The table `report`.
pub struct ReportTable {
    behind: Behind,
}

impl ReportTable {
    /// Of a database.
    #[must_use]
    pub fn new(behind: Behind) -> Self {
        ReportTable { behind }
    }
}

/// Behind the columns that rows of records have of their report.
const MORE: &[Field<ReportHead>] = &[
    number("records", |head| Value::number(Some(head.summary.records))),
    number("messages", |head| Value::number(Some(head.summary.messages))),
    number("dmarc_pass", |head| Value::number(Some(head.summary.dmarc_pass))),
    truth("counted", |head| Value::Truth(head.summary.counted && head.summary.apart().is_none())),
    truth("is_foreign", |head| Value::Truth(head.summary.foreign)),
    number("replaced_by", |head| head.summary.replaced_by.map_or(Value::Null, Value::Number)),
    number("sibling", |head| Value::number(Some(head.summary.sibling))),
    number("shared_messages", |head| Value::number(head.summary.shared)),
    list("irregularities", |head| {
        let codes = head.summary.irregularities.iter().map(|one| IrregularityCode::as_str(one.code));
        codes.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }),
];

impl RowSource for ReportTable {
    fn name(&self) -> &'static str {
        "report"
    }

    fn columns(&self) -> Vec<PlainColumn> {
        REPORT.iter().chain(MORE).map(Field::plain).collect()
    }

    fn rows(&self, bounds: &Bounds) -> Result<Box<dyn Rows>> {
        let (first, last) = self.behind.within(bounds);
        Ok(Box::new(Reports {
            behind: self.behind.clone(),
            after: ReportPlace::before(first),
            last,
            row: Arc::new([]),
            more: Arc::new([]),
        }))
    }
}

struct Reports {
    behind: Behind,
    after: ReportPlace,
    last: Day,
    row: Arc<[Value]>,
    more: Arc<[Value]>,
}

impl Rows for Reports {
    fn next(&mut self) -> Result<bool> {
        let store = self.behind.store();
        while let Some(place) = store.report_after(self.after, self.last)? {
            self.after = place;
            let mut summary = store.report_summary(place.report)?;
            if domain::is_among(&summary.domain, &self.behind.domains) {
                summary.irregularities = store.irregularities(&summary)?;
                let head = store.report_head(summary)?;
                (self.row, self.more) = (values(REPORT, &head), values(MORE, &head));
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn value(&self, column: usize) -> PlainValue<'_> {
        let value = self.row.get(column).or_else(|| self.more.get(column.checked_sub(REPORT.len())?));
        value.map_or(PlainValue::Null, PlainValue::from)
    }
}
