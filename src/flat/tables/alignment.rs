//! The records that count, a row each.

use std::sync::Arc;

use super::Behind;
use crate::flat::{Column, Layout, Reader, Row, RowHosts};
use crate::report::period::Day;
use crate::store::{Bounds, PlainColumn, PlainValue, ReportPlace, Result, RowSource, Rows};

/// The table `alignment`.
pub struct AlignmentTable {
    behind: Behind,
    layout: Arc<Layout>,
    hosts: Arc<RowHosts>,
}

impl AlignmentTable {
    /// Of a database, with the host names that are known.
    #[must_use]
    pub fn new(behind: Behind, hosts: RowHosts) -> Self {
        AlignmentTable { behind, layout: Arc::new(Layout::own(false)), hosts: Arc::new(hosts) }
    }
}

impl RowSource for AlignmentTable {
    fn name(&self) -> &'static str {
        "alignment"
    }

    fn columns(&self) -> Vec<PlainColumn> {
        self.layout.columns().iter().map(Column::plain).collect()
    }

    fn rows(&self, bounds: &Bounds) -> Result<Box<dyn Rows>> {
        let (first, last) = self.behind.within(bounds);
        Ok(Box::new(Records {
            behind: self.behind.clone(),
            layout: Arc::clone(&self.layout),
            reader: Reader::new(Arc::clone(&self.layout), self.behind.domains.clone())
                .with_hosts(Arc::clone(&self.hosts)),
            after: ReportPlace::before(first),
            last,
            bounds: bounds.clone(),
            row: None,
        }))
    }
}

struct Records {
    behind: Behind,
    layout: Arc<Layout>,
    reader: Reader,
    after: ReportPlace,
    last: Day,
    bounds: Bounds,
    row: Option<Row>,
}

impl Rows for Records {
    fn next(&mut self) -> Result<bool> {
        let store = self.behind.store();
        loop {
            self.row = self.reader.next(&store, None)?;
            if self.row.is_some() {
                return Ok(true);
            }
            let Some(report) = store.counted_after(self.after, self.last, &mut self.reader.names)? else {
                return Ok(false);
            };
            self.after = report.place;
            let asked = match &self.bounds.domain {
                Some(domain) => self.reader.names.is(&store, report.domain, domain)?,
                None => true,
            };
            if asked {
                self.reader.begin(&store, report, self.bounds.with_id)?;
            }
        }
    }

    fn value(&self, column: usize) -> PlainValue<'_> {
        match (&self.row, self.layout.columns().get(column)) {
            (Some(row), Some(column)) => self.layout.value(row, column).into(),
            _ => PlainValue::Null,
        }
    }
}
