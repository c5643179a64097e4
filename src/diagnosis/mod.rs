//! From figures to paths: who sends, of which class, how sure, and what to do. Pure functions over what
//! [`query`](crate::query) answers.
//!
//! Senders and classes are provisional: without a catalogue of providers, a provider of many networks is many paths, and
//! whether mail was forwarded is told from its signatures alone.

mod class;
mod forwarding;
mod path;
mod remedy;

pub use crate::providers::{DnsRecord, Remedy};
pub use class::{Class, Standing, Thresholds};
pub use path::{Answer, Diagnosis, DkimFigures, Rules, SendingPath, Unproven, WindowAnswer, diagnose, id, sender_name};
