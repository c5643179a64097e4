//! What is new, worse, mended or gone; and that silence never looks like health.

mod nights;

use serde_json::{Value, json};

use crate::documented;
use crate::harness::{Ran, Sandbox, sample, sample_mails};
use crate::make::{DKIM_AND_SPF, Dice, Report, record};

const SPF_ONLY: &str = "<spf><domain>example.com</domain><scope>mfrom</scope><result>pass</result></spf>";

/// Days from 2026-10-01 at two reporters, one of them with more messages.
struct Days {
    sandbox: Sandbox,
    orgs: Vec<&'static str>,
}

impl Days {
    fn new() -> Self {
        Days { sandbox: Sandbox::new(), orgs: vec!["One", "Two"] }
    }

    /// Writes the reports of some days, with the records that `of` gives for a day and a reporter.
    fn write(&self, days: std::ops::Range<i64>, of: impl Fn(i64, &str) -> Vec<String>) {
        for day in days {
            for org in &self.orgs {
                let records = of(day, org);
                if !records.is_empty() {
                    let xml = Report::new(&format!("{org}{day}")).org(org).day(day).records(records).xml();
                    self.sandbox.write(&format!("in/{org}{day}.xml"), xml);
                }
            }
        }
        self.sandbox.run(["ingest", "in"]).exits(0);
    }

    /// `changes` of the ten days that end on 2026-10-20, against the ten before.
    fn ask(&self, more: &[&str]) -> Ran {
        self.sandbox.run(["changes", "--since", "10d", "--as-of", "2026-10-21"].iter().chain(more))
    }

    fn json(&self) -> Value {
        self.ask(&["--format", "json"]).exits(0).json()
    }
}

fn healthy(address: &str) -> String {
    record(address, 20, "example.com", DKIM_AND_SPF)
}

fn kinds(answer: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let changes = answer["changes"].as_array().expect("changes");
    changes.iter().map(|one| (text(&one["kind"]), text(&one["subject"]))).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(kind, subject)| ((*kind).to_owned(), (*subject).to_owned())).collect()
}

#[test]
fn nothing_is_silent_and_reports_still_come() {
    let days = Days::new();
    days.write(0..20, |_, _| vec![healthy("192.0.2.1")]);
    let answer = days.json();
    assert_eq!(answer["schema"], "dmarcstat/changes/1");
    assert_eq!(answer["window"], json!({ "begin": "2026-10-11", "end": "2026-10-20" }));
    assert_eq!(answer["before"], json!({ "begin": "2026-10-01", "end": "2026-10-10" }));
    assert_eq!((&answer["reports"], &answer["reports_before"]), (&json!(20), &json!(20)));
    assert_eq!((kinds(&answer), &answer["alarm"], &answer["silence"]), (vec![], &json!(false), &Value::Null));
    let ran = days.ask(&["--exit-code", "-q"]).exits(0);
    assert!(ran.stdout.is_empty() && ran.stderr.is_empty(), "{ran}");
    let ran = days.ask(&["--exit-code"]).exits(0);
    assert!(ran.text().contains("Nothing has changed"), "without -q it says so\n{ran}");
}

#[test]
fn silence_is_told_after_two_days_without_reports() {
    let days = Days::new();
    days.write(0..20, |_, _| vec![healthy("192.0.2.1")]);
    // The last report is of 2026-10-20. It came on the 21st; on the 22nd none, on the 23rd none.
    for (today, status) in [("2026-10-21", 0), ("2026-10-22", 0), ("2026-10-23", 4), ("2026-11-30", 4)] {
        let arguments = ["changes", "--since", "7d", "--exit-code", "-q", "--as-of", today];
        let ran = days.sandbox.run(arguments).exits(status);
        assert_eq!(ran.text().contains("No reports come any more"), status == 4, "{ran}");
        assert_eq!(ran.text().contains("2026-10-20"), status == 4, "{ran}");
    }
    // Nothing in the window at all, and nobody asks for the status: no data to answer from.
    days.sandbox.run(["changes", "--since", "7d", "--as-of", "2026-11-30"]).exits(1).says("2026-10-20");
    // A report that claims to be of next year does not hide it.
    let future = Report::new("future").org("Liar").day(400).records(vec![healthy("192.0.2.1")]).xml();
    days.sandbox.write("future/a.xml", future);
    days.sandbox.run(["ingest", "future"]).exits(0);
    days.sandbox.run(["changes", "--since", "7d", "--exit-code", "-q", "--as-of", "2026-10-25"]).exits(4);
    days.sandbox.run(["changes", "--domain", "other.example"]).exits(1).says("example.com");
}

#[test]
fn what_comes_after_files_and_all_days_is_not_missed() {
    let days = Days::new();
    days.write(0..20, |_, _| vec![healthy("192.0.2.1")]);
    for of in [&["--input", "in"][..], &["--since", "all"]] {
        let ran = days.sandbox.run(["changes", "--exit-code", "--format", "json"].iter().chain(of)).exits(0);
        assert_eq!((&ran.json()["silence"], &ran.json()["alarm"]), (&Value::Null, &json!(false)), "{ran}");
        let then = ["changes", "--exit-code", "--as-of", "2026-11-30"];
        let ran = days.sandbox.run(then.iter().chain(of)).exits(4);
        assert!(ran.text().contains("No reports come any more"), "{ran}");
    }
    // Of days that none of the files is about there is nothing to say.
    days.sandbox.run(["changes", "--input", "in", "--since", "2027-03-01", "--until", "2027-03-02"]).exits(1);
}

#[test]
fn a_path_that_stops_signing_is_worse() {
    let days = Days::new();
    days.write(0..20, |day, _| {
        vec![record("192.0.2.1", 20, "example.com", if day < 14 { DKIM_AND_SPF } else { SPF_ONLY })]
    });
    let answer = days.json();
    assert_eq!(answer["alarm"], true);
    let worse = &answer["changes"][0];
    assert_eq!(
        (&worse["kind"], &worse["subject"], &worse["since"]),
        (&json!("worse"), &json!("path"), &json!("2026-10-15"))
    );
    assert_eq!((&worse["before"]["class"], &worse["after"]["class"]), (&json!("signed"), &json!("unsigned")));
    assert_eq!((&worse["before"]["messages"], &worse["after"]["messages"]), (&json!(400), &json!(400)));
    // Its key is missed too.
    assert_eq!(kinds(&answer), pairs(&[("worse", "path"), ("worse", "selector")]), "{answer:#}");
    days.ask(&["--exit-code"]).exits(4);
    days.ask(&[]).exits(0);
    assert!(days.ask(&["--exit-code", "-q"]).exits(4).text().contains("signed → unsigned"));
    // With the path left out, the key is still missed.
    days.ask(&["--exit-code", "--min-messages", "100000"]).exits(4);
}

#[test]
fn a_signature_that_gave_way_is_no_alarm_where_its_successor_breaks_later() {
    let days = Days::new();
    days.write(0..20, |day, _| {
        let results = match day {
            0..11 => DKIM_AND_SPF.replacen("example.com", "mail.example.com", 1),
            11..18 => DKIM_AND_SPF.replace("s1", "s2"),
            _ => SPF_ONLY.to_owned(),
        };
        vec![record("192.0.2.1", 20, "example.com", &results)]
    });
    let answer = days.json();
    let all = answer["changes"].as_array().expect("changes");
    let of = |name: &str| all.iter().find(|one| one["name"] == name).map(|one| one["kind"].clone());
    assert_eq!(of("s1"), Some(json!("changed")), "{answer:#}");
    assert!(kinds(&answer).contains(&("worse".to_owned(), "path".to_owned())), "{answer:#}");
}

#[test]
fn a_fix_is_mended_and_no_alarm() {
    let days = Days::new();
    days.write(0..20, |day, _| {
        vec![record("192.0.2.1", 20, "example.com", if day < 10 { SPF_ONLY } else { DKIM_AND_SPF })]
    });
    let answer = days.json();
    let mended: Vec<&Value> =
        answer["changes"].as_array().unwrap().iter().filter(|one| one["kind"] == "mended").collect();
    assert_eq!(mended.len(), 1, "{answer:#}");
    assert_eq!(mended[0]["text"], "unsigned → signed; signed and aligned 0% → 100%");
    assert_eq!(mended[0]["since"], "2026-10-11");
    assert_eq!(answer["alarm"], false);
    days.ask(&["--exit-code"]).exits(0);
}

#[test]
fn paths_come_and_go() {
    let days = Days::new();
    days.write(0..20, |day, _| {
        let mut records = vec![healthy("192.0.2.1")];
        records.extend((day < 9).then(|| healthy("198.51.100.1")));
        records.extend((day >= 12).then(|| record("203.0.113.1", 20, "example.com", SPF_ONLY)));
        // Spoofers, a new one every day.
        records.push(record(&format!("10.0.{day}.1"), 2, "example.com", ""));
        records
    });
    let answer = days.json();
    assert_eq!(kinds(&answer), pairs(&[("new", "path"), ("gone", "path")]), "{answer:#}");
    let (new, gone) = (&answer["changes"][0], &answer["changes"][1]);
    assert_eq!(
        (&new["name"], &new["since"], &new["alarm"]),
        (&json!("203.0.113.0/24"), &json!("2026-10-13"), &json!(true))
    );
    assert_eq!((&new["before"], &new["after"]["class"]), (&Value::Null, &json!("unsigned")));
    assert_eq!((&gone["name"], &gone["since"]), (&json!("198.51.100.0/24"), &json!("2026-10-10")));
    assert_eq!(
        answer["unknown"],
        json!({ "new_paths": 10, "new_messages": 40, "gone_paths": 10, "gone_messages": 40 })
    );
}

#[test]
fn what_only_pauses_is_not_gone_and_not_new() {
    let days = Days::new();
    days.write(0..40, |day, _| {
        let mut records = vec![healthy("192.0.2.1")];
        records.extend((day % 7 == 0).then(|| healthy("198.51.100.1")));
        records
    });
    // Every day of two weeks, as a nightly job would: the weekly mail is neither new nor gone.
    for today in 15..32 {
        let today = format!("2026-10-{today}");
        let ran = days.sandbox.run(["changes", "--since", "1d", "--as-of", &today, "--format", "json"]).exits(0);
        let answer = ran.json();
        let loud: Vec<_> = kinds(&answer).into_iter().filter(|(kind, _)| kind != "changed").collect();
        assert_eq!(loud, vec![], "{today} {ran}");
    }
}

#[test]
fn a_path_that_is_told_otherwise_than_before_did_not_pause() {
    let days = Days::new();
    days.write(0..20, |day, _| {
        // A machine that SPF names from the eleventh day on.
        let results = if day < 10 { "" } else { SPF_ONLY };
        vec![healthy("192.0.2.1"), record("203.0.113.1", 20, "example.com", results)]
    });
    let answer = days.json();
    assert_eq!(kinds(&answer), pairs(&[("mended", "path")]), "{answer:#}");
    let change = &answer["changes"][0];
    let text = change["text"].as_str().unwrap();
    assert!(text.starts_with("unknown → own; ") && text.contains("SPF aligned 0% → 100%"), "{change:#}");
    assert_eq!((&change["before"]["messages"], &change["after"]["messages"]), (&json!(400), &json!(400)));
    assert_eq!(change["since"], "2026-10-11");
}

#[test]
fn a_few_messages_are_noise() {
    let days = Days::new();
    days.write(0..20, |day, _| {
        let mut records = vec![record("192.0.2.1", 200, "example.com", DKIM_AND_SPF)];
        // One message a week is unsigned, then one a day: still next to nothing.
        records.extend((day % 7 == 0 || day > 15).then(|| record("192.0.2.1", 1, "example.com", SPF_ONLY)));
        // A path of three messages whose share falls from all to none.
        records.extend(
            (day % 7 == 0)
                .then(|| record("198.51.100.1", 1, "example.com", if day < 10 { DKIM_AND_SPF } else { SPF_ONLY })),
        );
        records
    });
    assert_eq!(kinds(&days.json()), vec![]);
}

#[test]
fn reporters_go_silent_and_come() {
    let mut days = Days::new();
    days.orgs = vec!["Large", "Small", "Weekly", "Newcomer"];
    days.write(0..20, |day, org| match org {
        "Large" => vec![record("192.0.2.1", 100, "example.com", DKIM_AND_SPF)],
        "Small" if day < 12 => vec![record("192.0.2.1", 2, "example.com", DKIM_AND_SPF)],
        "Weekly" if day % 4 == 0 => vec![record("192.0.2.1", 2, "example.com", DKIM_AND_SPF)],
        "Newcomer" if day > 14 => vec![record("192.0.2.1", 2, "example.com", DKIM_AND_SPF)],
        _ => vec![],
    });
    let answer = days.json();
    assert_eq!(kinds(&answer), pairs(&[("new", "reporter"), ("gone", "reporter")]), "{answer:#}");
    assert_eq!((&answer["changes"][0]["name"], &answer["changes"][1]["name"]), (&json!("newcomer"), &json!("small")));
    assert_eq!(answer["changes"][1]["since"], "2026-10-13");
    // The large one alone falling silent is worse: most of what is known came from it.
    let mut days = Days::new();
    days.orgs = vec!["Large", "Small"];
    days.write(0..20, |day, org| match org {
        "Large" if day < 14 => vec![record("192.0.2.1", 100, "example.com", DKIM_AND_SPF)],
        "Small" => vec![record("192.0.2.1", 10, "example.com", DKIM_AND_SPF)],
        _ => vec![],
    });
    assert_eq!(kinds(&days.json()), pairs(&[("worse", "reporter")]));
    days.ask(&["--exit-code"]).exits(4);
}

#[test]
fn a_weaker_policy_and_a_silent_domain_are_worse() {
    let days = Days::new();
    for day in 0..20 {
        let policy = if day < 10 { "quarantine" } else { "none" };
        let xml = Report::new(&format!("a{day}")).day(day).xml().replace("<p>none</p>", &format!("<p>{policy}</p>"));
        days.sandbox.write(&format!("in/a{day}.xml"), xml);
        if day < 13 {
            let other = Report::new(&format!("b{day}")).day(day).domain("example.net").records(vec![record(
                "192.0.2.9",
                5,
                "example.net",
                "",
            )]);
            days.sandbox.write(&format!("in/b{day}.xml"), other.xml());
        }
    }
    days.sandbox.run(["ingest", "in"]).exits(0);
    let answer = days.json();
    assert_eq!(kinds(&answer), pairs(&[("worse", "domain"), ("worse", "policy")]), "{answer:#}");
    assert_eq!(
        (&answer["changes"][0]["domain"], &answer["changes"][0]["since"]),
        (&json!("example.net"), &json!("2026-10-14"))
    );
    assert_eq!(answer["changes"][1]["text"], "p=quarantine → p=none, as most reporters find it");
}

#[test]
fn with_nothing_before_there_is_nothing_to_compare_and_that_is_said() {
    let days = Days::new();
    days.write(10..20, |_, _| vec![healthy("192.0.2.1")]);
    let ran = days.ask(&["--exit-code", "-q"]).exits(0);
    assert!(ran.text().contains("nothing to compare with"), "{ran}");
    assert_eq!(kinds(&days.json()), vec![]);
    // Nothing at all.
    Sandbox::new().run(["changes"]).exits(1);
}

#[test]
fn the_sample_mailbox_at_80_columns() {
    let sandbox = Sandbox::new().columns(80);
    let ran = sandbox.run(["changes", "--since", "30d", "--as-of", "2026-11-22", "--input", &sample()]).exits(0);
    insta::assert_snapshot!(ran.text());
}

#[test]
fn the_sample_mailbox_over_the_rotation_as_markdown() {
    let sandbox = Sandbox::new();
    let arguments = ["changes", "--since", "14d", "--as-of", "2026-11-04", "--format", "markdown", "--input"];
    let ran = sandbox.run(arguments.iter().copied().chain([sample().as_str()])).exits(0);
    insta::assert_snapshot!(ran.text());
}

#[test]
fn the_answer_is_as_documented() {
    let arguments = ["changes", "--since", "14d", "--as-of", "2026-11-04", "--format", "json", "--input"];
    let ran = Sandbox::new().run(arguments.iter().copied().chain([sample().as_str()])).exits(0);
    documented::assert_documented(&documented::example("`changes`"), &ran.json());
}

#[test]
fn the_order_of_arrival_does_not_matter() {
    let mut dice = Dice(7);
    let mut mails = sample_mails();
    let questions: [&[&str]; 6] = [
        &["selectors", "--since", "all", "--all", "--by-address"],
        &["changes", "--since", "30d", "--as-of", "2026-11-22"],
        &["changes", "--since", "14d", "--as-of", "2026-11-04"],
        &["explain", "Microsoft 365 (brightwater)", "--since", "all"],
        &["explain", "198.51.100.80", "--since", "all"],
        &["explain", "paydesk", "--since", "all"],
    ];
    let mut first: Option<Vec<Vec<u8>>> = None;
    for round in 0..2 {
        let sandbox = Sandbox::new();
        for at in (1..mails.len()).rev() {
            mails.swap(at, dice.roll(at as u64 + 1) as usize);
        }
        sandbox.ingest(&mails);
        if round == 1 {
            // Sent twice, and the second time over.
            sandbox.ingest(&mails[..100]);
        }
        let answers: Vec<Vec<u8>> = questions
            .iter()
            .map(|question| sandbox.run(question.iter().chain(&["--format", "json"])).exits(0).stdout)
            .collect();
        match &first {
            None => first = Some(answers),
            Some(first) => {
                for ((before, after), question) in first.iter().zip(&answers).zip(questions) {
                    assert!(before == after, "{question:?} depends on the order of arrival");
                }
            }
        }
    }
}
