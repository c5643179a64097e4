//! `dmarcstat changes`.

use std::io::Write;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::context::Context;
use super::failure::{Failure, Outcome, Status};
use super::findings::Question;
use super::scope::Scope;
use crate::diagnosis::{
    ChangesAnswer, Comparison, Judged, KeyChoice, Wanted, WindowAnswer, by_place, changes, diagnose, only_new,
    selectors,
};
use crate::notify::hook::{self, HookForm};
use crate::query::{Presence, Scan, Window, key_survey, presence, published, survey, tls_survey};
use crate::render::{Answer as _, Form, headline};
use crate::report::period::{Day, day_of, rfc3339};
use crate::store::Store;

/// What is new, worse, mended or gone against the window before
///
/// Compares with as many days just before. With `--since all`, the newer half of all days is compared with the older. A
/// nightly job runs `dmarcstat fetch -q; dmarcstat changes --since 7d --new --exit-code -q`: it says nothing while nothing has
/// changed and reports still arrive.
#[derive(Debug, clap::Args)]
pub(super) struct Changes {
    #[command(flatten)]
    scope: Scope,
    /// Leave out paths with fewer messages in both windows
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_messages: u64,
    /// Only what was not said before, and remember it in the database: each alarm once
    #[arg(long, conflicts_with = "input")]
    new: bool,
    /// Exit with 4 when something is worse, or no new report came for two days
    #[arg(long)]
    exit_code: bool,
    /// Post what has changed to this web hook, unless nothing has; without an address, to that of [notify] in the configuration
    #[arg(long, value_name = "URL", num_args = 0..=1)]
    notify: Option<Option<String>>,
    /// What the web hook reads [default: as the configuration says, else json]
    #[arg(long, value_enum, value_name = "FORM", requires = "notify")]
    notify_form: Option<HookForm>,
}

/// What was last there so many days ago is said again when it comes back, whatever it was.
const REMEMBERED: Day = 400;
/// So many days before both windows are looked at, to know what pauses are usual.
const HISTORY: Day = 90;

/// Two windows compared, and what they were read from.
pub(super) struct Compared {
    pub(super) answer: ChangesAnswer,
    /// Whether all of it could be read.
    pub(super) status: Status,
    store: Store,
    window: Window,
}

impl Changes {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let hook = self.notify.as_ref().map(|url| self.hook(url.as_deref(), context)).transpose()?;
        let Compared { mut answer, status, store, window } = compare(&self.scope, self.min_messages, context)?;
        answer.only_new = self.new;
        let remembered = match self.new {
            true => Some(only_new(&mut answer.found, &store.announced()?, window.last)),
            false => None,
        };
        let calm = answer.found.changes.is_empty()
            && answer.found.findings.is_empty()
            && answer.found.silence.is_none()
            && answer.reports_before > 0;
        if !calm || !context.quiet || context.form.is_for_programs() {
            context.show(&answer)?;
        }
        if let Some((url, form)) = hook.filter(|_| !calm) {
            context.out().flush()?;
            let data = serde_json::to_value(answer.data()).map_err(anyhow::Error::from)?;
            hook::post(url.expose_secret(), &form.body(data, &headline(&answer), &Form::Table.text(&answer)?))?;
        }
        if let Some(remembered) = remembered {
            // What nobody could read was not said.
            context.out().flush()?;
            // The view that was read from is over before another is written to.
            drop(store);
            let forget_before = window.last.saturating_sub(REMEMBERED);
            context.open_to_write()?.remember_announced(&remembered, forget_before)?;
            return Ok(if self.exit_code && answer.found.alarm { Status::No } else { status });
        }
        if answer.reports == 0 && answer.found.silence.is_some() && !self.exit_code {
            // What is known has been said; there is nothing to compare.
            context.out().flush()?;
            return Err(self.scope.no_data(&store, window));
        }
        Ok(if self.exit_code && answer.found.alarm { Status::No } else { status })
    }

    /// The address to post to, and what it reads.
    fn hook(&self, url: Option<&str>, context: &Context) -> Result<(SecretString, HookForm), Failure> {
        let configured = &context.config.hook;
        let url = match (url, &configured.url) {
            (Some(url), _) => SecretString::from(url),
            (None, Some(secret)) => secret.source.read().with_context(|| secret.place.to_string())?,
            (None, None) => {
                let text = "no web hook to post to: name one behind --notify, or in [notify] of the configuration";
                return Err(Failure::Usage(text.to_owned()));
            }
        };
        if !hook::is_safe(url.expose_secret()) {
            return Err(Failure::Usage("a web hook begins with https://, or is on this machine".to_owned()));
        }
        Ok((url, self.notify_form.unwrap_or(configured.form)))
    }
}

/// Compares the window that was asked for with the one before.
pub(super) fn compare(scope: &Scope, min_messages: u64, context: &Context) -> Result<Compared, Failure> {
    let (chosen, domains) = (scope.window(context)?, scope.domains()?);
    let today = day_of(scope.today(context));
    let (store, status) = scope.open(context)?;
    let known = scope.known(&store, chosen, &domains, context)?;
    let presence = presence(&store, Day::MIN, today, &domains)?;
    let Some(window) = closed(chosen, &presence) else {
        return Err(scope.no_data(&store, chosen));
    };
    let length = window.last.saturating_sub(window.first).saturating_add(1);
    let before = Window { first: window.first.saturating_sub(length), last: window.first.saturating_sub(1) };
    let all = Window { first: before.first.saturating_sub(HISTORY), last: window.last };

    let now = survey(&store, window, &domains, known.knowledge())?;
    let then = survey(&store, before, &domains, known.knowledge())?;
    let mut scan = Scan::new(&store, all, &domains, known.knowledge())?;
    let history = scan.survey()?;
    let keys = key_survey(&mut scan, &history, false)?;
    let judged = [&now, &then, &history].map(|survey| diagnose(survey, &known.rules(), 0, Wanted::All));
    let choice = KeyChoice { others: false, min_messages: 0 };
    let question = Question {
        store: &store,
        known: &known,
        window,
        domains: &domains,
        today: scope.today_of_reports(chosen, context),
    };
    let findings = question.findings_with(&now, &presence)?;
    let published = [published(&store, &then)?, published(&store, &now)?];
    let found = changes(&Comparison {
        window,
        before,
        today,
        now: Judged { survey: &now, diagnosis: &judged[0] },
        then: Judged { survey: &then, diagnosis: &judged[1] },
        history: Judged { survey: &history, diagnosis: &judged[2] },
        keys: &selectors(&keys, &by_place(&judged[2].paths), choice),
        published: [&published[0], &published[1]],
        findings: &findings,
        presence: &presence,
        tls: &tls_survey(&store, all.first, window.last, &domains)?,
        min_messages,
    });

    let answer = ChangesAnswer {
        schema: "dmarcstat/changes/1",
        window: WindowAnswer::of(window, (window.first, window.last)),
        before: WindowAnswer::of(before, (before.first, before.last)),
        newest_report: store.newest_report(scope.now(context))?.map(rfc3339),
        reports: now.reports,
        reporters: now.reporters,
        reports_before: then.reports,
        reporters_before: then.reporters,
        only_new: false,
        found,
    };
    Ok(Compared { answer, status, store, window })
}

/// The window with both its ends: where it is open at the beginning, the newer half of the days there are.
fn closed(chosen: Window, presence: &[Presence]) -> Option<Window> {
    let days = presence.iter().flat_map(|one| one.days.keys()).copied();
    let (first, last) = days.clone().min().zip(days.max())?;
    let last = if chosen.last == Day::MAX { last } else { chosen.last };
    let first = match chosen.first {
        Day::MIN => last.saturating_sub(last.saturating_sub(first).max(0) / 2),
        first => first,
    };
    Some(Window { first, last: last.max(first) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_window_is_the_newer_half() {
        let presence = [Presence {
            domain: "example.com".to_owned(),
            reporter: "one".to_owned(),
            days: (100..110).map(|day| (day, 1)).collect(),
        }];
        let closed = |first, last| closed(Window { first, last }, &presence);
        assert_eq!(closed(Day::MIN, Day::MAX), Some(Window { first: 105, last: 109 }));
        assert_eq!(closed(104, Day::MAX), Some(Window { first: 104, last: 109 }));
        assert_eq!(closed(100, 120), Some(Window { first: 100, last: 120 }));
        assert_eq!(super::closed(Window { first: Day::MIN, last: Day::MAX }, &[]), None);
    }
}
