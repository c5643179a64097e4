//! The ledger: who is listed in it, what it is held against, and how mistakes in it are told.

use crate::harness::{Sandbox, fixture};
use crate::senders::path;

fn with_config(text: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("ledger.toml", text);
    sandbox
}

fn mailbox() -> String {
    fixture("mailbox").display().to_string()
}

#[test]
fn the_ledger_lists_senders_and_is_held_against_what_was_seen() {
    let sandbox = with_config(
        "[[sender]]\nname = \"Campaigns\"\ndomains = [\"brightwater-shop.example\"]\n\
         match = { envelope_domain = \"mailwave.example\" }\nowner = \"shop@brightwater.example\"\n\
         expires = \"2026-06-30\"\n\n[[sender]]\nname = \"Nobody\"\nmatch = { ip = \"192.0.2.250\" }\n\
         [[sender]]\nname = \"Printer\"\nmatch = { ip = \"192.0.2.251\" }\n\
         [[not_ours]]\nname = \"Sold printer\"\nmatch = { ip = \"192.0.2.251\" }\n",
    );
    let mailbox = mailbox();
    let arguments = ["--config", "ledger.toml", "--input", &mailbox, "--as-of", "2026-11-22"];
    let answer = sandbox.run(["sources", "--format", "json"].iter().chain(&arguments)).exits(0).json();
    let listed = path(&answer, "Campaigns");
    assert_eq!((&listed["class"], &listed["role"]), (&"unaligned".into(), &"approved".into()));
    assert_eq!((&listed["named_by"], &listed["owner"]), (&"ledger".into(), &"shop@brightwater.example".into()));
    assert_eq!(listed["messages"], 2206);
    // The same service under the other domain is not what the entry is about.
    assert_eq!(path(&answer, "mailwave.example")["domain"], "brightwater.example");
    let findings = answer["ledger"].as_array().expect("findings");
    let told: Vec<_> = findings.iter().map(|one| (one["name"].as_str(), one["problem"].as_str())).collect();
    let wanted = [
        (Some("Sold printer"), Some("unmatched")),
        (Some("Campaigns"), Some("expired")),
        (Some("Nobody"), Some("unmatched")),
        (Some("Printer"), Some("covered")),
    ];
    assert_eq!(told, wanted);
    let table = sandbox.run(["unsigned"].iter().chain(&arguments)).exits(0);
    assert!(table.text().contains("\"Nobody\" (line 8) matches no mail"), "{table}");
    assert!(table.text().contains("\"Printer\" (line 11) has no effect: the entry of line 14 comes first"), "{table}");
}

#[test]
fn an_approved_service_is_asked_itself_and_not_whose_machines_it_rents() {
    let sandbox = with_config(
        "[[sender]]\nname = \"Surveys\"\ndomains = [\"brightwater.example\"]\n\
         match = { envelope_domain = \"ses.fieldpoll.example\" }\n",
    );
    let mailbox = mailbox();
    let arguments = ["--config", "ledger.toml", "--input", &mailbox, "--as-of", "2026-11-22", "--format", "json"];
    let answer = sandbox.run(["sources"].iter().chain(&arguments)).exits(0).json();
    let listed = path(&answer, "Surveys");
    let remedy = listed["remedy"].to_string();
    assert!(remedy.contains("sign mail from Surveys as brightwater.example"), "{listed:#}");
    assert!(!remedy.contains("Amazon"), "{listed:#}");
}

#[test]
fn proposed_entries_can_be_pasted() {
    let sandbox = Sandbox::new();
    let mailbox = mailbox();
    let proposed = sandbox.run(["sources", "--as-ledger", "--input", &mailbox]).exits(0);
    assert!(proposed.text().contains("tenant = \"brightwater.onmicrosoft.com\""), "{proposed}");
    sandbox.write("ledger.toml", proposed.text());
    let answer =
        sandbox.run(["sources", "--format", "json", "--config", "ledger.toml", "--input", &mailbox]).exits(0).json();
    let paths = answer["paths"].as_array().unwrap();
    let of = |role: &str| {
        paths
            .iter()
            .filter(|path| path["role"] == role)
            .map(|path| path["sender"].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("own"), [""; 0], "{proposed}");
    assert_eq!(of("approved").len(), 6, "{proposed}");
    // What nothing proves to be the owner's is a comment.
    assert_eq!(of("service"), ["mailwave.example", "fieldpoll.example, through Amazon SES"]);
    assert_eq!(answer["ledger"], serde_json::json!([]));
    let again = sandbox.run(["sources", "--as-ledger", "--config", "ledger.toml", "--input", &mailbox]).exits(0);
    assert!(again.text().lines().all(|line| line.is_empty() || line.starts_with('#')), "{again}");
}

#[test]
fn a_broken_ledger_is_one_error() {
    for (text, parts) in [
        ("[[sender]]\nname = \"x\"\nmatch = { provider = \"sendgrid\" }\n", ["line 3", "`match`"]),
        (
            "[[sender]]\nname = \"x\"\nmatch = { ip = \"192.0.2.1\", provider = \"none-such\" }\n",
            ["line 1", "none-such"],
        ),
        ("[diagnosis]\nsigned = 95\n", ["line 2", "`signed`"]),
    ] {
        let ran = with_config(text).run(["sources", "--config", "ledger.toml", "--input", &mailbox()]).exits(1);
        assert!(ran.stderr.contains("ledger.toml") && parts.iter().all(|part| ran.stderr.contains(part)), "{ran}");
    }
}
