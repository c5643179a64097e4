//! The order of the modules, and the tests that enforce it: each uses only those below it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

mod circles;

/// Each module, and the modules it may use, all of them above it in this list. The command line, the last, puts them together.
pub(crate) const LAYERS: &[(&str, &[&str])] = &[
    ("varint", &[]),
    ("uid_set", &[]),
    ("unfinished", &[]),
    ("folders", &[]),
    ("parallel", &[]),
    ("words", &[]),
    ("vocabulary", &[]),
    ("sanitize", &[]),
    ("witness", &[]),
    ("rejection", &["vocabulary"]),
    ("limits", &["rejection"]),
    ("finding", &["vocabulary"]),
    ("tag_list", &[]),
    ("domain", &[]),
    ("reporter", &["domain"]),
    ("role", &["vocabulary"]),
    ("cause", &["vocabulary"]),
    ("secrets", &[]),
    ("certificates", &[]),
    ("http", &[]),
    ("report", &["limits", "rejection", "vocabulary"]),
    ("tls", &["limits", "rejection", "report", "vocabulary"]),
    ("rows", &["report", "varint"]),
    ("mail", &["report"]),
    ("container", &["limits", "mail", "rejection", "report", "tls"]),
    ("oauth", &["certificates", "http", "secrets", "words"]),
    ("dns", &["domain", "finding", "tag_list", "vocabulary", "words"]),
    ("providers", &["cause", "domain", "vocabulary", "words"]),
    ("source", &["certificates", "container", "limits", "mail", "oauth", "secrets", "uid_set", "vocabulary"]),
    ("alignment", &["domain", "report", "varint", "vocabulary"]),
    (
        "store",
        &[
            "alignment",
            "certificates",
            "domain",
            "folders",
            "limits",
            "mail",
            "rejection",
            "report",
            "reporter",
            "rows",
            "tls",
            "uid_set",
            "varint",
            "vocabulary",
            "words",
        ],
    ),
    (
        "ingest",
        &[
            "alignment",
            "container",
            "domain",
            "limits",
            "mail",
            "rejection",
            "report",
            "rows",
            "source",
            "store",
            "tls",
            "words",
        ],
    ),
    ("fetch", &["ingest", "mail", "source", "store", "uid_set"]),
    (
        "query",
        &[
            "alignment",
            "domain",
            "parallel",
            "providers",
            "report",
            "reporter",
            "role",
            "rows",
            "store",
            "vocabulary",
            "witness",
        ],
    ),
    (
        "diagnosis",
        &[
            "alignment",
            "cause",
            "dns",
            "domain",
            "finding",
            "parallel",
            "providers",
            "query",
            "report",
            "reporter",
            "role",
            "sanitize",
            "tls",
            "vocabulary",
            "witness",
            "words",
        ],
    ),
    (
        "inspect",
        &[
            "alignment",
            "container",
            "diagnosis",
            "dns",
            "domain",
            "finding",
            "mail",
            "providers",
            "report",
            "role",
            "tag_list",
            "vocabulary",
        ],
    ),
    ("flat", &["alignment", "diagnosis", "domain", "query", "report", "rows", "sanitize", "store", "words"]),
    ("answer", &["diagnosis", "dns", "domain", "flat", "parallel", "providers", "query", "report", "store"]),
    (
        "render",
        &[
            "alignment",
            "cause",
            "diagnosis",
            "dns",
            "fetch",
            "finding",
            "ingest",
            "inspect",
            "providers",
            "report",
            "role",
            "sanitize",
            "store",
            "vocabulary",
            "words",
        ],
    ),
    ("export", &["flat", "folders", "render", "report", "sanitize", "store", "unfinished", "words"]),
    ("notify", &["http", "report", "secrets", "source", "words"]),
    (
        "config",
        &[
            "diagnosis",
            "domain",
            "folders",
            "limits",
            "notify",
            "oauth",
            "query",
            "reporter",
            "source",
            "store",
            "vocabulary",
        ],
    ),
    (
        "cli",
        &[
            "alignment",
            "answer",
            "config",
            "diagnosis",
            "dns",
            "domain",
            "export",
            "fetch",
            "finding",
            "flat",
            "folders",
            "ingest",
            "inspect",
            "limits",
            "mail",
            "notify",
            "oauth",
            "parallel",
            "providers",
            "query",
            "render",
            "report",
            "reporter",
            "role",
            "sanitize",
            "source",
            "store",
            "tls",
            "unfinished",
            "words",
        ],
    ),
];

/// What is in `src/` and has no place in the order: the front doors, which name all modules, and tests.
const OUTSIDE: [&str; 4] = ["documentation", "lib", "main", "layers"];

/// The files of a folder and of those in it, but for tests.
pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// All sources, by their paths below `src/`.
fn all_sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let read = |path: PathBuf| {
        let file = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        (file, std::fs::read_to_string(path).unwrap())
    };
    files.into_iter().map(read).collect()
}

/// The module at the root of the crate to which a file belongs.
fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// What is wrong about an order of modules, beside the sources.
fn mistakes(layers: &[(&str, &[&str])], files: &[(String, String)]) -> BTreeSet<String> {
    let mut wrong = BTreeSet::new();
    let mut used: BTreeSet<(&str, String)> = BTreeSet::new();
    for (file, text) in files {
        let module = module_of(file);
        let Some((_, allowed)) = layers.iter().find(|(name, _)| *name == module) else {
            if !OUTSIDE.contains(&module) {
                wrong.insert(format!("{module} is not in the list"));
            }
            continue;
        };
        for name in circles::modules_named(text).into_iter().filter(|name| name != module) {
            if !allowed.contains(&name.as_str()) {
                wrong.insert(format!("{module} uses {name} ({file})"));
            }
            used.insert((module, name));
        }
    }
    for (at, (module, allowed)) in layers.iter().enumerate() {
        if !files.iter().any(|(file, _)| module_of(file) == *module) {
            wrong.insert(format!("{module} is in the list and has no file"));
        }
        for &below in *allowed {
            if !layers[..at].iter().any(|(name, _)| *name == below) {
                wrong.insert(format!("{module} may use {below}, which is not above it in the list"));
            }
            if !used.contains(&(*module, below.to_owned())) {
                wrong.insert(format!("{module} may use {below} and does not"));
            }
        }
    }
    wrong
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let wrong = mistakes(LAYERS, &all_sources());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let found = circles::circles(all_sources().into_iter().filter(|(file, _)| file != "main.rs"));
    assert!(found.is_empty(), "files in circles:\n{}", found.join("\n"));
}

#[test]
fn each_mistake_is_found() {
    let files = |upper: &str| {
        let files = [("lib.rs", "mod lower; mod upper;"), ("lower.rs", "pub struct L;"), ("upper/mod.rs", upper)];
        files.map(|(file, text)| (file.to_owned(), text.to_owned()))
    };
    let found = |layers: &[(&str, &[&str])], upper: &str| Vec::from_iter(mistakes(layers, &files(upper)));
    let right: &[(&str, &[&str])] = &[("lower", &[]), ("upper", &["lower"])];
    // A part for tests alone hides nothing that comes after it.
    let upper = "#[cfg(test)]\nfn only() { crate::above::a() }\nuse crate::{lower::L, upper};\n// crate::above\n";
    assert_eq!(found(right, upper), Vec::<String>::new());
    assert_eq!(found(right, "use crate::lower::L; fn f() { crate::above::a() }"), ["upper uses above (upper/mod.rs)"]);
    assert_eq!(found(right, "#[cfg(test)]\nmod tests { use crate::lower::L; }"), ["upper may use lower and does not"]);
    assert_eq!(
        found(&right[1..], upper),
        ["lower is not in the list", "upper may use lower, which is not above it in the list"]
    );
    assert_eq!(found(&[right[1], right[0]], upper), ["upper may use lower, which is not above it in the list"]);
    assert_eq!(found(&[right[0], right[1], ("gone", &[])], upper), ["gone is in the list and has no file"]);
}
