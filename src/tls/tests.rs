use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::limits::{Budget, Limits};
use crate::rejection::RejectionCode;

fn read_within(text: &[u8], limits: &Limits) -> Result<Vec<TlsReport>, ReadFailure> {
    read(text, limits, &Budget::new(limits))
}

fn read_all(text: &str) -> Result<Vec<TlsReport>, ReadFailure> {
    read_within(text.as_bytes(), &Limits::default())
}

fn one(value: &Value) -> TlsReport {
    let mut reports = read_all(&value.to_string()).unwrap();
    assert_eq!(reports.len(), 1, "{value}");
    reports.remove(0)
}

fn code(text: &str) -> Option<RejectionCode> {
    match read_all(text) {
        Err(ReadFailure::Rejected(rejection)) => Some(rejection.code),
        _ => None,
    }
}

fn usual() -> Value {
    json!({
        "organization-name": "Posthorn AG",
        "date-range": { "start-datetime": "2026-10-01T00:00:00Z", "end-datetime": "2026-10-01T23:59:59Z" },
        "contact-info": "postmaster@posthorn.example",
        "report-id": "r1",
        "policies": [{
            "policy": {
                "policy-type": "sts", "policy-domain": "example.com",
                "policy-string": ["version: STSv1", "mode: enforce", "mx: *.example.com", "max_age: 604800"],
                "mx-host": ["*.example.com"],
            },
            "summary": { "total-successful-session-count": 90, "total-failure-session-count": 10 },
            "failure-details": [
                { "result-type": "certificate-expired", "receiving-mx-hostname": "MX1.example.com.", "receiving-ip": "192.0.2.1",
                  "sending-mta-ip": "198.51.100.7", "failed-session-count": 7 },
                { "result-type": "starttls-not-supported", "receiving-mx-hostname": "mx2.example.com", "failed-session-count": 3 },
            ],
        }],
    })
}

#[test]
fn a_report_as_the_rfc_has_it() {
    let report = one(&usual());
    assert_eq!(report.organization_name.as_deref(), Some("Posthorn AG"));
    assert_eq!(report.date_range.end.as_deref(), Some("2026-10-01T23:59:59Z"));
    let policy = &report.policies[0];
    assert_eq!((policy.successful, policy.failed, policy.policy_string.len()), (90, 10, 4));
    assert_eq!(policy.failures[0].mx_host.as_deref(), Some("mx1.example.com"));
    assert_eq!(policy.failures.iter().map(|failure| failure.sessions).collect::<Vec<_>>(), [7, 3]);
}

#[test]
fn what_senders_do_is_read() {
    let usual = one(&usual());
    let mut odd = self::usual();
    let policy = &mut odd["policies"][0];
    policy["policy"]["policy-string"] = json!("version: STSv1");
    policy["policy"]["mx-host"] = json!("mx: *.example.com");
    policy["summary"] = json!({ "total-successful-session-count": "90", "total-failure-session-count": 10.0 });
    policy["failure-details"][0]["failed-session-count"] = json!(" 7 ");
    odd["contact-info"] = Value::Null;
    let odd = one(&odd);
    assert_eq!(odd.contact_info, None);
    assert_eq!(odd.policies[0].policy_string, ["version: STSv1"]);
    assert_eq!(odd.policies[0].mx_host, ["*.example.com"]);
    assert_eq!(odd.policies[0].failures, usual.policies[0].failures);
    assert_eq!((odd.policies[0].successful, odd.policies[0].failed), (90, 10));
    // One reporter writes TLSA records as a list within a text.
    let tlsa = one(&json!({ "report-id": "1", "policies": [{ "policy": {
        "policy-type": "TLSA", "policy-domain": "example.com", "policy-string": ["[\"3 1 1 AA\",\"3 1 1 BB\"]"] } }] }));
    assert_eq!(tlsa.policies[0].policy_string, ["3 1 1 AA", "3 1 1 BB"]);
    assert_eq!(tlsa.policies[0].policy_type.as_deref(), Some("tlsa"));
    // Objects where lists should be, everything in the policy itself, underscores, and words that no RFC has.
    let flat =
        one(&json!({ "organization_name": "x", "policies": { "policy-type": "Dnssec", "policy_domain": "example.com",
        "total-failure-session-count": -3, "failure-details": { "result-type": "Cosmic-Rays" } } }));
    let policy = &flat.policies[0];
    assert_eq!((policy.policy_type.as_deref(), policy.policy_domain.as_deref()), (Some("dnssec"), Some("example.com")));
    assert_eq!((policy.failed, policy.failures[0].result_type.as_deref()), (1, Some("cosmic-rays")));
}

#[test]
fn several_reports_and_what_stands_around_them() {
    let usual = usual().to_string();
    for (reports, text) in [
        (1, format!("\u{feff}\n{usual}\n\0")),
        (2, format!("[{usual},{usual}]")),
        (2, format!("{usual}\n{usual}")),
        (1, format!("{usual} and a disclaimer")),
        (1, format!("{usual}{}", &usual[..usual.len() / 2])),
    ] {
        assert_eq!(read_all(&text).map(|found| found.len()), Ok(reports), "{text}");
    }
    let latin = usual.replace("Posthorn AG", "Posthörn").into_bytes();
    let latin: Vec<u8> = latin.into_iter().filter(|&byte| byte != 0xc3).collect();
    assert_eq!(read_within(&latin, &Limits::default()).map(|found| found.len()), Ok(1));
}

#[test]
fn what_is_no_report() {
    for other in [
        "{}",
        "[]",
        "7",
        "\"policies\"",
        r#"{"hello":"world"}"#,
        r#"{"organization-name":"x","date-range":{}}"#,
        r#"{"policies":[{"name":"iam"}]}"#,
        r#"{"policies":7,"report-id":"1"}"#,
        r#"{"policies":[],"name":"x"}"#,
    ] {
        assert_eq!(read_all(other), Err(ReadFailure::Other), "{other}");
    }
    assert!(looks_like(usual().to_string().as_bytes()));
    assert!(!looks_like(br#"{"organization-name":"x"}"#) && !looks_like(br#"{"policies":[{"policyName":"x"}]}"#));
    assert_eq!(code(&usual().to_string()[..100]), Some(RejectionCode::Truncated));
    assert_eq!(code(&usual().to_string().replace(':', "=")), Some(RejectionCode::JsonMalformed));
}

#[test]
fn equal_failures_are_one_and_counts_have_an_end() {
    let failure = |sessions: Value| json!({ "result-type": "validation-failure", "failed-session-count": sessions });
    let failures: Vec<Value> = [json!(5), json!("7"), json!(null)].into_iter().map(failure).collect();
    let report = |failures: Vec<Value>| {
        one(&json!({ "report-id": "1", "policies": [{ "policy": { "policy-domain": "example.com" },
            "summary": { "total-failure-session-count": 2 }, "failure-details": failures }] }))
    };
    let policy = &report(failures).policies[0];
    assert_eq!((policy.failures.len(), policy.failures[0].sessions, policy.failed), (1, 13, 13));
    for huge in [json!(u64::MAX), json!("99999999999999999999999"), json!(1e300)] {
        let policy = &report(vec![failure(huge.clone()), failure(huge)]).policies[0];
        assert_eq!((policy.failures[0].sessions, policy.failed), (MOST_SESSIONS, MOST_SESSIONS));
    }
}

#[test]
fn limits_are_met_and_told() {
    let tight = Limits { tls_failures: 3, policies: 2, reports: 2, name: 10, ..Limits::default() };
    let failures = |number: u64| -> Value {
        (0..number).map(|at| json!({ "result-type": "x", "receiving-mx-hostname": format!("mx{at}") })).collect()
    };
    let text = |policies: u64, number: u64| {
        let policy = json!({ "policy": { "policy-domain": "example.com" }, "failure-details": failures(number) });
        json!({ "report-id": "a report id of some length", "policies": vec![policy; policies as usize] }).to_string()
    };
    let limit = |text: &str| match read_within(text.as_bytes(), &tight) {
        Err(ReadFailure::Rejected(rejection)) => Some(rejection.code),
        _ => None,
    };
    assert_eq!(limit(&text(1, 3)), None);
    assert_eq!(limit(&text(1, 4)), Some(RejectionCode::LimitTlsFailures));
    assert_eq!(limit(&text(2, 2)), Some(RejectionCode::LimitTlsFailures), "of all policies together");
    assert_eq!(limit(&text(3, 0)), Some(RejectionCode::LimitPolicies));
    let three = text(0, 0);
    assert_eq!(limit(&format!("[{three},{three},{three}]")), Some(RejectionCode::LimitReports));
    let cut = read_within(text(1, 0).as_bytes(), &tight).unwrap();
    assert_eq!(cut[0].report_id.as_deref(), Some("a report i"));
    // However deep, it costs no stack.
    for open in ["[", "{\"policies\":[", "{\"policies\":[{\"policy\":", "{\"x\":["] {
        assert!(read_all(&open.repeat(100_000)).is_err());
    }
    let deep = format!("{{\"x\":{}1{},\"report-id\":\"1\",\"policies\":[]}}", "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(read_all(&deep).map(|found| found.len()), Ok(1), "what is not known is read past");
}

/// JSON of any shape, with the keys of reports in it.
fn value() -> impl Strategy<Value = Value> {
    const KEYS: [&str; 20] = [
        "organization-name",
        "date-range",
        "start-datetime",
        "end-datetime",
        "contact-info",
        "report-id",
        "policies",
        "policy",
        "policy-type",
        "policy-domain",
        "policy-string",
        "mx-host",
        "summary",
        "total-successful-session-count",
        "total-failure-session-count",
        "failure-details",
        "result-type",
        "receiving_mx_hostname",
        "failed-session-count",
        "x",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        let keys = prop::sample::select(KEYS.as_slice()).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((keys, inner), 0..7).prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_a_report_or_none(value in value()) {
        if let Ok(reports) = read_all(&value.to_string()) {
            for policy in reports.iter().flat_map(|report| &report.policies) {
                let sum = policy.failures.iter().map(|failure| failure.sessions).sum::<u64>();
                prop_assert!(policy.failed <= MOST_SESSIONS && policy.failed >= sum.min(MOST_SESSIONS));
            }
        }
    }

    #[test]
    fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in any::<prop::sample::Index>()) {
        let _ = read_within(&bytes, &Limits::default());
        let text = usual().to_string().into_bytes();
        let at = cut.index(text.len());
        let _ = read_within(&[&text[..at], &bytes, &text[at..]].concat(), &Limits::default());
    }

    /// The order of policies and failures aside, a report says the same however its numbers are written.
    #[test]
    fn numbers_as_texts_are_numbers(good in 0..2_000_000_u64, bad in 0..2_000_000_u64) {
        let written = |good: Value, bad: Value| one(&json!({ "report-id": "1", "policies": [{
            "summary": { "total-successful-session-count": good, "total-failure-session-count": bad } }] }));
        let plain = written(json!(good), json!(bad));
        prop_assert_eq!(&plain, &written(json!(good.to_string()), json!(format!(" {bad} "))));
        prop_assert_eq!(&plain, &written(json!(good as f64), json!([bad])));
        prop_assert_eq!((plain.policies[0].successful, plain.policies[0].failed), (good, bad));
    }
}
