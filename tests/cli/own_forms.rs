//! What is always written in a form of its own takes no other, and says so before it does anything.

use crate::harness::Sandbox;

#[test]
fn another_form_is_refused() {
    let sandbox = Sandbox::with_sample();
    for line in [
        &["sources", "--since", "all", "--as-ledger", "--json"][..],
        &["sources", "--since", "all", "--as-ledger", "--html", "made"],
        &["completions", "bash", "--json"],
        &["man", "made", "--json"],
        &["site", "made", "--since", "all", "--format", "csv"],
        &["metrics", "--since", "all", "--output", "made", "--json"],
        &["reports", "1", "--raw", "--json"],
        &["quarantine", "export", "1", "--output", "made", "--format", "markdown"],
        &["digest", "--since", "all", "--to", "somebody@example.com", "--json"],
    ] {
        let ran = sandbox.run(line).exits(2);
        assert!(ran.text().is_empty() && ran.stderr.starts_with("dmarcstat: "), "{ran}");
        assert!(ran.stderr.lines().count() == 1 && ran.stderr.contains("leave out --format"), "{ran}");
    }
    assert!(!sandbox.path("made").exists());
    // The usual form is none that is left out.
    sandbox.run(["completions", "bash", "--format", "table"]).exits(0);
}

#[test]
fn a_form_that_an_answer_lacks_is_refused_before_anything_is_done() {
    let sandbox = Sandbox::with_sample();
    let counted = || sandbox.run(["reports", "--since", "all", "--json"]).exits(0).json()["reports"].clone();
    let before = counted();
    for line in [["reports", "drop", "1"], ["reports", "ignore", "google.com"]] {
        sandbox.run(line.iter().chain(&["--format", "jsonl"])).exits(2).says("only `export`");
    }
    assert_eq!(counted(), before);
}
