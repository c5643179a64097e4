//! From the figures of a survey to its paths, path by path.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::cause::{Case as CauseCase, Change, Explained, Keys, cause, is_pause, last_change, verify_none};
use super::class::{Class, class};
use super::consensus::view::View;
use super::evidence::{Grounds, notes, refused, rejected};
use super::findings::spf_lost_for;
use super::leg::{Legs, leg_notes};
use super::own_paths::OwnPaths;
use super::path::{SendingPath, Sum, is_of_machines, needs_work};
use super::remedy::{Case, remedy};
use super::rules::Rules;
use super::sender::{id, sender_name};
use super::silence::is_quiet;
use super::states::DkimFigures;
use super::weekday::weekly;
use crate::alignment::AuthResult;
use crate::cause::Cause;
use crate::domain;
use crate::parallel;
use crate::query::{DomainFigures, PathFigures, Survey};
use crate::report::period::{Day, date_of};
use crate::role::Role;

/// The paths of a survey.
#[derive(Debug, Clone, Default)]
pub struct Diagnosis {
    /// Those that were asked for, worst first.
    pub paths: Vec<SendingPath>,
    /// Those of role `unknown`, asked for or not, in sum.
    pub unknown: Sum,
    /// Those of other customers' accounts, asked for or not, in sum.
    pub other_accounts: Sum,
    /// By policy domain.
    pub domains: Vec<DomainFigures>,
}

/// Which paths are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All.
    All,
    /// All, to be compared with those of another window: without what only answers about paths show.
    AllInBrief,
    /// Those that want work: see [`SendingPath::needs_work`].
    NeedsWork,
}

/// Makes paths of the figures, worst first: those that are wanted and have at least `min_messages` messages.
#[must_use]
pub fn diagnose(survey: &Survey, rules: &Rules<'_>, min_messages: u64, which: Wanted) -> Diagnosis {
    let mut diagnosis = Diagnosis { domains: survey.domains.clone(), ..Diagnosis::default() };
    let shared = Shared::new(survey, rules);
    let judged = parallel::map(survey.paths.len(), |at| {
        // Records without a message are not mail.
        if survey.paths[at].messages < min_messages.max(1) {
            return None;
        }
        let judged = judge(survey, at, rules, &shared);
        let role = judged.role;
        let path = (which != Wanted::NeedsWork || judged.needs_work())
            .then(|| sending_path(survey, at, judged, rules, &shared))
            .map(|path| if which == Wanted::AllInBrief { path.in_brief() } else { path });
        Some((role, path))
    });
    diagnosis.paths.reserve_exact(judged.iter().flatten().filter(|(_, wanted)| wanted.is_some()).count());
    for (path, judged) in survey.paths.iter().zip(judged) {
        let Some((role, wanted)) = judged else {
            continue;
        };
        let sum = match role {
            Role::Unknown => Some(&mut diagnosis.unknown),
            Role::OtherAccount => Some(&mut diagnosis.other_accounts),
            _ => None,
        };
        if let Some(sum) = sum {
            sum.paths += 1;
            sum.messages += path.messages;
        }
        diagnosis.paths.extend(wanted);
    }
    diagnosis.paths.sort_by_cached_key(|path| {
        let failing = path.messages - path.dmarc_pass.min(path.messages);
        let not_aligned = path.messages - path.dkim.aligned.min(path.messages);
        (path.role, Reverse(failing), Reverse(not_aligned), path.domain.clone(), path.sender.clone(), path.id.clone())
    });
    diagnosis
}

/// The paths at these places of a survey, in their order: for less than [`diagnose`] costs where they are few.
#[must_use]
pub fn diagnose_some(survey: &Survey, rules: &Rules<'_>, places: &[usize]) -> Vec<SendingPath> {
    let shared = Shared::new(survey, rules);
    places.iter().map(|&at| sending_path(survey, at, judge(survey, at, rules, &shared), rules, &shared)).collect()
}

/// What is found of all paths together, for each of them.
struct Shared<'s> {
    keys: Keys<'s>,
    legs: Legs<'s>,
    own_paths: OwnPaths<'s>,
    /// By organizational domain the last day with mail.
    last: HashMap<&'s str, Day>,
}

impl<'s> Shared<'s> {
    fn new(survey: &'s Survey, rules: &Rules<'s>) -> Self {
        let own_paths = OwnPaths::new(survey, rules.catalogue);
        let mut last: HashMap<&str, Day> = HashMap::new();
        for path in survey.paths.iter().filter(|path| path.messages > 0) {
            let of = last.entry(domain::organizational(&path.domain)).or_insert(path.last);
            *of = path.last.max(*of);
        }
        Shared { keys: Keys::new(survey), legs: Legs::new(survey), own_paths, last }
    }
}

/// What a path is found to be.
pub(super) struct Judgement {
    /// What counts, since the last change.
    view: View,
    role: Role,
    class: Class,
    change: Option<Change>,
    cause: Option<Explained>,
}

impl Judgement {
    /// Whether `dmarcstat unsigned` is about it.
    fn needs_work(&self) -> bool {
        let of_machines = self.cause.as_ref().is_some_and(|(cause, shown)| is_of_machines(Some(*cause), shown));
        needs_work(self.role, self.class, of_machines)
    }
}

fn judge(survey: &Survey, at: usize, rules: &Rules<'_>, shared: &Shared<'_>) -> Judgement {
    let path = &survey.paths[at];
    let few = rules.thresholds.intermittent;
    let mut view = View::of(survey, at, Day::MIN, few);
    let change = last_change(&view, rules.thresholds).filter(|change| !is_pause(survey, at, change));
    if let Some(change) = &change {
        view = View::of(survey, at, change.day, few);
    }
    let role = path.role;
    let class = class(&view.counted, rules.thresholds);
    let addresses = survey.tally.addresses_since(at, change.map_or(Day::MIN, |change| change.day));
    let provider = path.provider.as_deref().and_then(|id| rules.catalogue.get(id));
    let case = CauseCase {
        survey,
        at,
        path,
        class,
        view: &view,
        change: change.as_ref(),
        addresses: &addresses,
        provider,
        keys: &shared.keys,
        own_paths: &shared.own_paths,
    };
    let cause = cause(&case);
    Judgement { view, role, class, change, cause }
}

fn sending_path(survey: &Survey, at: usize, judged: Judgement, rules: &Rules<'_>, shared: &Shared<'_>) -> SendingPath {
    let path = &survey.paths[at];
    let class = judged.class;
    let addresses = survey.tally.addresses(at);
    let (cause, shown) = judged.cause.map_or((None, None), |(cause, shown)| (Some(cause), Some(shown)));
    let began = shown.as_ref().and_then(|shown| shown.since);
    let works = judged.role.is_owners() && class.needs_work() && cause != Some(Cause::SpfUnevaluable);
    let spf_lost = if works { spf_lost_for(survey, at) } else { None };
    let since = began.or(judged.change.map(|change| change.day)).or(spf_lost);
    let evidence = Grounds::of(survey, at, &judged.view, shown);
    let sender = sender_name(path, rules.catalogue);
    let (signing_domains, selectors) = signing(path);
    // A remedy for what does not align names who signed instead.
    let foreign: Vec<String> =
        signing_domains.iter().filter(|domain| !domain::aligned(domain, &path.domain)).cloned().collect();
    let mut notes = notes(path, class, judged.change.as_ref(), &evidence);
    notes.extend(spf_lost.map(|day| {
        format!("SPF aligned until {}, and has not since {}", date_of(day.saturating_sub(1)), date_of(day))
    }));
    if class == Class::NotReported {
        notes.insert(0, "the reports say nothing of its signatures".to_owned());
    }
    if judged.role == Role::OtherAccount {
        notes.insert(0, "an account that nothing shows to be yours".to_owned());
    }
    notes.extend(weekly(days_of(survey, at)).map(|days| format!("sent on {days}")));
    if class == Class::Signed && judged.role.sends_for_owner() {
        notes.extend(verify_none(survey, &judged.view));
    }
    let last_seen = date_of(path.last).to_string();
    let last = shared.last.get(domain::organizational(&path.domain)).copied().unwrap_or(path.last);
    let quiet_since = (judged.role.sends_for_owner() && is_quiet(path.last, last)).then(|| last_seen.clone());
    match &quiet_since {
        Some(day) => notes.insert(0, format!("not seen since {day}")),
        None => notes.extend(refused(survey, path, class)),
    }
    notes.extend(rejected(path));
    let entry = path.entry.and_then(|number| rules.ledger.entries.get(number));
    let leg = path.role == Role::Unknown && shared.legs.of(&path.domain).iter().any(|leg| leg.path == at);
    notes.extend(leg_notes(path, at, &shared.legs, rules.catalogue));
    let case = Case {
        own_paths: &shared.own_paths,
        path,
        cause,
        change: judged.change.as_ref(),
        spf_lost,
        sender: &sender,
        foreign: &foreign,
        selectors: &selectors,
        addresses: &addresses,
        evidence: &evidence,
    };
    SendingPath {
        figures: at,
        leg,
        id: id(path),
        remedy: remedy(&case, rules.catalogue),
        domain: path.domain.clone(),
        named_by: path.named_by.as_str().to_owned(),
        provider: path.provider.clone(),
        tenant: path.tenant.clone(),
        author: path.author.clone(),
        role: judged.role,
        class,
        cause,
        since: since.map(|day| date_of(day).to_string()),
        messages: path.messages,
        dkim: DkimFigures::from(path.dkim),
        spf_aligned: path.spf_aligned,
        dmarc_pass: path.dmarc_pass,
        rejected: path.rejected,
        quarantined: path.quarantined,
        source_ips: addresses.iter().map(|one| one.ip).collect(),
        reporters: path.reporters.clone(),
        witnesses: path.witnesses,
        first_seen: date_of(path.first).to_string(),
        last_seen,
        quiet_since,
        owner: entry.and_then(|entry| entry.owner.clone()),
        signing_domains,
        selectors,
        notes,
        evidence,
        sender,
    }
}

fn days_of(survey: &Survey, at: usize) -> impl Iterator<Item = (Day, u64)> {
    survey.tally.entries(at).iter().map(|entry| (survey.tally.report(entry).day, entry.messages))
}

/// Who signed, and with which selectors, each by the messages it signed.
fn signing(path: &PathFigures) -> (Vec<String>, Vec<String>) {
    let (mut domains, mut selectors) = (HashMap::new(), HashMap::new());
    for list in &path.signers {
        for signer in list.signers.iter().filter(|signer| signer.result != AuthResult::None) {
            add(&mut domains, &signer.domain, list.messages);
            if let Some(selector) = &signer.selector {
                add(&mut selectors, selector, list.messages);
            }
        }
    }
    (ranked(domains), ranked(selectors))
}

fn add<'n>(sums: &mut HashMap<&'n str, u64>, name: &'n str, messages: u64) {
    let sum = sums.entry(name).or_default();
    *sum = sum.saturating_add(messages);
}

fn ranked(sums: HashMap<&str, u64>) -> Vec<String> {
    let mut sums: Vec<(&str, u64)> = sums.into_iter().collect();
    sums.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
    sums.into_iter().map(|(name, _)| name.to_owned()).collect()
}
