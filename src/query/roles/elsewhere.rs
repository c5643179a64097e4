//! Mail that the owner signs at home elsewhere, beside which an account that sends little is not proven to be the owner's.
//!
//! Who signs all mail at one provider often leaves the last one's include in the SPF record. From then on no own signature
//! verifies there, and the account of whoever writes the domain into an envelope signs most of what little mail is left. The
//! owner's account there, if there still is one, looks the same: the reports cannot tell them apart.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rustc_hash::FxHashMap;

use super::gather::Gathered;
use super::keys::{MOST, WHOLE_DAY, part_of_day};
use super::owner::{AccountNumber, Owner};
use crate::providers::Kind;
use crate::query::naming::Sender;
use crate::query::tally::Days;
use crate::report::period::Day;
use crate::witness::{has_share, robust_share};

/// Beside mail that the domain signs at another provider of people's mail, an account with less than this share is not proven.
const SHARE_BESIDE_PROVIDERS: f64 = 0.20;
/// Servers of the owner's that sign may send anything, and people's mail be at the provider: beside these it is this share.
const SHARE_BESIDE_SERVERS: f64 = 0.05;
/// An account is judged over this many days at least, so that a burst is not most of them.
const DAYS: usize = 10;

/// The groups at a place where the owner may have an account.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The header From that it is of alone.
    pub(super) from: Option<i64>,
    /// Those with aligned SPF have the account that they show, if they show one.
    pub(super) groups: Vec<(usize, Option<Option<AccountNumber>>)>,
    /// One of them shows an account.
    pub(super) has_account: bool,
}

/// The groups with own signatures at home, by organizational domain: those at mailbox hosts, at gateways, and at addresses with the
/// domain itself as reverse-path. A service signs what it sends, whoever's account the people's mail is at, and writes a reverse-path
/// below the domain where its machines are not catalogued.
#[derive(Default)]
pub(super) struct SignedAtHome(HashMap<u32, Vec<usize>>);

impl SignedAtHome {
    pub(super) fn of(owner: &Owner<'_>) -> Self {
        let gathered = owner.gathered;
        let mut found = SignedAtHome::default();
        for at in 0..gathered.len() {
            let (identity, own) = (gathered.identity(at), gathered.own(at));
            let sends = || match gathered.kind(at) {
                None => identity.envelope.as_deref() == Some(gathered.ground.organizations.get(identity.organization)),
                Some(kind) => matches!(kind, Kind::MailboxHost | Kind::Gateway),
            };
            if own.spf && own.verified && owner.is_aligned(at) && sends() {
                found.0.entry(identity.organization).or_default().push(at);
            }
        }
        found
    }

    /// The accounts at a place that sign little beside what the domain signs elsewhere at home. A name that has an SPF record of its
    /// own is held against mail of that name alone.
    pub(super) fn outweighs(
        &self,
        gathered: &Gathered<'_>,
        place: &Place,
        accounts: &[AccountNumber],
    ) -> HashSet<AccountNumber> {
        let (at, sender) = (place.groups[0].0, gathered.sender(place.groups[0].0));
        let Some(all) = self.0.get(&gathered.identity(at).organization) else { return HashSet::new() };
        if !matches!(sender, Sender::Provider(_)) {
            return HashSet::new();
        }
        let is_asked = |of: usize| place.from.is_none_or(|from| gathered.identity(of).from == from);
        let elsewhere = || all.iter().copied().filter(|&of| gathered.sender(of) != sender && is_asked(of));
        let at_providers = Mail::of(gathered, elsewhere().filter(|&of| gathered.kind(of).is_some()));
        let anywhere = Mail::of(gathered, elsewhere());
        // What signs most of that mail, too, stands before the owner's gateway.
        let signs_beside = |account: &AccountNumber| {
            let mut reporters: BTreeMap<u32, [u64; 2]> = BTreeMap::new();
            for of in elsewhere().filter(|&of| gathered.kind(of).is_some()) {
                let mut accounts = gathered.identity(of).accounts.iter().filter(|one| one.verified);
                let side = usize::from(!accounts.any(|one| (one.provider, one.number) == *account));
                for one in gathered.reporters(of) {
                    let sum = &mut reporters.entry(one.reporter).or_default()[side];
                    *sum = sum.saturating_add(one.messages);
                }
            }
            has_share(reporters.into_values(), MOST)
        };
        let is_small = |account: &AccountNumber| {
            let groups = place.groups.iter().filter(|(_, shown)| *shown == Some(Some(*account)));
            let here = Mail::of(gathered, groups.map(|&(at, _)| at));
            here.is_less(SHARE_BESIDE_PROVIDERS, &at_providers) || here.is_less(SHARE_BESIDE_SERVERS, &anywhere)
        };
        accounts.iter().copied().filter(|one| is_small(one) && !signs_beside(one)).collect()
    }
}

/// Messages by reporter and day.
struct Mail(FxHashMap<(u32, Day), u64>);

impl Mail {
    fn of(gathered: &Gathered<'_>, groups: impl Iterator<Item = usize>) -> Self {
        let mut found = FxHashMap::default();
        for one in groups.flat_map(|at| gathered.cells(at)) {
            let sum: &mut u64 = found.entry((one.reporter, one.day)).or_default();
            *sum = sum.saturating_add(one.messages);
        }
        Mail(found)
    }

    /// Whether it is less than a share of itself and other mail together, on nobody's word alone and from its first day to its last.
    /// Each day counts the same.
    fn is_less(&self, share: f64, other: &Mail) -> bool {
        let mut reporters: HashMap<u32, Days> = HashMap::new();
        self.0.keys().for_each(|&(reporter, day)| reporters.entry(reporter).or_default().add(day));
        let Some((first, last)) = super::streams::era(&reporters) else { return false };
        let (first, last) = (first.min(last), first.max(last));
        let days: Vec<Day> =
            self.0.keys().chain(other.0.keys()).map(|&(_, day)| day).collect::<BTreeSet<_>>().into_iter().collect();
        let (first, last) = widened(&days, first, last);
        let mut parts: BTreeMap<u32, [u64; 2]> = BTreeMap::new();
        let cells: BTreeSet<(u32, Day)> = self.0.keys().chain(other.0.keys()).copied().collect();
        for cell in cells.into_iter().filter(|(_, day)| (first..=last).contains(day)) {
            let of = |mail: &Mail| mail.0.get(&cell).copied().unwrap_or(0);
            let (here, elsewhere) = (of(self), of(other));
            let part = part_of_day(here, here.saturating_add(elsewhere).max(1));
            let sums = parts.entry(cell.0).or_default();
            sums[0] += part;
            sums[1] += WHOLE_DAY.saturating_sub(part);
        }
        robust_share(parts.into_values()).is_some_and(|part| part < share)
    }
}

/// Two days, and between them at least [`DAYS`] of some in their order, where there are that many: later ones first.
fn widened(days: &[Day], first: Day, last: Day) -> (Day, Day) {
    let begin = days.partition_point(|&day| day < first);
    let end = days.partition_point(|&day| day <= last).max(begin + DAYS).min(days.len());
    let begin = begin.min(end.saturating_sub(DAYS));
    match (days.get(begin), end.checked_sub(1).and_then(|at| days.get(at))) {
        (Some(&begin), Some(&end)) => (begin, end),
        _ => (first, last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_time_is_widened_to_later_days_first() {
        let days: Vec<Day> = (1..=20).collect();
        assert_eq!(widened(&days, 3, 4), (3, 12));
        assert_eq!(widened(&days, 18, 19), (11, 20));
        assert_eq!(widened(&days, 2, 15), (2, 15));
        assert_eq!(widened(&days[..4], 2, 3), (1, 4));
    }

    #[test]
    fn a_burst_of_two_days_is_little_beside_a_month_of_signed_mail() {
        let mail = |days: std::ops::RangeInclusive<Day>, messages: u64| {
            Mail(days.flat_map(|day| [((1, day), messages), ((2, day), messages)]).collect())
        };
        let month = mail(1..=28, 50);
        assert!(mail(20..=21, 60).is_less(0.2, &month));
        assert!(mail(1..=28, 5).is_less(0.2, &month));
        assert!(!mail(1..=28, 50).is_less(0.2, &month));
        // The owner moved on the 15th, and signs no more.
        assert!(!mail(15..=28, 50).is_less(0.2, &mail(1..=14, 50)));
        assert!(!mail(1..=28, 5).is_less(0.2, &Mail(FxHashMap::default())));
    }
}
