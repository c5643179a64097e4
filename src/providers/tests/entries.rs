//! What every entry of the catalogue must hold to: nobody else's names and networks, a page, steps that can be followed whole.

use std::net::IpAddr;

use crate::cause::Cause;
use crate::domain::{is_registrable, is_within};
use crate::providers::catalogue::FILES;
use crate::providers::{Catalogue, Dkim, Kind, MOST_STEPS, Provider, RemedyContext};

fn builtin() -> Catalogue {
    Catalogue::builtin()
}

/// Every domain that an entry is recognised by, with the key it stands under.
fn claims(provider: &Provider) -> impl Iterator<Item = (&'static str, &String)> {
    let lists = [
        ("signing_domains", &provider.signing_domains),
        ("envelope_domains", &provider.envelope_domains),
        ("hosts", &provider.hosts),
    ];
    lists.into_iter().flat_map(|(key, list)| list.iter().map(move |domain| (key, domain)))
}

#[test]
fn each_names_its_documentation_and_the_day_it_was_checked_or_says_that_it_was_not() {
    for provider in builtin().providers() {
        match provider.checked {
            Some(checked) => {
                assert!(
                    provider.documentation.is_some() && provider.page_read,
                    "{} was compared with no page",
                    provider.id
                );
                assert!(checked.year() >= 2026, "{}: {checked}", provider.id);
            }
            None => assert!(!provider.page_read, "{} has neither a day nor page_read = false", provider.id),
        }
    }
}

/// Menus are known from pages alone.
#[test]
fn what_was_not_read_names_no_menus() {
    let context = RemedyContext { domain: "example.com", ..RemedyContext::default() };
    for provider in builtin().providers().iter().filter(|provider| !provider.page_read) {
        for cause in provider.causes() {
            let steps = provider.remedy(cause, &context).unwrap().steps.join(" ");
            assert!(!steps.contains(" > "), "{}: {steps}", provider.id);
        }
    }
}

/// Whoever follows the link wants the page that tells how, or its help at the least.
#[test]
fn documentation_is_no_front_page() {
    for provider in builtin().providers() {
        let own = provider.remedies.values().filter_map(|own| own.source.as_ref().map(|url| url.0.as_str()));
        for url in own.chain(provider.documentation.as_deref()) {
            let rest = url.strip_prefix("https://").unwrap_or_else(|| panic!("{}: {url}", provider.id));
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let is_help = ["docs.", "help.", "subspace.", "support."].iter().any(|start| host.starts_with(start));
            assert!(!path.is_empty() || is_help, "{}: {url}", provider.id);
            assert!(is_registrable(host), "{}: {url}", provider.id);
        }
    }
}

#[test]
fn hosters_are_known_by_host_names_alone_and_are_nobodys_sender() {
    let catalogue = builtin();
    for provider in catalogue.providers() {
        let hosting = provider.kind == Kind::Hosting;
        assert_eq!(provider.kind.names_sender(), !hosting);
        assert!(!hosting || !provider.hosts.is_empty() && provider.not_for_its_kind().is_none(), "{}", provider.id);
    }
    for (host, expected) in [
        ("static.10.2.0.192.clients.your-server.de", "hetzner"),
        ("vps-0a1b2c3d.vps.ovh.net", "ovh-servers"),
        ("6.mo582.mail-out.ovh.net", "ovh"),
        ("ec2-192-0-2-10.eu-west-1.compute.amazonaws.com", "amazon-ec2"),
    ] {
        assert_eq!(catalogue.by_host(host).map(|one| one.id.as_str()), Some(expected), "{host}");
    }
    for (key, value) in
        [("addresses", "[\"192.0.2.0/24\"]"), ("envelope_domains", "[\"a.example\"]"), ("dkim", "\"never\"")]
    {
        let text = format!("[[provider]]\nid = \"x\"\nname = \"X\"\nkind = \"hosting\"\n{key} = {value}\n");
        let error = Catalogue::with_user_file(&text, "mine.toml").unwrap_err().to_string();
        assert!(error.contains(key) && error.contains("hosting"), "{error}");
    }
}

#[test]
fn files_are_in_order() {
    for (name, text) in FILES {
        let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id = ")).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        assert_eq!(ids, sorted, "{name}: entries in the order of their ids");
    }
    for provider in builtin().providers() {
        for list in [&provider.signing_domains, &provider.envelope_domains, &provider.hosts] {
            assert!(list.is_sorted(), "{}: {list:?}", provider.id);
        }
    }
}

/// Two of one company: the machines of Microsoft 365 are called after Outlook.com, Gmail's are Google Workspace's, and Salesforce's
/// Marketing Cloud signs below its name.
const ONE_COMPANY: [[&str; 2]; 3] =
    [["gmail", "google-workspace"], ["microsoft-365", "outlook-com"], ["salesforce", "salesforce-marketing-cloud"]];

#[test]
fn no_two_claim_the_same() {
    let catalogue = builtin();
    let all: Vec<_> =
        catalogue.providers().iter().flat_map(|one| claims(one).map(move |(key, domain)| (one, key, domain))).collect();
    let mut twice = Vec::new();
    for (at, &(provider, key, domain)) in all.iter().enumerate() {
        for &(owner, other_key, other) in &all[at + 1..] {
            // An entry may have one name under several keys, and not twice under one.
            if provider.id == owner.id && key != other_key || !(is_within(domain, other) || is_within(other, domain)) {
                continue;
            }
            // A hoster has mail servers of its own, and lines or machines below the domain of its mail servers.
            let hosting = [provider, owner].iter().filter(|one| one.kind == Kind::Hosting).count() == 1;
            let one_company = ONE_COMPANY.contains(&[provider.id.as_str(), owner.id.as_str()]);
            let longer_decides = (hosting || one_company) && (domain != other || key != other_key);
            if !longer_decides {
                twice.push(format!("{key} {domain} of {} and {other_key} {other} of {}", provider.id, owner.id));
            }
        }
    }
    assert!(twice.is_empty(), "{twice:#?}");
    let networks: Vec<_> = catalogue
        .providers()
        .iter()
        .flat_map(|provider| provider.addresses.iter().map(move |net| (net, &provider.id)))
        .collect();
    for (at, (net, id)) in networks.iter().enumerate() {
        for (other, owner) in &networks[at + 1..] {
            assert!(!net.contains(*other) && !other.contains(*net), "{net} of {id} and {other} of {owner} overlap");
        }
    }
    let mut includes: Vec<_> = catalogue.providers().iter().filter_map(|one| one.spf_include.as_ref()).collect();
    includes.sort_unstable();
    assert!(includes.windows(2).all(|pair| pair[0] != pair[1]), "an SPF include is of one provider: {includes:?}");
}

/// A public suffix is everybody's. Below those that a hoster gives out names of machines are its own all the same, as it says
/// what an address is called; domains of mail are not.
#[test]
fn names_are_somebodys() {
    let mut everybodys = Vec::new();
    for provider in builtin().providers() {
        for (key, domain) in claims(provider).chain(provider.spf_include.iter().map(|include| ("spf_include", include)))
        {
            let suffix = psl::suffix(domain.as_bytes()).filter(|suffix| suffix.as_bytes() == domain.as_bytes());
            if suffix.is_some_and(|suffix| key != "hosts" || suffix.typ() != Some(psl::Type::Private)) {
                everybodys.push(format!("{}: {key} {domain}", provider.id));
            }
        }
    }
    assert!(everybodys.is_empty(), "public suffixes: {everybodys:#?}");
}

/// Public networks, and none so wide that it must hold others' machines.
#[test]
fn networks_are_public_and_not_too_wide() {
    for provider in builtin().providers() {
        for net in &provider.addresses {
            let fits = match net.addr() {
                IpAddr::V4(first) => {
                    let special = first.is_private()
                        || first.is_loopback()
                        || first.is_link_local()
                        || first.is_documentation()
                        || first.is_multicast()
                        || first.octets()[0] == 0
                        || first.octets()[0] >= 240
                        || first.octets()[0] == 100 && (64..128).contains(&first.octets()[1]);
                    !special && net.prefix_len() >= 14
                }
                IpAddr::V6(first) => first.segments()[0] & 0xe000 == 0x2000 && net.prefix_len() >= 36,
            };
            assert!(fits, "{}: {net}", provider.id);
        }
    }
}

#[test]
fn every_remedy_can_be_carried_out() {
    let (signing, selectors) = (["other.example".to_owned()], ["s1".to_owned()]);
    let context = RemedyContext {
        domain: "example.com",
        signing_domains: &signing,
        selectors: &selectors,
        ..RemedyContext::default()
    };
    for provider in builtin().providers() {
        let causes = provider.causes();
        assert_eq!(causes.is_empty(), matches!(provider.kind, Kind::List | Kind::Hosting), "{}", provider.id);
        for cause in causes {
            let remedy = provider.remedy(cause, &context).unwrap();
            let all = format!("{} {}", remedy.title, remedy.steps.join(" "));
            assert!(
                remedy.title.len() < 130 && (2..=MOST_STEPS).contains(&remedy.steps.len()),
                "{} {cause:?}: {remedy:?}",
                provider.id
            );
            assert!(!all.contains(['{', '}']), "{} {cause:?}: {all}", provider.id);
            assert!(remedy.title.contains(&provider.name), "{} {cause:?}: {}", provider.id, remedy.title);
            assert!(all.contains("example.com"), "{} {cause:?}: {all}", provider.id);
            for record in &remedy.records {
                assert!(record.name.ends_with("example.com"), "{} {cause:?}: {record:?}", provider.id);
                assert!(record.value.as_ref().is_none_or(|value| !value.contains('<')), "{}: {record:?}", provider.id);
            }
        }
        // What can sign as its customer says how.
        if provider.dkim == Some(Dkim::AsCustomer) {
            assert!(!provider.sign.is_empty(), "{} does not say how to sign", provider.id);
        } else {
            assert!(provider.records.is_empty() && provider.sign.is_empty(), "{}", provider.id);
        }
    }
}

/// The last step is the one that switches it on: none may fall off where something stands before them.
#[test]
fn no_step_of_an_entry_is_cut() {
    for provider in builtin().providers() {
        let begins = provider.accounts.first().map(|account| format!("{}1.example", account.begins));
        let plain = RemedyContext { domain: "example.com", tenant: begins.as_deref(), ..RemedyContext::default() };
        let worst = RemedyContext { only_recognised: true, ..plain };
        let account = usize::from(begins.is_some());
        for &cause in Cause::ALL {
            let written = match (cause, provider.remedies.get(&cause).filter(|own| !own.steps.is_empty())) {
                (_, Some(own)) => own.steps.len(),
                (Cause::DefaultSignature, None) => provider.sign.len(),
                _ => continue,
            };
            let Some(remedy) = provider.remedy(cause, &plain) else {
                panic!("{}: a remedy for {cause:?}, which it never has", provider.id);
            };
            let own = &remedy.steps[account..account + written];
            let shown = provider.remedy(cause, &worst).unwrap().steps;
            assert!(
                shown.len() <= MOST_STEPS && own.iter().all(|step| shown.contains(step)),
                "{}: {shown:?}",
                provider.id
            );
        }
    }
}
