//! `dmarcstat providers`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome};

/// The catalogue of senders
#[derive(Debug, clap::Args)]
pub(super) struct Providers {}

impl Providers {
    pub(super) fn run(self, _context: &mut Context) -> Outcome {
        Err(Failure::Failed(anyhow!("not there yet")))
    }
}
