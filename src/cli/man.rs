//! `dmarcstat man`: the manual pages, from the text of `--help`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Command;

use super::context::Context;
use super::failure::{Outcome, Status};
use crate::folders;

/// Write the manual pages, one for each command, into a folder
///
/// They have the text of --help. Packages install them; `man -l FOLDER/dmarcstat.1` shows one.
#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// The folder; it is made where it is missing
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Man {
    pub(super) fn run(self, command: Command, context: &Context) -> Outcome {
        context.has_own_form("manual pages are written as roff only: leave out --format")?;
        let folder = &self.folder;
        folders::make(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        clap_mangen::generate_to(command, folder)
            .with_context(|| format!("cannot write the manual pages into {}", folder.display()))?;
        Ok(Status::Done)
    }
}
