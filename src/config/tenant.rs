//! `[[tenant]]`: owners who share a database, and see nothing of each other.

use serde::Deserialize;
use toml::Spanned;

use super::ledger::{a_domain, list};
use super::mail::mailbox;
use super::mistake::Mistake;
use crate::domain::{is_within, organizational};

/// A `[[tenant]]`, as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    name: Spanned<String>,
    domains: Option<Spanned<toml::Value>>,
    to: Option<Spanned<Vec<String>>>,
}

/// One of many owners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// What it is called, which is the name of a folder too.
    pub name: String,
    /// Its domains, subdomains included; no other tenant has one of the same organization.
    pub domains: Vec<String>,
    /// Who gets its summaries.
    pub to: Vec<String>,
}

/// The longest name.
const LONGEST: usize = 64;

/// Checks all tenants of a file.
pub(super) fn check(written: &[Spanned<Written>]) -> Result<Vec<Tenant>, Mistake> {
    let mut tenants: Vec<Tenant> = Vec::with_capacity(written.len());
    for one in written {
        let of = one.get_ref();
        let (at, name) = (of.name.span().start, of.name.get_ref());
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let fits = name.chars().all(plain) && name.len() <= LONGEST && name.starts_with(|c: char| c.is_alphanumeric());
        if !fits {
            let reason = format!(
                "invalid name {name:?}: letters and digits of ASCII, and between them `-`, `_` and `.`; a folder is called so"
            );
            return Err(Mistake::new(at, "name", reason));
        }
        // There are file systems that take both for one.
        if tenants.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
            return Err(Mistake::new(at, "name", format!("another [[tenant]] is called {name:?} already")));
        }
        let Some(place) = &of.domains else {
            let reason = format!("missing in the [[tenant]] {name:?}: it says which reports are the tenant's");
            return Err(Mistake::new(one.span().start, "domains", reason));
        };
        let domains = list(Some(place), "domains", a_domain)?;
        for domain in &domains {
            if let Some((other, theirs)) = in_the_way(domain, &tenants) {
                let reason = format!(
                    "{domain} is not the tenant's alone: {other:?} has {theirs}, and one report may be about both; name \
                     the domains of an organization in one [[tenant]]"
                );
                return Err(Mistake::new(place.span().start, "domains", reason));
            }
        }
        let to = match &of.to {
            Some(to) => to.get_ref().iter().map(|address| mailbox(to, address, "to")).collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        tenants.push(Tenant { name: name.clone(), domains, to });
    }
    Ok(tenants)
}

/// The tenant that has a domain of the same organization, and that domain: the policy of both may stand above them.
fn in_the_way<'t>(domain: &str, tenants: &'t [Tenant]) -> Option<(&'t str, &'t str)> {
    let of_all = tenants.iter().flat_map(|tenant| tenant.domains.iter().map(|domain| (tenant.name.as_str(), domain)));
    let meets = |other: &str| {
        is_within(domain, other) || is_within(other, domain) || organizational(domain) == organizational(other)
    };
    of_all.map(|(name, other)| (name, other.as_str())).find(|(_, other)| meets(other))
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn mistakes_name_line_and_key() {
        let first = "[[tenant]]\nname = \"a\"\ndomains = [\"a.example\", \"x.example.com\"]\n";
        for (text, line, key) in [
            ("[[tenant]]\nname = \"a\"\n".to_owned(), "line 1", "`domains`"),
            ("[[tenant]]\nname = \"a\"\ndomains = []\n".to_owned(), "line 3", "`domains`"),
            ("[[tenant]]\ndomains = \"a.example\"\n".to_owned(), "line 1", "name"),
            ("[[tenant]]\nname = \"../a\"\ndomains = \"a.example\"\n".to_owned(), "line 2", "`name`"),
            ("[[tenant]]\nname = \"\"\ndomains = \"a.example\"\n".to_owned(), "line 2", "`name`"),
            ("[[tenant]]\nname = \"a\"\ndomains = \"a.example\"\nto = [\"x\"]\n".to_owned(), "line 4", "`to`"),
            ("[[tenant]]\nname = \"a\"\ndomain = \"a.example\"\n".to_owned(), "line 3", "domain"),
            (format!("{first}[[tenant]]\nname = \"A\"\ndomains = \"b.example\"\n"), "line 5", "`name`"),
            (format!("{first}[[tenant]]\nname = \"b\"\ndomains = \"a.example\"\n"), "line 6", "`domains`"),
            (format!("{first}[[tenant]]\nname = \"b\"\ndomains = \"sub.a.example\"\n"), "line 6", "`domains`"),
            (format!("{first}[[tenant]]\nname = \"b\"\ndomains = \"y.example.com\"\n"), "line 6", "`domains`"),
        ] {
            let error = Config::parse(&text).unwrap_err();
            assert!(error.contains(line) && error.contains(key) && !error.contains('\n'), "{text}\n{error}");
        }
    }
}
