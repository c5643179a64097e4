//! `dmarcstat dns`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome, Status};
use super::known::Known;
use super::live::Live;
use crate::alignment::AuthResult;
use crate::dns::{self, DnsAudit, NewestReport, Origin, Request, Selector};
use crate::domain;
use crate::finding::Severity;
use crate::query::{Bound, WindowChoice, survey};
use crate::render::{self, DnsAnswer};
use crate::report::period::{Day, date_of};
use crate::store::{Store, StoreError};

/// The live DNS records of a domain: DMARC, SPF, DKIM keys, report authorisation
///
/// Which DKIM selectors to look at is taken from the reports in the database, where there is one; --selector adds to them.
#[derive(Debug, clap::Args)]
pub(super) struct Dns {
    /// The domain
    #[arg(value_name = "DOMAIN")]
    domain: String,
    /// Look at this DKIM selector too: s1, or in full s1._domainkey.news.example.com (repeatable)
    #[arg(long, value_name = "NAME")]
    selector: Vec<String>,
    /// How far back reports are searched for DKIM selectors: 7d, 4w, 2026-11-01, all
    #[arg(long, value_name = "TIME", default_value = "90d")]
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

impl Dns {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let name = domain::normalize(&self.domain)
            .filter(|name| !name.contains(|c: char| c.is_whitespace() || c == '@' || c == '/'))
            .ok_or_else(|| Failure::Usage(format!("{:?} is no domain", self.domain)))?
            .into_owned();
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
        let (format, style) = (context.format, context.style);
        render::dns(&answer, format.into(), &style, context.out())?;
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
}

impl Seen {
    /// Asks the database about the mail of a domain.
    pub(super) fn of(name: &str, store: &Store, since: Bound, context: &Context) -> Result<Self, Failure> {
        let today = context.now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let window = WindowChoice { since, until: Some(Bound::Today), today }.window().map_err(Failure::Usage)?;
        let known = Known::of(context)?;
        let survey = survey(store, window, &[name.to_owned()], known.knowledge())?;
        let mut uses: BTreeMap<(String, String), (u64, bool)> = BTreeMap::new();
        let microsoft365 = survey
            .paths
            .iter()
            .any(|path| path.provider.as_deref() == Some(MICROSOFT_365) && (path.own_tenant || path.vouched > 0));
        for set in survey.paths.iter().flat_map(|path| &path.signers) {
            for signer in set.signers.iter() {
                if let Some(selector) = signer.selector.as_ref().filter(|_| domain::aligned(&signer.domain, name)) {
                    let entry = uses.entry((signer.domain.clone(), selector.to_ascii_lowercase())).or_default();
                    entry.0 += set.messages;
                    entry.1 |= signer.result == AuthResult::Pass;
                }
            }
        }
        let mut uses: Vec<_> = uses.into_iter().collect();
        // What verified first: nobody can crowd it out with inventions.
        uses.sort_by_key(|(_, (messages, verified))| (!verified, std::cmp::Reverse(*messages)));
        let left_out = uses.len().saturating_sub(MOST_SELECTORS);
        let selectors = uses.into_iter().take(MOST_SELECTORS).map(|((domain, selector), (_, verified))| Selector {
            domain,
            selector,
            origin: if verified { Origin::Verified } else { Origin::Unverified },
        });
        let totals = store.day_totals(Day::MIN, Day::MAX)?;
        let newest = totals.iter().filter(|total| domain::is_within(name, &total.domain)).map(|total| total.day).max();
        let newest_report =
            newest.map(date_of).map(|day| NewestReport { day, days_ago: (today - day).get_days().into() });
        Ok(Seen { selectors: selectors.collect(), left_out, newest_report, microsoft365 })
    }
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
