//! `inspect`: one received message.

use serde_json::json;

use crate::documented::{assert_documented, example};
use crate::harness::{Sandbox, fixture};

/// The test message of the newsletter service, with the sample mailbox to find its path in.
fn newsletter(more: &[&str]) -> crate::harness::Ran {
    let message = fixture("inspect/newsletter.eml");
    let mailbox = fixture("mailbox");
    let arguments = ["inspect", message.to_str().unwrap(), "--as-of", "2026-11-22"];
    let mut arguments: Vec<&str> = arguments.to_vec();
    arguments.extend(more);
    arguments.extend(["--input", mailbox.to_str().unwrap()]);
    Sandbox::new().columns(100).run(arguments)
}

const OURS: [&str; 2] = ["--authserv-id", "mx.northgate-college.example"];

#[test]
fn a_message_for_people() {
    insta::assert_snapshot!(without_id(newsletter(&OURS).exits(0).text()));
}

#[test]
fn a_message_as_markdown() {
    insta::assert_snapshot!(without_id(newsletter(&["--format", "markdown"]).exits(0).text()));
}

#[test]
fn the_documented_example_is_true() {
    let answer = newsletter(&[OURS[0], OURS[1], "--format", "json"]).exits(0).json();
    assert_documented(&example("`inspect`"), &answer);
}

fn without_id(text: &str) -> String {
    let (before, after) = text.split_once("dmarcstat explain ").expect("a path");
    format!("{before}dmarcstat explain ID{}", &after[8..])
}

#[test]
fn results_are_believed_of_the_named_server_only() {
    let believed = newsletter(&["--authserv-id", "MX.northgate-college.example", "--format", "json"]).json();
    assert_eq!((&believed["dkim_state"], &believed["dmarc_pass"]), (&json!("aligned"), &json!(true)));
    assert_eq!(believed["authserv"]["trusted"], json!(true));
    assert_eq!(believed["signatures"][0]["aligned"], json!("strict"));
    let foreign = newsletter(&["--authserv-id", "mx.example.org", "--exit-code", "--format", "json"]).exits(4).json();
    assert_eq!((&foreign["dkim_state"], &foreign["dmarc_pass"]), (&json!("unknown"), &json!(null)));
    assert_eq!(foreign["signatures"][0]["result"], json!(null));
}

#[test]
fn the_configuration_names_the_server() {
    let sandbox = Sandbox::new();
    let config = "[[account]]\nname = \"rua\"\nhost = \"imap.example.net\"\nuser = \"a\"\npassword_env = \"P\"\n\
        trusted_authserv_id = \"mx.northgate-college.example\"\n";
    let config = sandbox.write("config.toml", config);
    let message = fixture("inspect/newsletter.eml");
    let answer = sandbox
        .run([
            "--config".as_ref(),
            config.as_os_str(),
            "inspect".as_ref(),
            message.as_os_str(),
            "--format".as_ref(),
            "json".as_ref(),
        ])
        .exits(0)
        .json();
    assert_eq!(answer["authserv"]["trusted"], json!(true));
    // Without a database the rest of the answer stands.
    assert_eq!(answer["place"]["path"], json!(null));
    assert!(answer["place"]["note"].as_str().unwrap().contains("no database"));
}

#[test]
fn its_path_is_found_by_address() {
    let answer = newsletter(&["--format", "json"]).json();
    let path = &answer["place"]["path"];
    assert!(path["matched_by"].as_str().unwrap().contains("203.0.113.32"), "{path}");
    assert_eq!(path["class"], json!("signed"));
    assert_eq!(answer["handed_over_by"], json!({ "address": "203.0.113.32", "source": "Received" }));
}

#[test]
fn its_path_is_found_by_provider_and_tenant_from_an_address_never_seen() {
    let mail = "Authentication-Results: mx; spf=pass (sender IP is 40.107.99.99) smtp.mailfrom=brightwater.example;\r\n \
        dkim=pass header.d=brightwater.onmicrosoft.com header.s=selector1-brightwater-onmicrosoft-com\r\n\
        From: a@brightwater.example\r\nSubject: x\r\n\r\n";
    let mailbox = fixture("mailbox");
    let arguments = ["inspect", "-", "--format", "json", "--as-of", "2026-11-22", "--input", mailbox.to_str().unwrap()];
    let answer = Sandbox::new().run_with_input(arguments, mail.as_bytes()).exits(0).json();
    let path = &answer["place"]["path"];
    assert!(path["sender"].as_str().unwrap().starts_with("Microsoft 365"), "{answer:#}");
    assert!(path["matched_by"].as_str().unwrap().contains("(brightwater.onmicrosoft.com)"), "{path}");
    assert_eq!(answer["dkim_state"], json!("unaligned"));
}

#[test]
fn what_is_no_message_is_refused_and_says_what_to_do() {
    let sandbox = Sandbox::new();
    for (name, bytes, says) in [
        ("empty.eml", &b""[..], "it is empty"),
        ("picture.png", &b"\x89PNG\r\n\x1a\n"[..], "save the message as its source"),
        ("outlook.msg", &b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest"[..], ".msg"),
    ] {
        let path = sandbox.write(name, bytes);
        sandbox.run(["inspect".as_ref(), path.as_os_str()]).exits(1).says(says);
    }
    sandbox.run(["inspect", "gone.eml"]).exits(1).says("cannot read gone.eml");
}

#[test]
fn odd_messages_are_read_as_far_as_they_go() {
    let sandbox = Sandbox::new();
    let codes = |text: &str| {
        let answer = sandbox.run_with_input(["inspect", "-", "--format", "json"], text.as_bytes()).exits(0).json();
        let codes: Vec<String> =
            answer["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect();
        (answer, codes)
    };
    let (answer, found) = codes("From: a@example.com\r\nFrom: b@example.org\r\nSubject: x\r\n\r\n");
    assert_eq!(found, ["many-from", "no-results"]);
    assert_eq!(answer["from"], json!(null));
    let (_, found) = codes("From: a@example.com, b@example.org\r\nSubject: x\r\n\r\n");
    assert_eq!(found, ["many-from-domains", "no-results"]);
    let (_, found) = codes("Subject: x\r\nTo: a@example.com\r\n\r\n");
    assert_eq!(found, ["no-from", "no-results"]);
    // A bounce in an mbox, with a byte order mark, without a signature.
    let (answer, found) = codes("\u{feff}From MAILER-DAEMON Sat Nov 21\nReturn-Path: <>\nFrom: <a@EXAMPLE.com>\n\nx\n");
    assert_eq!(found, ["unsigned", "null-reverse-path", "no-results"]);
    assert_eq!((&answer["from"], &answer["dkim_state"]), (&json!("example.com"), &json!("unsigned")));
    // The results say none, and SPF alone carries the mail.
    let (answer, _) = codes(
        "Authentication-Results: mx; dkim=none; spf=pass smtp.mailfrom=a@b.example.com\r\nFrom: a@example.com\r\n\r\n",
    );
    assert_eq!((&answer["dkim_state"], &answer["dmarc_pass"]), (&json!("unsigned"), &json!(true)));
    assert_eq!(answer["spf"]["aligned"], json!("relaxed"));
}

#[test]
fn a_huge_message_is_cut_and_answered() {
    let sandbox = Sandbox::new();
    let config = sandbox.write("config.toml", "[limits]\nmessage = 100000\n");
    let mut mail = b"From: a@example.com\r\nDKIM-Signature: v=1; d=example.com; l=99999999\r\n".to_vec();
    for number in 0..2000 {
        mail.extend(format!("X-{number}: {}\r\n", "x".repeat(500)).as_bytes());
    }
    let config = config.to_str().unwrap();
    let answer =
        sandbox.run_with_input(["--config", config, "inspect", "-", "--format", "json"], &mail).exits(0).json();
    assert_eq!(answer["signatures"].as_array().unwrap().len(), 1);
}

#[test]
fn hostile_text_is_shown_as_text() {
    let sandbox = Sandbox::new();
    let mail = "Authentication-Results: m\u{1b}[31mx; dkim=pass (\u{202e}) header.d=exa\u{7}mple.com\r\n\
        From: \"\u{1b}]0;x\u{7}\" <a\u{1b}[2J@example.com>\r\nDKIM-Signature: d=<script>; s=\u{9b}31m|*x*; l=0\r\n\r\n";
    for format in ["table", "markdown", "csv"] {
        let ran = sandbox.run_with_input(["inspect", "-", "--format", format], mail.as_bytes()).exits(0);
        let text = ran.text();
        assert!(!text.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'), "{text:?}");
        assert!(format != "markdown" || !text.contains("<script>"), "{text}");
    }
}

/// The answer about a message of example.com with these results and one signature.
fn signed(results: &str, domain: &str, more: &[&str]) -> serde_json::Value {
    let mail = format!(
        "Authentication-Results: mx; {results}\r\nFrom: a@example.com\r\nSubject: x\r\n\
         DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=k; h=from:subject; bh=eHh4; b=eHh4\r\n\r\nx\r\n"
    );
    let arguments = ["inspect", "-", "--format", "json"].iter().chain(more);
    Sandbox::new().run_with_input(arguments, mail.as_bytes()).exits(0).json()
}

fn codes(findings: &serde_json::Value) -> Vec<&str> {
    findings.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

#[test]
fn a_signature_that_did_not_verify_gets_advice_by_its_reason() {
    for (result, code, remedy) in [
        ("dkim=fail (body hash did not verify) header.d=example.com header.s=k", "body-changed", "sign last"),
        ("dkim=permerror (no key for signature) header.d=example.com header.s=k", "key-missing", "publish the key"),
        (
            "dkim=none (\"invalid DKIM record\") header.d=example.com header.s=k",
            "key-unusable",
            "dmarcstat dns example.com",
        ),
        ("dkim=none (invalid DKIM record)", "key-unusable", "dmarcstat dns example.com"),
        ("dkim=fail (signature did not verify) header.d=example.com header.s=k", "signature-wrong", "compare"),
        ("dkim=fail header.d=example.com header.s=k", "not-verified", "see whether"),
    ] {
        let answer = signed(result, "example.com", &[]);
        assert_eq!(answer["dkim_state"], json!("broken"), "{result}: {answer:#}");
        let findings = &answer["signatures"][0]["findings"];
        let found = findings.as_array().unwrap().iter().find(|one| one["code"] == code);
        let found = found.unwrap_or_else(|| panic!("{result}: {findings:#}"));
        assert!(
            found["severity"] == "error" && found["remedy"].as_str().unwrap().contains(remedy),
            "{result}: {found}"
        );
    }
    // A server that found no signature says nothing about one that came later.
    assert_eq!(signed("dkim=none (message not signed)", "example.com", &[])["signatures"][0]["result"], json!(null));
}

#[test]
fn the_published_alignment_counts_and_differing_results_are_explained() {
    let results = "dkim=pass header.d=mail.example.com header.s=k; dmarc=";
    let sandbox = Sandbox::new();
    let report = "<feedback><report_metadata><org_name>reporter</org_name><report_id>1</report_id>\
        <date_range><begin>1793491200</begin><end>1793577599</end></date_range></report_metadata>\
        <policy_published><domain>example.com</domain><adkim>s</adkim><p>none</p></policy_published>\
        <record><row><source_ip>192.0.2.1</source_ip><count>1</count></row>\
        <identifiers><header_from>example.com</header_from></identifiers></record></feedback>";
    let report = sandbox.write("report.xml", report);
    let strict = ["--input", report.to_str().unwrap()];

    let answer = signed(&format!("{results}pass; spf=none smtp.mailfrom=x@example.net"), "mail.example.com", &strict);
    assert_eq!(answer["published"], json!({ "dkim_strict": true, "spf_strict": false, "source": "reports" }));
    assert_eq!((&answer["dkim_state"], &answer["dmarc_pass"]), (&json!("unaligned"), &json!(false)), "{answer:#}");
    let found = codes(&answer["findings"]);
    assert!(found.contains(&"strict-alignment") && found.contains(&"dmarc-differs"), "{found:?}");

    // Nothing is known of the record: the server's word shows that it is strict.
    let answer = signed(&format!("{results}fail; spf=none smtp.mailfrom=x@example.net"), "mail.example.com", &[]);
    assert_eq!((&answer["published"], &answer["dmarc_pass"]), (&json!(null), &json!(true)));
    let findings = answer["findings"].as_array().unwrap();
    let differs = findings.iter().find(|one| one["code"] == "dmarc-differs").unwrap();
    assert!(differs["detail"].as_str().unwrap().contains("adkim=s"), "{differs}");
    let agreed = signed(&format!("{results}pass"), "mail.example.com", &[]);
    assert!(!codes(&agreed["findings"]).contains(&"dmarc-differs"));
}

/// A failure report on a message from `example.com`, with what it encloses.
fn failure_report(original: &str) -> String {
    format!(
        "From: Reports <dmarc@mailhaven.example>\nTo: ruf@example.com\nSubject: FW: Invoice\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=B\n\n--B\nContent-Type: text/plain\n\n\
         This is an authentication failure report.\n--B\nContent-Type: message/feedback-report\n\n\
         Feedback-Type: auth-failure\nUser-Agent: Haven/3\nVersion: 1\nOriginal-Mail-From: <bounce@sender.example>\n\
         Arrival-Date: Thu, 01 Oct 2026 10:00:00 +0000\nSource-IP: 192.0.2.7 (mx.sender.example)\nAuth-Failure: dmarc\n\
         Authentication-Results: mx.mailhaven.example; dkim=fail (bad signature) header.d=example.com header.s=s1;\n \
         spf=pass smtp.mailfrom=sender.example; dmarc=fail header.from=example.com\nReported-Domain: example.com\n\
         Delivery-Result: reject\n\n--B\n{original}\n--B--\n"
    )
}

#[test]
fn the_message_in_a_failure_report_is_inspected() {
    let sandbox = Sandbox::new();
    let header = "From: Billing <billing@example.com>\nTo: someone@mailhaven.example\nSubject: Invoice\n\
                  DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=from:to:subject; bh=AA==; b=AA==";
    let ask = |original: &str, more: &[&str]| {
        sandbox.write("ruf.eml", failure_report(original));
        sandbox.run([&["inspect", "ruf.eml", "--json"], more].concat()).exits(0).json()
    };
    for (original, headers_only) in [
        (format!("Content-Type: message/rfc822\n\n{header}\n\nHello"), false),
        (format!("Content-Type: text/rfc822-headers\n\n{header}\n"), true),
        (format!("Content-Type: message/rfc822-headers\n\n{header}"), true),
    ] {
        for trusted in [&[][..], &["--authserv-id", "mx.example.com"], &["--authserv-id", "mx.mailhaven.example"]] {
            let answer = ask(&original, trusted);
            assert_eq!(answer["from"], "example.com", "{answer:#}");
            assert_eq!((&answer["dkim_state"], &answer["dmarc_pass"]), (&json!("broken"), &json!(false)), "{answer:#}");
            assert_eq!(answer["handed_over_by"], json!({ "address": "192.0.2.7", "source": "Source-IP" }));
            assert_eq!(answer["reverse_path"], "bounce@sender.example");
            let report = &answer["failure_report"];
            assert_eq!((&report["reporter"], &report["auth_failure"]), (&json!("mailhaven.example"), &json!("dmarc")));
            assert_eq!((&report["delivery_result"], &report["headers_only"]), (&json!("reject"), &json!(headers_only)));
        }
    }
    let text = sandbox.run(["inspect", "ruf.eml"]).exits(0);
    assert!(
        text.text().starts_with("A failure report of mailhaven.example encloses the header of a message"),
        "{text}"
    );
    sandbox.write("none.eml", failure_report("Content-Type: text/html\n\n<p>"));
    sandbox.run(["inspect", "none.eml"]).exits(1).says("encloses no message");
}
