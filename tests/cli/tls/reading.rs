//! SMTP TLS reports are read however they come, stored once and kept whole.

use serde_json::{Value, json};

use super::{NAME, Tls, answer, ask, mail};
use crate::dump;
use crate::harness::Sandbox;
use crate::make::{gzip, zip};

#[test]
fn a_report_is_read_however_it_comes_and_stored_once() {
    let sandbox = Sandbox::new();
    let json = Tls::of("Posthorn AG", 0).fails("certificate-expired", "mx1.example.com", 3).json();
    let packed = gzip(&json);
    let wide: Vec<u8> = format!("\u{feff}{json}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let spaced = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&json).unwrap()).unwrap();
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("gzip.eml", mail("1", "application/tlsrpt+gzip", NAME, &packed)),
        ("json.eml", mail("2", "application/tlsrpt+json", "report.json", json.as_bytes())),
        ("plain-as-gzip.eml", mail("3", "application/tlsrpt+gzip", NAME, spaced.as_bytes())),
        ("octets.eml", mail("4", "application/octet-stream", "x.bin", &packed)),
        ("nameless.eml", mail("5", "text/plain", "", json.as_bytes())),
        (
            "zip.eml",
            mail("6", "application/zip", "x.zip", &zip(&[("a/report.json", &json), ("read.me", &"hello".to_owned())])),
        ),
        ("report.json", json.clone().into_bytes()),
        ("report.json.gz", packed.clone()),
        ("no-ending", format!("\u{feff}\n{spaced}\n").into_bytes()),
        ("report.zip", zip(&[("report.json.gz", &packed)])),
        ("wide.json", wide),
    ];
    let mut first = true;
    for (name, bytes) in &files {
        sandbox.write(name, bytes);
        let (summary, status) = sandbox.ingest(&[name]);
        let expected = if first { json!([1, 0, 0]) } else { json!([0, 1, 0]) };
        let tls = &summary["tls_reports"];
        assert_eq!(json!([tls["new"], tls["duplicate"], tls["conflicting"]]), expected, "{name}: {summary:#}");
        assert_eq!(
            (status, &summary["other"]["tls_report"], &summary["other"]["not_a_report"]),
            (0, &json!(1), &json!(0))
        );
        first = false;
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let before = dump::raw(&sandbox.db());
    assert_eq!(sandbox.ingest(&names).1, 0);
    dump::assert_same(&before, &dump::raw(&sandbox.db()), "all of them again");
    let list = answer(&sandbox, &["--reports"]);
    let reports = list["reports"].as_array().unwrap();
    assert_eq!(reports.len(), 1, "{list:#}");
    assert_eq!(reports[0]["reporter"], "posthorn ag");
    assert_eq!((&reports[0]["successful"], &reports[0]["failed"]), (&json!(90), &json!(3)));
    // Straight from the files the answer is the same.
    let arguments = [&["--since", "all", "--json", "--input"], names.as_slice()].concat();
    assert_eq!(ask(&sandbox, &arguments).exits(0).json(), answer(&sandbox, &["--since", "all"]));
}

#[test]
fn what_a_report_does_not_say_is_in_the_name_of_its_zip() {
    let sandbox = Sandbox::new();
    let mut json = Tls::of("Posthorn", 0).value();
    json["date-range"].take();
    json["policies"][0]["policy"]["policy-domain"].take();
    let packed = zip(&[("report.json", &json.to_string())]);
    let name = "posthorn.example!example.org!1790899200!1790985599!1.zip";
    sandbox.write("zip.eml", mail("1", "application/zip", name, &packed));
    assert_eq!(sandbox.ingest(&["zip.eml"]).1, 0);
    let list = answer(&sandbox, &["--reports"]);
    let report = &list["reports"][0];
    assert_eq!((&report["domains"], &report["day"]), (&json!(["example.org"]), &json!("2026-10-02")), "{list:#}");
}

#[test]
fn kept_bytes_are_packed_and_a_deep_check_reads_all_of_a_report() {
    let sandbox = Sandbox::new();
    let mut report = Tls::of("Posthorn", 0);
    for host in ["mx1.example.com", "mx2.example.com", "mx3.example.com", "mx4.example.com", "mx5.example.com"] {
        report = report.fails("certificate-expired", host, 3);
    }
    let mut json = report.value();
    json["policies"][0]["policy"]["policy-string"] = json!("version: STSv1\nmode: enforce");
    sandbox.write("report.json", json.to_string());
    sandbox.ingest(&["report.json"]);
    let database = rusqlite::Connection::open(sandbox.db()).unwrap();
    let packed = database.query_row("SELECT packed AND length(bytes) < size FROM blob", [], |row| row.get(0));
    assert!(packed.is_ok_and(|packed: bool| packed));
    drop(database);
    sandbox.run(["check", "--offline", "--deep"]).exits(0);
    for (sql, said) in [
        ("UPDATE tls_failure SET sessions = 4 WHERE number = 1", "SMTP TLS report 1 is not what was stored"),
        ("DELETE FROM tls_failure WHERE number = 4", "SMTP TLS report 1 is not what was stored"),
        ("UPDATE tls_policy SET mx_host = NULL", "SMTP TLS report 1 is not what was stored"),
        ("DELETE FROM tls_policy", "5 rows of SMTP TLS reports"),
        ("DELETE FROM tls_report", "1 rows of SMTP TLS reports"),
        ("UPDATE tls_report SET raw = 99", "the bytes of 1 reports"),
        ("UPDATE blob SET bytes = x'00'", "kept bytes 1"),
    ] {
        let db = sandbox.path("changed.db");
        std::fs::copy(sandbox.db(), &db).unwrap();
        let changed = rusqlite::Connection::open(&db).unwrap();
        changed.pragma_update(None, "foreign_keys", false).unwrap();
        changed.execute_batch(sql).unwrap();
        drop(changed);
        let ran = sandbox.run(["check", "--offline", "--deep", "--db", db.to_str().unwrap()]).exits(1);
        assert!(ran.text().contains(said), "{sql}\n{ran}");
    }
}

#[test]
fn what_is_announced_and_cannot_be_read_is_quarantined_and_other_json_is_not() {
    let sandbox = Sandbox::new();
    let json = Tls::of("Posthorn", 0).json();
    let packed = gzip(&json);
    let cut = &json[..json.len() / 2];
    for (name, code, bytes) in [
        ("cut.eml", "truncated", mail("1", "application/tlsrpt+gzip", NAME, &packed[..packed.len() / 2])),
        ("cut-json.eml", "truncated", mail("2", "application/tlsrpt+json", "x.json", cut.as_bytes())),
        ("torn.eml", "json_malformed", mail("3", "application/json", "x.json", json.replace("\":", "\"").as_bytes())),
        ("none.eml", "no_report_found", mail("4", "application/tlsrpt+json", "x.json", b"{}")),
        ("stripped.eml", "no_report_found", mail("5", "text/plain", "removed.txt", b"The attachment was removed.")),
        ("cut.json", "truncated", cut.as_bytes()[..cut.len() - 10].to_vec()),
        ("empty.json.gz", "truncated", packed[..packed.len() - 20].to_vec()),
        ("no-domain.json", "no_domain", json.replace("policy-domain", "x").into_bytes()),
        ("no-time.json", "no_date_range", json.replace("date-range", "x").into_bytes()),
    ] {
        sandbox.write(name, bytes);
        let (summary, status) = sandbox.ingest(&[name]);
        assert_eq!((status, &summary["quarantined"][0]["code"]), (3, &json!(code)), "{name}: {summary:#}");
        assert_eq!(summary["quarantined"].as_array().unwrap().len(), 1, "{name}: {summary:#}");
        assert_eq!(summary["other"]["not_a_report"], 0, "{name}: {summary:#}");
    }
    let ran = sandbox.run(["quarantine", "retry", "--json"]).exits(0).json();
    assert_eq!(ran["released"].as_u64().or(ran["entries"].as_u64()).unwrap_or(0), 0, "{ran:#}");
    for (name, bytes) in [
        (
            "policies.json",
            r#"{"Version":"2012-10-17","policies":[{"policyName":"x","policy":{"effect":"allow"}}]}"#.to_owned(),
        ),
        ("torn.json", r#"{"name": "x", "policies": ["#.to_owned()),
        ("org.json", r#"{"organization-name": "x", "members": 5}"#.to_owned()),
    ] {
        sandbox.write(name, bytes);
        let (summary, status) = sandbox.ingest(&[name]);
        assert_eq!((status, &summary["other"]["not_a_report"]), (0, &json!(1)), "{name}: {summary:#}");
    }
    // The limits are those of other reports, and one of its own.
    sandbox.write("tight.toml", "[limits]\ntls_failures = 1\n");
    let two = Tls::of("Posthorn", 1).fails("a", "mx1", 1).fails("b", "mx1", 1).json();
    sandbox.write("two.json", two);
    let ran = sandbox.run(["ingest", "two.json", "--config", "tight.toml", "--json"]).exits(3).json();
    assert_eq!(ran["quarantined"][0]["code"], "limit_tls_failures");
    sandbox.run(["quarantine", "retry"]).exits(0);
    assert_eq!(answer(&sandbox, &["--reports", "--since", "all"])["reports"].as_array().unwrap().len(), 1);
}
