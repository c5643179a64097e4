//! `dmarcstat inspect`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome};

/// One received test message: do its signatures and SPF align, and what is missing
#[derive(Debug, clap::Args)]
pub(super) struct Inspect {}

impl Inspect {
    pub(super) fn run(self, _context: &mut Context) -> Outcome {
        Err(Failure::Failed(anyhow!("not there yet")))
    }
}
