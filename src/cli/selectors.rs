//! `dmarcstat selectors`.

use super::context::Context;
use super::failure::Outcome;
use super::page::Page;
use super::sender_scope::SenderScope;
use crate::diagnosis::KeyChoice;

/// DKIM selectors in use: first and last seen, volume, failures, rotation
///
/// Lists the keys of the domains, and of their accounts at providers (tenants), those that need attention first. For a key that
/// fails, vanished while its paths still send, or was replaced by another, the day is given.
#[derive(Debug, clap::Args)]
pub(super) struct Selectors {
    #[command(flatten)]
    scope: SenderScope,
    /// Leave out keys with fewer messages
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_messages: u64,
    /// Show which machines use each key, and which of them alone fail
    #[arg(long)]
    by_address: bool,
    /// Also list keys of third parties (providers, mailing lists) and those that forgers claim
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    page: Page,
}

impl Selectors {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let page = self.page.target(context)?;
        let asked = self.scope.ask(context)?;
        let choice = KeyChoice { others: self.all, min_messages: self.min_messages };
        let answer = asked.look(&self.scope)?.selectors(choice, self.by_address)?;
        page.show(&answer, "selectors", context)?;
        Ok(asked.status)
    }
}
