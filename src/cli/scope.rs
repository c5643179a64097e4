//! Which reports a question is about: those on some domains, of some days, from the database or from files.

use std::ops::Deref;

use anyhow::anyhow;

use super::context::Context;
use super::data::{Data, HEADING, Opened};
use super::failure::Failure;
use crate::domain::{self, is_among};
use crate::query::Window;
use crate::report::period::{Day, date_of};
use crate::store::{Store, StoreError};
use crate::words::{grouped, list};

/// Which reports a question is about.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Scope {
    /// Only this domain and its subdomains (repeatable)
    #[arg(short, long, value_name = "DOMAIN", help_heading = HEADING)]
    domain: Vec<String>,
    #[command(flatten)]
    data: Data,
}

impl Deref for Scope {
    type Target = Data;

    fn deref(&self) -> &Data {
        &self.data
    }
}

impl Scope {
    /// Opens what the answer comes from; the status says whether all of it could be read.
    pub(super) fn open(&self, context: &Context) -> Result<Opened, Failure> {
        // What is wrong with the options is said before anything is read.
        self.domains(context)?;
        self.data.open(context)
    }

    /// The same of these last days.
    pub(super) fn over(&self, days: &str) -> Self {
        Scope { domain: self.domain.clone(), data: self.data.over(days) }
    }

    /// Whether domains were named.
    pub(super) fn has_domains(&self) -> bool {
        !self.domain.is_empty()
    }

    pub(super) fn domains(&self, context: &Context) -> Result<Vec<String>, Failure> {
        context.asked_domains(self.domain.iter().map(|text| domain_name(text)).collect::<Result<_, _>>()?)
    }

    /// The error of having nothing to answer from, with what there is.
    pub(super) fn no_data(&self, store: &Store, window: Window) -> Failure {
        let named: Result<Vec<String>, _> = self.domain.iter().map(|text| domain_name(text)).collect();
        named.map_or_else(|failure| failure, |domains| self.no_data_on(&domains, store, window))
    }

    /// The same of domains that need not be those of the option.
    pub(super) fn no_data_on(&self, asked: &[String], store: &Store, window: Window) -> Failure {
        self.what_there_is(asked, store, window).unwrap_or_else(Failure::from)
    }

    fn what_there_is(&self, asked: &[String], store: &Store, window: Window) -> Result<Failure, StoreError> {
        let (foreign, totals) = (store.foreign_domains()?, store.day_totals(Day::MIN, Day::MAX)?);
        let those = foreign.iter().map(|one| one.domain.as_str());
        let those = those.filter(|name| !asked.is_empty() && is_among(name, asked));
        if let Some(failure) = not_the_owners("reports", "reports --foreign", those) {
            return Ok(failure);
        }
        let (Some(first), Some(last)) = (totals.first(), totals.last()) else {
            let left_out = left_out(store)?;
            return Ok(Failure::Failed(if !left_out.is_empty() {
                anyhow!("no reports to answer from: of those there are, {}", left_out.join(", "))
            } else if foreign.is_empty() {
                anyhow!("no reports to answer from: {}", self.why_none())
            } else {
                let domains = list(foreign.iter().map(|one| &one.domain), 10);
                anyhow!(
                    "no reports on the domains of [owner] to answer from; there are some on {domains}: \
                     `dmarcstat reports --foreign`"
                )
            }));
        };
        let mut domains: Vec<&str> = totals.iter().map(|total| total.domain.as_str()).collect();
        domains.sort_unstable();
        domains.dedup();
        let asked = if asked.is_empty() { String::new() } else { format!(" on {}", asked.join(", ")) };
        Ok(Failure::Failed(anyhow!(
            "no reports{asked} {}; there are reports from {} to {}, on {}; choose with --since, --until and --domain",
            shown(window),
            date_of(first.day),
            date_of(last.day),
            list(domains, 10),
        )))
    }
}

/// How many reports are in no answer, for each reason, with the command that lists them.
fn left_out(store: &Store) -> Result<Vec<String>, StoreError> {
    let all = [
        (store.dropped_reports()?, "dropped", "--dropped"),
        (store.ignored_reports()?, "of ignored reporters", "--ignored"),
        (store.untrusted_reports()?, "of mail that failed DMARC", "--untrusted"),
    ];
    let some = all.into_iter().filter(|(number, ..)| *number > 0);
    let told = some.map(|(number, what, option)| {
        format!(
            "{} {} {what} (`dmarcstat reports {option} --since all`)",
            grouped(number),
            if number == 1 { "is" } else { "are" }
        )
    });
    Ok(told.collect())
}

/// The error of asking for domains on which there are reports, none of them the owner's; `command` lists `what`.
pub(super) fn not_the_owners<'d>(what: &str, command: &str, domains: impl Iterator<Item = &'d str>) -> Option<Failure> {
    let domains: Vec<&str> = domains.collect();
    let (are, them) = match domains.as_slice() {
        [] => return None,
        [_] => ("is none", "it"),
        _ => ("are none", "them"),
    };
    let domains = list(domains, 10);
    Some(Failure::Failed(anyhow!(
        "no {what} to answer from: {domains} {are} of the domains of [owner], so what is reported on {them} is in no answer; \
         `dmarcstat {command}` lists it, and [owner] domains of the configuration is where to add {them}"
    )))
}

/// A domain as typed, in its one spelling.
pub(super) fn domain_name(text: &str) -> Result<String, Failure> {
    domain::typed(text)
        .map(|name| name.into_owned())
        .ok_or_else(|| Failure::Usage(format!("invalid domain {text:?}: use a name such as example.com")))
}

pub(super) fn shown(window: Window) -> String {
    match (window.first, window.last) {
        (Day::MIN, Day::MAX) => "at all".to_owned(),
        (Day::MIN, last) => format!("up to {}", date_of(last)),
        (first, Day::MAX) => format!("since {}", date_of(first)),
        (first, last) => format!("from {} to {}", date_of(first), date_of(last)),
    }
}
