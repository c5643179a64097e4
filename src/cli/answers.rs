//! `dmarcstat unsigned` and `dmarcstat sources`: questions about sending paths.

use super::context::Context;
use super::failure::{Failure, Outcome, Status};
use super::scope::Scope;
use crate::diagnosis::{
    Answer, Class, Diagnosis, Standing, WindowAnswer, cautions, diagnose, ledger_findings, proposals,
};
use crate::query::Survey;
use crate::render::{self, PathsView};
use crate::report::period::rfc3339;

/// Which sending paths carry no aligned, verifying DKIM signature, worst first
#[derive(Debug, clap::Args)]
pub(super) struct Unsigned {
    #[command(flatten)]
    scope: Scope,
    /// Leave out paths with fewer messages
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_messages: u64,
    /// List also the paths that nothing vouches for
    #[arg(long)]
    include_unproven: bool,
    /// Exit with 4 when a path of yours is found
    #[arg(long)]
    exit_code: bool,
}

/// Every sending path, with its class and figures
#[derive(Debug, clap::Args)]
pub(super) struct Sources {
    #[command(flatten)]
    scope: Scope,
    /// Leave out paths with fewer messages
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_messages: u64,
    /// Print entries of the ledger ([[sender]] in the configuration) for what was seen, ready to paste
    #[arg(long)]
    as_ledger: bool,
}

impl Unsigned {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let with_unproven = self.include_unproven;
        let wanted = |class: Class| class.needs_work() || with_unproven && class == Class::Unproven;
        let (answer, _, status) = answer("dmarcstat/unsigned/1", &self.scope, self.min_messages, wanted, context)?;
        let found = answer
            .paths
            .iter()
            .any(|path| path.class.needs_work() && matches!(path.standing, Standing::Yours | Standing::Listed));
        show(&answer, PathsView { unsigned: true, with_unproven }, context)?;
        Ok(if self.exit_code && found { Status::No } else { status })
    }
}

impl Sources {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let (answer, survey, status) =
            answer("dmarcstat/sources/1", &self.scope, self.min_messages, |_| true, context)?;
        if self.as_ledger {
            render::ledger(&proposals(&survey, &answer.paths), context.out())?;
            return Ok(status);
        }
        show(&answer, PathsView { unsigned: false, with_unproven: true }, context)?;
        Ok(status)
    }
}

fn show(answer: &Answer, view: PathsView, context: &mut Context) -> Result<(), Failure> {
    let (format, style) = (context.format, context.style);
    Ok(render::paths(answer, view, format.into(), &style, context.out())?)
}

fn answer(
    schema: &'static str,
    scope: &Scope,
    min_messages: u64,
    wanted: impl Fn(Class) -> bool + Sync,
    context: &Context,
) -> Result<(Answer, Survey, Status), Failure> {
    let asked = scope.ask(context)?;
    let (store, known, window) = (&asked.store, &asked.known, asked.window);
    let survey = asked.scan()?.survey()?;
    let Some(days) = survey.days else {
        return Err(scope.no_data(store, window));
    };
    let Diagnosis { paths, unproven, untold, domains } = diagnose(&survey, &known.rules(), min_messages, wanted);
    let answer = Answer {
        schema,
        window: WindowAnswer::of(window, days),
        newest_report: store.newest_report()?.map(rfc3339),
        reports: survey.reports,
        reporters: survey.reporters,
        cautions: cautions(&survey, window),
        domains,
        paths,
        unproven,
        untold,
        ledger: ledger_findings(&survey, &known.ledger, &asked.domains, scope.today(context)),
    };
    Ok((answer, survey, asked.status))
}
