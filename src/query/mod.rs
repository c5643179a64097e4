//! Asking the store about windows of days: filters in, plain figures out.
//!
//! [`survey()`] answers most questions. [`Scan`] is the pass over the records behind it, for those that want more of them.

mod distinct_facts;
mod earlier;
mod figures;
mod grouped;
mod history;
mod ledger;
mod matching;
mod named_paths;
mod naming;
mod pair_key;
mod parts;
mod pass;
mod policy_domains;
mod published;
mod receivers;
mod reporter_days;
mod roles;
mod running_sums;
mod scan;
mod selectors;
mod sighting;
mod strict;
mod sums;
mod survey;
mod tally;
mod timeline;
mod tls;
mod visit;
mod window;
mod witnesses;

pub use earlier::{EarlierDays, earlier_days};
pub use figures::{DomainFigures, Evidence, PathFigures, SenderKey, Signer, SignerUse, Survey};
pub use history::history;
pub use ledger::{Decision, Identities, Ledger, LedgerEntry};
pub use matching::{Mail, Matching, Reach};
pub use naming::{Hosts, Knowledge, NamedBy};
pub use parts::{Parts, rounds};
pub use published::{PolicySeen, Published, published};
pub use receivers::{Governed, Handled, Receivers, ReportSeen, receivers};
pub use reporter_days::{ReporterDays, reporter_days};
pub use scan::Scan;
pub use selectors::{
    KeyCell, KeyResults, KeySeen, KeySurvey, KeyUse, PathKey, key_survey, key_survey_by_address, keys_of_path,
};
pub use sighting::Sighting;
pub use strict::{StrictFigures, strict_alignment};
pub use survey::survey;
pub use tally::{AddressFigures, Entry, ReportMark, Tally};
pub use timeline::{AddressUse, Cell, OverrideKey, PartFigures, SpfKey, Timeline, WordsKey, timelines};
pub use tls::{TlsFailureFigures, TlsPolicyFigures, TlsSurvey, tls_survey};
pub use visit::Seen;
pub use window::{Bound, Span, Window, WindowChoice};

pub use crate::store::{Announced, CheckedReports, ForeignDomain, OutcomeFacts};
