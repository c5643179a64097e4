//! `dmarcstat dns DOMAIN`.

use std::net::UdpSocket;

use serde_json::Value;

use super::named::{BROKEN, Named};
use super::report;
use crate::documented;
use crate::harness::{Ran, Sandbox};

const RSA_1024: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
const RSA_2048: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvBrvd6q2P3mH1D1+KvY4cFqxC0fCkRzZ0l5SLeLRxLVEHhfCJXLTyBz2P1yE3wUyuvb7x1oKkL2zL9XqHJ0ZQVXTpXo7kzfaTyvB0Kki/yQ2b7G9nCVFUVVYqkBzkPT7vbeZ7qkK5nMXnSyFNEAqG2hAFvNWuK3v3a9vT3KPUz7Kc0S3S0dLQp0WWVDkgeMHmRrW7wT4o2HDGgqmBqk0EIVfXC2aYqVqKzk3YqXSyRDWj8Qm2AVKq6ePzC5v1BbSgXQ0gUr0K9Gk6p9XGVv3qvVZ1S4b1jJEOI0X+UhH2t1v0bQmC6BY2E8k3vJ0f6m8x1mZ2k4Xl7hG8N7c5WwPvQIDAQAB";

fn dns(sandbox: &Sandbox, named: &Named, arguments: &[&str]) -> Ran {
    let resolver = named.address();
    sandbox.run(["dns", "--resolver", &resolver].iter().chain(arguments))
}

/// The findings that did not pass, as `outcome severity code subject`.
fn open(answer: &Value) -> Vec<String> {
    let findings = answer["findings"].as_array().unwrap().iter().filter(|finding| finding["outcome"] != "passed");
    let word = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    findings
        .map(|finding| ["outcome", "severity", "code", "subject"].map(|field| word(finding, field)).join(" "))
        .collect()
}

#[test]
fn a_domain_in_order() {
    let Some(named) = Named::start(&format!(
        "example.com MX mail.example.com
         mail.example.com A 192.0.2.1
         example.com TXT v=spf1 mx include:spf.protection.outlook.com -all
         spf.protection.outlook.com TXT v=spf1 ip4:192.0.2.0/24 -all
         example.com TXT verification=of-somebody-else
         _dmarc.example.com CNAME dmarc.hosted.example.net
         dmarc.hosted.example.net TXT v=DMARC1; p=reject; rua=mailto:dmarc@example.com,mailto:d@reports.example.org
         reports.example.org MX mail.example.com
         *._report._dmarc.reports.example.org TXT v=DMARC1
         s1._domainkey.example.com CNAME s1.keys.example.net
         s1.keys.example.net CNAME s1-2026.keys.example.net
         s1-2026.keys.example.net TXT v=DKIM1; k=rsa; p={RSA_2048}
         ed._domainkey.example.com TXT v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
         selector1._domainkey.example.com CNAME selector1-example-com._domainkey.contoso.onmicrosoft.com
         selector2._domainkey.example.com CNAME selector2-example-com._domainkey.contoso.n-v1.dkim.mail.microsoft
         selector1-example-com._domainkey.contoso.onmicrosoft.com TXT v=DKIM1; k=rsa; p={RSA_2048}"
    )) else {
        return;
    };
    let sandbox = Sandbox::new();
    sandbox.write("config.toml", "[[account]]\nname = \"rua\"\nhost = \"imap.example.com\"\nuser = \"DMARC@example.com\"\npassword_env = \"SECRET\"\n");
    let arguments = [
        "example.com",
        "--selector",
        "s1",
        "--selector",
        "ed._domainkey.example.com",
        "--config",
        "config.toml",
        "--exit-code",
    ];
    let answer = dns(&sandbox, &named, &[&arguments[..], &["--format", "json"]].concat()).exits(0).json();
    assert_eq!(open(&answer), [] as [&str; 0], "{answer:#}");
    assert_eq!(answer["schema"], "dmarcstat/dns/2");
    assert_eq!(answer["dmarc"]["aliases"], serde_json::json!(["dmarc.hosted.example.net"]));
    assert_eq!(answer["dmarc"]["rua"][0]["feeds"], "yes");
    assert_eq!(answer["dmarc"]["rua"][1]["authorized_at"], "*._report._dmarc.reports.example.org");
    assert_eq!((&answer["spf"]["lookups"], &answer["spf"]["all"]), (&2.into(), &"-all".into()));
    // Longer than an answer by UDP may be here, so it came by TCP; and the aliases can be seen.
    assert_eq!(answer["dkim"][0]["bits"], 2048);
    assert_eq!(answer["dkim"][0]["aliases"], serde_json::json!(["s1.keys.example.net", "s1-2026.keys.example.net"]));
    assert_eq!(answer["microsoft365"]["aliases"][0]["state"], "right");
    assert_eq!(answer["microsoft365"]["aliases"][1]["state"], "right_new_form");
    assert_eq!(answer["microsoft365"]["aliases"][1]["key"], false);
    let table = dns(&sandbox, &named, &arguments).exits(0);
    insta::assert_snapshot!("a_domain_in_order", table.text());
}

#[test]
fn a_domain_with_mistakes() {
    let Some(named) = Named::start(&format!(
        "example.com A 192.0.2.1
         example.com TXT v=spf1 a:gone.example.com a:gone2.example.com mx:gone3.example.com include:loop.example.com include:one.example.net include:two.example.net ptr +all ip4:192.0.2.1
         loop.example.com TXT v=spf1 include:example.com -all
         one.example.net TXT v=spf1 a:a.example.net a:b.example.net a:c.example.net -all
         a.example.net A 192.0.2.2
         b.example.net A 192.0.2.2
         c.example.net AAAA 2001:db8::2
         _dmarc.example.com TXT v=DMARC1; p=quarantine; sp=off; pct=20; ri=3600; fo=1; rua=dmarc@example.com,mailto:x@other.example.org,mailto:y@nomail.example.com; x
         _dmarc._dmarc.example.com TXT v=DMARC1; p=none
         other.example.org MX mail.example.org
         mail.example.org A 192.0.2.3
         weak._domainkey.example.com TXT v=DKIM1; t=y; p={RSA_1024}
         revoked._domainkey.example.com TXT v=DKIM1; p=
         cut._domainkey.example.com TXT v=DKIM1; p={}
         twice._domainkey.example.com TXT v=DKIM1; p={RSA_2048}
         twice._domainkey.example.com TXT v=DKIM1; p={RSA_1024}
         dangling._domainkey.example.com CNAME gone.example.net
         dotless._domainkey.example.com.example.com TXT v=DKIM1; p={RSA_2048}
         selector1._domainkey.example.com CNAME selector2-example-com._domainkey.contoso.onmicrosoft.com
         selector2._domainkey.example.com TXT v=DKIM1; p={RSA_2048}",
        &RSA_1024[..80]
    )) else {
        return;
    };
    let sandbox = Sandbox::new();
    let selectors = ["weak", "revoked", "cut", "twice", "dangling", "dotless", "none", "selector1"];
    let mut arguments = vec!["example.com", "--exit-code"];
    arguments.extend(selectors.iter().flat_map(|selector| ["--selector", selector]));
    let ran = dns(&sandbox, &named, &[&arguments[..], &["--format", "json"]].concat()).exits(4);
    let mut found = open(&ran.json());
    found.sort_unstable();
    insta::assert_snapshot!("findings_of_a_domain_with_mistakes", found.join("\n"));
    insta::assert_snapshot!("a_domain_with_mistakes", dns(&sandbox, &named, &arguments).exits(4).text());
    let csv = dns(&sandbox, &named, &["example.com", "--format", "csv"]).exits(0);
    assert!(csv.text().starts_with("code,outcome,severity,subject,detail,remedy\n"), "{csv}");
    let markdown = dns(&sandbox, &named, &["example.com", "--format", "markdown"]).exits(0);
    assert!(markdown.text().contains("| error | \\_dmarc.example.com | "), "{markdown}");
}

#[test]
fn records_where_nobody_looks() {
    let Some(named) = Named::start(
        "example.com TXT v=DMARC1; p=none
         _dmarc.twice.example.com.twice.example.com TXT v=DMARC1; p=none
         _dmarc.several.example.org TXT v=DMARC1; p=none
         _dmarc.several.example.org TXT v=DMARC1; p=reject
         _dmarc.misspelt.example.net TXT v=dmarc1; p=none
         *.wild.example.net TXT v=DMARC1; p=none; rua=mailto:a@wild.example.net
         unit.example.info A 192.0.2.1
         _dmarc.example.info TXT v=DMARC1; p=reject; np=reject; sp=none
         _dmarc.info TXT v=DMARC1; p=reject; psd=y",
    ) else {
        return;
    };
    let sandbox = Sandbox::new();
    let failed = |domain: &str, check: &str| -> Vec<String> {
        let answer = dns(&sandbox, &named, &[domain, "--format", "json"]).exits(0).json();
        let findings = answer["findings"].as_array().unwrap().clone();
        let those = findings.iter().filter(|finding| finding["code"] == check && finding["outcome"] == "failed");
        those
            .map(|finding| format!("{} {}", finding["subject"].as_str().unwrap(), finding["detail"].as_str().unwrap()))
            .collect()
    };
    assert!(failed("example.com", "dmarc-place")[0].contains("at the domain itself"));
    assert!(failed("twice.example.com", "dmarc-place")[0].contains("appended twice"));
    assert!(failed("several.example.org", "dmarc-record")[0].contains("2 DMARC records"));
    assert!(failed("misspelt.example.net", "dmarc-record")[0].contains("exactly \"v=DMARC1;\""));
    // A wildcard answers at every name; that is not a record at a wrong place.
    assert_eq!(failed("wild.example.net", "dmarc-place"), [] as [&str; 0]);
    assert!(
        failed("nowhere.example.info", "dmarc-discovery")[0].contains("see reject"),
        "np= is known to RFC 9989 alone"
    );
    assert_eq!(failed("unit.example.info", "dmarc-discovery"), [] as [&str; 0]);
    assert!(failed("nowhere.example.info", "domain")[0].contains("no such domain"));
}

#[test]
fn selectors_come_from_reports() {
    let Some(named) = Named::start(&format!(
        "example.com MX mail.example.com
         _dmarc.example.com TXT v=DMARC1; p=none; rua=mailto:dmarc@example.com
         k1._domainkey.example.com TXT v=DKIM1; p={RSA_2048}
         k2._domainkey.news.example.com TXT v=DKIM1; p={RSA_2048}"
    )) else {
        return;
    };
    let sandbox = Sandbox::new();
    let signed = |domain: &str, selector: &str, result: &str| {
        format!("<dkim><domain>{domain}</domain><selector>{selector}</selector><result>{result}</result></dkim>")
    };
    let signatures = [
        signed("example.com", "k1", "pass"),
        signed("news.example.com", "k2", "pass"),
        signed("example.com", "gone", "pass"),
        signed("example.com", "forged", "fail"),
        signed("contoso.onmicrosoft.com", "selector1", "pass"),
    ];
    sandbox.write("report.xml", report(&[("192.0.2.1", &signatures.concat())]));
    sandbox.run(["ingest", "report.xml"]).exits(0);
    let answer = dns(&sandbox, &named, &["example.com", "--since", "all", "--format", "json"]).exits(0).json();
    let keys: Vec<String> = answer["dkim"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| ["domain", "selector", "origin", "state"].map(|field| key[field].as_str().unwrap()).join(" "))
        .collect();
    assert_eq!(
        keys,
        [
            "example.com gone verified missing",
            "example.com k1 verified present",
            "news.example.com k2 verified present",
            "example.com forged unverified missing",
        ]
    );
    let open = open(&answer);
    assert!(open.contains(&"failed error dkim-key gone._domainkey.example.com".to_owned()), "{open:?}");
    // Anybody can write a selector into a forged mail.
    assert!(open.contains(&"failed advice dkim-key forged._domainkey.example.com".to_owned()), "{open:?}");
    assert!(open.contains(&"failed warning dmarc-rua-feeds _dmarc.example.com".to_owned()), "{open:?}");
}

#[test]
fn a_failure_is_not_a_missing_record() {
    let Some(named) = Named::start(&format!(
        "_dmarc.example.com TXT v=DMARC1; p=none; rua=mailto:a@example.com\nexample.com TXT v=spf1 include:{BROKEN} -all\nk._domainkey.example.com CNAME k.{BROKEN}"
    )) else {
        return;
    };
    let sandbox = Sandbox::new();
    // The whole domain: nothing at all can be said.
    dns(&sandbox, &named, &[BROKEN]).exits(1).says("did not answer").says("--resolver");
    // A part of it.
    let ran = dns(&sandbox, &named, &["example.com", "--selector", "k", "--format", "json", "--exit-code"]).exits(4);
    let answer = ran.json();
    assert_eq!(answer["dkim"][0]["state"], "could_not_look");
    assert_eq!((&answer["spf"]["complete"], &answer["spf"]["lookups"]), (&false.into(), &1.into()));
    let open = open(&answer);
    for wanted in ["spf-include example.com", "spf-lookups example.com", "dkim-key k._domainkey.example.com"] {
        assert!(open.contains(&format!("could_not_look error {wanted}")), "{wanted}: {open:?}");
    }
    assert!(!open.iter().any(|finding| finding.starts_with("failed error dkim")), "{open:?}");
}

#[test]
fn readiness_says_what_could_not_be_looked_up() {
    let sandbox = Sandbox::new();
    sandbox.write("report.xml", report(&[("192.0.2.1", "")]));
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let arguments =
        ["readiness", "example.com", "--input", "report.xml", "--dns", "--resolver", &address, "--format", "json"];
    let answer = sandbox.run(arguments).exits(4).json();
    assert_eq!(answer["verdict"], "not-enough-data");
    assert!(answer["checks"].to_string().contains("could not look"), "{answer:#}");
}

#[test]
fn a_silent_server_is_given_up() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    Sandbox::new()
        .run(["dns", "example.com", "--resolver", &address])
        .exits(1)
        .says("no answer in time")
        .says("nothing is known about example.com");
}

#[test]
fn what_stands_in_records_stays_text() {
    let Some(named) = Named::start(
        "example.com TXT v=spf1 include:\x1b[31m.example.com =cmd() <script>alert(1)</script> -all
         _dmarc.example.com TXT v=DMARC1; p=none; rua=mailto:a@example.com; evil=\x1b]0;title\x07<script>|=1+1",
    ) else {
        return;
    };
    let sandbox = Sandbox::new();
    for format in ["table", "json", "csv", "markdown", "html"] {
        let ran =
            dns(&sandbox, &named, &["example.com", "--format", format, "--selector", "\x1b[31m", "--color", "never"])
                .exits(0);
        assert!(!ran.text().contains(['\x1b', '\x07']), "{format}: {ran}");
        // Between fences a record stands as it is.
        let text: String = ran.text().split("\n```").step_by(2).collect();
        let is_markup = matches!(format, "markdown" | "html");
        assert!(!is_markup || !text.contains("<script"), "{ran}");
    }
}

#[test]
fn what_does_not_fit_a_datagram_comes_by_tcp() {
    let networks: String = (0..120).map(|number| format!("ip4:192.0.{number}.0/24 ")).collect();
    let text = format!("v=spf1 {networks}-all");
    assert!(text.len() > 1500);
    let Some(named) = Named::start(&format!("example.com TXT {text}")) else { return };
    let ran = dns(&Sandbox::new(), &named, &["example.com", "--format", "json"]).exits(0);
    assert_eq!(ran.json()["spf"]["record"], *text);
    assert!(open(&ran.json()).contains(&"failed advice spf-length example.com".to_owned()));
}

#[test]
fn the_documented_example() {
    let Some(named) = Named::start(&format!(
        "brightwater.example MX brightwater-example.mail.protection.outlook.com
         brightwater.example TXT v=spf1 include:spf.protection.outlook.com ~all
         spf.protection.outlook.com TXT v=spf1 ip4:40.92.0.0/15 ip4:40.107.0.0/16 -all
         _dmarc.brightwater.example TXT v=DMARC1; p=none; rua=mailto:dmarc@brightwater.example; pct=100
         k1._domainkey.brightwater.example CNAME k1.keys.mailer.example
         k1.keys.mailer.example TXT v=DKIM1; k=rsa; p={RSA_1024}
         selector1._domainkey.brightwater.example CNAME selector1-brightwater-example._domainkey.brightwater.onmicrosoft.com
         selector1-brightwater-example._domainkey.brightwater.onmicrosoft.com TXT v=DKIM1; p={RSA_2048}"
    )) else {
        return;
    };
    let ran = dns(&Sandbox::new(), &named, &["brightwater.example", "--selector", "k1", "--format", "json"]).exits(0);
    let (example, mut answer) = (documented::example("`dns`"), ran.json());
    // The server of a test has another port each time.
    answer["resolver"] = example["resolver"].clone();
    documented::assert_documented(&example, &answer);
}

#[test]
fn wrong_usage() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["dns"][..],
        &["dns", "a b"],
        &["dns", "you@example.com"],
        &["dns", "example.com", "--resolver", "dns.example.com"],
        &["dns", "example.com", "--since", "soon"],
    ] {
        sandbox.run(arguments).exits(2);
    }
}
