//! Situations in a few lines each, in `tests/cli/scenarios/`: who sends what, and what the program must answer. The reports are made
//! here, the questions asked of the program itself. `CONTRIBUTING.md` says how to add one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use dmarcstat::cause::Cause;
use dmarcstat::diagnosis::FindingCode;
use dmarcstat::finding::Code as _;
use dmarcstat::role::Role;
use serde::Deserialize;
use serde_json::Value;

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
    /// Only so many of the last days are asked about.
    window: Option<i64>,
    #[serde(default = "example_com")]
    domain: String,
    /// The configuration.
    #[serde(default)]
    config: String,
    #[serde(default)]
    policy: Vec<Policy>,
    mail: Vec<Mail>,
    expect: Expect,
}

/// What is published; of several that fit, the last.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    /// `p=none adkim=s`.
    record: String,
    #[serde(default)]
    days: Days,
    #[serde(default)]
    at: Vec<String>,
}

/// The same mail at each reporter on each day.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mail {
    /// The addresses; each sends `count`. `203.0.*.9 x 30`: thirty networks.
    ip: Vec<String>,
    #[serde(default = "ten")]
    count: u64,
    /// Header From, where it is not the domain.
    from: Option<String>,
    /// The reverse-path's domain and its result: `example.com pass`. With `null`, the name in HELO.
    #[serde(default)]
    spf: String,
    /// The reverse-path is empty.
    #[serde(default)]
    null: bool,
    /// `d= s= result`, and what is written beside it.
    #[serde(default)]
    dkim: Vec<String>,
    /// The reason for which receivers spared it.
    spared: Option<String>,
    #[serde(default)]
    days: Days,
    /// Only these reporters see it.
    #[serde(default)]
    at: Vec<String>,
    /// The domain that the reports are about, where it is another.
    about: Option<String>,
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
}

/// `3-5`, `8-`, `-4`, `9`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Days(i64, i64);

impl Default for Days {
    fn default() -> Self {
        Days(1, i64::MAX)
    }
}

impl TryFrom<String> for Days {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let day = |text: &str, without: i64| if text.is_empty() { Ok(without) } else { text.trim().parse() };
        match text.split_once('-') {
            Some((first, last)) => Ok(Days(day(first, 1)?, day(last, i64::MAX)?)),
            None => text.trim().parse().map(|only| Days(only, only)),
        }
    }
}

impl Days {
    fn has(self, day: i64) -> bool {
        (self.0..=self.1).contains(&day)
    }
}

fn a_month() -> i64 {
    30
}

fn ten() -> u64 {
    10
}

fn example_com() -> String {
    "example.com".to_owned()
}

/// A reporter, with what it leaves out.
struct Reporter {
    name: &'static str,
    writes_envelopes: bool,
    /// And not `fail` for everything.
    tells_failures: bool,
    writes_selectors: bool,
}

const PLAIN: Reporter =
    Reporter { name: "plain.example", writes_envelopes: true, tells_failures: true, writes_selectors: true };
const REPORTERS: [Reporter; 5] = [
    PLAIN,
    Reporter { name: "second.example", ..PLAIN },
    Reporter { name: "no-envelopes.example", writes_envelopes: false, ..PLAIN },
    Reporter { name: "only-fail.example", tells_failures: false, ..PLAIN },
    Reporter { name: "no-selectors.example", writes_selectors: false, ..PLAIN },
];

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// `203.0.*.9 x 30`: the numbers from 1 to 30 in place of the star.
fn many(text: &str) -> Vec<String> {
    match text.split_once(" x ") {
        Some((pattern, number)) => {
            let number: u32 = number.trim().parse().expect("how many");
            (1..=number).map(|at| pattern.replace('*', &at.to_string())).collect()
        }
        None => vec![text.to_owned()],
    }
}

impl Policy {
    fn fits(&self, day: i64, reporter: &Reporter) -> bool {
        self.days.has(day) && (self.at.is_empty() || self.at.iter().any(|name| name == reporter.name))
    }
}

impl Mail {
    fn fits(&self, day: i64, reporter: &Reporter) -> bool {
        self.days.has(day) && (self.at.is_empty() || self.at.iter().any(|name| name == reporter.name))
    }

    /// The records of one reporter on one day, evaluated by the published mode.
    fn records(&self, domain: &str, reporter: &Reporter, policy: &BTreeMap<&str, &str>, xml: &mut String) {
        let from = self.from.as_deref().unwrap_or(domain);
        // The domain of a scenario is its organizational domain.
        let organization = self.about.as_deref().unwrap_or(domain);
        let aligned = |name: &str, tag: &str| match policy.get(tag) {
            Some(&"s") => name == from,
            _ => name == organization || name.ends_with(&format!(".{organization}")),
        };
        let result = |result: &str| match result {
            "pass" | "none" => result.to_owned(),
            other => (if reporter.tells_failures { other } else { "fail" }).to_owned(),
        };
        let (mut dkim_passes, mut auth) = (false, String::new());
        for signature in &self.dkim {
            let parts: Vec<&str> = signature.splitn(4, ' ').collect();
            let [name, selector, verdict] = parts[..3] else { panic!("d= s= result: {signature:?}") };
            dkim_passes |= verdict == "pass" && aligned(name, "adkim");
            let _ = write!(auth, "<dkim><domain>{name}</domain>");
            if reporter.writes_selectors {
                let _ = write!(auth, "<selector>{selector}</selector>");
            }
            let _ = write!(auth, "<result>{}</result>", result(verdict));
            if let Some(text) = parts.get(3).filter(|_| reporter.tells_failures) {
                let _ = write!(auth, "<human_result>{text}</human_result>");
            }
            auth.push_str("</dkim>");
        }
        let (name, verdict) = self.spf.split_once(' ').unwrap_or(("", "none"));
        let spf_passes = verdict == "pass" && aligned(name, "aspf") && (!self.null || name == from);
        let _ = write!(auth, "<spf><domain>{name}</domain>");
        if reporter.writes_envelopes {
            let _ = write!(auth, "<scope>{}</scope>", if self.null { "helo" } else { "mfrom" });
        }
        // Who calls every failure `fail` does so of SPF too, but for what it could not evaluate.
        let _ = write!(auth, "<result>{verdict}</result></spf>");
        let envelope = match (reporter.writes_envelopes, self.null) {
            (false, _) => String::new(),
            (true, true) => "<envelope_from></envelope_from>".to_owned(),
            (true, false) => format!("<envelope_from>{name}</envelope_from>"),
        };
        let word = |passes: bool| if passes { "pass" } else { "fail" };
        let spared =
            self.spared.as_ref().map_or_else(String::new, |kind| format!("<reason><type>{kind}</type></reason>"));
        let wanted = policy.get("p").copied().unwrap_or("none");
        let disposition = if dkim_passes || spf_passes || !spared.is_empty() { "none" } else { wanted };
        for address in self.ip.iter().flat_map(|text| many(text)) {
            let _ = writeln!(
                xml,
                "<record><row><source_ip>{address}</source_ip><count>{}</count><policy_evaluated><disposition>{disposition}\
                 </disposition><dkim>{}</dkim><spf>{}</spf>{spared}</policy_evaluated></row><identifiers>{envelope}\
                 <header_from>{from}</header_from></identifiers><auth_results>{auth}</auth_results></record>",
                self.count,
                word(dkim_passes),
                word(spf_passes),
            );
        }
    }
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
            let name = reporter.name;
            let mut xml = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feedback><version>1.0</version><report_metadata><org_name>{name}\
                 </org_name><email>dmarc@{name}</email><report_id>{name}-{domain}-{day}</report_id><date_range><begin>{begin}\
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
                    || is("cause", &["some_machines"]))
        };
        compare("unsigned", paths.iter().filter(needs_work).map(|path| row(path).join(" | ")).collect(), listed);
        for (what, answer) in [("finding of sources", &sources), ("finding of unsigned", &unsigned)] {
            let codes = answer["findings"].as_array().unwrap().iter();
            let codes = codes.map(|one| one["code"].as_str().unwrap().to_owned()).collect();
            compare(what, self.expect.findings.clone(), codes);
        }
        let one = |text: &str| BTreeSet::from([text.to_owned()]);
        compare("verdict", one(&self.expect.verdict), one(review["verdict"].as_str().unwrap_or("none")));
        differs
    }
}

/// A change in a line: kind, name, words, and the day.
fn told(change: &Value) -> String {
    let text = |key: &str| change[key].as_str().unwrap_or("-").to_owned();
    ["kind", "name", "text", "since"].map(text).join(" | ")
}

/// So many days after 2026-09-30, as the day it is asked on: the first after the last.
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
    files_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/scenarios"))
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
