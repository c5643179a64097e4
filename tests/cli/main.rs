//! The program as a whole, run as a user runs it.

mod bad_input;
mod dump;
mod harness;
mod invariant;
mod kill;
mod mailbox;
mod make;
mod measure;
mod quirks;
