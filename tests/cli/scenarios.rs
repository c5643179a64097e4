//! Situations in a few lines each, in `tests/cli/scenarios/`: who sends what, and what the program must answer. The reports are made
//! here, the questions asked of the program itself. `CONTRIBUTING.md` says how to add one.

mod mails;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use dmarcstat::cause::Cause;
use dmarcstat::diagnosis::FindingCode;
use dmarcstat::role::Role;
use serde::Deserialize;
use serde_json::Value;

use self::mails::{Mail, Policy, REPORTERS, Reporter, many, words};
use crate::harness::{Sandbox, files_of};
use crate::make::{DAY, OCTOBER};

/// A file of the folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// What happens, in a sentence.
    about: String,
    /// Day 1 is 2026-10-01; the answer is asked for on the day after the last.
    #[serde(default = "a_month")]
    days: i64,
    /// How many of the last days are asked about, where it is not all.
    window: Option<i64>,
    #[serde(default = "example_com")]
    domain: String,
    /// The configuration.
    #[serde(default)]
    config: String,
    /// The names that reporters give themselves, where they are others.
    #[serde(default)]
    names: BTreeMap<String, String>,
    #[serde(default)]
    policy: Vec<Policy>,
    mail: Vec<Mail>,
    expect: Expect,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// All paths of `sources`, no others: `from`, sender, role, class, cause, since; `-` for none.
    paths: Vec<String>,
    /// By sender what its path must say, in its notes or its remedy.
    #[serde(default)]
    says: BTreeMap<String, String>,
    /// Selectors and their states, as `selectors` tells them; others are not asked about.
    #[serde(default)]
    selectors: BTreeMap<String, String>,
    /// What `changes` of the last seven days must say, each of one change: kind, then words that are in it.
    #[serde(default)]
    changes: Vec<String>,
    /// The codes of the domain's findings, in any order.
    #[serde(default)]
    findings: BTreeSet<String>,
    verdict: String,
    /// The decisions of `readiness`: how many senders each is about, the largest first.
    decisions: Option<Vec<usize>>,
}

fn a_month() -> i64 {
    30
}

fn example_com() -> String {
    "example.com".to_owned()
}

impl Scenario {
    fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// The reports of one reporter on one day, one a domain that it tells of.
    fn reports(&self, reporter: &Reporter, day: i64) -> Vec<String> {
        let fits: Vec<&Mail> = self.mail.iter().filter(|mail| mail.fits(day, reporter)).collect();
        let about = |mail: &Mail| mail.about.clone().unwrap_or_else(|| self.domain.clone());
        let domains: BTreeSet<String> = fits.iter().map(|mail| about(mail)).collect();
        let begin = OCTOBER + (day - 1) * DAY;
        let report = |domain: &String| {
            let record = self.policy.iter().rfind(|policy| policy.fits(day, reporter)).map_or("", |one| &one.record);
            let mut policy = BTreeMap::from([("p", "none"), ("adkim", "r"), ("aspf", "r"), ("pct", "100")]);
            policy.extend(words(record).into_iter().filter_map(|tag| tag.split_once('=')));
            let host = reporter.name;
            let name = self.names.get(host).map_or(host, String::as_str);
            let mut xml = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feedback><version>1.0</version><report_metadata><org_name>{name}\
                 </org_name><email>dmarc@{host}</email><report_id>{host}-{domain}-{day}</report_id><date_range><begin>{begin}\
                 </begin><end>{}</end></date_range></report_metadata><policy_published><domain>{domain}</domain>",
                begin + DAY - 1
            );
            policy.iter().for_each(|(tag, value)| {
                let _ = write!(xml, "<{tag}>{value}</{tag}>");
            });
            xml.push_str("</policy_published>\n");
            let of_it = fits.iter().filter(|mail| about(mail) == *domain);
            of_it.for_each(|mail| mail.records(&self.domain, reporter, &policy, &mut xml));
            xml.push_str("</feedback>\n");
            xml
        };
        domains.iter().map(report).collect()
    }

    /// All its files: the configuration, and the reports in a folder.
    fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![("config.toml".to_owned(), self.config.clone())];
        for (day, reporter) in (1..=self.days).flat_map(|day| REPORTERS.iter().map(move |reporter| (day, reporter))) {
            for (number, report) in self.reports(reporter, day).into_iter().enumerate() {
                files.push((format!("reports/{day:02}-{}-{number}.xml", reporter.name), report));
            }
        }
        files
    }

    fn keep(&self, file: &Path) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/scenarios").join(file.file_stem().unwrap());
        std::fs::create_dir_all(folder.join("reports")).unwrap();
        self.files().iter().for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
    }

    /// A sandbox with its reports.
    fn sandbox(&self) -> Sandbox {
        let sandbox = Sandbox::new();
        for (name, text) in self.files() {
            sandbox.write(&name, text);
        }
        sandbox.run(["ingest", "--config", "config.toml", "reports"]).exits(0);
        sandbox
    }

    /// What is otherwise than expected.
    fn differences(&self) -> String {
        let sandbox = self.sandbox();
        let today = date(self.days);
        let since = self.window.map_or_else(|| date(0), |window| date(self.days - window));
        let ask = |command: &[&str]| {
            let more = ["--format", "json", "--config", "config.toml", "--as-of", &today, "--since", &since];
            sandbox.run(command.iter().chain(&more)).json()
        };
        let sources = ask(&["sources"]);
        let unsigned = ask(&["unsigned"]);
        let review = ask(&["readiness", &self.domain]);
        let mut differs = String::new();
        let mut compare = |what: &str, expected: BTreeSet<String>, answered: BTreeSet<String>| {
            expected.difference(&answered).for_each(|one| {
                let _ = writeln!(differs, "  {what} expected: {one}");
            });
            answered.difference(&expected).for_each(|one| {
                let _ = writeln!(differs, "  {what} answered: {one}");
            });
        };
        let expected: BTreeSet<String> =
            self.expect.paths.iter().flat_map(|path| many(path)).map(|path| columns(&path).join(" | ")).collect();
        let paths = sources["paths"].as_array().unwrap();
        compare("path", expected, paths.iter().map(|path| row(path).join(" | ")).collect());
        let listed: BTreeSet<String> =
            unsigned["paths"].as_array().unwrap().iter().map(|path| row(path).join(" | ")).collect();
        for (sender, words) in &self.expect.says {
            let of = |path: &&Value| path["sender"] == sender.as_str();
            let told =
                paths.iter().filter(of).any(|path| format!("{}{}", path["notes"], path["remedy"]).contains(words));
            compare("words", BTreeSet::from([words.clone()]), told.then(|| words.clone()).into_iter().collect());
        }
        if !self.expect.selectors.is_empty() {
            let answer = ask(&["selectors"]);
            for (selector, state) in &self.expect.selectors {
                let of = |key: &&Value| key["selector"] == selector.as_str();
                let answered = answer["selectors"].as_array().unwrap().iter().filter(of);
                let answered = answered.map(|key| format!("{selector} {}", key["state"].as_str().unwrap())).collect();
                compare("selector", BTreeSet::from([format!("{selector} {state}")]), answered);
            }
        }
        if !self.expect.changes.is_empty() {
            let more = ["--format", "json", "--config", "config.toml", "--as-of", &today, "--since", "7d"];
            let changes = sandbox.run(["changes"].iter().chain(&more)).json();
            let told: Vec<String> = changes["changes"].as_array().unwrap().iter().map(told).collect();
            for words in &self.expect.changes {
                let fits = |told: &&String| words.split(" … ").all(|part| told.contains(part));
                let answered = told.iter().find(fits).map_or_else(|| told.join("; "), |_| words.clone());
                compare("change", BTreeSet::from([words.clone()]), BTreeSet::from([answered]));
            }
        }
        let needs_work = |path: &&Value| {
            let is = |key: &str, some: &[&str]| path[key].as_str().is_some_and(|one| some.contains(&one));
            is("role", &["own", "approved", "service"])
                && (is("class", &["intermittent", "unaligned", "broken", "unsigned"])
                    || is("cause", &["some_machines"])
                    // The body of mail from some machines is changed, whatever their share.
                    || is("cause", &["changed_in_transit"])
                        && path["evidence"]["cause"]["addresses"].as_array().is_some_and(|all| !all.is_empty()))
        };
        compare("unsigned", paths.iter().filter(needs_work).map(|path| row(path).join(" | ")).collect(), listed);
        for (what, answer) in [("finding of sources", &sources), ("finding of unsigned", &unsigned)] {
            let codes = answer["findings"].as_array().unwrap().iter();
            let codes = codes.map(|one| one["code"].as_str().unwrap().to_owned()).collect();
            compare(what, self.expect.findings.clone(), codes);
        }
        let one = |text: &str| BTreeSet::from([text.to_owned()]);
        if let Some(expected) = &self.expect.decisions {
            let senders = |decision: &Value| decision["together"].as_array().map_or(0, Vec::len).max(1);
            let answered: Vec<usize> = review["decisions"].as_array().unwrap().iter().map(senders).collect();
            compare("decisions", one(&format!("{expected:?}")), one(&format!("{answered:?}")));
        }
        compare("verdict", one(&self.expect.verdict), one(review["verdict"].as_str().unwrap_or("none")));
        differs
    }
}

/// A change in a line: kind, name, words, and the day.
fn told(change: &Value) -> String {
    let text = |key: &str| change[key].as_str().unwrap_or("-").to_owned();
    ["kind", "name", "text", "since"].map(text).join(" | ")
}

/// The day that lies a number of days after 2026-09-30: the first after the last, on which it is asked.
fn date(days: i64) -> String {
    let date =
        jiff::Timestamp::from_second(OCTOBER + days * DAY).unwrap().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    date.to_string()
}

fn columns(line: &str) -> Vec<String> {
    line.split('|').map(|column| column.trim().to_owned()).collect()
}

/// A path of an answer as it stands in a scenario.
fn row(path: &Value) -> Vec<String> {
    let text = |key: &str| path[key].as_str().unwrap_or("-").to_owned();
    ["domain", "sender", "role", "class", "cause", "since"].map(text).to_vec()
}

fn files() -> Vec<PathBuf> {
    let files = files_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/scenarios"));
    files.into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "toml")).collect()
}

/// Only the files whose names contain `DMARCSTAT_SCENARIO`, where it is set; their reports and configuration are then kept in
/// `target/scenarios/`, to look at the answers.
#[test]
fn every_scenario_is_answered_as_it_should_be() {
    let asked = std::env::var("DMARCSTAT_SCENARIO").unwrap_or_default();
    let files: Vec<PathBuf> =
        files().into_iter().filter(|file| file.to_str().is_some_and(|name| name.contains(&asked))).collect();
    assert!(!files.is_empty(), "no scenario is called so");
    let next = std::sync::atomic::AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(4) {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let scenario = Scenario::read(file);
                    if !asked.is_empty() {
                        scenario.keep(file);
                    }
                    let differs = scenario.differences();
                    if !differs.is_empty() {
                        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
                        wrong.lock().unwrap().insert(name, format!("{}\n{differs}", scenario.about));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    let told: String = wrong.iter().map(|(name, text)| format!("{name}: {text}")).collect();
    assert!(wrong.is_empty(), "{} of {} scenarios are answered otherwise\n{told}", wrong.len(), files.len());
}

#[test]
fn every_role_cause_and_finding_has_a_scenario() {
    let scenarios: Vec<Scenario> = files().iter().map(|file| Scenario::read(file)).collect();
    let paths = || scenarios.iter().flat_map(|one| &one.expect.paths);
    let in_column = |number: usize| paths().map(|path| columns(path)[number].clone()).collect::<BTreeSet<String>>();
    let (roles, causes) = (in_column(2), in_column(4));
    let findings: BTreeSet<&String> = scenarios.iter().flat_map(|one| &one.expect.findings).collect();
    let verdicts: BTreeSet<&str> = scenarios.iter().map(|one| one.expect.verdict.as_str()).collect();
    let roles_without = Role::ALL.iter().map(|role| role.as_str()).filter(|role| !roles.contains(*role));
    let causes_without = Cause::ALL.iter().map(|cause| cause.as_str()).filter(|cause| !causes.contains(*cause));
    let findings_without =
        FindingCode::ALL.iter().map(|code| code.as_str()).filter(|code| !findings.iter().any(|found| found == code));
    let missing: Vec<&str> = roles_without.chain(causes_without).chain(findings_without).collect();
    assert!(missing.is_empty(), "no scenario has {missing:?}");
    assert_eq!(verdicts.into_iter().collect::<Vec<_>>(), ["not-enough-data", "not-ready", "ready", "undecided"]);
}
