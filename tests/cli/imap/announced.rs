//! Mail on a server that says it is a report and gives none, and mail that is odd and gives one after all.

use serde_json::json;

use super::account::{Account, fetch, fetch_from};
use super::dovecot::{Dovecot, Namespace};
use super::other_mail;
use crate::harness::{Sandbox, append_to_mbox};
use crate::make::{DKIM_AND_SPF, Report, base64, gzip, record, zip};

/// A mail that announces a report, with fields and body.
fn announcing(id: &str, rest: &str) -> Vec<u8> {
    format!(
        "From: dmarc@mailhaven.example\nTo: rua@example.com\nDate: Fri, 02 Oct 2026 03:04:05 +0000\n\
         Subject: Report domain: example.com Submitter: mailhaven.example\nMessage-ID: <{id}@mailhaven.example>\n\
         MIME-Version: 1.0\n{rest}"
    )
    .into_bytes()
}

/// An SMTP TLS report.
fn tls(id: &str) -> String {
    format!(
        r#"{{"organization-name":"Mailhaven","date-range":{{"start-datetime":"2026-10-01T00:00:00Z",
        "end-datetime":"2026-10-01T23:59:59Z"}},"report-id":"{id}","policies":[{{"policy":{{"policy-type":"sts",
        "policy-domain":"example.com"}},"summary":{{"total-successful-session-count":7,"total-failure-session-count":0}}}}]}}"#
    )
}

const NAME: &str = "mailhaven.example!example.com!1790812800!1790899199.xml.gz";

#[test]
fn what_is_announced_and_not_found_stays_where_it_is() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let silent = [
        (
            "pgp",
            "encrypted_mail",
            "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=B\n\n\
          --B\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--B\nContent-Type: application/octet-stream\n\n\
          -----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n--B--\n"
                .to_owned(),
        ),
        (
            "smime",
            "encrypted_mail",
            format!(
                "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n\
          Content-Transfer-Encoding: base64\n\n{}",
                base64(b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80")
            ),
        ),
        (
            "outlook",
            "outlook_msg",
            format!(
                "Content-Type: application/vnd.ms-outlook; name=\"report.msg\"\n\
          Content-Transfer-Encoding: base64\n\n{}",
                base64(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on")
            ),
        ),
        ("ruined", "no_report_found", format!("Content-Type: image/png; name=\"{NAME}\"\n\nnot any more\n")),
        ("stripped", "no_report_found", "\nThe attachment was removed by a filter.\n".to_owned()),
        (
            "winmail",
            "tnef",
            format!(
                "Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n{}",
                base64(b"\x78\x9f\x3e\x22 and so on")
            ),
        ),
        (
            "cut-off",
            "truncated",
            format!(
                "Content-Type: application/gzip; name=\"{NAME}\"\nContent-Transfer-Encoding: base64\n\n{}",
                base64(&gzip(Report::new("cut-off").xml())[..100])
            ),
        ),
        (
            "tls-cut-off",
            "truncated",
            format!(
                "Content-Type: application/tlsrpt+json; name=\"r.json\"\nContent-Transfer-Encoding: base64\n\n{}",
                base64(&tls("tls-cut-off").as_bytes()[..150])
            ),
        ),
    ];
    for after in ["keep", "seen", "move:Done", "delete"] {
        let (sandbox, user) = (Sandbox::new(), dovecot.user("announced", Namespace::Dot));
        silent.iter().for_each(|(id, _, rest)| drop(user.deliver("", &announcing(id, rest))));
        let account = Account::of(&user).set("after", after).set("after_other", "delete");
        let ran = fetch_from(&sandbox, account).exits(3);
        let mut expected: Vec<_> = silent.iter().map(|(_, code, _)| *code).collect();
        expected.sort_unstable();
        let answer = ran.json();
        let mut codes: Vec<_> =
            answer["quarantined"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
        codes.sort_unstable();
        assert_eq!(codes, expected, "{after}\n{ran}");
        assert_eq!(answer["other"]["not_a_report"], json!(0), "{after}\n{ran}");
        let places = |what: &str| {
            let mails = user.mails();
            assert_eq!(mails.len(), silent.len(), "{after}, {what}");
            assert!(mails.iter().all(|mail| mail.folder.is_empty() && mail.flags.is_empty()), "{after}, {what}");
        };
        places("after the first run");
        // It is told once, and kept to be tried again.
        assert_eq!(fetch(&sandbox, &[]).exits(0).json()["inputs"], json!(0));
        let kept = sandbox.run(["quarantine", "--format", "json"]).exits(0).json();
        assert_eq!(kept["entries"].as_array().map(Vec::len), Some(silent.len()), "{kept:#}");
        sandbox.run(["quarantine", "retry"]).exits(0);
        places("after another try");
    }
}

#[test]
fn what_is_odd_and_gives_a_report_is_read_and_goes() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let (sandbox, user) = (Sandbox::new(), dovecot.user("odd", Namespace::Dot));
    let packed = |id: &str| base64(&gzip(Report::new(id).xml()));
    let part = |id: &str| {
        format!("Content-Type: application/gzip; name=\"{NAME}\"\nContent-Transfer-Encoding: base64\n\n{}", packed(id))
    };
    for (id, rest) in [
        ("no-boundary", format!("Content-Type: multipart/mixed\n\n--B\n{}\n--B--\n", part("no-boundary"))),
        (
            "other-boundary",
            format!("Content-Type: multipart/mixed; boundary=A\n\n--B\n{}\n--B--\n", part("other-boundary")),
        ),
        (
            "multipart-in-base64",
            format!(
                "Content-Type: multipart/mixed; boundary=B\nContent-Transfer-Encoding: base64\n\n{}",
                base64(format!("--B\n{}\n--B--\n", part("multipart-in-base64")).as_bytes())
            ),
        ),
        (
            "not-base64",
            format!(
                "Content-Type: text/xml; name=r.xml\nContent-Transfer-Encoding: base64\n\n{}",
                Report::new("not-base64").xml()
            ),
        ),
    ] {
        user.deliver("", &announcing(id, &rest));
    }
    // Mailboxes and mails within mails, other characters, other ways to pack, and values that are odd.
    let whole = |id: &str| String::from_utf8(announcing(id, &part(id))).unwrap();
    let mut mbox = Vec::new();
    ["in-mbox-1", "in-mbox-2"].iter().for_each(|id| append_to_mbox(&mut mbox, whole(id).as_bytes()));
    let wide: Vec<u8> =
        format!("\u{feff}{}", Report::new("wide").xml()).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let strange = Report::new("strange")
        .day(3)
        .xml()
        .replace("<header_from>example.com", "<header_from>Sales &lt;sales@Example.com&gt;")
        .replace("</feedback>", "</feedback");
    let attached = |kind: &str, bytes: &[u8]| {
        format!("Content-Type: {kind}; name=x\nContent-Transfer-Encoding: base64\n\n{}", base64(bytes))
    };
    let more =
        vec![record("192.0.2.1", 5, "example.com", DKIM_AND_SPF), record("192.0.2.2", 4, "example.com", DKIM_AND_SPF)];
    let edition = Report::new("strange").day(3).records(more).xml();
    for (id, rest) in [
        ("mbox-in-zip", attached("application/zip", &zip(&[("Takeout/Mail/Reports.mbox", &mbox)]))),
        ("mail-in-gzip", attached("application/gzip", &gzip(whole("mail-in-gzip")))),
        ("wide", attached("text/xml", &wide)),
        ("edition", attached("text/xml", edition.as_bytes())),
        ("strange", attached("application/xml", strange.as_bytes())),
        ("digest", format!("Content-Type: multipart/digest; boundary=D\n\n--D\n\n{}\n--D--\n", whole("digest"))),
        ("tls", attached("application/tlsrpt+gzip", &gzip(tls("tls")))),
        ("tls-in-zip", attached("application/zip", &zip(&[("report.json", tls("tls-in-zip"))]))),
    ] {
        user.deliver("", &announcing(id, &rest));
    }
    // What we sent and got back is not a report to us, and says nothing.
    let bounce = format!(
        "From: mailer-daemon@example.com\nMessage-ID: <bounce@example.com>\nSubject: Undelivered Mail Returned to Sender\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=R\n\n--R\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; example.com\n\n--R\nContent-Type: message/rfc822\n\n{}\n--R--\n",
        String::from_utf8(announcing("sent", &part("sent"))).unwrap()
    );
    user.deliver("", bounce.as_bytes());
    user.deliver("", &other_mail("lunch"));
    // Anybody can write to the address, and no alarm is raised over what is not announced.
    let page = "Content-Type: text/html; name=a.html\n\n<!DOCTYPE html [<!ENTITY a \"b\">]><p>Buy now.</p>\n";
    let damaged = attached("application/zip", b"PK\x03\x04 a price list that was damaged");
    for (id, rest) in [("page", page), ("damaged", damaged.as_str())] {
        let mail = format!("From: a@elsewhere.example\nSubject: Offer\nMessage-ID: <{id}@elsewhere.example>\n{rest}");
        user.deliver("", mail.as_bytes());
    }
    let ran = fetch_from(&sandbox, Account::of(&user).set("after", "delete")).exits(0);
    let answer = ran.json();
    assert_eq!((&answer["reports"]["new"], &answer["other"]["not_a_report"]), (&json!(10), &json!(4)), "{ran}");
    assert_eq!(answer["reports"]["conflicting"], 1, "of one report two editions came\n{ran}");
    assert_eq!(answer["tls_reports"]["new"], 2, "{ran}");
    let mut left: Vec<String> = user.mails().into_iter().map(|mail| mail.id).collect();
    left.sort();
    let names: Vec<&str> = left.iter().filter_map(|id| id.split('@').next()).collect();
    assert_eq!(names, ["bounce", "damaged", "lunch", "page"]);
    let sources = sandbox.run(["sources", "--since", "all", "--json"]).exits(0).json();
    let domains: Vec<_> = sources["paths"].as_array().unwrap().iter().map(|path| path["domain"].clone()).collect();
    assert!(domains.iter().all(|domain| domain == "example.com"), "{domains:?}");
}
