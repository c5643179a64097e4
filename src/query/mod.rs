//! Asking the store about windows of days: filters in, plain figures out.
//!
//! [`survey`] answers most questions. [`Scan`] is the pass over the records behind it, for those that want more of them.

mod figures;
mod ledger;
mod naming;
mod scan;
mod survey;
mod tally;
mod window;

pub use figures::{AddressFigures, DomainFigures, Evidence, PathFigures, SenderKey, Signer, SignerUse, Survey};
pub use ledger::{Identities, Ledger, LedgerEntry};
pub use naming::{Hosts, Knowledge, NamedBy};
pub use scan::{Scan, Seen};
pub use survey::survey;
pub use tally::{Entry, ReportMark, Tally};
pub use window::{Bound, Span, Window, WindowChoice};
