//! From figures to paths: who sends, of which class, how sure, and what to do. Pure functions over what
//! [`query`](crate::query) answers.
//!
//! [`diagnose`] goes path by path: what reporters say of it and whose word counts (`view`), its class (`class`), why
//! (`evidence`), and what to do (`remedy`). Its role was found with the records (`query`).

mod answer;
mod basis;
mod cause;
mod change_points;
mod changes;
mod class;
mod consensus;
mod dates;
mod evidence;
mod explain;
mod failing;
mod findings;
mod judge;
mod ledger;
mod leg;
mod own_paths;
mod path;
mod published;
pub mod readiness;
mod remedy;
mod rules;
mod selectors;
mod sender;
mod silence;
mod states;
mod tls;
mod weekday;

pub use crate::cause::Cause;
pub use crate::providers::{DnsRecord, Remedy};
pub use crate::query::DomainFigures;
pub use crate::role::Role;
pub use answer::Answer;
pub use basis::Basis;
pub use cause::CauseEvidence;
pub use changes::{
    Change, ChangeKind, ChangeSubject, Changes, ChangesAnswer, Comparison, Counts, Judged, PathState, UnknownChanges,
    changes, only_new,
};
pub use class::{Class, Thresholds};
pub use dates::WindowAnswer;
pub use evidence::{Authenticated, ForwardingEvidence, Grounds, LoneClaim, NullFigures};
pub use explain::{
    AddressPart, DayPart, Dispositions, ExplainAnswer, Found, NetworkPart, OverridePart, PartAnswer, PathEvidence,
    Reason, ReporterPart, SignaturePart, SpfPart, Stay, Turn, TurnKind, TurnSubject, WordsPart, evidence, find,
};
pub use findings::{DomainFinding, FindingCode, FindingEvidence, Observations, TagChange, domain_findings, since};
pub use judge::{Diagnosis, Wanted, diagnose, diagnose_some};
pub use ledger::{EntryText, LedgerFinding, LedgerProblem, ledger_findings, proposals};
pub use path::{SendingPath, Sum};
pub use rules::Rules;
pub use selectors::{
    KeyAddress, KeyChoice, KeyDay, KeyDiagnosis, KeyOwner, KeyReporter, KeySender, KeyState, OtherKeys, Overlap,
    Rotation, SelectorUse, SelectorsAnswer, by_place, selectors,
};
pub use sender::{id, sender_name};
pub use silence::{SILENT, Silence};
pub use states::{DkimFigures, States};
pub use tls::{TlsAnswer, TlsDomain, TlsFailure, TlsPolicy, tls_domains};
