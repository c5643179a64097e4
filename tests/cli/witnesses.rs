//! Whose word counts: for random mailboxes the same diagnosis in whatever way the reports arrive, and none that a
//! reporter who lies alone could change.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use crate::harness::{Ran, Sandbox, append_to_mbox, cases};
use crate::make::{Dice, Report, evaluated, gzip, mail};

type Signature = (&'static str, &'static str, &'static str);

/// What a record says besides address and count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Says {
    dkim: &'static [Signature],
    spf: (&'static str, &'static str),
    reason: &'static str,
}

impl Says {
    pub(crate) fn record(self, from: &str, address: &str, count: u64) -> String {
        evaluated(from, address, count, self.dkim, self.spf, |passes| match self.reason {
            // The policy asks for quarantine, so what is spared was overridden.
            "" => (if passes { "none" } else { "quarantine" }, String::new()),
            kind => ("none", format!("<reason><type>{kind}</type><comment></comment></reason>")),
        })
    }
}

pub(crate) const fn says(dkim: &'static [Signature], spf: (&'static str, &'static str)) -> Says {
    Says { dkim, spf, reason: "" }
}

pub(crate) const OWN: (&str, &str) = ("example.com", "pass");
pub(crate) const KEY: &[Signature] = &[("example.com", "s1", "pass")];
const KEY_FAILS: &[Signature] = &[("example.com", "s1", "fail")];
const PAY: &[Signature] = &[("example.com", "pay", "pass"), ("paydesk.example", "p1", "pass")];
pub(crate) const TENANT: &[Signature] = &[("contoso.onmicrosoft.com", "selector1-contoso-onmicrosoft-com", "pass")];

/// A sending path: a name, its network, what records say in turn.
struct Sender {
    name: &'static str,
    network: &'static str,
    says: &'static [Says],
    class: &'static str,
    /// Empty where it is not told by the reports.
    role: &'static str,
}

const SENDERS: [Sender; 13] = [
    Sender { name: "192.0.2.0/24", network: "192.0.2.", says: &[says(KEY, OWN)], class: "signed", role: "own" },
    Sender { name: "10.1.1.0/24", network: "10.1.1.", says: &[says(&[], OWN)], class: "unsigned", role: "own" },
    Sender {
        name: "10.1.2.0/24",
        network: "10.1.2.",
        says: &[says(&[("example.com", "s2", "fail")], OWN)],
        class: "broken",
        role: "own",
    },
    Sender {
        name: "10.1.3.0/24",
        network: "10.1.3.",
        says: &[says(KEY, OWN), says(&[], OWN)],
        class: "intermittent",
        role: "own",
    },
    Sender {
        name: "10.1.4.0/24",
        network: "10.1.4.",
        says: &[says(&[("mailer.example", "m1", "pass")], OWN)],
        class: "unaligned",
        role: "own",
    },
    Sender {
        name: "paydesk.example",
        network: "10.2.1.",
        says: &[says(PAY, ("bounce.paydesk.example", "pass"))],
        class: "signed",
        role: "own",
    },
    Sender {
        name: "alumni.example",
        network: "10.2.2.",
        // Most are broken: at a half, any message would tip it.
        says: &[
            says(KEY, ("alumni.example", "pass")),
            says(KEY_FAILS, ("alumni.example", "pass")),
            says(KEY_FAILS, ("alumni.example", "pass")),
        ],
        class: "broken",
        role: "mailing-list",
    },
    Sender {
        name: "lists.example",
        network: "10.2.3.",
        says: &[Says {
            dkim: &[("example.com", "s1", "fail"), ("lists.example", "l1", "pass")],
            spf: ("lists.example", "pass"),
            reason: "mailing_list",
        }],
        class: "broken",
        role: "mailing-list",
    },
    Sender {
        name: "203.0.113.0/24",
        network: "203.0.113.",
        says: &[says(&[], ("example.com", "fail"))],
        class: "unsigned",
        role: "unknown",
    },
    Sender {
        name: "198.51.100.0/24",
        network: "198.51.100.",
        says: &[says(KEY_FAILS, ("example.com", "softfail"))],
        // A gateway of the domain's own, or a copy: by chance of the counts.
        class: "broken",
        role: "",
    },
    Sender {
        name: "stranger.example",
        network: "10.3.1.",
        says: &[says(&[], ("stranger.example", "pass"))],
        class: "unsigned",
        role: "service",
    },
    Sender {
        name: "SendGrid",
        network: "10.3.2.",
        says: &[says(&[("sendgrid.net", "smtpapi", "pass")], ("u1.wl.sendgrid.net", "pass"))],
        class: "unaligned",
        role: "service",
    },
    Sender {
        name: "Microsoft 365 (contoso)",
        network: "40.107.1.",
        says: &[says(TENANT, OWN)],
        class: "unaligned",
        role: "own",
    },
];

const HONEST: [&str; 3] = ["one.example", "two.example", "three.example"];

/// What three that agree saw, one report a reporter and day.
fn truth(dice: &mut Dice, days: i64) -> Vec<Report> {
    let mut reports = Vec::new();
    for day in 0..days {
        for org in HONEST {
            let mut records = Vec::new();
            for sender in &SENDERS {
                // All of them see the machine that the liar tells of: against one other its word would be as good.
                for machine in [1, 2 + dice.roll(2)] {
                    let count = 6 + dice.roll(60);
                    for one in sender.says {
                        records.push(one.record("example.com", &format!("{}{machine}", sender.network), count));
                    }
                }
            }
            reports.push(report(org, day, "example.com", records));
        }
    }
    reports
}

pub(crate) fn report(org: &str, day: i64, domain: &str, records: Vec<String>) -> Report {
    Report::new(&format!("{org}-{day}-{domain}")).org(org).day(day).domain(domain).records(records)
}

pub(crate) fn xml(report: &Report) -> String {
    report.xml().replace("<p>none</p><sp>none</sp>", "<p>quarantine</p><sp>quarantine</sp>")
}

pub(crate) fn diagnosis(sandbox: &Sandbox) -> Value {
    sandbox.run(["sources", "--format", "json", "--input", "reports"]).exits(0).json()
}

pub(crate) fn judged(answer: &Value) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let paths = answer["paths"].as_array().expect("paths").iter();
    paths.map(|path| (text(&path["sender"]), (text(&path["class"]), text(&path["role"])))).collect()
}

/// All paths that somebody honest saw are what the table says; what the liar alone saw is a path of its own.
fn assert_as_labelled(answer: &Value, what: &str) {
    let saw = |path: &&Value| {
        HONEST.iter().any(|honest| path["reporters"].as_array().unwrap().iter().any(|one| one == honest))
    };
    let paths: Vec<&Value> = answer["paths"].as_array().expect("paths").iter().filter(saw).collect();
    for Sender { name, class, role, .. } in SENDERS.iter().filter(|sender| !sender.role.is_empty()) {
        let mut named = paths.iter().filter(|path| path["sender"] == *name).peekable();
        assert!(named.peek().is_some(), "{what}: no {name} in {:?}", judged(answer));
        for path in named {
            assert_eq!((path["class"].as_str(), path["role"].as_str()), (Some(*class), Some(*role)), "{what}: {name}");
        }
    }
}

/// What a liar may say of a path, its envelope aside.
const LIES: [(&str, &[Signature]); 7] = [
    ("signs", &[("example.com", "s9", "pass")]),
    ("signs with the domain's own key", KEY),
    ("signs with a key of a service of the domain's", PAY),
    ("does not sign", &[]),
    ("breaks", &[("example.com", "s1", "permerror")]),
    ("copies a service's key", &[("example.com", "pay", "fail")]),
    ("signs as another", &[("stranger.example", "x", "pass")]),
];

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn a_reporter_that_lies_alone_changes_nothing(
        seed in any::<u64>(),
        days in 2_i64..4,
        lies in prop::collection::btree_map(
            0..SENDERS.len(),
            (0..LIES.len(), 0_usize..3, any::<bool>(), 0_usize..3),
            1..5,
        ),
    ) {
        let sandbox = Sandbox::new();
        let reports = truth(&mut Dice(seed), days);
        for (number, report) in reports.iter().enumerate() {
            sandbox.write(&format!("reports/{number:03}.xml"), xml(report));
        }
        assert_as_labelled(&diagnosis(&sandbox), "truth");
        let verdict = || {
            let ran = sandbox.run(["readiness", "example.com", "--format", "json", "--input", "reports"]);
            ran.json()["verdict"].as_str().expect("a verdict").to_owned()
        };
        let honest = verdict();
        let mut told = Vec::new();
        for day in 0..days {
            let mut records = Vec::new();
            for (&of, &(lie, spf, excused, count)) in &lies {
                let sender = &SENDERS[of];
                let (name, dkim) = LIES[lie];
                let spf = [sender.says[0].spf, OWN, ("example.com", "fail")][spf];
                let reason = if excused { "forwarded" } else { "" };
                let count = [1, 500, 4_000_000][count];
                told.push((sender.name, name, spf, reason, count));
                records.push(Says { dkim, spf, reason }.record("example.com", &format!("{}1", sender.network), count));
            }
            sandbox.write(&format!("reports/liar-{day}.xml"), xml(&report("liar.example", day, "example.com", records)));
        }
        assert_as_labelled(&diagnosis(&sandbox), &format!("{told:#?}"));
        assert_eq!(verdict(), honest, "{told:#?}");
    }
}

const DOMAINS: [&str; 3] = ["example.com", "news.example.com", "example.org"];

/// Random reports: domains, reporters with habits of their own, some with two reports of a day.
fn random_reports(dice: &mut Dice, days: i64) -> (Vec<Report>, u64) {
    let (mut reports, mut messages) = (Vec::new(), 0);
    for day in 0..days {
        for (number, org) in ["one.example", "two.example", "three.example", "four.example"].into_iter().enumerate() {
            for domain in DOMAINS {
                let mut records: Vec<String> = Vec::new();
                for _ in 0..dice.roll(8) {
                    let sender = &SENDERS[dice.roll(SENDERS.len() as u64) as usize];
                    let mut one = sender.says[dice.roll(sender.says.len() as u64) as usize];
                    match number {
                        // Leaves out what does not verify; and what SPF says of others.
                        1 if one.dkim.iter().all(|signature| signature.2 != "pass") => one.dkim = &[],
                        2 if one.spf.0 != "example.com" => one.spf.1 = "none",
                        _ => {}
                    }
                    let count = 1 + dice.roll(40);
                    messages += count;
                    let address = format!("{}{}", sender.network, 1 + dice.roll(5));
                    records.push(one.record(domain, &address, count));
                }
                let rest = records.split_off(dice.roll(records.len() as u64 + 1) as usize);
                reports.push(report(org, day, domain, records));
                if !rest.is_empty() {
                    let mut second = report(org, day, domain, rest);
                    second.id.push_str("-second");
                    reports.push(second);
                }
            }
        }
    }
    (reports, messages)
}

/// Lays reports out as files, compressed files, mails and mboxes, some of them more than once.
fn lay_out(sandbox: &Sandbox, reports: &[Report], dice: &mut Dice) {
    let mut mbox = Vec::new();
    let as_mail = |report: &Report| mail(&report.id, "application/gzip", "report.xml.gz", &gzip(xml(report)));
    for (number, report) in reports.iter().enumerate() {
        for copy in 0..1 + dice.roll(2) {
            let name = format!("reports/{}/{number:04}-{copy}", dice.roll(3));
            match dice.roll(4) {
                0 => _ = sandbox.write(&format!("{name}.xml"), xml(report)),
                1 => _ = sandbox.write(&format!("{name}.xml.gz"), gzip(xml(report))),
                2 => _ = sandbox.write(&format!("{name}.eml"), as_mail(report)),
                _ => append_to_mbox(&mut mbox, &as_mail(report)),
            }
        }
    }
    if !mbox.is_empty() {
        sandbox.write("reports/all.mbox", mbox);
    }
}

/// The same byte for byte; where not, the lines that differ.
fn assert_same(found: &Ran, expected: &Ran) {
    let differing = found.text().lines().zip(expected.text().lines()).filter(|(a, b)| a != b).take(9);
    let differing: Vec<(&str, &str)> = differing.collect();
    assert!(found.text() == expected.text(), "{differing:#?}");
}

fn shuffle(reports: &mut [Report], dice: &mut Dice) {
    for at in (1..reports.len()).rev() {
        reports.swap(at, dice.roll(at as u64 + 1) as usize);
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn however_reports_arrive_the_diagnosis_is_the_same(seed in any::<u64>(), days in 1_i64..5) {
        let dice = &mut Dice(seed);
        let (mut reports, messages) = random_reports(dice, days);
        let first = Sandbox::new();
        for (number, report) in reports.iter().enumerate() {
            first.write(&format!("reports/{number:04}.xml"), xml(report));
        }
        let expected = first.run(["sources", "--format", "json", "--input", "reports"]).exits(0);
        let answer = expected.json();
        let sum = |list: &str| {
            let parts = answer[list].as_array().expect("a list").iter();
            parts.map(|one| one["messages"].as_u64().expect("a count")).sum::<u64>()
        };
        assert_eq!((sum("paths"), sum("domains")), (messages, messages));
        for path in answer["paths"].as_array().expect("paths") {
            let states = path["dkim"].as_object().expect("states").values().map(|one| one.as_u64().expect("a count"));
            assert_eq!(Some(states.sum::<u64>()), path["messages"].as_u64());
        }
        shuffle(&mut reports, dice);
        let second = Sandbox::new();
        lay_out(&second, &reports, dice);
        let found = second.run(["sources", "--format", "json", "--input", "reports"]).exits(0);
        assert_same(&found, &expected);
        // And stored in runs of their own.
        for part in ["reports/2", "reports/0", "reports"] {
            if second.path(part).exists() {
                second.ingest(&[part]);
            }
        }
        let stored = second.run(["sources", "--format", "json", "--since", "all"]).exits(0);
        assert_same(&stored, &expected);
    }
}
