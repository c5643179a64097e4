//! Whether nearly all reporters see a sender in its share: then it stands on the owner's side. A recipient's filter or
//! forwarder is seen by few, and carries little.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::gather::Gathered;
use super::owner::{Owner, Use, place};
use crate::providers::Kind;
use crate::query::naming::Sender;
use crate::report::period::Day;
use crate::witness::robust_share;

/// A gateway carries at least this share of the owner's signed mail on the days on which it is seen.
const SHARE_OF_GATEWAY: f64 = 0.10;
/// A machine that nothing but its part in the owner's mail names carries at least this share.
const SHARE_OF_OTHERS: f64 = 0.25;
/// Of the reporters that should see some of it at least this share does.
const NEARLY_ALL: f64 = 0.8;
/// It is seen on so many of the days with signed mail at home: a burst is no part of how the owner sends.
const DAYS: f64 = 0.5;
/// A reporter should see some where so many messages are expected of it.
const EXPECTED: f64 = 3.0;
/// What takes the place of the senders at home carries nearly all of the signed mail on its days: a server that has moved, or
/// a gateway that was put in front.
const REPLACES: f64 = 0.9;

/// The senders on the owner's side, each with an organizational domain.
pub(super) struct Reach(HashSet<(u32, Sender)>);

impl Reach {
    pub(super) fn of(gathered: &Gathered<'_>, owner: &Owner<'_>) -> Self {
        type Cells = HashMap<(Day, u32), u64>;
        let mut home: HashMap<u32, Cells> = HashMap::new();
        let mut behind: HashMap<(u32, Sender), Cells> = HashMap::new();
        for at in 0..gathered.len() {
            let (who, sender) = (gathered.who(at), gathered.sender(at));
            let own_accounts = || who.accounts.iter().filter(|account| owner.is_own(account, who.organization));
            if owner.signatures(who).next().is_none() && own_accounts().next().is_none() {
                continue;
            }
            let at_home = owner.own_spf(who)
                || owner.signatures(who).any(|one| owner.key_use(one, sender) == Use::Here)
                || own_accounts().any(|account| sender == Sender::Provider(account.provider));
            let cells = if at_home {
                home.entry(who.organization).or_default()
            } else if matches!(gathered.kind(at), None | Some(Kind::Gateway)) {
                behind.entry((who.organization, place(sender))).or_default()
            } else {
                continue;
            };
            for cell in gathered.cells(at) {
                *cells.entry((cell.day, cell.reporter)).or_default() += cell.messages;
            }
        }
        let empty = Cells::default();
        let reaches = |(organization, sender): &(u32, Sender), cells: &Cells| {
            let days: HashSet<Day> = cells.keys().map(|&(day, _)| day).collect();
            let mut reporters: BTreeMap<u32, [u64; 2]> = BTreeMap::new();
            for (&(_, reporter), &messages) in cells {
                reporters.entry(reporter).or_default()[0] += messages;
            }
            let at_home = home.get(organization).unwrap_or(&empty).iter();
            for (&(_, reporter), &messages) in at_home.filter(|((day, _), _)| days.contains(day)) {
                reporters.entry(reporter).or_default()[1] += messages;
            }
            let days_at_home: HashSet<Day> =
                home.get(organization).unwrap_or(&empty).keys().map(|&(day, _)| day).collect();
            let share = robust_share(reporters.values().copied()).unwrap_or(0.0);
            let replaces = share >= REPLACES && days.len() >= 2;
            let steady = replaces || days.len() as f64 >= DAYS * days_at_home.len() as f64;
            let least = if let Sender::Provider(_) = sender { SHARE_OF_GATEWAY } else { SHARE_OF_OTHERS };
            let expected = |one: &&[u64; 2]| (one[0] + one[1]) as f64 * share >= EXPECTED;
            let (mut telling, mut seeing) = (0usize, 0usize);
            for one in reporters.values().filter(expected) {
                telling += 1;
                seeing += usize::from(one[0] > 0);
            }
            steady
                && share >= least
                && telling >= reporters.len().min(2)
                && seeing as f64 >= NEARLY_ALL * telling as f64
        };
        Reach(behind.iter().filter(|(key, cells)| reaches(key, cells)).map(|(key, _)| *key).collect())
    }

    /// Whether a sender stands on the owner's side.
    pub(super) fn has(&self, organization: u32, sender: Sender) -> bool {
        self.0.contains(&(organization, place(sender)))
    }
}
