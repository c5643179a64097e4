//! `dmarcstat fetch`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome};

/// Pull report mail from the configured IMAP accounts into the database
#[derive(Debug, clap::Args)]
pub(super) struct Fetch {}

impl Fetch {
    pub(super) fn run(self, _context: &mut Context) -> Outcome {
        Err(Failure::Failed(anyhow!("not there yet")))
    }
}
