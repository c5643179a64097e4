//! Reports whose mail failed DMARC, by the word of a server that is believed.

use serde_json::json;

use crate::harness::Sandbox;
use crate::make::{DKIM_AND_SPF, Report, mail, record};

/// A mail with a report of so many messages, and a field on top of it.
fn checked(field: &str, id: &str, messages: u64) -> Vec<u8> {
    let report = Report::new(id).records(vec![record("192.0.2.1", messages, "example.com", DKIM_AND_SPF)]);
    [field.as_bytes(), b"\n", &mail(id, "text/xml", "r.xml", report.xml().as_bytes())].concat()
}

const PASS: &str = "Authentication-Results: mx.example.com;\n\tdmarc=pass (p=reject) header.from=mailhaven.example";
const FAIL: &str = "Authentication-Results: mx.example.com; spf=fail; dmarc=fail header.from=mailhaven.example";
/// What the forger wrote in the server's name lies below what the server wrote.
const FORGED: &str = "Authentication-Results: mx.example.com; dmarc=fail header.from=mailhaven.example\n\
                      Authentication-Results: mx.example.com; dmarc=pass header.from=mailhaven.example";

fn messages(sandbox: &Sandbox) -> u64 {
    let answer = sandbox.run(["sources", "--since", "all", "--format", "json"]).exits(0).json();
    answer["paths"].as_array().unwrap().iter().map(|path| path["messages"].as_u64().unwrap()).sum()
}

#[test]
fn what_failed_is_kept_apart_until_a_mail_passes() {
    let sandbox = Sandbox::new();
    sandbox.write("in/good.eml", checked(PASS, "good", 1));
    sandbox.write("in/unchecked.eml", checked("X-Nothing: here", "unchecked", 20));
    sandbox.write("in/forged.eml", checked(FORGED, "forged", 300));
    sandbox.write("in/late.eml", checked(FAIL, "late", 4000));
    let ingest = |path: &str| {
        sandbox.run(["ingest", path, "--authserv-id", "mx.example.com", "--format", "json"]).exits(0).json()
    };
    let answer = ingest("in");
    assert_eq!((&answer["reports"]["new"], &answer["untrusted"]), (&json!(4), &json!(2)), "{answer}");
    assert_eq!(messages(&sandbox), 21);

    let list = |option: &[&str]| {
        let answer =
            sandbox.run(["reports", "--since", "all", "--format", "json"].iter().chain(option)).exits(0).json();
        let reports = answer["reports"].as_array().unwrap();
        let mut ids: Vec<_> = reports.iter().map(|one| format!("{} {}", one["report_id"], one["trust"])).collect();
        ids.sort();
        ids
    };
    assert_eq!(list(&[]), [r#""good" "passed""#, r#""unchecked" "unchecked""#]);
    assert_eq!(list(&["--untrusted"]), [r#""forged" "failed""#, r#""late" "failed""#]);
    let shows = |arguments: &[&str], text: &str| {
        let ran = sandbox.run(arguments).exits(0);
        assert!(ran.text().contains(text), "{ran}");
    };
    shows(&["reports", "--since", "all"], "2 reports are kept apart");
    shows(&["reports", "forged"], "failed DMARC for mailhaven.example");

    // The real mail comes after all; the forger's again later changes nothing.
    sandbox.write("again/late.eml", checked(PASS, "late", 4000));
    sandbox.write("again/late-again.eml", checked(FAIL, "late", 4000));
    let answer = ingest("again");
    assert_eq!((&answer["reports"]["duplicate"], &answer["untrusted"]), (&json!(2), &json!(0)), "{answer}");
    assert_eq!((messages(&sandbox), list(&["--untrusted"]).len()), (4021, 1));
    // Read a second time nothing changes.
    assert_eq!(ingest("in")["reports"]["duplicate"], json!(4));
    assert_eq!(messages(&sandbox), 4021);
}

#[test]
fn a_great_name_used_by_another_counts_for_nothing() {
    let sandbox = Sandbox::new();
    let pass = |domain: &str| format!("Authentication-Results: mx.example.com; dmarc=pass header.from={domain}");
    let from = |org: &str, id: &str, messages: u64, domain: &str| {
        let records = vec![record("192.0.2.1", messages, "example.com", DKIM_AND_SPF)];
        let report = Report::new(id).org(org).records(records);
        [pass(domain).as_bytes(), b"\n", &mail(id, "text/xml", "r.xml", report.xml().as_bytes())].concat()
    };
    sandbox.write("in/1.eml", from("google.com", "genuine", 1, "google.com"));
    sandbox.write("in/2.eml", from("google.com", "forged", 20, "mail.evil.example"));
    sandbox.write("in/3.eml", from("Post", "post", 300, "northpost.example"));
    let answer = sandbox.run(["ingest", "in", "--authserv-id", "mx.example.com", "--format", "json"]).exits(0).json();
    assert_eq!((&answer["reports"]["new"], &answer["untrusted"]), (&json!(3), &json!(1)), "{answer}");
    assert_eq!(messages(&sandbox), 301);
    let listed = sandbox.run(["reports", "--since", "all"]).exits(0);
    assert!(listed.text().contains("post (by northpost.example)") && !listed.text().contains("evil"), "{listed}");
    let apart = sandbox.run(["reports", "--since", "all", "--untrusted"]).exits(0);
    assert!(apart.text().contains("google.com (by evil.example)"), "{apart}");
    let shown = sandbox.run(["reports", "forged"]).exits(0);
    assert!(shown.text().contains("passed DMARC for somebody who uses another's name"), "{shown}");
}

#[test]
fn without_a_server_to_believe_nothing_is_checked() {
    let sandbox = Sandbox::new();
    sandbox.write("in/forged.eml", checked(FAIL, "forged", 300));
    sandbox.run(["ingest", "in"]).exits(0);
    sandbox.run(["ingest", "in", "--authserv-id", "elsewhere.example"]).exits(0);
    assert_eq!(messages(&sandbox), 300);
}
