//! The program: everything is in the library, see [`dmarcstat::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    dmarcstat::cli::run()
}
