//! Order and measure between those who examine and the one who writes.
//!
//! Inputs are examined side by side and written in the order in which they came, so that a run is the same on every
//! machine. What is examined early waits in memory, within a budget; the first in line never waits, so all get on.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::step::Step;

/// What may wait in memory for its turn.
const EARLY_BYTES: usize = 12 * 1024 * 1024;
/// What the first in line may have sent and not yet written before it waits.
const IN_TURN_BYTES: usize = 4 * 1024 * 1024;
/// A unit hands over what it has when it holds this much.
const HAND_OVER: usize = 1024 * 1024;

/// Some steps of one unit of work.
pub(super) struct Packet {
    pub(super) unit: u64,
    pub(super) steps: Vec<Step>,
    pub(super) weight: usize,
    /// No more steps of this unit follow.
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
    closed: bool,
}

/// The gate before the writer.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate {
    /// Waits until the unit is first in line and what it sent before is nearly written, or, for its last packet, until
    /// there is room for what comes early. Says whether it is the unit's turn; nothing when nothing will be written.
    fn enter(&self, unit: u64, weight: usize, last: bool) -> Option<bool> {
        let mut state = lock(&self.state);
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

    /// A packet was written.
    pub(super) fn written(&self, packet: &Packet) {
        let mut state = lock(&self.state);
        let sum = if packet.in_turn { &mut state.in_turn } else { &mut state.early };
        *sum = sum.saturating_sub(packet.weight);
        if packet.last {
            state.head = packet.unit + 1;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Nothing will be written any more: everybody may go home.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }
}

/// Where an examiner puts the steps of its unit.
#[derive(Default)]
pub(super) struct Outbox {
    unit: u64,
    pub(super) steps: Vec<Step>,
    weight: usize,
    /// The way to the writer; without one the steps stay here.
    way: Option<(Arc<Gate>, Sender<Packet>)>,
    /// Nobody listens any more.
    pub(super) closed: bool,
}

impl Outbox {
    pub(super) fn new(gate: Arc<Gate>, sender: Sender<Packet>) -> Self {
        Outbox { way: Some((gate, sender)), ..Outbox::default() }
    }

    pub(super) fn begin(&mut self, unit: u64) {
        self.unit = unit;
    }

    pub(super) fn push(&mut self, step: Step) {
        self.weight += step.weight();
        self.steps.push(step);
        if self.weight >= HAND_OVER {
            self.send(false);
        }
    }

    /// Ends the unit.
    pub(super) fn end(&mut self) {
        self.send(true);
    }

    fn send(&mut self, last: bool) {
        let Some((gate, sender)) = &self.way else { return };
        let weight = std::mem::take(&mut self.weight);
        let steps = std::mem::take(&mut self.steps);
        let sent = gate
            .enter(self.unit, weight, last)
            .is_some_and(|in_turn| sender.send(Packet { unit: self.unit, steps, weight, last, in_turn }).is_ok());
        self.closed |= !sent;
    }
}

/// A channel to the writer; what may wait in it is counted at the gate.
pub(super) fn packets() -> (Sender<Packet>, Receiver<Packet>) {
    channel()
}

/// A budget of bytes that were loaded and are not yet examined.
#[derive(Default)]
pub(super) struct Loading {
    loaded: Mutex<usize>,
    changed: Condvar,
}

impl Loading {
    /// More than this is not loaded ahead; a single larger input is loaded alone.
    const MOST: usize = 36 * 1024 * 1024;

    pub(super) fn take(&self, bytes: usize, gate: &Gate) -> bool {
        let mut loaded = lock(&self.loaded);
        while *loaded > 0 && *loaded + bytes > Self::MOST {
            if lock(&gate.state).closed {
                return false;
            }
            let (again, _) = self
                .changed
                .wait_timeout(loaded, std::time::Duration::from_millis(100))
                .unwrap_or_else(PoisonError::into_inner);
            loaded = again;
        }
        *loaded += bytes;
        true
    }

    pub(super) fn give_back(&self, bytes: usize) {
        *lock(&self.loaded) -= bytes;
        self.changed.notify_all();
    }
}
