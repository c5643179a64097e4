//! The catalogue that comes with the program, entry by entry, and a user's own file on top of it.

use super::{Catalogue, Kind, MOST_STEPS, Provider, Remedy, RemedyContext, Spf};
use crate::cause::Cause;

mod entries;

fn builtin() -> Catalogue {
    Catalogue::builtin()
}

fn get<'a>(catalogue: &'a Catalogue, id: &str) -> &'a Provider {
    catalogue.get(id).unwrap_or_else(|| panic!("no {id}"))
}

#[test]
fn there_are_many_and_each_is_known_by_something() {
    let catalogue = builtin();
    let senders = catalogue.providers().iter().filter(|provider| provider.kind.names_sender()).count();
    assert!(senders > 200, "as docs/providers.md says: {senders}");
    for provider in catalogue.providers() {
        let known_by = provider.signing_domains.len()
            + provider.envelope_domains.len()
            + provider.hosts.len()
            + provider.addresses.len();
        assert!(known_by > 0, "{} is known by nothing", provider.id);
        assert!(!provider.users_own && provider.category.is_some(), "{}", provider.id);
    }
    for kind in [Kind::MailboxHost, Kind::Service, Kind::Gateway, Kind::Forwarder, Kind::List, Kind::Hosting] {
        assert!(catalogue.providers().iter().any(|provider| provider.kind == kind), "{kind:?}");
    }
}

/// What has a provider sign as the domain.
fn set_up(provider: &Provider, context: &RemedyContext<'_>) -> Remedy {
    provider.remedy(Cause::DefaultSignature, context).unwrap()
}

#[test]
fn accounts_that_are_sold_by_others_say_so() {
    let catalogue = builtin();
    let steps = |tenant| {
        let context = RemedyContext { domain: "example.com", tenant: Some(tenant), ..RemedyContext::default() };
        set_up(get(&catalogue, "microsoft-365"), &context).steps
    };
    assert!(steps("netorgft12.onmicrosoft.com")[0].contains("GoDaddy"));
    assert!(!steps("contoso.onmicrosoft.com").concat().contains("GoDaddy"));
}

#[test]
fn what_is_not_known_of_spf_is_not_said() {
    let catalogue = builtin();
    let context = RemedyContext { domain: "example.com", ..RemedyContext::default() };
    for provider in catalogue.providers().iter().filter(|provider| provider.kind == Kind::Service) {
        let remedy = set_up(provider, &context);
        let says = remedy.steps.iter().any(|step| step.starts_with("SPF "));
        let known = matches!(provider.spf, Some(Spf::Custom | Spf::Never)) && !provider.signing_sets_up_spf();
        assert!(!says || known, "{}: {:?}", provider.id, remedy.steps);
        // Where the steps leave no room for it, it is left out.
        assert!(says || !known || remedy.steps.len() == MOST_STEPS, "{}: {:?}", provider.id, remedy.steps);
    }
    assert_eq!(get(&catalogue, "getresponse").spf, None);
    assert_eq!(get(&catalogue, "atlassian").spf, Some(Spf::Custom));
}

#[test]
fn senders_are_recognised() {
    let catalogue = builtin();
    let id = |found: Option<&Provider>| found.map(|provider| provider.id.clone()).unwrap_or_default();
    for (address, expected) in [
        ("40.107.1.2", "microsoft-365"),
        ("52.101.73.89", "microsoft-365"),
        ("2a01:111:f403:c112::9", "microsoft-365"),
        ("209.85.220.41", "google-workspace"),
        ("2607:f8b0:4864:20::b2d", "google-workspace"),
        ("149.72.1.1", "sendgrid"),
        ("54.240.8.1", "amazon-ses"),
        ("205.201.131.84", "mailchimp"),
        ("199.89.1.12", "mailroute"),
        ("94.100.132.8", "hornetsecurity"),
        ("23.83.212.18", "mailchannels"),
        ("198.154.180.9", "sophos-email"),
        ("50.31.156.100", "postmark"),
        ("198.2.128.9", ""),
        ("192.0.2.1", ""),
    ] {
        assert_eq!(id(catalogue.by_address(address.parse().unwrap())), expected, "{address}");
    }
    for (domain, expected) in [
        ("mail12.suw11.mcsv.net", "mailchimp"),
        ("eu-west-1.amazonses.com", "amazon-ses"),
        ("mail-eopbgr60040.outbound.protection.outlook.com", "microsoft-365"),
        ("googlegroups.com", "google-groups"),
        ("outlook.com", "outlook-com"),
        ("bounces.elasticemail.net", "elastic-email"),
        ("sent-via.netsuite.com", "netsuite"),
        ("notmcsv.net", ""),
        ("example.com", ""),
    ] {
        assert_eq!(id(catalogue.by_envelope_domain(domain)), expected, "{domain}");
    }
    assert_eq!(id(catalogue.by_host("mail-db8eur05on2040.outbound.protection.outlook.com")), "microsoft-365");
    for (host, expected) in [
        ("mx-relay49-hz3.antispameurope.com", "hornetsecurity"),
        ("6.mo582.mail-out.ovh.net", "ovh"),
        ("mout.kundenserver.de", "ionos"),
        ("mx0a-00000000.pphosted.com", "proofpoint"),
        ("dispatch1-us1.ppe-hosted.com", "proofpoint-essentials"),
        ("outbound-ip191b.ess.barracuda.com", "barracuda"),
        ("dedi4711.your-server.de", "hetzner-webhosting"),
        ("resqmta-po-11v.sys.comcast.net", "xfinity-mail"),
        ("c-192-0-2-10.hsd1.co.comcast.net", "comcast-lines"),
        ("bendel.debian.org", "debian-lists"),
        ("mailly.debian.org", ""),
        ("outlook.com", ""),
    ] {
        assert_eq!(id(catalogue.by_host(host)), expected, "{host}");
    }
    assert_eq!(id(catalogue.by_signing_domain("contoso.onmicrosoft.com")), "microsoft-365");
    assert_eq!(id(catalogue.by_signing_domain("example-com.20230601.gappssmtp.com")), "google-workspace");
}

#[test]
fn a_broken_key_is_held_against_the_records_that_it_wants() {
    let catalogue = builtin();
    let context = RemedyContext { domain: "example.com", ..RemedyContext::default() };
    let records = |id: &str| get(&catalogue, id).remedy(Cause::KeyMissing, &context).unwrap().records;
    let names = ["selector1._domainkey.example.com", "selector2._domainkey.example.com"];
    assert_eq!(records("microsoft-365").iter().map(|record| record.name.as_str()).collect::<Vec<_>>(), names);
    assert!(records("microsoft-365").iter().all(|record| record.value.is_none()), "nothing proves them");
    assert_eq!(records("mandrill")[0].value.as_deref(), Some("dkim1.mandrillapp.com"));
}

#[test]
fn records_of_microsoft_365_have_values_only_where_a_selector_proves_them() {
    let catalogue = builtin();
    let provider = get(&catalogue, "microsoft-365");
    let signing = ["contoso.onmicrosoft.com".to_owned()];
    let remedy = |selector: &str, tenant| {
        let selectors = [selector.to_owned()];
        let context = RemedyContext {
            domain: "shop.example.com",
            tenant,
            signing_domains: &signing,
            selectors: &selectors,
            ..RemedyContext::default()
        };
        set_up(provider, &context)
    };
    let tenant = Some("contoso.onmicrosoft.com");
    let names = ["selector1._domainkey.shop.example.com", "selector2._domainkey.shop.example.com"];
    let proven = remedy("selector1-shop-example-com", tenant);
    assert_eq!([&proven.records[0].name, &proven.records[1].name], names);
    assert!(proven.records.iter().all(|record| record.kind == "CNAME"));
    assert_eq!(
        proven.records[1].value.as_deref(),
        Some("selector2-shop-example-com._domainkey.contoso.onmicrosoft.com")
    );
    assert!(proven.steps.iter().any(|step| step.contains("confirm them")), "{:?}", proven.steps);
    for unproven in [remedy("selector1-contoso-onmicrosoft-com", tenant), remedy("selector1-shop-example-com", None)] {
        assert_eq!([&unproven.records[0].name, &unproven.records[1].name], names);
        assert!(unproven.records.iter().all(|record| record.value.is_none()), "{:?}", unproven.records);
        assert!(!unproven.steps.iter().any(|step| step.contains("confirm them")));
    }
    for needed in ["New-DkimSigningConfig -DomainName shop.example.com -KeySize 2048 -Enabled $false", "CNAME", "TXT"] {
        assert!(proven.steps.iter().any(|step| step.contains(needed)), "{needed}");
    }
}

#[test]
fn a_gateway_that_can_sign_says_how_where_it_changes_mail() {
    let catalogue = builtin();
    let context = RemedyContext { domain: "example.com", ..RemedyContext::default() };
    let steps = |id: &str| get(&catalogue, id).remedy(Cause::ChangedInTransit, &context).unwrap().steps;
    let own = set_up(get(&catalogue, "mimecast"), &context).steps;
    assert!(own[..2].iter().all(|step| steps("mimecast").contains(step)), "{:?}", steps("mimecast"));
    assert!(steps("exclaimer").concat().contains("sign behind Exclaimer"), "nobody knows whether it can sign");
}

#[test]
fn what_the_steps_say_of_spf_is_not_said_again() {
    let catalogue = builtin();
    let context = RemedyContext { domain: "example.com", ..RemedyContext::default() };
    for (id, said) in [("amazon-ses", 0), ("hubspot", 0), ("sendgrid", 0), ("mailchimp", 1), ("zoho-mail", 0)] {
        let steps = set_up(get(&catalogue, id), &context).steps;
        assert_eq!(steps.iter().filter(|step| step.starts_with("SPF ")).count(), said, "{id}: {steps:?}");
    }
}

#[test]
fn what_is_only_recognised_may_be_anybodys() {
    let catalogue = builtin();
    let remedy = |id: &str, only_recognised| {
        let context = RemedyContext { domain: "example.com", only_recognised, ..RemedyContext::default() };
        set_up(get(&catalogue, id), &context)
    };
    let (proven, unproven) = (remedy("mailchimp", false), remedy("mailchimp", true));
    assert_eq!(unproven.title, format!("if this mail is yours: {}", proven.title));
    assert!(unproven.steps[0].contains("ask who uses it") && unproven.steps[1] == proven.steps[0]);
}

#[test]
fn a_users_file_adds_and_overrides() {
    let text = r#"
[[provider]]
id = "in-house"
name = "The relay in the basement"
kind = "gateway"
addresses = ["192.0.2.0/24", "40.107.1.2"]
hosts = ["relay.example.com"]

[[provider]]
id = "mailchimp"
name = "Our newsletter"
envelope_domains = ["mcsv.net", "news.example.com"]
remedy.default_signature = { title = "ask {domain}'s marketing", steps = ["Write to marketing@{domain}."] }
"#;
    let catalogue = Catalogue::with_user_file(text, "mine.toml").unwrap();
    let by_address = |address: &str| catalogue.by_address(address.parse().unwrap()).map(|one| one.id.as_str());
    assert_eq!(by_address("192.0.2.9"), Some("in-house"));
    assert_eq!(by_address("40.107.1.2"), Some("in-house"));
    assert_eq!(by_address("40.107.1.3"), Some("microsoft-365"));
    let newsletter = get(&catalogue, "mailchimp");
    assert!(newsletter.users_own && newsletter.name == "Our newsletter");
    assert_eq!(catalogue.by_envelope_domain("news.example.com").map(|one| one.id.as_str()), Some("mailchimp"));
    assert!(catalogue.by_envelope_domain("rsgsv.net").is_none(), "the list is replaced");
    assert_eq!(newsletter.signing_domains, get(&builtin(), "mailchimp").signing_domains, "the rest stays");
    let context = RemedyContext { domain: "example.com", ..RemedyContext::default() };
    let remedy = set_up(newsletter, &context);
    assert_eq!(remedy.title, "ask example.com's marketing");
    assert!(remedy.steps.contains(&"Write to marketing@example.com.".to_owned()));
    assert_eq!(catalogue.providers().len(), builtin().providers().len() + 1);
}

#[test]
fn what_two_claim_is_the_users() {
    let text = "[[provider]]\nid = \"ours\"\nname = \"Ours\"\nkind = \"service\"\nsigning_domains = [\"mcsv.net\"]\naddresses = [\"40.107.0.0/16\"]\n";
    let catalogue = Catalogue::with_user_file(text, "mine.toml").unwrap();
    assert_eq!(catalogue.by_signing_domain("mcsv.net").unwrap().id, "ours");
    assert_eq!(catalogue.by_address("40.107.1.2".parse().unwrap()).unwrap().id, "ours");
}

#[test]
fn mistakes_name_file_line_and_key() {
    let head = "[[provider]]\nid = \"x\"\nname = \"X\"\nkind = \"service\"\n";
    for (text, line, key) in [
        ("[[provider]]\nid = \"X y\"\n".to_owned(), 2, "id"),
        ("[[provider]]\nname = \"X\"\n".to_owned(), 1, "id"),
        ("[[provider]]\nid = \"x\"\nkind = \"service\"\n".to_owned(), 2, "name"),
        ("[[provider]]\nid = \"x\"\nname = \"X\"\n".to_owned(), 2, "kind"),
        (format!("{head}hosts = [\n  \"a.example\",\n  \"no domain\",\n]\n"), 5, "hosts"),
        (format!("{head}addresses = [\"10.0.0.1/8\"]\n"), 5, "addresses"),
        (format!("{head}addresses = [\"10.0.0.0/33\"]\n"), 5, "addresses"),
        (format!("{head}documentation = \"http://a.example\"\n"), 5, "documentation"),
        (format!("{head}checked = \"soon\"\n"), 5, "checked"),
        (format!("{head}sign = [\"Do {{this}}.\"]\n"), 5, "sign"),
        (format!("{head}dkim = \"maybe\"\n"), 5, "dkim"),
        (format!("{head}nonsense = 1\n"), 5, "nonsense"),
        (format!("{head}name = \"Y\"\n"), 5, "name"),
        (format!("{head}[provider.remedy.forwarded]\ntitle = \"x\"\n"), 5, "forwarded"),
        (format!("{head}{head}"), 6, "id"),
        ("[[provider]\n".to_owned(), 1, ""),
    ] {
        let error = Catalogue::with_user_file(&text, "mine.toml").unwrap_err();
        let shown = error.to_string();
        let named = error.key.as_deref() == Some(key) || error.reason.contains(key);
        assert!(error.line == line && named, "{text}\n{shown}");
        assert!(shown.starts_with("mine.toml: line ") && !shown.contains('\n'), "{shown}");
    }
    assert!(Catalogue::with_user_file("", "mine.toml").is_ok());
}

#[test]
fn a_search_finds_who_is_meant() {
    let catalogue = builtin();
    let ids = |text: &str| -> Vec<String> {
        catalogue.search(text).iter().map(|one| format!("{} by {}", one.provider.id, one.by.as_str())).collect()
    };
    assert_eq!(ids("MAILCHIMP"), ["mailchimp by name"]);
    assert_eq!(ids("Microsoft 365"), ["microsoft-365 by name"]);
    assert_eq!(ids("40.107.1.2"), ["microsoft-365 by address"]);
    assert_eq!(ids("bounces@em.sendgrid.net"), ["sendgrid by envelope_domain"]);
    assert_eq!(ids("spf.protection.outlook.com"), ["microsoft-365 by spf_include"]);
    assert_eq!(ids("mail-ej1-f46.google.com"), ["google-workspace by envelope_domain"]);
    assert_eq!(ids("zoho"), ["zeptomail by name", "zoho-campaigns by name", "zoho-mail by name"]);
    assert!(ids("192.0.2.1").is_empty() && ids("example.com").is_empty() && ids(" ").is_empty());
    assert_eq!(catalogue.near("mailchip")[0], "Mailchimp");
    assert!(catalogue.near("qqqqqq").is_empty());
}

proptest::proptest! {
    #[test]
    fn no_file_is_too_odd_to_be_refused(text in "(\\[\\[provider\\]\\]\n)?([a-z_]{1,10} = [\"\\[{]?[ -~]{0,20}[\"\\]}]?\n){0,6}") {
        if let Err(error) = Catalogue::with_user_file(&text, "mine.toml") {
            proptest::prop_assert!(error.line >= 1 && !error.to_string().contains('\n'));
        }
    }

    #[test]
    fn no_name_is_too_odd_to_look_for(text in "\\PC{0,40}") {
        let catalogue = builtin();
        let _ = (catalogue.search(&text).len(), catalogue.near(&text).len());
        let _ = catalogue.by_envelope_domain(&text).and_then(|provider| provider.tenant(&text));
    }
}
