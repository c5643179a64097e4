//! What to do about a path of a provider: the entry's own words, in a frame that says what is wrong and how to look again.

use serde::{Deserialize, Serialize};

use super::entry::{Dkim, Kind, Provider, RecordText, Spf};
use super::template::{Template, Values};

/// What is wrong with the signatures of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// Signed by other domains only.
    Unaligned,
    /// Not signed.
    Unsigned,
    /// Signed as the domain in part.
    Intermittent,
    /// Signed as the domain, and not verifying.
    Broken,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Fault; 4] = [Fault::Unaligned, Fault::Unsigned, Fault::Intermittent, Fault::Broken];

    /// As it is written in answers and in the catalogue.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Fault::Unaligned => "unaligned",
            Fault::Unsigned => "unsigned",
            Fault::Intermittent => "intermittent",
            Fault::Broken => "broken",
        }
    }
}

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
    /// Nothing proves that the provider sends for the domain: the path is recognised, and neither the owner's nor listed.
    pub only_recognised: bool,
    /// SPF aligns for some of it all the same, as it does for every customer of a provider that the domain includes.
    pub spf_aligns: bool,
}

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

impl Provider {
    /// What to do about a path of this provider with this fault.
    #[must_use]
    pub fn remedy(&self, fault: Fault, context: &RemedyContext<'_>) -> Remedy {
        let values = Filled::new(self, context);
        let own = self.remedies.get(&fault);
        let own_title = own.and_then(|own| own.title.as_ref()).map(|title| title.fill(&values));
        let own_steps: Vec<String> = own.map_or_else(Vec::new, |own| fill(&own.steps, &values).collect());
        let mut title = own_title.unwrap_or_else(|| self.title(fault, context));
        let mut steps = vec![self.finding(fault, context)];
        if context.only_recognised && self.kind.sends_for_customers() {
            title = format!("if this mail is yours: {title}");
            steps.push(self.whose(context));
        }
        let mut records = Vec::new();
        if own_steps.is_empty() {
            steps.extend(self.usual(fault, context));
        }
        steps.extend(own_steps);
        if self.is_to_be_set_up(fault) {
            steps.extend(fill(&self.sign, &values));
        }
        if self.is_to_be_set_up(fault) || fault == Fault::Broken {
            records = self.filled_records(context, &values);
            steps.extend(confirm(&records, &self.records));
        }
        steps.extend(self.about_spf(fault, context));
        if self.kind.sends_for_customers() {
            steps.push("Look again with `dmarcstat unsigned` when two days of reports have come in.".to_owned());
        }
        let source = own.and_then(|own| own.source.as_ref()).map(|url| url.0.clone());
        Remedy { title, steps, records, source: source.or_else(|| self.documentation.clone()) }
    }

    /// Whether the remedy is to set up signing as the customer.
    fn is_to_be_set_up(&self, fault: Fault) -> bool {
        fault != Fault::Broken && !self.sign.is_empty()
    }

    fn title(&self, fault: Fault, context: &RemedyContext<'_>) -> String {
        let (name, domain) = (&self.name, context.domain);
        match (fault, self.kind, self.dkim) {
            (_, Kind::Forwarder | Kind::List, _) => {
                format!(
                    "nothing to switch on at {name}, which passes on mail of others: have {domain} sign at its origin"
                )
            }
            (Fault::Broken, Kind::Gateway, _) => {
                format!("have {name} sign as {domain}, or change nothing that is signed")
            }
            (Fault::Broken, ..) => format!("mend the DKIM key of {domain} in {name}"),
            (_, _, Some(Dkim::Never)) => format!("{name} cannot sign as {domain}: send this mail another way"),
            (_, Kind::Gateway, None) => format!("have what sends through {name} sign as {domain}"),
            (Fault::Intermittent, ..) => format!("have {name} sign all mail of {domain}"),
            (Fault::Unaligned | Fault::Unsigned, ..) => format!("switch on DKIM for {domain} in {name}"),
        }
    }

    /// What the reports show, in a sentence.
    fn finding(&self, fault: Fault, context: &RemedyContext<'_>) -> String {
        let (name, domain) = (&self.name, context.domain);
        match fault {
            Fault::Unaligned => format!(
                "The mail of {name} is signed as {}; to DMARC that is worth nothing even where it verifies, as it does not align with {domain}.",
                some(context.signing_domains).unwrap_or_else(|| "another domain".to_owned())
            ),
            Fault::Unsigned => format!(
                "The mail leaves {name} without a DKIM signature; what passes DMARC passes by SPF alone and is lost as soon as it is forwarded."
            ),
            Fault::Intermittent => format!(
                "{name} signs a part of the mail as {domain} and a part not; `dmarcstat explain` shows which: since when, from which addresses, of which envelopes."
            ),
            Fault::Broken => match some(context.selectors) {
                None => format!("Signatures as {domain} by {name} do not verify."),
                Some(list) => format!("Signatures as {domain} by {name} (selectors seen: {list}) do not verify."),
            },
        }
    }

    /// What to find out first where nothing proves that the mail is the domain's.
    fn whose(&self, context: &RemedyContext<'_>) -> String {
        let (name, domain) = (&self.name, context.domain);
        let otherwise = if context.spf_aligns {
            format!(
                "If nobody does, p=reject does not keep it out, as its SPF aligns: the SPF record of {domain} lets in {name} with every customer it has, whose accounts may all write {domain} into the envelope. Report the account to {name}, and take {name} out of SPF where you do not need it."
            )
        } else {
            "If nobody does, leave it to the policy; p=reject refuses it.".to_owned()
        };
        format!(
            "Nothing in the reports proves that {name} sends this mail by order of {domain}: ask who uses it there. {otherwise}"
        )
    }

    /// What to do where the entry has no words of its own.
    fn usual(&self, fault: Fault, context: &RemedyContext<'_>) -> Vec<String> {
        let (name, domain) = (&self.name, context.domain);
        match (self.kind, fault) {
            (Kind::Forwarder | Kind::List, _) => vec![
                format!(
                    "Have every origin of mail of {domain} sign with DKIM as {domain}: a signature survives forwarding where nothing in the mail is changed, SPF never does."
                ),
                if self.kind == Kind::List {
                    "A list that adds footers or subject tags breaks signatures; ask its owner to leave the mail as it is, or to put the list's own address into From for domains with a policy.".to_owned()
                } else {
                    "What arrives here unsigned was sent unsigned, or by somebody else; look at the other paths of the domain.".to_owned()
                },
            ],
            (Kind::Gateway, Fault::Broken) => vec![
                format!(
                    "If {name} changes mail that was signed before it (disclaimers, rewritten links, tags), let {name} itself sign as {domain}, after its changes, or sign behind it."
                ),
                format!(
                    "If {name} signs: compare the DKIM records of the selectors in the DNS of {domain} with the keys that {name} shows."
                ),
            ],
            (_, Fault::Broken) => vec![
                format!(
                    "Compare the DKIM records of the selectors in the DNS of {domain} with those that {name} shows for {domain}; publish what is missing, and mend what was cut or split on the way."
                ),
                format!(
                    "If they are right and mail fails at some receivers only, something changes it after {name} has signed: a relay or gateway behind it, a footer. What signs must come last."
                ),
                "If it fails since a day, a key was replaced: keep the old record for some days after a rotation."
                    .to_owned(),
            ],
            (_, Fault::Intermittent) => vec![
                "Which part it is tells why: all mail up to some day, a setting or a record that changed then; some addresses, machines that lack the key; the null reverse-path, bounces and automatic replies, which many systems never sign; one domain of several, a domain that was not set up.".to_owned(),
            ],
            (_, _) if self.is_to_be_set_up(fault) => Vec::new(),
            (Kind::Gateway, _) => vec![
                format!("Have the mail server or host that hands its mail to {name} sign as {domain}, and see that nothing which is signed is changed on the way."),
                format!("Where {name} changes mail (disclaimers, rewritten links, tags), the signature must be made after it: by {name} itself where it can sign, or by what sends the mail on."),
            ],
            (_, _) if self.dkim == Some(Dkim::Never) => vec![format!(
                "Send it from an address of the provider's own domain, or through a mail server that signs as {domain} (SMTP relay), where {name} offers that."
            )],
            (_, _) => vec![format!(
                "Switch on DKIM signing as {domain} (\"custom domain\", \"domain authentication\") in {name} and publish the records it shows."
            )],
        }
    }

    /// What SPF can do here, where DKIM was the matter.
    fn about_spf(&self, fault: Fault, context: &RemedyContext<'_>) -> Option<String> {
        let (name, domain) = (&self.name, context.domain);
        match (fault, self.spf?) {
            (Fault::Broken, _) | (_, Spf::Own) => None,
            (_, Spf::Custom) => Some(format!(
                "SPF aligns too once a return-path (bounce) domain below {domain} is set up in {name}; with DKIM aligned that is a second leg, not a condition."
            )),
            (_, Spf::Never) => Some(format!(
                "SPF cannot align here, as {name} uses a reverse-path of its own; that is fine: aligned DKIM is enough for DMARC, and no SPF include is wanted for it."
            )),
        }
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

/// The first few of a list, and how many more there are; nothing for none.
fn some(list: &[String]) -> Option<String> {
    const SHOWN: usize = 3;
    let more = list.len().saturating_sub(SHOWN);
    let shown = list.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match (list.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(shown),
        (false, more) => Some(format!("{shown} and {more} more")),
    }
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
