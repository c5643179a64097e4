//! Programs of other projects that some tests need: a mail server, a DNS server, a browser.
//!
//! The README's test command installs them and says so with `DMARCSTAT_TEST_ALL`, so that there a missing one fails; a plain
//! `cargo test` says loudly what it leaves out.

use std::path::{Path, PathBuf};

/// Where a program is; nothing, and a loud note, where it is missing and the tests were not told to insist.
pub(crate) fn program(name: &str, package: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // The folders of administrators are not on everybody's path.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|candidate| Path::is_file(candidate));
    if found.is_none() {
        assert!(
            std::env::var_os("DMARCSTAT_TEST_ALL").is_none(),
            "{name} is missing (on Debian: apt-get install {package})"
        );
        eprintln!("LEFT OUT: this test needs {name} (on Debian: apt-get install {package})");
    }
    found
}

/// The folder of the programs of a PostgreSQL server; nothing, and a loud note, where there is none and the tests were not told to
/// insist. Debian keeps them apart, a folder a version.
#[cfg(unix)]
#[allow(dead_code, reason = "the bench of fetch takes this file in, and needs no database")]
pub(crate) fn postgresql() -> Option<PathBuf> {
    let is_there = |folder: &Path| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).is_file());
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    match folders.into_iter().rev().find(|folder| is_there(folder)) {
        Some(folder) => Some(folder),
        None => program("initdb", "postgresql").and_then(|path| path.parent().map(Path::to_owned)),
    }
}
