//! What real receivers do with odd records, and that `dns` says so.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::named::Named;
use super::report;
use crate::harness::Sandbox;

/// Answers for example.com with some records; a selector is looked at where one is named.
fn answer(records: &str, selector: Option<&str>) -> Option<Value> {
    let named = Named::start(records)?;
    let (resolver, mut arguments) = (named.address(), vec!["dns", "example.com", "--format", "json", "--resolver"]);
    arguments.push(&resolver);
    arguments.extend(selector.iter().flat_map(|selector| ["--selector", selector]));
    Some(Sandbox::new().run(arguments).exits(0).json())
}

/// What failed of one kind of check: `severity: detail → remedy`.
fn failed(answer: &Value, code: &str) -> Vec<String> {
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
    let findings = answer["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["outcome"] == "failed" && finding["code"].as_str().unwrap().starts_with(code))
        .map(|one| format!("{}: {} → {}", text(one, "severity"), text(one, "detail"), text(one, "remedy")))
        .collect()
}

/// That just one check of a kind failed, and says this.
fn one(records: &str, selector: Option<&str>, code: &str, says: &[&str]) {
    let Some(answer) = answer(records, selector) else { return };
    let found = failed(&answer, code);
    assert_eq!(found.len(), 1, "{records}: {found:#?}");
    for part in says {
        assert!(found[0].contains(part), "{records}: {part:?} is not in {found:?}");
    }
}

const FINE: &str = "example.com MX mail.example.com\nmail.example.com A 192.0.2.25";

#[test]
fn spf_by_which_anybody_passes() {
    for (tree, severity) in [
        ("o.example.net TXT v=spf1 include:p.example.net -all\np.example.net TXT v=spf1 +all", "error"),
        ("o.example.net TXT v=spf1 ip4:0.0.0.0/0 -all", "error"),
        ("o.example.net TXT v=spf1 ip6:2a00::/16 -all", "warning"),
        ("o.example.net TXT v=spf1 ip4:11.0.0.0/8 -all", "warning"),
    ] {
        one(&format!("example.com TXT v=spf1 include:o.example.net -all\n{tree}"), None, "spf-", &[severity]);
    }
    let halves = answer("example.com TXT v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all", None);
    if let Some(halves) = halves {
        assert!(failed(&halves, "spf-").iter().all(|text| text.starts_with("error: ")), "{halves:#}");
    }
}

#[test]
fn spf_that_ends_in_a_permanent_error() {
    for (term, says) in [
        ("exists:%{z}.example.com", "there is no macro"),
        ("exists:%{i.example.com", "closing brace"),
        ("exists:%{c}.example.com", "exp="),
        ("exists:%{d0}.example.com", "begins with 1"),
        ("a:192.0.2.1", "write ip4:192.0.2.1"),
        ("mx:192.0.2.1", "write ip4:192.0.2.1"),
        ("include:192.0.2.1", "write ip4:192.0.2.1"),
        ("mx:m.example.net", "none of its mail servers has an address"),
    ] {
        let records = format!("example.com TXT v=spf1 {term} -all\nm.example.net MX gone.example.net");
        one(&records, None, "spf-", &["error: ", says]);
    }
}

#[test]
fn keys_that_receivers_refuse_or_bear() {
    const RSA: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
    let (front, back) = RSA.split_at(90);
    let private = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
    let bare = "MIGJAoGBAPAhE/9QLdIGwSYapn1klbf8OQygZ4udCDV9afv/Ni0jE3ZKcUKPE4Iob2/dviNh9xM2HmKNKyrrfW4Ei0truh36/9G10LZTMnWVZP3jupH5FxpzaBu2j80yonR/N9WMfg64qGK11j21/qZzAaNo0FxZOggyY9I8N1A81RhyRxDZAgMBAAE=";
    for (record, code, says) in [
        (format!("v=DKIM1; k=rsa; p={bare}"), "dkim-key", &["error: ", "PKCS#1"][..]),
        (format!("v=DKIM1; k=ed25519; p={private}"), "dkim-key", &["error: ", "private key", "public now"]),
        (format!("v=DKIM1; p={front} {back}"), "dkim-syntax", &["warning: ", "blanks"]),
        (format!("v=DKIM1; p={front}\" \"{back}"), "dkim-syntax", &["warning: ", "quotation marks"]),
        (format!("v=DKIM1; g=; p={RSA}"), "dkim-syntax", &["advice: ", "g= is empty"]),
        ("k.example-com.keys.mailer.example.".to_owned(), "dkim-", &["error: ", "Make it a CNAME"]),
    ] {
        one(&format!("{FINE}\nk._domainkey.example.com TXT {record}"), Some("k"), code, says);
    }
}

#[test]
fn microsoft_365_sends_and_neither_name_is_there() {
    let records = "example.com TXT v=spf1 include:spf.protection.outlook.com -all\n\
        spf.protection.outlook.com TXT v=spf1 ip4:192.0.2.0/24 -all";
    one(records, None, "dkim-", &["error: ", "neither selector1 nor selector2", "Set-DkimSigningConfig"]);
    let target = "selector1._domainkey.example.com TXT selector1-example-com._domainkey.contoso.onmicrosoft.com\n\
        selector2._domainkey.example.com CNAME selector2-example-com._domainkey.contoso.onmicrosoft.com";
    one(&format!("{records}\n{target}"), Some("selector1"), "dkim-", &["error: ", "make it a CNAME"]);
}

#[test]
fn dmarc_as_receivers_read_it() {
    let rua = "rua=mailto:dmarc@example.com";
    for (texts, code, says) in [
        (format!("v=DMARC1; p=none; p=reject; {rua}"), "dmarc-policy", &["error: ", "receivers apply reject"][..]),
        (
            format!("v=DMARC1; p=reject; {rua}\n_dmarc.example.com TXT site-check=7f3a"),
            "dmarc-record",
            &["advice: ", "OpenDMARC"],
        ),
        ("p=reject; v=DMARC1".to_owned(), "dmarc-record", &["error: ", "p=reject; v=DMARC1"]),
        ("site-check=7f3a".to_owned(), "dmarc-record", &["error: ", "site-check=7f3a"]),
        ("dmarc.hosted.example.net.".to_owned(), "dmarc-record", &["error: ", "Make it a CNAME"]),
        (format!("v=DMARC1; p=reject; sp=none; {rua}"), "dmarc-sp", &["advice: ", "sp=none"]),
    ] {
        one(&format!("{FINE}\n_dmarc.example.com TXT {texts}"), None, code, says);
    }
    let consent = "_dmarc.example.com TXT v=DMARC1; p=none; rua=mailto:a@reports.example.net\nreports.example.net A 192.0.2.1\n\
        example.com._report._dmarc.reports.example.net TXT v=DMARC1\n\
        example.com._report._dmarc.reports.example.net TXT v=DMARC1; rua=mailto:b@reports.example.net";
    if let Some(answer) = answer(&format!("{FINE}\n{consent}"), None) {
        assert_eq!(answer["dmarc"]["rua"][0]["authorized"], true, "{answer:#}");
    }
}

#[test]
fn a_retired_key_and_an_own_machine_left_out() {
    let Some(named) = Named::start(&format!(
        "{FINE}\nexample.com TXT v=spf1 ip4:192.0.2.0/24 -all\n\
         new._domainkey.example.com TXT v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    )) else {
        return;
    };
    let sandbox = Sandbox::new();
    let signed = |selector: &str| {
        format!("<dkim><domain>example.com</domain><selector>{selector}</selector><result>pass</result></dkim>")
    };
    // The old key until November 1st, then the new one, from the same machine.
    for (day, selector) in [(0, "old"), (1, "new"), (9, "new")] {
        let begin = 1_793_491_200 + day * 86_400;
        let text = report(&[("2001:db8::25", &signed(selector))])
            .replace("1793491200", &begin.to_string())
            .replace("1793577599", &(begin + 86_399).to_string())
            .replace("<report_id>1<", &format!("<report_id>{day}<"));
        sandbox.write("report.xml", text);
        sandbox.run(["ingest", "report.xml"]).exits(0);
    }
    let resolver = named.address();
    let arguments = ["dns", "example.com", "--since", "all", "--format", "json", "--resolver", &resolver];
    let answer = sandbox.run(arguments).exits(0).json();
    let origins: Vec<(&Value, &Value)> =
        answer["dkim"].as_array().unwrap().iter().map(|key| (&key["selector"], &key["origin"])).collect();
    assert_eq!(origins, [(&"new".into(), &"verified".into()), (&"old".into(), &"retired".into())], "{answer:#}");
    assert_eq!(failed(&answer, "dkim-"), [] as [&str; 0]);
    let senders = failed(&answer, "spf-senders");
    assert!(senders.len() == 1 && senders[0].contains("Add ip6:2001:db8::25"), "{senders:?}");
}

/// Passes questions on to a name server, but for those about one domain, which nobody answers.
struct Deaf {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Deaf {
    fn to(domain: &str, server: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, server) = (Arc::clone(&stop), server.to_owned());
        let name: Vec<u8> =
            domain.split('.').flat_map(|label| [&[label.len() as u8][..], label.as_bytes()].concat()).collect();
        std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let mut question = [0; 1500];
                let Ok((length, from)) = socket.recv_from(&mut question) else { continue };
                let lower = question[..length].to_ascii_lowercase();
                if lower.windows(name.len()).any(|part| part == name) {
                    continue;
                }
                let up = UdpSocket::bind("127.0.0.1:0").unwrap();
                up.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
                let mut answer = [0; 1500];
                if up.send_to(&question[..length], &server).is_ok()
                    && let Ok(length) = up.recv(&mut answer)
                {
                    let _ = socket.send_to(&answer[..length], from);
                }
            }
        });
        Deaf { address, stop }
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_domain_whose_servers_are_silent_is_waited_for_once() {
    let Some(named) = Named::start(
        "example.com MX mail.example.com\n\
         example.com TXT v=spf1 include:_spf.silent.example include:other.silent.example -all\n\
         _dmarc.example.com TXT v=DMARC1; p=none; rua=mailto:a@reports.silent.example\n\
         k._domainkey.example.com CNAME k.silent.example",
    ) else {
        return;
    };
    let deaf = Deaf::to("silent.example", &named.address());
    let address = deaf.address.to_string();
    let begin = Instant::now();
    let arguments = ["dns", "example.com", "--selector", "k", "--format", "json", "--resolver", &address];
    let answer = Sandbox::new().run(arguments).exits(0).json();
    let took = begin.elapsed();
    assert_eq!((&answer["spf"]["complete"], &answer["dmarc"]["policy"]), (&false.into(), &"none".into()), "{answer:#}");
    assert!(took < Duration::from_secs(16), "{took:?}");
}
