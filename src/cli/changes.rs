//! `dmarcstat changes`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome};

/// What is new, worse, mended or gone against the window before
#[derive(Debug, clap::Args)]
pub(super) struct Changes {}

impl Changes {
    pub(super) fn run(self, _context: &mut Context) -> Outcome {
        Err(Failure::Failed(anyhow!("not there yet")))
    }
}
