//! Which reports a question about senders is asked of, and how these get their names.

use std::ops::Deref;

use jiff::civil::Date;

use super::context::Context;
use super::data::Opened;
use super::failure::{Failure, Status};
use super::live::Live;
use super::resolve::{Resolving, Wanted};
use super::scope::Scope;
use crate::answer::{Known, Look, Question};
use crate::query::Window;
use crate::report::period::Day;
use crate::store::Store;

/// Which reports a question about senders is asked of, and how these get their names.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SenderScope {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    resolving: Resolving,
}

impl Deref for SenderScope {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        &self.scope
    }
}

/// What a question about paths is asked of.
pub(super) struct Asked {
    pub(super) window: Window,
    pub(super) domains: Vec<String>,
    pub(super) store: Store,
    /// Whether all of it could be read.
    pub(super) status: Status,
    pub(super) known: Known,
    today: Date,
    today_of_reports: Option<Day>,
    now: i64,
}

impl Asked {
    /// The question, without the options that it comes from.
    pub(super) fn question(&self) -> Question<'_> {
        Question {
            store: &self.store,
            known: &self.known,
            window: self.window,
            domains: &self.domains,
            today: self.today,
            today_of_reports: self.today_of_reports,
            now: self.now,
        }
    }

    /// The data, gone through once.
    ///
    /// # Errors
    /// There is none, with what there is; or those of the store.
    pub(super) fn look(&self, scope: &SenderScope) -> Result<Look<'_>, Failure> {
        self.question().look()?.ok_or_else(|| scope.no_data(&self.store, self.window))
    }
}

impl SenderScope {
    /// Opens all that a question about paths needs.
    pub(super) fn ask(&self, context: &Context) -> Result<Asked, Failure> {
        self.ask_of(self.open(context)?, context)
    }

    /// The same of what is open already: several questions can be asked of files that are read once.
    pub(super) fn ask_of(&self, opened: Opened, context: &Context) -> Result<Asked, Failure> {
        self.asked(self.window(context)?, self.domains(context)?, opened, self.resolving.wanted(), context)
    }

    /// The same for answers that are to be repeatable: nobody is asked for host names unless that was asked for.
    pub(super) fn ask_repeatably(
        &self,
        window: Window,
        domains: Vec<String>,
        opened: Opened,
        context: &Context,
    ) -> Result<Asked, Failure> {
        let wanted = self.resolving.wanted().filter(|wanted| *wanted == Wanted::Uncatalogued);
        self.asked(window, domains, opened, wanted, context)
    }

    fn asked(
        &self,
        window: Window,
        domains: Vec<String>,
        (store, status): Opened,
        wanted: Option<Wanted>,
        context: &Context,
    ) -> Result<Asked, Failure> {
        let known = self.resolving.known(wanted, &store, window, &domains, self.is_stored(), context)?;
        let (today, now, today_of_reports) =
            (self.today(context), self.now(context), self.today_of_reports(window, context));
        Ok(Asked { window, domains, store, status, known, today, today_of_reports, now })
    }

    /// Whether anybody may be asked for host names.
    pub(super) fn may_look_up(&self) -> bool {
        self.resolving.wanted().is_some()
    }

    /// The same of these last days, where nobody said since when.
    pub(super) fn since_if_unsaid(&self, days: &str) -> Self {
        if self.has_since() { self.clone() } else { self.over(days) }
    }

    /// The same of these last days.
    pub(super) fn over(&self, days: &str) -> Self {
        SenderScope { scope: self.scope.over(days), resolving: self.resolving.clone() }
    }

    /// Whom to ask about live DNS records.
    pub(super) fn live(&self) -> &Live {
        self.resolving.live()
    }
}
