//! Work that falls into many independent pieces, shared out among the processors.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};

/// Pieces that are taken at once: paths differ in size by a factor of ten thousand, so few.
const STRETCH: usize = 16;
/// Fewer pieces are not worth a thread.
const FEW: usize = 256;
/// More threads than that find nothing to do.
const MOST_THREADS: usize = 8;

/// The results for the numbers below `number`, in their order.
pub(crate) fn map<T: Send>(number: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    if number < FEW || threads < 2 {
        return (0..number).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let share = || {
        let mut done: Vec<(usize, Vec<T>)> = Vec::new();
        loop {
            let begin = next.fetch_add(STRETCH, Ordering::Relaxed);
            if begin >= number {
                return done;
            }
            done.push((begin, (begin..number.min(begin + STRETCH)).map(&work).collect()));
        }
    };
    let mut stretches = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(share)).collect();
        let mut stretches = share();
        others.into_iter().for_each(|other| stretches.extend(result(other)));
        stretches
    });
    stretches.sort_unstable_by_key(|(begin, _)| *begin);
    stretches.into_iter().flat_map(|(_, results)| results).collect()
}

/// The results of both.
pub(crate) fn both<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        (result(one), other)
    })
}

/// What a thread found; its panic is the caller's.
fn result<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        for number in [0, 1, FEW - 1, FEW, 5 * FEW + 3] {
            assert_eq!(map(number, |at| at * 2), (0..number).map(|at| at * 2).collect::<Vec<_>>());
        }
    }
}
