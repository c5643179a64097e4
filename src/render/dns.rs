//! The live records of a domain, and what is wrong with them.

use serde::Serialize;

use super::document::{Document, Paint, Text};
use super::form::Answer;
use super::table::{Column, Field, Row, Rows, Table, Written as _, painted, plain};
use crate::dns::dkim::{AliasState, DkimKey, KeyState, KeyType, Microsoft365};
use crate::dns::dmarc::{DmarcReview, Feeds, ReportAddress, TagState, Walk};
use crate::dns::spf::{NodeState, SpfNode, SpfReview};
use crate::dns::{Checked, DnsAudit, Outcome, ServiceRecord};
use crate::finding::Severity;
use crate::words::plural;

/// The answer about a domain's records.
#[derive(Debug, Clone, Serialize)]
pub struct DnsAnswer {
    /// Which answer, and its version.
    pub schema: &'static str,
    /// The name server asked; `null` for those of the system.
    pub resolver: Option<String>,
    /// Selectors that reports name and that were not looked at, because there are too many.
    pub selectors_left_out: usize,
    /// The records and the checks.
    #[serde(flatten)]
    pub audit: DnsAudit,
}

const FIELDS: &[Field<Checked>] = &[
    ("code", |checked| checked.finding.code.as_str().written()),
    ("outcome", |checked| checked.outcome.as_str().written()),
    ("severity", |checked| checked.finding.severity.as_str().written()),
    ("subject", |checked| checked.finding.subject.written()),
    ("detail", |checked| checked.finding.detail.written()),
    ("remedy", |checked| checked.finding.remedy.written()),
];

impl Answer for DnsAnswer {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        self
    }

    fn document(&self) -> Document {
        let (audit, mut document) = (&self.audit, Document::default());
        document.text(format!("{}: {}", audit.domain, summary(&audit.findings)));
        let (passed, open): (Vec<_>, Vec<_>) = audit.findings.iter().partition(|one| one.outcome == Outcome::Passed);
        document.heading("What to do");
        table(findings(&open), &mut document);
        document.heading("DMARC");
        dmarc(&audit.dmarc, &mut document);
        document.heading("SPF");
        spf(&audit.spf, &mut document);
        document.heading("DKIM");
        keys(&audit.dkim, self.selectors_left_out, &mut document);
        if let Some(microsoft365) = &audit.microsoft365 {
            document.heading("DKIM of Microsoft 365");
            table(aliases(microsoft365), &mut document);
        }
        let services = [&audit.mta_sts, &audit.tls_rpt, &audit.bimi];
        if services.iter().any(|service| service.record.is_some()) {
            document.heading("MTA-STS, TLS reports, BIMI");
            document.table(service_records(services));
        }
        document.heading("As it should be");
        table(findings(&passed), &mut document);
        document
    }

    /// A check is a row.
    fn rows(&self) -> Rows<'_> {
        Rows::of(FIELDS, self.audit.findings.iter())
    }
}

/// Adds a table, and where it has no rows that there is nothing.
fn table(table: Table, document: &mut Document) {
    if table.rows.is_empty() {
        document.text("nothing");
    }
    document.table(table);
}

/// How many findings there are of each kind.
fn summary(findings: &[Checked]) -> String {
    let failed = |severity| {
        let those = |one: &&Checked| one.outcome == Outcome::Failed && one.finding.severity == severity;
        findings.iter().filter(those).count() as u64
    };
    let of = |outcome| findings.iter().filter(|one| one.outcome == outcome).count() as u64;
    let mut parts = vec![plural(failed(Severity::Error), "error"), plural(failed(Severity::Warning), "warning")];
    parts.push(format!("{} to improve", failed(Severity::Advice)));
    if of(Outcome::CouldNotLook) > 0 {
        parts.push(format!("{} could not be looked up", of(Outcome::CouldNotLook)));
    }
    parts.push(format!("{} as it should be", of(Outcome::Passed)));
    parts.join(", ")
}

fn outcome(checked: &Checked) -> (&'static str, Paint) {
    match (checked.outcome, checked.finding.severity) {
        (Outcome::Passed, _) => ("ok", Paint::Good),
        (Outcome::CouldNotLook, _) => ("unknown", Paint::Warn),
        (Outcome::Failed, Severity::Error) => ("error", Paint::Bad),
        (Outcome::Failed, Severity::Warning) => ("warning", Paint::Warn),
        (Outcome::Failed, Severity::Advice) => ("advice", Paint::Plain),
    }
}

fn findings(findings: &[&Checked]) -> Table {
    let mut table = Table::new([Column::text(""), Column::text("NAME"), Column::text("FINDING")]);
    for checked in findings {
        let (word, paint) = outcome(checked);
        let finding = &checked.finding;
        let row = Row::new([Text::plain(word), Text::plain(&finding.subject), Text::prose(&finding.detail)]);
        let remedy = finding.remedy.as_ref().map(|remedy| Text::prose(format!("→ {remedy}")));
        table.push(row.paint(0, paint).below(remedy));
    }
    table
}

fn dmarc(review: &DmarcReview, document: &mut Document) {
    let Some(record) = &review.record else { return document.text("no record") };
    let at = review.policy_domain.as_deref().unwrap_or_default();
    let led =
        if review.aliases.is_empty() { String::new() } else { format!(" (by way of {})", review.aliases.join(", ")) };
    document.text(format!("_dmarc.{at}{led}:"));
    document.verbatim(0, vec![record.clone()]);
    let mut tags = Table::new([Column::text("TAG"), Column::text("VALUE"), Column::text("MEANING")]);
    for tag in &review.tags {
        let (mark, paint) = match tag.state {
            TagState::Valid => ("", Paint::Plain),
            TagState::Historic => ("historic: ", Paint::Dim),
            TagState::Unknown => ("unknown: ", Paint::Warn),
            TagState::Invalid => ("wrong: ", Paint::Bad),
        };
        tags.push(Row::new([tag.name.clone(), tag.value.clone(), format!("{mark}{}", tag.meaning)]).paint(2, paint));
    }
    document.table(tags);
    document.table(addresses(review));
    document.text(format!("Walking the tree (RFC 9989): {}", walk(&review.discovery.tree_walk)));
    document.text(format!("By the Public Suffix List (RFC 7489): {}", walk(&review.discovery.psl)));
}

fn walk(walk: &Walk) -> String {
    let policy = walk.policy.map_or_else(|| "no policy".to_owned(), |policy| format!("policy {}", policy.as_str()));
    let at = walk.policy_domain.as_ref().map_or_else(String::new, |at| format!(" from _dmarc.{at}"));
    let organization = walk.organizational_domain.as_deref().unwrap_or("unknown");
    let failure = walk.could_not_look.as_ref().map_or_else(String::new, |reason| format!("; could not look: {reason}"));
    format!(
        "{policy}{at}, organizational domain {organization}, {}{failure}",
        plural(walk.queried.len() as u64, "name") + " asked"
    )
}

fn addresses(review: &DmarcReview) -> Table {
    let mut table = Table::new([
        Column::text("REPORTS TO"),
        Column::text("FOR"),
        Column::text("DELIVERY"),
        Column::text("COMES IN HERE"),
    ]);
    let mut add = |address: &ReportAddress, kind: &str| {
        let (delivery, paint) = match (&address.uri.problem, address.external, address.authorized, address.accepts_mail)
        {
            (Some(problem), ..) => (problem.clone(), Paint::Bad),
            (None, _, _, Some(false)) => ("its domain takes no mail".to_owned(), Paint::Bad),
            (None, true, Some(false), _) => ("the other organization does not agree".to_owned(), Paint::Bad),
            (None, true, None, _) | (None, _, _, None) => ("could not look".to_owned(), Paint::Warn),
            (None, true, Some(true), _) => ("the other organization agrees".to_owned(), Paint::Good),
            (None, false, ..) => ("own organization".to_owned(), Paint::Good),
        };
        let feeds = if address.feeds == Feeds::Yes { "yes" } else { "not known" };
        table.push(Row::new([address.uri.uri.clone(), kind.to_owned(), delivery, feeds.to_owned()]).paint(2, paint));
    };
    review.rua.iter().for_each(|address| add(address, "aggregate"));
    review.ruf.iter().for_each(|address| add(address, "failures"));
    table
}

fn spf(review: &SpfReview, document: &mut Document) {
    let Some(record) = &review.record else {
        return document.text(match review.records {
            None => "could not look",
            Some(0) => "no record",
            Some(_) => "several records, which is as good as none",
        });
    };
    document.verbatim(0, vec![record.clone()]);
    let least = if review.complete { "" } else { "at least " };
    let rest = if review.macros { "; what depends on the message is not followed" } else { "" };
    document.text(format!(
        "{least}{} of 10 look-ups, {} of 2 that find nothing, everybody else: {}{rest}",
        review.lookups,
        review.void_lookups,
        review.all.as_deref().unwrap_or("left open"),
    ));
    let mut table = Table::new([Column::number("LOOK-UPS"), Column::text("TERM"), Column::text("NOTE")]);
    nodes(&review.tree, 0, &mut table);
    document.table(table);
}

fn nodes(level: &[SpfNode], depth: usize, table: &mut Table) {
    for node in level {
        let paint = match node.state {
            NodeState::Fine => Paint::Plain,
            NodeState::PermanentError => Paint::Bad,
            NodeState::Void | NodeState::Deprecated | NodeState::CouldNotLook => Paint::Warn,
        };
        let term = format!("{}{}", "· ".repeat(depth), node.term);
        let note = node.problem.clone().unwrap_or_default();
        table.push(Row::new([node.lookups.to_string(), term, note]).paint(2, paint));
        nodes(&node.behind, depth + 1, table);
    }
}

fn keys(keys: &[DkimKey], left_out: usize, document: &mut Document) {
    if keys.is_empty() {
        return document.text("No selectors are known: no report names one, and none was given with --selector.");
    }
    let table = Table::of(
        keys,
        [
            (Column::text("SELECTOR"), |key| plain(&key.selector)),
            (Column::text("DOMAIN"), |key| plain(&key.domain)),
            (Column::text("KEY"), |key| {
                let kind = match key.key_type {
                    Some(KeyType::Rsa) => "rsa",
                    Some(KeyType::Ed25519) => "ed25519",
                    Some(KeyType::Unknown) => "unknown",
                    None => "–",
                };
                plain(format!("{kind}{}", key.bits.map_or_else(String::new, |bits| format!(" {bits}"))))
            }),
            (Column::text("STATE"), |key| match key.state {
                KeyState::Present if key.testing => painted("there, in test", Paint::Warn),
                KeyState::Present => painted("there", Paint::Good),
                KeyState::Missing => painted("missing", Paint::Bad),
                KeyState::Revoked => painted("revoked", Paint::Warn),
                KeyState::Broken => painted("unusable", Paint::Bad),
                KeyState::CouldNotLook => painted("could not look", Paint::Warn),
            }),
            (Column::text("ALIAS OF").from(100), |key| plain(key.aliases.join(" → "))),
        ],
    );
    document.table(table);
    if left_out > 0 {
        let selectors = plural(left_out as u64, "selector");
        document.text(format!("{selectors} more, which reports name seldom, were not looked at."));
    }
}

fn aliases(microsoft365: &Microsoft365) -> Table {
    Table::of(
        &microsoft365.aliases,
        [
            (Column::text("NAME"), |alias| plain(&alias.name)),
            (Column::text("STATE"), |alias| match alias.state {
                AliasState::Right => painted("right", Paint::Good),
                AliasState::RightNewForm => painted("right, newer form", Paint::Good),
                AliasState::Wrong => painted("wrong target", Paint::Bad),
                AliasState::TxtInPlace => painted("a TXT in place of a CNAME", Paint::Bad),
                AliasState::TargetAsTxt => painted("the target in a TXT in place of a CNAME", Paint::Bad),
                AliasState::TargetAppended => painted("domain appended to the target", Paint::Bad),
                AliasState::NameAppended => painted("domain appended twice to the name", Paint::Bad),
                AliasState::Missing => painted("missing", Paint::Warn),
                AliasState::CouldNotLook => painted("could not look", Paint::Warn),
            }),
            (Column::text("KEY"), |alias| {
                plain(match alias.key {
                    Some(true) => "there",
                    Some(false) => "none",
                    None => "could not look",
                })
            }),
            (Column::text("ALIAS OF"), |alias| plain(alias.target.as_deref().unwrap_or("–"))),
        ],
    )
}

fn service_records(services: [&ServiceRecord; 3]) -> Table {
    Table::of(
        services.into_iter().filter_map(|service| Some((service, service.record.as_ref()?))),
        [
            (Column::text("NAME"), |(service, _)| plain(&service.name)),
            (Column::text("RECORD"), |(_, record)| plain(*record)),
        ],
    )
}
