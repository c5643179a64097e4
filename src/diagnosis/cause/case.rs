//! The inputs from which a cause is determined, and its evidence.

use std::collections::HashMap;
use std::net::IpAddr;

use serde::Serialize;

use super::change::Change;
use super::keys::Keys;
use crate::cause::Cause;
use crate::diagnosis::class::Class;
use crate::diagnosis::consensus::view::View;
use crate::diagnosis::own_paths::OwnPaths;
use crate::diagnosis::states::States;
use crate::providers::Provider;
use crate::query::{AddressFigures, Entry, PathFigures, SignerUse, Survey};
use crate::report::period::Day;

/// No more addresses or names are listed.
pub(super) const LISTED: usize = 20;

/// Why a path does not pass, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CauseEvidence {
    /// In a sentence.
    pub text: String,
    /// The messages that show it.
    pub messages: u64,
    /// Of how many.
    pub of: u64,
    /// How many reporters show it.
    pub reporters: u64,
    /// The machines, where it is a matter of some; the busiest first.
    pub addresses: Vec<IpAddr>,
    /// The selectors, where it is a matter of keys.
    pub selectors: Vec<String>,
    /// The reverse-path domains, signing domains or reporters that it is a matter of.
    pub names: Vec<String>,
    /// Since when, where that is another day than that of a change of how the path signs.
    #[serde(skip)]
    pub(in crate::diagnosis) since: Option<Day>,
    /// What reports show beyond that, where the remedy depends on it.
    #[serde(skip)]
    pub(in crate::diagnosis) fault: Option<Fault>,
}

/// What reports show beyond what the cause says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnosis) enum Fault {
    /// The time of the signatures was over (x=).
    Expired,
    /// The key was revoked: its record is published with an empty p= (RFC 6376 §3.6.1).
    Revoked,
    /// There is a record, and it cannot be read as a key.
    Unreadable,
    /// Receivers refuse the key as too short.
    TooShort,
    /// The same key verifies for other senders only: it may be another private key, or the mail is changed.
    OtherKey,
    /// The body is changed at some of the machines.
    BodyAtMachines,
    /// The key is missing for mail that was not forwarded, too.
    LostAtHome,
    /// The sender signs a part of the mail as the domain: it is set up there.
    InPart,
    /// Both SPF and DKIM miss alignment by the strict modes.
    StrictTwice,
}

impl CauseEvidence {
    pub(super) fn new(text: impl Into<String>, (messages, of): (u64, u64), reporters: usize) -> Self {
        CauseEvidence {
            text: text.into(),
            messages,
            of,
            reporters: reporters as u64,
            addresses: Vec::new(),
            selectors: Vec::new(),
            names: Vec::new(),
            since: None,
            fault: None,
        }
    }
}

/// A cause with its evidence.
pub(in crate::diagnosis) type Explained = (Cause, CauseEvidence);

/// What a cause is found from.
pub(in crate::diagnosis) struct Case<'c, 's> {
    pub(in crate::diagnosis) survey: &'c Survey,
    pub(in crate::diagnosis) at: usize,
    pub(in crate::diagnosis) path: &'c PathFigures,
    pub(in crate::diagnosis) class: Class,
    /// What counts, since the last change.
    pub(in crate::diagnosis) view: &'c View,
    pub(in crate::diagnosis) change: Option<&'c Change>,
    /// Since the last change.
    pub(in crate::diagnosis) addresses: &'c [AddressFigures],
    pub(in crate::diagnosis) provider: Option<&'c Provider>,
    /// Which keys verify for which paths.
    pub(in crate::diagnosis) keys: &'c Keys<'s>,
    pub(in crate::diagnosis) own_paths: &'c OwnPaths<'s>,
}

impl<'c> Case<'c, '_> {
    /// What reporters say of the path since its last change.
    pub(super) fn entries(&self) -> impl Iterator<Item = &'c Entry> {
        let (tally, from) = (&self.survey.tally, self.change.map_or(Day::MIN, |change| change.day));
        let all = tally.entries(self.at).iter();
        all.filter(move |entry| entry.messages > 0 && tally.report(entry).day >= from)
    }

    /// The messages of these by DKIM state.
    pub(super) fn states(&self) -> States {
        let mut sums = States::default();
        self.entries().for_each(|entry| add(&mut sums, self, entry));
        sums
    }

    /// The domains that SPF authenticated most, with the messages of these by DKIM state.
    pub(super) fn envelopes(&self) -> Vec<(&'c str, States)> {
        let mut sums: HashMap<i64, States> = HashMap::new();
        for entry in self.entries() {
            if let Some(envelope) = self.survey.tally.facts(entry).envelope {
                add(sums.entry(envelope).or_default(), self, entry);
            }
        }
        let named = self.path.envelopes.iter();
        named.filter_map(|(number, name)| Some((name.as_str(), *sums.get(number)?))).collect()
    }

    /// The sets of signatures, with the messages of these.
    pub(super) fn signers(&self) -> Vec<(&'c SignerUse, u64)> {
        let mut sums: HashMap<i64, u64> = HashMap::new();
        for entry in self.entries() {
            *sums.entry(self.survey.tally.facts(entry).signers).or_default() += entry.messages;
        }
        self.path.signers.iter().filter_map(|list| Some((list, *sums.get(&list.list)?))).collect()
    }
}

fn add(sums: &mut States, case: &Case<'_, '_>, entry: &Entry) {
    sums[usize::from(case.survey.tally.facts(entry).dkim.code())] += entry.messages;
}
