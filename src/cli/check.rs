//! `dmarcstat check`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome};

/// One screen on the configuration, the accounts, the database and what is wrong with them
#[derive(Debug, clap::Args)]
pub(super) struct Check {}

impl Check {
    pub(super) fn run(self, _context: &mut Context) -> Outcome {
        Err(Failure::Failed(anyhow!("not there yet")))
    }
}
