//! One record: who sent what from where, and what the reporter made of it.

use std::net::IpAddr;

use super::owners::{OWNERS, Owner};
use super::rng::Rng;
use super::senders::{Bounce, SENDERS, Sender, Signing};

/// One `<dkim>` of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signature<'a> {
    pub(crate) domain: &'a str,
    pub(crate) selector: &'a str,
    pub(crate) result: &'static str,
}

/// One record, before a reporter's habits take anything away.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) address: IpAddr,
    pub(crate) count: u32,
    pub(crate) disposition: &'static str,
    pub(crate) dkim_aligned: bool,
    pub(crate) spf_aligned: bool,
    pub(crate) reason: Option<(&'static str, &'static str)>,
    pub(crate) header_from: &'a str,
    pub(crate) envelope_from: &'a str,
    pub(crate) envelope_to: &'a str,
    pub(crate) signatures: Vec<Signature<'a>>,
    pub(crate) spf: &'static str,
}

/// The names that are made up by number: strangers' domains, and the recipients' domains of Microsoft's reports.
#[derive(Debug)]
pub(crate) struct Names {
    strangers: Vec<String>,
    recipients: Vec<String>,
}

const FREEMAIL: [&str; 8] =
    ["outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de", "hotmail.co.uk", "live.nl", "hotmail.fr"];

impl Names {
    /// Some eighty strangers and twenty recipients.
    pub(crate) fn new() -> Self {
        let kinds = ["alumni-forward", "hosting", "university", "mailhost"];
        let strangers = (0..80).map(|n| format!("{}{n}.example", kinds[n % kinds.len()])).collect();
        let customers = (0..12).map(|n| format!("customer{n}.example"));
        Self { strangers, recipients: FREEMAIL.iter().map(ToString::to_string).chain(customers).collect() }
    }
}

/// How many outcomes a sender's mail has for one policy domain, the first ones far the commonest.
const OUTCOMES: usize = 50;

/// Makes the records of one report after the other.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    names: &'a Names,
    owner: &'static Owner,
    record: Record<'a>,
}

/// Picks the policy domain of a report.
pub(crate) fn owner(rng: &mut Rng) -> &'static Owner {
    &OWNERS[rng.weighted(OWNERS.iter().map(|owner| owner.weight))]
}

impl<'a> Records<'a> {
    /// For reports on `owner`'s domain.
    pub(crate) fn new(names: &'a Names, owner: &'static Owner) -> Self {
        let record = Record {
            address: IpAddr::from([0, 0, 0, 0]),
            count: 0,
            disposition: "none",
            dkim_aligned: false,
            spf_aligned: false,
            reason: None,
            header_from: "",
            envelope_from: "",
            envelope_to: "",
            signatures: Vec::new(),
            spf: "none",
        };
        Self { names, owner, record }
    }

    /// The next record, in place of the one before.
    pub(crate) fn next(&mut self, rng: &mut Rng) -> &Record<'a> {
        let (names, owner) = (self.names, self.owner);
        let number = rng.weighted(SENDERS.iter().map(|sender| sender.weight));
        let sender = &SENDERS[number];
        let record = &mut self.record;
        record.address = sender.network.address(rng.skewed(sender.network.size));
        record.count = if rng.one_in(40) { rng.log_uniform(20, 3_000) } else { rng.log_uniform(1, 12) } as u32;
        record.envelope_to = &names.recipients[rng.skewed(names.recipients.len())];
        // The rest comes from a limited stock of outcomes: real mail repeats the same few again and again.
        let outcome = (owner.weight as usize * SENDERS.len() + number) * OUTCOMES + rng.skewed(OUTCOMES);
        let rng = &mut Rng::for_item(0x6f75_7463, outcome as u64);
        // A service sends in one or two names, not in all; strangers take what they find.
        let strange = matches!(sender.signing, Signing::Spoofed | Signing::Forwarded);
        let name = if strange { rng.skewed(owner.names.len()) } else { number + rng.skewed(3) };
        record.header_from = owner.names[name % owner.names.len()];
        let stranger = names.strangers[rng.skewed(names.strangers.len())].as_str();
        record.envelope_from = envelope_from(sender, owner, record.header_from, stranger, rng);
        record.spf = spf(sender.signing, rng);
        sign(record, sender, owner, stranger, rng);
        evaluate(record, sender, owner, rng);
        record
    }
}

fn envelope_from<'a>(
    sender: &Sender,
    owner: &'static Owner,
    header_from: &'a str,
    stranger: &'a str,
    rng: &mut Rng,
) -> &'a str {
    match sender.bounce {
        Bounce::Same => header_from,
        Bounce::Aligned => owner.bounces[rng.skewed(owner.bounces.len())],
        Bounce::Service if sender.service.is_empty() => stranger,
        Bounce::Service => sender.service,
    }
}

/// SPF as checked: hardly ever wrong for who is listed, hardly ever right for who is not.
fn spf(signing: Signing, rng: &mut Rng) -> &'static str {
    let stray = rng.below(1_000);
    match signing {
        Signing::Spoofed => ["softfail", "fail", "none", "neutral", "permerror"][rng.skewed(5)],
        Signing::Forwarded if stray < 300 => ["none", "softfail", "fail"][stray % 3],
        Signing::Nothing if stray < 150 => ["softfail", "none"][stray % 2],
        _ if stray >= 975 => ["temperror", "softfail", "permerror", "neutral", "none"][stray % 5],
        _ => "pass",
    }
}

/// The signatures, each with its result.
fn sign<'a>(record: &mut Record<'a>, sender: &Sender, owner: &'static Owner, stranger: &'a str, rng: &mut Rng) {
    record.signatures.clear();
    let own = |rng: &mut Rng| pick(sender.own, rng);
    let (by_owner, by_service) = match sender.signing {
        Signing::Own => (true, false),
        Signing::Service => (false, true),
        Signing::Both => (!rng.one_in(30), rng.one_in(3)),
        Signing::Sometimes => (rng.one_in(2), false),
        Signing::Nothing => (false, false),
        Signing::Forwarded => (!rng.one_in(12), rng.one_in(3)),
        Signing::Spoofed => (false, !sender.theirs.is_empty() && rng.one_in(3)),
    };
    if by_owner {
        let domain = if sender.bounce == Bounce::Aligned && rng.one_in(4) { owner.domain } else { record.header_from };
        let result = result(sender.signing, rng);
        record.signatures.push(Signature { domain, selector: own(rng), result });
        if sender.signing == Signing::Own && rng.one_in(9) {
            record.signatures.push(Signature { domain, selector: own(rng), result: "pass" });
        }
    }
    if by_service {
        let (domain, selector) = match sender.service {
            "onmicrosoft.com" => (owner.tenant, tenant_selector(owner)),
            "gappssmtp.com" => (owner.workspace, pick(sender.theirs, rng)),
            "" if sender.theirs.is_empty() => (owner.tenant, tenant_selector(owner)),
            "" => (stranger, pick(sender.theirs, rng)),
            service => (service, pick(sender.theirs, rng)),
        };
        // Microsoft adds its tenant's signature only now and then once the owner's key is in place.
        if by_owner && sender.theirs.is_empty() && !rng.one_in(6) {
            return;
        }
        record.signatures.push(Signature { domain, selector, result: result(Signing::Service, rng) });
    }
}

fn tenant_selector(owner: &Owner) -> &'static str {
    match owner.domain {
        "example.com" => "selector1-examplecom-onmicrosoft-com",
        "fabrikam.example" => "selector1-fabrikam-onmicrosoft-com",
        "contoso.example" => "selector2-contoso-onmicrosoft-com",
        "example.net" => "selector1-examplenet-onmicrosoft-com",
        _ => "selector2-exampleorg-onmicrosoft-com",
    }
}

fn pick(from: &'static [&'static str], rng: &mut Rng) -> &'static str {
    from[rng.skewed(from.len())]
}

/// The result of a signature: forwarding breaks many, everything else few.
fn result(signing: Signing, rng: &mut Rng) -> &'static str {
    let stray = rng.below(1_000);
    match signing {
        Signing::Forwarded if stray < 250 => "fail",
        _ if stray >= 965 => ["fail", "temperror", "permerror", "neutral", "policy"][(stray % 10).saturating_sub(5)],
        _ => "pass",
    }
}

/// What follows from it for the owner's domain.
fn evaluate(record: &mut Record<'_>, sender: &Sender, owner: &Owner, rng: &mut Rng) {
    let aligned = |name: &str| {
        if owner.strict { name == record.header_from } else { is_within(name, owner.domain) }
    };
    record.dkim_aligned = record.signatures.iter().any(|s| s.result == "pass" && aligned(s.domain));
    record.spf_aligned = record.spf == "pass" && aligned(record.envelope_from);
    record.disposition = "none";
    record.reason = None;
    if record.dkim_aligned || record.spf_aligned {
        return;
    }
    record.disposition = owner.policy;
    let forwarded = sender.signing == Signing::Forwarded;
    if owner.policy != "none" && (forwarded && rng.one_in(2) || rng.one_in(25)) {
        let softened = if owner.policy == "reject" && rng.one_in(3) { "quarantine" } else { "none" };
        record.disposition = softened;
        record.reason = Some(match rng.below(8) {
            0 => ("forwarded", "looks forwarded, downgrade to none with phishing warning"),
            1 => ("mailing_list", ""),
            2 => ("trusted_forwarder", ""),
            3 => ("local_policy", "arc=pass as[1].d=google.com as[1].s=arc-20240605"),
            _ => ("local_policy", "arc=pass"),
        });
    } else if forwarded && rng.one_in(4) {
        record.reason = Some(("local_policy", "arc=fail"));
    }
}

fn is_within(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
