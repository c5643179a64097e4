//! `dmarcstat unsigned` and `dmarcstat sources`: questions about sending paths.

use super::context::Context;
use super::failure::{Failure, Outcome, Status};
use super::page::Page;
use super::sender_scope::SenderScope;
use crate::answer::Look;
use crate::diagnosis::{Answer, Wanted, diagnose, proposals};
use crate::render::{self, PathsAnswer};

/// Which sending paths carry no aligned, verifying DKIM signature, worst first
#[derive(Debug, clap::Args)]
pub(super) struct Unsigned {
    #[command(flatten)]
    scope: SenderScope,
    /// Leave out paths with fewer messages
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_messages: u64,
    /// List every path
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    page: Page,
    /// Exit with 4 when a path of your own or of a sender that you approved is found, or a finding that breaks SPF or DKIM
    #[arg(long)]
    exit_code: bool,
}

/// Every sending path, with its class and figures
#[derive(Debug, clap::Args)]
pub(super) struct Sources {
    #[command(flatten)]
    scope: SenderScope,
    /// Leave out paths with fewer messages
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_messages: u64,
    /// Print entries of the ledger ([[sender]] in the configuration) for what was seen, ready to paste
    #[arg(long)]
    as_ledger: bool,
    #[command(flatten)]
    page: Page,
}

impl Unsigned {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let page = self.page.target(context)?;
        let all = self.all;
        let wanted = if all { Wanted::All } else { Wanted::NeedsWork };
        let (answer, status) = answer("dmarcstat/unsigned/2", &self.scope, self.min_messages, wanted, context)?;
        let found = answer.paths.iter().any(|path| path.needs_work() && path.role.is_owners());
        let broken = answer.findings.iter().any(|finding| finding.breaks_authentication);
        page.show(&PathsAnswer { found: &answer, unsigned: true, all }, "unsigned paths", context)?;
        Ok(if self.exit_code && (found || broken) { Status::No } else { status })
    }
}

impl Sources {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        if self.as_ledger {
            return self.ledger(context);
        }
        let page = self.page.target(context)?;
        let (answer, status) = answer("dmarcstat/sources/2", &self.scope, self.min_messages, Wanted::All, context)?;
        page.show(&PathsAnswer { found: &answer, unsigned: false, all: true }, "sending paths", context)?;
        Ok(status)
    }
}

impl Sources {
    fn ledger(&self, context: &mut Context) -> Outcome {
        let own_form = "--as-ledger prints entries for the configuration file, as TOML only: leave out --format and --html; \
                        without --as-ledger, `sources` has these forms";
        context.has_own_form(own_form)?;
        if self.page.is_asked() {
            return Err(Failure::Usage(own_form.to_owned()));
        }
        let asked = self.scope.ask(context)?;
        let Look { survey, scan, .. } = asked.look(&self.scope)?;
        let matching = scan.matching()?;
        let paths = diagnose(&survey, &asked.known.rules(), self.min_messages, Wanted::All).paths;
        render::ledger(&proposals(&survey, &matching, &asked.known.catalogue, &paths), context.out())?;
        Ok(asked.status)
    }
}

/// The paths wanted.
fn answer(
    schema: &'static str,
    scope: &SenderScope,
    min_messages: u64,
    wanted: Wanted,
    context: &Context,
) -> Result<(Answer, Status), Failure> {
    let asked = scope.ask(context)?;
    Ok((asked.look(scope)?.paths(schema, min_messages, wanted)?, asked.status))
}
