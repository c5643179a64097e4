//! `dmarcstat completions`.

use std::io::Write;

use clap::{Command, ValueEnum};
use clap_complete::{Shell as Known, generate};
use clap_complete_nushell::Nushell;

use super::context::Context;
use super::failure::{Outcome, Status};

/// Write shell completions to standard output
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

/// The shells there are completions for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Nushell,
    Powershell,
    Zsh,
}

impl Completions {
    pub(super) fn run(self, mut command: Command, context: &mut Context) -> Outcome {
        context.has_own_form("completions are a script for the shell: leave out --format")?;
        let mut script = Vec::new();
        let name = command.get_name().to_owned();
        match self.shell {
            Shell::Bash => generate(Known::Bash, &mut command, name, &mut script),
            Shell::Elvish => generate(Known::Elvish, &mut command, name, &mut script),
            Shell::Fish => generate(Known::Fish, &mut command, name, &mut script),
            Shell::Nushell => generate(Nushell, &mut command, name, &mut script),
            Shell::Powershell => generate(Known::PowerShell, &mut command, name, &mut script),
            Shell::Zsh => generate(Known::Zsh, &mut command, name, &mut script),
        }
        context.out().write_all(&script)?;
        Ok(Status::Done)
    }
}
