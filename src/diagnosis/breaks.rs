//! Where signatures break, and what that says: at the source or on the way, since a day, on some days, at some machines.

use std::net::IpAddr;

use serde::Serialize;

use super::evidence::{CLEAR, LISTED, TELLING, some_addresses, turn};
use super::path::DkimFigures;
use super::view::View;
use super::view::{ALIGNED, BROKEN, States, known, share};
use crate::query::AddressFigures;
use crate::report::period::{Day, date_of};

/// Where signatures break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "where", rename_all = "lowercase")]
pub enum Breaks {
    /// At every reporter: at the source, a key or signing fault.
    Source,
    /// On one side of a day only: a key was removed, replaced or mended then.
    Since {
        /// The first day of the other side.
        since: String,
        /// Since then they verify; else since then they fail.
        verifies: bool,
    },
    /// On some days only: a key was missing, as in a rotation.
    Days {
        /// The days.
        days: Vec<String>,
    },
    /// From some addresses only: machines that lack the key, or sign with another.
    Address {
        /// Those, the busiest first.
        addresses: Vec<IpAddr>,
        /// How many they are.
        broken: u64,
        /// Of how many.
        of: u64,
    },
    /// At some reporters, or now and then: on the way.
    Transit {
        /// Reporters that saw it, of those that saw enough.
        reporters: u64,
        /// Of how many.
        of: u64,
    },
}

/// With less of the signatures broken than this, that all reporters see some of it is chance.
const NOTABLE: f64 = 0.05;

/// Where signatures break: since a day or on some, at some machines, at the source, or on the way.
pub(super) fn breaks(view: &View, addresses: &[AddressFigures]) -> Option<Breaks> {
    let all = view.counted[BROKEN];
    if all == 0 {
        return None;
    }
    let days = view.days();
    if let Some((since, verifies)) = turn(&days, |states| (states[ALIGNED], states[BROKEN])) {
        return Some(Breaks::Since { since: date_of(since).to_string(), verifies });
    }
    let bad: Vec<&(Day, States)> =
        days.iter().filter(|(_, states)| share(states[BROKEN], states[BROKEN] + states[ALIGNED]) >= 0.5).collect();
    let in_bad: u64 = bad.iter().map(|(_, states)| states[BROKEN]).sum();
    let seen = days.iter().filter(|(_, states)| known(states) > 0).count();
    if bad.len() * 3 <= seen && in_bad as f64 >= 0.8 * all as f64 && view.counted[ALIGNED] > 0 {
        return Some(Breaks::Days { days: bad.iter().map(|(day, _)| date_of(*day).to_string()).collect() });
    }
    by_address(addresses).or_else(|| by_reporter(view))
}

/// The addresses whose signatures all fail, where those of others verify.
fn by_address(addresses: &[AddressFigures]) -> Option<Breaks> {
    let signed = |one: &AddressFigures| one.dkim[ALIGNED] + one.dkim[BROKEN];
    let telling: Vec<&AddressFigures> = addresses.iter().filter(|one| signed(one) >= TELLING).collect();
    let mut failing: Vec<&AddressFigures> =
        telling.iter().copied().filter(|one| share(one.dkim[BROKEN], signed(one)) >= CLEAR).collect();
    let sum = |of: &[&AddressFigures], at: usize| of.iter().map(|one| one.dkim[at]).sum::<u64>();
    let (all, theirs) = (addresses.iter().map(|one| one.dkim[BROKEN]).sum(), sum(&failing, BROKEN));
    let others: Vec<&AddressFigures> =
        telling.iter().copied().filter(|one| share(one.dkim[BROKEN], signed(one)) < CLEAR).collect();
    if failing.is_empty() || others.is_empty() || share(theirs, all) < CLEAR {
        return None;
    }
    failing.sort_by_key(|one| (std::cmp::Reverse(one.dkim[BROKEN]), one.ip));
    Some(Breaks::Address {
        addresses: failing.iter().take(LISTED).map(|one| one.ip).collect(),
        broken: failing.len() as u64,
        of: telling.len() as u64,
    })
}

/// At the source where every reporter sees it, and about as often as the others do; else on the way.
fn by_reporter(view: &View) -> Option<Breaks> {
    let reporters = view.by_reporter();
    let telling = |states: &&States| states[BROKEN] + states[ALIGNED] >= TELLING;
    let enough: Vec<&States> = match reporters.values().filter(telling).collect::<Vec<_>>() {
        none if none.is_empty() => reporters.values().filter(|states| known(states) > 0).collect(),
        some => some,
    };
    let broken = |states: &States| share(states[BROKEN], states[BROKEN] + states[ALIGNED]);
    let overall = broken(&view.counted);
    let alike = enough.len() > 1 && overall >= NOTABLE && enough.iter().all(|states| broken(states) >= overall / 2.0);
    if alike || enough.iter().all(|states| broken(states) >= 0.5) {
        return Some(Breaks::Source);
    }
    let saw = enough.iter().filter(|states| states[BROKEN] > 0).count();
    Some(Breaks::Transit { reporters: saw as u64, of: enough.len() as u64 })
}

impl Breaks {
    /// In words. `counted` are the messages of the path, `result` is what most of the broken signatures had.
    #[must_use]
    pub fn worded(&self, counted: &DkimFigures, result: Option<&str>) -> String {
        let broken = counted.broken;
        let shown = result.map(|result| format!(" ({result})")).unwrap_or_default();
        let key = match result {
            Some("temperror") => Some("the key could not be fetched"),
            Some("permerror") => Some("the key is missing or malformed"),
            _ => None,
        };
        match self {
            Breaks::Source if broken < counted.aligned => format!(
                "{broken} signatures failed{shown}, a part at every reporter: {}",
                key.unwrap_or("one signer of several, or a change behind the signer")
            ),
            Breaks::Source => {
                format!("signatures fail at every reporter{shown}: {}", key.unwrap_or("a fault of key or signer"))
            }
            Breaks::Since { since, verifies: false } => {
                format!("signatures fail since {since}{shown}: {}", key.unwrap_or("key or signer changed then"))
            }
            Breaks::Since { since, verifies: true } => {
                format!("signatures failed{shown} until they verified again on {since}")
            }
            Breaks::Days { days } => {
                let cause = match result {
                    Some("temperror") => "the key could not be fetched",
                    _ => "a key was missing or changed",
                };
                match days.as_slice() {
                    [day] => format!("signatures failed on {day} only{shown}: {cause}"),
                    days => format!(
                        "signatures failed on {} days from {} to {} only{shown}: {cause}",
                        days.len(),
                        days.first().map_or("", String::as_str),
                        days.last().map_or("", String::as_str)
                    ),
                }
            }
            Breaks::Address { addresses, broken, of } => {
                let noun = if *of == 1 { "address" } else { "addresses" };
                format!(
                    "signatures fail{shown} from {broken} of {of} {noun}: {}",
                    some_addresses(addresses, *broken as usize)
                )
            }
            Breaks::Transit { of: 1, .. } => {
                format!(
                    "{broken} signatures failed{shown} at the only reporter that tells, at the source or on the way"
                )
            }
            Breaks::Transit { reporters, of } => {
                let cause = match result {
                    Some("temperror") => "the key could not be fetched there",
                    Some("permerror") => "the key was not found there, or not readable",
                    _ => "changed on the way",
                };
                format!("{broken} signatures failed{shown} at {reporters} of {of} reporters: {cause}")
            }
        }
    }

    /// What to look for.
    pub(super) fn advice(&self, result: Option<&str>) -> &'static str {
        match (self, result) {
            (Breaks::Since { verifies: true, .. }, _) => {
                "If that was your change, there is nothing left to do but to watch the next days; at the next rotation keep the old key until the last mail that it signed has arrived."
            }
            (Breaks::Since { .. }, Some("permerror")) => {
                "\"permerror\" means that the key is not in the DNS, or cannot be read there: put back what was removed or damaged on that day, or publish the key that signs now."
            }
            (Breaks::Days { .. }, Some("temperror"))
            | (Breaks::Transit { .. } | Breaks::Source | Breaks::Since { .. }, Some("temperror")) => {
                "\"temperror\" means that the key could not be fetched: name servers that time out or fail, for these receivers or for all."
            }
            (Breaks::Days { .. }, _) => {
                "Publish a new key days before it signs, and keep the old one for a week after."
            }
            (Breaks::Address { .. }, _) => {
                "Bring the key, the selector and the signing configuration of the machines that verify to those that fail, and see that nothing changes the mail behind them."
            }
            (Breaks::Source, Some("permerror")) => {
                "\"permerror\" means that the key is not in the DNS, or cannot be read there."
            }
            (Breaks::Since { .. }, _) => {
                "Look for what changed on that day: a new key that was not published, or something behind the signer that now changes the mail."
            }
            (Breaks::Source, _) => {
                "\"fail\" means that the key is there and does not fit: another key signs than the one published, or the mail is changed behind the signer."
            }
            (Breaks::Transit { .. }, Some("permerror")) => {
                "\"permerror\" means that these receivers did not find the key, or could not read it: name servers that differ, or a key (a long one, or ed25519) that not all understand."
            }
            (Breaks::Transit { .. }, _) => {
                "Look for a relay, gateway or footer behind the signer, on the way to those receivers."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::view::Cell;

    /// What breaks for reporters who saw so many messages verify and fail, by day.
    fn found(days: &[&[(u64, u64)]], addresses: &[(u64, u64)]) -> Option<Breaks> {
        let mut view = View::default();
        for (day, reporters) in (0..).zip(days) {
            for (reporter, &(aligned, broken)) in (0..).zip(*reporters) {
                view.counted[ALIGNED] += aligned;
                view.counted[BROKEN] += broken;
                view.cells.push(Cell { day, reporter, states: [aligned, 0, broken, 0, 0] });
            }
        }
        let addresses: Vec<AddressFigures> = (1..)
            .zip(addresses)
            .map(|(last, &(aligned, broken))| AddressFigures {
                ip: IpAddr::from([192, 0, 2, last]),
                dkim: [aligned, 0, broken, 0, 0],
                spf_aligned: 0,
            })
            .collect();
        breaks(&view, &addresses)
    }

    #[test]
    fn a_key_that_fails_since_a_day_is_no_matter_of_some_days() {
        let good: &[(u64, u64)] = &[(20, 0), (20, 0)];
        let bad: &[(u64, u64)] = &[(0, 20), (0, 20)];
        let since = |day: &str, verifies| Some(Breaks::Since { since: day.to_owned(), verifies });
        assert_eq!(found(&[good, good, good, bad], &[]), since("1970-01-04", false));
        assert_eq!(found(&[good, bad, bad, bad], &[]), since("1970-01-02", false));
        assert_eq!(found(&[bad, good, good, good], &[]), since("1970-01-02", true));
        let days = vec!["1970-01-03".to_owned()];
        assert_eq!(found(&[good, good, bad, good], &[]), Some(Breaks::Days { days }));
        assert_eq!(found(&[bad, bad], &[]), Some(Breaks::Source));
        assert_eq!(found(&[good, good], &[]), None);
    }

    #[test]
    fn a_machine_that_fails_at_every_reporter_is_named() {
        let mixed: &[(u64, u64)] = &[(80, 20), (160, 40), (40, 10)];
        let one = Breaks::Address { addresses: vec![IpAddr::from([192, 0, 2, 3])], broken: 1, of: 3 };
        assert_eq!(found(&[mixed, mixed], &[(280, 0), (280, 1), (0, 139)]), Some(one));
        // Not by address, and alike at every reporter: at the source all the same.
        assert_eq!(found(&[mixed, mixed], &[(560, 140)]), Some(Breaks::Source));
        let some: &[(u64, u64)] = &[(80, 20), (160, 0), (40, 0)];
        assert_eq!(found(&[some, some], &[(560, 40)]), Some(Breaks::Transit { reporters: 1, of: 3 }));
    }

    #[test]
    fn the_result_tells_what_it_is_about() {
        let counted = DkimFigures { aligned: 90, broken: 10, ..DkimFigures::default() };
        let transit = Breaks::Transit { reporters: 1, of: 3 };
        let worded = |result| transit.worded(&counted, Some(result));
        assert!(worded("fail").ends_with("changed on the way"));
        assert!(worded("temperror").ends_with("the key could not be fetched there"));
        assert!(worded("permerror").contains("the key was not found there"));
        assert!(transit.advice(Some("temperror")).contains("name servers"));
    }
}
