//! `[owner]`, `[[sender]]` and `[[not_ours]]`: the ledger; and `[reports]`: whom not to hear.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::mistake::{Mistake, line};
use super::written::date;
use crate::domain;
use crate::query::{Decision, Identities, Ledger, LedgerEntry};
use crate::reporter;

/// `[owner]`, as written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WrittenOwner {
    domains: Option<Spanned<toml::Value>>,
}

/// `[reports]`, as written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WrittenReports {
    ignore: Option<Spanned<toml::Value>>,
}

impl WrittenReports {
    /// Those whose reports are to be in no answer, checked.
    pub(super) fn ignored(&self) -> Result<Vec<String>, Mistake> {
        list(self.ignore.as_ref(), "ignore", |text| {
            reporter::typed(text)
                .ok_or_else(|| format!("invalid reporter {text:?}: there are control characters in it"))
        })
    }
}

/// A `[[sender]]`, as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSender {
    name: Spanned<String>,
    domains: Option<Spanned<toml::Value>>,
    #[serde(rename = "match")]
    identities: Option<Spanned<WrittenMatch>>,
    owner: Option<Spanned<String>>,
    note: Option<Spanned<String>>,
    expires: Option<Spanned<toml::Value>>,
}

/// A `[[not_ours]]`, as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenDenial {
    name: Spanned<String>,
    domains: Option<Spanned<toml::Value>>,
    #[serde(rename = "match")]
    identities: Option<Spanned<WrittenMatch>>,
    reason: Option<Spanned<String>>,
}

/// `match`, as written: a text or a list of texts each.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WrittenMatch {
    signing_domain: Option<Spanned<toml::Value>>,
    envelope_domain: Option<Spanned<toml::Value>>,
    ip: Option<Spanned<toml::Value>>,
    tenant: Option<Spanned<toml::Value>>,
    ptr: Option<Spanned<toml::Value>>,
    provider: Option<Spanned<toml::Value>>,
}

/// The ledger as it stands in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'w> {
    pub(super) owner: &'w WrittenOwner,
    pub(super) senders: &'w [Spanned<WrittenSender>],
    pub(super) denials: &'w [Spanned<WrittenDenial>],
}

/// Checks the ledger of a file. What is denied comes before what is approved.
pub(super) fn check(written: Written<'_>, text: &str) -> Result<Ledger, Mistake> {
    let mut ledger = Ledger {
        owner_domains: list(written.owner.domains.as_ref(), "domains", a_domain)?,
        entries: Vec::with_capacity(written.senders.len() + written.denials.len()),
    };
    for one in written.denials {
        let of = one.get_ref();
        let entry = Entry { name: &of.name, domains: of.domains.as_ref(), identities: of.identities.as_ref() };
        let entry = entry.check(Decision::Denied, one.span().start, text)?;
        ledger.entries.push(LedgerEntry { note: words(of.reason.as_ref()), ..entry });
    }
    for one in written.senders {
        let of = one.get_ref();
        let entry = Entry { name: &of.name, domains: of.domains.as_ref(), identities: of.identities.as_ref() };
        let entry = entry.check(Decision::Approved, one.span().start, text)?;
        ledger.entries.push(LedgerEntry {
            owner: words(of.owner.as_ref()),
            note: words(of.note.as_ref()),
            expires: of.expires.as_ref().map(|value| date(value, "expires")).transpose()?,
            ..entry
        });
    }
    Ok(ledger)
}

/// A text that says something.
fn words(written: Option<&Spanned<String>>) -> Option<String> {
    written.map(|text| text.get_ref().trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// What entries of both kinds have.
struct Entry<'w> {
    name: &'w Spanned<String>,
    domains: Option<&'w Spanned<toml::Value>>,
    identities: Option<&'w Spanned<WrittenMatch>>,
}

impl Entry<'_> {
    /// Checks an entry that begins at byte `at`.
    fn check(&self, decision: Decision, at: usize, text: &str) -> Result<LedgerEntry, Mistake> {
        let name = self.name.get_ref().trim();
        if name.is_empty() || name.contains(char::is_control) {
            return Err(Mistake::new(
                self.name.span().start,
                "name",
                "must not be empty and must not have control characters: answers call the sender by it",
            ));
        }
        let Some(identities) = self.identities else {
            let table = decision.table();
            let reason = format!("missing in the [[{table}]] {name:?}: it says how the sender's mail is recognised");
            return Err(Mistake::new(at, "match", reason));
        };
        Ok(LedgerEntry {
            decision,
            name: name.to_owned(),
            line: line(text, at),
            domains: list(self.domains, "domains", a_domain)?,
            shared: false,
            identities: identities_of(identities)?,
            owner: None,
            note: None,
            expires: None,
        })
    }
}

fn identities_of(written: &Spanned<WrittenMatch>) -> Result<Identities, Mistake> {
    let of = written.get_ref();
    let identities = Identities {
        signing_domain: list(of.signing_domain.as_ref(), "signing_domain", a_domain)?,
        envelope_domain: list(of.envelope_domain.as_ref(), "envelope_domain", a_domain)?,
        ip: list(of.ip.as_ref(), "ip", a_network)?,
        tenant: list(of.tenant.as_ref(), "tenant", |text| Ok(text.to_ascii_lowercase()))?,
        ptr: list(of.ptr.as_ref(), "ptr", a_domain)?,
        provider: list(of.provider.as_ref(), "provider", |text| Ok(text.to_owned()))?,
    };
    if identities.prove_nothing() {
        let reason = if identities.provider.is_empty() {
            "names nothing that would recognise the sender: signing_domain, envelope_domain, ip, tenant or ptr"
        } else {
            "names only a provider, which sends for everybody: add signing_domain, envelope_domain, ip, tenant or ptr"
        };
        return Err(Mistake::new(written.span().start, "match", reason));
    }
    Ok(identities)
}

/// A text or a list of texts, each checked.
pub(super) fn list<T>(
    value: Option<&Spanned<toml::Value>>,
    key: &str,
    check: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, Mistake> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let mistake = |reason: String| Mistake::new(value.span().start, key, reason);
    let texts: Vec<&str> = match value.get_ref() {
        toml::Value::String(text) => vec![text],
        toml::Value::Array(values) => values
            .iter()
            .map(|one| one.as_str().ok_or_else(|| mistake("invalid list: every item must be a text".to_owned())))
            .collect::<Result<_, _>>()?,
        _ => return Err(mistake("must be a text or a list of texts".to_owned())),
    };
    if texts.is_empty() {
        return Err(mistake("is an empty list; leave it out where it does not matter".to_owned()));
    }
    let checked = |text: &&str| match text.trim() {
        "" => Err(mistake("has an empty text in it".to_owned())),
        text => check(text).map_err(mistake),
    };
    texts.iter().map(checked).collect()
}

pub(super) fn a_domain(text: &str) -> Result<String, String> {
    domain::typed(text)
        .map(|name| name.into_owned())
        .ok_or_else(|| format!("invalid domain {text:?}: write it like example.com, subdomains are included"))
}

fn a_network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map(|net| net.trunc())
        .map_err(|_| format!("invalid address or network {text:?}: write it like 192.0.2.1 or 192.0.2.0/24"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn entries_are_read() {
        let text = "[[sender]]\nname = \"Newsletter\"\ndomains = [\"Example.com.\"]\n\
            match = { envelope_domain = \"mcsv.net\", ip = [\"192.0.2.1\", \"2001:db8::/48\"] }\n\
            owner = \"marketing\"\nexpires = 2027-03-31\n\n[[sender]]\nname = \"All\"\nmatch.tenant = \"Contoso.onmicrosoft.com\"\n";
        let ledger = Config::parse(text).unwrap().ledger;
        let [first, second] = ledger.entries.as_slice() else { panic!("{ledger:?}") };
        assert_eq!((first.line, second.line), (1, 8));
        assert!(first.covers("news.example.com") && !first.covers("badexample.com") && second.covers("anything"));
        assert_eq!(first.identities.ip.len(), 2);
        assert_eq!(first.expires.unwrap().to_string(), "2027-03-31");
        assert_eq!(second.identities.tenant, ["contoso.onmicrosoft.com"]);
    }

    #[test]
    fn what_is_denied_comes_first() {
        let text = "[owner]\ndomains = [\"Example.com\", \"example.net.\"]\n[[sender]]\nname = \"List\"\n\
            match.ip = \"192.0.2.1\"\n[[not_ours]]\nname = \"Old agency\"\ndomains = \"example.com\"\n\
            match = { envelope_domain = \"agency.example\" }\nreason = \"contract ended\"\n";
        let ledger = Config::parse(text).unwrap().ledger;
        assert_eq!(ledger.owner_domains, ["example.com", "example.net"]);
        let heard = Config::parse("[reports]\nignore = [\"Post of the North\", \"evil.example\"]").unwrap();
        assert_eq!(heard.ignored, ["post of the north", "evil.example"]);
        assert!(ledger.is_owners("mail.example.net") && !ledger.is_owners("example.org"));
        let [denied, approved] = ledger.entries.as_slice() else { panic!("{ledger:?}") };
        assert_eq!((denied.decision, denied.line, approved.decision), (Decision::Denied, 6, Decision::Approved));
        assert_eq!(denied.note.as_deref(), Some("contract ended"));
        assert!(Ledger::default().is_owners("example.org"), "nobody said which are");
    }

    #[test]
    fn an_entry_of_the_same_match_covers_another() {
        let covers = |sender: &str, denial: &str| {
            let text = format!(
                "[[sender]]\nname = \"Shop\"\n{sender}\n[[not_ours]]\nname = \"Old shop\"\nmatch = {{ ip = [\"192.0.2.1\", \"192.0.2.9\"] }}\n{denial}"
            );
            let entries = Config::parse(&text).unwrap().ledger.entries;
            let [denial, approval] = entries.as_slice() else { panic!("{entries:?}") };
            assert_eq!(denial.decision, Decision::Denied, "what denies comes first");
            denial.covers_all_of(approval)
        };
        let same = "match = { ip = [\"192.0.2.9/32\", \"192.0.2.1\", \"192.0.2.9\"] }";
        let some = |domains: &str| format!("domains = [{domains}]");
        let sender = format!("{same}\ndomains = [\"news.example.com\"]");
        assert!(covers(same, "") && covers(&sender, ""));
        assert!(covers(&sender, &some("\"example.net\", \"example.com\"")));
        // Exceptions, and other mail.
        assert!(!covers(same, &some("\"example.com\"")) && !covers(&sender, &some("\"old.news.example.com\"")));
        assert!(!covers("match = { ip = \"192.0.2.1\" }", ""));
    }

    #[test]
    fn a_broken_entry_names_line_and_key() {
        let with = |rest: &str| format!("[[sender]]\nname = \"x\"\n{rest}");
        for (text, line, key) in [
            (with(""), "line 1", "`match`"),
            (with("match = {}"), "line 3", "`match`"),
            (with("match = { provider = \"sendgrid\" }"), "line 3", "`match`"),
            (with("match = { ip = \"192.0.2.0/33\" }"), "line 3", "`ip`"),
            (with("match = { ip = 7 }"), "line 3", "`ip`"),
            (with("match = { signing_domain = [] }"), "line 3", "`signing_domain`"),
            (with("match = { signing_domian = \"a.example\" }"), "line 3", "signing_domian"),
            (with("match = { ip = \"::1\" }\ndomains = [\"a@b\"]"), "line 4", "`domains`"),
            (with("match = { ip = \"::1\" }\nexpires = \"soon\""), "line 4", "`expires`"),
            (with("match = { ip = \"::1\" }\nexpires = 2027-02-30"), "line 4", "expires"),
            ("[[sender]]\nname = \"\"\nmatch = { ip = \"::1\" }".to_owned(), "line 2", "`name`"),
            ("[[sender]]\nmatch = { ip = \"::1\" }".to_owned(), "line 1", "name"),
            ("[[not_ours]]\nname = \"x\"".to_owned(), "line 1", "`match`"),
            ("[[not_ours]]\nname = \"x\"\nmatch.ip = \"::1\"\nexpires = 2027-01-01".to_owned(), "line 4", "expires"),
            ("[owner]\ndomains = [\"a@b\"]".to_owned(), "line 2", "`domains`"),
            ("[owner]\ndomain = \"a.example\"".to_owned(), "line 2", "domain"),
            ("[reports]\nignore = [\"a.example\", \" \"]".to_owned(), "line 2", "`ignore`"),
        ] {
            let error = Config::parse(&text).unwrap_err();
            assert!(error.contains(line) && error.contains(key) && !error.contains('\n'), "{text}\n{error}");
        }
    }
}
