//! `dmarcstat readiness`.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::ValueEnum;

use super::context::Context;
use super::dns::{Seen, look};
use super::failure::{Failure, Outcome, Status, say};
use super::scope::{Scope, domain_name};
use crate::answer::Genuine;
use crate::diagnosis::readiness::{self, Review, ReviewList, Verdict};
use crate::dns::DnsAudit;
use crate::query::{Bound, Window, survey};
use crate::store::Store;

/// The review before p=quarantine or p=reject: verdict, blockers, what would be lost
///
/// Exits with 4 unless the domain is ready. With the same data, --as-of and options the answer is the same to the byte.
#[derive(Debug, clap::Args)]
pub(super) struct Readiness {
    /// The domain
    #[arg(value_name = "DOMAIN", id = "reviewed", required_unless_present = "all", conflicts_with_all = ["all", "domain"])]
    domain: Option<String>,
    /// Every domain that there are reports on, a line each, worst first
    #[arg(long)]
    all: bool,
    /// The policy that is to be published
    #[arg(long, value_enum, default_value_t = Target::Reject)]
    target: Target,
    /// Look at the live DNS records too; the answer is then not repeatable
    #[arg(long, conflicts_with = "all")]
    dns: bool,
    /// Write the review as a page too: one HTML file without script or anything outside it
    #[arg(long, value_name = "FILE", conflicts_with = "all")]
    html: Option<PathBuf>,
    /// Leave paths with fewer messages out of the list of paths; they count all the same
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_messages: u64,
    #[command(flatten)]
    scope: Scope,
}

/// The policies to aim at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Target {
    /// p=quarantine
    Quarantine,
    /// p=reject
    Reject,
}

impl From<Target> for readiness::Target {
    fn from(target: Target) -> Self {
        match target {
            Target::Quarantine => readiness::Target::Quarantine,
            Target::Reject => readiness::Target::Reject,
        }
    }
}

/// The review of every domain of a scope before p=reject.
pub(super) fn every_domain(scope: Scope, context: &Context) -> Result<ReviewList, Failure> {
    let question =
        Readiness { domain: None, all: true, target: Target::Reject, dns: false, html: None, min_messages: 0, scope };
    let (store, window, genuine, _) = question.reports(context)?;
    question.all(window, &store, &genuine, context)
}

impl Readiness {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let (store, window, genuine, status) = self.reports(context)?;
        let verdict = match &self.domain {
            Some(domain) => {
                let domain = domain_name(domain)?;
                let mut answer = self.one(&domain, window, &store, &genuine, context)?;
                answer.paths.retain(|path| path.messages >= self.min_messages);
                let said = format!("{domain}: {}", answer.verdict.as_str());
                context.show_or_write(&answer, self.html.as_deref(), &said)?;
                answer.verdict
            }
            None => {
                let list = self.all(window, &store, &genuine, context)?;
                context.show(&list)?;
                list.domains.first().map_or(Verdict::NotEnoughData, |worst| worst.verdict)
            }
        };
        Ok(if verdict == Verdict::Ready { status } else { Status::No })
    }

    /// What the review is of, without the reports that do not count.
    fn reports(&self, context: &Context) -> Result<(Store, Window, Genuine, Status), Failure> {
        let window = self.scope.window(context)?;
        let (mut store, status) = self.scope.open(context)?;
        let genuine = Genuine::of(&mut store, window, &self.scope.domains()?, self.domain.as_deref())?;
        Ok((store, window, genuine, status))
    }

    fn one(
        &self,
        domain: &str,
        window: Window,
        store: &Store,
        genuine: &Genuine,
        context: &Context,
    ) -> Result<Review, Failure> {
        let domains = [domain.to_owned()];
        let answer = self.reviews(window, store, genuine, context, &domains, &domains)?.pop();
        let answer = answer.ok_or_else(|| anyhow!("no review of {domain}"))?;
        if answer.evidence.reports == 0 && !context.quiet {
            let there = self.scope.no_data(store, window);
            if let Failure::Failed(reason) = there {
                say(&format!("dmarcstat: note: on {domain}: {reason:#}"));
            }
        }
        Ok(answer)
    }

    /// The live records, with the selectors that the database knows of.
    fn records(&self, domain: &str, store: &Store, context: &Context) -> Result<DnsAudit, Failure> {
        let seen = Seen::of(domain, store, Bound::All, context)?;
        look(domain, &seen.selectors, &seen, self.scope.live(), context)
    }

    /// Every policy domain that there are reports on in the window.
    fn all(&self, window: Window, store: &Store, genuine: &Genuine, context: &Context) -> Result<ReviewList, Failure> {
        let asked = self.scope.domains()?;
        let known = self.scope.known_repeatably(store, window, &asked, context)?;
        let domains: Vec<String> = survey(store, window, &asked, known.knowledge())?
            .domains
            .into_iter()
            .map(|one| one.domain)
            .filter(|name| asked.is_empty() || asked.iter().any(|domain| crate::domain::is_within(name, domain)))
            .collect();
        if domains.is_empty() {
            return Err(self.scope.no_data(store, window));
        }
        Ok(ReviewList::of(self.reviews(window, store, genuine, context, &asked, &domains)?))
    }

    /// The reviews of some domains, from one look at the data of a scope that holds them all.
    fn reviews(
        &self,
        window: Window,
        store: &Store,
        genuine: &Genuine,
        context: &Context,
        scope: &[String],
        domains: &[String],
    ) -> Result<Vec<Review>, Failure> {
        let known = self.scope.known_repeatably(store, window, scope, context)?;
        let question = self.scope.question(store, &known, window, scope, context);
        question.reviews(domains, self.target.into(), &context.config.readiness, genuine, |domain| {
            if self.dns { self.records(domain, store, context).map(Some) } else { Ok(None) }
        })
    }
}
