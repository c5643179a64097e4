//! What a scan sums up, in small numbers: by report, path and kind, and by path and address.

use std::net::IpAddr;
use std::sync::Arc;

use super::grouped::Grouped;
use super::roles::network;
use super::sighting::Sighting;
use crate::alignment::DkimState;
use crate::report::period::Day;
use crate::store::OutcomeFacts;

/// Messages of one report, on one path, of one kind. A report may have several for the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Entry {
    /// Messages.
    pub messages: u64,
    /// The report, see [`Tally::report`].
    pub(super) report: u32,
    /// What their outcomes say, see [`Tally::facts`].
    pub(super) kind: u32,
}

/// A report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportMark {
    /// Its number, see [`Store::report`](crate::store::Store).
    pub report: i64,
    /// The day it counts on.
    pub day: Day,
    /// Who bears witness with it, by its place in [`Survey::reporter_names`](super::Survey::reporter_names).
    pub reporter: u32,
    /// Under which name answers list it, by its place in [`Survey::listed_reporters`](super::Survey::listed_reporters).
    pub listed: u32,
}

/// Messages from one address, of one DKIM state and with SPF aligned or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct AddressPart {
    pub(super) ip: IpAddr,
    /// The code of the DKIM state, and whether SPF aligns.
    pub(super) states: (u8, bool),
    pub(super) messages: u64,
    pub(super) seen: Sighting,
}

/// What a scan sums up.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub(super) kinds: Arc<Vec<OutcomeFacts>>,
    pub(super) reports: Vec<ReportMark>,
    /// The names of the reporters that bear witness.
    pub(super) reporters: Vec<String>,
    /// The names that reporters are listed under.
    pub(super) listed: Vec<String>,
    /// The one of them that all reports are which nobody checked, where others were checked.
    pub(super) unchecked: Option<u32>,
    /// By path, those of each in the order of their reports.
    pub(super) entries: Grouped<Entry>,
    /// By path.
    pub(super) addresses: Grouped<AddressPart>,
}

impl Tally {
    /// The entries of a path, by its place in [`Survey::paths`](super::Survey::paths).
    #[must_use]
    pub fn entries(&self, path: usize) -> &[Entry] {
        self.entries.of_group(path)
    }

    /// The entries of a path by whose word it is judged: where reports that passed saw it, theirs alone.
    pub fn telling(&self, path: usize) -> impl Iterator<Item = &Entry> {
        let entries = self.entries(path);
        let is_unchecked = |entry: &Entry| Some(self.report(entry).reporter) == self.unchecked;
        let any_checked =
            self.unchecked.is_some() && entries.iter().any(|entry| entry.messages > 0 && !is_unchecked(entry));
        entries.iter().filter(move |entry| !any_checked || !is_unchecked(entry))
    }

    /// The messages of a path that are not among those of [`telling`](Self::telling).
    #[must_use]
    pub fn messages_not_telling(&self, path: usize) -> u64 {
        let all = self.entries(path).iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.messages));
        let telling = self.telling(path).fold(0_u64, |sum, entry| sum.saturating_add(entry.messages));
        all.saturating_sub(telling)
    }

    /// What the outcomes of an entry say.
    #[must_use]
    pub fn facts(&self, entry: &Entry) -> &OutcomeFacts {
        &self.kinds[entry.kind as usize]
    }

    /// The report of an entry.
    #[must_use]
    pub fn report(&self, entry: &Entry) -> ReportMark {
        self.reports[entry.report as usize]
    }

    /// How many days have reports.
    #[must_use]
    pub fn days(&self) -> usize {
        let mut days: Vec<Day> = self.reports.iter().map(|report| report.day).collect();
        days.sort_unstable();
        days.dedup();
        days.len()
    }

    /// The addresses of a path as they were summed up.
    pub(super) fn address_parts(&self, path: usize) -> &[AddressPart] {
        self.addresses.of_group(path)
    }

    /// Whether a path sends from an address.
    #[must_use]
    pub fn sends_from(&self, path: usize, ip: IpAddr) -> bool {
        self.address_parts(path).iter().any(|part| part.ip == ip)
    }

    /// The addresses of a path, in order, each with its messages by DKIM state.
    #[must_use]
    pub fn addresses(&self, path: usize) -> Vec<AddressFigures> {
        self.addresses_since(path, Day::MIN)
    }

    /// The networks (a /24, a /48) from which a path sent mail with a verified signature of its domain, one for each of its
    /// addresses, with who saw it and when.
    pub fn signed_networks(&self, path: usize) -> impl Iterator<Item = (IpAddr, Sighting)> {
        let parts = self.address_parts(path).iter();
        let signed = parts.filter(|part| part.messages > 0 && part.states.0 == DkimState::Aligned.code());
        signed.map(|part| (network(part.ip), part.seen))
    }

    /// The addresses that a path sends from on a day or later. The messages are those of all days by the share of the days.
    #[must_use]
    pub fn addresses_since(&self, path: usize, day: Day) -> Vec<AddressFigures> {
        let mut parts = self.address_parts(path).to_vec();
        parts.sort_unstable_by_key(|part| (part.ip, part.states));
        let mut found: Vec<AddressFigures> = Vec::new();
        for part in parts {
            let (seen, messages) = part.seen.part_since(day, part.messages);
            if messages == 0 {
                continue;
            }
            let (ip, (dkim, spf_aligned)) = (part.ip, part.states);
            if found.last().is_none_or(|last| last.ip != ip) {
                found.push(AddressFigures { ip, dkim: [0; 5], spf_aligned: 0, not_aligned: Sighting::default() });
            }
            if let Some(last) = found.last_mut() {
                last.dkim[usize::from(dkim)] += messages;
                last.spf_aligned += if spf_aligned { messages } else { 0 };
                if DkimState::from_code(dkim)
                    .is_some_and(|state| state != DkimState::Aligned && state != DkimState::Unknown)
                {
                    last.not_aligned.extend(seen);
                }
            }
        }
        found
    }
}

/// A set of small numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn insert(&mut self, at: usize) {
        let word = at / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (at % 64);
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0
            .iter()
            .enumerate()
            .flat_map(|(at, word)| (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit))
    }
}

/// First and last of some days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days {
    pub(super) first: Day,
    pub(super) last: Day,
}

impl Default for Days {
    fn default() -> Self {
        Days { first: Day::MAX, last: Day::MIN }
    }
}

impl Days {
    pub(super) fn add(&mut self, day: Day) {
        self.first = self.first.min(day);
        self.last = self.last.max(day);
    }

    /// Adds all of some others.
    pub(super) fn extend(&mut self, other: Days) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    /// Whether there was more than one.
    pub(super) fn several(self) -> bool {
        self.last > self.first
    }
}

/// Sums by policy domain.
#[derive(Debug, Default)]
pub(super) struct DomainSums {
    /// Messages; those that passed DMARC; with aligned DKIM; with aligned SPF.
    pub(super) figures: [u64; 4],
    pub(super) reports: u64,
    pub(super) reporters: Bits,
    last_day: Option<Day>,
    /// The reports of the last day.
    pub(super) last_reports: Vec<i64>,
}

impl DomainSums {
    pub(super) fn add(&mut self, figures: [u64; 4]) {
        for (sum, figure) in self.figures.iter_mut().zip(figures) {
            *sum += figure;
        }
    }

    /// Puts the names that reporters are listed under in their place.
    pub(super) fn settle_reporters(&mut self, listed: &[u32]) {
        let mut reporters = Bits::default();
        self.reporters.iter().for_each(|met| reporters.insert(listed[met] as usize));
        self.reporters = reporters;
    }

    /// Adds a report; they come in the order of their days.
    pub(super) fn add_report(&mut self, report: i64, day: Day, reporter: u32) {
        self.reports += 1;
        self.reporters.insert(reporter as usize);
        if self.last_day < Some(day) {
            self.last_day = Some(day);
            self.last_reports.clear();
        }
        self.last_reports.push(report);
    }
}

/// Messages from one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressFigures {
    /// The address.
    pub ip: IpAddr,
    /// Messages by DKIM state, in the order of [`DkimState::ALL`](crate::alignment::DkimState::ALL).
    pub dkim: [u64; 5],
    /// Messages with aligned SPF.
    pub spf_aligned: u64,
    /// Who saw messages that are not signed as the domain, and when.
    pub not_aligned: Sighting,
}
