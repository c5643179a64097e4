//! Says which commit the program is built of, for `dmarcstat --version`: by `DMARCSTAT_COMMIT` where that is set, by the note
//! that `cargo package` leaves in a package, else by git. Without any of these the commit is not known, and nothing fails.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DMARCSTAT_COMMIT");
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let given = std::env::var("DMARCSTAT_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(|| packaged(Path::new(&root))).or_else(|| checked_out(Path::new(&root)));
    println!("cargo::rustc-env=DMARCSTAT_BUILD_COMMIT={}", commit.unwrap_or_default());
}

/// By the file that `cargo package` writes.
fn packaged(root: &Path) -> Option<String> {
    let note = std::fs::read_to_string(root.join(".cargo_vcs_info.json")).ok()?;
    let (_, rest) = note.split_once("\"sha1\"")?;
    short(rest.split('"').nth(1)?)
}

/// By git, where this is a working copy of its own. Builds for development are left alone: they would be made anew with every
/// commit.
fn checked_out(root: &Path) -> Option<String> {
    if std::env::var("PROFILE").is_ok_and(|profile| profile != "release") {
        return None;
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if std::fs::canonicalize(top).ok()? != std::fs::canonicalize(root).ok()? {
        return None;
    }
    for name in ["HEAD", "logs/HEAD"] {
        let file = root.join(git(&["rev-parse", "--git-path", name])?);
        if file.exists() {
            println!("cargo::rerun-if-changed={}", file.display());
        }
    }
    short(&git(&["rev-parse", "HEAD"])?)
}

/// The first digits of a commit, if it is one.
fn short(commit: &str) -> Option<String> {
    (commit.len() >= 12 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| commit[..12].to_owned())
}
