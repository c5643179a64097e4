//! Reports whose mail failed DMARC, by the word of a server that is believed.

use serde_json::json;

use crate::harness::{Sandbox, messages_of};
use crate::make::{DAY, DKIM_AND_SPF, OCTOBER, Report, mail, record};

/// A mail with a report of a number of messages, and a field on top of it.
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
    messages_of(&answer["paths"])
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

/// Who reports: the name, and the domain that passes; none where nobody checked.
type Reporters = [(&'static str, Option<&'static str>)];

const GENUINE: &Reporters = &[
    ("google.com", Some("google.com")),
    ("Yahoo", Some("yahooinc.com")),
    ("mailhaven.example", Some("mailhaven.example")),
];
const UNCHECKED: &Reporters = &[("google.com", None), ("Yahoo", None), ("Comcast", None), ("mailhaven.example", None)];
const PASSING: &Reporters = &[
    ("google.com", Some("evil.example")),
    ("Post", Some("evil.example")),
    ("a.evil.example", Some("mail.evil.example")),
    ("b.evil.example", Some("evil.example")),
];

/// Thirty days of reports of October on a path.
fn series(sandbox: &Sandbox, folder: &str, reporters: &Reporters, records: &[String]) {
    for day in 0..30 {
        for (at, (org, domain)) in reporters.iter().enumerate() {
            let id = format!("{folder}-{at}-{day}");
            let report = Report::new(&id).org(org).day(day).records(records.to_vec());
            let result = domain.map_or("none header.from=x.example".to_owned(), |by| format!("pass header.from={by}"));
            let field = format!("Authentication-Results: mx.example.com; dmarc={result}\n");
            let mail = mail(&id, "text/xml", "r.xml", report.xml().as_bytes());
            sandbox.write(&format!("{folder}/{at}-{day}.eml"), [field.as_bytes(), &mail].concat());
        }
    }
}

const SPF_ALONE: &str = "<spf><domain>example.com</domain><result>pass</result></spf>";

/// The verdict, and the lines before it.
fn readiness(sandbox: &Sandbox) -> (String, String) {
    let arguments = ["readiness", "example.com", "--as-of", "2026-10-31"];
    let verdict = sandbox.run(arguments.iter().chain(&["--format", "json"])).json()["verdict"].clone();
    let text = sandbox.run(arguments).text().lines().take(3).collect::<Vec<_>>().join(" ");
    (verdict.as_str().unwrap().to_owned(), text)
}

fn lists_the_path(sandbox: &Sandbox) -> bool {
    let ran = sandbox.run(["unsigned", "--as-of", "2026-10-31", "--format", "json"]).exits(0);
    ran.json()["paths"].as_array().unwrap().iter().any(|path| path["class"] == "unsigned")
}

#[test]
fn forged_reports_make_no_domain_ready_and_hide_no_path() {
    let (signed, unsigned) = (
        vec![record("198.51.100.7", 20_000, "example.com", DKIM_AND_SPF)],
        vec![record("198.51.100.7", 60, "example.com", SPF_ALONE).replace("<dkim>pass", "<dkim>fail")],
    );
    for (forged, reporters) in [("none", &[][..]), ("passing", PASSING), ("unchecked", UNCHECKED)] {
        let sandbox = Sandbox::new();
        series(&sandbox, "genuine", GENUINE, &unsigned);
        series(&sandbox, "forged", reporters, &signed);
        sandbox.run(["ingest", ".", "--authserv-id", "mx.example.com"]).exits(0);
        let (verdict, text) = readiness(&sandbox);
        assert_eq!(verdict, "not-ready", "{forged}\n{text}");
        assert!(!text.contains("anybody"), "{text}");
        assert!(lists_the_path(&sandbox), "{forged}");
    }
}

#[test]
fn a_verdict_rests_on_domains_that_passed_or_says_first_that_it_does_not() {
    let signed = [record("198.51.100.7", 500, "example.com", DKIM_AND_SPF)];
    for (reporters, expected, cautious) in
        [(GENUINE, "ready", false), (PASSING, "not-enough-data", false), (UNCHECKED, "ready", true)]
    {
        let sandbox = Sandbox::new();
        series(&sandbox, "in", reporters, &signed);
        sandbox.run(["ingest", ".", "--authserv-id", "mx.example.com"]).exits(0);
        let (verdict, text) = readiness(&sandbox);
        assert_eq!(verdict, expected, "{text}");
        assert_eq!(
            text.find("anybody could").is_some_and(|at| at < text.find("is ready").unwrap()),
            cautious,
            "{text}"
        );
        let list = sandbox.run(["readiness", "--all", "--as-of", "2026-10-31"]);
        assert_eq!(list.text().starts_with("Nobody checked"), cautious, "{list}");
    }
}

#[test]
fn what_nobody_checked_hides_no_silence() {
    let sandbox = Sandbox::new();
    let signed = [record("198.51.100.7", 500, "example.com", DKIM_AND_SPF)];
    series(&sandbox, "genuine", GENUINE, &signed);
    sandbox.run(["ingest", "genuine", "--authserv-id", "mx.example.com"]).exits(0);
    let silent = |sandbox: &Sandbox| {
        let arguments = ["changes", "--as-of", "2026-11-20", "--since", "7d", "--exit-code"];
        sandbox.run(arguments).status
    };
    assert_eq!(silent(&sandbox), 4);
    for day in 30..50 {
        let report = Report::new(&format!("forged-{day}")).org("google.com").day(day).records(signed.to_vec());
        let mail = mail(&format!("forged-{day}"), "text/xml", "r.xml", report.xml().as_bytes());
        sandbox.write(&format!("forged/{day}.eml"), mail);
    }
    sandbox.run(["ingest", "forged", "--authserv-id", "mx.example.com"]).exits(0);
    assert_eq!(silent(&sandbox), 4);
}

#[test]
fn periods_that_end_long_after_make_nothing_fresh() {
    let signed = [record("198.51.100.7", 500, "example.com", DKIM_AND_SPF)];
    let sandbox = Sandbox::new();
    series(&sandbox, "in", GENUINE, &signed);
    sandbox.run(["ingest", "in", "--authserv-id", "mx.example.com"]).exits(0);
    let answers = |sandbox: &Sandbox| {
        let changes = sandbox.run(["changes", "--as-of", "2026-11-04", "--since", "7d", "--exit-code"]).status;
        let review = sandbox.run(["readiness", "example.com", "--as-of", "2026-11-09", "--format", "json"]).json();
        let fresh = review["checks"].as_array().unwrap().iter().find(|check| check["name"] == "newest_report").unwrap();
        (changes, fresh["passed"].clone(), review["newest_report"].clone())
    };
    let before = answers(&sandbox);
    assert_eq!((before.0, &before.1, &before.2), (4, &json!(false), &json!("2026-10-30T23:59:59Z")));
    // From the beginning of reports to long after, from the days without any to long after, a day that is to come, two months.
    let periods = [
        (1_325_376_000, 2_260_000_000),
        (OCTOBER + 31 * DAY, 4_000_000_000),
        (3_500_000_000, 3_500_086_399),
        (OCTOBER, OCTOBER + 60 * DAY),
    ];
    for (number, (begin, end)) in periods.into_iter().enumerate() {
        for (org, domain) in GENUINE {
            let id = format!("late-{number}-{org}");
            let xml = Report::new(&id).org(org).records(signed.to_vec()).xml();
            let xml = xml
                .replace(&format!("<begin>{OCTOBER}<"), &format!("<begin>{begin}<"))
                .replace(&format!("<end>{}<", OCTOBER + DAY - 1), &format!("<end>{end}<"));
            assert!(xml.contains(&format!("<begin>{begin}</begin><end>{end}</end>")));
            let field = format!("Authentication-Results: mx.example.com; dmarc=pass header.from={}\n", domain.unwrap());
            let mail = [field.as_bytes(), &mail(&id, "text/xml", "r.xml", xml.as_bytes())].concat();
            sandbox.write(&format!("late/{number}-{org}.eml"), mail);
        }
    }
    sandbox.run(["ingest", "late", "--authserv-id", "mx.example.com"]).exits(0);
    assert_eq!(answers(&sandbox), before);
    let newest = sandbox.run(["sources", "--since", "all", "--as-of", "2026-11-04", "--format", "json"]).json();
    assert_eq!(newest["newest_report"], "2026-10-30T23:59:59Z");
}

#[test]
fn without_a_server_to_believe_nothing_is_checked() {
    let sandbox = Sandbox::new();
    sandbox.write("in/forged.eml", checked(FAIL, "forged", 300));
    sandbox.run(["ingest", "in"]).exits(0);
    sandbox.run(["ingest", "in", "--authserv-id", "elsewhere.example"]).exits(0);
    assert_eq!(messages(&sandbox), 300);
}
