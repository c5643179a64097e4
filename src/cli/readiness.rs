//! `dmarcstat readiness`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome};

/// The review before p=quarantine or p=reject: verdict, blockers, what would be lost
#[derive(Debug, clap::Args)]
pub(super) struct Readiness {}

impl Readiness {
    pub(super) fn run(self, _context: &mut Context) -> Outcome {
        Err(Failure::Failed(anyhow!("not there yet")))
    }
}
