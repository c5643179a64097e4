//! Whether nearly all reporters see a sender in its share: then it stands on the owner's side. A recipient's filter or
//! forwarder is seen by few, and carries little.

use std::collections::{BTreeMap, HashMap, HashSet};

use rustc_hash::FxHashMap;

use super::gather::Gathered;
use super::owner::{Owner, Use};
use crate::parallel;
use crate::providers::Kind;
use crate::query::naming::Sender;
use crate::report::period::Day;
use crate::witness::robust_share;

/// A gateway carries at least this share of the owner's signed mail on the days on which it is seen.
const SHARE_OF_GATEWAY: f64 = 0.10;
/// A machine that nothing but its part in the owner's mail names carries at least this share.
const SHARE_OF_OTHERS: f64 = 0.25;
/// Where all reporters see the same share of it, as of one more machine of the owner's that SPF does not name, this share is enough,
const SHARE_OF_EVEN: f64 = 0.05;
/// if at least this number of reporters tell,
const EVEN_REPORTERS: usize = 4;
/// on at least this share of the days with signed mail at home,
const EVEN_DAYS: f64 = 0.8;
/// and none sees more than this times its share, or less than its share divided by this, beyond chance.
const EVEN: f64 = 2.0;
/// Of the reporters that should see some of it at least this share does.
const NEARLY_ALL: f64 = 0.8;
/// It is seen on at least this share of the days with signed mail at home: a burst is not how the owner sends.
const DAYS: f64 = 0.5;
/// A reporter should see some where at least this many messages are expected of it.
const EXPECTED: f64 = 3.0;
/// What takes the place of the senders at home carries nearly all of the signed mail on its days: a server that has moved, or
/// a gateway that was put in front.
const REPLACES: f64 = 0.9;

/// Signed mail of an organizational domain at home.
#[derive(Debug, Default)]
struct Home {
    days: HashMap<Day, HomeDay>,
    /// The messages of the reporter that says most.
    most: u64,
}

/// The same on one day.
#[derive(Debug, Default)]
struct HomeDay {
    messages: u64,
    /// By reporter; there may be several of one.
    reporters: Vec<(u32, u64)>,
}

impl Home {
    fn of(gathered: &Gathered<'_>, groups: &[usize]) -> Self {
        let mut cells: FxHashMap<(Day, u32), u64> = FxHashMap::default();
        let mut all: HashMap<u32, u64> = HashMap::new();
        for &at in groups {
            for one in gathered.cells(at) {
                let sum = cells.entry((one.day, one.reporter)).or_default();
                *sum = sum.saturating_add(one.messages);
            }
            for one in gathered.reporters(at) {
                let sum = all.entry(one.reporter).or_default();
                *sum = sum.saturating_add(one.messages);
            }
        }
        let mut home = Home { days: HashMap::new(), most: all.into_values().max().unwrap_or(0) };
        for ((day, reporter), messages) in cells {
            let day = home.days.entry(day).or_default();
            day.messages = day.messages.saturating_add(messages);
            day.reporters.push((reporter, messages));
        }
        home
    }
}

/// The sites on the owner's side, each behind an organizational domain.
pub(super) struct Reach(HashSet<Place>);

/// Who takes mail over IPv6, as far as reports tell: what is seen of a provider's machines counts for both kinds of addresses.
fn takes_v6(gathered: &Gathered<'_>) -> HashSet<u32> {
    let v6 = gathered.ground.sums.parts().filter(|(address, ..)| address.is_some_and(|address| address.is_ipv6()));
    let groups: HashSet<u32> = v6.map(|(_, group, _)| group).collect();
    groups.into_iter().flat_map(|group| gathered.reporters(group as usize)).map(|one| one.reporter).collect()
}

/// Where own-signed mail stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// At home.
    Home,
    /// Where it may have been handed on behind the signer.
    Behind,
}

/// Where a group stands, if it carries own signatures.
fn side(gathered: &Gathered<'_>, owner: &Owner<'_>, at: usize) -> Option<Side> {
    let (identity, sender, own) = (gathered.identity(at), gathered.sender(at), gathered.own(at));
    let own_accounts = || identity.accounts.iter().filter(|account| owner.is_own(account, identity.organization));
    if own.signatures.is_empty() && own_accounts().next().is_none() {
        return None;
    }
    let at_home = own.spf
        || own.signatures.iter().any(|one| owner.key_use(one, at) == Use::Here)
        || own_accounts().any(|account| sender == Sender::Provider(account.provider));
    if at_home {
        return Some(Side::Home);
    }
    matches!(gathered.kind(at), None | Some(Kind::Gateway)).then_some(Side::Behind)
}

/// An organizational domain and a site.
type Place = (u32, u32);

/// What sites are held against.
struct Homes<'g> {
    gathered: &'g Gathered<'g>,
    /// By organizational domain.
    homes: HashMap<u32, Home>,
    takes_v6: HashSet<u32>,
}

impl Homes<'_> {
    /// Whether a site with own signatures stands on the owner's side.
    fn are_reached(&self, (organization, site): Place, groups: &[usize]) -> bool {
        let nothing = Home::default();
        let sender = self.gathered.numbers.sender_at(site);
        let home = self.homes.get(&organization).unwrap_or(&nothing);
        let mut days: HashSet<Day> = HashSet::new();
        let mut reporters: BTreeMap<u32, [u64; 2]> = BTreeMap::new();
        for one in groups.iter().flat_map(|&at| self.gathered.cells(at)) {
            days.insert(one.day);
            let sum = &mut reporters.entry(one.reporter).or_default()[0];
            *sum = sum.saturating_add(one.messages);
        }
        let often = days.len() as f64 >= DAYS * home.days.len() as f64;
        let most_days = days.len() as f64 >= EVEN_DAYS * home.days.len() as f64;
        let least = match sender {
            Sender::Provider(_) => SHARE_OF_GATEWAY,
            _ if most_days => SHARE_OF_EVEN,
            _ => SHARE_OF_OTHERS,
        };
        // Most are seen on few days, or carry so little that nothing else needs to be asked.
        let here = reporters.values().fold(0_u64, |sum, one| sum.saturating_add(one[0]));
        let on_days = || days.iter().filter_map(|day| home.days.get(day));
        let rest = on_days().fold(0_u64, |sum, day| sum.saturating_add(day.messages)).saturating_sub(home.most);
        let needed = if often { least } else { REPLACES };
        if (here as f64) < needed * rest as f64 {
            return false;
        }
        for &(reporter, messages) in on_days().flat_map(|day| &day.reporters) {
            let sum = &mut reporters.entry(reporter).or_default()[1];
            *sum = sum.saturating_add(messages);
        }
        let share = robust_share(reporters.values().copied()).unwrap_or(0.0);
        let expected = |one: &[u64; 2]| (one[0] + one[1]) as f64 * share >= EXPECTED;
        // Who takes no mail over IPv6 cannot see a machine that sends so.
        let is_v6 = matches!(sender, Sender::Address(ip) if ip.is_ipv6());
        let (mut all, mut telling, mut seeing) = (0usize, 0usize, 0usize);
        for (reporter, one) in reporters.iter().filter(|(_, one)| expected(one)) {
            let sees = one[0] > 0;
            all += 1;
            telling += usize::from(sees || !is_v6 || self.takes_v6.contains(reporter));
            seeing += usize::from(sees);
        }
        let is_provider = matches!(sender, Sender::Provider(_));
        let even = || {
            telling >= EVEN_REPORTERS && reporters.values().filter(|one| expected(one)).all(|one| is_even(one, share))
        };
        let steady =
            (often || share >= REPLACES && days.len() >= 2) && (is_provider || share >= SHARE_OF_OTHERS || even());
        steady
            && share >= least
            && telling >= reporters.len().min(2)
            && seeing as f64 >= NEARLY_ALL * telling as f64
            && 2 * seeing >= all
    }
}

/// Whether a reporter's messages here, beside those at home, are about a share of them all.
fn is_even(&[here, home]: &[u64; 2], share: f64) -> bool {
    let expected = (here + home) as f64 * share;
    let chance = 3.0 * (expected * (1.0 - share)).sqrt();
    let here = here as f64;
    (expected / EVEN).min(expected - chance) <= here && here <= (expected * EVEN).max(expected + chance)
}

impl Reach {
    pub(super) fn of(gathered: &Gathered<'_>, owner: &Owner<'_>) -> Self {
        let mut home: HashMap<u32, Vec<usize>> = HashMap::new();
        let mut behind: HashMap<Place, Vec<usize>> = HashMap::new();
        let sides = parallel::map(gathered.len(), |at| side(gathered, owner, at));
        for (at, side) in sides.into_iter().enumerate().filter_map(|(at, side)| Some((at, side?))) {
            let organization = gathered.identity(at).organization;
            match side {
                Side::Home => home.entry(organization).or_default().push(at),
                Side::Behind => behind.entry((organization, gathered.numbers.site(at))).or_default().push(at),
            }
        }
        let wanted: HashSet<u32> = behind.keys().map(|place| place.0).collect();
        let home: Vec<(u32, Vec<usize>)> =
            home.into_iter().filter(|(organization, _)| wanted.contains(organization)).collect();
        let homes = parallel::map_each(&home, |(organization, groups)| (*organization, Home::of(gathered, groups)));
        let homes = Homes { gathered, homes: homes.into_iter().collect(), takes_v6: takes_v6(gathered) };
        let behind: Vec<(Place, Vec<usize>)> = behind.into_iter().collect();
        let reached = parallel::map(behind.len(), |one| homes.are_reached(behind[one].0, &behind[one].1));
        Reach(behind.iter().zip(reached).filter(|(_, reached)| *reached).map(|((place, _), _)| *place).collect())
    }

    /// Whether a site stands on the owner's side.
    pub(super) fn has(&self, organization: u32, site: u32) -> bool {
        self.0.contains(&(organization, site))
    }
}
