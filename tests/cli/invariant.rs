//! Nothing that is put in gets lost, nothing is counted twice, and order does not matter: for random selections of the
//! fixtures, in random order, as files, in folders and in an mbox.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use proptest::prelude::*;
use serde_json::Value;

use crate::dump;
use crate::harness::{Ran, Sandbox, append_to_mbox, cases, quirk_folders, quirk_inputs, sample_mails};
use crate::make::Report;

/// What there is to choose from: the inputs of all quirks, and some mails of the sample mailbox.
static FILES: LazyLock<Vec<PathBuf>> = LazyLock::new(|| {
    let quirks = quirk_folders().into_iter().flat_map(|folder| quirk_inputs(&folder));
    quirks.chain(sample_mails().into_iter().step_by(12)).collect()
});

/// Where a chosen file is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Named on the command line.
    Alone,
    /// In a folder, with others.
    Folder,
    /// In the mbox, when it is a mail, else as `Alone`.
    Mbox,
}

/// A file, where it is put, and its place in the second order of arrival.
#[derive(Debug, Clone, Copy)]
struct Choice {
    file: usize,
    place: Place,
    rank: u32,
}

fn choices() -> impl Strategy<Value = Vec<Choice>> {
    let place = prop_oneof![Just(Place::Alone), Just(Place::Folder), Just(Place::Mbox)];
    // Neighbours among the files are variants of each other, which clash in more interesting ways than others do.
    let near = (0..FILES.len(), 0..FILES.len(), any::<bool>(), 0_usize..6);
    let file = near.prop_map(|(base, other, stay, step)| if stay { (base + step) % FILES.len() } else { other });
    let choice = (file, place, any::<u32>()).prop_map(|(file, place, rank)| Choice { file, place, rank });
    let loose = prop::collection::vec(choice.clone(), 1..12);
    let cluster = (0..FILES.len(), prop::collection::vec((0_usize..5, choice), 2..8)).prop_map(|(base, steps)| {
        steps.into_iter().map(|(step, choice)| Choice { file: (base + step) % FILES.len(), ..choice }).collect()
    });
    prop_oneof![loose, cluster]
}

/// The figures of a run that add up over inputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Figures {
    inputs: u64,
    mails: u64,
    reports: u64,
    other: u64,
    quarantined: u64,
    failed: u64,
}

impl Figures {
    fn of(answer: &Value) -> Self {
        let sum = |key: &str| {
            let values = answer[key].as_object().expect("an object").values();
            values.map(|value| value.as_u64().expect("a count")).sum()
        };
        let length = |key: &str| answer[key].as_array().expect("a list").len() as u64;
        Figures {
            inputs: answer["inputs"].as_u64().expect("a count"),
            mails: answer["mails"].as_u64().expect("a count"),
            reports: sum("reports"),
            other: sum("other"),
            quarantined: length("quarantined"),
            failed: length("failed"),
        }
    }

    fn plus(self, other: Figures) -> Figures {
        Figures {
            inputs: self.inputs + other.inputs,
            mails: self.mails + other.mails,
            reports: self.reports + other.reports,
            other: self.other + other.other,
            quarantined: self.quarantined + other.quarantined,
            failed: self.failed + other.failed,
        }
    }

    fn ends(self) -> u64 {
        self.reports + self.other + self.quarantined + self.failed
    }
}

/// The figures of one file alone in a fresh database.
fn alone(file: usize) -> Figures {
    static KNOWN: LazyLock<Mutex<HashMap<usize, Figures>>> = LazyLock::new(Mutex::default);
    if let Some(known) = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&file) {
        return *known;
    }
    let (answer, status) = Sandbox::new().ingest(&[&FILES[file]]);
    let figures = Figures::of(&answer);
    assert!([0, 3].contains(&status), "{}: status {status}", FILES[file].display());
    assert!(figures.ends() >= figures.inputs.max(1), "{} ends as nothing: {answer}", FILES[file].display());
    KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(file, figures);
    figures
}

/// Lays the choices out in a sandbox; the paths to give to the program.
fn lay_out(sandbox: &Sandbox, choices: &[Choice], name: &str) -> Vec<PathBuf> {
    let (mut paths, mut mbox) = (Vec::new(), Vec::new());
    let folder = format!("{name}/folder");
    let mut folder_used = false;
    for (number, choice) in choices.iter().enumerate() {
        let file = &FILES[choice.file];
        let bytes = std::fs::read(file).expect("a fixture");
        let figures = alone(choice.file);
        match choice.place {
            Place::Mbox if (figures.mails, figures.inputs) == (1, 1) => append_to_mbox(&mut mbox, &bytes),
            Place::Folder => {
                folder_used = true;
                // The name of a file may be evidence, so it stays.
                let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
                sandbox.write(&format!("{folder}/{number:02}/{name}"), &bytes);
            }
            _ => paths.push(file.clone()),
        }
    }
    if folder_used {
        paths.insert(paths.len() / 2, sandbox.path(&folder));
    }
    if !mbox.is_empty() {
        paths.insert(paths.len() / 3, sandbox.write(&format!("{name}/some.mbox"), &mbox));
    }
    paths
}

fn ask(sandbox: &Sandbox, db: &Path, command: &str) -> Ran {
    let mut asked = sandbox.command([command, "--since", "all", "--format", "json", "--db"]);
    asked.arg(db);
    Ran::of(asked)
}

/// A report that does not name its reporter gets a name from the mail around it, or from its file's. That is no part of
/// its identity, so of two that are the same the first to come gives the name.
fn is_nameless(choice: &Choice) -> bool {
    let path = FILES[choice.file].to_string_lossy().replace('\\', "/");
    path.contains("/d6-nameless") || path.contains("/r15-org-name")
}

/// Which reports there are, and which of them count. Angle brackets around an id are no part of it.
fn counted(sandbox: &Sandbox, db: &Path) -> Vec<String> {
    let ran = ask(sandbox, db, "reports");
    if ran.status == 1 {
        return Vec::new();
    }
    let keys = ["reporter", "report_id", "domain", "begin", "end", "day", "record_count", "messages", "counted"];
    let answer = ran.json();
    let reports = answer["reports"].as_array().expect("a list");
    let mut lines: Vec<String> = reports
        .iter()
        .map(|report| keys.map(|key| report[key].to_string().replace(['<', '>'], "")).join(" "))
        .collect();
    lines.sort();
    lines
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn nothing_is_lost_and_nothing_counts_twice(choices in choices(), gone in prop::bool::weighted(0.2)) {
        let sandbox = Sandbox::new();
        let mut paths = lay_out(&sandbox, &choices, "first");
        let mut expected = choices.iter().map(|choice| alone(choice.file)).fold(Figures::default(), Figures::plus);
        if gone {
            paths.insert(paths.len() / 2, PathBuf::from("not-there.xml"));
            expected = expected.plus(Figures { inputs: 1, failed: 1, ..Figures::default() });
        }
        let db = sandbox.db();
        let first = sandbox.ingest_into(&db, &paths);
        let answer = first.json();
        let figures = Figures::of(&answer);
        prop_assert_eq!(figures, expected, "each input comes to what it comes to alone\n{}", first);
        prop_assert!(figures.ends() >= figures.inputs);
        let fresh = answer["quarantined"].as_array().unwrap().iter().any(|one| one["known"] == false);
        prop_assert_eq!(first.status, if fresh || figures.failed > 0 { 3 } else { 0 }, "{}", first);

        let before = dump::raw(&db);
        let second = sandbox.ingest_into(&db, &paths);
        let again = second.json();
        prop_assert_eq!(Figures::of(&again), figures, "the second run ends alike\n{}", second);
        prop_assert_eq!(again["reports"]["duplicate"].as_u64().unwrap(), figures.reports, "{}", second);
        prop_assert!(again["quarantined"].as_array().unwrap().iter().all(|one| one["known"] == true), "{}", second);
        prop_assert_eq!(second.status, if figures.failed > 0 { 3 } else { 0 }, "{}", second);
        dump::assert_same(&before, &dump::raw(&db), "the database after a second run");
        dump::assert_sound(&db);
    }

    #[test]
    fn order_of_arrival_does_not_matter(mut choices in choices()) {
        choices.retain(|choice| !is_nameless(choice));
        prop_assume!(!choices.is_empty());
        let sandbox = Sandbox::new();
        let mut other = choices.clone();
        other.sort_by_key(|choice| choice.rank);
        let answers: Vec<(String, Vec<String>, Vec<PathBuf>)> = [("first", &choices), ("other", &other)]
            .into_iter()
            .map(|(name, choices)| {
                let db = sandbox.path(&format!("{name}.db"));
                let paths = lay_out(&sandbox, choices, name);
                sandbox.ingest_into(&db, &paths);
                dump::assert_sound(&db);
                (ask(&sandbox, &db, "sources").text().to_owned(), counted(&sandbox, &db), paths)
            })
            .collect();
        prop_assert_eq!(&answers[0].1, &answers[1].1, "which reports count\n{:?}", answers[0].2);
        prop_assert_eq!(&answers[0].0, &answers[1].0, "the answer\n{:?}", answers[0].2);
        let mut direct = sandbox.command(["sources", "--format", "json", "--input"]);
        direct.args(&answers[1].2);
        let direct = Ran::of(direct);
        prop_assert_eq!(direct.text(), &answers[1].0, "from files as from a database");
    }
}

#[test]
fn every_fixture_alone_ends_as_something() {
    for file in 0..FILES.len() {
        alone(file);
    }
}

#[test]
fn of_two_policies_at_once_the_same_is_shown_in_any_order() {
    let sandbox = Sandbox::new();
    sandbox.write("none.xml", Report::new("one").xml());
    sandbox.write("reject.xml", Report::new("two").org("Other").xml().replace("<p>none", "<p>reject"));
    let ask = |files: [&str; 2]| {
        sandbox.run(["sources", "--format", "json", "--input"].into_iter().chain(files)).exits(0).text().to_owned()
    };
    assert_eq!(ask(["none.xml", "reject.xml"]), ask(["reject.xml", "none.xml"]));
}
