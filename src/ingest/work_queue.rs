//! Units of inputs on their way from the loader to the examiners: bounded in number and in bytes, and closed from either
//! end.
//!
//! A closed queue blocks nobody: the loader is told that no more is wanted, the examiners that there is no more. So every
//! thread of a run ends, whichever of them fails first.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::source::Input;

/// More bytes than this are not loaded ahead; a single larger input is loaded alone.
const MOST_BYTES: usize = 36 * 1024 * 1024;

/// A few inputs in a row.
#[derive(Default)]
pub(super) struct Unit {
    pub(super) number: u64,
    pub(super) bytes: usize,
    pub(super) inputs: Vec<Input>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Unit>,
    /// Bytes that were loaded and are not examined yet.
    loaded: usize,
    /// The loader is done.
    ended: bool,
    /// Nothing more is examined.
    closed: bool,
}

/// The units that wait for an examiner.
pub(super) struct WorkQueue {
    state: Mutex<State>,
    changed: Condvar,
    most_units: usize,
}

impl WorkQueue {
    pub(super) fn new(most_units: usize) -> Self {
        WorkQueue { state: Mutex::default(), changed: Condvar::new(), most_units }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'q>(&self, state: MutexGuard<'q, State>) -> MutexGuard<'q, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room for the bytes of an input. False when no more inputs are wanted.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        let mut state = self.state();
        while !state.closed && state.loaded > 0 && state.loaded + bytes > MOST_BYTES {
            state = self.wait(state);
        }
        state.loaded += bytes;
        !state.closed
    }

    /// Waits until there is room for a unit. False when no more units are wanted.
    pub(super) fn push(&self, unit: Unit) -> bool {
        let mut state = self.state();
        while !state.closed && state.waiting.len() >= self.most_units {
            state = self.wait(state);
        }
        if !state.closed {
            state.waiting.push_back(unit);
            self.changed.notify_all();
        }
        !state.closed
    }

    /// Waits for a unit; none when no more will come.
    pub(super) fn pop(&self) -> Option<Unit> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if let Some(unit) = state.waiting.pop_front() {
                self.changed.notify_all();
                return Some(unit);
            }
            if state.ended {
                return None;
            }
            state = self.wait(state);
        }
    }

    /// Gives back the bytes of inputs that were examined.
    pub(super) fn release(&self, bytes: usize) {
        let mut state = self.state();
        state.loaded = state.loaded.saturating_sub(bytes);
        self.changed.notify_all();
    }

    /// Says that the loader is done.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.changed.notify_all();
    }

    /// Says that nothing more is examined, and drops what waits.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.waiting.clear();
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn closing_frees_who_waits_at_either_end() {
        let queue = WorkQueue::new(1);
        assert!(queue.push(Unit::default()) && queue.reserve(MOST_BYTES));
        let empty = WorkQueue::new(1);
        std::thread::scope(|scope| {
            let full = scope.spawn(|| queue.push(Unit::default()));
            let heavy = scope.spawn(|| queue.reserve(1));
            let idle = scope.spawn(|| empty.pop().is_some());
            std::thread::sleep(Duration::from_millis(20));
            queue.close();
            empty.close();
            assert!(!full.join().unwrap() && !heavy.join().unwrap() && !idle.join().unwrap());
        });
        assert!(queue.pop().is_none(), "what waited is dropped");
    }

    #[test]
    fn what_was_pushed_comes_out_before_the_end() {
        let queue = WorkQueue::new(2);
        for number in 0..2 {
            assert!(queue.push(Unit { number, ..Unit::default() }));
        }
        queue.end();
        assert_eq!([queue.pop(), queue.pop()].map(|unit| unit.unwrap().number), [0, 1]);
        assert!(queue.pop().is_none());
    }
}
