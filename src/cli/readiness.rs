//! `dmarcstat readiness`.

use std::num::NonZero;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::ValueEnum;

use super::context::Context;
use super::data::Opened;
use super::dns::{Seen, look};
use super::failure::{Failure, Outcome, Status, say};
use super::jobs::Jobs;
use super::page::{PageTarget, page_file};
use super::scope::domain_name;
use super::sender_scope::{Asked, SenderScope};
use crate::answer::{Genuine, Reviewing};
use crate::diagnosis::readiness::{self, Review, ReviewList, Verdict};
use crate::dns::DnsAudit;
use crate::domain;
use crate::query::{Bound, Survey};
use crate::store::Store;

/// The review before p=quarantine or p=reject: verdict, blockers, what would be lost
///
/// Exits with 4 unless the domain is ready. With the same data, --as-of and options the answer is the same to the byte.
#[derive(Debug, clap::Args)]
#[command(override_usage = "dmarcstat readiness [OPTIONS] <DOMAIN>|--all")]
pub(super) struct Readiness {
    /// The domain
    #[arg(value_name = "DOMAIN", id = "reviewed", required_unless_present = "all", conflicts_with_all = ["all", "domain"])]
    domain: Option<String>,
    /// Every domain with reports, a line each, worst first
    #[arg(long)]
    all: bool,
    /// The policy to be published
    #[arg(long, value_enum, default_value_t = Target::Reject)]
    target: Target,
    /// Look at the live DNS records too; the answer is then not repeatable
    #[arg(long, conflicts_with = "all")]
    dns: bool,
    /// Write the review as a page too: one HTML file without script or anything outside it
    #[arg(long, value_name = "FILE", value_parser = page_file(), conflicts_with = "all")]
    html: Option<PathBuf>,
    /// Leave paths with fewer messages out of the list of paths; they count all the same
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "all")]
    min_messages: u64,
    #[command(flatten)]
    jobs: Jobs,
    #[command(flatten)]
    scope: SenderScope,
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

impl Readiness {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        if self.jobs.is_named() && !self.all {
            return Err(Failure::Usage("--jobs is about many domains: use it with --all".to_owned()));
        }
        let page = PageTarget::of(self.html.as_deref(), context)?;
        let opened = self.scope.open(context)?;
        let (verdict, status) = match &self.domain {
            Some(domain) => {
                let domain = domain_name(domain)?;
                context.asked_domains(vec![domain.clone()])?;
                let (mut answer, status) = self.one(domain, opened, context)?;
                answer.paths.retain(|path| path.messages >= self.min_messages);
                let said = format!("{}: {}", answer.domain, answer.verdict.as_str());
                page.show(&answer, &said, context)?;
                (answer.verdict, status)
            }
            None => {
                let (list, status) =
                    every_domain(&self.scope, opened, self.target.into(), self.jobs.threads(), context)?;
                context.show(&list)?;
                (list.domains.first().map_or(Verdict::NotEnoughData, |worst| worst.verdict), status)
            }
        };
        Ok(if verdict == Verdict::Ready { status } else { Status::No })
    }

    fn one(&self, domain: String, opened: Opened, context: &Context) -> Result<(Review, Status), Failure> {
        let (asked, genuine) = reports(&self.scope, vec![domain.clone()], Some(&domain), opened, context)?;
        let which = |_: &Survey| vec![domain.clone()];
        let dns = |domain: &str| {
            if self.dns { self.records(domain, &asked.store, context).map(Some) } else { Ok(None) }
        };
        let how = Reviewing {
            target: self.target.into(),
            thresholds: &context.config.readiness,
            genuine: &genuine,
            threads: NonZero::<usize>::MIN,
        };
        let answer =
            asked.question().reviews(which, &how, dns)?.pop().ok_or_else(|| anyhow!("no review of {domain}"))?;
        if answer.evidence.reports == 0 && !context.quiet {
            let there = self.scope.no_data_on(&asked.domains, &asked.store, asked.window);
            if let Failure::Failed(reason) = there {
                say(&format!("dmarcstat: note: on {domain}: {reason:#}"));
            }
        }
        Ok((answer, asked.status))
    }

    /// The live records, with the selectors that the database knows of.
    fn records(&self, domain: &str, store: &Store, context: &Context) -> Result<DnsAudit, Failure> {
        let seen = Seen::of(domain, store, Bound::All, context)?;
        look(domain, &seen.selectors, &seen, self.scope.live(), context)
    }
}

/// The reviews of every policy domain that there are reports on in a scope, made by at most `threads` threads; the status says whether all
/// could be read.
pub(super) fn every_domain(
    scope: &SenderScope,
    opened: Opened,
    target: readiness::Target,
    threads: NonZero<usize>,
    context: &Context,
) -> Result<(ReviewList, Status), Failure> {
    let (asked, genuine) = reports(scope, scope.domains(context)?, None, opened, context)?;
    let how = Reviewing { target, thresholds: &context.config.readiness, genuine: &genuine, threads };
    let no_records = |_: &str| Ok::<_, Failure>(None);
    let reviews = asked.question().reviews(|survey| policy_domains(survey, &asked.domains), &how, no_records)?;
    if reviews.is_empty() {
        return Err(scope.no_data(&asked.store, asked.window));
    }
    Ok((ReviewList::of(reviews), asked.status))
}

/// The policy domains of a survey that are asked for.
pub(super) fn policy_domains(survey: &Survey, asked: &[String]) -> Vec<String> {
    let all = survey.domains.iter().map(|one| one.domain.clone());
    all.filter(|name| domain::is_among(name, asked)).collect()
}

/// What reviews are of: the reports on some domains, without those that do not count in the review of `domain`, or of all.
fn reports(
    scope: &SenderScope,
    domains: Vec<String>,
    domain: Option<&str>,
    (mut store, status): Opened,
    context: &Context,
) -> Result<(Asked, Genuine), Failure> {
    let window = scope.window(context)?;
    let genuine = Genuine::of(&store, window, &scope.domains(context)?, domain)?;
    store.leave_out_unchecked(genuine.unchecked_left_out);
    Ok((scope.ask_repeatably(window, domains, (store, status), context)?, genuine))
}
