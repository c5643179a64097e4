//! Who a sender is named after, when reporters differ: whose word gives a name, and to whom.

use serde_json::Value;

use crate::harness::Sandbox;
use crate::make::Report;
use crate::senders::{Line, OWN_SPF, SELECTOR, path, report, sources, write};

const THREE: [&str; 3] = ["one.example", "two.example", "three.example"];
const BOUNCE_HOST: &str = "mail-am6.outbound.protection.outlook.com";

fn answer(reports: &[Report]) -> Value {
    let sandbox = Sandbox::new();
    write(&sandbox, reports);
    sources(&sandbox, &[])
}

fn judged(path: &Value) -> (&str, &str, u64) {
    let text = |key: &str| path[key].as_str().unwrap_or_default();
    (text("class"), text("role"), path["messages"].as_u64().unwrap_or_default())
}

#[test]
fn a_reporter_that_lists_no_signatures_tears_no_gateway_apart() {
    let default = [("contoso.onmicrosoft.com", SELECTOR, "pass")];
    let line = |address, dkim| Line { address, count: 10, dkim, spf: OWN_SPF };
    let mut reports = Vec::new();
    for day in 0..3 {
        for org in THREE {
            // Beside the gateway a machine of the same network that never signs.
            let lines = [line("192.0.2.7", &default), line("192.0.2.8", &default), line("198.51.100.9", &[])];
            reports.push(report(org, day, &lines));
        }
        // It sees the gateway at an address of its own too.
        let lines = [line("192.0.2.7", &[]), line("192.0.2.77", &[]), line("198.51.100.9", &[])];
        reports.push(report("habit.example", day, &lines));
    }
    let answer = answer(&reports);
    // SPF shows the machine to be the owner's, and so the account whose signature is on most of its mail.
    assert_eq!(answer["paths"].as_array().map(Vec::len), Some(2), "{answer:#}");
    assert_eq!(judged(path(&answer, "192.0.2.0/24")), ("unaligned", "own", 240));
    assert_eq!(judged(path(&answer, "198.51.100.0/24")), ("unsigned", "own", 120));
}

#[test]
fn signed_and_unsigned_mail_of_one_machine_is_one_path() {
    let default = [("contoso.onmicrosoft.com", SELECTOR, "pass")];
    let line = |count, dkim| Line { address: "192.0.2.7", count, dkim, spf: OWN_SPF };
    let reports: Vec<Report> =
        (0..3).flat_map(|day| THREE.map(|org| report(org, day, &[line(60, &default), line(40, &[])]))).collect();
    let answer = answer(&reports);
    let machine = path(&answer, "192.0.2.0/24");
    assert_eq!(judged(machine), ("unaligned", "own", 900));
    assert_eq!((&machine["dkim"]["unaligned"], &machine["dkim"]["unsigned"]), (&540.into(), &360.into()));
    assert_eq!(answer["paths"].as_array().map(Vec::len), Some(1), "{answer:#}");
}

#[test]
fn another_account_behind_a_machine_of_the_owners_is_not_the_owners() {
    let signed = [("example.com", "s1", "pass")];
    let evil = [("evilcorp.onmicrosoft.com", "selector1-evilcorp-onmicrosoft-com", "pass")];
    let line = |count, dkim| Line { address: "192.0.2.7", count, dkim, spf: OWN_SPF };
    let reports: Vec<Report> =
        (0..3).flat_map(|day| THREE.map(|org| report(org, day, &[line(60, &signed), line(4, &evil)]))).collect();
    let answer = answer(&reports);
    let roles: Vec<_> = answer["paths"].as_array().unwrap().iter().map(judged).collect();
    assert_eq!(roles, [("signed", "own", 540), ("unaligned", "other-account", 36)], "{answer:#}");
}

#[test]
fn one_reporter_gives_no_name_to_what_others_see_without_it() {
    // The second name is that of a provider, which every record of its own names, at whatever address. (Others know it, too.)
    for (name, own_messages, others) in [("stranger.example", 30_090, 90), ("sendgrid.net", 90, 30_090)] {
        let service = [("sendgrid.net", "smtpapi", "pass")];
        let mut reports = Vec::new();
        for day in 0..3 {
            let line = |spf| Line { address: "192.0.2.7", count: 10, dkim: &[], spf };
            let others = Line { address: "149.72.1.1", dkim: &service, ..line(("u1.wl.sendgrid.net", "pass")) };
            // Its own SPF does not align: only that would keep the name away otherwise.
            let own = || line(("example.com", "softfail"));
            let key = [("example.com", "s1", "pass")];
            reports.extend(THREE.map(|org| report(org, day, &[Line { dkim: &key, ..own() }, Line { ..others }])));
            reports.push(report("liar.example", day, &[Line { count: 10_000, ..line((name, "pass")) }]));
        }
        let answer = answer(&reports);
        assert_eq!(judged(path(&answer, "192.0.2.0/24")), ("signed", "own", own_messages), "{name}");
        assert_eq!(judged(path(&answer, "SendGrid")), ("unaligned", "service", others), "{name}");
        assert_eq!(answer["paths"].as_array().map(Vec::len), Some(2), "{answer:#}");
    }
}

/// The HELO of a machine that nobody set up is the hoster's name for it, and the hoster sends nothing.
#[test]
fn spf_for_the_name_of_a_rented_machine_names_nobody() {
    let all = |helo: &'static str| {
        let line = |address, spf| Line { address, count: 10, dkim: &[], spf };
        let lines = || [line("192.0.2.7", OWN_SPF), line("198.51.100.9", (helo, "pass"))];
        let reports: Vec<Report> = (0..3).flat_map(|day| THREE.map(|org| report(org, day, &lines()))).collect();
        answer(&reports)
    };
    let rented = all("vps-0a1b2c3d.vps.ovh.net");
    let (_, role, messages) = judged(path(&rented, "198.51.100.0/24"));
    assert_eq!((role, messages), ("unknown", 90));
    let ordinary = all("vps-0a1b2c3d.ordinary.example");
    let (_, role, messages) = judged(path(&ordinary, "ordinary.example"));
    assert_eq!((role, messages), ("service", 90));
}

#[test]
fn one_reporter_makes_no_account_the_domains_own() {
    let own = [("contoso.onmicrosoft.com", SELECTOR, "pass")];
    let evil = [("evilcorp.onmicrosoft.com", "selector1-example-com", "pass")];
    let line = |address, count, dkim, spf| Line { address, count, dkim, spf };
    let all = |liars: &[&str]| {
        let mut reports = Vec::new();
        for day in 0..3 {
            reports.extend(THREE.map(|org| report(org, day, &[line("40.107.1.2", 100, &own, OWN_SPF)])));
            let lie = || line("40.107.9.9", 50, &evil, ("evilcorp.onmicrosoft.com", "pass"));
            reports.extend(liars.iter().map(|org| report(org, day + 10, &[lie()])));
        }
        answer(&reports)
    };
    let one = all(&["liar.example"]);
    assert_eq!(judged(path(&one, "Microsoft 365 (evilcorp)")), ("unaligned", "other-account", 150));
    let two = all(&["four.example", "five.example"]);
    assert_eq!(judged(path(&two, "Microsoft 365 (evilcorp)")), ("unaligned", "own", 300));
}

#[test]
fn bounces_of_another_account_are_the_owners_where_all_else_is_signed_as_the_domain() {
    let signed = [("example.com", "selector1", "pass")];
    let default = [("hq4711.onmicrosoft.com", "selector1-hq4711-onmicrosoft-com", "pass")];
    let evil = [("evilcorp.onmicrosoft.com", "selector1-evilcorp-onmicrosoft-com", "pass")];
    let line = |count, dkim, spf| Line { address: "40.107.1.2", count, dkim, spf };
    let mut reports = Vec::new();
    for day in 0..3 {
        reports.extend(THREE.map(|org| {
            let bounces = line(4, &default, (BOUNCE_HOST, "pass"));
            report(org, day, &[line(96, &signed, OWN_SPF), bounces, line(2, &evil, OWN_SPF)])
        }));
    }
    let answer = answer(&reports);
    // Nothing proves whose the account in them is, so it names nothing.
    assert_eq!(judged(path(&answer, "Microsoft 365")), ("signed", "own", 900), "{answer:#}");
    assert_eq!(judged(path(&answer, "Microsoft 365 (evilcorp)")), ("unaligned", "other-account", 18));
}

#[test]
fn another_account_beside_mail_that_nobody_signs_is_not_the_domains_own() {
    let evil = [("evilcorp.onmicrosoft.com", "selector1-evilcorp-onmicrosoft-com", "pass")];
    let line = |count, dkim| Line { address: "40.107.1.2", count, dkim, spf: OWN_SPF };
    let reports: Vec<Report> =
        (0..3).flat_map(|day| THREE.map(|org| report(org, day, &[line(97, &[]), line(3, &evil)]))).collect();
    let answer = answer(&reports);
    assert_eq!(judged(path(&answer, "Microsoft 365")), ("unsigned", "own", 873));
    assert_eq!(judged(path(&answer, "Microsoft 365 (evilcorp)")), ("unaligned", "other-account", 27));
}

#[test]
fn the_envelope_of_another_account_is_no_bounce() {
    let own = [("contoso.onmicrosoft.com", SELECTOR, "pass")];
    let line = |count, dkim, spf| Line { address: "40.107.1.2", count, dkim, spf };
    let mut reports = Vec::new();
    for day in 0..3 {
        reports.extend(THREE.map(|org| {
            let foreign = line(7, &[], ("evilcorp.onmicrosoft.com", "pass"));
            report(org, day, &[line(90, &own, OWN_SPF), line(3, &[], (BOUNCE_HOST, "pass")), foreign])
        }));
    }
    let answer = answer(&reports);
    assert_eq!(judged(path(&answer, "Microsoft 365 (contoso)")).2, 9 * 93);
    assert_eq!(judged(path(&answer, "Microsoft 365 (evilcorp)")), ("unsigned", "other-account", 63));
}

fn with_ledger(reports: &[Report], ledger: &str) -> Value {
    let sandbox = Sandbox::new();
    sandbox.write("config.toml", ledger);
    write(&sandbox, reports);
    sources(&sandbox, &["--config", "config.toml"])
}

#[test]
fn an_approved_account_beside_takes_no_mail_of_the_domains_own() {
    let signed = [("example.com", "selector1", "pass")];
    let default = [("hq4711.onmicrosoft.com", "selector1-hq4711-onmicrosoft-com", "pass")];
    let sister = [("sister.onmicrosoft.com", "selector1-sister-onmicrosoft-com", "pass")];
    let line = |count, dkim, spf| Line { address: "40.107.1.2", count, dkim, spf };
    let mut reports = Vec::new();
    for day in 0..3 {
        reports.extend(THREE.map(|org| {
            let bounces = line(4, &default, (BOUNCE_HOST, "pass"));
            let approved = line(20, &sister, ("sister.onmicrosoft.com", "pass"));
            report(org, day, &[line(96, &signed, OWN_SPF), bounces, approved])
        }));
    }
    let ledger = "[[sender]]\nname = \"Sister\"\nmatch = { tenant = \"sister.onmicrosoft.com\" }\n";
    let answer = with_ledger(&reports, ledger);
    assert_eq!(judged(path(&answer, "Sister")), ("unaligned", "approved", 180));
    assert_eq!(judged(path(&answer, "Microsoft 365")), ("signed", "own", 900));
}

#[test]
fn an_approved_service_is_known_by_its_signature_where_spf_fails() {
    let service = [("billing.example", "b1", "pass")];
    let own = [("example.com", "s1", "pass")];
    let failed = ("example.com", "softfail");
    let line = |address, dkim, spf| Line { address, count: 10, dkim, spf };
    let mut reports = Vec::new();
    for day in 0..3 {
        reports.extend(THREE.map(|org| {
            let relay = line("198.51.100.9", &own, OWN_SPF);
            let forwarder = Line { count: 1, ..line("203.0.113.5", &own, failed) };
            report(org, day, &[line("192.0.2.7", &service, failed), relay, forwarder])
        }));
    }
    let entry = |name: &str, domain: &str| {
        format!("[[sender]]\nname = \"{name}\"\nmatch = {{ signing_domain = \"{domain}\" }}\n")
    };
    let answer = with_ledger(&reports, &(entry("Billing", "billing.example") + &entry("Relay", "example.com")));
    assert_eq!(judged(path(&answer, "Billing")), ("unaligned", "approved", 90));
    assert_eq!(judged(path(&answer, "Relay")), ("signed", "approved", 90));
    assert_eq!(judged(path(&answer, "203.0.113.0/24")), ("signed", "forwarder", 9), "{answer:#}");
}

#[test]
fn a_missing_key_is_told_beside_a_reporter_that_never_finds_one() {
    // A key is missing for two days; the last reporter can never fetch one.
    let (there, gone) = ([("example.com", "s1", "pass")], [("example.com", "s1", "permerror")]);
    let never = [("example.com", "s1", "temperror")];
    let line = |count, dkim| Line { address: "192.0.2.7", count, dkim, spf: OWN_SPF };
    let mut reports = Vec::new();
    for day in 0..10 {
        reports.extend(THREE.map(|org| report(org, day, &[line(10, if day < 8 { &there } else { &gone })])));
        reports.push(report("never.example", day, &[line(9, &never)]));
    }
    let answer = answer(&reports);
    let relay = path(&answer, "192.0.2.0/24");
    assert_eq!(judged(relay), ("broken", "own", 390), "as it is since the key is gone");
    assert_eq!((&relay["cause"], &relay["since"]), (&"key_missing".into(), &"2026-10-09".into()), "{relay:#}");
    assert_eq!(relay["evidence"]["broken_by"], serde_json::json!({ "permerror": 60, "temperror": 18 }));
    assert!(relay["notes"].to_string().contains("(permerror"), "{relay:#}");
}

#[test]
fn each_domain_of_an_organization_has_an_account_of_its_own() {
    let whole = [("example-com.20230601.gappssmtp.com", "20230601", "pass")];
    let team = [("team-example-com.20230601.gappssmtp.com", "20230601", "pass")];
    let line = |count, dkim| Line { address: "209.85.220.41", count, dkim, spf: OWN_SPF };
    let mut reports = Vec::new();
    for (org, day) in THREE.into_iter().flat_map(|org| (0..3).map(move |day| (org, day))) {
        reports.push(report(org, day, &[line(60, &whole), line(40, &[])]));
        let mut below = report(&format!("{org} below"), day, &[line(40, &team), line(20, &[])]).org(org);
        for record in &mut below.records {
            *record = record.replace("<header_from>", "<header_from>team.");
        }
        reports.push(below);
    }
    let answer = answer(&reports);
    assert_eq!(answer["paths"].as_array().map(Vec::len), Some(2), "{answer:#}");
    assert_eq!(judged(path(&answer, "Google Workspace (example-com)")), ("unaligned", "own", 900));
    assert_eq!(judged(path(&answer, "Google Workspace (team-example-com)")), ("unaligned", "own", 540));
}
