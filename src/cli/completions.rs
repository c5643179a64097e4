//! `dmarcstat completions`.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;
use super::context::Context;
use super::failure::{Outcome, Status};

/// Write shell completions to standard output
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// For which shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "dmarcstat", &mut script);
        context.out().write_all(&script)?;
        Ok(Status::Done)
    }
}
