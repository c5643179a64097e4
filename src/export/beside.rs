//! Writing rows on a thread of its own, while the next ones are read.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::{ExportError, Sink};
use crate::flat::Row;
use crate::report::period::Day;

/// Rows that are handed over at once: enough to outweigh the handing over.
const BATCH: usize = 1_024;
/// The most batches that wait.
const WAITING: usize = 4;

/// Gives a reader of rows a sink that hands them on to another, which takes them on a thread of its own, in their order.
///
/// # Errors
/// Those of the sink, else those of `read`.
pub fn beside<T>(
    sink: &mut (dyn Sink + Send),
    read: impl FnOnce(&mut dyn Sink) -> Result<T, ExportError>,
) -> Result<T, ExportError> {
    thread::scope(|scope| {
        let (full, filled) = sync_channel(WAITING);
        let writer = scope.spawn(move || take(sink, &filled));
        let mut ahead = Ahead { full, batch: Vec::with_capacity(BATCH) };
        let read = read(&mut ahead).and_then(|found| ahead.hand_over().map(|()| found));
        drop(ahead);
        // Where the sink has failed, all that the reader knows is that nobody takes rows any more.
        writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        read
    })
}

type Batch = Vec<(Day, Row)>;

fn take(sink: &mut (dyn Sink + Send), filled: &Receiver<Batch>) -> Result<(), ExportError> {
    filled.iter().flatten().try_for_each(|(day, row)| sink.row(day, row))
}

/// Hands rows on in batches.
struct Ahead {
    full: SyncSender<Batch>,
    batch: Batch,
}

impl Ahead {
    fn hand_over(&mut self) -> Result<(), ExportError> {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        let gone = |_| ExportError::Stream(std::io::ErrorKind::BrokenPipe.into());
        self.full.send(batch).map_err(gone)
    }
}

impl Sink for Ahead {
    fn row(&mut self, day: Day, row: Row) -> Result<(), ExportError> {
        self.batch.push((day, row));
        if self.batch.len() < BATCH { Ok(()) } else { self.hand_over() }
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        self.hand_over()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes this many rows at most.
    struct Small {
        left: u64,
        taken: u64,
    }

    impl Sink for Small {
        fn row(&mut self, _: Day, row: Row) -> Result<(), ExportError> {
            assert_eq!(row.messages, self.taken, "in order");
            self.taken += 1;
            self.left = self.left.checked_sub(1).ok_or(ExportError::Stream(std::io::ErrorKind::StorageFull.into()))?;
            Ok(())
        }

        fn finish(self: Box<Self>) -> Result<(), ExportError> {
            Ok(())
        }
    }

    fn give(sink: &mut dyn Sink, rows: u64) -> Result<u64, ExportError> {
        let row = |messages| {
            let mut row = Row::default();
            row.messages = messages;
            row
        };
        (0..rows).try_for_each(|number| sink.row(1, row(number)))?;
        Ok(rows)
    }

    #[test]
    fn all_rows_come_in_order_and_what_fails_is_said() {
        let rows = 10 * BATCH as u64 + 7;
        let mut all = Small { left: rows, taken: 0 };
        assert_eq!(beside(&mut all, |sink| give(sink, rows)).unwrap(), rows);
        assert_eq!(all.taken, rows);
        let mut small = Small { left: 100, taken: 0 };
        let failed = beside(&mut small, |sink| give(sink, rows)).unwrap_err();
        assert!(matches!(failed, ExportError::Stream(why) if why.kind() == std::io::ErrorKind::StorageFull));
    }
}
