//! `dmarcstat explain`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::scope::Scope;
use crate::diagnosis::{ExplainAnswer, Found, SendingPath, WindowAnswer, diagnose, evidence, find};
use crate::query::{Scan, keys_of_path, timeline};
use crate::render;
use crate::report::period::rfc3339;
use crate::report::shorten;

/// All the evidence on one sending path: days, reporters, signatures, addresses, remedy
///
/// SENDER is a path's id, its name or a part of that, an address it sends from, or the domain it sends as. Where several
/// paths fit, they are listed.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// Which path
    #[arg(value_name = "SENDER")]
    sender: String,
    #[command(flatten)]
    scope: Scope,
}

/// So many candidates are listed.
const CANDIDATES: usize = 10;

impl Explain {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let (window, domains) = (self.scope.window(context)?, self.scope.domains()?);
        let (store, status) = self.scope.open(context)?;
        let known = self.scope.known(&store, window, &domains, context)?;
        let mut scan = Scan::new(&store, window, &domains, known.knowledge())?;
        let survey = scan.survey()?;
        let Some(days) = survey.days else {
            return Err(self.scope.no_data(&store, window));
        };
        let mut paths = diagnose(&survey, &known.rules(), 0, |_| true).paths;
        let id = match find(&paths, &self.sender) {
            Found::One(path) => path.id.clone(),
            Found::Several(candidates) => return Err(self.ambiguous(&candidates)),
            Found::None(near) => return Err(self.unknown(&near, &paths)),
        };
        paths.retain(|path| path.id == id);
        let Some(path) = paths.pop() else {
            return Err(self.unknown(&[], &paths));
        };
        let timeline = timeline(&mut scan, &survey, path.figures)?;
        let keys = keys_of_path(&mut scan, &survey, path.figures)?;
        let answer = ExplainAnswer {
            schema: "dmarcstat/explain/1",
            asked: self.sender,
            window: WindowAnswer::of(window, days),
            newest_report: store.newest_report()?.map(rfc3339),
            reports: survey.reports,
            reporters: survey.reporters,
            evidence: evidence(&path, &survey, &timeline, &keys, &known.thresholds),
            path,
        };
        let (format, style) = (context.format, context.style);
        render::explain(&answer, format.into(), &style, context.out())?;
        Ok(status)
    }

    fn ambiguous(&self, candidates: &[&SendingPath]) -> Failure {
        let more = candidates.len().saturating_sub(CANDIDATES);
        Failure::Failed(anyhow!(
            "{} paths fit {:?}; ask for one by its id: {}{}",
            candidates.len(),
            shorten(&self.sender, 80),
            in_words(candidates.iter().take(CANDIDATES).copied()),
            if more > 0 { format!("; and {more} more, see `dmarcstat sources`") } else { String::new() },
        ))
    }

    fn unknown(&self, near: &[&SendingPath], paths: &[SendingPath]) -> Failure {
        let asked = shorten(&self.sender, 80);
        Failure::Failed(match near {
            [] => anyhow!(
                "no path fits {asked:?} in this window; there are {} paths, the largest: {}; `dmarcstat sources` lists them, --since all asks about all days",
                paths.len(),
                in_words(largest(paths).into_iter()),
            ),
            near => anyhow!("no path fits {asked:?} in this window; near it: {}", in_words(near.iter().copied())),
        })
    }
}

fn largest(paths: &[SendingPath]) -> Vec<&SendingPath> {
    let mut paths: Vec<&SendingPath> = paths.iter().collect();
    paths.sort_by_key(|path| std::cmp::Reverse(path.messages));
    paths.truncate(3);
    paths
}

fn in_words<'p>(paths: impl Iterator<Item = &'p SendingPath>) -> String {
    let word = |path: &SendingPath| {
        let domain = if path.domain.is_empty() { "(none)" } else { &path.domain };
        format!("{} ({} on {domain}, {}, {} messages)", path.id, path.sender, path.class.as_str(), path.messages)
    };
    paths.map(word).collect::<Vec<_>>().join("; ")
}
