//! The catalogue of senders, and what it says of one.

use std::io::{Result, Write};

use serde_json::{Map, Value, json};

use super::grid::{Column, Grid, Row, csv, wrap};
use super::text::markdown_cell;
use super::{Form, Paint, Style, json};
use crate::cause::Cause;
use crate::providers::{Dkim, Match, Provider, Remedy, RemedyContext, Spf};
use crate::sanitize::sanitize;

/// What was asked of the catalogue.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProvidersView<'a> {
    /// The name, domain, host or address; nothing for the whole catalogue.
    pub asked: Option<&'a str>,
    /// The domain that the remedies are for.
    pub domain: Option<&'a str>,
}

/// Writes the providers found: one in full, several as a list.
///
/// # Errors
/// Those of writing.
pub fn providers(
    matches: &[Match<'_>],
    view: ProvidersView<'_>,
    form: Form,
    style: &Style,
    out: &mut dyn Write,
) -> Result<()> {
    match (form, matches) {
        (Form::Json, _) => json(
            &json!({
                "schema": "dmarcstat/providers/1",
                "asked": view.asked,
                "providers": matches.iter().map(|one| provider_json(one, view)).collect::<Vec<_>>(),
            }),
            out,
        ),
        (Form::Csv, _) => csv(&HEADINGS, matches.iter().map(|one| cells(one.provider)), out),
        (Form::Table, [one]) if view.asked.is_some() => detail(one, view, style, out),
        (Form::Markdown, [one]) if view.asked.is_some() => markdown_detail(one, view, out),
        (Form::Table, _) => {
            list(matches).table(out, style)?;
            writeln!(out, "\n{}", style.paint("`dmarcstat providers NAME` shows one in full.", Paint::Dim))
        }
        (Form::Markdown, _) => list(matches).markdown(out),
    }
}

fn list(matches: &[Match<'_>]) -> Grid {
    let mut grid = Grid::new([
        Column::text("ID"),
        Column::text("NAME"),
        Column::text("KIND"),
        Column::text("CATEGORY").from(90),
        Column::text("SIGNS AS CUSTOMER"),
        Column::text("SPF ALIGNS").from(70),
        Column::text("CHECKED").from(100),
    ]);
    for one in matches {
        let provider = one.provider;
        grid.push(Row::new([
            provider.id.clone(),
            provider.name.clone(),
            provider.kind.as_str().to_owned(),
            provider.category.clone().unwrap_or_default(),
            match provider.dkim {
                Some(Dkim::AsCustomer) => "yes",
                Some(Dkim::Never) => "no",
                None => "–",
            }
            .to_owned(),
            match provider.spf {
                Some(Spf::Own) => "yes",
                Some(Spf::Custom) => "if set up",
                Some(Spf::Never) => "no",
                None => "–",
            }
            .to_owned(),
            checked(provider),
        ]));
    }
    grid
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
fn remedies(provider: &Provider, view: ProvidersView<'_>) -> Vec<(Cause, Remedy)> {
    let context = RemedyContext { domain: view.domain.unwrap_or("<domain>"), ..RemedyContext::default() };
    let causes = provider.causes().into_iter();
    causes.filter_map(|cause| provider.remedy(cause, &context).map(|remedy| (cause, remedy))).collect()
}

fn provider_json(one: &Match<'_>, view: ProvidersView<'_>) -> Value {
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

/// What it says of a provider, as pairs for a reader.
fn facts(one: &Match<'_>) -> Vec<(&'static str, String)> {
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
    facts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
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

fn detail(one: &Match<'_>, view: ProvidersView<'_>, style: &Style, out: &mut dyn Write) -> Result<()> {
    let width = usize::from(style.width);
    writeln!(out, "{}\n", style.paint(&sanitize(&one.provider.name), Paint::Bold))?;
    const LABEL: usize = 21;
    for (label, text) in facts(one) {
        for (number, line) in wrap(&sanitize(&text), width.saturating_sub(LABEL)).iter().enumerate() {
            let label = format!("{:LABEL$}", if number == 0 { label } else { "" });
            writeln!(out, "{}{line}", style.paint(&label, Paint::Dim))?;
        }
    }
    let remedies = remedies(one.provider, view);
    for (cause, remedy) in &remedies {
        writeln!(out)?;
        for (number, line) in wrap(&sanitize(&remedy.title), width.saturating_sub(22)).iter().enumerate() {
            let label = if number == 0 { cause.as_str() } else { "" };
            writeln!(out, "{}{line}", style.paint(&format!("{label:22}"), Paint::Warn))?;
        }
        for (number, step) in remedy.steps.iter().enumerate() {
            for (line, text) in wrap(&sanitize(step), width.saturating_sub(6)).iter().enumerate() {
                let lead = if line == 0 { format!("{:>4}. ", number + 1) } else { " ".repeat(6) };
                writeln!(out, "{lead}{text}")?;
            }
        }
        for record in &remedy.records {
            let value = record.value.as_deref().unwrap_or("(the provider shows the value)");
            writeln!(out, "      {}", sanitize(&format!("{} {} {value}", record.name, record.kind)))?;
        }
    }
    Ok(())
}

fn markdown_detail(one: &Match<'_>, view: ProvidersView<'_>, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "# {}\n", markdown_cell(&one.provider.name))?;
    for (label, text) in facts(one) {
        writeln!(out, "- {label}: {}", markdown_cell(&text))?;
    }
    for (cause, remedy) in remedies(one.provider, view) {
        writeln!(out, "\n## {}: {}\n", cause.as_str(), markdown_cell(&remedy.title))?;
        for (number, step) in remedy.steps.iter().enumerate() {
            writeln!(out, "{}. {}", number + 1, markdown_cell(step))?;
        }
        if !remedy.records.is_empty() {
            let mut grid = Grid::new([Column::text("NAME"), Column::text("TYPE"), Column::text("VALUE")]);
            for record in &remedy.records {
                let value = record.value.clone().unwrap_or_else(|| "(the provider shows the value)".to_owned());
                grid.push(Row::new([record.name.clone(), record.kind.clone(), value]));
            }
            writeln!(out)?;
            grid.markdown(out)?;
        }
    }
    Ok(())
}

const HEADINGS: [&str; 16] = [
    "id",
    "name",
    "kind",
    "category",
    "dkim",
    "spf",
    "signing_domains",
    "envelope_domains",
    "hosts",
    "addresses",
    "spf_include",
    "note",
    "documentation",
    "checked",
    "page_read",
    "users_own",
];

fn cells(provider: &Provider) -> Vec<String> {
    let addresses: Vec<String> = provider.addresses.iter().map(ToString::to_string).collect();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        provider.id.clone(),
        provider.name.clone(),
        provider.kind.as_str().to_owned(),
        text(&provider.category),
        provider.dkim.map_or("", |dkim| dkim.as_str()).to_owned(),
        provider.spf.map_or("", |spf| spf.as_str()).to_owned(),
        provider.signing_domains.join(" "),
        provider.envelope_domains.join(" "),
        provider.hosts.join(" "),
        addresses.join(" "),
        text(&provider.spf_include),
        text(&provider.note),
        text(&provider.documentation),
        provider.checked.map(|date| date.to_string()).unwrap_or_default(),
        provider.page_read.to_string(),
        provider.users_own.to_string(),
    ]
}
