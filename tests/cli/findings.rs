//! What is wrong with a domain as a whole; each once as it is, and once as one reporter alone makes it up.

mod reports;

use serde_json::{Value, json};

use crate::harness::Sandbox;
use crate::make::{DAY, OCTOBER, Report};
use crate::senders::{Line, OWN_SPF, report, sources, write};

const ORGS: [&str; 3] = ["one.example", "two.example", "three.example"];
const LIAR: &str = "liar.example";
const DAYS: i64 = 12;
const KEY: &[(&str, &str, &str)] = &[("example.com", "s1", "pass")];
const NO_SPF: (&str, &str) = ("example.com", "softfail");

/// What everybody sees of the domain's own machine.
const HOME: Line<'_> = Line { address: "192.0.2.7", count: 20, dkim: KEY, spf: OWN_SPF };

/// Twelve days from 2026-10-01 at three reporters: what each says on a day, and what one that lies says.
fn mailbox(says: impl Fn(i64) -> Vec<Report>, lies: impl Fn(i64) -> Option<Report>) -> Sandbox {
    let sandbox = Sandbox::new();
    let reports: Vec<Report> = (0..DAYS).flat_map(|day| says(day).into_iter().chain(lies(day))).collect();
    write(&sandbox, &reports);
    sandbox
}

fn at_all(day: i64, lines: impl Fn() -> Vec<Line<'static>>) -> Vec<Report> {
    ORGS.iter().map(|org| report(org, day, &lines())).collect()
}

fn codes(answer: &Value) -> Vec<&str> {
    answer["findings"].as_array().expect("findings").iter().map(|one| one["code"].as_str().expect("a code")).collect()
}

const AS_OF: &[&str] = &["--as-of", "2026-10-13"];

fn found(sandbox: &Sandbox) -> Value {
    sources(sandbox, AS_OF)
}

/// The same at many networks.
type Signatures = &'static [(&'static str, &'static str, &'static str)];

fn everywhere(networks: &[String], count: u64, dkim: Signatures) -> Vec<Line<'_>> {
    networks.iter().map(|address| Line { address, count, dkim, spf: NO_SPF }).collect()
}

fn networks(number: u8) -> Vec<String> {
    (1..=number).map(|at| format!("203.0.{at}.9")).collect()
}

const SPF_FAILS: Line<'_> = Line { address: "192.0.2.7", count: 20, dkim: &[], spf: ("example.com", "permerror") };
const SPF_PASSES: Line<'_> = Line { address: "192.0.2.7", count: 20, dkim: &[], spf: OWN_SPF };

#[test]
fn spf_that_nobody_can_evaluate() {
    let breaks = |day: i64| at_all(day, || vec![if day < 6 { SPF_PASSES } else { SPF_FAILS }]);
    let sandbox = mailbox(breaks, |_| None);
    let answer = found(&sandbox);
    let finding = &answer["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["domain"], &finding["since"], &finding["severity"]),
        (&json!("spf_unevaluable"), &json!("example.com"), &json!("2026-10-07"), &json!("error"))
    );
    assert_eq!(finding["evidence"]["messages"], 6 * 3 * 20);
    assert_eq!(finding["breaks_authentication"], true);
    let week = sources(&sandbox, &["--as-of", "2026-10-13", "--since", "4d"]);
    assert_eq!(week["findings"][0]["since"], "2026-10-07", "it began before the window");
    let input = ["--input", "reports", "--as-of", "2026-10-13"];
    let ask = |command: &[&str]| sandbox.run(command.iter().chain(&input));
    let ran = ask(&["unsigned", "--exit-code"]).exits(4);
    assert!(ran.text().contains("error: the SPF record of example.com: it cannot be evaluated"), "{ran}");
    let review = ask(&["readiness", "example.com", "--format", "json"]).exits(4).json();
    assert_eq!(codes(&review), ["spf_unevaluable"]);
    let check = review["checks"].as_array().unwrap().iter().find(|one| one["name"] == "domain_findings").unwrap();
    assert_eq!((&check["blocking"], &check["passed"]), (&json!(true), &json!(false)));
    assert!(
        ask(&["readiness", "example.com"]).exits(4).text().contains("At most ten lookups are allowed"),
        "each step"
    );
    let changes = ask(&["changes", "--since", "5d", "--format", "json"]).exits(0).json();
    assert_eq!((codes(&changes), &changes["alarm"]), (vec!["spf_unevaluable"], &json!(true)));
    assert_eq!(changes["changes"][0]["finding"], "spf_unevaluable");

    // Whatever one says: that it passes, or that it never did.
    for lie in [&SPF_PASSES, &SPF_FAILS] {
        let lying = mailbox(breaks, |day| Some(report(LIAR, day, &[Line { count: 90_000, ..*lie }])));
        assert_eq!(found(&lying)["findings"][0]["since"], "2026-10-07");
        let healthy = mailbox(
            |day| at_all(day, || vec![SPF_PASSES]),
            |day| Some(report(LIAR, day, &[Line { count: 90_000, ..*lie }])),
        );
        assert_eq!(codes(&found(&healthy)), [""; 0]);
    }
    // What was mended is over.
    let mended = mailbox(|day| at_all(day, || vec![if day < 8 { SPF_FAILS } else { SPF_PASSES }]), |_| None);
    assert_eq!(codes(&found(&mended)), [""; 0]);
}

/// A service with a reverse-path below the domain has an SPF record of its own: neither record says anything of the other.
#[test]
fn spf_of_a_reverse_path_below_the_domain() {
    let service = |result| Line { address: "192.0.2.99", count: 60, dkim: KEY, spf: ("bounce.example.com", result) };
    let both = |own: Line<'static>, service: Line<'static>| {
        found(&mailbox(move |day| at_all(day, || vec![own, service]), |_| None))["findings"].take()
    };
    let findings = both(SPF_FAILS, service("pass"));
    let broken = &findings[0];
    assert_eq!((&broken["severity"], &broken["breaks_authentication"]), (&json!("error"), &json!(true)));
    assert_eq!(broken["subject"], "the SPF record of example.com");
    assert_eq!((&broken["evidence"]["messages"], &broken["evidence"]["spf_aligned"]), (&json!(12 * 3 * 20), &json!(0)));
    assert_eq!(findings[1], Value::Null);

    let findings = both(SPF_PASSES, service("permerror"));
    let other = &findings[0];
    assert_eq!((&other["severity"], &other["breaks_authentication"]), (&json!("warning"), &json!(false)));
    assert_eq!(other["subject"], "the SPF record of a reverse-path of example.com other than example.com");
    assert_eq!((&other["evidence"]["messages"], &other["evidence"]["spf_aligned"]), (&json!(12 * 3 * 60), &json!(0)));
    assert_eq!(findings[1], Value::Null);
}

#[test]
fn strict_alignment_that_own_mail_fails() {
    const BELOW: &[(&str, &str, &str)] = &[("mailer.example.com", "m1", "pass")];
    let aligned = || Line { address: "192.0.2.8", count: 50, dkim: KEY, spf: OWN_SPF };
    let below = |count: u64| Line { address: "192.0.2.7", count, dkim: BELOW, spf: ("mailer.example.com", "pass") };
    let strict = |sandbox: &Sandbox, from: i64| {
        for entry in std::fs::read_dir(sandbox.path("reports")).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let begin: i64 =
                text.split_once("<begin>").and_then(|(_, rest)| rest.split('<').next()?.parse().ok()).unwrap();
            if begin < OCTOBER + from * DAY {
                continue;
            }
            // What a receiver makes of it: only the name itself aligns.
            let strict = text.replace("<adkim>r</adkim><aspf>r</aspf>", "<adkim>s</adkim><aspf>s</aspf>");
            let (head, records) = strict.split_once("<record>").unwrap();
            let judged = |record: &str| match record.contains("mailer.example.com") {
                true => record.replace("<dkim>pass</dkim><spf>pass</spf>", "<dkim>fail</dkim><spf>fail</spf>"),
                false => record.to_owned(),
            };
            let records: Vec<String> = records.split("<record>").map(judged).collect();
            std::fs::write(&path, format!("{head}<record>{}", records.join("<record>"))).unwrap();
        }
    };
    let honest = |count: u64| move |day: i64| at_all(day, || vec![aligned(), below(count)]);
    let sandbox = mailbox(honest(5), |_| None);
    strict(&sandbox, 0);
    let answer = found(&sandbox);
    assert_eq!(codes(&answer), ["strict_alignment_costs"]);
    let finding = &answer["findings"][0];
    assert_eq!((&finding["since"], &finding["evidence"]["messages"]), (&Value::Null, &json!(DAYS * 3 * 5)));
    assert!(finding["remedy"]["title"].as_str().unwrap().contains("adkim=r"), "{finding:#}");
    // Since the day on which it was published.
    let sandbox = mailbox(honest(40), |_| None);
    strict(&sandbox, 7);
    assert_eq!(found(&sandbox)["findings"][0]["since"], "2026-10-08");
    // One alone says so.
    let lying = mailbox(|day| at_all(day, || vec![aligned()]), |day| Some(report(LIAR, day, &[below(90_000)])));
    strict(&lying, 0);
    assert_eq!(codes(&found(&lying)), [""; 0]);
}

#[test]
fn an_account_that_shares_the_include() {
    const EVIL: &[(&str, &str, &str)] = &[("evilcorp.onmicrosoft.com", "selector1-evilcorp-onmicrosoft-com", "pass")];
    let own = || Line { address: "40.107.1.2", count: 50, dkim: KEY, spf: OWN_SPF };
    let evil = |count: u64| Line { address: "40.107.1.3", count, dkim: EVIL, spf: OWN_SPF };
    let shared = mailbox(|day| at_all(day, || if day == 4 { vec![own(), evil(4)] } else { vec![own()] }), |_| None);
    let answer = found(&shared);
    assert_eq!(codes(&answer), ["account_shared_by_include"]);
    let finding = &answer["findings"][0];
    assert_eq!((&finding["since"], &finding["evidence"]["messages"]), (&json!("2026-10-05"), &json!(12)));
    assert_eq!(finding["evidence"]["accounts"], json!(["evilcorp.onmicrosoft.com"]));
    let honest = |day: i64| at_all(day, || vec![own()]);
    let lying = mailbox(honest, |day| Some(report(LIAR, day, &[own(), evil(90_000)])));
    assert_eq!(codes(&found(&lying)), [""; 0]);
}

#[test]
fn a_burst_of_spoofed_mail() {
    let many = networks(25);
    let burst = |org: &str, day: i64, count: u64| {
        let mut lines = everywhere(&many, count, &[]);
        lines.push(HOME);
        report(org, day, &lines)
    };
    let quiet = |day: i64| at_all(day, || vec![HOME]);
    let says = |day: i64| if (7..9).contains(&day) { ORGS.map(|org| burst(org, day, 3)).into() } else { quiet(day) };
    let answer = found(&mailbox(says, |_| None));
    assert_eq!(codes(&answer), ["spoofing_burst"]);
    let finding = &answer["findings"][0];
    assert_eq!((&finding["since"], &finding["evidence"]["days"]), (&json!("2026-10-08"), &json!(2)));
    assert_eq!((&finding["evidence"]["networks"], &finding["evidence"]["messages"]), (&json!(25), &json!(225)));
    assert_eq!(finding["breaks_authentication"], false);
    let lying = mailbox(quiet, |day| Some(burst(LIAR, day, 900)));
    assert_eq!(codes(&found(&lying)), [""; 0]);
}

#[test]
fn signed_mail_that_is_sent_again() {
    let many = networks(15);
    let with = |org: &str, day: i64, count: u64| {
        let mut lines = everywhere(&many, count, KEY);
        lines.push(HOME);
        report(org, day, &lines)
    };
    let quiet = |day: i64| at_all(day, || vec![HOME]);
    let says = |day: i64| if day == 9 { ORGS.map(|org| with(org, day, 30)).into() } else { quiet(day) };
    let replayed = mailbox(says, |_| None);
    let answer = found(&replayed);
    assert_eq!(codes(&answer), ["replay_suspected"]);
    let finding = &answer["findings"][0];
    assert_eq!((&finding["since"], &finding["breaks_authentication"]), (&json!("2026-10-10"), &json!(true)));
    let evidence = &finding["evidence"];
    assert_eq!(
        (&evidence["senders"], &evidence["messages"], &evidence["home_messages"]),
        (&json!(15), &json!(1350), &json!(60))
    );
    // Forwarders that always were there hand on more on some days.
    let steady = |day: i64| ORGS.map(|org| with(org, day, if day == 9 { 30 } else { 1 })).into();
    assert_eq!(codes(&found(&mailbox(steady, |_| None))), [""; 0]);
    // What one of several sees alone is told as that, and breaks nothing.
    let lying = mailbox(quiet, |day| (day == 9).then(|| with(LIAR, day, 90_000)));
    let answer = found(&lying);
    let finding = &answer["findings"][0];
    assert_eq!((&finding["severity"], &finding["breaks_authentication"]), (&json!("warning"), &json!(false)));
    assert!(finding["detail"].as_str().unwrap().ends_with("; seen by liar.example only"), "{finding:#}");
    // Two are enough, however much the third gets of the domain's own.
    let much = |day: i64| report("three.example", day, &[Line { count: 90_000, ..HOME }]);
    let says = |day: i64| {
        let two = ["one.example", "two.example"];
        let reports = two.map(|org| if day == 9 { with(org, day, 30) } else { report(org, day, &[HOME]) });
        reports.into_iter().chain([much(day)]).collect()
    };
    let answer = found(&mailbox(says, |_| None));
    let finding = &answer["findings"][0];
    assert_eq!((&finding["code"], &finding["severity"]), (&json!("replay_suspected"), &json!("error")));
    assert_eq!(finding["evidence"]["reporters"], json!(["one.example", "two.example"]));
    // Each of the two must have seen enough of it beside what is the domain's own there.
    let little = |day: i64| {
        let second = if day == 9 { with("two.example", day, 6) } else { report("two.example", day, &[HOME]) };
        let first = if day == 9 { with("one.example", day, 30) } else { report("one.example", day, &[HOME]) };
        vec![first, second, much(day)]
    };
    assert_eq!(found(&mailbox(little, |_| None))["findings"][0]["severity"], "warning");
}

/// One name in the reverse-path holds the networks together that signed mail is sent again from.
#[test]
fn signed_mail_that_is_sent_again_under_one_name() {
    const THROW_AWAY: (&str, &str) = ("cheapvps.example", "pass");
    let from = |number: u8| -> Vec<Report> {
        let many = networks(number);
        let says = |org: &str, day: i64| {
            let again = many.iter().map(|address| Line { address, count: 30, dkim: KEY, spf: THROW_AWAY });
            let again = again.filter(|_| day >= 9);
            report(org, day, &again.chain([HOME]).collect::<Vec<_>>())
        };
        (0..DAYS).flat_map(|day| ORGS.map(|org| says(org, day))).collect()
    };
    let sandbox = Sandbox::new();
    write(&sandbox, &from(15));
    let answer = found(&sandbox);
    assert_eq!(codes(&answer), ["replay_suspected"]);
    assert_eq!(answer["findings"][0]["evidence"]["senders"], 15);
    // A list or a forwarder with a few networks is none.
    let sandbox = Sandbox::new();
    write(&sandbox, &from(9));
    assert_eq!(codes(&found(&sandbox)), [""; 0]);
}

/// Every lie, in small and in large, on one day and on all, beside honest reporters who see nothing of it.
#[test]
fn no_lie_of_one_reporter_is_a_finding() {
    const EVIL: &[(&str, &str, &str)] = &[("evilcorp.onmicrosoft.com", "selector1-evilcorp-onmicrosoft-com", "pass")];
    let many = networks(40);
    let line = |address, dkim, spf| Line { address, count: 0, dkim, spf };
    let lies: [(&str, Vec<Line<'_>>); 6] = [
        ("SPF cannot be evaluated", vec![line("192.0.2.7", &[], ("example.com", "permerror"))]),
        ("SPF cannot be fetched", vec![line("192.0.2.7", KEY, ("example.com", "temperror"))]),
        ("signed mail from all over", everywhere(&many, 0, KEY)),
        ("unsigned mail from all over", everywhere(&many, 0, &[])),
        ("mail of another account", vec![line("40.107.1.3", EVIL, OWN_SPF)]),
        ("a subdomain's signature", vec![line("192.0.2.7", &[("mailer.example.com", "m1", "pass")], NO_SPF)]),
    ];
    for (what, lines) in &lies {
        for (count, days) in [(1, 0..DAYS), (500, 3..4), (4_000_000, 3..4), (4_000_000, 0..DAYS)] {
            let lying = |day: i64| {
                let lines: Vec<Line<'_>> = lines.iter().map(|line| Line { count, ..*line }).collect();
                days.contains(&day).then(|| report(LIAR, day, &lines))
            };
            let honest = |day: i64| at_all(day, || vec![HOME, Line { address: "203.0.1.9", count: 1, ..HOME }]);
            let answer = found(&mailbox(honest, lying));
            let others = answer["findings"].as_array().unwrap().iter().filter(|one| {
                let detail = one["detail"].as_str().unwrap();
                // That it fell silent is its own, and true; of a replay it is said that it alone sees one.
                let replay = detail.ends_with("; seen by liar.example only") && one["severity"] == "warning";
                one["code"] != "reporter_silent" && !(replay && one["breaks_authentication"] == false)
            });
            let others: Vec<&Value> = others.collect();
            assert!(others.is_empty(), "{what}, {count} messages on {days:?}: {others:#?}");
        }
    }
}

#[test]
fn unsigned_mail_is_not_said_to_be_none_while_spf_cannot_be_evaluated() {
    let server = || Line { address: "192.0.2.7", count: 20, dkim: &[], spf: ("example.com", "permerror") };
    let sandbox = mailbox(|day| at_all(day, || vec![server()]), |_| None);
    let ran = sandbox.run(["unsigned", "--as-of", "2026-10-13", "--input", "reports"]);
    let text = ran.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("until its SPF can be evaluated") && !text.contains("No path of yours"), "{ran}");
}
