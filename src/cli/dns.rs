//! `dmarcstat dns`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome};

/// The live DNS records of a domain: DMARC, SPF, DKIM keys, report authorisation
#[derive(Debug, clap::Args)]
pub(super) struct Dns {}

impl Dns {
    pub(super) fn run(self, _context: &mut Context) -> Outcome {
        Err(Failure::Failed(anyhow!("not there yet")))
    }
}
