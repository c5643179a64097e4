//! The catalogue of senders, and what it says of one.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::document::{Document, Fact, Paint, Text};
use super::form::Answer;
use super::remedy::steps;
use super::table::{Column, Field, Rows, Table, Written as _, plain};
use crate::cause::Cause;
use crate::providers::{Dkim, Match, Provider, Remedy, RemedyContext, Spf};

/// Providers found: one in full, several as a list.
#[derive(Debug, Clone, Copy)]
pub struct ProvidersAnswer<'a> {
    /// Those found.
    pub matches: &'a [Match<'a>],
    /// The name, domain, host or address; nothing for the whole catalogue.
    pub asked: Option<&'a str>,
    /// The domain that the remedies are for.
    pub domain: Option<&'a str>,
}

impl Answer for ProvidersAnswer<'_> {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        json!({
            "schema": "dmarcstat/providers/1",
            "asked": self.asked,
            "providers": self.matches.iter().map(|one| provider_json(one, self)).collect::<Vec<_>>(),
        })
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        match self.matches {
            [one] if self.asked.is_some() => detail(one, self, &mut document),
            several => {
                document.table(list(several));
                let text = Text::prose("`dmarcstat providers NAME` shows one in full.");
                document.text(text.paint(Paint::Dim));
            }
        }
        document
    }

    fn rows(&self) -> Rows<'_> {
        Rows::of(&fields(), self.matches.iter())
    }
}

fn list(matches: &[Match<'_>]) -> Table {
    Table::of(
        matches.iter().map(|one| one.provider),
        [
            (Column::text("ID"), |one| plain(&one.id)),
            (Column::text("NAME"), |one| plain(&one.name)),
            (Column::text("KIND"), |one| plain(one.kind.as_str())),
            (Column::text("CATEGORY").from(90), |one| plain(one.category.written())),
            (Column::text("SIGNS AS CUSTOMER"), |one| {
                plain(match one.dkim {
                    Some(Dkim::AsCustomer) => "yes",
                    Some(Dkim::Never) => "no",
                    None => "–",
                })
            }),
            (Column::text("SPF ALIGNS").from(70), |one| {
                plain(match one.spf {
                    Some(Spf::Own) => "yes",
                    Some(Spf::Custom) => "if set up",
                    Some(Spf::Never) => "no",
                    None => "–",
                })
            }),
            (Column::text("CHECKED").from(100), |one| plain(checked(one))),
        ],
    )
}

/// What stands in place of the day of an entry that was compared with no page of the provider's.
const PAGE_NOT_READ: &str = "page not read";

fn checked(provider: &Provider) -> String {
    match provider.checked {
        _ if !provider.page_read => PAGE_NOT_READ.to_owned(),
        Some(date) => date.to_string(),
        None if provider.users_own => "yours".to_owned(),
        None => String::new(),
    }
}

/// The remedies of a provider, one a cause; a hoster, which is nobody's sender, has none. Without a domain to fill in they are
/// for `<domain>`.
fn remedies(provider: &Provider, view: &ProvidersAnswer<'_>) -> Vec<(Cause, Remedy)> {
    let context = RemedyContext { domain: view.domain.unwrap_or("<domain>"), ..RemedyContext::default() };
    let causes = provider.causes().into_iter();
    causes.filter_map(|cause| provider.remedy(cause, &context).map(|remedy| (cause, remedy))).collect()
}

fn provider_json(one: &Match<'_>, view: &ProvidersAnswer<'_>) -> Value {
    let provider = one.provider;
    // All remedies of all providers are more than anybody asked for.
    let remedies = view.asked.map(|_| {
        let all =
            remedies(provider, view).into_iter().map(|(cause, remedy)| (cause.as_str().to_owned(), json!(remedy)));
        Value::Object(all.collect::<Map<_, _>>())
    });
    json!({
        "id": provider.id,
        "name": provider.name,
        "kind": provider.kind,
        "category": provider.category,
        "matched_by": view.asked.map(|_| one.by.as_str()),
        "dkim": provider.dkim,
        "spf": provider.spf,
        "signing_domains": provider.signing_domains,
        "envelope_domains": provider.envelope_domains,
        "hosts": provider.hosts,
        "addresses": provider.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "spf_include": provider.spf_include,
        "note": provider.note,
        "remedies": remedies,
        "documentation": provider.documentation,
        "checked": provider.checked.map(|date| date.to_string()),
        "page_read": provider.page_read,
        "users_own": provider.users_own,
    })
}

/// What it says of a provider, for a reader.
fn facts(one: &Match<'_>) -> Vec<Fact> {
    let provider = one.provider;
    let addresses: Vec<String> = provider.addresses.iter().map(ToString::to_string).collect();
    let kind = match &provider.category {
        Some(category) => format!("{}, {category}", provider.kind.as_str()),
        None => provider.kind.as_str().to_owned(),
    };
    let own = if provider.users_own { "from your own file" } else { "" };
    let not_read = (!provider.page_read).then_some(NOT_READ);
    let facts = [
        ("id", provider.id.clone()),
        ("kind", kind),
        ("signs as customer", provider.dkim.map_or("", dkim_words).to_owned()),
        ("SPF", provider.spf.map_or("", spf_words).to_owned()),
        ("signs by default as", provider.signing_domains.join(", ")),
        ("reverse-path in", provider.envelope_domains.join(", ")),
        ("host names in", provider.hosts.join(", ")),
        ("addresses", addresses.join(", ")),
        ("SPF include", provider.spf_include.clone().unwrap_or_default()),
        ("note", provider.note.clone().unwrap_or_default()),
        ("documentation", provider.documentation.clone().unwrap_or_default()),
        (
            "checked",
            not_read.map_or_else(|| provider.checked.map(|date| date.to_string()).unwrap_or_default(), str::to_owned),
        ),
        ("origin", own.to_owned()),
    ];
    let facts = facts.into_iter().filter(|(_, text)| !text.is_empty());
    facts.map(|(name, text)| Fact::new(name, Text::prose(text))).collect()
}

/// What there is to know of an entry that was compared with no page of the provider's.
const NOT_READ: &str = "no page of the provider's was read: all of this is from DNS records and headers of mail";

fn dkim_words(dkim: Dkim) -> &'static str {
    match dkim {
        Dkim::AsCustomer => "yes, once the domain is set up",
        Dkim::Never => "no",
    }
}

fn spf_words(spf: Spf) -> &'static str {
    match spf {
        Spf::Own => "aligns: the reverse-path is the customer's",
        Spf::Custom => "aligns with a return-path domain of the customer's",
        Spf::Never => "never aligns: the reverse-path is the provider's",
    }
}

fn detail(one: &Match<'_>, view: &ProvidersAnswer<'_>, document: &mut Document) {
    document.title(one.provider.name.clone());
    document.facts(facts(one));
    for (cause, mut remedy) in remedies(one.provider, view) {
        // It stands among the facts.
        remedy.source = None;
        document.heading(cause.as_str());
        document.text(Text::prose(&remedy.title).paint(Paint::Bold));
        steps(&remedy, 0, document);
    }
}

fn fields<'a>() -> [Field<Match<'a>>; 16] {
    [
        ("id", |one| one.provider.id.written()),
        ("name", |one| one.provider.name.written()),
        ("kind", |one| one.provider.kind.as_str().written()),
        ("category", |one| one.provider.category.written()),
        ("dkim", |one| one.provider.dkim.map(Dkim::as_str).written()),
        ("spf", |one| one.provider.spf.map(Spf::as_str).written()),
        ("signing_domains", |one| one.provider.signing_domains.written()),
        ("envelope_domains", |one| one.provider.envelope_domains.written()),
        ("hosts", |one| one.provider.hosts.written()),
        ("addresses", |one| one.provider.addresses.written()),
        ("spf_include", |one| one.provider.spf_include.written()),
        ("note", |one| one.provider.note.written()),
        ("documentation", |one| one.provider.documentation.written()),
        ("checked", |one| one.provider.checked.written()),
        ("page_read", |one| one.provider.page_read.written()),
        ("users_own", |one| one.provider.users_own.written()),
    ]
}
