//! `--resolve`: names of addresses by reverse DNS, for paths that nothing else names.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use super::context::Context;
use super::failure::Failure;
use super::failure::say;
use super::live::Live;
use crate::answer::Known;
use crate::dns::hosts::{Host, confirm};
use crate::query::{NamedBy, Survey, Window, survey};
use crate::store::{KnownHost, Store};

/// When to look up the names of addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Resolve {
    /// On a terminal, for the paths shown that nothing else names, for two seconds at most; names already known are used everywhere
    #[default]
    Auto,
    /// For all addresses that neither ledger nor catalogue names, however long it takes
    Always,
    /// Not at all, and without the names already known: the answer rests on the reports alone
    Never,
}

/// Whether and how to find names of addresses.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Resolving {
    /// When to look up the host names of sending addresses
    #[arg(long, value_enum, default_value_t)]
    resolve: Resolve,
    #[command(flatten)]
    live: Live,
}

const DAY: i64 = 24 * 60 * 60;
/// A name is asked for again after this time …
const NAME_STAYS: i64 = 30 * DAY;
/// … and after this time where there was none.
const NONE_STAYS: i64 = 3 * DAY;
/// How long a name is used when nobody asks again.
const NAME_SERVES: i64 = 90 * DAY;
/// A failure that took less costs nothing to meet again.
const SLOW: Duration = Duration::from_secs(1);
/// How long no name server is asked without `--resolve` after a wait in which nothing was answered.
const PAUSE: i64 = 60 * 60;
/// The time for `auto`, in which somebody waits.
const SHORT: Duration = Duration::from_secs(2);
/// The time for `always`.
const LONG: Duration = Duration::from_secs(600);

/// Which paths an address is looked up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Of those that nothing else names.
    Nameless,
    /// Of all that neither ledger nor catalogue names.
    Uncatalogued,
}

impl Resolving {
    /// What is known of senders: with the host names that the database has, and, where they are wanted, those of the paths in this
    /// window that lack a name. `keep` says whether the database is to remember them.
    pub(super) fn known(
        &self,
        wanted: Option<Wanted>,
        store: &Store,
        window: Window,
        domains: &[String],
        keep: bool,
        context: &Context,
    ) -> Result<Known, Failure> {
        let mut known = context.known()?;
        self.recall(&mut known, store, context)?;
        if let Some(wanted) = wanted {
            let survey = survey(store, window, domains, known.knowledge())?;
            self.look_up(&survey, wanted, &mut known, keep, context)?;
        }
        Ok(known)
    }

    /// Adds the names that the database knows.
    fn recall(&self, known: &mut Known, store: &Store, context: &Context) -> Result<(), Failure> {
        if self.resolve == Resolve::Never {
            return Ok(());
        }
        let now = context.now.as_second();
        known.silent_since = store.silent_since()?;
        for host in store.known_hosts(now.saturating_sub(NAME_SERVES))? {
            let stays = if host.name.is_some() { NAME_STAYS } else { NONE_STAYS };
            if host.looked_up >= now.saturating_sub(stays) {
                known.looked_up.insert(host.address);
            }
            known.hosts.extend(host.name.map(|name| (host.address, name)));
        }
        Ok(())
    }

    /// Whom to ask.
    pub(super) fn live(&self) -> &Live {
        &self.live
    }

    /// Whether anybody is to be asked, and for which paths.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        match self.resolve {
            Resolve::Always => Some(Wanted::Uncatalogued),
            Resolve::Auto if cfg!(feature = "dns") && std::io::stdout().is_terminal() => Some(Wanted::Nameless),
            Resolve::Auto | Resolve::Never => None,
        }
    }

    /// Looks up the addresses of paths, those that matter most first, and adds what can be believed to what is
    /// known. `keep` says whether the database is to remember it.
    fn look_up(
        &self,
        survey: &Survey,
        wanted: Wanted,
        known: &mut Known,
        keep: bool,
        context: &Context,
    ) -> Result<(), Failure> {
        let mut seen = BTreeSet::new();
        let asked = |address: &IpAddr| known.looked_up.contains(address);
        let open: Vec<IpAddr> =
            addresses(survey, wanted).filter(|address| !asked(address) && seen.insert(*address)).collect();
        let unasked = self.resolve == Resolve::Auto;
        let silent = known.silent_since.is_some_and(|at| at >= context.now.as_second().saturating_sub(PAUSE));
        if open.is_empty() || unasked && silent {
            return Ok(());
        }
        let time = if self.resolve == Resolve::Always { LONG } else { SHORT };
        let lookup = match self.live.lookup(time) {
            Ok(lookup) => lookup,
            Err(failure) if self.resolve == Resolve::Always => return Err(failure),
            // Nobody asked for it: a machine without name servers answers from the reports alone.
            Err(_) => return Ok(()),
        };
        let began = Instant::now();
        let found = confirm(&*lookup, &open);
        let took = began.elapsed();
        let now = context.now.as_second();
        let mut answered = Vec::new();
        for (address, host) in found {
            let name = match host {
                Host::Confirmed(name) => Some(name),
                Host::Unconfirmed => None,
                // Not knowing is not an answer: it is asked again next time.
                Host::CouldNotLook => continue,
            };
            known.hosts.remove(&address);
            known.hosts.extend(name.clone().map(|name| (address, name)));
            known.looked_up.insert(address);
            answered.push(KnownHost { address, name, looked_up: now });
        }
        if unasked && answered.is_empty() && took >= SLOW {
            self.nobody_answered(keep, context);
        }
        let silent = open.len() - answered.len();
        if silent > 0 && !context.quiet && (self.resolve == Resolve::Always || context.verbose) {
            say(&format!(
                "dmarcstat: note: the host names of {silent} of {} addresses could not be looked up",
                open.len()
            ));
        }
        if keep && !answered.is_empty() {
            let kept = context.open_to_write().and_then(|mut store| {
                store.remember_hosts(&answered, now.saturating_sub(NAME_SERVES)).map_err(Failure::from)
            });
            // The answer does not need it: it is given from a database that may only be read, too.
            if let (Err(Failure::Failed(error)), true) = (kept, context.verbose) {
                say(&format!(
                    "dmarcstat: note: host names are not kept: {}",
                    crate::sanitize::sanitize(&format!("{error:#}"))
                ));
            }
        }
        Ok(())
    }
}

impl Resolving {
    /// Says that nothing was answered, and remembers it, so that it is not waited for again at the next question.
    fn nobody_answered(&self, keep: bool, context: &Context) {
        if !context.quiet {
            say(
                "dmarcstat: note: no address could be looked up; that is tried again in an hour, and with --resolve never not at all",
            );
        }
        if keep && let Ok(mut store) = context.open_to_write() {
            // As above, the answer is given from a database that may only be read, too.
            let _ = store.note_silence(context.now.as_second());
        }
    }
}

/// The addresses of the paths that are to get a name, those of paths with the most failing mail first.
fn addresses(survey: &Survey, wanted: Wanted) -> impl Iterator<Item = IpAddr> {
    let open = |rule: NamedBy| match wanted {
        Wanted::Nameless => matches!(rule, NamedBy::SigningDomain | NamedBy::Network),
        Wanted::Uncatalogued => {
            !matches!(rule, NamedBy::Ledger | NamedBy::Envelope | NamedBy::Range | NamedBy::Nothing)
        }
    };
    let mut paths: Vec<usize> = (0..survey.paths.len()).filter(|&at| open(survey.paths[at].named_by)).collect();
    paths.sort_by_key(|&at| {
        let path = &survey.paths[at];
        Reverse((path.messages - path.dmarc_pass.min(path.messages), path.messages))
    });
    paths.into_iter().flat_map(|at| survey.tally.addresses(at)).map(|figures| figures.ip)
}
