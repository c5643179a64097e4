//! The program as a whole, run as a user runs it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "measurements and skipped tests are told on the terminal"
)]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]
#![allow(clippy::disallowed_methods, reason = "mail that comes today is of today")]

mod announced;
mod apart;
mod attacks;
mod bad_database;
mod bad_input;
mod changes;
mod copying;
mod cost;
#[cfg(unix)]
mod digest;
mod dns;
mod documented;
mod dump;
#[cfg(unix)]
mod examples;
mod explain;
mod export;
mod findings;
mod foreign;
mod harness;
mod help;
mod hostile_text;
mod housekeeping;
#[cfg(unix)]
mod imap;
mod inspect;
mod invariant;
mod jobs;
mod kill;
mod ledger;
mod ledger_entries;
mod look;
mod mailbox;
mod make;
mod measure;
mod metrics;
mod mistakes;
mod names;
#[allow(dead_code)]
mod needs;
mod networks;
mod odd_paths;
mod options;
mod own_forms;
mod page;
mod parsers;
mod parts;
#[cfg(all(unix, feature = "postgres"))]
mod postgres;
mod providers;
mod quirks;
mod readiness;
mod scenarios;
mod selectors;
mod senders;
mod site;
#[cfg(unix)]
mod smtp;
mod sql;
mod streams;
mod tenants;
mod tls;
mod trust;
mod witnesses;
