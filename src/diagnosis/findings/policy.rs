//! What is published: a record that changed, and reporters that find different ones on the same days.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{DomainFinding, FindingCode, FindingEvidence, TagChange, remedy};
use super::observations::{Observations, names};
use crate::diagnosis::dates::shown;
use crate::diagnosis::published::{TAGS, Voices, steady, strength, voices};
use crate::finding::Severity;
use crate::report::period::Day;
use crate::words::{list, plural};

/// A record that was there for fewer days is not a change, nor are fewer days of disagreement.
const DAYS: usize = 2;
/// The fewest days on which reporters must disagree.
const DISAGREE: usize = 3;
/// The most reporters that are named.
const NAMED: usize = 3;

pub(super) fn find(of: &Observations<'_>) -> Vec<DomainFinding> {
    let mut found = Vec::new();
    for (domain, seen) in &of.published.domains {
        if !of.rules.ledger.is_owners(domain) {
            continue;
        }
        let reports = || seen.iter().map(|one| (one.day, one.reporter, &of.published.policies[one.policy]));
        let voices: Vec<(&'static str, Voices)> = TAGS.iter().map(|tag| (tag.name, voices(reports(), tag))).collect();
        found.extend(changed(domain, &voices));
        found.extend(disagree(of, domain, &voices));
    }
    found
}

/// From what, to what, since when.
type Turn<'v> = (&'v str, &'v str, Day);

/// The last change that lasts.
fn turn<'v>(days: &[(Day, &'v str)]) -> Option<Turn<'v>> {
    let &(_, to) = days.last()?;
    let now = days.iter().rev().take_while(|day| day.1 == to).count();
    let earlier = &days[..days.len() - now];
    let &(_, from) = earlier.last()?;
    let before = earlier.iter().rev().take_while(|day| day.1 == from).count();
    (now >= DAYS && before >= DAYS).then(|| (from, to, days[days.len() - now].0))
}

/// Whether at least half of the reporters that tell of before and after found first the one and then the other. Where two records are
/// published at once, most find now this and now that, as who reports changes from day to day, and nobody finds both.
fn is_followed(voices: &Voices, (from, to, day): Turn<'_>) -> bool {
    type Reporters = BTreeSet<u32>;
    let who = |sums: &mut (Reporters, Reporters), values: &BTreeMap<String, Reporters>, wanted: &str| {
        sums.0.extend(values.values().flatten());
        sums.1.extend(values.get(wanted).into_iter().flatten());
    };
    let (mut before, mut after) = <((Reporters, Reporters), (Reporters, Reporters))>::default();
    voices.range(..day).for_each(|(_, values)| who(&mut before, values, from));
    voices.range(day..).for_each(|(_, values)| who(&mut after, values, to));
    2 * before.1.intersection(&after.1).count() >= before.0.intersection(&after.0).count()
}

fn changed(domain: &str, voices: &[(&'static str, Voices)]) -> Option<DomainFinding> {
    let mut changes: Vec<(Day, TagChange)> = Vec::new();
    for (tag, voices) in voices {
        if let Some((from, to, day)) = turn(&steady(voices)).filter(|turn| is_followed(voices, *turn)) {
            // Some reporters write what p means for subdomains where the record says nothing.
            let follows = *tag != "p" && changes.iter().any(|(of_p, p)| *of_p == day && p.from == from && p.to == to);
            if !follows {
                changes.push((day, TagChange { tag, from: from.to_owned(), to: to.to_owned() }));
            }
        }
    }
    let since = changes.iter().map(|change| change.0).max()?;
    let weaker = |change: &TagChange| {
        let policy = matches!(change.tag, "p" | "sp" | "np");
        policy && strength(&change.to) < strength(&change.from)
    };
    let severity = match changes.iter().any(|(_, change)| weaker(change)) {
        true => Severity::Warning,
        false => Severity::Advice,
    };
    let told: Vec<String> =
        changes.iter().map(|(_, one)| format!("{}={} in place of {}={}", one.tag, one.to, one.tag, one.from)).collect();
    let detail = format!("reporters find {}", list(&told, told.len()));
    let evidence = FindingEvidence::Changed { changes: changes.into_iter().map(|change| change.1).collect() };
    let subject = format!("the DMARC record of {domain}");
    let mut found = DomainFinding::new(severity, FindingCode::PolicyChanged, domain, subject, detail, evidence);
    found.since = Some(shown(since));
    found.finding.remedy = Some(remedy(
        "make sure that this was your change",
        &[
            "If it was, there is nothing to do but to watch the next days (`dmarcstat changes`).",
            "If it was not, find out who can change the domain's DNS; `dmarcstat dns` shows the present record.",
        ],
        None,
    ));
    Some(found)
}

/// Two reporters or more find one policy, and two or more another, on the same days, and not only while a change spreads.
fn disagree(of: &Observations<'_>, domain: &str, voices: &[(&'static str, Voices)]) -> Option<DomainFinding> {
    let (tag, voices) = voices.iter().find(|(tag, _)| *tag == "p")?;
    let steady = steady(voices);
    let turns = steady.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| (pair[0].1, pair[1].1, pair[1].0));
    let changes: Vec<Day> = turns.filter(|turn| is_followed(voices, *turn)).map(|turn| turn.2).collect();
    let spreads = |day: Day| changes.iter().any(|&change| day.saturating_sub(change).abs() <= 1);
    let habit = of_habit(voices, &changes);
    let mut days: Vec<(Day, BTreeMap<&str, BTreeSet<u32>>)> = Vec::new();
    for (&day, values) in voices.iter().filter(|(day, _)| !spreads(**day)) {
        // Who finds two policies on one day tells of two names, and not of one name's two records.
        let twice = |reporter: &u32| values.values().filter(|who| who.contains(reporter)).count() > 1;
        let telling = |who: &BTreeSet<u32>| -> BTreeSet<u32> {
            who.iter().filter(|reporter| !twice(reporter) && !habit.contains(reporter)).copied().collect()
        };
        let said: BTreeMap<&str, BTreeSet<u32>> = values
            .iter()
            .filter(|(value, _)| strength(value).is_some())
            .map(|(value, who)| (value.as_str(), telling(who)))
            .filter(|(_, who)| who.len() > 1)
            .collect();
        if said.len() > 1 {
            days.push((day, said));
        }
    }
    if days.len() < DISAGREE {
        return None;
    }
    let mut who: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for (value, reporters) in days.iter().flat_map(|(_, said)| said) {
        who.entry((*value).to_owned()).or_default().extend(reporters);
    }
    let who: BTreeMap<String, Vec<String>> =
        who.into_iter().map(|(value, who)| (value, names(of.survey, who))).collect();
    let told: Vec<String> =
        who.iter().map(|(value, reporters)| format!("{tag}={value} ({})", list(reporters, NAMED))).collect();
    let detail = format!(
        "reporters find different policies on {}: {}",
        plural(days.len() as u64, "day"),
        list(&told, told.len()),
    );
    let first = days.first()?.0;
    let evidence = FindingEvidence::Disagree { days: days.len() as u64, policies: who };
    let subject = format!("the DMARC record of {domain}");
    let mut found =
        DomainFinding::new(Severity::Warning, FindingCode::PoliciesDisagree, domain, subject, detail, evidence);
    found.since = Some(shown(first));
    found.finding.remedy = Some(remedy(
        format!("make all name servers of {domain} give one DMARC record"),
        &[
            &format!(
                "Ask each of them for the TXT record at _dmarc.{domain}: one that was not updated, a zone with two views, or a second record is what makes receivers differ."
            ),
            "Two records at one name mean none to most receivers.",
        ],
        Some("https://www.rfc-editor.org/rfc/rfc7489#section-6.6.3"),
    ));
    Some(found)
}

/// Reporters that went on with the old value when all others changed: they write what they always write.
fn of_habit(voices: &Voices, changes: &[Day]) -> BTreeSet<u32> {
    let (Some(&first), Some(&last)) = (changes.first(), changes.last()) else {
        return BTreeSet::new();
    };
    let mut said: BTreeMap<u32, (BTreeSet<&str>, bool, bool)> = BTreeMap::new();
    for (&day, values) in voices {
        for (value, reporter) in values.iter().flat_map(|(value, who)| who.iter().map(move |one| (value, one))) {
            let one = said.entry(*reporter).or_default();
            one.0.insert(value);
            one.1 |= day.saturating_add(1) < first;
            one.2 |= day.saturating_sub(1) > last;
        }
    }
    let always = said.into_iter().filter(|(_, (values, before, after))| values.len() == 1 && *before && *after);
    always.map(|(reporter, _)| reporter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each day, what each reporter, in turn, finds.
    fn found(days: &[&[&str]]) -> Voices {
        let mut voices = Voices::new();
        for (day, values) in (0..).zip(days) {
            for (reporter, value) in (0..).zip(*values).filter(|(_, value)| !value.is_empty()) {
                voices.entry(day).or_default().entry((*value).to_owned()).or_default().insert(reporter);
            }
        }
        voices
    }

    #[test]
    fn a_change_is_one_when_most_find_it_and_it_stays() {
        let days: [&[&str]; 6] = [
            &["none", "none", "none"],
            &["none", "none", "none"],
            &["reject", "none", "none"],
            &["reject", "reject", "none"],
            &["reject", "reject", "none"],
            &["reject", "", ""],
        ];
        let voices = found(&days);
        assert_eq!(turn(&steady(&voices)), Some(("none", "reject", 3)));
        assert_eq!(turn(&steady(&found(&days[..4]))), None, "on one day only");
        // One that writes something else, or is the only one of a day, changes nothing.
        let lie: [&[&str]; 4] =
            [&["none", "none", ""], &["none", "none", "reject"], &["", "", "reject"], &["", "", "reject"]];
        assert_eq!(turn(&steady(&found(&lie))), None);
        // Where there is only one, its word stands.
        let alone: [&[&str]; 4] = [&["none"], &["none"], &["reject"], &["reject"]];
        assert_eq!(turn(&steady(&found(&alone))), Some(("none", "reject", 2)));
    }

    #[test]
    fn of_two_records_at_once_neither_changes_into_the_other() {
        let mut days: Vec<&[&str]> = vec![&["none", "none", "reject", ""]; 5];
        days.extend(vec![&["none", "", "reject", "reject"][..]; 5]);
        let voices = found(&days);
        let turned = turn(&steady(&voices)).unwrap();
        assert!(!is_followed(&voices, turned), "{turned:?}");
        assert!(is_followed(&found(&[&["none"], &["", "reject"]]), ("none", "reject", 1)), "nobody tells of both");
    }

    #[test]
    fn who_never_follows_a_change_has_a_habit() {
        let mut days: Vec<&[&str]> = vec![&["none", "none", "none", "none"]; 3];
        days.extend(vec![&["none", "reject", "reject", "reject"][..]; 3]);
        let voices = found(&days);
        assert_eq!(of_habit(&voices, &[3]), BTreeSet::from([0]));
        assert_eq!(of_habit(&voices, &[]), BTreeSet::new());
    }
}
