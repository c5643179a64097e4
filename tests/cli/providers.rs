//! The catalogue of senders: what it shows, who is found, and a user's own file.

use serde_json::{Value, json};

use crate::documented::{assert_documented, example};
use crate::harness::Sandbox;

fn ids(answer: &Value) -> Vec<&str> {
    answer["providers"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[test]
fn the_whole_catalogue_in_every_form() {
    let sandbox = Sandbox::new();
    let answer = sandbox.run(["providers", "--format", "json"]).exits(0).json();
    assert_eq!((&answer["schema"], &answer["asked"]), (&json!("dmarcstat/providers/1"), &Value::Null));
    let all = ids(&answer);
    assert!(all.len() >= 60 && all.is_sorted(), "{all:?}");
    let table = sandbox.run(["providers"]).exits(0);
    let csv = sandbox.run(["providers", "--format", "csv"]).exits(0);
    let markdown = sandbox.run(["providers", "--format", "markdown"]).exits(0);
    for id in ["microsoft-365", "google-workspace", "mailchimp", "amazon-ses"] {
        for ran in [&table, &csv, &markdown] {
            assert!(ran.text().contains(id), "{id}\n{ran}");
        }
    }
    assert_eq!(csv.text().lines().count(), all.len() + 1, "a line each");
    assert!(table.text().lines().all(|line| line.chars().count() <= 120), "{table}");
    assert!(!sandbox.db().exists(), "no database is wanted for it");
}

#[test]
fn one_is_found_by_whatever_is_known_of_it() {
    let sandbox = Sandbox::new();
    for (asked, id, by) in [
        ("mailchimp", "mailchimp", "name"),
        ("Microsoft 365", "microsoft-365", "name"),
        ("40.107.1.2", "microsoft-365", "address"),
        ("2a01:111:f403:c112::1", "microsoft-365", "address"),
        ("contoso.onmicrosoft.com", "microsoft-365", "envelope_domain"),
        ("example-com.20230601.gappssmtp.com", "google-workspace", "signing_domain"),
        ("a8-20.smtp-out.amazonses.com", "amazon-ses", "envelope_domain"),
        ("o1.ptr1234.SENDGRID.net.", "sendgrid", "envelope_domain"),
        ("spf.mandrillapp.com", "mandrill", "envelope_domain"),
        ("spf.protection.outlook.com", "microsoft-365", "spf_include"),
    ] {
        let ran = sandbox.run(["providers", asked, "--format", "json"]).exits(0);
        let answer = ran.json();
        assert_eq!(ids(&answer), [id], "{ran}");
        assert_eq!(answer["providers"][0]["matched_by"], by, "{ran}");
    }
    let several = sandbox.run(["providers", "zoho"]).exits(0);
    assert!(["zoho-mail", "zeptomail", "zoho-campaigns"].iter().all(|id| several.text().contains(id)), "{several}");
}

#[test]
fn nobody_is_an_error_that_helps() {
    let sandbox = Sandbox::new();
    sandbox.run(["providers", "mailchip"]).exits(1).says("Mailchimp");
    sandbox.run(["providers", "192.0.2.1"]).exits(1).says("192.0.2.1");
    sandbox.run(["providers", "example.com"]).exits(1).says("is in the catalogue of senders");
    let hostile = sandbox.run(["providers", "a\u{1b}[31mb"]).exits(1);
    assert!(!hostile.stderr.contains('\u{1b}'), "{hostile}");
    sandbox.run(["providers", "--domain", "example.com"]).exits(2);
    sandbox.run(["providers", "mailchimp", "--domain", " "]).exits(2);
}

#[test]
fn remedies_are_for_the_domain() {
    let sandbox = Sandbox::new().columns(100);
    let ran = sandbox.run(["providers", "microsoft-365", "--domain", "Shop.Example.com"]).exits(0);
    insta::assert_snapshot!(ran.text());
    let ran = sandbox.run(["providers", "groups-io", "--domain", "example.com", "--format", "markdown"]).exits(0);
    insta::assert_snapshot!(ran.text());
}

#[test]
fn the_example_in_the_documentation_is_true() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(["providers", "205.201.131.84", "--domain", "example.com", "--format", "json"]).exits(0);
    let (example, mut answer) = (example("`providers`"), ran.json());
    assert_eq!(example["providers"][0]["id"], answer["providers"][0]["id"]);
    // The documentation shows one remedy of those that there are.
    answer["providers"][0]["remedies"].as_object_mut().unwrap().retain(|cause, _| cause == "default_signature");
    assert_documented(&example, &answer);
}

#[test]
fn a_users_own_file_adds_and_overrides() {
    let sandbox = Sandbox::new();
    sandbox.write("etc/senders.toml", "[[provider]]\nid = \"basement\"\nname = \"Basement relay\"\nkind = \"gateway\"\naddresses = [\"192.0.2.0/24\"]\n\n[[provider]]\nid = \"mailchimp\"\nname = \"Our newsletter\"\n");
    // A relative path begins at the folder of the configuration.
    sandbox.write("etc/config.toml", "[providers]\nfile = \"senders.toml\"\n");
    let ask = |name: &str| sandbox.run(["providers", name, "--config", "etc/config.toml", "--format", "json"]);
    let relay = ask("192.0.2.9").exits(0).json();
    assert_eq!((ids(&relay), &relay["providers"][0]["users_own"]), (vec!["basement"], &json!(true)));
    let newsletter = ask("mcsv.net").exits(0).json();
    assert_eq!(newsletter["providers"][0]["name"], "Our newsletter");
    // A mistake names the file, the line and the key.
    sandbox.write("etc/senders.toml", "[[provider]]\nid = \"basement\"\nname = \"Basement\"\nkind = \"relay\"\n");
    let wrong = ask("basement").exits(1);
    for part in ["senders.toml", "line 4", "kind", "gateway"] {
        assert!(wrong.stderr.contains(part), "{part}\n{wrong}");
    }
    sandbox.write("etc/config.toml", "[providers]\nfile = \"gone.toml\"\n");
    ask("basement").exits(1).says("gone.toml");
    sandbox.write("etc/config.toml", "[providers]\nfiles = \"senders.toml\"\n");
    ask("basement").exits(1).says("files");
}
