//! The program: everything is in the library, see [`dmarcstat::cli`].

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    dmarcstat::cli::run()
}
