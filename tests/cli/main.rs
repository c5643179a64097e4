//! The program as a whole, run as a user runs it.

mod bad_database;
mod bad_input;
mod dump;
mod harness;
mod hostile_text;
mod invariant;
mod kill;
mod mailbox;
mod make;
mod measure;
mod quirks;
