//! The buffer between the examiners and the committer: it restores the order and bounds memory.
//!
//! Inputs are examined in parallel and written in the order in which they came, so that a run is the same on every
//! machine. What is examined ahead of its turn waits in memory, within a budget; the unit whose turn it is never waits for
//! that budget, so the run always gets on.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::event::Event;

/// What may wait in memory for its turn.
const EARLY_BYTES: usize = 12 * 1024 * 1024;
/// What the unit whose turn it is may have sent and not yet written before it waits.
const IN_TURN_BYTES: usize = 4 * 1024 * 1024;
/// A unit hands over what it has when it holds this much.
const HAND_OVER: usize = 1024 * 1024;

/// Some events of one unit of work.
pub(super) struct Chunk {
    pub(super) unit: u64,
    pub(super) events: Vec<Event>,
    pub(super) weight: usize,
    /// No more events of this unit follow.
    pub(super) last: bool,
    /// It was sent when it was its unit's turn.
    in_turn: bool,
}

#[derive(Default)]
struct State {
    /// The unit whose turn it is.
    head: u64,
    /// Bytes sent early.
    early: usize,
    /// Bytes sent in turn and not written yet.
    in_turn: usize,
    /// Nothing will be written any more.
    closed: bool,
    /// An examiner ended before its unit did: the units after it can never be written.
    broken: bool,
}

/// The budget and the turn of what is on its way to the committer.
#[derive(Default)]
pub(super) struct ReorderBuffer {
    state: Mutex<State>,
    changed: Condvar,
}

impl ReorderBuffer {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is the unit's turn and what it sent before is nearly written, or, for its last chunk, until there is
    /// room for what comes early. Says whether it is the unit's turn; nothing when nothing will be written.
    fn enter(&self, unit: u64, weight: usize, last: bool) -> Option<bool> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if state.head == unit && state.in_turn <= IN_TURN_BYTES {
                state.in_turn += weight;
                return Some(true);
            }
            if state.head != unit && last && state.early + weight <= EARLY_BYTES {
                state.early += weight;
                return Some(false);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A chunk was written.
    pub(super) fn written(&self, chunk: &Chunk) {
        let mut state = self.state();
        let sum = if chunk.in_turn { &mut state.in_turn } else { &mut state.early };
        *sum = sum.saturating_sub(chunk.weight);
        if chunk.last {
            state.head = chunk.unit + 1;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Nothing will be written any more: whoever waits goes on, and sends in vain.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// An examiner ends within a unit.
    pub(super) fn break_off(&self) {
        let mut state = self.state();
        (state.closed, state.broken) = (true, true);
        self.changed.notify_all();
    }

    /// Whether an examiner ended within a unit.
    pub(super) fn is_broken(&self) -> bool {
        self.state().broken
    }
}

/// Where an examiner puts the events of its unit.
#[derive(Default)]
pub(super) struct Sender {
    unit: u64,
    pub(super) events: Vec<Event>,
    weight: usize,
    /// The way to the committer; without one the events stay here.
    way: Option<(Arc<ReorderBuffer>, mpsc::Sender<Chunk>)>,
    /// Nothing is written any more.
    pub(super) closed: bool,
}

impl Sender {
    pub(super) fn new(buffer: Arc<ReorderBuffer>, chunks: mpsc::Sender<Chunk>) -> Self {
        Sender { way: Some((buffer, chunks)), ..Sender::default() }
    }

    pub(super) fn begin(&mut self, unit: u64) {
        self.unit = unit;
    }

    pub(super) fn push(&mut self, event: Event) {
        self.weight += event.weight();
        self.events.push(event);
        if self.weight >= HAND_OVER {
            self.send(false);
        }
    }

    /// Ends the unit.
    pub(super) fn end(&mut self) {
        self.send(true);
    }

    fn send(&mut self, last: bool) {
        let Some((buffer, chunks)) = &self.way else { return };
        let weight = std::mem::take(&mut self.weight);
        let events = std::mem::take(&mut self.events);
        let sent = buffer
            .enter(self.unit, weight, last)
            .is_some_and(|in_turn| chunks.send(Chunk { unit: self.unit, events, weight, last, in_turn }).is_ok());
        self.closed |= !sent;
    }
}

/// A channel to the committer; what may wait in it is counted in the [`ReorderBuffer`].
pub(super) fn chunks() -> (mpsc::Sender<Chunk>, Receiver<Chunk>) {
    mpsc::channel()
}
