//! Entries of the ledger that the program writes: the configuration reads them, they are about the sender that they were
//! written for, and about nobody else.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::Sandbox;
use crate::senders::{Line, OWN_SPF, SELECTOR, report, write};

const THREE: [&str; 3] = ["one.example", "two.example", "three.example"];
const DAYS: i64 = 30;

type Signature = (&'static str, &'static str, &'static str);
const KEY: &[Signature] = &[("example.com", "s1", "pass")];
const KEY_AND_PAY: &[Signature] = &[("example.com", "pay", "pass"), ("paydesk.example", "p1", "pass")];
const ACCOUNT: &[Signature] = &[("contoso.onmicrosoft.com", SELECTOR, "pass")];
const STRANGER: &[Signature] = &[("xq9.onmicrosoft.com", "selector1-xq9-onmicrosoft-com", "pass")];
const SES: &[Signature] = &[("example.com", "ses1", "pass"), ("amazonses.com", "ug7", "pass")];
const SES_ALONE: &[Signature] = &[("amazonses.com", "ug7", "pass")];
const GRID: &[Signature] = &[("sendgrid.net", "smtpapi", "pass")];
const RENTED: &[Signature] = &[("ledgerly.example", "l1", "pass")];
const FAIL: (&str, &str) = ("example.com", "fail");

fn line(
    address: &'static str,
    count: u64,
    dkim: &'static [Signature],
    spf: (&'static str, &'static str),
) -> Line<'static> {
    Line { address, count, dkim, spf }
}

/// A domain that sends in all the ways in which its own mail, that of services and that of strangers look alike.
fn mailbox() -> Vec<Line<'static>> {
    vec![
        line("192.0.2.7", 40, KEY, OWN_SPF),
        line("192.0.2.8", 12, &[], OWN_SPF),
        // Own by its key alone; SPF speaks of a service, which signs too.
        line("198.51.100.9", 9, KEY_AND_PAY, ("bounce.paydesk.example", "pass")),
        // The same key at a machine that a stranger has too.
        line("198.18.0.4", 8, KEY, OWN_SPF),
        line("198.18.0.4", 6, &[], ("neighbour.example", "pass")),
        // One provider: an own account, mail signed with the own key, another account, a null reverse-path.
        line("40.107.1.2", 30, ACCOUNT, OWN_SPF),
        line("40.107.1.3", 4, STRANGER, OWN_SPF),
        // One provider: mail signed with the own key, and mail of which nothing shows whose it is.
        line("54.240.8.1", 20, SES, ("eu-west-1.amazonses.com", "pass")),
        line("54.240.8.2", 7, SES_ALONE, ("eu-west-1.amazonses.com", "pass")),
        line("149.72.1.1", 9, GRID, ("u7.wl.sendgrid.net", "pass")),
        line("149.72.1.1", 5, RENTED, ("em1.ledgerly.example", "pass")),
        line("203.0.113.40", 6, &[], ("mail.shopkit.example", "pass")),
        // What a forwarder hands on under its own reverse-path.
        line("203.0.113.41", 6, &[], ("hotmail.com", "pass")),
        // Forwarders carry the own signature.
        line("203.0.113.70", 3, KEY, ("alumni.example", "pass")),
        line("203.0.113.71", 3, KEY, FAIL),
        // One address that comes every day, of which nothing shows whose it is.
        line("198.18.7.90", 15, &[], FAIL),
    ]
}

fn sandbox(lines: &[Line<'_>]) -> Sandbox {
    let sandbox = Sandbox::new();
    let reports: Vec<_> = (0..DAYS).flat_map(|day| THREE.map(|org| report(org, day, lines))).collect();
    write(&sandbox, &reports);
    sandbox.write("empty.toml", "");
    sandbox
}

/// By domain, sender and role the messages of an answer.
fn roles(sandbox: &Sandbox, config: &str) -> BTreeMap<(String, String, String), u64> {
    let answer = sandbox.run(["sources", "--format", "json", "--input", "reports", "--config", config]).exits(0).json();
    assert_eq!(answer["ledger"], serde_json::json!([]), "every entry matches some mail: {answer:#}");
    let text = |path: &Value, key: &str| path[key].as_str().unwrap().to_owned();
    let mut found = BTreeMap::new();
    for path in answer["paths"].as_array().unwrap() {
        *found.entry((text(path, "domain"), text(path, "sender"), text(path, "role"))).or_default() +=
            path["messages"].as_u64().unwrap();
    }
    found
}

/// The lines of a text that are not comments.
fn live(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

/// Asserts that an entry is about the sender of its name, its own mail or other, and gives it the role, and that all else is
/// as it was.
fn assert_decides(
    sandbox: &Sandbox,
    before: &BTreeMap<(String, String, String), u64>,
    entry: &str,
    own: bool,
    role: &str,
) {
    sandbox.write("pasted.toml", entry);
    let after = roles(sandbox, "pasted.toml");
    let table: toml::Table = entry.parse().unwrap();
    let of = |table: &toml::Value| {
        (table["domains"][0].as_str().unwrap().to_owned(), table["name"].as_str().unwrap().to_owned())
    };
    let named: Vec<(String, String)> = table.values().flat_map(|tables| tables.as_array().unwrap()).map(of).collect();
    let mut rest = after.clone();
    for ((domain, sender, before_role), messages) in before {
        let mut of = |role: &str| rest.remove(&(domain.clone(), sender.clone(), role.to_owned())).unwrap_or_default();
        let is_named =
            (before_role == "own") == own && named.iter().any(|one| *one == (domain.clone(), sender.clone()));
        let decided = if is_named { of(role) } else { 0 };
        assert_eq!(decided > 0, is_named, "{sender}\n{entry}\n{after:#?}");
        // What shows nothing that is the sender's alone stays as it was.
        let left = if decided == *messages { 0 } else { of(before_role) };
        assert_eq!(decided + left, *messages, "{sender}\n{entry}\n{after:#?}");
        assert!(left == 0 || !is_named || sender == "neighbour.example", "{sender}\n{entry}\n{after:#?}");
    }
    assert!(rest.is_empty(), "{entry}\n{rest:#?}");
}

#[test]
fn what_is_proposed_approves_the_owners_mail_alone() {
    let sandbox = sandbox(&mailbox());
    let before = roles(&sandbox, "empty.toml");
    let proposed = sandbox.run(["sources", "--as-ledger", "--input", "reports"]).exits(0);
    let pasted = live(proposed.text());
    for shared in
        ["amazonses", "sendgrid", "hotmail", "xq9", "40.107.", "54.240.", "alumni", "match = { ip = \"198.18.0.4\""]
    {
        assert!(!pasted.contains(shared), "{shared}\n{proposed}");
    }
    let tables: toml::Table = pasted.parse().unwrap();
    let names: Vec<&str> =
        tables["sender"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["neighbour.example", "Microsoft 365 (contoso)", "192.0.2.0/24", "Amazon SES", "paydesk.example"],
        "{proposed}"
    );
    for entry in pasted.split("\n\n").filter(|entry| !entry.trim().is_empty()) {
        assert_decides(&sandbox, &before, entry, true, "approved");
    }
    assert_decides(&sandbox, &before, &pasted, true, "approved");
    // Nothing is proposed again.
    let again = sandbox.run(["sources", "--as-ledger", "--input", "reports", "--config", "pasted.toml"]).exits(0);
    assert_eq!(live(again.text()).trim(), "", "{again}");
}

#[test]
fn either_answer_to_a_decision_is_about_its_path_alone() {
    let sandbox = sandbox(&mailbox());
    let before = roles(&sandbox, "empty.toml");
    let review = sandbox
        .run(["readiness", "example.com", "--format", "json", "--as-of", "2026-10-31", "--input", "reports"])
        .exits(4)
        .json();
    let decisions = review["decisions"].as_array().unwrap();
    let mut told: Vec<(&str, bool, bool)> = Vec::new();
    for decision in decisions {
        let [approve, deny] = ["approve", "deny"].map(|key| decision[key].as_str().unwrap());
        let sender = decision["sender"].as_str().unwrap();
        told.push((sender, !live(approve).is_empty(), !live(deny).is_empty()));
        for (entry, role) in [(approve, "approved"), (deny, "denied")] {
            if live(entry).is_empty() {
                // What cannot be pasted says why, and is an entry once the marks are gone.
                assert!(entry.starts_with("# ") && entry.contains("every") || entry.contains("anybody"), "{entry}");
                let bare: String = entry.lines().skip(2).map(|line| format!("{}\n", &line[2..])).collect();
                sandbox.write("bare.toml", &bare);
                sandbox.run(["sources", "--input", "reports", "--config", "bare.toml"]).exits(0);
                assert!(role == "denied" || !bare.contains("envelope_domain"), "{bare}");
            } else {
                assert_decides(&sandbox, &before, entry, false, role);
            }
        }
    }
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("198.18.7.0/24", true, true),
            ("Amazon SES", false, false),
            ("SendGrid", false, false),
            ("ledgerly.example, through SendGrid", true, true),
            ("shopkit.example", true, true),
        ],
        "{decisions:#?}"
    );
}

#[test]
fn the_names_of_strangers_do_nothing_in_entries() {
    let hostile = "x\u{202e}y\"]\n[database]";
    let mut lines = mailbox();
    lines.push(Line { address: "203.0.113.50", count: 30, dkim: &[("a\u{202e}b.example", "s", "pass")], spf: OWN_SPF });
    lines.push(Line { address: "203.0.113.51", count: 30, dkim: &[], spf: ("c\u{200b}\"d\\.example", "pass") });
    let escaped = "x&#x202e;y&quot;].example";
    lines.push(Line { address: "203.0.113.52", count: 30, dkim: &[], spf: (escaped, "pass") });
    let sandbox = sandbox(&lines);
    let proposed = sandbox.run(["sources", "--as-ledger", "--input", "reports"]).exits(0);
    let review = sandbox
        .run(["readiness", "example.com", "--format", "json", "--as-of", "2026-10-31", "--input", "reports"])
        .exits(4)
        .json();
    let decisions = review["decisions"].as_array().unwrap().iter();
    let entries = decisions.flat_map(|one| ["approve", "deny"].map(|key| one[key].as_str().unwrap().to_owned()));
    for text in entries.chain([proposed.text().to_owned()]) {
        assert!(
            !text.chars().any(|c| c.is_control() && c != '\n' || ('\u{200b}'..='\u{202e}').contains(&c)),
            "{text:?}"
        );
        assert!(!text.contains(hostile), "{text}");
        sandbox.write("pasted.toml", &text);
        sandbox.run(["sources", "--input", "reports", "--config", "pasted.toml"]).exits(0);
    }
}
