//! `dmarcstat login`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome};

/// Get an OAuth2 token for an account by hand, once
#[derive(Debug, clap::Args)]
pub(super) struct Login {}

impl Login {
    pub(super) fn run(self, _context: &mut Context) -> Outcome {
        Err(Failure::Failed(anyhow!("not there yet")))
    }
}
