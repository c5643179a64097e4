//! `dmarcstat explain`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::page::Page;
use super::sender_scope::SenderScope;
use crate::answer;
use crate::diagnosis::{Rules, SendingPath, Wanted, diagnose, diagnose_some};
use crate::query::Survey;
use crate::report::shorten;
use crate::words::{more, plural};

/// All the evidence on one sending path: days, reporters, signatures, addresses, remedy
///
/// SENDER is a path's id, its name or a part of that, an address it sends from, or the domain it sends as. Where several
/// paths match, they are listed.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// The path
    #[arg(value_name = "SENDER")]
    sender: String,
    #[command(flatten)]
    scope: SenderScope,
    #[command(flatten)]
    page: Page,
}

/// The most candidates that are listed.
const CANDIDATES: usize = 10;

impl Explain {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let page = self.page.target(context)?;
        let asked = self.scope.ask(context)?;
        let (rules, mut look) = (asked.known.rules(), asked.look(&self.scope)?);
        match look.explain(&self.sender)? {
            answer::Asked::Several(places) => return Err(self.ambiguous(&look.survey, &rules, &places)),
            answer::Asked::None(near) => return Err(self.unknown(&look.survey, &rules, &near)),
            answer::Asked::One(answer) => page.show(&*answer, &answer.path.sender, context)?,
        }
        Ok(asked.status)
    }

    fn ambiguous(&self, survey: &Survey, rules: &Rules<'_>, places: &[usize]) -> Failure {
        let shown = &places[..places.len().min(CANDIDATES)];
        let mut lines = choices(&diagnose_some(survey, rules, shown));
        lines.extend(more(places.len() - shown.len()).map(|more| format!("{more}, see `dmarcstat sources`")));
        let asked = shorten(&self.sender, 80);
        Failure::Choice(format!("{} paths match {asked:?}; ask for one by its id", places.len()), lines)
    }

    fn unknown(&self, survey: &Survey, rules: &Rules<'_>, near: &[usize]) -> Failure {
        let asked = shorten(&self.sender, 80);
        if !near.is_empty() {
            let near = choices(&diagnose_some(survey, rules, near));
            return Failure::Choice(format!("no path matches {asked:?} in this window; near it:"), near);
        }
        let mut paths = diagnose(survey, rules, 0, Wanted::All).paths;
        if paths.is_empty() {
            return Failure::Failed(anyhow!(
                "the reports of this window list no mail, so there is no path; --since all asks about all days"
            ));
        }
        let number = plural(paths.len() as u64, "path");
        paths.sort_by_key(|path| std::cmp::Reverse(path.messages));
        paths.truncate(3);
        let message = format!(
            "no path matches {asked:?} in this window; `dmarcstat sources` lists its {number}, --since all asks about all days; the largest:"
        );
        Failure::Choice(message, choices(&paths))
    }
}

/// A line for each path, the ids below each other.
fn choices(paths: &[SendingPath]) -> Vec<String> {
    let line = |path: &SendingPath| {
        let domain = if path.domain.is_empty() { "(none)" } else { &path.domain };
        let messages = plural(path.messages, "message");
        format!("{}  {} on {domain}, {}, {}, {messages}", path.id, path.sender, path.role.as_str(), path.class.as_str())
    };
    paths.iter().map(line).collect()
}
