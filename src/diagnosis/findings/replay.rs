//! Mail that the domain signed is sent again by others (DKIM replay): own verified signatures at many senders never seen
//! before, out of proportion to what the domain sends.

use std::collections::BTreeMap;

use super::code::{DomainFinding, FindingCode, FindingEvidence, remedy};
use super::observations::{DomainMail, names};
use crate::alignment::DkimState;
use crate::diagnosis::class::Thresholds;
use crate::diagnosis::dates::shown;
use crate::finding::Severity;
use crate::query::{PathFigures, SenderKey};
use crate::report::period::Day;
use crate::witness::has_share;
use crate::words::{grouped, plural};

/// Days before the end of what was seen within which a replay goes on.
const FRESH: Day = 7;

/// What was seen on one day.
#[derive(Default)]
struct OnDay<'s> {
    /// By reporter signed messages of new senders, and of the domain's own.
    messages: BTreeMap<u32, [u64; 2]>,
    /// By new sender who saw it: a reporter, and whether others did too.
    senders: BTreeMap<&'s SenderKey, (u32, bool)>,
}

impl OnDay<'_> {
    fn sums(&self) -> [u64; 2] {
        let add = |sums: [u64; 2], one: &[u64; 2]| [sums[0].saturating_add(one[0]), sums[1].saturating_add(one[1])];
        self.messages.values().fold([0; 2], add)
    }

    /// Whether there are enough senders, and enough more mail than the domain sent, whatever one reporter says.
    fn is_replay(&self, thresholds: &Thresholds) -> bool {
        let factor = thresholds.replay_factor as f64;
        let mut sole: BTreeMap<u32, u64> = BTreeMap::new();
        for (reporter, several) in self.senders.values() {
            *sole.entry(*reporter).or_default() += u64::from(!several);
        }
        let most = if self.messages.len() > 1 { sole.into_values().max().unwrap_or(0) } else { 0 };
        (self.senders.len() as u64).saturating_sub(most) >= thresholds.replay_senders
            && has_share(self.messages.values().copied(), factor / (factor + 1.0))
    }
}

pub(super) fn find(of: &DomainMail<'_>, thresholds: &Thresholds) -> Option<DomainFinding> {
    let mut days = by_day(of, thresholds)?;
    let last_seen = *days.last_key_value()?.0;
    days.retain(|_, day| day.is_replay(thresholds));
    let (&first, &last) = (days.first_key_value()?.0, days.last_key_value()?.0);
    let who = names(
        of.survey,
        days.values()
            .flat_map(|day| day.messages.iter().filter(|(_, sums)| sums[0] > 0).map(|(&reporter, _)| reporter)),
    );
    let (&worst, on_worst) = days.iter().max_by_key(|(day, of)| (of.sums()[0], std::cmp::Reverse(**day)))?;
    let (senders, [messages, home_messages]) = (on_worst.senders.len() as u64, on_worst.sums());
    let detail = format!(
        "signed mail seems to be sent again (replay): {} on {} from {} never seen before, beside {} of its own senders",
        plural(messages, "message"),
        shown(worst),
        plural(senders, "sender"),
        grouped(home_messages),
    );
    let evidence = FindingEvidence::Replay {
        worst_day: shown(worst),
        senders,
        messages,
        home_messages,
        last_day: shown(last),
        reporters: who,
    };
    let subject = format!("the DKIM signatures of {}", of.domain);
    let mut found =
        DomainFinding::new(Severity::Error, FindingCode::ReplaySuspected, of.domain, subject, detail, evidence);
    found.finding.remedy = Some(remedy(
        "rotate the DKIM key, and find the message that is sent again",
        &[
            "The signature is genuine, so DMARC passes whoever sends it; no policy stops that.",
            "Switch to a new selector and key now, and take the old key out of the DNS as soon as the mail that it signed has arrived.",
            "Find the message: `dmarcstat explain` on one of the new senders names the selector; the account that wrote it may be a throw-away account, or one that was taken over.",
            "Have the signer set an expiry (x=, a few days), and sign To, Cc, Subject, Date and Reply-To twice (oversign), so that none can be added.",
            "Tell the receivers that saw most of it; the reputation of the domain suffers for days.",
        ],
        Some("https://www.rfc-editor.org/rfc/rfc6376#section-8.6"),
    ));
    found.since = Some(shown(first));
    found.breaks_authentication = last_seen.saturating_sub(last) < FRESH;
    Some(found)
}

/// Signed mail of new senders and of the domain's own by day, where there is enough of it to ask.
fn by_day<'s>(of: &DomainMail<'s>, thresholds: &Thresholds) -> Option<BTreeMap<Day, OnDay<'s>>> {
    const ALIGNED: usize = DkimState::Aligned as usize;
    let (survey, tally) = (of.survey, &of.survey.tally);
    let signed = of.paths.iter().map(|&at| (at, &survey.paths[at])).filter(|(_, path)| path.dkim[ALIGNED] > 0);
    let is_home = |path: &PathFigures| path.role.is_owners();
    if (signed.clone().filter(|(_, path)| !is_home(path)).count() as u64) < thresholds.replay_senders {
        return None;
    }
    let mut days: BTreeMap<Day, OnDay<'_>> = BTreeMap::new();
    let mut home: BTreeMap<(Day, u32), u64> = BTreeMap::new();
    for (at, path) in signed {
        let entries = tally.entries(at).iter().filter(|entry| entry.messages > 0);
        for entry in entries.filter(|entry| tally.facts(entry).dkim == DkimState::Aligned) {
            let report = tally.report(entry);
            if is_home(path) {
                let sum = home.entry((report.day, report.reporter)).or_default();
                *sum = sum.saturating_add(entry.messages);
            // A replay goes on with the senders that it began with: they are new for a while.
            } else if report.day.saturating_sub(path.sender_since) < FRESH {
                let day = days.entry(report.day).or_default();
                let sum = &mut day.messages.entry(report.reporter).or_default()[0];
                *sum = sum.saturating_add(entry.messages);
                let seen = day.senders.entry(&path.sender).or_insert((report.reporter, false));
                seen.1 |= seen.0 != report.reporter;
            }
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
