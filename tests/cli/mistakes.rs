//! What is said of mistakes on the command line: what is wrong, and what to do.

use crate::harness::Sandbox;

/// Lines, how they end, and what they must say.
type Case<'a> = (&'a [&'a str], i32, &'a [&'a str]);

#[test]
fn a_mistake_is_named_with_what_to_do() {
    let sandbox = Sandbox::with_sample();
    std::fs::create_dir(sandbox.path("folder")).unwrap();
    sandbox.write("file", "x");
    let cases: &[Case<'_>] = &[
        (&["sources", "--db", "folder"], 1, &["it is a folder", "folder/reports.db"]),
        (&["ingest", "file", "--db", "folder"], 1, &["it is a folder", "folder/reports.db"]),
        (&["export", "--since", "all", "--into", "file"], 1, &["file is a file, not a folder"]),
        (&["export", "--since", "all", "--into", "file/x.db"], 1, &["file is a file, not a folder"]),
        (&["sources", "--db", "file/x.db"], 1, &["file is a file, not a folder"]),
        (&["ingest", "file", "--db", "file/x.db"], 1, &["file is a file, not a folder"]),
        (&["--config", "folder", "check"], 1, &["it is a folder; name a file"]),
        (&["site", "file", "--since", "all"], 1, &["file is a file, not a folder"]),
        (&["site", "file/below", "--since", "all"], 1, &["file is a file, not a folder"]),
        (&["sources", "--since", "all", "--html", "none/x.html"], 1, &["there is no folder none"]),
        (&["sources", "--since", "all", "--html", "folder"], 1, &["it is a folder; name a file"]),
        (&["sources", "--since", "all", "--html", "-"], 2, &["--format html"]),
        (&["readiness", "brightwater.example", "--html", "-"], 2, &["--format html"]),
        (&["metrics", "--output", "-"], 2, &["leave the option out"]),
        (&["export", "--into", "-"], 2, &["leave the option out"]),
        (&["quarantine", "export", "1", "--output", "-"], 2, &["leave the option out"]),
        (&["quarantine", "show", "x"], 2, &["write a whole number"]),
        (&["sources", "--min-messages", "99999999999999999999"], 2, &["write a whole number, not too large"]),
        (&["sources", "--since", "2026-11-20", "--until", "2026-11-10"], 2, &["not after the last (--until)"]),
        (&["quarantine", "drop"], 2, &["--all"]),
        (&["readiness"], 2, &["--all"]),
        (&["sql"], 2, &["--tables"]),
        (&["tls", "--resolve", "always"], 2, &["unexpected argument '--resolve'"]),
        (&["reports", "--resolver", "192.0.2.1"], 2, &["unexpected argument '--resolver'"]),
        (&["reports", "1", "--irregular"], 2, &["--irregular"]),
        (&["reports", "1", "--since", "7d"], 2, &["cannot be used with '--since"]),
        (&["reports", "1", "--until", "today"], 2, &["cannot be used with '--until"]),
        (&["reports", "1", "--as-of", "2026-10-01"], 2, &["cannot be used with '--as-of"]),
        (&["reports", "1", "-d", "example.com"], 2, &["cannot be used with '--domain"]),
        (&["inspect", "file", "-d", "example.com"], 2, &["unexpected argument '-d'"]),
        (&["readiness", "--all", "--min-messages", "5"], 2, &["--min-messages"]),
        (&["inspect", "folder"], 1, &["it is a folder", "name a file"]),
        (&["reports", "ignore", ""], 2, &["`dmarcstat reports` shows"]),
        (&["providers", "nobody-at-all"], 1, &["no provider", "`dmarcstat providers` lists them"]),
        (&["metrics", "--since", "all", "--output", "none/x.prom"], 1, &["there is no folder none"]),
        (&["sources", "--as-of", "today"], 2, &["invalid date \"today\"", "2026-11-22"]),
        (&["prune", "--older-than", "1d", "--as-of", "x"], 2, &["invalid date \"x\"", "2026-11-22"]),
        (&["sources", "--since", "99999d"], 2, &["out of range", "65535d"]),
        (&["sources", "--since", "0d"], 2, &["out of range", "1d"]),
        (&["sources", "--since", "d"], 2, &["invalid time \"d\""]),
        (&["prune", "--older-than", "99999w"], 2, &["out of range", "65535w"]),
        (
            &["sources", "--db", "none.db"],
            1,
            &["there is no database at none.db yet", "answer from files with --input"],
        ),
        (&["quarantine", "--db", "none.db"], 1, &["there is no database at none.db yet"]),
    ];
    for (line, status, parts) in cases {
        let ran = sandbox.run(*line).exits(*status);
        assert!(ran.text().is_empty() && ran.stderr.starts_with("dmarcstat: "), "{ran}");
        for part in *parts {
            assert!(ran.stderr.contains(part), "the message lacks {part:?}\n{ran}");
        }
        assert!(!ran.stderr.contains("os error"), "{ran}");
    }
    // A page is not written where the rest of the answer is refused.
    sandbox
        .run(["sources", "--since", "all", "--html", "page.html", "--format", "jsonl"])
        .exits(2)
        .says("only `export`");
    assert!(!sandbox.path("page.html").exists());
    // What came is not written over a file, nor into a folder that is not there.
    sandbox.write("empty.xml", "");
    sandbox.run(["ingest", "empty.xml"]).exits(3);
    for (file, part) in [("file", "it exists; name a new file"), ("none/x", "there is no folder none")] {
        sandbox.run(["quarantine", "export", "1", "--output", file]).exits(1).says(part);
    }
    // What has no --input does not advise it.
    for line in [&["quarantine"][..], &["prune", "--older-than", "1d"], &["reports", "drop", "1"]] {
        let ran = sandbox.run(line.iter().chain(&["--db", "none.db"])).exits(1);
        assert!(!ran.stderr.contains("--input"), "{ran}");
    }
}

#[test]
fn files_without_reports_say_what_was_looked_at() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("empty")).unwrap();
    sandbox.write("letter.txt", "Dear Sir or Madam");
    for (input, part) in [("none.xml", "none.xml"), ("empty", "there are no files"), ("letter.txt", "1 input read")] {
        let ran = sandbox.run(["sources", "--input", input]).exits(1);
        assert!(ran.stderr.lines().last().unwrap_or_default().contains(part), "the message lacks {part:?}\n{ran}");
    }
    for (input, part) in [("none.xml", "none.xml could not"), ("empty", "there are no files"), ("letter.txt", "TLSRPT")]
    {
        sandbox.run(["tls", "--input", input]).exits(1).says(part);
    }
    // No verdict, page or row is given of files that nobody could read.
    for question in ["readiness example.com", "readiness --all", "changes", "selectors", "digest", "export", "reports"]
    {
        let ran = sandbox.run(question.split(' ').chain(["--input", "none.xml"])).exits(1);
        assert!(ran.stderr.contains("none.xml could not be read") && ran.stdout.is_empty(), "{ran}");
    }
    sandbox.run(["ingest", "empty"]).exits(0).says("there are no files in empty");
    // Without a database nothing is put into its quarantine.
    sandbox.write("torn.xml", "<feedback><report_metadata></feedback>");
    let ran = sandbox.run(["sources", "--input", "torn.xml"]).exits(1);
    assert!(ran.stderr.contains("refused (") && !ran.stderr.contains("quarantine"), "{ran}");
}
