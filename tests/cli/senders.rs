//! Senders, classes and roles from the outside: mailboxes whose paths are known.

use serde_json::Value;

use crate::harness::Sandbox;
use crate::make::{Dice, Report, evaluated};

/// A record: address, count, signatures (`d=`, `s=`, result), SPF (domain, result), and what is aligned by them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'l> {
    pub(crate) address: &'l str,
    pub(crate) count: u64,
    pub(crate) dkim: &'l [(&'l str, &'l str, &'l str)],
    pub(crate) spf: (&'l str, &'l str),
}

const FROM: &str = "example.com";

impl Line<'_> {
    fn xml(&self) -> String {
        evaluated(FROM, self.address, self.count, self.dkim, self.spf, |_| ("none", String::new()))
    }
}

/// A report of a reporter on a day.
pub(crate) fn report(org: &str, day: i64, lines: &[Line<'_>]) -> Report {
    let records = lines.iter().map(Line::xml).collect();
    Report::new(&format!("{org}-{day}")).org(org).day(day).records(records)
}

pub(crate) fn write(sandbox: &Sandbox, reports: &[Report]) {
    for (number, report) in reports.iter().enumerate() {
        sandbox.write(&format!("reports/{number:04}.xml"), report.xml());
    }
}

pub(crate) fn sources(sandbox: &Sandbox, more: &[&str]) -> Value {
    let base = ["sources", "--format", "json", "--input", "reports"];
    sandbox.run(base.iter().chain(more)).exits(0).json()
}

pub(crate) fn path<'a>(answer: &'a Value, sender: &str) -> &'a Value {
    let paths = answer["paths"].as_array().expect("paths");
    paths.iter().find(|path| path["sender"] == sender).unwrap_or_else(|| {
        let there: Vec<&Value> = paths.iter().map(|path| &path["sender"]).collect();
        panic!("no sender {sender:?} in {there:?}")
    })
}

pub(crate) const SELECTOR: &str = "selector1-contoso-onmicrosoft-com";
pub(crate) const OWN_SPF: (&str, &str) = (FROM, "pass");

#[test]
fn a_reporter_that_lies_alone_changes_no_class() {
    let sandbox = Sandbox::new();
    let mut reports = Vec::new();
    for day in 0..3 {
        for org in ["one.example", "two.example", "three.example"] {
            let truth = Line { address: "192.0.2.7", count: 100, dkim: &[], spf: OWN_SPF };
            reports.push(report(org, day, &[truth]));
        }
        let lie = [("example.com", "s1", "pass")];
        let other = [("example.com", "s9", "pass")];
        let strangers = Line { address: "198.51.100.9", count: 5000, dkim: &other, spf: ("stranger.example", "pass") };
        let own = Line { address: "192.0.2.7", count: 10_000, dkim: &lie, spf: OWN_SPF };
        reports.push(report("liar.example", day, &[own, strangers]));
    }
    write(&sandbox, &reports);
    let answer = sources(&sandbox, &[]);
    let own = path(&answer, "192.0.2.0/24");
    assert_eq!((&own["class"], &own["role"]), (&"unsigned".into(), &"own".into()), "{own:#}");
    assert_eq!(own["evidence"]["set_aside"][0]["reporter"], "liar.example");
    assert_eq!(own["messages"], 30_900, "what is set aside is still counted");
    let stranger = path(&answer, "stranger.example");
    assert_eq!(stranger["role"], "unknown");
}

#[test]
fn another_tenant_proves_nothing_by_spf() {
    let sandbox = Sandbox::new();
    let mut reports = Vec::new();
    for day in 0..4 {
        for org in ["one.example", "two.example"] {
            let own = [("contoso.onmicrosoft.com", SELECTOR, "pass")];
            let evil = [("evilcorp.onmicrosoft.com", "selector1-evilcorp-onmicrosoft-com", "pass")];
            let signed = [("example.com", "selector1", "pass")];
            reports.push(report(
                org,
                day,
                &[
                    Line { address: "40.107.1.2", count: 1000, dkim: &own, spf: OWN_SPF },
                    Line { address: "40.107.1.2", count: 700, dkim: &signed, spf: OWN_SPF },
                    Line { address: "40.107.1.3", count: 5, dkim: &evil, spf: OWN_SPF },
                    // A bounce, and one at a reporter that shows SPF as none.
                    Line {
                        address: "40.107.1.4",
                        count: 9,
                        dkim: &[],
                        spf: ("a.outbound.protection.outlook.com", "pass"),
                    },
                    Line {
                        address: "40.107.1.4",
                        count: 1,
                        dkim: &[],
                        spf: ("a.outbound.protection.outlook.com", "none"),
                    },
                ],
            ));
        }
    }
    write(&sandbox, &reports);
    let answer = sources(&sandbox, &[]);
    let own = path(&answer, "Microsoft 365");
    assert_eq!((&own["class"], &own["role"]), (&"signed".into(), &"own".into()));
    assert_eq!((&own["messages"], &own["tenant"]), (&Value::from(8 * 710), &Value::Null));
    // Beside the domain's own signatures no account is the owner's, however much it sends.
    for account in ["Microsoft 365 (contoso)", "Microsoft 365 (evilcorp)"] {
        let other = path(&answer, account);
        assert_eq!((&other["class"], &other["role"]), (&"unaligned".into(), &"other-account".into()));
    }
    assert_eq!(answer["paths"].as_array().unwrap().len(), 3);
    // The path is the same in a window in which the account does not show.
    let sandbox = Sandbox::new();
    let signed = [("example.com", "selector1", "pass")];
    let line = || Line { address: "40.107.9.9", count: 3, dkim: &signed, spf: OWN_SPF };
    write(&sandbox, &[report("one.example", 9, &[line()]), report("two.example", 10, &[line()])]);
    assert_eq!(path(&sources(&sandbox, &[]), "Microsoft 365")["id"], own["id"]);
}

#[test]
fn beside_the_domains_own_signature_a_few_of_another_account_prove_nothing() {
    let signed = [("example.com", "selector1", "pass")];
    let tenant = |name: &'static str| [(name, "selector1-contoso-onmicrosoft-com", "pass")];
    let (evil, like) = (tenant("evilcorp.onmicrosoft.com"), tenant("example.onmicrosoft.com"));
    let reports = |own: u64, account: &[(&str, &str, &str)], days: std::ops::Range<i64>| {
        let line = |count, dkim| Line { address: "40.107.1.2", count, dkim, spf: OWN_SPF };
        let at = |day| {
            if days.contains(&day) { vec![line(own, &signed), line(10, account)] } else { vec![line(own, &signed)] }
        };
        let mut reports = Vec::new();
        for day in 0..4 {
            reports.extend(["one.example", "two.example"].map(|org| report(org, day, &at(day))));
        }
        let sandbox = Sandbox::new();
        write(&sandbox, &reports);
        sources(&sandbox, &[])
    };
    let answer = reports(500, &evil, 0..4);
    let own = path(&answer, "Microsoft 365");
    assert_eq!((&own["class"], &own["role"], &own["messages"]), (&"signed".into(), &"own".into(), &4000.into()));
    let other = path(&answer, "Microsoft 365 (evilcorp)");
    assert_eq!((&other["class"], &other["role"]), (&"unaligned".into(), &"other-account".into()));
    let steps = other["remedy"]["steps"].to_string();
    assert!(steps.contains("p=reject does not stop these"), "SPF aligns: {steps}");
    // Nor do many of the same days.
    let answer = reports(1, &evil, 0..4);
    assert_eq!(path(&answer, "Microsoft 365")["role"], "own");
    assert_eq!(path(&answer, "Microsoft 365 (evilcorp)")["role"], "other-account");
    // The domain's name does: one stream, of which a part is signed by default.
    let answer = reports(500, &like, 0..4);
    assert_eq!(answer["paths"].as_array().map(Vec::len), Some(1), "{answer:#}");
    assert_eq!(path(&answer, "Microsoft 365 (example)")["role"], "own");
}

#[test]
fn a_record_is_proven_by_a_selector_of_the_very_domain() {
    let record = |selector: &str| {
        let sandbox = Sandbox::new();
        let signed = [("contoso.onmicrosoft.com", selector, "pass")];
        let line = || Line { address: "40.107.1.2", count: 9, dkim: &signed, spf: OWN_SPF };
        write(&sandbox, &[report("one.example", 0, &[line()]), report("two.example", 1, &[line()])]);
        path(&sources(&sandbox, &[]), "Microsoft 365 (contoso)")["remedy"]["records"][0]["value"].clone()
    };
    assert_eq!(record("selector2-example-com"), "selector1-example-com._domainkey.contoso.onmicrosoft.com");
    for other in ["selector1-my-example-com", "selector1-contoso-onmicrosoft-com", "example-com", "-example-com"] {
        assert_eq!(record(other), Value::Null, "{other}");
    }
}

#[test]
fn a_reporters_habits_tear_no_sender_apart() {
    let sandbox = Sandbox::new();
    let mut reports = Vec::new();
    for day in 0..20 {
        let gone = (9..11).contains(&day);
        let at = |address, result| Line {
            address,
            count: 10,
            dkim: if result == "pass" {
                &[("example.com", "pay", "pass")]
            } else {
                &[("example.com", "pay", "permerror")]
            },
            spf: ("bounce.paydesk.example", "pass"),
        };
        let result = if gone { "permerror" } else { "pass" };
        for org in ["one.example", "two.example", "three.example"] {
            reports.push(report(org, day, &[at("192.0.2.10", result), at("192.0.2.11", result)]));
        }
        // Leaves out signatures whose key is missing, and writes foreign SPF passes as none; sees an address of its own, of
        // which it shows nothing but a key that is used elsewhere.
        let silent: &[_] = if gone { &[] } else { &[("example.com", "pay", "pass")] };
        let spf = ("bounce.paydesk.example", "none");
        let seen = |address| Line { address, count: 4, dkim: silent, spf };
        reports.push(report("habit.example", day, &[seen("192.0.2.10"), seen("192.0.2.99")]));
    }
    write(&sandbox, &reports);
    let answer = sources(&sandbox, &[]);
    assert_eq!(answer["paths"].as_array().unwrap().len(), 2, "{:#}", answer["paths"]);
    let paydesk = path(&answer, "paydesk.example");
    assert_eq!((&paydesk["class"], &paydesk["role"]), (&"signed".into(), &"own".into()));
    assert_eq!(paydesk["messages"], 1280);
    assert_eq!(paydesk["cause"], serde_json::Value::Null);
    assert!(paydesk["notes"].to_string().contains("SPF does not align here and need not"), "{}", paydesk["notes"]);
}

#[test]
fn order_and_repetition_change_nothing() {
    let mut dice = Dice(7);
    type Sender<'s> = (&'s str, &'s [(&'s str, &'s str, &'s str)], (&'s str, &'s str));
    let senders: [Sender<'_>; 6] = [
        ("40.107.1.", &[("contoso.onmicrosoft.com", SELECTOR, "pass")], OWN_SPF),
        ("40.107.2.", &[("example.com", "selector1", "pass")], OWN_SPF),
        ("198.51.100.", &[("example.com", "s1", "fail")], OWN_SPF),
        ("203.0.113.", &[("contoso.onmicrosoft.com", SELECTOR, "pass")], ("alumni.example", "pass")),
        ("192.0.2.", &[("example.com", "pay", "pass")], ("bounce.paydesk.example", "none")),
        ("192.0.2.", &[], ("bounce.paydesk.example", "pass")),
    ];
    let mut reports = Vec::new();
    for day in 0..5 {
        for org in ["one.example", "two.example", "three.example", "four.example"] {
            let addresses: Vec<String> =
                (0..12).map(|at| format!("{}{}", senders[at % 6].0, 1 + dice.roll(4))).collect();
            let lines: Vec<Line<'_>> = (0..12)
                .map(|at| Line {
                    address: &addresses[at],
                    count: 1 + dice.roll(50),
                    dkim: senders[at % 6].1,
                    spf: senders[at % 6].2,
                })
                .collect();
            reports.push(report(org, day, &lines));
        }
    }
    let sandbox = Sandbox::new();
    write(&sandbox, &reports);
    let expected = sandbox.run(["sources", "--format", "json", "--input", "reports"]).exits(0);
    for _ in 0..3 {
        for at in (1..reports.len()).rev() {
            reports.swap(at, dice.roll(at as u64 + 1) as usize);
        }
        let shuffled = Sandbox::new();
        write(&shuffled, &reports);
        // One again, in a file of its own.
        shuffled.write("reports/sub/again.xml", reports[0].xml());
        let found = shuffled.run(["sources", "--format", "json", "--input", "reports"]).exits(0);
        assert_eq!(found.text(), expected.text());
        // And stored in two runs.
        shuffled.ingest(&["reports/sub"]);
        shuffled.ingest(&["reports"]);
        let stored = shuffled.run(["sources", "--format", "json", "--since", "all"]).exits(0);
        assert_eq!(stored.text(), expected.text());
    }
}

#[test]
fn what_is_not_known_is_said_and_nobodys_fault() {
    let sandbox = Sandbox::new();
    let untold = "<record><row><source_ip>198.51.100.1</source_ip><count>40</count><policy_evaluated><disposition>none\
                  </disposition><dkim>fail</dkim><spf>pass</spf></policy_evaluated></row><identifiers><header_from>\
                  example.com</header_from></identifiers></record>";
    let spoofed = Line { address: "203.0.113.1", count: 30, dkim: &[], spf: (FROM, "fail") };
    let nothing = Line { address: "198.18.0.1", count: 0, dkim: &[], spf: (FROM, "fail") };
    let records = vec![untold.to_owned(), spoofed.xml(), nothing.xml()];
    let reports =
        [("one.example", 0), ("two.example", 1)].map(|(org, day)| report(org, day, &[]).records(records.clone()));
    write(&sandbox, &reports);
    let ran = |format| sandbox.run(["unsigned", "--input", "reports", "--format", format]).exits(0);
    let answer = ran("json").json();
    // A path of one's own is not among the spoofers, and a record without a message is not a path.
    assert_eq!(answer["unknown"], serde_json::json!({ "paths": 1, "messages": 60 }));
    assert_eq!(answer["cautions"], serde_json::json!(["reports of 2 days only"]));
    let table = ran("table");
    assert!(table.text().contains("Note: reports of 2 days only."), "{table}");
    let late = ["sources", "--input", "reports", "--since", "30d", "--as-of", "2026-10-20", "--format", "json"];
    let late = sandbox.run(late).exits(0).json();
    assert_eq!(late["cautions"][1], "no report of a day after 2026-10-02");
    let empty = Sandbox::new();
    write(&empty, &[report("one.example", 0, &[])]);
    empty.run(["explain", "x", "--input", "reports"]).exits(1).says("list no mail");
    let told = empty.run(["selectors", "--input", "reports"]).exits(0);
    assert!(told.text().contains("the reports list no mail; one reporter only; reports of one day only"), "{told}");
}

#[test]
fn the_machine_of_ones_own_is_ones_own_whoever_else_spf_speaks_of() {
    let sandbox = Sandbox::new();
    let signed = [("example.com", "s1", "pass")];
    let own = || Line { address: "192.0.2.1", count: 500, dkim: &signed, spf: OWN_SPF };
    let other = || Line { address: "192.0.2.1", count: 2, dkim: &[], spf: ("stranger.example", "pass") };
    let silent = || Line { address: "192.0.2.1", count: 3, dkim: &signed, spf: ("x.example", "none") };
    let reports: Vec<Report> = ["one.example", "two.example"]
        .iter()
        .flat_map(|org| (0..2).map(|day| report(org, day, &[own(), other(), silent()])))
        .collect();
    write(&sandbox, &reports);
    let answer = sources(&sandbox, &[]);
    let found = path(&answer, "192.0.2.0/24");
    assert_eq!((&found["class"], &found["role"], &found["messages"]), (&"signed".into(), &"own".into(), &2020.into()));
    assert_eq!(answer["paths"].as_array().map(Vec::len), Some(1), "{answer:#}");
    // A provider's machine is the provider's, and what named it is not the network.
    let sandbox = Sandbox::new();
    let default = || Line { address: "192.0.2.1", count: 2, dkim: &[], spf: ("u1.sendgrid.net", "pass") };
    let at = |org, day| report(org, day, &[own(), default()]);
    write(&sandbox, &[at("one.example", 0), at("two.example", 1)]);
    let answer = sources(&sandbox, &[]);
    // What shows only the service there is of the owner's account: it comes from the same address.
    let paths = answer["paths"].as_array().unwrap().iter();
    let told: Vec<_> =
        paths.map(|path| (&path["sender"], &path["named_by"], &path["role"], &path["messages"])).collect();
    let by_envelope = Value::from("catalogue: envelope domain");
    assert_eq!(told, [(&"SendGrid".into(), &by_envelope, &"own".into(), &1004.into())]);
    // So is a gateway's, by the host name that SPF is about in bounces; it authenticates nobody.
    let sandbox = Sandbox::new();
    let bounce = || Line { address: "192.0.2.9", count: 2, dkim: &[], spf: ("mx0a-00000000.pphosted.com", "pass") };
    let at = |org, day| report(org, day, &[bounce()]);
    write(&sandbox, &[at("one.example", 0), at("two.example", 1)]);
    assert_eq!(path(&sources(&sandbox, &[]), "Proofpoint")["role"], "unknown");
}

#[test]
fn the_first_address_of_a_network_is_not_the_network() {
    let sandbox = Sandbox::new();
    let neighbour = || Line { address: "192.0.2.9", count: 50, dkim: &[], spf: ("relay.example", "pass") };
    let failing = |address| Line { address, count: 5, dkim: &[], spf: ("relay.example", "fail") };
    for address in ["192.0.2.0", "192.0.2.1"] {
        let at = |org, day| report(org, day, &[neighbour(), failing(address)]);
        write(&sandbox, &[at("one.example", 0), at("two.example", 1)]);
        let answer = sources(&sandbox, &[]);
        assert_eq!(path(&answer, "relay.example")["messages"], 100, "{address}");
        assert_eq!(path(&answer, "192.0.2.0/24")["source_ips"], serde_json::json!([address]));
    }
}

#[test]
fn a_path_that_is_broken_and_unsigned_in_part_is_what_most_of_it_is() {
    let sandbox = Sandbox::new();
    let broken = [("example.com", "s1", "fail")];
    let lines = || {
        let line = |count, dkim| Line { address: "192.0.2.1", count, dkim, spf: OWN_SPF };
        [line(10, &broken), line(90, &[][..])]
    };
    let reports: Vec<Report> = ["one.example", "two.example", "three.example"]
        .iter()
        .flat_map(|org| (0..2).map(|day| report(org, day, &lines())))
        .collect();
    write(&sandbox, &reports);
    let answer = sources(&sandbox, &[]);
    let found = path(&answer, "192.0.2.0/24");
    assert_eq!((&found["class"], &found["evidence"]["omitted_signatures"]), (&"unsigned".into(), &0.into()));
    assert_eq!((&found["cause"], &found["evidence"]["counted"]["unsigned"]), (&"no_signature".into(), &540.into()));
}
