//! What to do about a path of a provider, by what is wrong: the entry's own words, in a frame that holds for all.
//!
//! What does not depend on who sends is not here: a remedy of strict alignment is the same everywhere.

use std::net::IpAddr;

use serde::Serialize;

use super::entry::{Dkim, Kind, Provider, RecordText, Spf};
use super::template::{Template, Values};
use crate::cause::Cause;
use crate::words::list;

/// What the reports show of the path that a remedy is for.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemedyContext<'a> {
    /// Header From.
    pub domain: &'a str,
    /// The tenant, where it is known: what [`Provider::tenant`] gave.
    pub tenant: Option<&'a str>,
    /// The domains that signed and do not align.
    pub signing_domains: &'a [String],
    /// The selectors seen, of whatever signature.
    pub selectors: &'a [String],
    /// The selectors of the domain's own keys that it is about, where it is a matter of keys.
    pub keys: &'a [String],
    /// Nothing proves that the provider sends for the domain: the path is recognised, and neither the owner's nor listed.
    pub only_recognised: bool,
    /// SPF aligns for some of it all the same, as it does for every customer of a provider that the domain includes.
    pub spf_aligns: bool,
    /// The machines that it is about, where it is a matter of some.
    pub addresses: &'a [IpAddr],
    /// The reverse-path domains that it is about, where it is a matter of some.
    pub envelopes: &'a [String],
}

/// No remedy has more steps.
pub const MOST_STEPS: usize = 6;
/// The last step, where there is room for it.
pub const LOOK_AGAIN: &str = "Look again with `dmarcstat unsigned` when two days of reports have come in.";

/// What to do about a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// In one line.
    pub title: String,
    /// Step by step.
    pub steps: Vec<String>,
    /// DNS records to publish, where they follow from the reports.
    pub records: Vec<DnsRecord>,
    /// Where this is documented.
    pub source: Option<String>,
}

/// A DNS record to publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DnsRecord {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its value, where it is known.
    pub value: Option<String>,
}

/// Causes for which it matters who sends, and whose remedy follows from the entry alone, in the order of [`Cause::ALL`].
const ABOUT_SENDERS: [Cause; 6] = [
    Cause::GatewayNotInSpf,
    Cause::OriginElsewhere,
    Cause::BouncesAndReplies,
    Cause::KeyMissing,
    Cause::ChangedInTransit,
    Cause::DefaultSignature,
];

impl Provider {
    /// The causes that mail of this provider can have and for which it has a remedy.
    #[must_use]
    pub fn causes(&self) -> Vec<Cause> {
        let fits = |cause: &Cause| match cause {
            Cause::GatewayNotInSpf => self.kind == Kind::Gateway,
            Cause::OriginElsewhere => matches!(self.kind, Kind::MailboxHost | Kind::Forwarder),
            _ => self.kind.sends_for_customers(),
        };
        ABOUT_SENDERS.into_iter().filter(fits).collect()
    }

    /// What to do about a path of this provider for a cause; nothing where that does not depend on who sends.
    #[must_use]
    pub fn remedy(&self, cause: Cause, context: &RemedyContext<'_>) -> Option<Remedy> {
        let values = Filled::new(self, context);
        let own = self.remedies.get(&cause);
        let sets_up = matches!(
            cause,
            Cause::DefaultSignature | Cause::DomainNotSetUp | Cause::SubdomainNotSetUp | Cause::NoSignature
        );
        let (mut title, usual) =
            if sets_up { self.set_up(context, &values) } else { self.usual(cause, context, &values)? };
        if let Some(own) = own.and_then(|own| own.title.as_ref()) {
            title = own.fill(&values);
        }
        let mut steps: Vec<String> = Vec::new();
        if sets_up && context.only_recognised && self.kind.sends_for_customers() {
            title = format!("if this mail is yours: {title}");
            steps.push(self.whose(context));
        }
        steps.extend(self.about_account(context));
        match own.filter(|own| !own.steps.is_empty()) {
            Some(own) => steps.extend(fill(&own.steps, &values)),
            None => steps.extend(usual),
        }
        let by_records = sets_up && !self.sign.is_empty() || matches!(cause, Cause::KeyMissing | Cause::KeyMismatch);
        let records = if by_records { self.filled_records(context, &values) } else { Vec::new() };
        if sets_up {
            steps.extend(confirm(&records, &self.records));
            steps.extend(self.about_spf(context));
        }
        steps.push(LOOK_AGAIN.to_owned());
        steps.truncate(MOST_STEPS);
        let source = own.and_then(|own| own.source.as_ref()).map(|url| url.0.clone());
        Some(Remedy { title, steps, records, source: source.or_else(|| self.documentation.clone()) })
    }

    /// How to have it sign as the domain: title and steps.
    fn set_up(&self, context: &RemedyContext<'_>, values: &Filled<'_>) -> (String, Vec<String>) {
        let (name, domain) = (&self.name, context.domain);
        if !self.sign.is_empty() {
            return (format!("switch on DKIM for {domain} in {name}"), fill(&self.sign, values).collect());
        }
        match (self.dkim, self.kind) {
            (Some(Dkim::Never), _) => (
                format!("{name} cannot sign as {domain}: send this mail another way"),
                vec![format!(
                    "Send it from an address of the provider's own domain, or through a mail server that signs as {domain} (SMTP relay), where {name} offers that."
                )],
            ),
            (None, Kind::Gateway) => (
                format!("sign mail that is sent through {name} as {domain}"),
                vec![
                    format!(
                        "Have the mail server or host that hands its mail to {name} sign as {domain}, and see that nothing which is signed is changed on the way."
                    ),
                    format!(
                        "Where {name} changes mail (disclaimers, rewritten links, tags), the signature must be made after it: by {name} itself where it can sign, or by what sends the mail on."
                    ),
                ],
            ),
            _ => (
                format!("switch on DKIM for {domain} in {name}"),
                vec![format!(
                    "Switch on DKIM signing as {domain} (\"custom domain\", \"domain authentication\") in {name} and publish the records it shows."
                )],
            ),
        }
    }

    /// What to do about a cause where the entry has no words of its own: title and steps.
    fn usual(&self, cause: Cause, context: &RemedyContext<'_>, values: &Filled<'_>) -> Option<(String, Vec<String>)> {
        let (name, domain) = (&self.name, context.domain);
        // A service's own signature beside the domain's has a selector too, which nobody publishes for the domain.
        let seen = if context.keys.is_empty() { context.selectors } else { context.keys };
        let selectors = if seen.is_empty() { String::new() } else { format!(" (seen: {})", list(seen, 4)) };
        Some(match cause {
            Cause::GatewayNotInSpf => (
                format!("name {name} in the SPF record of {domain}"),
                vec![
                    match &self.spf_include {
                        Some(include) => format!("Add `include:{include}` to the SPF record of {domain}, before its `all`, and see that it stays under ten DNS lookups (`dmarcstat dns {domain}`)."),
                        None => format!("Add what {name} names as its outgoing servers to the SPF record of {domain}, before its `all`, and see that it stays under ten DNS lookups (`dmarcstat dns {domain}`)."),
                    },
                    format!("Then see to the signature: where what stands before {name} signs as {domain} and {name} changes nothing that is signed, DMARC passes by both."),
                ],
            ),
            Cause::OriginElsewhere => (
                format!("let people who write as {domain} in {name} send through a server of the domain (SMTP)"),
                vec![
                    format!("Find who writes as {domain} there: it is written by hand, in a mailbox that is not the domain's."),
                    format!("In the mailbox, enter the domain's own mail server for that address (\"Send mail as\" or the like, with SMTP server, user and password): that server signs as {domain}. Or give the writer a mailbox of {domain}."),
                ],
            ),
            Cause::BouncesAndReplies => (
                format!("sign bounces and automatic replies from {name} as {domain} too"),
                vec![
                    format!("Bounces, out-of-office replies and receipts have an empty reverse-path, so SPF cannot align for them: only a signature as {domain} passes."),
                    format!("See whether DKIM is switched on in {name} for every domain that such mail is written as, the subdomains too; if all is set up, ask its support why mail with a null reverse-path is not signed."),
                ],
            ),
            Cause::SomeMachines => (
                format!("sign mail from all machines of {name} as {domain}"),
                vec![format!(
                    "Ask the support of {name} why these do not sign as {domain}, with the days: {}. Where signing was switched on lately, machines may follow one after the other.",
                    list(context.addresses, 4)
                )],
            ),
            Cause::SomeEnvelopes => (
                format!("set up {domain} in {name} for all that sends as it"),
                vec![format!(
                    "Mail with a reverse-path of {} is not signed as {domain}, other mail is: another account, product, region or stream. Set up {domain} there as it is set up for the rest.",
                    list(context.envelopes, 3)
                )],
            ),
            Cause::KeyMissing | Cause::KeyMismatch => (
                format!("fix the DKIM key of {domain} in {name}"),
                vec![
                    format!("Look at the selectors{selectors}: `dmarcstat dns {domain}` shows what is published."),
                    format!("Compare with the records that {name} shows for {domain}; publish what is missing, and correct what was cut, split or pasted as TXT in place of CNAME."),
                    "After a rotation keep the old record until the last mail that it signed has arrived, a week or so.".to_owned(),
                ],
            ),
            Cause::ChangedInTransit if self.kind == Kind::Gateway && !self.sign.is_empty() => {
                let mut steps = vec![format!(
                    "What {name} adds or rewrites (disclaimers, tags, links) breaks the signature made before it: switch that off for outgoing mail, or let {name} sign as {domain} after its changes."
                )];
                steps.extend(fill(&self.sign, values));
                (format!("let {name} sign as {domain}, or change nothing that is signed"), steps)
            }
            Cause::ChangedInTransit if self.kind == Kind::Gateway => (
                format!("let {name} sign as {domain}, or change nothing that is signed"),
                vec![
                    format!("What {name} adds or rewrites (disclaimers, tags, links) breaks the signature made before it. Let {name} itself sign as {domain} after its changes, where it can."),
                    format!("Or switch off what it changes in outgoing mail, or sign behind {name}."),
                ],
            ),
            Cause::ChangedInTransit => (
                format!("sign mail of {domain} after its last change, behind {name}"),
                vec![format!(
                    "Something behind {name} changes the mail: a gateway, a signature or disclaimer service. Let it sign as {domain}, or have it change nothing."
                )],
            ),
            _ => return None,
        })
    }

    /// What to know of some of its accounts.
    fn about_account(&self, context: &RemedyContext<'_>) -> Option<String> {
        let tenant = context.tenant?;
        self.accounts.iter().find(|one| tenant.starts_with(one.begins.as_str())).map(|one| one.note.clone())
    }

    /// What to find out first where nothing proves that the mail is the domain's.
    fn whose(&self, context: &RemedyContext<'_>) -> String {
        let (name, domain) = (&self.name, context.domain);
        let otherwise = if context.spf_aligns {
            format!(
                "If nobody does, p=reject does not keep it out, as its SPF aligns: the SPF record of {domain} lets in {name} with every customer it has. Report the account to {name}, and take {name} out of SPF where you do not need it."
            )
        } else {
            "If nobody does, say so in [[not_ours]] and leave it to the policy.".to_owned()
        };
        format!(
            "Nothing in the reports proves that {name} sends this mail by order of {domain}: ask who uses it there. {otherwise}"
        )
    }

    /// What SPF can do here, where DKIM was the matter and the steps do not say it themselves.
    fn about_spf(&self, context: &RemedyContext<'_>) -> Option<String> {
        let (name, domain) = (&self.name, context.domain);
        if self.signing_sets_up_spf() {
            return None;
        }
        match self.spf? {
            Spf::Own => None,
            Spf::Custom => Some(format!(
                "SPF aligns too once a return-path (bounce) domain below {domain} is set up in {name}; with DKIM aligned that is a second leg, not a condition."
            )),
            Spf::Never => Some(format!(
                "SPF cannot align here, as {name} uses a reverse-path of its own; that is fine: aligned DKIM is enough for DMARC, and no SPF include is wanted for it."
            )),
        }
    }

    /// Whether the steps that set up signing speak of the reverse-path, too: at many providers the records come together.
    pub(super) fn signing_sets_up_spf(&self) -> bool {
        let words = ["SPF", "return-path", "reverse-path", "bounce"];
        self.sign.iter().any(|step| words.iter().any(|word| step.contains(word)))
    }

    fn filled_records(&self, context: &RemedyContext<'_>, values: &Filled<'_>) -> Vec<DnsRecord> {
        let proven = |record: &RecordText| match &record.proof {
            None => true,
            Some(proof) => proof
                .fill_whole(values)
                .is_some_and(|ending| context.selectors.iter().any(|selector| names(selector, &ending))),
        };
        self.records
            .iter()
            .map(|record| DnsRecord {
                name: record.name.fill(values),
                kind: record.kind.as_str().to_owned(),
                value: record.value.as_ref().filter(|_| proven(record)).and_then(|value| value.fill_whole(values)),
            })
            .collect()
    }
}

/// Whether a selector is one label and then this ending: `selector1-example-com` names example.com, and
/// `selector1-my-example-com` another domain.
#[must_use]
pub(crate) fn names(selector: &str, ending: &str) -> bool {
    selector.strip_suffix(ending).is_some_and(|label| !label.is_empty() && !label.contains('-'))
}

/// What to say of values that are given on the word of a selector.
fn confirm(filled: &[DnsRecord], records: &[RecordText]) -> Option<String> {
    let by_proof = filled.iter().zip(records).any(|(filled, record)| record.proof.is_some() && filled.value.is_some());
    by_proof.then(|| {
        "The values of the records given here are derived from a selector in the reports, in the provider's older form: confirm them before you publish them.".to_owned()
    })
}

/// The first few of a list; nothing for none.
fn some(all: &[String]) -> Option<String> {
    (!all.is_empty()).then(|| list(all, 3))
}

fn fill(templates: &[Template], values: &Filled<'_>) -> impl Iterator<Item = String> {
    templates.iter().map(|template| template.fill(values))
}

/// The values of the placeholders.
struct Filled<'a> {
    name: &'a str,
    domain: &'a str,
    dashed: String,
    tenant: Option<&'a str>,
    signing: Option<String>,
    selectors: Option<String>,
}

impl<'a> Filled<'a> {
    fn new(provider: &'a Provider, context: &RemedyContext<'a>) -> Self {
        Filled {
            name: &provider.name,
            domain: context.domain,
            dashed: context.domain.replace('.', "-"),
            tenant: context.tenant,
            signing: some(context.signing_domains),
            selectors: some(context.selectors),
        }
    }
}

impl Values for Filled<'_> {
    fn value(&self, placeholder: &str) -> Option<&str> {
        match placeholder {
            "name" => Some(self.name),
            "domain" => Some(self.domain),
            "dashed" => Some(&self.dashed),
            "tenant" => self.tenant,
            "signing" => self.signing.as_deref(),
            "selectors" => self.selectors.as_deref(),
            _ => None,
        }
    }
}
