//! The answer of `unsigned` and `sources`: paths, worst first.

use std::cmp::Reverse;
use std::net::IpAddr;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::cause::{Case as CauseCase, Change, Explained, Keys, cause, last_change};
use super::class::{Class, Thresholds, class};
use super::evidence::{Grounds, notes, refused};
use super::findings::DomainFinding;
use super::ledger::LedgerFinding;
use super::leg::{Legs, leg_notes};
use super::remedy::{Case, remedy};
use super::view::States;
use super::view::View;
use super::weekday::weekly;
use crate::alignment::{AuthResult, DkimState};
use crate::cause::Cause;
use crate::domain;
use crate::parallel;
use crate::providers::{Catalogue, Provider, Remedy};
use crate::query::{DomainFigures, Ledger, PathFigures, SenderKey, Survey};
use crate::report::period::{Day, date_of};
use crate::role::Role;

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Which answer, and its version.
    pub schema: &'static str,
    /// The days it is about.
    pub window: WindowAnswer,
    /// The end of the newest report in the database.
    pub newest_report: Option<String>,
    /// Reports within the window.
    pub reports: u64,
    /// Reporters within the window.
    pub reporters: usize,
    /// Why it tells little, in words.
    pub cautions: Vec<String>,
    /// By policy domain.
    pub domains: Vec<DomainFigures>,
    /// What is wrong with a domain as a whole, worst first.
    pub findings: Vec<DomainFinding>,
    /// The paths.
    pub paths: Vec<SendingPath>,
    /// Paths of role `unknown`, in sum.
    pub unknown: Sum,
    /// Paths of other customers' accounts, in sum.
    pub other_accounts: Sum,
    /// Entries of the ledger that want a look.
    pub ledger: Vec<LedgerFinding>,
}

/// The days of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WindowAnswer {
    /// The first.
    pub begin: Option<String>,
    /// The last.
    pub end: Option<String>,
}

/// Messages by DKIM state; the five add up to the path's messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the states'")]
pub struct DkimFigures {
    pub aligned: u64,
    pub unaligned: u64,
    pub broken: u64,
    pub unsigned: u64,
    pub unknown: u64,
}

impl From<States> for DkimFigures {
    fn from(states: States) -> Self {
        let count = |state: DkimState| states[usize::from(state.code())];
        DkimFigures {
            aligned: count(DkimState::Aligned),
            unaligned: count(DkimState::Unaligned),
            broken: count(DkimState::Broken),
            unsigned: count(DkimState::Unsigned),
            unknown: count(DkimState::Unknown),
        }
    }
}

/// A sending path.
#[derive(Debug, Clone, Serialize)]
pub struct SendingPath {
    /// Its place in [`Survey::paths`], for who wants more of its figures.
    #[serde(skip)]
    pub figures: usize,
    /// It looks like the other leg of an own server: only receivers see it that see none of that.
    #[serde(skip)]
    pub leg: bool,
    /// Short, and the same on every machine for the same path.
    pub id: String,
    /// Header From.
    pub domain: String,
    /// Who runs the machine that handed the mail to the reporter.
    pub sender: String,
    /// Whose system wrote it, as authenticated: a domain, an account of a provider, or nobody.
    pub author: Option<String>,
    /// The rule that named it.
    pub named_by: String,
    /// The provider, where it is catalogued.
    pub provider: Option<String>,
    /// The tenant, where the provider shows it.
    pub tenant: Option<String>,
    /// Why it exists.
    pub role: Role,
    /// How it signs.
    pub class: Class,
    /// Why it does not pass; nothing where nothing is wrong.
    pub cause: Option<Cause>,
    /// The day of the last change that class and cause speak of the time after, where there was one.
    pub since: Option<String>,
    /// Messages.
    pub messages: u64,
    /// By DKIM state.
    pub dkim: DkimFigures,
    /// Messages with aligned SPF.
    pub spf_aligned: u64,
    /// Messages that passed DMARC.
    pub dmarc_pass: u64,
    /// Messages that were refused.
    pub rejected: u64,
    /// Messages that were quarantined.
    pub quarantined: u64,
    /// Domains whose signatures verified, or would have.
    pub signing_domains: Vec<String>,
    /// The selectors of those.
    pub selectors: Vec<String>,
    /// Every address.
    pub source_ips: Vec<IpAddr>,
    /// Every reporter.
    pub reporters: Vec<String>,
    /// First day seen.
    pub first_seen: String,
    /// Last day seen.
    pub last_seen: String,
    /// What else to know.
    pub notes: Vec<String>,
    /// What to do.
    pub remedy: Option<Remedy>,
    /// Whom to ask, by the ledger.
    pub owner: Option<String>,
    /// Why it is of its class.
    pub evidence: Grounds,
}

impl SendingPath {
    /// Whether `dmarcstat unsigned` is about it: mail sent in the domain's name on purpose that is not all signed as the
    /// domain, or machines of a path that never sign.
    #[must_use]
    pub fn needs_work(&self) -> bool {
        needs_work(self.role, self.class, self.cause)
    }
}

/// Paths in sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// How many.
    pub paths: u64,
    /// Their messages.
    pub messages: u64,
}

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

/// What paths are judged by, besides the figures.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'r> {
    /// Where one class ends and the next begins.
    pub thresholds: &'r Thresholds,
    /// The catalogue of providers.
    pub catalogue: &'r Catalogue,
    /// The approved senders.
    pub ledger: &'r Ledger,
}

/// Which paths are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All.
    All,
    /// Those that want work: see [`SendingPath::needs_work`].
    NeedsWork,
}

/// Makes paths of the figures, worst first: those that are wanted and have at least `min_messages` messages.
#[must_use]
pub fn diagnose(survey: &Survey, rules: &Rules<'_>, min_messages: u64, which: Wanted) -> Diagnosis {
    let mut diagnosis = Diagnosis { domains: survey.domains.clone(), ..Diagnosis::default() };
    let (keys, legs) = (Keys::new(survey), Legs::new(survey));
    let judged = parallel::map(survey.paths.len(), |at| {
        // Records without a message are no mail.
        if survey.paths[at].messages < min_messages.max(1) {
            return None;
        }
        let judged = judge(survey, at, rules, &keys);
        let role = judged.role;
        let path =
            (which == Wanted::All || judged.needs_work()).then(|| sending_path(survey, at, judged, rules, &legs));
        Some((role, path))
    });
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
    let (keys, legs) = (Keys::new(survey), Legs::new(survey));
    places.iter().map(|&at| sending_path(survey, at, judge(survey, at, rules, &keys), rules, &legs)).collect()
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
        needs_work(self.role, self.class, self.cause.as_ref().map(|cause| cause.0))
    }
}

/// Whether a path of a role, a class and a cause is one that `dmarcstat unsigned` is about.
fn needs_work(role: Role, class: Class, cause: Option<Cause>) -> bool {
    role.sends_for_owner() && (class.needs_work() || cause == Some(Cause::SomeMachines))
}

fn judge(survey: &Survey, at: usize, rules: &Rules<'_>, keys: &Keys<'_>) -> Judgement {
    let path = &survey.paths[at];
    let few = rules.thresholds.intermittent;
    let mut view = View::of(survey, at, Day::MIN, few);
    let change = last_change(&view, rules.thresholds);
    if let Some(change) = &change {
        view = View::of(survey, at, change.day, few);
    }
    let role = path.role;
    let class = class(&view.counted, rules.thresholds);
    let addresses = survey.tally.addresses(at);
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
        keys,
    };
    let cause = cause(&case);
    Judgement { view, role, class, change, cause }
}

fn sending_path(survey: &Survey, at: usize, judged: Judgement, rules: &Rules<'_>, legs: &Legs<'_>) -> SendingPath {
    let path = &survey.paths[at];
    let class = judged.class;
    let addresses = survey.tally.addresses(at);
    let (cause, shown) = judged.cause.map_or((None, None), |(cause, shown)| (Some(cause), Some(shown)));
    let began = shown.as_ref().and_then(|shown| shown.since);
    let since = began.or(judged.change.map(|change| change.day));
    let evidence = Grounds::of(survey, at, &judged.view, shown);
    let sender = sender_name(path, rules.catalogue);
    let (signing_domains, selectors) = signing(path);
    // A remedy for what does not align names who signed instead.
    let foreign: Vec<String> =
        signing_domains.iter().filter(|domain| !domain::aligned(domain, &path.domain)).cloned().collect();
    let mut notes = notes(path, class, judged.change.as_ref(), &evidence);
    if class == Class::NotReported {
        notes.insert(0, "the reports say nothing of its signatures".to_owned());
    }
    if judged.role == Role::OtherAccount {
        notes.insert(0, "an account that nothing shows to be yours".to_owned());
    }
    notes.extend(weekly(days_of(survey, at)).map(|days| format!("sent on {days}")));
    notes.extend(refused(survey, path, class));
    let entry = path.entry.and_then(|number| rules.ledger.entries.get(number));
    let leg = path.role == Role::Unknown && legs.of(&path.domain).iter().any(|leg| leg.path == at);
    notes.extend(leg_notes(path, at, legs, rules.catalogue));
    let case = Case {
        survey,
        path,
        cause,
        change: judged.change.as_ref(),
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
        first_seen: date_of(path.first).to_string(),
        last_seen: date_of(path.last).to_string(),
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

/// The network of a path, as it is written.
pub(super) fn network_of(net: IpAddr) -> String {
    match net {
        IpAddr::V4(net) => format!("{net}/24"),
        IpAddr::V6(net) => format!("{net}/48"),
    }
}

/// What to call the sender of a path.
#[must_use]
pub fn sender_name(path: &PathFigures, catalogue: &Catalogue) -> String {
    named(&path.sender, catalogue)
}

pub(super) fn named(sender: &SenderKey, catalogue: &Catalogue) -> String {
    let provider = |id: &str| catalogue.get(id).map_or_else(|| id.to_owned(), |provider| provider.name.clone());
    match sender {
        SenderKey::Listed(name) => name.clone(),
        SenderKey::Provider { id, tenant: Some(tenant) } => {
            // The first label is what people call the tenant by.
            let label = tenant.split_once('.').map_or(tenant.as_str(), |(label, _)| label);
            format!("{} ({label})", provider(id))
        }
        SenderKey::Provider { id, tenant: None } => provider(id),
        SenderKey::Through { organization, provider: id } if is_itself(catalogue, id, organization) => provider(id),
        SenderKey::Through { organization, provider: id } => format!("{organization}, through {}", provider(id)),
        SenderKey::Behind(author) => format!("gateway behind {author}"),
        SenderKey::Domain(domain) | SenderKey::Host(domain) => domain.clone(),
        SenderKey::Network(net) => {
            let network = network_of(*net);
            catalogue.network_owner(*net).map_or_else(|| network.clone(), |owner| format!("{owner}, {network}"))
        }
        SenderKey::Nobody => "no address".to_owned(),
    }
}

/// Whether an organization is the provider itself.
fn is_itself(catalogue: &Catalogue, id: &str, organization: &str) -> bool {
    let domains = |provider: &Provider| {
        let mut all = provider.envelope_domains.iter().chain(&provider.signing_domains);
        all.any(|domain| domain::organizational(domain) == organization)
    };
    catalogue.get(id).is_some_and(domains)
}

/// Who signed, and with which selectors, each by the messages it signed.
fn signing(path: &PathFigures) -> (Vec<String>, Vec<String>) {
    let mut domains: Vec<(String, u64)> = Vec::new();
    let mut selectors: Vec<(String, u64)> = Vec::new();
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

fn add(sums: &mut Vec<(String, u64)>, name: &str, messages: u64) {
    match sums.iter_mut().find(|(known, _)| known == name) {
        Some((_, sum)) => *sum += messages,
        None => sums.push((name.to_owned(), messages)),
    }
}

fn ranked(mut sums: Vec<(String, u64)>) -> Vec<String> {
    sums.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
    sums.into_iter().map(|(name, _)| name).collect()
}

/// Eight characters of base32 over what makes the path: header From and sender, and nothing that another window could change.
/// The stream of a domain's own account of a provider is the same path whether or not the account shows.
#[must_use]
pub fn id(path: &PathFigures) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let sender = match &path.sender {
        SenderKey::Listed(name) => format!("listed {name}"),
        SenderKey::Provider { id, tenant: Some(tenant) } if !path.only_tenant => format!("provider {id} {tenant}"),
        SenderKey::Provider { id, .. } => format!("provider {id}"),
        SenderKey::Through { organization, provider } => format!("domain {organization} through {provider}"),
        SenderKey::Behind(author) => format!("behind {author}"),
        SenderKey::Domain(domain) => format!("domain {domain}"),
        SenderKey::Host(domain) => format!("host {domain}"),
        SenderKey::Network(net) => format!("network {net}"),
        SenderKey::Nobody => "nobody".to_owned(),
    };
    let role = match path.role {
        Role::Own | Role::Approved => "",
        other => other.as_str(),
    };
    let digest = Sha256::digest(format!("{}\0{sender}\0{role}", path.domain));
    digest.iter().take(8).map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}
