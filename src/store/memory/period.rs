//! The periods that are summed up.

use std::collections::BTreeSet;

use super::engine::{self, Connection};

use crate::report::period::Day;
use crate::store::runs::SUMMED_UP;

/// Days that are summed up together: few enough that the newest period is soon written anew, many enough that steady mail
/// is met four times in a memory of 90 days and not ninety times.
pub(super) const PERIOD: Day = 32;

/// Days that are summed up together, by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::store) struct Span(pub(super) Day);

impl Span {
    pub(in crate::store) fn of(day: Day) -> Self {
        Span(day.div_euclid(PERIOD))
    }

    pub(super) fn begin(self) -> Day {
        self.0.saturating_mul(PERIOD)
    }

    pub(super) fn end(self) -> Day {
        self.begin().saturating_add(PERIOD - 1)
    }

    /// Forgets the sums of those before a day and of its own: the records before it go in this transaction.
    pub(in crate::store) fn forget_before(day: Day, connection: &Connection) -> engine::Result<()> {
        connection.execute("DELETE FROM memory WHERE period <= ?1", [Span::of(day).0]).map(drop)
    }

    /// Forgets the sums: the records change in this transaction.
    pub(in crate::store) fn forget(self, connection: &Connection) -> engine::Result<()> {
        connection.prepare("DELETE FROM memory WHERE period = ?1")?.write([self.0])
    }

    /// The first period with records whose days end on a day or later.
    pub(super) fn from(day: Day, connection: &Connection) -> engine::Result<Option<Self>> {
        let mut select = connection.prepare("SELECT MIN(day) FROM record_run WHERE day >= ?1")?;
        let day: Option<Day> = select.query_row([Span::of(day).begin()], |row| row.get(0))?;
        Ok(day.map(Span::of))
    }

    /// The next period with records.
    pub(super) fn next(self, connection: &Connection) -> engine::Result<Option<Self>> {
        match self.end().checked_add(1) {
            Some(day) => Self::from(day, connection),
            None => Ok(None),
        }
    }

    /// Those that are summed up.
    pub(super) fn summed_up(connection: &Connection) -> engine::Result<BTreeSet<Self>> {
        let mut select = connection.prepare(SUMMED_UP)?;
        select.query_map((), |row| row.get(0).map(Span))?.collect()
    }
}
