//! `dmarcstat selectors`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome};

/// DKIM selectors in use: first and last seen, volume, failures, rotation
#[derive(Debug, clap::Args)]
pub(super) struct Selectors {}

impl Selectors {
    pub(super) fn run(self, _context: &mut Context) -> Outcome {
        Err(Failure::Failed(anyhow!("not there yet")))
    }
}
