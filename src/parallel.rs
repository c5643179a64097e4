//! Work that falls into many independent pieces, shared out among the processors.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

/// Pieces that are taken at once: paths differ in size by a factor of ten thousand, so few.
const STRETCH: usize = 16;
/// Fewer pieces are not worth a thread.
const FEW: usize = 256;
/// More threads than that find nothing to do.
const MOST_THREADS: usize = 8;

/// The results for the numbers below `number`, in their order.
pub(crate) fn map<T: Send>(number: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    if number < FEW {
        return (0..number).map(work).collect();
    }
    shared(processors().get().min(MOST_THREADS), STRETCH, number, work)
}

/// The same for few large pieces, each worth a thread, on at most `threads` threads.
pub(crate) fn map_large<T: Send>(threads: NonZero<usize>, number: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    shared(threads.get(), 1, number, work)
}

/// The results for some pieces, each worth a thread, in their order.
pub(crate) fn map_each<P: Sync, T: Send>(pieces: &[P], work: impl Fn(&P) -> T + Sync) -> Vec<T> {
    shared(processors().get().min(MOST_THREADS), 1, pieces.len(), |at| work(&pieces[at]))
}

/// How many processors there are for this process.
pub(crate) fn processors() -> NonZero<usize> {
    thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

/// The results for the numbers below `number`, in their order; each thread takes a stretch of them at a time, this one the first: where
/// pieces are sorted by size, the largest finds the memory that this thread has freed.
fn shared<T: Send>(threads: usize, stretch: usize, number: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = threads.min(number.div_ceil(stretch));
    if threads < 2 {
        return (0..number).map(work).collect();
    }
    // Each result is put where it belongs at once: of hundreds of thousands a second copy would be felt.
    let mut all: Vec<Option<T>> = Vec::new();
    all.resize_with(number, || None);
    let stretches = Mutex::new(all.chunks_mut(stretch).enumerate());
    let next = || stretches.lock().unwrap_or_else(PoisonError::into_inner).next();
    let fill = |at: usize, places: &mut [Option<T>]| {
        (at * stretch..).zip(places).for_each(|(number, place)| *place = Some(work(number)));
    };
    let share = || {
        while let Some((at, places)) = next() {
            fill(at, places);
        }
    };
    thread::scope(|scope| {
        let first = next();
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(share)).collect();
        if let Some((at, places)) = first {
            fill(at, places);
        }
        share();
        others.into_iter().for_each(result);
    });
    // All are there; this way they stay where they are.
    all.into_iter().map_while(|one| one).collect()
}

/// The results for the numbers below `number`, in their order. This thread begins each, one after the other; the others, of as many
/// in all, finish what it has begun.
///
/// # Errors
/// The first of `begin`, which ends it.
pub(crate) fn begin_and_finish<B: Send, T: Send, E>(
    threads: NonZero<usize>,
    number: usize,
    mut begin: impl FnMut(usize) -> Result<B, E>,
    finish: impl Fn(usize, B) -> T + Sync,
) -> Result<Vec<T>, E> {
    let others = (threads.get() - 1).min(number);
    if others == 0 {
        return (0..number).map(|at| Ok(finish(at, begin(at)?))).collect();
    }
    let (full, filled) = sync_channel::<(usize, B)>(others);
    let filled = Arc::new(Mutex::new(filled));
    let share = |filled: Arc<Mutex<Receiver<(usize, B)>>>| {
        let mut done: Vec<(usize, T)> = Vec::new();
        loop {
            // One waits with the lock, and lets go of it with what it got.
            let next = filled.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((at, begun)) = next else { return done };
            done.push((at, finish(at, begun)));
        }
    };
    thread::scope(|scope| {
        let share = &share;
        let begin_other = |filled: Arc<_>| scope.spawn(move || share(filled));
        let others: Vec<_> = (0..others).map(|_| begin_other(Arc::clone(&filled))).collect();
        // Where all others have panicked, nobody waits for them.
        drop(filled);
        let begun = (0..number).try_for_each(|at| {
            // The others take all that comes, and end after this.
            let _ = full.send((at, begin(at)?));
            Ok(())
        });
        drop(full);
        let mut done: Vec<(usize, T)> = others.into_iter().flat_map(result).collect();
        begun?;
        done.sort_unstable_by_key(|(at, _)| *at);
        Ok(done.into_iter().map(|(_, one)| one).collect())
    })
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
            let wanted: Vec<usize> = (0..number).map(|at| at * 2).collect();
            assert_eq!(map(number, |at| at * 2), wanted);
            assert_eq!(map_each(&(0..number).collect::<Vec<_>>(), |one| one * 2), wanted);
            for threads in [1, 2, 7] {
                assert_eq!(map_large(NonZero::new(threads).unwrap(), number, |at| at * 2), wanted);
            }
        }
    }

    #[test]
    fn what_is_begun_is_finished_in_order_or_fails_as_a_whole() {
        for threads in [1, 2, 7].map(|threads| NonZero::new(threads).unwrap()) {
            let found = begin_and_finish(threads, 40, Ok::<_, ()>, |at, begun| (at, begun * 2));
            assert_eq!(found, Ok((0..40).map(|at| (at, at * 2)).collect()));
            let begin = |at| if at == 30 { Err("no") } else { Ok(at) };
            assert_eq!(begin_and_finish(threads, 40, begin, |_, begun| begun), Err("no"));
        }
    }
}
