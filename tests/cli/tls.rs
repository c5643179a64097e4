//! SMTP TLS reports: read however they come, stored once, and answered from.

use serde_json::{Value, json};

use crate::documented;
use crate::dump;
use crate::harness::{Ran, Sandbox, fixture};
use crate::make::{DAY, OCTOBER, Report, base64, gzip, zip};

/// A report of a day, counted from 2026-10-01, on `example.com` under MTA-STS.
struct Tls {
    org: &'static str,
    day: i64,
    domain: &'static str,
    policy_type: &'static str,
    mode: &'static str,
    well: u64,
    /// Kind, host, sessions.
    failures: Vec<(&'static str, &'static str, u64)>,
}

impl Tls {
    fn of(org: &'static str, day: i64) -> Self {
        Tls { org, day, domain: "example.com", policy_type: "sts", mode: "enforce", well: 90, failures: Vec::new() }
    }

    fn fails(mut self, kind: &'static str, host: &'static str, sessions: u64) -> Self {
        self.failures.push((kind, host, sessions));
        self
    }

    fn value(&self) -> Value {
        let time = |second: i64| jiff::Timestamp::from_second(OCTOBER + self.day * DAY + second).unwrap().to_string();
        let failure = |(kind, host, sessions): &(&str, &str, u64)| {
            json!({ "result-type": kind, "receiving-mx-hostname": host, "failed-session-count": sessions,
                "receiving-ip": "192.0.2.25", "failure-reason-code": "X509" })
        };
        json!({
            "organization-name": self.org,
            "date-range": { "start-datetime": time(0), "end-datetime": time(DAY - 1) },
            "contact-info": "tls@posthorn.example",
            "report-id": format!("{}-{}-{}", self.org, self.domain, self.day),
            "policies": [{
                "policy": {
                    "policy-type": self.policy_type, "policy-domain": self.domain, "mx-host": ["*.example.com"],
                    "policy-string": ["version: STSv1", format!("mode: {}", self.mode), "mx: *.example.com", "max_age: 86400"],
                },
                "summary": {
                    "total-successful-session-count": self.well,
                    "total-failure-session-count": self.failures.iter().map(|one| one.2).sum::<u64>(),
                },
                "failure-details": self.failures.iter().map(failure).collect::<Vec<_>>(),
            }],
        })
    }

    fn json(&self) -> String {
        self.value().to_string()
    }
}

const NAME: &str = "posthorn.example!example.com!1790812800!1790899199!1.json.gz";

/// A mail as reporters send it, with a part of some type.
fn mail(id: &str, kind: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    format!(
        "From: tls@posthorn.example\nTo: rua@example.com\nDate: Fri, 02 Oct 2026 03:04:05 +0000\n\
         Subject: Report Domain: example.com Submitter: posthorn.example Report-ID: <{id}>\n\
         TLS-Report-Domain: example.com\nTLS-Report-Submitter: posthorn.example\nMessage-ID: <{id}@posthorn.example>\n\
         MIME-Version: 1.0\nContent-Type: multipart/report; report-type=tlsrpt; boundary=B\n\n--B\n\
         Content-Type: text/plain\n\nThis is a report.\n--B\nContent-Type: {kind}; name=\"{name}\"\n\
         Content-Transfer-Encoding: base64\n\n{}\n--B--\n",
        base64(bytes)
    )
    .into_bytes()
}

fn ask(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    sandbox.run([&["tls", "--as-of", "2026-10-31"], arguments].concat())
}

fn answer(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    ask(sandbox, &[arguments, &["--json"]].concat()).exits(0).json()
}

/// The failures of an answer: kind and host, sessions, since, ongoing, lone claim.
fn failures(answer: &Value) -> Vec<(String, u64, String, bool, bool)> {
    let list = |value: &Value, key: &str| value[key].as_array().unwrap().clone();
    let policies = list(answer, "domains").into_iter().flat_map(|domain| list(&domain, "policies"));
    let failure = |one: Value| {
        let text = |key: &str| one[key].as_str().unwrap_or("-").to_owned();
        (
            format!("{} {}", text("result_type"), text("mx_host")),
            one["sessions"].as_u64().unwrap(),
            text("since"),
            one["ongoing"].as_bool().unwrap(),
            one["lone_claim"].as_bool().unwrap(),
        )
    };
    policies.flat_map(|policy| list(&policy, "failures")).map(failure).collect()
}

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
fn metrics_have_the_sessions() {
    let sandbox = Sandbox::new();
    for day in 0..3 {
        let fails = Tls::of("Posthorn", day).fails("certificate-expired", "mx1.example.com", 3);
        sandbox.write(&format!("in/a{day}.json"), fails.json());
        let odd = Tls { policy_type: "quantum", domain: "example.org", ..Tls::of("Mailhaven", day) };
        sandbox.write(&format!("in/b{day}.json"), odd.json());
    }
    sandbox.run(["ingest", "in"]).exits(0);
    let metrics = |more: &[&str]| {
        let base = ["metrics", "--as-of", "2026-10-31", "--since"];
        let ran = sandbox.run([&base, more].concat()).exits(0);
        let is_tls = |line: &&str| line.starts_with("dmarcstat_tls_") || line.starts_with("dmarcstat_newest_tls");
        ran.text().lines().filter(is_tls).map(str::to_owned).collect::<Vec<_>>()
    };
    let newest = format!("dmarcstat_newest_tls_report_timestamp_seconds {}", OCTOBER + 3 * DAY - 1);
    let sessions = |domain: &str, kind: &str, well: u64, failed: u64| {
        [("successful", well), ("failed", failed)].map(|(result, sessions)| {
            format!(
                "dmarcstat_tls_sessions{{domain=\"{domain}\",policy_type=\"{kind}\",result=\"{result}\"}} {sessions}"
            )
        })
    };
    let of_com = sessions("example.com", "sts", 270, 9);
    assert_eq!(metrics(&["all"]), [&[newest.clone()][..], &of_com, &sessions("example.org", "other", 270, 0)].concat());
    assert_eq!(metrics(&["all", "--domain", "example.com"]), [&[newest.clone()][..], &of_com].concat());
    assert_eq!(metrics(&["2026-10-20"]), [newest]);
}

#[test]
fn the_documented_example() {
    let ran = Sandbox::new().run([
        "tls".as_ref(),
        "--domain".as_ref(),
        "brightwater-shop.example".as_ref(),
        "--json".as_ref(),
        "--input".as_ref(),
        fixture("mailbox").as_os_str(),
    ]);
    documented::assert_documented(&documented::example("`tls`"), &ran.exits(0).json());
}

#[test]
fn failures_are_told_with_since_when_and_what_to_do() {
    let sandbox = Sandbox::new();
    for day in 0..30 {
        let mut one = Tls::of("Posthorn", day);
        if (12..20).contains(&day) {
            one = one.fails("starttls-not-supported", "mx2.example.com", 1);
        }
        if day >= 5 {
            one = one.fails("certificate-expired", "MX1.example.com.", 10);
        }
        sandbox.write(&format!("in/p{day}.json"), one.json());
        sandbox.write(
            &format!("in/m{day}.json"),
            Tls::of("Mailhaven", day).fails("certificate-expired", "mx1.example.com", 1).json(),
        );
        let none = Tls { policy_type: "no-policy-found", domain: "example.org", ..Tls::of("Mailhaven", day) };
        sandbox.write(&format!("in/n{day}.json"), none.json());
    }
    sandbox.run(["ingest", "in"]).exits(0);
    let week = answer(&sandbox, &["--since", "7d"]);
    assert_eq!(
        failures(&week),
        [("certificate-expired mx1.example.com".to_owned(), 77, "2026-10-01".to_owned(), true, false)]
    );
    assert_eq!((&week["reports"], &week["reporters"]), (&json!(21), &json!(2)));
    let all = answer(&sandbox, &["--since", "all"]);
    assert_eq!(
        failures(&all)[1],
        ("starttls-not-supported mx2.example.com".to_owned(), 8, "2026-10-13".to_owned(), false, false)
    );
    let policy = &week["domains"][0]["policies"][0];
    assert_eq!((&policy["mode"], &policy["enforced"]), (&json!("enforce"), &json!(true)), "{policy:#}");
    let remedy = &policy["failures"][0]["remedy"];
    assert!(remedy["title"].as_str().unwrap().contains("mx1.example.com"), "{remedy:#}");
    let domain = answer(&sandbox, &["--domain", "example.org"]);
    assert_eq!((failures(&domain), domain["domains"].as_array().unwrap().len()), (vec![], 1));
    ask(&sandbox, &["--exit-code"]).exits(4);
    ask(&sandbox, &["--exit-code", "--domain", "example.org"]).exits(0);
    let table = ask(&sandbox, &["--since", "7d"]).exits(0);
    for part in
        ["What fails", "certificate-expired", "2026-10-01", "held back", "Renew the certificate of mx1.example.com"]
    {
        assert!(table.text().contains(part), "{part}\n{table}");
    }
    let csv = ask(&sandbox, &["--since", "7d", "--format", "csv"]).exits(0);
    assert!(
        csv.text().contains("example.com,sts,enforce,true,1260,77,certificate-expired,mx1.example.com,77,"),
        "{csv}"
    );
    assert!(ask(&sandbox, &["--format", "markdown"]).exits(0).text().contains("## What fails"));
    let none = ask(&sandbox, &["--since", "2026-01-01", "--until", "2026-02-01"]).exits(1);
    assert!(none.stderr.contains("from 2026-10-01 to 2026-10-30"), "{none}");
    Sandbox::new().run(["tls", "--input", "."]).exits(1).says("_smtp._tls.");
}

#[test]
fn changes_tell_of_new_failures_and_one_reporter_alone_raises_no_alarm() {
    let told = |reporters: &[&'static str], failing: &[&'static str], days: std::ops::Range<i64>| {
        let sandbox = Sandbox::new();
        for day in 0..30 {
            sandbox.write(&format!("in/r{day}.xml"), Report::new(&format!("r{day}")).day(day).xml());
            for org in reporters {
                let mut one = Tls::of(org, day);
                if failing.contains(org) && days.contains(&day) {
                    one = one.fails("certificate-not-trusted", "mx1.example.com", 90);
                }
                sandbox.write(&format!("in/{org}{day}.json"), one.json());
            }
        }
        sandbox.run(["ingest", "in"]).exits(0);
        let ran = sandbox.run(["changes", "--since", "7d", "--as-of", "2026-10-31", "--exit-code", "--json"]);
        let answer = ran.json();
        let tls: Vec<Value> =
            answer["changes"].as_array().unwrap().iter().filter(|one| one["subject"] == "tls").cloned().collect();
        assert!(tls.len() <= 1, "{answer:#}");
        (ran.status, tls.first().map(|one| (one["kind"].clone(), one["since"].clone(), one["name"].clone())))
    };
    let name = json!("certificate-not-trusted at mx1.example.com");
    let change = |kind: &str, since: &str| Some((json!(kind), json!(since), name.clone()));
    assert_eq!(told(&["One", "Two", "Three"], &["One", "Two"], 26..30), (4, change("worse", "2026-10-27")));
    assert_eq!(told(&["One"], &["One"], 26..30), (4, change("worse", "2026-10-27")));
    assert_eq!(told(&["One", "Two", "Three"], &["One"], 26..30), (0, change("new", "2026-10-27")));
    assert_eq!(told(&["One", "Two"], &["One", "Two"], 10..30), (0, None), "it is nothing new");
    assert_eq!(told(&["One", "Two"], &["One", "Two"], 10..20), (0, change("mended", "2026-10-21")));
    assert_eq!(told(&["One", "Two"], &[], 0..0), (0, None));
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

#[test]
fn text_of_strangers_is_text() {
    let sandbox = Sandbox::new();
    let evil = "\u{1b}[2J\u{7}\u{9b}31m=cmd()|\u{202e}<b>\r\n@x";
    let mut value = Tls::of("Posthorn", 0).fails("certificate-expired", "mx1.example.com", 5).value();
    fn poison(value: &mut Value, evil: &str) {
        match value {
            Value::String(text) if !text.contains("T00:00:00") && !text.contains("T23:59:59") => {
                text.insert_str(0, evil)
            }
            Value::Array(list) => list.iter_mut().for_each(|one| poison(one, evil)),
            Value::Object(map) => map.values_mut().for_each(|one| poison(one, evil)),
            _ => {}
        }
    }
    poison(&mut value, evil);
    value["policies"][0]["policy"]["policy-domain"] = json!("example.com");
    sandbox.write("evil.json", value.to_string());
    sandbox.run(["ingest", "-v", "evil.json"]).exits(0);
    for format in ["table", "markdown", "csv", "json"] {
        for arguments in [&["--since", "all"][..], &["--since", "all", "--reports"]] {
            let ran = ask(&sandbox, &[arguments, &["--format", format]].concat()).exits(0);
            let exact = |c: char| format == "json" && c >= '\u{7f}';
            let bad = ran.text().chars().find(|&c| c != '\n' && c.is_control() && !exact(c));
            assert_eq!(bad, None, "{}", ran.to_string().escape_debug());
            assert!(format != "markdown" || !ran.text().contains("<b>"), "{ran}");
            if format == "csv" {
                let mut rows = csv::Reader::from_reader(&ran.stdout[..]);
                let formula = |cell: &str| cell.trim_start().starts_with(['=', '+', '-', '@']);
                assert!(rows.records().all(|row| !row.unwrap().iter().any(formula)), "{ran}");
            }
        }
    }
}

#[test]
fn check_tells_what_fails_now() {
    let sandbox = Sandbox::new();
    let today = (jiff::Timestamp::now().as_second() - OCTOBER).div_euclid(DAY);
    let one = Tls::of("Posthorn", today - 1).fails("certificate-expired", "mx1.example.com", 5);
    sandbox.write("one.json", one.json());
    sandbox.run(["ingest", "one.json"]).exits(0);
    let check = sandbox.run(["check", "--offline", "--json"]).exits(0).json();
    let finding = check["findings"].as_array().unwrap().iter().find(|one| one["code"] == "tls-failures");
    let detail = finding.unwrap_or_else(|| panic!("{check:#}"))["detail"].as_str().unwrap();
    assert!(detail.contains("certificate-expired at mx1.example.com since"), "{detail}");
    let screen = sandbox.run(["check", "--offline"]).exits(0);
    assert!(screen.text().contains("1 SMTP TLS report; newest "), "{screen}");
}
