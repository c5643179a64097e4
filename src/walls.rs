//! The order of the modules, held: each may use only those below it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

mod circles;

/// Each module, and the modules it may use.
pub(crate) const FLOORS: &[(&str, &[&str])] = &[
    ("varint", &[]),
    ("uid_set", &[]),
    ("unfinished", &[]),
    ("parallel", &[]),
    ("words", &[]),
    ("vocabulary", &[]),
    ("sanitize", &[]),
    ("witness", &[]),
    ("limits", &["rejection"]),
    ("finding", &[]),
    ("tag_list", &[]),
    ("rejection", &[]),
    ("domain", &[]),
    ("reporter", &["domain"]),
    ("role", &[]),
    ("cause", &[]),
    ("report", &["limits", "rejection", "vocabulary"]),
    ("tls", &["limits", "rejection", "report", "vocabulary"]),
    ("rows", &["report", "varint"]),
    ("mail", &["report"]),
    ("container", &["limits", "mail", "rejection", "report", "tls"]),
    ("secrets", &[]),
    ("http", &[]),
    ("oauth", &["http", "secrets", "words"]),
    ("dns", &["domain", "finding", "tag_list"]),
    ("providers", &["cause", "domain", "role", "words"]),
    ("source", &["container", "limits", "mail", "oauth", "secrets", "uid_set"]),
    ("alignment", &["domain", "report", "varint", "vocabulary"]),
    (
        "store",
        &[
            "alignment",
            "domain",
            "limits",
            "mail",
            "rejection",
            "report",
            "reporter",
            "rows",
            "tls",
            "uid_set",
            "varint",
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
            "cause",
            "domain",
            "providers",
            "report",
            "reporter",
            "role",
            "rows",
            "parallel",
            "store",
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
            "witness",
            "words",
        ],
    ),
    (
        "inspect",
        &[
            "alignment",
            "cause",
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
        ],
    ),
    ("answer", &["diagnosis", "dns", "domain", "flat", "providers", "query", "report", "store"]),
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
            "source",
            "store",
            "words",
        ],
    ),
    ("flat", &["alignment", "diagnosis", "domain", "query", "report", "rows", "sanitize", "store", "words"]),
    ("export", &["flat", "render", "report", "sanitize", "store", "unfinished", "words"]),
    ("notify", &["http", "report", "secrets", "source", "words"]),
    ("config", &["cause", "diagnosis", "domain", "limits", "notify", "oauth", "query", "reporter", "role", "source"]),
];

/// The files of a folder and of those in it, but for `tests.rs`.
pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = BTreeSet::new();
    for &(module, allowed) in FLOORS {
        let mut files = vec![root.join(format!("{module}.rs"))];
        if root.join(module).is_dir() {
            files.clear();
            sources(&root.join(module), &mut files);
        }
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or("");
            // Links in documentation show the way; they build nothing.
            for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
                for used in line.split("crate::").skip(1) {
                    let name: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    if !name.is_empty() && name != module && !allowed.contains(&name.as_str()) {
                        wrong.insert(format!("{module} uses {name} ({})", file.strip_prefix(&root).unwrap().display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
