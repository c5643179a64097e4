//! An SMTP TLS report of any bytes: alone, and in a mail that says that it is one.

#![no_main]

use dmarcstat::ingest::fuzzing::examine;
use dmarcstat::limits::{Budget, Limits};
use dmarcstat::tls::{MOST_SESSIONS, ReadFailure, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { document: 4 << 20, total: 8 << 20, tls_failures: 100, ..Limits::default() };
    match read(bytes, &limits, &Budget::new(&limits)) {
        Ok(reports) => {
            assert!(!reports.is_empty());
            let mut kept = 0;
            for policy in reports.iter().flat_map(|report| &report.policies) {
                let sum = policy.failures.iter().map(|failure| failure.sessions).sum::<u64>();
                assert!(policy.failed >= sum.min(MOST_SESSIONS) && policy.failed <= MOST_SESSIONS);
                assert!(policy.successful <= MOST_SESSIONS && policy.policy_string.len() <= 100);
                kept += policy.failures.len();
            }
            assert!(kept <= limits.tls_failures);
        }
        Err(ReadFailure::Other | ReadFailure::Rejected(_)) => {}
    }
    let head: &[u8] = b"From: a@b.example\nDate: Fri, 02 Oct 2026 03:04:05 +0000\nTLS-Report-Domain: example.com\n\
        Subject: Report Domain: example.com Submitter: b.example\nContent-Type: application/tlsrpt+json\n\n";
    let found = examine(&[head, bytes].concat(), true, &limits);
    assert!(found.tls_reports + found.quarantined + found.reports > 0, "what is announced is found or kept");
});
