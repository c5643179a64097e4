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
