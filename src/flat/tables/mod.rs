//! The tables of `sql`: what of the database can be asked for in SQL.

mod alignment;
mod list;
mod path;
mod policy;
mod report;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::report::period::Day;
use crate::store::{Bounds, Store};

pub use alignment::AlignmentTable;
pub use path::PathTable;
pub use policy::PolicyTable;
pub use report::ReportTable;

/// What tables are read from: a database, the days and the header From domains that are asked for at most.
#[derive(Clone)]
pub struct Behind {
    store: Arc<Mutex<Store>>,
    days: (Day, Day),
    domains: Vec<String>,
}

impl Behind {
    /// Of the days from the first to the last; of header From domains (of reports: policy domains) at or below `domains`, or of all.
    #[must_use]
    pub fn new(store: Store, days: (Day, Day), domains: Vec<String>) -> Self {
        Behind { store: Arc::new(Mutex::new(store)), days, domains }
    }

    /// The database.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The days that are asked for within bounds.
    fn within(&self, bounds: &Bounds) -> (Day, Day) {
        let (first, last) = self.days;
        (bounds.first.map_or(first, |day| day.max(first)), bounds.last.map_or(last, |day| day.min(last)))
    }
}
