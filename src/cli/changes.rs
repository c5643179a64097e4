//! `dmarcstat changes`.

use std::io::Write;

use secrecy::{ExposeSecret as _, SecretString};

use super::context::Context;
use super::data::Opened;
use super::failure::{Failure, Outcome, Status};
use super::page::Page;
use super::sender_scope::{Asked, SenderScope};
use crate::config::accounts::read_secret;
use crate::diagnosis::{ChangesAnswer, only_new};
use crate::notify::hook::{self, HookForm};
use crate::render::{Answer as _, Form, headline};
use crate::report::period::{Day, day_of};

/// What is new, worse, mended or gone, compared with the window before
///
/// Compares the window with as many days just before it. With `--since all`, the newer half of all days is compared with the older. A
/// nightly job runs `dmarcstat fetch -q; dmarcstat changes --since 7d --new --exit-code -q`: it says nothing while nothing has
/// changed and reports still arrive.
#[derive(Debug, clap::Args)]
pub(super) struct Changes {
    #[command(flatten)]
    scope: SenderScope,
    /// Leave out paths with fewer messages in both windows
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_messages: u64,
    #[command(flatten)]
    page: Page,
    /// Only what no earlier --new has reported, which the database remembers: each alarm once, and every week that no reports come
    #[arg(long, conflicts_with = "input")]
    new: bool,
    /// Exit with 4 when something is worse, or no new report came for two days
    #[arg(long)]
    exit_code: bool,
    /// Post what has changed to this web hook, unless nothing has; without an address, to that of [notify] in the configuration
    #[arg(long, value_name = "URL", num_args = 0..=1)]
    notify: Option<Option<String>>,
    /// The form that the web hook takes [default: as the configuration says, else json]
    #[arg(long, value_enum, value_name = "FORM", requires = "notify")]
    notify_form: Option<HookForm>,
}

/// Days after which what was gone is said again when it comes back, whatever it was.
const REMEMBERED: Day = 400;

/// Two windows compared, and what they were read from.
pub(super) struct Compared {
    pub(super) answer: ChangesAnswer,
    /// What was asked, and whether all of it could be read.
    pub(super) asked: Asked,
}

impl Changes {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let page = self.page.target(context)?;
        let hook = self.notify.as_ref().map(|url| self.hook(url.as_deref(), context)).transpose()?;
        let Compared { mut answer, asked } =
            compare(&self.scope, self.min_messages, self.scope.open(context)?, context)?;
        answer.only_new = self.new;
        let tenant = context.config.tenant.as_ref().map(|tenant| tenant.name.clone());
        let last = answer.window.end.as_ref().and_then(|day| day.parse().map(day_of).ok()).unwrap_or(asked.window.last);
        let remembered = match self.new {
            true => Some(only_new(&mut answer.found, &asked.store.announced(tenant.as_deref())?, last)),
            false => None,
        };
        let calm = answer.found.changes.is_empty()
            && answer.found.findings.is_empty()
            && answer.found.silence.is_none()
            // That there is nothing to compare with yet is no news of every night.
            && (self.new || answer.reports_before > 0);
        if !calm || !context.quiet || context.form.is_for_programs() {
            page.show(&answer, "changes", context)?;
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
            let status = asked.status;
            drop(asked);
            let forget_before = last.saturating_sub(REMEMBERED);
            context.open_to_write()?.remember_announced(tenant.as_deref(), &remembered, forget_before)?;
            return Ok(if self.exit_code && answer.found.alarm { Status::No } else { status });
        }
        let of_no_day = asked.question().today_of_reports.is_none();
        if answer.reports == 0 && (of_no_day || answer.found.silence.is_some() && !self.exit_code) {
            // What is known has been said; there is nothing to compare.
            context.out().flush()?;
            return Err(self.scope.no_data(&asked.store, asked.window));
        }
        Ok(if self.exit_code && answer.found.alarm { Status::No } else { asked.status })
    }

    /// The address to post to, and what it reads.
    fn hook(&self, url: Option<&str>, context: &Context) -> Result<(SecretString, HookForm), Failure> {
        let configured = &context.config.hook;
        let url = match (url, &configured.url) {
            (Some(url), _) => SecretString::from(url),
            (None, Some(secret)) => read_secret(&context.config, secret)?,
            (None, None) => {
                let text = "no web hook to post to: name one after --notify, or in [notify] of the configuration";
                return Err(Failure::Usage(text.to_owned()));
            }
        };
        if !hook::is_safe(url.expose_secret()) {
            return Err(Failure::Usage("a web hook must begin with https://, or be on this machine".to_owned()));
        }
        Ok((url, self.notify_form.unwrap_or(configured.form)))
    }
}

/// Compares the window that was asked for with the one before.
pub(super) fn compare(
    scope: &SenderScope,
    min_messages: u64,
    opened: Opened,
    context: &Context,
) -> Result<Compared, Failure> {
    let asked = scope.ask_of(opened, context)?;
    let answer = asked.question().changes(min_messages)?;
    let answer = answer.ok_or_else(|| scope.no_data(&asked.store, asked.window))?;
    Ok(Compared { answer, asked })
}
