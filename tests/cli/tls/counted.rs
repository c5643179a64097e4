//! Which SMTP TLS reports count: their domain, their identity, the mail that they came in.

use serde_json::json;

use super::{NAME, Tls, answer, failures, mail};
use crate::dump;
use crate::harness::Sandbox;
use crate::make::gzip;

#[test]
fn reports_on_other_domains_enter_no_answer_and_old_ones_are_pruned() {
    let sandbox = Sandbox::new();
    sandbox.write("owner.toml", "[owner]\ndomains = [\"example.com\"]\n");
    for day in 0..20 {
        sandbox.write(&format!("in/own{day}.json"), Tls::of("Posthorn", day).json());
        let foreign = Tls { domain: "elsewhere.example", ..Tls::of("Posthorn", day) };
        sandbox.write(
            &format!("in/foreign{day}.json"),
            foreign.fails("certificate-expired", "mx.elsewhere.example", 5).json(),
        );
    }
    let ran = sandbox.run(["ingest", "in", "--config", "owner.toml", "--json"]).exits(0).json();
    assert_eq!(
        ran["tls_reports"],
        json!({ "new": 40, "duplicate": 0, "conflicting": 0, "foreign": 20, "untrusted": 0 })
    );
    let with =
        |config: &str, more: &[&str]| answer(&sandbox, &[&["--since", "all", "--config", config], more].concat());
    assert_eq!((with("owner.toml", &[])["reports"].clone(), failures(&with("owner.toml", &[]))), (json!(20), vec![]));
    sandbox.write("none.toml", "");
    assert_eq!(failures(&with("none.toml", &[])).len(), 1);
    let listed = with("owner.toml", &["--reports"]);
    let foreign = listed["reports"].as_array().unwrap().iter().filter(|one| one["foreign"] == true).count();
    assert_eq!((listed["reports"].as_array().unwrap().len(), foreign), (40, 20));
    let of_foreign = ["tls", "--since", "all", "--config", "owner.toml", "-d", "elsewhere.example"];
    sandbox.run(of_foreign).exits(1).says("elsewhere.example is none of the domains of [owner]");
    let check = sandbox.run(["check", "--offline", "--config", "owner.toml", "--json"]).exits(0).json();
    assert_eq!(check["database"]["tls_reports"], 40);
    assert_eq!(check["database"]["newest_tls_report"], "2026-10-20T23:59:59Z");
    let codes: Vec<_> = check["findings"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert!(codes.contains(&json!("no-new-tls-reports")), "{check:#}");

    let prune = ["prune", "--older-than", "5d", "--as-of", "2026-10-21", "--json"];
    assert_eq!(sandbox.run(prune.iter().chain(&["--dry-run"])).exits(0).json()["tls_reports"], 30);
    assert_eq!(sandbox.run(prune).exits(0).json()["tls_reports"], 30);
    dump::assert_sound(&sandbox.db());
    let fresh = Sandbox::new();
    for day in 15..20 {
        for kind in ["own", "foreign"] {
            let name = format!("in/{kind}{day}.json");
            fresh.write(&name, std::fs::read(sandbox.path(&name)).unwrap());
        }
    }
    fresh.run(["ingest", "in"]).exits(0);
    dump::assert_same(&dump::content(&fresh.db()), &dump::content(&sandbox.db()), "after pruning");
}

#[test]
fn what_counts_of_one_identity_does_not_depend_on_the_order() {
    let usual = Tls::of("Posthorn", 0).fails("certificate-expired", "mx1.example.com", 5);
    let larger = Tls::of("Posthorn", 0).fails("certificate-expired", "mx1.example.com", 5).fails(
        "validation-failure",
        "mx2.example.com",
        2,
    );
    let part = Tls { well: 7, ..Tls::of("Posthorn", 0) };
    let counted = |order: &[&Tls]| {
        let sandbox = Sandbox::new();
        for (at, one) in order.iter().enumerate() {
            sandbox.write(&format!("{at}.json"), one.json());
            sandbox.run(["ingest", &format!("{at}.json")]).exits(0);
        }
        let answer = answer(&sandbox, &["--since", "all"]);
        let policy = &answer["domains"][0]["policies"][0];
        (policy["successful"].as_u64().unwrap(), policy["failed"].as_u64().unwrap())
    };
    for (expected, all) in
        [((90, 7), vec![&usual, &larger]), ((97, 5), vec![&usual, &part]), ((90, 7), vec![&usual, &larger, &usual])]
    {
        let reversed: Vec<&Tls> = all.iter().rev().copied().collect();
        assert_eq!((counted(&all), counted(&reversed)), (expected, expected));
    }
}

#[test]
fn of_two_that_count_the_same_sessions_the_same_stays_in_every_database() {
    let both = ["enforce", "testing"].map(|mode| Tls { mode, ..Tls::of("Posthorn", 0) }.json());
    let answers: Vec<Vec<u8>> = (0..6)
        .map(|round| {
            let sandbox = Sandbox::new();
            for at in [round % 2, 1 - round % 2] {
                sandbox.write("one.json", &both[at]);
                sandbox.run(["ingest", "one.json"]).exits(0);
            }
            sandbox.run(["tls", "--since", "all", "--format", "json"]).exits(0).stdout
        })
        .collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "the same answer");
}

#[test]
fn mail_that_failed_dmarc_counts_for_nothing() {
    let sandbox = Sandbox::new();
    let with = |id: &str, result: &str, org: &'static str, well: u64| {
        let json = Tls { well, ..Tls::of(org, 0) }.json();
        let mail = mail(id, "application/tlsrpt+gzip", NAME, &gzip(json));
        [format!("Authentication-Results: mx.example.com; {result}\n").into_bytes(), mail].concat()
    };
    sandbox.write("failed.eml", with("1", "dmarc=fail header.from=posthorn.example", "Posthorn", 1));
    sandbox.write("named.eml", with("2", "dmarc=pass header.from=evil.example", "Google Inc.", 10));
    sandbox.write("passed.eml", with("3", "dmarc=pass header.from=posthorn.example", "posthorn.example", 100));
    let ran = sandbox
        .run(["ingest", "--authserv-id", "mx.example.com", "--json", "failed.eml", "named.eml", "passed.eml"])
        .exits(0)
        .json();
    assert_eq!((&ran["tls_reports"]["new"], &ran["tls_reports"]["untrusted"]), (&json!(3), &json!(2)), "{ran:#}");
    assert_eq!(answer(&sandbox, &["--since", "all"])["domains"][0]["successful"], 100);
    // The same report in a mail that passed counts.
    sandbox.write("again.eml", with("4", "dmarc=pass header.from=posthorn.example", "Posthorn", 1));
    sandbox.run(["ingest", "--authserv-id", "mx.example.com", "again.eml"]).exits(0);
    assert_eq!(answer(&sandbox, &["--since", "all"])["domains"][0]["successful"], 101);
}
