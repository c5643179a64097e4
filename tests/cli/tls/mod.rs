//! SMTP TLS reports: reports of a day and mails with them, and what `tls` answers.

mod answers;
mod counted;
mod reading;

use serde_json::{Value, json};

use crate::harness::{Ran, Sandbox};
use crate::make::{DAY, OCTOBER, base64};

/// A report of a day, counted from 2026-10-01, on `example.com` under MTA-STS.
pub(crate) struct Tls {
    org: &'static str,
    day: i64,
    domain: &'static str,
    policy_type: &'static str,
    mode: &'static str,
    well: u64,
    /// Kind, host, sessions.
    failures: Vec<(&'static str, &'static str, u64)>,
}

impl Tls {
    pub(crate) fn of(org: &'static str, day: i64) -> Self {
        Tls { org, day, domain: "example.com", policy_type: "sts", mode: "enforce", well: 90, failures: Vec::new() }
    }

    pub(crate) fn fails(mut self, kind: &'static str, host: &'static str, sessions: u64) -> Self {
        self.failures.push((kind, host, sessions));
        self
    }

    fn value(&self) -> Value {
        let time = |second: i64| jiff::Timestamp::from_second(OCTOBER + self.day * DAY + second).unwrap().to_string();
        let failure = |(kind, host, sessions): &(&str, &str, u64)| {
            json!({ "result-type": kind, "receiving-mx-hostname": host, "failed-session-count": sessions,
                "receiving-ip": "192.0.2.25", "failure-reason-code": "X509" })
        };
        json!({
            "organization-name": self.org,
            "date-range": { "start-datetime": time(0), "end-datetime": time(DAY - 1) },
            "contact-info": "tls@posthorn.example",
            "report-id": format!("{}-{}-{}", self.org, self.domain, self.day),
            "policies": [{
                "policy": {
                    "policy-type": self.policy_type, "policy-domain": self.domain, "mx-host": ["*.example.com"],
                    "policy-string": ["version: STSv1", format!("mode: {}", self.mode), "mx: *.example.com", "max_age: 86400"],
                },
                "summary": {
                    "total-successful-session-count": self.well,
                    "total-failure-session-count": self.failures.iter().map(|one| one.2).sum::<u64>(),
                },
                "failure-details": self.failures.iter().map(failure).collect::<Vec<_>>(),
            }],
        })
    }

    pub(crate) fn json(&self) -> String {
        self.value().to_string()
    }
}

const NAME: &str = "posthorn.example!example.com!1790812800!1790899199!1.json.gz";

/// A mail as reporters send it, with a part of some type.
fn mail(id: &str, kind: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    format!(
        "From: tls@posthorn.example\nTo: rua@example.com\nDate: Fri, 02 Oct 2026 03:04:05 +0000\n\
         Subject: Report Domain: example.com Submitter: posthorn.example Report-ID: <{id}>\n\
         TLS-Report-Domain: example.com\nTLS-Report-Submitter: posthorn.example\nMessage-ID: <{id}@posthorn.example>\n\
         MIME-Version: 1.0\nContent-Type: multipart/report; report-type=tlsrpt; boundary=B\n\n--B\n\
         Content-Type: text/plain\n\nThis is a report.\n--B\nContent-Type: {kind}; name=\"{name}\"\n\
         Content-Transfer-Encoding: base64\n\n{}\n--B--\n",
        base64(bytes)
    )
    .into_bytes()
}

fn ask(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    sandbox.run([&["tls", "--as-of", "2026-10-31"], arguments].concat())
}

fn answer(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    ask(sandbox, &[arguments, &["--json"]].concat()).exits(0).json()
}

/// The failures of an answer: kind and host, sessions, since, ongoing, lone claim.
fn failures(answer: &Value) -> Vec<(String, u64, String, bool, bool)> {
    let list = |value: &Value, key: &str| value[key].as_array().unwrap().clone();
    let policies = list(answer, "domains").into_iter().flat_map(|domain| list(&domain, "policies"));
    let failure = |one: Value| {
        let text = |key: &str| one[key].as_str().unwrap_or("-").to_owned();
        (
            format!("{} {}", text("result_type"), text("mx_host")),
            one["sessions"].as_u64().unwrap(),
            text("since"),
            one["ongoing"].as_bool().unwrap(),
            one["lone_claim"].as_bool().unwrap(),
        )
    };
    policies.flat_map(|policy| list(&policy, "failures")).map(failure).collect()
}
