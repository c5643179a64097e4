//! What mends a path: the catalogue's words where the sender is in it, else what holds for any sender.

use super::class::Class;
use super::evidence::{Grounds, Part};
use crate::alignment::DkimState;
use crate::domain;
use crate::providers::{Catalogue, DnsRecord, Fault, Remedy, RemedyContext};
use crate::query::{AddressFigures, PathFigures, SenderKey};
use crate::role::Role;

/// What a remedy is made of.
pub(super) struct Case<'c> {
    pub(super) path: &'c PathFigures,
    pub(super) class: Class,
    pub(super) sender: &'c str,
    /// Who signed, those that do not align.
    pub(super) foreign: &'c [String],
    pub(super) selectors: &'c [String],
    pub(super) addresses: &'c [AddressFigures],
    pub(super) evidence: &'c Grounds,
}

/// What to do about a path; nothing where there is nothing to do.
#[must_use]
pub(super) fn remedy(case: &Case<'_>, catalogue: &Catalogue) -> Option<Remedy> {
    if case.path.role.is_nobodys() {
        return (case.path.role == Role::Unknown).then(|| case.decide());
    }
    if case.path.role.hands_on() {
        return None;
    }
    let fault = match case.class {
        Class::Signed | Class::NotReported => return None,
        Class::Unaligned => Fault::Unaligned,
        Class::Unsigned => Fault::Unsigned,
        Class::Intermittent => Fault::Intermittent,
        Class::Broken => Fault::Broken,
    };
    let provider = case.path.provider.as_deref().and_then(|id| catalogue.get(id));
    let mut remedy = match provider {
        Some(provider) => provider.remedy(
            fault,
            &RemedyContext {
                domain: &case.path.domain,
                tenant: case.path.tenant.as_deref(),
                signing_domains: case.foreign,
                selectors: case.selectors,
                only_recognised: matches!(case.path.role, Role::Service | Role::OtherAccount),
                spf_aligns: case.path.spf_aligned > 0,
            },
        ),
        None => case.general(fault),
    };
    let at = remedy.steps.len().min(1);
    remedy.steps.splice(at..at, case.particulars(fault));
    Some(remedy)
}

const AGAIN: &str = "Look again with `dmarcstat unsigned` when two days of reports have come in.";

impl Case<'_> {
    /// The busiest addresses, in words.
    fn machines(&self) -> String {
        let mut addresses: Vec<&AddressFigures> = self.addresses.iter().collect();
        addresses.sort_by_key(|one| (std::cmp::Reverse(one.dkim.iter().sum::<u64>()), one.ip));
        let shown: Vec<String> = addresses.iter().take(5).map(|one| one.ip.to_string()).collect();
        match addresses.len().saturating_sub(shown.len()) {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }

    /// What the reports show of this path beyond its class.
    fn particulars(&self, fault: Fault) -> Vec<String> {
        let mut steps: Vec<String> = Vec::new();
        if fault == Fault::Intermittent && self.evidence.unsigned_part.is_empty() {
            steps.push("The reports do not tell what is signed from what is not: both come on the same days, from the same addresses, to the same receivers. So several systems send through these machines, and not all are signed: send a test message from each (`dmarcstat inspect` shows what it carries).".to_owned());
        }
        if fault == Fault::Intermittent {
            steps.extend(self.evidence.unsigned_part.iter().map(|part| {
                let what = part.worded();
                match part {
                    Part::Day { signed: true, .. } => format!("The reports: {what}. If that was your change, there is nothing left to do but to watch the next days."),
                    Part::Day { signed: false, .. } => format!("The reports: {what}. Look for what changed on that day: an update, a move, a key or a configuration that was lost."),
                    Part::Address { .. } if self.path.provider.is_some() => format!("The reports: {what}. These are machines of {}, where signing may come on one after the other: if they do not sign after some days, give its support these addresses.", self.sender),
                    Part::Address { .. } => format!("The reports: {what}. Bring the signing configuration and the key of the machines that sign to those that do not."),
                    Part::NullReversePath { .. } => format!("The reports: {what}. Have the signer sign what the server itself writes too: many sign only what comes from users."),
                    Part::Reporter { .. } => format!("The reports: {what}. Ask whether these receive the mail over another route, or check what they list with `dmarcstat explain`."),
                }
            }));
        }
        if fault == Fault::Broken
            && let Some(breaks) = &self.evidence.breaks
        {
            let result = self.evidence.broken_mostly();
            let what = breaks.worded(&self.evidence.counted, result);
            steps.push(format!("The reports: {what}. {}", breaks.advice(result)));
        }
        let uncovered: Vec<&AddressFigures> =
            self.addresses.iter().filter(|one| one.spf_aligned == 0 && one.dkim.iter().sum::<u64>() >= 3).collect();
        let own_machines = self.path.provider.is_none() && self.path.role.is_owners();
        if own_machines && self.path.spf_aligned > 0 && !uncovered.is_empty() {
            let shown: Vec<String> = uncovered.iter().take(4).map(|one| one.ip.to_string()).collect();
            let more = if uncovered.len() > 4 { format!(" and {} more", uncovered.len() - 4) } else { String::new() };
            steps.push(format!(
                "SPF never aligns from {}{more}: if the machine is yours, add it to the SPF record of the reverse-path's domain (`ip4:` or `ip6:`), or send through one that is in it.",
                shown.join(", ")
            ));
        }
        steps
    }

    /// Whether nothing but its address names the sender: a machine, and no service.
    fn is_network(&self) -> bool {
        matches!(self.path.sender, SenderKey::Network(_) | SenderKey::Host(_) | SenderKey::Nobody)
    }

    /// How a service is made to sign as the domain.
    fn service(&self) -> String {
        let (sender, domain) = (self.sender, self.path.domain.as_str());
        format!(
            "Where the mail of {sender} is administered, look for \"DKIM\", \"domain authentication\" or \"custom domain\", add {domain} there, and publish the records it shows (CNAME or TXT below _domainkey.{domain}). If it offers nothing of the kind, ask its support for DKIM signatures with d={domain}, or send this mail through a service that can."
        )
    }

    /// How a service is made to sign what it does not sign yet.
    fn rest_of_service(&self) -> String {
        let (sender, domain) = (self.sender, self.path.domain.as_str());
        format!(
            "{sender} can sign as {domain}, as a part shows. Look there for what is sent without: another account, product or region, another sending domain or address; set up {domain} for it too. If all is set up, give its support the days and addresses."
        )
    }

    /// How a machine of one's own is made to sign.
    fn signer(&self) -> String {
        let domain = self.path.domain.as_str();
        format!(
            "Have the machine hand its mail to the server or service that signs for {domain} already (a smarthost with authentication). Or install a signer there: OpenDKIM, rspamd, or what the mail server brings. With OpenDKIM: make a key of 2048 bits (`opendkim-genkey -b 2048 -d {domain} -s SELECTOR`), publish its public half as TXT at SELECTOR._domainkey.{domain}, name Domain, Selector and KeyFile in opendkim.conf (and in InternalHosts the machines whose mail it passes on), then join it to the mail server (Postfix: smtpd_milters, and non_smtpd_milters for what the machine itself writes). Whatever signs must come last: after footers, disclaimers and virus scanners."
        )
    }

    /// The frame that holds for any sender.
    fn general(&self, fault: Fault) -> Remedy {
        let (sender, domain) = (self.sender, self.path.domain.as_str());
        let (machines, network) = (self.machines(), self.is_network());
        let signed_as = if self.foreign.is_empty() { "another domain".to_owned() } else { self.foreign.join(", ") };
        let test = format!(
            "Send a message to a mailbox of your own at another provider and check it with `dmarcstat inspect`: it must show a signature with d={domain} that passes."
        );
        let selectors = match self.selectors {
            [] => "selectors not reported".to_owned(),
            [one] => format!("selector {one}"),
            many => format!("selectors {}", many.join(", ")),
        };
        let (title, mut steps) = match fault {
            Fault::Unaligned => (
                format!("have {sender} sign as {domain}, not as {signed_as}"),
                vec![
                    format!("Its mail is signed as {signed_as}; such a signature may verify, and is worth nothing to DMARC, as it does not align with {domain}."),
                    self.service(),
                ],
            ),
            Fault::Unsigned => (
                format!("have {sender} sign with DKIM as {domain}"),
                vec![
                    format!("{} What passes DMARC by SPF alone is lost as soon as it is forwarded. It comes from {machines}.", self.unsigned()),
                    if network { format!("Find the machine by its address (your own lists, reverse DNS, whois) and what on it sends as {domain}.") } else { self.service() },
                    self.signer(),
                ],
            ),
            Fault::Intermittent => (
                format!("have {sender} sign all mail of {domain}"),
                vec![
                    format!("A part of its mail is signed as {domain}, a part is not; `dmarcstat explain` shows the days and addresses."),
                    if network { self.signer() } else { self.rest_of_service() },
                ],
            ),
            Fault::Broken => (
                format!("mend the signatures of {sender} as {domain}"),
                vec![
                    self.broken(&selectors),
                    format!("Look up the key of each selector: `dig TXT SELECTOR._domainkey.{domain}` (`dmarcstat dns {domain}` does it for all). Missing: publish it. There: compare it with the key that signs; a key pasted in pieces, with blanks or with quotes is a usual fault."),
                    "If the key fits, something changes the mail after it is signed: a footer, a disclaimer, a gateway that rewrites links. Sign behind it.".to_owned(),
                ],
            ),
        };
        steps.push(test);
        steps.push(AGAIN.to_owned());
        Remedy { title, steps, records: self.records(fault, network), source: None }
    }

    /// How much of the mail carries no signature.
    fn unsigned(&self) -> String {
        let counted = &self.evidence.counted;
        let known = counted.aligned + counted.unaligned + counted.broken + counted.unsigned;
        match counted.unsigned == known {
            true => "Its mail carries no signature.".to_owned(),
            false => format!("Of its messages {} of {known} carry no signature.", counted.unsigned),
        }
    }

    /// How many of the signatures do not verify.
    fn broken(&self, selectors: &str) -> String {
        let (domain, counted) = (&self.path.domain, &self.evidence.counted);
        match counted.aligned {
            0 => format!("Its signatures as {domain} ({selectors}) do not verify."),
            aligned => format!(
                "Of its signatures as {domain} ({selectors}) {} of {} do not verify.",
                counted.broken,
                counted.broken + aligned
            ),
        }
    }

    /// The record that a new key of one's own wants; its value is the key's.
    fn records(&self, fault: Fault, network: bool) -> Vec<DnsRecord> {
        let key = |selector: &str| DnsRecord {
            name: format!("{selector}._domainkey.{}", self.path.domain),
            kind: "TXT".to_owned(),
            value: None,
        };
        match fault {
            Fault::Unsigned if network => vec![key("<selector>")],
            Fault::Broken => self
                .path
                .signers
                .iter()
                .flat_map(|list| list.signers.iter())
                .filter(|signer| domain::aligned(&signer.domain, &self.path.domain))
                .filter_map(|signer| signer.selector.as_deref().map(|selector| (selector, signer.domain.as_str())))
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .take(4)
                .map(|(selector, domain)| DnsRecord {
                    name: format!("{selector}._domainkey.{domain}"),
                    ..key(selector)
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// What to do about a path that nothing vouches for.
    fn decide(&self) -> Remedy {
        let (sender, domain, path) = (self.sender, self.path.domain.as_str(), self.path);
        let of = |state: DkimState| path.dkim[usize::from(state.code())];
        let mut found = match path.vouched {
            0 => format!("Nothing in the reports shows that it may: neither SPF nor DKIM of {domain} passes."),
            some => format!(
                "Too little in the reports shows that it may: SPF or DKIM of {domain} passes for {some} of {} messages, or on one reporter's word, or on one day.",
                path.messages
            ),
        };
        if of(DkimState::Unsigned) == path.messages {
            found.push_str(" It carries no signature at all.");
        } else if !self.foreign.is_empty() {
            found.push_str(&format!(
                " It is signed as {}.",
                self.foreign.iter().take(3).cloned().collect::<Vec<_>>().join(", ")
            ));
        }
        if of(DkimState::Broken) > 0 {
            found.push_str(&format!(
                " Signatures as {domain} fail here: of mail that was forwarded and changed, or copied."
            ));
        }
        found.push_str(&format!(
            " It comes from {}. If nobody knows it, this is what p=reject is for, and there is nothing to do.",
            self.machines()
        ));
        let matched = match (&path.sender, self.addresses) {
            (SenderKey::Domain(name), _) => format!("envelope_domain = \"{name}\""),
            (SenderKey::Host(name), _) => format!("ptr = \"{name}\""),
            (_, few) if few.len() <= 4 => {
                let quoted: Vec<String> = few.iter().map(|one| format!("\"{}\"", one.ip)).collect();
                format!("ip = [{}]", quoted.join(", "))
            }
            _ => format!("ip = \"{sender}\""),
        };
        let mut steps = vec![found];
        if self.is_network() {
            steps.push(format!("If it is yours: {}", self.signer()));
            steps.push("Add the machine to the SPF record of the reverse-path's domain (`ip4:` or `ip6:`), so that SPF passes too.".to_owned());
        } else {
            steps.push(format!("If it is yours: {}", self.service()));
        }
        if path.sender != SenderKey::Nobody {
            steps.push(format!(
                "And list it in the ledger of approved senders, so that it is not taken for a stranger: [[sender]] with name = \"…\", domains = [\"{domain}\"], match = {{ {matched} }}."
            ));
        }
        Remedy {
            title: format!("decide whether {sender} sends for {domain}"),
            steps,
            records: Vec::new(),
            source: None,
        }
    }
}
