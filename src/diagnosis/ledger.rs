//! The ledger of approved senders held against what was seen: entries that expired or matched nothing, and entries to
//! propose for what is not in it.

use jiff::civil::Date;
use serde::Serialize;

use super::path::SendingPath;
use crate::domain;
use crate::query::{Ledger, SenderKey, Survey};
use crate::role::Role;

/// An entry of the ledger that wants a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerFinding {
    /// The entry's name.
    pub name: String,
    /// Its line in the configuration.
    pub line: usize,
    /// What is the matter.
    pub problem: LedgerProblem,
    /// The last day of its approval.
    pub expires: Option<String>,
    /// Whom to ask.
    pub owner: Option<String>,
}

/// What is the matter with an entry of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LedgerProblem {
    /// Its approval has ended. It still lists its sender: mail must not be given up for a date.
    Expired,
    /// Nothing in the window is its mail.
    Unmatched,
}

impl LedgerFinding {
    /// In words.
    #[must_use]
    pub fn worded(&self) -> String {
        let owner = self.owner.as_ref().map_or_else(String::new, |owner| format!("; ask {owner}"));
        match self.problem {
            LedgerProblem::Expired => {
                let day = self.expires.as_deref().unwrap_or("a day gone by");
                format!("the ledger's {:?} (line {}) expired on {day}{owner}", self.name, self.line)
            }
            LedgerProblem::Unmatched => {
                format!("the ledger's {:?} (line {}) matches no mail of this window{owner}", self.name, self.line)
            }
        }
    }
}

/// The entries that want a look, as far as they are about the domains asked for (all where there is none), on a day.
#[must_use]
pub fn ledger_findings(survey: &Survey, ledger: &Ledger, domains: &[String], today: Date) -> Vec<LedgerFinding> {
    let asked = |of: &str| domains.iter().any(|one| domain::is_within(of, one) || domain::is_within(one, of));
    let mut findings = Vec::new();
    for (number, entry) in ledger.entries.iter().enumerate() {
        if !domains.is_empty() && !entry.domains.is_empty() && !entry.domains.iter().any(|of| asked(of)) {
            continue;
        }
        let mut add = |problem| {
            findings.push(LedgerFinding {
                name: entry.name.clone(),
                line: entry.line,
                problem,
                expires: entry.expires.map(|day| day.to_string()),
                owner: entry.owner.clone(),
            });
        };
        if entry.expires.is_some_and(|last| last < today) {
            add(LedgerProblem::Expired);
        }
        if !survey.matched_entries.contains(&number) {
            add(LedgerProblem::Unmatched);
        }
    }
    findings
}

/// An entry to propose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What to call the sender.
    pub name: String,
    /// The header From domains it was seen with.
    pub domains: Vec<String>,
    /// How it is recognised: the key of `match` and its values.
    pub identity: Option<(&'static str, Vec<String>)>,
    /// Its classes and messages, for who reads it.
    pub seen: String,
    /// The reports prove that it acts for the domain.
    pub proven: bool,
}

/// More addresses are given as their network.
const ADDRESSES: usize = 8;

/// Entries for the senders that were seen and are not in the ledger: no forwarders, who pass on mail of others, and no path
/// that nothing vouches for.
#[must_use]
pub fn proposals(survey: &Survey, paths: &[SendingPath]) -> Vec<Proposal> {
    let mut proposals: Vec<Proposal> = Vec::new();
    for path in paths {
        let listed = matches!(path.role, Role::Approved | Role::Denied);
        if path.role.hands_on() || path.role == Role::Unknown || listed || path.domain.is_empty() {
            continue;
        }
        let (proven, identity) = (path.role == Role::Own, identity(survey, path));
        let seen = format!("{}: {}, {} messages", path.domain, path.class.as_str(), path.messages);
        let same =
            |known: &&mut Proposal| known.proven == proven && known.name == path.sender && known.identity == identity;
        match proposals.iter_mut().find(same) {
            Some(known) => {
                known.domains.push(path.domain.clone());
                known.seen = format!("{}; {seen}", known.seen);
            }
            None => proposals.push(Proposal {
                name: path.sender.clone(),
                domains: vec![path.domain.clone()],
                identity,
                seen,
                proven,
            }),
        }
    }
    proposals
}

/// The first lines of an entry of the ledger in TOML: its table, name, domains and `match`.
#[must_use]
pub fn entry_lines(
    table: &str,
    name: &str,
    domains: &[String],
    identity: Option<&(&'static str, Vec<String>)>,
) -> [String; 4] {
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let list = |texts: &[String]| format!("[{}]", texts.iter().map(|one| text(one)).collect::<Vec<_>>().join(", "));
    let matches = match identity {
        Some((key, values)) if values.len() == 1 => format!("match = {{ {key} = {} }}", text(&values[0])),
        Some((key, values)) => format!("match = {{ {key} = {} }}", list(values)),
        None => "# match = { … }: many addresses, and no identity that verified; name one".to_owned(),
    };
    [format!("[[{table}]]"), format!("name = {}", text(name)), format!("domains = {}", list(domains)), matches]
}

/// An entry of the ledger about a path, in TOML; `last` is its last line.
pub(super) fn entry(survey: &Survey, path: &SendingPath, table: &str, last: &str) -> String {
    let domains = std::slice::from_ref(&path.domain);
    let lines = entry_lines(table, &path.sender, domains, identity(survey, path).as_ref());
    format!("{}\n{last}\n", lines.join("\n"))
}

/// How the mail of a path is recognised by what verified.
fn identity(survey: &Survey, path: &SendingPath) -> Option<(&'static str, Vec<String>)> {
    let figures = survey.paths.get(path.figures)?;
    let foreign = |name: &&String| !domain::aligned(name, &path.domain);
    if let Some(tenant) = &path.tenant {
        return Some(("tenant", vec![tenant.clone()]));
    }
    let envelope = || {
        let name = figures.envelopes.iter().map(|(name, _)| name).find(foreign)?;
        Some(("envelope_domain", vec![domain::organizational(name).to_owned()]))
    };
    let signer = || {
        let verified = figures.signers.iter().flat_map(|list| list.signers.iter());
        let name = verified
            .filter(|signer| signer.result == crate::alignment::AuthResult::Pass)
            .map(|signer| &signer.domain)
            .find(foreign)?;
        Some(("signing_domain", vec![name.clone()]))
    };
    let addresses = || {
        if path.source_ips.is_empty() {
            return None;
        }
        let few = path.source_ips.len() <= ADDRESSES;
        match &figures.sender {
            SenderKey::Network(net) if !few => {
                let length = if net.is_ipv4() { 24 } else { 48 };
                Some(("ip", vec![format!("{net}/{length}")]))
            }
            _ if few => Some(("ip", path.source_ips.iter().map(ToString::to_string).collect())),
            _ => None,
        }
    };
    match &figures.sender {
        SenderKey::Domain(name) => Some(("envelope_domain", vec![name.clone()])),
        SenderKey::Host(name) => Some(("ptr", vec![name.clone()])),
        SenderKey::Network(_) | SenderKey::Nobody => addresses(),
        _ => envelope().or_else(signer).or_else(addresses),
    }
}
