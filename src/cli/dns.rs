//! `dmarcstat dns`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::anyhow;
use jiff::civil::Date;

use super::context::Context;
use super::failure::{Failure, Outcome, Status};
use super::live::Live;
use super::scope::domain_name;
use crate::diagnosis::{self as keys, KeyChoice, SelectorUse, SendingPath, Wanted, by_place, diagnose};
use crate::dns::{self, DnsAudit, NewestReport, Origin, Request, Selector};
use crate::domain;
use crate::finding::Severity;
use crate::query::{Bound, Scan, WindowChoice, key_survey, reporter_days};
use crate::render::DnsAnswer;
use crate::report::period::{Day, date_of, day_of};
use crate::role::Role;
use crate::store::{Store, StoreError};

/// The live DNS records of a domain: DMARC, SPF, DKIM keys, report authorisation
///
/// The DKIM selectors to look at are taken from the reports in the database, where there is one; --selector adds to them.
#[derive(Debug, clap::Args)]
pub(super) struct Dns {
    /// The domain
    #[arg(value_name = "DOMAIN")]
    domain: String,
    /// Look at this DKIM selector too: s1, or in full s1._domainkey.news.example.com (repeatable)
    #[arg(long, value_name = "NAME")]
    selector: Vec<String>,
    /// How far back reports are searched for DKIM selectors: 7d, 4w, 2026-11-01, all
    #[arg(short, long, value_name = "TIME", default_value = "90d")]
    since: Bound,
    /// Exit with 4 when an error is found, or could not be ruled out
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    live: Live,
}

/// Its id in the catalogue.
const MICROSOFT_365: &str = "microsoft-365";
/// The time for all look-ups of a review.
const REVIEW_TIME: Duration = Duration::from_secs(30);
/// Selectors looked at; reports may name any number of invented ones.
const MOST_SELECTORS: usize = 60;
/// Addresses held against SPF.
const MOST_ADDRESSES: usize = 200;
/// Days without its signatures after which a key may be retired.
const RETIRED_DAYS: i32 = 7;

impl Dns {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let name = domain_name(&self.domain)?;
        context.asked_domains(vec![name.clone()])?;
        let mut selectors: Vec<Selector> = self
            .selector
            .iter()
            .map(|selector| match selector.split_once("._domainkey.") {
                Some((selector, domain)) => (selector.to_owned(), domain.trim_end_matches('.').to_ascii_lowercase()),
                None => (selector.clone(), name.clone()),
            })
            .map(|(selector, domain)| Selector { domain, selector, origin: Origin::Asked })
            .collect();
        let store = match context.open_to_read() {
            Ok(store) => Some(store),
            // The records are there without any reports.
            Err(Failure::Failed(error)) if matches!(error.downcast_ref(), Some(StoreError::Missing(_))) => None,
            Err(failure) => return Err(failure),
        };
        let seen =
            store.as_ref().map(|store| Seen::of(&name, store, self.since, context)).transpose()?.unwrap_or_default();
        let known = |selector: &Selector| {
            selectors.iter().any(|asked| (&asked.domain, &asked.selector) == (&selector.domain, &selector.selector))
        };
        let seen_selectors: Vec<Selector> =
            seen.selectors.iter().filter(|selector| !known(selector)).cloned().collect();
        selectors.extend(seen_selectors);
        let audit = audit(&name, &selectors, &seen, &self.live, context)?;
        let bad = audit
            .findings
            .iter()
            .any(|one| one.outcome != dns::Outcome::Passed && one.finding.severity == Severity::Error);
        let answer = DnsAnswer {
            schema: "dmarcstat/dns/2",
            resolver: self.live.resolver.map(|server| server.to_string()),
            selectors_left_out: seen.left_out,
            audit,
        };
        context.show(&answer)?;
        Ok(if self.exit_code && bad { Status::No } else { Status::Done })
    }
}

/// What the database knows that bears on a domain's records.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The selectors that reports name, most mail first.
    pub(super) selectors: Vec<Selector>,
    /// How many more there are.
    pub(super) left_out: usize,
    newest_report: Option<NewestReport>,
    microsoft365: bool,
    /// Addresses of machines that reports show as the domain's own.
    own_addresses: Vec<IpAddr>,
}

impl Seen {
    /// Asks the database about the mail of a domain.
    pub(super) fn of(name: &str, store: &Store, since: Bound, context: &Context) -> Result<Self, Failure> {
        let today = context.today();
        let window = WindowChoice { since, until: Some(Bound::Today), today }.window().map_err(Failure::Usage)?;
        let known = context.known()?;
        let domains = [name.to_owned()];
        let mut scan = Scan::new(store, window, &domains, known.knowledge())?;
        let survey = scan.survey()?;
        let microsoft365 = survey
            .paths
            .iter()
            .any(|path| path.provider.as_deref() == Some(MICROSOFT_365) && (path.own_tenant || path.authenticated > 0));
        let paths = diagnose(&survey, &known.rules(), 0, Wanted::All).paths;
        let uses = key_survey(&survey);
        let keys = keys::selectors(&uses, &by_place(&paths), KeyChoice { others: true, min_messages: 0 }).selectors;
        let newest_day = survey.days.map(|(_, last)| date_of(last).to_string()).unwrap_or_default();
        let mut selectors: Vec<(Selector, u64)> = keys
            .iter()
            .filter(|key| domain::aligned(&key.signing_domain, name))
            .filter_map(|key| {
                let selector = key.selector.as_ref()?.to_ascii_lowercase();
                Some((
                    Selector { domain: key.signing_domain.clone(), selector, origin: origin(key, &keys, &newest_day) },
                    key.messages,
                ))
            })
            .collect();
        // What verified first: nobody can crowd it out with inventions.
        selectors.sort_by_key(|(one, messages)| (one.origin, std::cmp::Reverse(*messages)));
        let mut listed = BTreeSet::new();
        selectors.retain(|(one, _)| listed.insert((one.domain.clone(), one.selector.clone())));
        let left_out = selectors.len().saturating_sub(MOST_SELECTORS);
        selectors.truncate(MOST_SELECTORS);
        let selectors = selectors.into_iter().map(|(selector, _)| selector);
        let own_addresses = own_addresses(name, &paths);
        let present = reporter_days(store, Day::MIN, day_of(today), &[])?;
        let about = present.iter().filter(|one| domain::is_within(name, &one.domain));
        let newest = about.filter_map(|one| one.days.keys().next_back()).max().copied();
        let newest_report =
            newest.map(date_of).map(|day| NewestReport { day, days_ago: (today - day).get_days().into() });
        Ok(Seen { selectors: selectors.collect(), left_out, newest_report, microsoft365, own_addresses })
    }
}

/// What reports say of a key. It is retired where its signatures verified, were not seen for a week, and a path that it
/// signed has been signed with another of the same domain since.
fn origin(key: &SelectorUse, keys: &[SelectorUse], newest_day: &str) -> Origin {
    if key.verified == 0 {
        return Origin::Unverified;
    }
    let date = |text: &str| text.parse::<Date>().ok();
    let quiet = date(newest_day)
        .zip(date(&key.last_seen))
        .is_some_and(|(newest, last)| (newest - last).get_days() >= RETIRED_DAYS);
    let on_its_paths =
        |other: &SelectorUse| other.senders.iter().any(|one| key.senders.iter().any(|sender| sender.path == one.path));
    let taken_over = quiet
        && keys.iter().any(|other| {
            other.signing_domain == key.signing_domain
                && other.last_verified.as_ref().is_some_and(|day| *day > key.last_seen)
                && on_its_paths(other)
        });
    if taken_over { Origin::Retired } else { Origin::Verified }
}

/// The addresses of machines that are the domain's own by what reports show: they send mail that the domain signed, and are
/// neither a provider's nor somebody who forwards.
fn own_addresses(name: &str, paths: &[SendingPath]) -> Vec<IpAddr> {
    let own = |path: &&SendingPath| {
        path.domain == name && path.role == Role::Own && path.provider.is_none() && path.dkim.aligned > 0
    };
    let mut addresses: Vec<IpAddr> = paths.iter().filter(own).flat_map(|path| path.source_ips.clone()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(MOST_ADDRESSES);
    addresses
}

/// Looks at the live records of a domain. Where not a single question was answered, every finding says so.
///
/// # Errors
/// Where there are no name servers to ask.
pub(super) fn look(
    name: &str,
    selectors: &[Selector],
    seen: &Seen,
    live: &Live,
    context: &Context,
) -> Result<DnsAudit, Failure> {
    let receivers: Vec<String> = context.config.accounts.iter().map(|account| account.user.clone()).collect();
    let request = Request {
        domain: name,
        selectors,
        receivers: &receivers,
        newest_report: seen.newest_report,
        microsoft365: seen.microsoft365,
        own_addresses: &seen.own_addresses,
    };
    let lookup = live.lookup(REVIEW_TIME)?;
    Ok(dns::audit(&*lookup, &request))
}

/// The same, and an error where not a single question was answered.
fn audit(name: &str, selectors: &[Selector], seen: &Seen, live: &Live, context: &Context) -> Result<DnsAudit, Failure> {
    let audit = look(name, selectors, seen, live, context)?;
    if audit.could_look {
        return Ok(audit);
    }
    let reason = audit.findings.iter().map(|one| one.finding.detail.as_str()).next().unwrap_or("could not look");
    let whom = live.resolver.map_or_else(|| "the name servers of this system".to_owned(), |server| server.to_string());
    Err(Failure::Failed(anyhow!(
        "{reason}: nothing is known about {name}, because {whom} did not answer; try again, or name another with --resolver"
    )))
}
