//! The program as a whole, run as a user runs it.

mod harness;
mod quirks;
