//! `dmarcstat metrics`: the text format of Prometheus, and figures that agree with the other answers.

use std::collections::{BTreeMap, BTreeSet};

use crate::harness::{Ran, Sandbox, fixture};
use crate::make::{DKIM_AND_SPF, Report, gzip, record};

/// A sample: name, labels, value.
type Sample = (String, BTreeMap<String, String>, f64);

/// Reads the text format (version 0.0.4), strictly: every sample follows the HELP and TYPE of its name, none is there twice.
fn samples(text: &str) -> Vec<Sample> {
    assert!(text.ends_with('\n'), "the last line ends too");
    let (mut found, mut seen, mut families, mut current) =
        (Vec::new(), BTreeSet::new(), BTreeSet::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("a help text");
            assert!(!words.is_empty() && families.insert(name.to_owned()), "{line}");
            assert_eq!(lines.next(), Some(format!("# TYPE {name} gauge").as_str()));
            current = name.to_owned();
            continue;
        }
        assert!(seen.insert(line.rsplit_once(' ').expect("a value").0.to_owned()), "twice: {line}");
        let (name, labels, value) = sample(line);
        assert_eq!(name, current, "{line}");
        found.push((name, labels, value.parse().unwrap_or_else(|_| panic!("no number: {line}"))));
    }
    found
}

/// The parts of a line, with what is escaped in labels as it was meant.
fn sample(line: &str) -> (String, BTreeMap<String, String>, &str) {
    let end = line.find(['{', ' ']).expect("the end of the name");
    let (name, mut rest) = line.split_at(end);
    assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{line}");
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        let mut inner = inner;
        while let Some((key, after)) = inner.split_once("=\"") {
            let (mut value, mut chars) = (String::new(), after.char_indices());
            let end = loop {
                match chars.next().expect("the end of a label") {
                    (_, '\\') => value.push(chars.next().expect("what is escaped").1),
                    (at, '"') => break at,
                    (_, c) => value.push(c),
                }
            };
            labels.insert(key.trim_start_matches(',').to_owned(), value);
            inner = &after[end + 1..];
        }
        rest = inner.strip_prefix('}').expect("the end of the labels");
    }
    (name.to_owned(), labels, rest.strip_prefix(' ').expect("a space"))
}

fn value(samples: &[Sample], name: &str, label: &str) -> f64 {
    let mut fitting =
        samples.iter().filter(|one| one.0 == name && (label.is_empty() || one.1.values().any(|v| v == label)));
    let found = fitting.next().unwrap_or_else(|| panic!("no {name} of {label:?}"));
    assert!(fitting.next().is_none(), "several {name}");
    found.2
}

/// A day on which no reports came for a while, which is a finding.
const WINDOW: [&str; 4] = ["--as-of", "2026-12-01", "--since", "60d"];

fn asked(sandbox: &Sandbox, command: &str, more: &[&str]) -> Ran {
    let mailbox = fixture("mailbox").display().to_string();
    let base = [command, "--input", &mailbox];
    sandbox.run(base.iter().chain(&WINDOW).chain(more)).exits(0)
}

#[test]
fn figures_are_those_of_the_other_answers() {
    let sandbox = Sandbox::new();
    let found = samples(asked(&sandbox, "metrics", &[]).text());
    let answer = asked(&sandbox, "sources", &["--json"]).json();
    for domain in answer["domains"].as_array().unwrap() {
        let name = domain["domain"].as_str().unwrap();
        let figure = |key: &str| domain[key].as_f64().unwrap();
        for (metric, key) in [
            ("dmarcstat_domain_messages", "messages"),
            ("dmarcstat_domain_dmarc_pass_messages", "dmarc_pass"),
            ("dmarcstat_domain_dkim_aligned_messages", "dkim_aligned"),
            ("dmarcstat_domain_spf_aligned_messages", "spf_aligned"),
            ("dmarcstat_domain_reports", "reports"),
            ("dmarcstat_domain_reporters", "reporters"),
        ] {
            assert_eq!(value(&found, metric, name), figure(key), "{metric} of {name}");
        }
        let share = value(&found, "dmarcstat_domain_dmarc_pass_ratio", name);
        assert!((share - figure("dmarc_pass") / figure("messages")).abs() < 1e-9);
    }
    // Every message of every path is under some role and class, and under those of its path.
    let mut expected: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for path in answer["paths"].as_array().unwrap() {
        let key = (path["role"].as_str().unwrap(), path["class"].as_str().unwrap());
        *expected.entry(key).or_default() += path["messages"].as_f64().unwrap();
    }
    let mut sums: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for (_, labels, messages) in found.iter().filter(|one| one.0 == "dmarcstat_messages") {
        assert_eq!(labels.len(), 3);
        *sums.entry((&labels["role"], &labels["class"])).or_default() += messages;
    }
    assert_eq!(sums, expected);
    let all: f64 = found.iter().filter(|one| one.0 == "dmarcstat_domain_messages").map(|one| one.2).sum();
    assert_eq!(sums.values().sum::<f64>(), all);
    let findings: BTreeSet<(String, String, String)> = answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| ["domain", "code", "severity"].map(|key| one[key].as_str().unwrap().to_owned()).into())
        .collect();
    let told = found.iter().filter(|one| one.0 == "dmarcstat_findings");
    let told = told.map(|one| ["domain", "code", "severity"].map(|key| one.1[key].clone()).into());
    assert!(findings.iter().any(|one| one.1 == "no_reports"), "{findings:?}");
    assert_eq!(told.collect::<BTreeSet<_>>(), findings);
    let newest = answer["newest_report"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(value(&found, "dmarcstat_newest_report_timestamp_seconds", ""), newest.as_second() as f64);
}

#[test]
fn every_metric_is_documented() {
    let sandbox = Sandbox::new();
    sandbox.write("good.xml", Report::new("good").xml());
    sandbox.run(["ingest", "good.xml"]).exits(0);
    sandbox.write("c.toml", account("127.0.0.1"));
    let ran = sandbox.run(["metrics", "--since", "all", "--config", "c.toml"]).exits(0);
    // By their HELP: of some there is no sample here.
    samples(ran.text());
    let helps = ran.text().lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next());
    let written: BTreeSet<String> = helps.map(str::to_owned).collect();
    let page =
        std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `dmarcstat_"));
    let names = rows.flat_map(|row| row.split('|').nth(1).unwrap_or("").split('`').skip(1).step_by(2));
    assert_eq!(written, names.map(str::to_owned).collect());
    for word in
        page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("dmarcstat_"))
    {
        assert!(written.contains(word), "docs/metrics.md speaks of {word}");
    }
}

fn account(host: &str) -> String {
    // Nobody listens on port 1.
    format!("[[account]]\nname = \"rua\"\nhost = \"{host}\"\nport = 1\nuser = \"a@b.example\"\npassword_env = \"PW\"\n")
}

#[test]
fn what_is_wrong_shows() {
    let sandbox = Sandbox::new();
    sandbox.run(["metrics"]).exits(1).says("no database");
    sandbox.write("c.toml", account("127.0.0.1"));
    let metrics = || samples(sandbox.run(["metrics", "--config", "c.toml", "--since", "all"]).exits(0).text());
    // A fetch makes the database, and fails.
    let mut fetch = sandbox.command(["fetch", "--retries", "0", "--config", "c.toml"]);
    fetch.env("PW", "secret");
    Ran::of(fetch).exits(1);
    let found = metrics();
    assert_eq!(value(&found, "dmarcstat_fetch_success", "rua"), 0.0);
    assert_eq!(value(&found, "dmarcstat_fetch_last_success_timestamp_seconds", "rua"), 0.0);
    let failed = value(&found, "dmarcstat_fetch_last_error_timestamp_seconds", "rua");
    assert!(failed > 1.7e9 && value(&found, "dmarcstat_fetch_last_run_timestamp_seconds", "rua") >= failed);
    assert_eq!(value(&found, "dmarcstat_newest_report_timestamp_seconds", ""), 0.0, "and no reports are no error here");
    assert_eq!(value(&found, "dmarcstat_quarantine_entries", ""), 0.0);
    let cut = gzip(Report::new("cut").xml());
    sandbox.write("cut.xml.gz", &cut[..cut.len() - 20]);
    sandbox.run(["ingest", "cut.xml.gz"]).exits(3);
    assert_eq!(value(&metrics(), "dmarcstat_quarantine_entries", ""), 1.0);
}

#[test]
fn nothing_in_a_report_gets_out_of_a_label() {
    let sandbox = Sandbox::new();
    let evil = "a\"} 1\\b.example";
    let report =
        Report::new("evil").domain("x\" y\\z.example").records(vec![record("192.0.2.1", 3, evil, DKIM_AND_SPF)]);
    sandbox.write("evil.xml", report.xml());
    sandbox.run(["ingest", "evil.xml"]).exits(0);
    let ran = sandbox.run(["metrics", "--since", "all"]).exits(0);
    let found = samples(ran.text());
    assert_eq!(value(&found, "dmarcstat_domain_messages", "x\" y\\z.example"), 3.0, "{ran}");
}

#[test]
fn domains_are_bounded() {
    let sandbox = Sandbox::new();
    for number in 0..1100 {
        let report = Report::new(&format!("r{number}")).domain(&format!("d{number}.example"));
        let records = vec![record("192.0.2.1", if number == 7 { 900 } else { 1 }, &format!("d{number}.example"), "")];
        sandbox.write(&format!("in/{number}.xml"), report.records(records).xml());
    }
    sandbox.run(["ingest", "in"]).exits(0);
    let found = samples(sandbox.run(["metrics", "--since", "all"]).exits(0).text());
    assert_eq!(value(&found, "dmarcstat_domains", ""), 1100.0);
    assert_eq!(found.iter().filter(|one| one.0 == "dmarcstat_domain_messages").count(), 1000);
    assert_eq!(value(&found, "dmarcstat_domain_messages", "d7.example"), 900.0);
}

#[test]
fn a_file_is_replaced_whole() {
    let sandbox = Sandbox::new();
    sandbox.write("good.xml", Report::new("good").xml());
    sandbox.run(["ingest", "good.xml"]).exits(0);
    sandbox.write("d.prom", "");
    sandbox.run(["metrics", "-o", "d.prom"]).exits(0);
    let ran = sandbox.run(["metrics", "--since", "all", "-o", "d.prom"]).exits(0);
    assert!(ran.stdout.is_empty());
    assert!(samples(&std::fs::read_to_string(sandbox.path("d.prom")).unwrap()).len() > 15);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(sandbox.path("d.prom")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }
    assert_eq!(std::fs::read_dir(sandbox.work()).unwrap().count(), 2, "nothing is left beside it");
    sandbox.run(["metrics", "-o", "gone/d.prom"]).exits(1).says("gone/d.prom");
    sandbox.run(["metrics", "--json"]).exits(2).says("Prometheus");
}
