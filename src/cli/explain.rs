//! `dmarcstat explain`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::scope::Scope;
use crate::diagnosis::{
    ExplainAnswer, Found, Rules, SendingPath, WindowAnswer, cautions, diagnose, diagnose_some, evidence, find,
};
use crate::query::{Survey, keys_of_path, timeline};
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
        let asked = self.scope.ask(context)?;
        let (store, known, window) = (&asked.store, &asked.known, asked.window);
        let mut scan = asked.scan()?;
        let survey = scan.survey()?;
        let Some(days) = survey.days else {
            return Err(self.scope.no_data(store, window));
        };
        let rules = known.rules();
        let place = match find(&survey, &known.catalogue, &self.sender) {
            Found::One(place) => place,
            Found::Several(places) => return Err(self.ambiguous(&survey, &rules, &places)),
            Found::None(near) => return Err(self.unknown(&survey, &rules, &near)),
        };
        let Some(path) = diagnose_some(&survey, &rules, &[place]).pop() else {
            return Err(self.unknown(&survey, &rules, &[]));
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
            cautions: cautions(&survey, window),
            evidence: evidence(&path, &survey, &timeline, &keys, &known.thresholds),
            path,
        };
        let (format, style) = (context.format, context.style);
        render::explain(&answer, format.into(), &style, context.out())?;
        Ok(asked.status)
    }

    fn ambiguous(&self, survey: &Survey, rules: &Rules<'_>, places: &[usize]) -> Failure {
        let (shown, more) = places.split_at(places.len().min(CANDIDATES));
        Failure::Failed(anyhow!(
            "{} paths fit {:?}; ask for one by its id: {}{}",
            places.len(),
            shorten(&self.sender, 80),
            in_words(&diagnose_some(survey, rules, shown)),
            if more.is_empty() { String::new() } else { format!("; and {} more, see `dmarcstat sources`", more.len()) },
        ))
    }

    fn unknown(&self, survey: &Survey, rules: &Rules<'_>, near: &[usize]) -> Failure {
        let asked = shorten(&self.sender, 80);
        Failure::Failed(match near {
            [] => {
                let mut paths = diagnose(survey, rules, 0, |_, _| true).paths;
                let number = paths.len();
                paths.sort_by_key(|path| std::cmp::Reverse(path.messages));
                paths.truncate(3);
                if paths.is_empty() {
                    return Failure::Failed(anyhow!(
                        "the reports of this window tell of no mail, so there is no path; --since all asks about all days"
                    ));
                }
                anyhow!(
                    "no path fits {asked:?} in this window; there are {number} paths, the largest: {}; `dmarcstat sources` lists them, --since all asks about all days",
                    in_words(&paths),
                )
            }
            near => {
                let near = diagnose_some(survey, rules, near);
                anyhow!("no path fits {asked:?} in this window; near it: {}", in_words(&near))
            }
        })
    }
}

fn in_words(paths: &[SendingPath]) -> String {
    let word = |path: &SendingPath| {
        let domain = if path.domain.is_empty() { "(none)" } else { &path.domain };
        format!("{} ({} on {domain}, {}, {} messages)", path.id, path.sender, path.class.as_str(), path.messages)
    };
    paths.iter().map(word).collect::<Vec<_>>().join("; ")
}
