//! From figures to paths: who sends, of which class, how sure, and what to do. Pure functions over what
//! [`query`](crate::query) answers.
//!
//! Senders and classes are provisional: without a catalogue of providers, a provider of many networks is many paths, and
//! whether mail was forwarded is told from its signatures alone.

mod changes;
mod class;
mod dates;
mod explain;
mod forwarding;
mod path;
pub mod readiness;
mod remedy;
mod selectors;
mod turns;

pub use crate::providers::{DnsRecord, Remedy};
pub use changes::{
    Change, ChangeKind, ChangeSubject, Changes, ChangesAnswer, Comparison, Counts, Judged, PathState, Silence,
    UnprovenChanges, changes,
};
pub use class::{Class, Standing, Thresholds};
pub use explain::{
    AddressPart, DayPart, Dispositions, ExplainAnswer, Found, NetworkPart, OverridePart, PartAnswer, PathEvidence,
    Reason, ReporterPart, SignaturePart, SpfPart, Stay, Turn, TurnKind, TurnSubject, evidence, find,
};
pub use path::{Answer, Diagnosis, DkimFigures, Rules, SendingPath, Unproven, WindowAnswer, diagnose, id, sender_name};
pub use selectors::{
    KeyAddress, KeyChoice, KeyDay, KeyDiagnosis, KeyOwner, KeyReporter, KeySender, KeyState, OtherKeys, Overlap,
    Rotation, SelectorUse, SelectorsAnswer, by_place, selectors,
};
