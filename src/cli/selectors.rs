//! `dmarcstat selectors`.

use super::context::Context;
use super::failure::Outcome;
use super::scope::Scope;
use crate::diagnosis::{KeyChoice, SelectorsAnswer, Wanted, WindowAnswer, by_place, cautions, diagnose, selectors};
use crate::query::key_survey;
use crate::report::period::rfc3339;

/// DKIM selectors in use: first and last seen, volume, failures, rotation
///
/// Lists the keys of the domains, and of their accounts at providers (tenants), those that want a look first. A key that
/// fails, that vanished while its paths still send, or that another took over from is told with the day.
#[derive(Debug, clap::Args)]
pub(super) struct Selectors {
    #[command(flatten)]
    scope: Scope,
    /// Leave out keys with fewer messages
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_messages: u64,
    /// Show which machines use each key, and which of them alone fail
    #[arg(long)]
    by_address: bool,
    /// List also keys of third parties (providers, mailing lists), and those that forgers claim
    #[arg(long)]
    all: bool,
}

impl Selectors {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let asked = self.scope.ask(context)?;
        let (store, known, window) = (&asked.store, &asked.known, asked.window);
        let mut scan = asked.scan()?;
        let survey = scan.survey()?;
        let Some(days) = survey.days else {
            return Err(self.scope.no_data(store, window));
        };
        let paths = diagnose(&survey, &known.rules(), 0, Wanted::All).paths;
        let keys = key_survey(&mut scan, &survey, self.by_address)?;
        let choice = KeyChoice { others: self.all, min_messages: self.min_messages };
        let found = selectors(&keys, &by_place(&paths), choice);
        let answer = SelectorsAnswer {
            schema: "dmarcstat/selectors/1",
            window: WindowAnswer::of(window, days),
            newest_report: store.newest_report(self.scope.now(context))?.map(rfc3339),
            reports: survey.reports,
            reporters: survey.reporters,
            cautions: cautions(&survey, window),
            selectors: found.selectors,
            rotations: found.rotations,
            others: found.others,
        };
        context.show(&answer)?;
        Ok(asked.status)
    }
}
