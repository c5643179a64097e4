//! `dmarcstat explain`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome};

/// All the evidence on one sending path: days, reporters, signatures, addresses, remedy
#[derive(Debug, clap::Args)]
pub(super) struct Explain {}

impl Explain {
    pub(super) fn run(self, _context: &mut Context) -> Outcome {
        Err(Failure::Failed(anyhow!("not there yet")))
    }
}
