//! Mail that the domain signed is sent again by others (DKIM replay): own verified signatures at many senders never seen
//! before, out of proportion to what the domain sends.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::code::{DomainFinding, FindingCode, FindingEvidence, remedy};
use super::observations::{DomainMail, names};
use crate::alignment::DkimState;
use crate::diagnosis::class::Thresholds;
use crate::diagnosis::dates::shown;
use crate::finding::Severity;
use crate::providers::Remedy;
use crate::query::{PathFigures, SenderKey};
use crate::report::period::Day;
use crate::words::{grouped, plural};

/// Days before the end of what was seen within which a replay goes on.
const FRESH: Day = 7;

/// A sender, and one of its networks where its name holds together what is not known to be one machine's.
type Origin<'s> = (&'s SenderKey, Option<IpAddr>);

/// What was seen on one day.
#[derive(Default)]
struct OnDay<'s> {
    /// By reporter signed messages of new senders, and of the domain's own.
    messages: BTreeMap<u32, [u64; 2]>,
    /// By where from the only reporter that saw it, where it was one.
    origins: BTreeMap<Origin<'s>, Option<u32>>,
}

/// A day that shows a replay.
struct Shown {
    day: Day,
    senders: u64,
    /// Of new senders, and of the domain's own.
    sums: [u64; 2],
    /// At whom it holds.
    reporters: Vec<u32>,
}

impl<'s> OnDay<'s> {
    fn add(&mut self, origin: Origin<'s>, reporter: Option<u32>) {
        let only = self.origins.entry(origin).or_insert(reporter);
        *only = only.filter(|&one| reporter == Some(one));
    }

    /// The reporters that saw enough more mail of new senders than of the domain's own. What the domain sends to others says
    /// nothing against them.
    fn witnesses(&self, factor: u64) -> Vec<u32> {
        let holds = |sums: &[u64; 2]| sums[0] >= factor.saturating_mul(sums[1].max(1));
        self.messages.iter().filter(|(_, sums)| holds(sums)).map(|(&reporter, _)| reporter).collect()
    }

    /// What these reporters show, where there are enough senders even without those that one of several alone saw.
    fn shown(&self, day: Day, reporters: Vec<u32>, thresholds: &Thresholds) -> Option<Shown> {
        let mut sole: BTreeMap<u32, u64> = reporters.iter().map(|&reporter| (reporter, 0)).collect();
        let mut senders = 0u64;
        for only in self.origins.values() {
            match only.map(|reporter| sole.get_mut(&reporter)) {
                None => senders += 1,
                Some(None) => {}
                Some(Some(sole)) => (senders, *sole) = (senders + 1, *sole + 1),
            }
        }
        let most = if sole.len() > 1 { sole.into_values().max().unwrap_or(0) } else { 0 };
        let sums = reporters.iter().filter_map(|reporter| self.messages.get(reporter));
        let sums = sums.fold([0u64; 2], |all, one| [all[0].saturating_add(one[0]), all[1].saturating_add(one[1])]);
        let is_enough = senders - most >= thresholds.replay_senders.max(1);
        (is_enough && !reporters.is_empty()).then_some(Shown { day, senders, sums, reporters })
    }
}

pub(super) fn find(of: &DomainMail<'_>, thresholds: &Thresholds) -> Option<DomainFinding> {
    let days = by_day(of, thresholds)?;
    let last_seen = *days.last_key_value()?.0;
    // Two reporters are enough, or all there are; what one of several sees alone is told as that.
    let enough = if of.survey.evidence.get(of.domain).is_none_or(|evidence| evidence.reporters < 2) { 1 } else { 2 };
    let (mut by_enough, mut by_one) = (Vec::new(), BTreeMap::<u32, Vec<Shown>>::new());
    for (&day, on_day) in &days {
        let witnesses = on_day.witnesses(thresholds.replay_factor);
        if witnesses.len() >= enough
            && let Some(shown) = on_day.shown(day, witnesses.clone(), thresholds)
        {
            by_enough.push(shown);
            continue;
        }
        for one in witnesses {
            by_one.entry(one).or_default().extend(on_day.shown(day, vec![one], thresholds));
        }
    }
    let alone = by_enough.is_empty();
    let messages = |days: &[Shown]| days.iter().map(|day| day.sums[0]).fold(0, u64::saturating_add);
    let most = by_one.into_values().max_by_key(|days| messages(days));
    let found = if alone { most? } else { by_enough };
    let (first, last) = (found.first()?.day, found.last()?.day);
    let worst = found.iter().max_by_key(|one| (one.sums[0], std::cmp::Reverse(one.day)))?;
    let who = names(of.survey, found.iter().flat_map(|one| one.reporters.iter().copied()));
    let (senders, [messages, home_messages]) = (worst.senders, worst.sums);
    let mut detail = format!(
        "signed mail seems to be sent again (replay): {} on {} from {} never seen before, beside {} of its own senders",
        plural(messages, "message"),
        shown(worst.day),
        plural(senders, "sender"),
        grouped(home_messages),
    );
    let one_of_several = alone && enough > 1;
    if one_of_several {
        detail.push_str(&format!("; seen by {} only", who.join(", ")));
    }
    let evidence = FindingEvidence::Replay {
        worst_day: shown(worst.day),
        senders,
        messages,
        home_messages,
        last_day: shown(last),
        reporters: who,
    };
    let subject = format!("the DKIM signatures of {}", of.domain);
    let severity = if one_of_several { Severity::Warning } else { Severity::Error };
    let mut found = DomainFinding::new(severity, FindingCode::ReplaySuspected, of.domain, subject, detail, evidence);
    found.finding.remedy = Some(advice(one_of_several));
    found.since = Some(shown(first));
    found.breaks_authentication = !one_of_several && last_seen.saturating_sub(last) < FRESH;
    Some(found)
}

fn advice(one_of_several: bool) -> Remedy {
    let title = if one_of_several {
        "find out whether signed mail is sent again; if so, rotate the DKIM key"
    } else {
        "rotate the DKIM key, and find the message that is sent again"
    };
    remedy(
        title,
        &[
            "The signature is genuine, so DMARC passes whoever sends it; no policy stops that.",
            "Switch to a new selector and key now, and take the old key out of the DNS as soon as the mail that it signed has arrived.",
            "Find the message: `dmarcstat explain` on one of the new senders names the selector; the account that wrote it may be a throw-away account, or one that was taken over.",
            "Have the signer set an expiry (x=, a few days), and sign To, Cc, Subject, Date and Reply-To twice (oversign), so that none can be added.",
            "Tell the receivers that saw most of it; the reputation of the domain suffers for days.",
        ],
        Some("https://www.rfc-editor.org/rfc/rfc6376#section-8.6"),
    )
}

/// Whether a path's sender goes by a name that whoever sends chose: an uncatalogued one is as many as the networks it sends from.
fn is_many(path: &PathFigures) -> bool {
    matches!(path.sender, SenderKey::Domain(_) | SenderKey::Host(_) | SenderKey::Many)
}

/// Signed mail of new senders and of the domain's own by day, where there is enough of it to ask.
fn by_day<'s>(of: &DomainMail<'s>, thresholds: &Thresholds) -> Option<BTreeMap<Day, OnDay<'s>>> {
    const ALIGNED: usize = DkimState::Aligned as usize;
    let (survey, tally) = (of.survey, &of.survey.tally);
    let signed = of.paths.iter().map(|&at| (at, &survey.paths[at])).filter(|(_, path)| path.dkim[ALIGNED] > 0);
    let is_home = |path: &PathFigures| path.role.is_owners();
    // A replay goes on with the senders that it began with: they are new for a while.
    let is_new = |day: Day, path: &PathFigures| day.saturating_sub(path.sender_since) < FRESH;
    let origins = |(at, path): (usize, &PathFigures)| if is_many(path) { tally.signed_networks(at).count() } else { 1 };
    let new = signed.clone().filter(|(_, path)| !is_home(path) && is_new(path.first, path));
    if (new.map(origins).fold(0, usize::saturating_add) as u64) < thresholds.replay_senders {
        return None;
    }
    let mut days: BTreeMap<Day, OnDay<'_>> = BTreeMap::new();
    let mut home: BTreeMap<(Day, u32), u64> = BTreeMap::new();
    for (at, path) in signed {
        let mut new_on = BTreeSet::new();
        let entries = tally.entries(at).iter().filter(|entry| entry.messages > 0);
        for entry in entries.filter(|entry| tally.facts(entry).dkim == DkimState::Aligned) {
            let report = tally.report(entry);
            if is_home(path) {
                let sum = home.entry((report.day, report.reporter)).or_default();
                *sum = sum.saturating_add(entry.messages);
            } else if is_new(report.day, path) {
                let day = days.entry(report.day).or_default();
                let sum = &mut day.messages.entry(report.reporter).or_default()[0];
                *sum = sum.saturating_add(entry.messages);
                if is_many(path) {
                    new_on.insert(report.day);
                } else {
                    day.add((&path.sender, None), Some(report.reporter));
                }
            }
        }
        for day in new_on {
            let of = days.entry(day).or_default();
            let there = tally.signed_networks(at).filter(|(_, seen)| seen.is_on(day));
            there.for_each(|(network, seen)| of.add((&path.sender, Some(network)), seen.only_reporter()));
        }
    }
    for (&(day, reporter), &messages) in &home {
        // What is sent in the evening may be handed on the next morning.
        for day in [day, day.saturating_add(1)] {
            if let Some(of) = days.get_mut(&day) {
                let sum = &mut of.messages.entry(reporter).or_default()[1];
                *sum = messages.max(*sum);
            }
        }
    }
    Some(days)
}
