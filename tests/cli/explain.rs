//! All the evidence on one path.

use serde_json::{Value, json};

use crate::documented;
use crate::harness::{Sandbox, fixture, messages_of, sample};
use crate::make::{Report, record};
use crate::selectors::{month, signed};

fn explain(sandbox: &Sandbox, sender: &str) -> Value {
    sandbox.run(["explain", sender, "--since", "all", "--format", "json"]).exits(0).json()
}

#[test]
fn every_part_adds_up_to_the_path() {
    let sandbox = Sandbox::new();
    sandbox.ingest(&[fixture("mailbox")]);
    let sources = sandbox.run(["sources", "--since", "all", "--format", "json"]).exits(0).json();
    let paths = sources["paths"].as_array().expect("paths");
    for path in paths {
        let answer = explain(&sandbox, path["id"].as_str().expect("an id"));
        assert_eq!(&answer["path"], path, "as in sources");
        let messages = path["messages"].as_u64().expect("messages");
        let none = answer["no_address"]["messages"].as_u64().unwrap_or(0);
        for (part, more) in [("days", 0), ("by_reporter", 0), ("addresses", none), ("networks", none)] {
            assert_eq!(messages_of(&answer[part]) + more, messages, "{part} of {}", path["sender"]);
        }
        let done: u64 = answer["dispositions"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(done, messages, "dispositions of {}", path["sender"]);
        let states = ["aligned", "unaligned", "broken", "unsigned", "unknown"];
        let by_state = |part: &Value| states.iter().map(|state| part["dkim"][state].as_u64().unwrap()).sum::<u64>();
        for day in answer["days"].as_array().unwrap() {
            assert_eq!(Some(by_state(day)), day["messages"].as_u64(), "{day}");
        }
        let abouts: Vec<&Value> = answer["reasoning"].as_array().unwrap().iter().map(|one| &one["about"]).collect();
        assert_eq!(abouts[..3], ["name", "role", "class"]);
    }
}

#[test]
fn a_path_is_found_by_id_name_part_address_and_domain() {
    let input = sample();
    let sandbox = Sandbox::new();
    let id = |sender: &str| {
        let ran = sandbox.run(["explain", sender, "--format", "json", "--input", &input]).exits(0);
        ran.json()["path"]["id"].clone()
    };
    let m365 = id("52.101.73.89");
    for sender in ["Microsoft 365 (brightwater)", "microsoft 365 (bright", m365.as_str().unwrap(), " 52.101.73.89 "] {
        assert_eq!(id(sender), m365, "{sender}");
    }
    assert_eq!(id("hr.brightwater.example"), id("paydesk"));
    // Several paths: they are listed, with what tells them apart.
    for ambiguous in ["brightwater.example", "203.0.113.32", "alumni"] {
        let ran = sandbox.run(["explain", ambiguous, "--input", &input]).exits(1);
        assert!(ran.stderr.contains("by its id") && ran.stdout.is_empty(), "{ran}");
    }
    let ran = sandbox.run(["explain", "203.0.113.32", "--input", &input]).exits(1);
    assert!(ran.stderr.contains("brightwater-shop.example"), "{ran}");
    // None: what is near, or what there is.
    sandbox.run(["explain", "mailwav.example", "--input", &input]).exits(1).says("mailwave.example");
    sandbox.run(["explain", "zzz", "--input", &input]).exits(1).says("no path matches");
    sandbox.run(["explain", "", "--input", &input]).exits(1).says("no path matches");
    sandbox.run(["explain", "x", "--domain", "other.example", "--input", &input]).exits(1).says("brightwater");
    sandbox.run(["explain", "x", "--since", "2026-01-01", "--until", "2026-01-02", "--input", &input]).exits(1);
    sandbox.run(["explain", "\u{1b}]0;x\u{7}", "--input", &input]).exits(1).says("no path matches");
    sandbox.run(["explain"]).exits(2);
}

#[test]
fn what_a_fix_did() {
    let sandbox = Sandbox::new();
    let unsigned = "<spf><domain>example.com</domain><scope>mfrom</scope><result>pass</result></spf>";
    month(&sandbox, |day| {
        let fixed = crate::make::DKIM_AND_SPF;
        vec![record("192.0.2.1", 40, "example.com", if day < 12 { unsigned } else { fixed })]
    });
    let answer = explain(&sandbox, "192.0.2.1");
    let turns = answer["turns"].as_array().expect("turns");
    assert_eq!(turns.len(), 1, "{turns:#?}");
    let turn = &turns[0];
    assert_eq!((&turn["day"], &turn["what"], &turn["kind"]), (&json!("2026-10-13"), &json!("dkim"), &json!("mended")));
    assert_eq!((&turn["before"]["messages"], &turn["before"]["dkim"]["unsigned"]), (&json!(960), &json!(960)));
    assert_eq!((&turn["after"]["messages"], &turn["after"]["dkim"]["aligned"]), (&json!(1440), &json!(1440)));
    assert_eq!(turn["reporters"], json!(["one", "two"]));
    assert_eq!(turn["unchanged_at"], json!([]));
}

#[test]
fn a_reporter_that_errs_alone_is_named() {
    let sandbox = Sandbox::new();
    for day in 0..30 {
        for org in ["One", "Two", "Three"] {
            let result = if org == "Three" { "temperror" } else { "pass" };
            let records = vec![signed("192.0.2.1", 10, "s1", result)];
            let xml = Report::new(&format!("{org}{day}")).org(org).day(day).records(records).xml();
            sandbox.write(&format!("in/{org}{day}.xml"), xml);
        }
    }
    sandbox.run(["ingest", "in"]).exits(0);
    let answer = explain(&sandbox, "192.0.2.1");
    assert_eq!(answer["turns"], json!([]));
    let agrees = |name: &str| {
        let reporters = answer["by_reporter"].as_array().unwrap();
        reporters.iter().find(|one| one["reporter"] == name).expect("a reporter")["agrees"].clone()
    };
    assert_eq!((agrees("three"), agrees("one"), agrees("two")), (json!(false), json!(true), json!(true)));
}

#[test]
fn a_thousand_machines_stay_readable() {
    let sandbox = Sandbox::new().columns(80);
    let machines = |day: i64| {
        (0..1000_i64)
            .filter(move |host| host % 10 == day % 10)
            .map(|host| {
                record(&format!("198.51.{}.{}", host / 250, host % 250), 2, "example.com", crate::make::DKIM_AND_SPF)
            })
            .collect::<Vec<_>>()
    };
    for day in 0..10 {
        for org in ["One", "Two"] {
            let xml = Report::new(&format!("{org}{day}")).org(org).day(day).records(machines(day)).xml();
            sandbox.write(
                &format!("in/{org}{day}.xml"),
                xml.replace("<spf>", "<spf><!-- -->").replace(
                    "<spf><!-- --><domain>example.com</domain>",
                    "<spf><domain>bounce.sender.example</domain>",
                ),
            );
        }
    }
    sandbox.run(["ingest", "in"]).exits(0);
    let ran = sandbox.run(["explain", "sender.example", "--since", "all"]).exits(0);
    assert!(ran.text().lines().count() < 80, "{ran}");
    assert!(ran.text().contains("1,000 machines"), "{ran}");
    let answer = explain(&sandbox, "sender.example");
    assert_eq!(answer["addresses"].as_array().map(Vec::len), Some(1000));
}

#[test]
fn the_answer_is_as_documented() {
    let input = sample();
    let ran = Sandbox::new().run(["explain", "198.51.100.80", "--format", "json", "--input", &input]).exits(0);
    let (mut example, mut answer) = (documented::example("`explain`"), ran.json());
    // Its fields are documented with `sources`.
    assert!(answer["path"]["id"].is_string());
    for whole in [&mut example, &mut answer] {
        whole["path"] = json!({});
    }
    documented::assert_documented(&example, &answer);
}

fn shown(columns: u16, sender: &str, format: &str) -> String {
    let sandbox = Sandbox::new().columns(columns);
    let ran = sandbox.run(["explain", sender, "--format", format, "--input", &sample()]).exits(0);
    ran.text().to_owned()
}

#[test]
fn a_ticket_system_at_100_columns() {
    insta::assert_snapshot!(shown(100, "198.51.100.18", "table"));
}

#[test]
fn a_rotation_at_60_columns() {
    insta::assert_snapshot!(shown(60, "198.51.100.80", "table"));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for columns in [40, 60, 80, 132] {
        let sandbox = Sandbox::new().columns(columns);
        sandbox.ingest(&[fixture("mailbox")]);
        for question in [
            &["explain", "Microsoft 365 (brightwater)"] as &[&str],
            &["explain", "198.51.100.80"],
            &["explain", "203.0.113.60"],
            &["selectors", "--all", "--by-address"],
            &["changes"],
        ] {
            let ran = sandbox.run(question.iter().chain(&["--since", "all"])).exits(0);
            // The line that says what the answer is about, and what is to be copied whole, may be longer.
            let wide = ran.text().lines().skip(1).find(|line| {
                line.chars().count() > usize::from(columns)
                    && !line.contains("https://")
                    && !line.contains("_domainkey")
            });
            assert_eq!(wide, None, "{columns} columns\n{ran}");
        }
    }
}

#[test]
fn a_path_as_markdown() {
    insta::assert_snapshot!(shown(100, "192.0.2.25", "markdown"));
}

#[test]
fn a_path_as_csv_is_its_days() {
    let text = shown(100, "paydesk", "csv");
    assert!(text.starts_with("day,messages,dkim_aligned,"), "{text}");
    assert!(text.lines().skip(1).all(|line| line.starts_with("2026-")), "{text}");
}

#[test]
fn pictures_are_ascii_where_the_locale_is() {
    let sandbox = Sandbox::new();
    let ask = |locale: &str| {
        let mut command = sandbox.command(["explain", "paydesk", "--input", &sample()]);
        command.env("LC_ALL", locale);
        crate::harness::Ran::of(command).exits(0).text().to_owned()
    };
    assert!(ask("en_GB.UTF-8").contains('█') && !ask("C").contains('█'));
    assert!(ask("C").contains('@'));
}

#[test]
fn what_receivers_write_is_shown() {
    let sandbox = Sandbox::new();
    let results = |result: &str, text: &str| {
        format!(
            "<dkim><domain>example.com</domain><selector>k1</selector><result>{result}</result><human_result>{text}\
             </human_result></dkim><spf><domain>example.com</domain><scope>mfrom</scope><result>pass</result></spf>"
        )
    };
    month(&sandbox, |day| {
        let text = if day % 2 == 0 { "body hash did not verify" } else { "seal 7 is torn" };
        vec![
            record("192.0.2.1", 3, "example.com", &results("fail", text)),
            record("192.0.2.1", 1, "example.com", &results("pass", "good signature")),
        ]
    });
    let answer = explain(&sandbox, "192.0.2.1");
    let words = answer["words"].as_array().expect("words");
    let said = |code: Value, text: Value| {
        let of = |one: &&Value| one["about"] == "dkim" && one["code"] == code && one["text"] == text;
        words.iter().find(of).map_or(0, |one| one["messages"].as_u64().unwrap())
    };
    let (changed, torn) = (said(json!("body_hash"), Value::Null), said(Value::Null, json!("seal 7 is torn")));
    // What is written beside a pass is not shown.
    assert!(changed > 0 && torn > 0 && words.len() == 2, "{words:#?}");
    assert_eq!((changed + torn) * 4, answer["path"]["messages"].as_u64().unwrap() * 3);
    let ran = sandbox.run(["explain", "192.0.2.1", "--since", "all"]).exits(0);
    for shown in ["written beside DKIM that does not pass: body_hash", "\"seal 7 is torn\""] {
        assert!(ran.text().contains(shown), "{ran}");
    }
}
