//! What questions cost over a network: round trips, few of them however much there is to read.

use super::proxy::Proxy;
use super::server::{PostgresServer, shared};
use crate::harness::{Ran, Sandbox, sample};
use crate::tls::Tls;

/// The day of which answers are.
const DAY: [&str; 2] = ["--as-of", "2026-10-31"];
/// Round trips that a question may make, those of the connection included.
const MOST: usize = 30;

#[test]
fn a_question_makes_few_round_trips() {
    let Some(server) = shared() else { return };
    let (sandbox, database) = (Sandbox::new(), server.database());
    let proxy = Proxy::to(server.port());
    let through = server.url("postgres", &database).replace(&server.port().to_string(), &proxy.port().to_string());
    let counted = |arguments: &[&str]| {
        let mut command = server.command(&sandbox, &database, arguments);
        command.env("DMARCSTAT_DB", &through);
        let ran = Ran::of(command);
        assert!([0, 3, 4].contains(&ran.status), "{ran}");
        let trips = proxy.trips();
        eprintln!("{arguments:?}: {trips} round trips");
        trips
    };
    let trips = counted(&["ingest", &sample()]);
    let reports: usize = server.sql(&database, "SELECT COUNT(*) FROM report").unwrap().parse().unwrap();
    eprintln!("{:.1} round trips a report", trips as f64 / reports as f64);
    assert!(trips < reports * 4, "{trips} round trips for {reports} reports");
    let site = sandbox.path("site").display().to_string();
    let dated: &[&[&str]] = &[
        &["unsigned", "--since", "all"],
        &["sources", "--since", "30d"],
        &["explain", "gf6pipp2"],
        &["changes", "--since", "7d"],
        &["selectors", "--since", "30d"],
        &["readiness", "brightwater.example"],
        &["readiness", "--all"],
        &["reports", "--since", "all"],
        &["reports", "--since", "all", "--irregular"],
        &["tls", "--since", "all"],
        &["tls", "--since", "all", "--reports"],
        &["digest"],
        &["metrics"],
        &["export", "--since", "all", "--format", "jsonl"],
        &["export", "--since", "all", "--format", "csv", "--fields", "parsedmarc"],
        &["site", &site],
    ];
    let others: &[&[&str]] = &[
        &["reports", "1"],
        &["quarantine"],
        &["check"],
        &["sql", "SELECT domain, count(*), sum(messages) FROM alignment GROUP BY 1 ORDER BY 1"],
        &["sql", "SELECT count(*), max(irregularities) FROM report"],
        &["sql", "SELECT count(*) FROM path"],
        &["prune", "--older-than", "10d", "--dry-run"],
    ];
    let dated = dated.iter().map(|question| [question, &DAY[..]].concat());
    let mut many = Vec::new();
    for question in dated.chain(others.iter().map(|question| question.to_vec())) {
        let trips = counted(&question);
        assert!(trips > 0, "{question:?} asked nothing");
        if trips > MOST {
            many.push(format!("{question:?}: {trips}"));
        }
    }
    assert!(many.is_empty(), "more than {MOST} round trips: {many:#?}");
}

/// The statements that a question executes, as the server writes them down.
fn statements(server: &PostgresServer, sandbox: &Sandbox, database: &str, question: &[&str]) -> Vec<String> {
    let name = format!("{database}-{}", question[0]);
    let mut command = server.command(sandbox, database, question);
    command.env("DMARCSTAT_DB", format!("{}?application_name={name}", server.url("postgres", database)));
    let before = server.log().len();
    let ran = Ran::of(command);
    assert!([0, 4].contains(&ran.status), "{ran}");
    let log = server.log();
    let own = log[before..].lines().filter(|line| line.starts_with(&name) && line.contains(" LOG:"));
    own.map(|line| line.split(" LOG:").last().unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn a_question_makes_no_more_round_trips_where_there_are_a_hundred_times_as_many_tls_reports() {
    let Some(server) = shared() else { return };
    let databases = [1, 100].map(|times| {
        let (sandbox, database) = (Sandbox::new(), server.database());
        let orgs = ["posthorn.example", "mailhaven.example", "brieftaube.example"];
        let kinds = ["certificate-expired", "starttls-not-supported", "validation-failure"];
        for (number, (org, kind)) in orgs.into_iter().zip(kinds).cycle().take(3 * times).enumerate() {
            let tls = Tls::of(org, 29 - number as i64 / 3).fails(kind, "mx1.example.com", 3);
            let tls = tls.fails("certificate-host-mismatch", "mx2.example.com", 1);
            sandbox.write(&format!("reports/{number}.json"), tls.json());
        }
        let reports = sandbox.path("reports").display().to_string();
        server.ask(&sandbox, &database, &["ingest", &sample(), &reports]);
        let stored = server.sql(&database, "SELECT COUNT(*) FROM tls_report").unwrap();
        assert_eq!(stored, (2 + 3 * times).to_string(), "those of the sample, and those made here");
        (sandbox, database)
    });
    for question in [
        &["tls", "--since", "all"][..],
        &["tls", "--since", "all", "--reports"],
        &["changes", "--since", "7d"],
        &["unsigned", "--since", "all"],
        &["readiness", "--all"],
        &["digest"],
        &["metrics"],
        &["check", "--deep"],
        &["site", "site"],
    ] {
        let dated = if question[0] == "check" { &[][..] } else { &DAY[..] };
        let question = [question, dated].concat();
        let [few, many] = databases.each_ref().map(|(sandbox, name)| statements(server, sandbox, name, &question));
        assert!(!few.is_empty(), "{question:?} asked nothing");
        assert_eq!(few.len(), many.len(), "{question:?}\n{}\n\n{}", few.join("\n"), many.join("\n"));
    }
}
