//! Which path a row is on.

use std::sync::Arc;

use super::layout::Layout;
use super::value::{Value, values};
use crate::diagnosis::SendingPath;
use crate::query::Scan;
use crate::store::{CountedReport, ScannedRun, StoreError};

/// The paths of a window, as the rows of a layout show them.
pub struct RowPaths<'s> {
    scan: Scan<'s>,
    /// By the place of the path in the survey.
    values: Vec<Arc<[Value]>>,
}

impl<'s> RowPaths<'s> {
    /// Of a scan that a survey was made with, and all the paths of that.
    #[must_use]
    pub fn new(scan: Scan<'s>, paths: &[SendingPath], layout: &Layout) -> Self {
        let most = paths.iter().map(|path| path.figures + 1).max().unwrap_or(0);
        let mut found = vec![Arc::clone(&layout.no_path); most];
        for path in paths {
            found[path.figures] = values(layout.path, path);
        }
        RowPaths { scan, values: found }
    }

    /// What the columns of the path say of a record; `address` is packed.
    pub(super) fn of(
        &mut self,
        report: &CountedReport,
        outcome: u64,
        address: &[u8],
    ) -> Result<Option<Arc<[Value]>>, StoreError> {
        let run = ScannedRun {
            day: report.place.day,
            report: report.place.report,
            reporter: report.reporter,
            domain: report.domain,
            checked: report.checked,
            rows: &[],
        };
        let path = self.scan.path_of(&run, outcome, address)?;
        Ok(path.and_then(|path| self.values.get(path)).cloned())
    }
}
