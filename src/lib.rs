//! dmarcstat: which of your mail is not signed, why, and whether a domain is ready for `p=reject`.
//!
//! The modules in the order in which data flows:
//!
//! - [`oauth`] gets access tokens for accounts that need them;
//! - [`source`] finds inputs on disk and in IMAP accounts and pushes their bytes;
//! - [`mail`] reads the header of a mail;
//! - [`container`] finds the documents in mails, mailboxes and archives, however they are nested;
//! - [`report`] reads a document: the elements of RFC 9990 and RFC 7489, and its irregularities;
//! - [`domain`] and [`alignment`] say what a record means: states and verdicts;
//! - [`ingest`] combines all of these into a parallel pipeline that ends in the store;
//! - [`fetch`] fetches from IMAP accounts with it;
//! - [`store`] is the database, [`query`] asks it about windows of days;
//! - [`providers`] is the catalogue of senders and how one is recognised, [`dns`] looks up live records;
//! - [`diagnosis`] turns the answers into sending paths and judges them;
//! - [`inspect`] judges one received message;
//! - [`flat`] turns records into flat rows, and [`export`] writes them;
//! - [`render`] shows answers as table, JSON, CSV, Markdown and HTML;
//! - [`config`] reads the configuration, with secrets and accounts;
//! - `notify` sends answers by mail and to web hooks;
//! - [`cli`] is the command line around it all.
//!
//! And below all of these:
//!
//! - [`role`] and [`cause`] are the closed sets of words for why a path exists and why it does not pass;
//! - [`rejection`] has the reasons for quarantine, [`limits`] the limits;
//! - [`rows`] and [`varint`] are the packed form of records;
//! - [`uid_set`] is a set of mails on a server;
//! - [`sanitize`] makes strangers' text safe to show;
//! - [`witness`] decides how far a judgement may depend on one reporter;
//! - [`words`] writes numbers, shares, lists and plurals;
//! - `vocabulary` makes enumerations of closed sets of words;
//! - `http` makes HTTPS requests;
//! - `parallel` spreads work over the processors.

#![deny(unsafe_code)]

pub mod alignment;
pub mod answer;
pub mod cause;
mod certificates;
pub mod cli;
pub mod config;
pub mod container;
pub mod diagnosis;
pub mod dns;
pub mod domain;
pub mod export;
pub mod fetch;
pub mod finding;
pub mod flat;
mod folders;
mod http;
pub mod ingest;
pub mod inspect;
pub mod limits;
pub mod mail;
mod notify;
pub mod oauth;
mod parallel;
pub mod providers;
pub mod query;
pub mod rejection;
pub mod render;
pub mod report;
pub mod reporter;
pub mod role;
pub mod rows;
pub mod sanitize;
pub mod secrets;
pub mod source;
pub mod store;
pub mod tag_list;
pub mod tls;
pub mod uid_set;
mod unfinished;
pub mod varint;
mod vocabulary;
pub mod witness;
pub mod words;

#[cfg(test)]
mod documentation;
#[cfg(test)]
mod layers;
