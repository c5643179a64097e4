//! `dmarcstat man`: the manual pages, from the text of `--help`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Command;

use super::failure::{Outcome, Status};

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
    pub(super) fn run(self, command: Command) -> Outcome {
        let folder = &self.folder;
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        clap_mangen::generate_to(command, folder)
            .with_context(|| format!("cannot write the manual pages into {}", folder.display()))?;
        Ok(Status::Done)
    }
}
