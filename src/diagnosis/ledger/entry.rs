//! An entry of the ledger as text.

use std::fmt::{self, Display, Formatter};

use crate::domain;
use crate::query::{Decision, Identities};
use crate::sanitize::sanitize;

/// Entries of one sender in TOML. They are live where they can be pasted as they are; otherwise comment lines. Whatever
/// strangers called themselves, what is printed is what is meant, and the configuration reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryText {
    decision: Decision,
    name: String,
    domains: Vec<String>,
    identities: Vec<Identities>,
    /// They can be pasted.
    live: bool,
    /// What to know, each a line above the entries.
    remarks: Vec<String>,
}

impl EntryText {
    /// Entries that can be pasted, unless a name cannot be written in a configuration: then they are comment lines and say so.
    pub(super) fn live(decision: Decision, name: &str, domain: &str, identities: Vec<Identities>) -> Self {
        let writable = !identities.is_empty() && is_writable(domain);
        let mut text = EntryText {
            decision,
            name: name.to_owned(),
            domains: vec![domain.to_owned()],
            identities,
            live: writable,
            remarks: Vec::new(),
        };
        if !is_writable(domain) {
            text.remarks.push("The domain in From cannot be written here as a name.".to_owned());
        }
        text
    }

    /// Entries as comment lines.
    pub(super) fn commented(decision: Decision, name: &str, domain: &str, identities: Vec<Identities>) -> Self {
        EntryText { live: false, ..EntryText::live(decision, name, domain, identities) }
    }

    /// Whether they can be pasted.
    pub(in crate::diagnosis) fn is_live(&self) -> bool {
        self.live
    }

    /// With lines above it, and above those that it has.
    pub(super) fn under(mut self, remarks: impl IntoIterator<Item = String>) -> Self {
        self.remarks.splice(0..0, remarks);
        self
    }

    /// Entries of several senders as those of one, under a name; they share decision and domains. Where each is recognised by one kind
    /// of thing alone, they are one entry with a list. It can be pasted if each of them can.
    pub(super) fn together(name: &str, entries: impl IntoIterator<Item = EntryText>) -> Option<Self> {
        let mut entries = entries.into_iter();
        let first = entries.next()?;
        let mut text =
            EntryText { name: name.to_owned(), remarks: Vec::new(), identities: Vec::new(), ..first.clone() };
        for one in std::iter::once(first).chain(entries) {
            text.live &= one.live;
            for identities in one.identities {
                let left = text.identities.iter_mut().try_fold(identities, |left, known| known.merge(left));
                text.identities.extend(left.filter(|left| !text.identities.contains(left)));
            }
        }
        Some(text)
    }

    /// The same as comment lines.
    pub(super) fn into_comment(self) -> Self {
        EntryText { live: false, ..self }
    }

    /// Takes the domains of another that is the same but for those, and its remarks.
    pub(super) fn merge(&mut self, other: EntryText) -> Option<EntryText> {
        let of = |text: &EntryText| (text.decision, text.live, text.name.clone(), text.identities.clone());
        if of(self) != of(&other) {
            return Some(other);
        }
        self.domains.extend(other.domains);
        // An entry is about subdomains too.
        let all = self.domains.clone();
        self.domains.retain(|name| !all.iter().any(|above| above != name && domain::is_within(name, above)));
        self.domains.dedup();
        for remark in other.remarks {
            if !self.remarks.contains(&remark) {
                self.remarks.push(remark);
            }
        }
        None
    }
}

/// Whether a name stands in an entry as it is, so that it matches what it was taken from.
pub(super) fn is_writable(name: &str) -> bool {
    domain::typed(name).is_some_and(|typed| typed == name) && sanitize(name) == name
}

fn text(text: &str) -> String {
    toml::Value::String(sanitize(text).into_owned()).to_string()
}

fn list(texts: &[String]) -> String {
    match texts {
        [one] => text(one),
        many => format!("[{}]", many.iter().map(|one| text(one)).collect::<Vec<_>>().join(", ")),
    }
}

/// `match`, in one line.
fn matches(identities: &Identities) -> String {
    let addresses: Vec<String> = identities
        .ip
        .iter()
        .map(|net| if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() })
        .collect();
    let keys = [
        ("signing_domain", &identities.signing_domain),
        ("envelope_domain", &identities.envelope_domain),
        ("ip", &addresses),
        ("tenant", &identities.tenant),
        ("ptr", &identities.ptr),
        ("provider", &identities.provider),
    ];
    let keys = keys.iter().filter(|(_, values)| !values.is_empty());
    let keys: Vec<String> = keys.map(|(key, values)| format!("{key} = {}", list(values))).collect();
    format!("match = {{ {} }}", keys.join(", "))
}

impl Display for EntryText {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for remark in &self.remarks {
            writeln!(out, "# {}", sanitize(remark))?;
        }
        let mark = if self.live { "" } else { "# " };
        // A name is what answers call the sender by: not nothing.
        let name = match self.name.trim() {
            "" => "?",
            name => name,
        };
        let domains: Vec<String> = self.domains.iter().map(|one| text(one)).collect();
        let last = match self.decision {
            Decision::Approved => "owner = \"\"",
            Decision::Denied => "reason = \"\"",
        };
        for (number, identities) in self.identities.iter().enumerate() {
            if number > 0 {
                writeln!(out, "{}", mark.trim_end())?;
            }
            writeln!(out, "{mark}[[{}]]", self.decision.table())?;
            writeln!(out, "{mark}name = {}", text(name))?;
            writeln!(out, "{mark}domains = [{}]", domains.join(", "))?;
            writeln!(out, "{mark}{}", matches(identities))?;
            writeln!(out, "{mark}{last}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\"]\n[database]\npath = \"x\u{1b}[31m\u{202e}'''\"\"\"\\";

    fn identities() -> Identities {
        let ip = ["192.0.2.1", "2001:db8::1"].map(|ip| ip.parse::<std::net::IpAddr>().unwrap().into());
        Identities { ip: ip.to_vec(), tenant: vec![HOSTILE.to_owned()], ..Identities::default() }
    }

    #[test]
    fn what_is_written_is_toml_whatever_the_names_are() {
        let live = EntryText::live(Decision::Denied, HOSTILE, "example.com", vec![identities(), identities()]);
        let unwritable = EntryText::live(Decision::Approved, "x", HOSTILE, vec![identities()]);
        assert!(live.live && !unwritable.live);
        let commented = EntryText::commented(Decision::Approved, HOSTILE, HOSTILE, vec![identities()]);
        let all = [live, unwritable, commented].map(|one| one.under([HOSTILE.to_owned()]).to_string()).concat();
        assert!(!all.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'), "{all:?}");
        let table: toml::Table = all.parse().unwrap();
        assert_eq!(table.keys().collect::<Vec<_>>(), ["not_ours"], "{all}");
        let entries = table["not_ours"].as_array().unwrap();
        assert_eq!(entries.len(), 2, "what cannot be pasted is a comment");
        assert_eq!(entries[0]["match"]["ip"][1].as_str(), Some("2001:db8::1"));
        assert!(entries[0]["name"].as_str().unwrap().contains("<202e>"));
    }

    #[test]
    fn entries_of_several_senders_are_one_with_a_list() {
        let of = |identities: Identities| EntryText::live(Decision::Denied, "x", "example.com", vec![identities]);
        let envelope = |name: &str| of(Identities { envelope_domain: vec![name.to_owned()], ..Identities::default() });
        let both = EntryText::together("2 senders", [envelope("b.example"), envelope("a.example")]).unwrap();
        assert_eq!(
            both.to_string(),
            "[[not_ours]]\nname = \"2 senders\"\ndomains = [\"example.com\"]\nmatch = { envelope_domain = [\"a.example\", \
             \"b.example\"] }\nreason = \"\"\n"
        );
        // An address and an account must both fit: a list of each would be about more.
        let three = EntryText::together("x", [envelope("a.example"), of(identities()), of(identities())]).unwrap();
        assert_eq!((three.identities.len(), three.live), (2, true));
        let commented = envelope("b.example").into_comment();
        assert!(!EntryText::together("x", [envelope("a.example"), commented]).unwrap().live);
    }

    #[test]
    fn the_same_entry_of_several_domains_is_one() {
        let of = |domain: &str| {
            EntryText::live(Decision::Approved, "x", domain, vec![identities()]).under([domain.to_owned()])
        };
        let mut one = of("news.example.com");
        assert_eq!(one.merge(of("example.com")), None);
        assert_eq!(one.merge(of("example.net")), None);
        assert_eq!(one.domains, ["example.com", "example.net"]);
        assert_eq!(one.remarks.len(), 3);
        assert!(one.merge(EntryText::commented(Decision::Approved, "x", "example.org", vec![identities()])).is_some());
    }
}
