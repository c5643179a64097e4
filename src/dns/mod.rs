//! Live look-ups in the DNS, behind one small trait, and what the records found mean.
//!
//! [`Lookup`] answers questions, a whole batch at a time so that they run in parallel. [`resolver`] asks real name
//! servers, tests answer from a table. Everything else here is the same whoever answers: [`dmarc`], [`spf`] and [`dkim`]
//! read records and say what is wrong with them, [`audit()`] puts them together for a domain, [`hosts`] finds names of
//! addresses that can be believed.
//!
//! *A failure is "could not look", never "not there"*: see [`Answer`].

pub mod audit;
mod check;
pub mod dkim;
pub mod dmarc;
pub mod hosts;
mod lookup;
mod request;
#[cfg(feature = "dns")]
pub mod resolver;
mod services;
pub mod spf;
#[cfg(feature = "dns")]
mod unanswered;

#[cfg(test)]
mod zone;

pub use audit::{DnsAudit, audit};
pub use check::{Check, Checked, Findings, Outcome};
pub use lookup::{Answer, Kind, Lookup, Memory, Question, Records};
pub use request::{NewestReport, Origin, Request, Selector};
pub use services::ServiceRecord;
