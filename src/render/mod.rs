//! Answers as people and programs read them.
//!
//! A file here says of one kind of answer what it is as data, as a [`Document`] and, where it is a list, as [`Rows`]; [`form`] writes
//! any of them as a table, JSON, CSV, Markdown or HTML. No answer knows in which form it is written.

mod apart;
mod changes;
pub mod check;
mod copy;
mod digest;
mod dns;
pub mod document;
mod explain;
mod fetch;
mod findings;
mod fold;
pub mod form;
mod ingest;
mod inspect;
mod ledger;
mod login;
mod long_list;
mod metrics;
mod opening;
mod paths;
mod providers;
mod prune;
mod quarantine;
mod readiness;
mod remedy;
mod report;
mod reports;
mod selectors;
pub mod shares;
mod site;
pub mod sparkline;
mod sql;
pub mod table;
pub mod text;
mod tls;

pub use apart::{IgnoredAnswer, ReportsAction};
pub use changes::headline;
pub use copy::CopyAnswer;
pub use digest::DigestAnswer;
pub use dns::DnsAnswer;
pub use document::Document;
pub use fetch::{FetchAnswer, fetch_line};
pub use form::{Answer, Form, Style, is_page, write_page};
pub use ingest::IngestAnswer;
pub use ledger::ledger;
pub use login::LoginAnswer;
pub use metrics::{DatabaseFigures, MetricsAnswer, is_metrics, metrics};
pub use paths::PathsAnswer;
pub use providers::ProvidersAnswer;
pub use prune::PruneAnswer;
pub use quarantine::{EntryAnswer, QuarantineAction, QuarantineAnswer};
pub use report::ReportAnswer;
pub use reports::ReportsAnswer;
pub use site::{SiteDomain, site_index, site_pictures};
pub use table::Rows;
pub use tls::TlsReportsAnswer;
