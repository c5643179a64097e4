//! The configuration as it is for one tenant.

use super::Config;
use crate::domain::{is_among, is_within, of_mailbox};

impl Config {
    /// The configuration as one tenant's, as far as answers depend on it: no other tenant is in it. Nothing where there is no
    /// tenant of this name.
    #[must_use]
    pub fn of_tenant(&self, name: &str) -> Option<Config> {
        let tenant = self.tenants.iter().find(|tenant| tenant.name == name)?.clone();
        let mut config = self.clone();
        config.written_tenants.clear();
        config.tenants.clear();
        config.ledger.owner_domains.clone_from(&tenant.domains);
        config.ledger.entries.retain_mut(|entry| {
            if entry.domains.is_empty() {
                entry.shared = true;
                return true;
            }
            let of_both = |own: &String| {
                let within = entry.domains.iter().filter(|of| is_within(of, own));
                if is_among(own, &entry.domains) { vec![own.clone()] } else { within.cloned().collect() }
            };
            entry.domains = tenant.domains.iter().flat_map(of_both).collect();
            !entry.domains.is_empty()
        });
        let others = self.tenants.iter().filter(|other| other.name != name).flat_map(|other| &other.domains);
        let others: Vec<&String> = others.collect();
        config.accounts.retain(|account| {
            let is_anothers = |name: &str| others.iter().any(|domain| is_within(name, domain));
            !is_anothers(of_mailbox(&account.user)) && !is_anothers(&account.host)
        });
        config.mail.to.clone_from(&tenant.to);
        config.tenant = Some(tenant);
        Some(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "[owner]\ndomains = [\"example.com\"]\n\
        [mail]\nto = [\"all@example.com\"]\n\
        [[tenant]]\nname = \"acme\"\ndomains = [\"Acme.example.\", \"shop.example.net\"]\nto = [\"it@acme.example\"]\n\
        [[tenant]]\nname = \"globex\"\ndomains = \"globex.example\"\n\
        [[sender]]\nname = \"Both\"\ndomains = [\"news.acme.example\", \"example.net\", \"globex.example\"]\nmatch.ip = \"192.0.2.1\"\n\
        [[sender]]\nname = \"Theirs\"\ndomains = [\"globex.example\"]\nmatch.ip = \"192.0.2.2\"\n\
        [[not_ours]]\nname = \"All\"\nmatch.ip = \"192.0.2.3\"\n\
        [[account]]\nname = \"a\"\nhost = \"imap.example.com\"\nuser = \"dmarc@globex.example\"\npassword_env = \"A\"\n\
        [[account]]\nname = \"b\"\nhost = \"imap.example.com\"\nuser = \"dmarc@example.com\"\npassword_env = \"B\"\n";

    #[test]
    fn the_owners_domains_are_those_of_all_tenants_too() {
        let config = Config::parse(TWO).unwrap();
        assert_eq!(config.ledger.owner_domains, ["example.com", "acme.example", "shop.example.net", "globex.example"]);
        let without = TWO.strip_prefix("[owner]\ndomains = [\"example.com\"]\n").unwrap();
        assert!(Config::parse(without).unwrap().ledger.owner_domains.is_empty(), "nobody said which are");
    }

    #[test]
    fn nothing_of_another_is_in_the_configuration_of_a_tenant() {
        let config = Config::parse(TWO).unwrap();
        let own = config.of_tenant("acme").unwrap();
        assert_eq!(own.ledger.owner_domains, ["acme.example", "shop.example.net"]);
        assert_eq!((&own.tenants, &own.mail.to), (&Vec::new(), &vec!["it@acme.example".to_owned()]));
        let entries: Vec<_> = own.ledger.entries.iter().map(|one| (&*one.name, one.domains.join(" "))).collect();
        let narrowed = "news.acme.example shop.example.net".to_owned();
        assert_eq!(entries, [("All", String::new()), ("Both", narrowed)]);
        assert_eq!(own.accounts.iter().map(|one| &*one.name).collect::<Vec<_>>(), ["b"]);
        let shown = format!("{:?} {:?} {:?} {:?}", own.ledger, own.tenants, own.tenant, own.accounts);
        assert!(!shown.contains("globex") && !shown.contains("Theirs"), "{shown}");
        assert!(config.of_tenant("globe").is_none());
    }
}
