//! A report to its records: `cargo run --example report_records -- report.xml`

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program shows what it finds on the terminal")]

use std::process::ExitCode;

use dmarcstat::limits::Limits;
use dmarcstat::report;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: report_records FILE.xml");
        return ExitCode::from(2);
    };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("cannot read {}: {error}", std::path::Path::new(&path).display());
            return ExitCode::FAILURE;
        }
    };
    let reports = match report::read(&bytes, &Limits::default()) {
        Ok(reports) => reports,
        Err(error) => {
            eprintln!("{}: {error}", std::path::Path::new(&path).display());
            return ExitCode::FAILURE;
        }
    };
    for found in reports {
        let metadata = &found.report.report_metadata;
        // All of it is text of strangers, so it is shown with its control characters escaped.
        println!("{:?} on {:?}", metadata.org_name, found.report.policy_published.domain);
        for record in &found.records {
            let (row, from) = (&record.row, record.identifiers.header_from.get());
            println!("  {:?} messages from {:?} as {from:?}", row.count.get(), row.source_ip.get());
            for signature in record.auth_results.dkim.iter() {
                println!("    signed by {:?}: {:?}", signature.domain.get(), signature.result.get());
            }
        }
        for odd in found.irregularities.as_slice() {
            println!("  noted: {} {:?}", odd.code, odd.detail);
        }
    }
    ExitCode::SUCCESS
}
