//! Options, exit statuses, pipes, configuration, and the commands that keep house.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::dump;
use crate::harness::{Ran, Sandbox, append_to_mbox, fixture, messages_of};
use crate::make::{DKIM_AND_SPF, Report, gzip, mail, record, zip};

const UNSIGNED: &str = "<spf><domain>example.com</domain><scope>mfrom</scope><result>pass</result></spf>";

/// Ten days of reports from 2026-10-01, on two domains; and a path that is not signed.
fn ten_days() -> Sandbox {
    let sandbox = Sandbox::new();
    for day in 0..10 {
        let signed = record("192.0.2.1", 10, "example.com", DKIM_AND_SPF);
        let below = record("198.51.100.7", 2, "news.example.com", UNSIGNED);
        let xml = Report::new(&format!("a{day}")).day(day).records(vec![signed, below]).xml();
        sandbox.write(&format!("in/a{day}.xml"), xml);
        let other = record("203.0.113.9", 100, "example.net", "");
        let xml =
            Report::new(&format!("b{day}")).org("Other").day(day).domain("example.net").records(vec![other]).xml();
        sandbox.write(&format!("in/b{day}.xml"), xml);
    }
    sandbox.run(["ingest", "in"]).exits(0);
    sandbox
}

fn messages(answer: &Value) -> u64 {
    messages_of(&answer["paths"])
}

#[test]
fn windows_are_whole_days() {
    let sandbox = ten_days();
    let cases: [(&[&str], (&str, &str), u64); 9] = [
        (&["--since", "all"], ("2026-10-01", "2026-10-10"), 10),
        (&["--as-of", "2026-10-11"], ("2026-09-11", "2026-10-10"), 10),
        (&["--since", "7d", "--as-of", "2026-10-11"], ("2026-10-04", "2026-10-10"), 7),
        (&["--since", "1w", "--as-of", "2026-10-08"], ("2026-10-01", "2026-10-07"), 7),
        (&["--since", "3d", "--until", "today", "--as-of", "2026-10-08"], ("2026-10-05", "2026-10-08"), 4),
        (&["--since", "2026-10-03", "--until", "2026-10-05"], ("2026-10-03", "2026-10-05"), 3),
        (&["--since", "2026-10-09", "--as-of", "2026-10-10"], ("2026-10-09", "2026-10-09"), 1),
        (&["--since", "all", "--until", "2026-10-02"], ("2026-10-01", "2026-10-02"), 2),
        (&["--since", "2026-10-10", "--until", "2026-10-10"], ("2026-10-10", "2026-10-10"), 1),
    ];
    for (arguments, (begin, end), days) in cases {
        let ran = sandbox.run(["sources", "--format", "json"].iter().chain(arguments)).exits(0);
        let answer = ran.json();
        assert_eq!(answer["window"], json!({ "begin": begin, "end": end }), "{ran}");
        assert_eq!(messages(&answer), days * 112, "{ran}");
        assert_eq!(answer["newest_report"], "2026-10-10T23:59:59Z", "whatever the window is\n{ran}");
        let ran = sandbox.run(["reports", "--format", "json"].iter().chain(arguments)).exits(0);
        assert_eq!(ran.json()["reports"].as_array().unwrap().len() as u64, days * 2, "{ran}");
    }
    // Also days that no calendar of ours reaches.
    let ran = sandbox.run(["sources", "--since", "0001-01-01", "--until", "9999-12-31", "--format", "json"]).exits(0);
    assert_eq!(messages(&ran.json()), 1120, "{ran}");
    // No data in the window is status 1, and says where there is some.
    let ran = sandbox.run(["sources", "--since", "2026-11-01", "--until", "2026-11-03"]).exits(1);
    ran.says("2026-10-10");
    for wrong in [["--since", "7x"], ["--until", "2026-13-01"], ["--as-of", "soon"], ["--min-messages", "-1"]] {
        assert!(!sandbox.run(["sources"].iter().chain(&wrong)).exits(2).stderr.is_empty());
    }
    sandbox.run(["sources", "--since", "2026-10-05", "--until", "2026-10-01"]).exits(2);
}

#[test]
fn domains_and_small_paths_are_chosen() {
    let sandbox = ten_days();
    let ask = |arguments: &[&str]| {
        let ran = sandbox.run(["sources", "--since", "all", "--format", "json"].iter().chain(arguments));
        ran.exits(0).json()
    };
    assert_eq!(messages(&ask(&["--domain", "example.com"])), 120);
    assert_eq!(messages(&ask(&["--domain", "EXAMPLE.COM."])), 120);
    assert_eq!(messages(&ask(&["--domain", "news.example.com"])), 20);
    assert_eq!(messages(&ask(&["--domain", "news.example.com", "--domain", "example.net"])), 1020);
    assert_eq!(messages(&ask(&["--min-messages", "21"])), 1100);
    assert_eq!(messages(&ask(&["--min-messages", "20"])), 1120);
    // Domains keep their whole figures, however small the paths that are left out.
    assert_eq!(ask(&["--min-messages", "1000"])["domains"], ask(&[])["domains"]);
    for other in ["ample.com", "com.example", "example.org"] {
        sandbox.run(["sources", "--since", "all", "--domain", other]).exits(1);
    }
}

#[test]
fn unsigned_lists_what_is_to_be_done() {
    let sandbox = ten_days();
    let base = ["unsigned", "--since", "all", "--format", "json"];
    let plain = sandbox.run(base).exits(0).json();
    let paths = plain["paths"].as_array().unwrap();
    assert_eq!(paths.len(), 1, "{plain:#}");
    let path = &paths[0];
    assert_eq!(
        (&path["domain"], &path["class"], &path["role"]),
        (&json!("news.example.com"), &json!("unsigned"), &json!("own"))
    );
    assert_eq!(plain["unknown"], json!({ "paths": 1, "messages": 1000 }));
    let more = sandbox.run(base.iter().chain(&["--all"])).exits(0).json();
    assert_eq!(more["paths"].as_array().unwrap().len(), 3, "every path");
    sandbox.run(["unsigned", "--since", "all", "--exit-code"]).exits(4);
    sandbox.run(["unsigned", "--since", "all", "--exit-code", "--domain", "example.net"]).exits(0);
}

#[test]
fn formats_and_colours() {
    let sandbox = ten_days();
    let ask = |arguments: &[&str]| sandbox.run(["sources", "--since", "all"].iter().chain(arguments)).exits(0);
    assert!(ask(&["--format", "markdown"]).text().contains("| --- |"));
    assert!(ask(&["--format", "csv"]).text().starts_with("id,domain,sender,"));
    assert_eq!(ask(&["--format", "json"]).json()["schema"], "dmarcstat/sources/2");
    assert!(!ask(&[]).text().contains('\u{1b}'), "a pipe gets no colour");
    assert!(ask(&["--color", "always"]).text().contains("\u{1b}["));
    let coloured = ask(&["--color", "always"])
        .text()
        .split('\u{1b}')
        .map(|part| part.split_once('m').filter(|(code, _)| code.starts_with('[')).map_or(part, |(_, text)| text))
        .collect::<String>();
    assert_eq!(coloured, ask(&[]).text(), "colour adds nothing but colour");
    sandbox.run(["sources", "--format", "yaml"]).exits(2);
    sandbox.run(["sources", "-q", "-v"]).exits(2);
    sandbox.run(["nonsense"]).exits(2);
    sandbox.run(["ingest"]).exits(2);
    sandbox.run(Vec::<&str>::new()).exits(2);
    assert_eq!(ask(&["--json"]).stdout, ask(&["-f", "json"]).stdout);
}

#[test]
fn only_terminals_get_escapes_and_only_rows_are_csv() {
    let sandbox = ten_days();
    for format in ["markdown", "json", "csv", "html"] {
        let ran = sandbox.run(["sources", "--since", "all", "--color", "always", "--format", format]).exits(0);
        assert!(!ran.text().contains('\u{1b}'), "{format}\n{ran}");
    }
    for command in [
        &["ingest", "a.xml"][..],
        &["fetch"],
        &["login", "a"],
        &["prune", "--older-than", "400d"],
        &["quarantine", "drop", "--all"],
        &["quarantine", "retry"],
    ] {
        let ran = sandbox.run(command.iter().chain(&["--format", "csv"])).exits(2);
        assert!(ran.stderr.contains("--format json"), "{ran}");
    }
}

#[test]
fn quiet_is_quiet_and_verbose_tells_each() {
    let sandbox = Sandbox::new();
    sandbox.write("good.xml", Report::new("good").xml());
    sandbox.write("bad.gz", &gzip("x")[..8]);
    sandbox.write("note.eml", "From: a@b.example\nSubject: hello\n\nhello\n");
    let files = ["good.xml", "bad.gz", "note.eml", "gone.xml"];
    let quiet = sandbox.run(["ingest", "-q"].iter().chain(&files)).exits(3);
    assert!(quiet.stderr.contains("gone.xml"), "errors are said all the same\n{quiet}");
    assert!(!quiet.stderr.contains("good.xml") && !quiet.stderr.contains("note.eml"), "{quiet}");
    let loud = sandbox.run(["ingest", "-v"].iter().chain(&files)).exits(3);
    for name in files {
        assert!(loud.stderr.contains(name), "{name}\n{loud}");
    }
    let good = sandbox.run(["ingest", "good.xml"]).exits(0);
    assert_eq!(good.stderr, "", "nothing to say of what is well, and no progress in a pipe");
    for arguments in [&["ingest", "-q", "good.xml"][..], &["ingest", "good.xml", "--quiet", "--color", "always"]] {
        let ran = sandbox.run(arguments).exits(0);
        assert!(ran.stdout.is_empty() && ran.stderr.is_empty(), "all is well\n{ran}");
    }
    assert!(!quiet.stdout.is_empty(), "not all is well, and the sums say how much of it\n{quiet}");
    assert_eq!(sandbox.run(["ingest", "-q", "good.xml", "--json"]).exits(0).json()["reports"]["duplicate"], 1);
}

#[test]
fn what_is_said_of_inputs_is_bounded() {
    let sandbox = Sandbox::new();
    let (mut refused, mut other) = (Vec::new(), Vec::new());
    for number in 0..700 {
        let cut = [&b"\x1f\x8b\x08\0"[..], number.to_string().as_bytes()].concat();
        append_to_mbox(&mut refused, &mail(&format!("bad-{number}"), "application/gzip", "bad.xml.gz", &cut));
        append_to_mbox(&mut other, format!("From: a@b.example\nSubject: hello {number}\n\nhello\n").as_bytes());
    }
    sandbox.write("refused.mbox", refused);
    sandbox.write("other.mbox", other);
    for (options, lines, rest) in [
        (&[][..], 51, &["and 650 more; -v names more"][..]),
        (&["-v"][..], 1002, &["and 200 more; `dmarcstat quarantine`", "and 200 more that are not reports"][..]),
    ] {
        let command = [&["ingest", "--db", if lines > 100 { "b.db" } else { "a.db" }], options].concat();
        let ran = sandbox.run(command.iter().chain(&["refused.mbox", "other.mbox"])).exits(3);
        assert_eq!(ran.stderr.lines().count(), lines, "{ran}");
        rest.iter().for_each(|text| assert!(ran.stderr.contains(text), "{text}\n{ran}"));
    }
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_quietly() {
    let sandbox = Sandbox::new();
    let mailbox = fixture("mailbox").display().to_string();
    for format in ["table", "json", "csv", "markdown", "html"] {
        let mut command = sandbox.command(["reports", "--input", &mailbox, "--format", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let ran = Ran::from_output(output, format!("{command:?}"));
        assert_eq!(ran.stderr, "", "{ran}");
        // Quietly: with success, or by the signal that ends every program in a broken pipe.
        assert!(matches!(ran.status, 0 | -1 | 141), "{ran}");
    }
}

#[test]
fn standard_input_is_whatever_it_is() {
    let xml = Report::new("piped").xml();
    let mut mbox = Vec::new();
    append_to_mbox(&mut mbox, &mail("m", "application/gzip", "r.xml.gz", &gzip(&xml)));
    append_to_mbox(&mut mbox, b"From: a@b.example\nSubject: no report\n\nFrom here on, text.\n");
    let inputs: [(&str, Vec<u8>, u64); 5] = [
        ("xml", xml.clone().into_bytes(), 1),
        ("gzip", gzip(&xml), 1),
        ("zip", zip(&[("report.xml", &xml)]), 1),
        ("mail", mail("m", "text/xml", "r.xml", xml.as_bytes()), 1),
        ("mbox", mbox, 2),
    ];
    for (what, bytes, inputs) in inputs {
        let sandbox = Sandbox::new();
        let ran = sandbox.run_with_input(["ingest", "-", "--format", "json"], &bytes).exits(0);
        let answer = ran.json();
        assert_eq!((&answer["reports"]["new"], &answer["inputs"]), (&json!(1), &json!(inputs)), "{what}\n{ran}");
        let asked = sandbox.run_with_input(["sources", "--input", "-", "--format", "json"], &bytes).exits(0);
        assert_eq!(messages(&asked.json()), 5, "{what}");
        // The same from a file is the same report.
        sandbox.write("same", &bytes);
        assert_eq!(sandbox.ingest(&["same"]).0["reports"]["duplicate"], 1, "{what}");
    }
    let ran = Sandbox::new().run(["ingest", "-", "--format", "json"]).exits(3);
    assert_eq!(ran.json()["quarantined"][0]["code"], "empty", "{ran}");
}

#[test]
fn mistakes_in_the_configuration_name_file_line_and_key() {
    let sandbox = Sandbox::new();
    sandbox.write("good.xml", Report::new("good").xml());
    let mistakes = [
        ("[database]\npth = \"x\"\n", "2", "pth"),
        ("[database]\n\n\nkeep_raw = 5\n", "4", "keep_raw"),
        ("[database]\nkeep_raw = \"some\"\n", "2", "keep_raw"),
        ("[limits]\nrecords = \"many\"\n", "2", "records"),
        ("\n[limits]\nrecords = -1\n", "3", "records"),
        ("[databse]\npath = \"x\"\n", "1", "databse"),
        ("[database\n", "1", ""),
    ];
    for (text, line, key) in mistakes {
        sandbox.write("wrong.toml", text);
        let ran = sandbox.run(["ingest", "good.xml", "--config", "wrong.toml"]).exits(1);
        let said = ran.stderr.trim_end();
        let named = said.contains("wrong.toml") && said.contains(&format!("line {line}")) && said.contains(key);
        assert!(named && !said.contains('\n'), "{text:?} should name line {line} and {key:?}\n{ran}");
    }
    sandbox.run(["ingest", "good.xml", "--config", "gone.toml"]).exits(1).says("gone.toml");
    // The default file is read where there is one, and a path in it names the database.
    let db = sandbox.path("elsewhere.db");
    let config = sandbox.home().join("config/dmarcstat");
    std::fs::create_dir_all(&config).unwrap();
    let text = format!("[database]\npath = '{}'\n[limits]\nname = 4\n", db.display());
    std::fs::write(config.join("config.toml"), text).unwrap();
    if cfg!(unix) {
        sandbox.run(["ingest", "good.xml"]).exits(0);
        assert!(db.exists() && !sandbox.db().exists());
    }
    // The system's counts for users who have none of their own.
    if cfg!(unix) {
        let system = sandbox.home().join("system/dmarcstat");
        std::fs::create_dir_all(&system).unwrap();
        let shared = sandbox.path("shared.db");
        std::fs::write(system.join("config.toml"), format!("[database]\npath = '{}'\n", shared.display())).unwrap();
        sandbox.run(["ingest", "good.xml"]).exits(0);
        assert!(!shared.exists(), "the user's own goes before it");
        std::fs::remove_file(config.join("config.toml")).unwrap();
        sandbox.run(["ingest", "good.xml"]).exits(0);
        assert!(shared.exists() && !sandbox.db().exists());
    }
    let named = sandbox.path("named.db");
    sandbox.command(["ingest", "good.xml"]).env("DMARCSTAT_DB", &named).output().unwrap();
    assert!(named.exists(), "the environment goes before the file");
}

#[cfg(unix)]
#[test]
fn the_database_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    sandbox.write("good.xml", Report::new("good").xml());
    sandbox.run(["ingest", "good.xml"]).exits(0);
    for file in crate::harness::files_of(sandbox.db().parent().unwrap()) {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
}

#[test]
fn two_at_once_end_as_one_alone() {
    let mailbox = fixture("mailbox").display().to_string();
    let alone = Sandbox::new();
    alone.run(["ingest", &mailbox]).exits(0);
    let expected = dump::content(&alone.db());
    for _ in 0..5 {
        let sandbox = Sandbox::new();
        let start = || {
            let mut command = sandbox.command(["ingest", "--format", "json", &mailbox]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let sum: u64 = [start(), start()]
            .map(|child| {
                let ran = Ran::from_output(child.wait_with_output().unwrap(), "one of two".to_owned()).exits(0);
                let answer = ran.json();
                ["new", "conflicting"].map(|key| answer["reports"][key].as_u64().unwrap()).iter().sum::<u64>()
            })
            .iter()
            .sum();
        assert_eq!(sum, 480, "each report is new once");
        dump::assert_same(&expected, &dump::content(&sandbox.db()), "two at once");
        dump::assert_sound(&sandbox.db());
    }
}

#[test]
fn check_is_not_silent_about_what_does_nothing() {
    let sandbox = Sandbox::new();
    let check = |config: &str, status: i32| {
        sandbox.write("c.toml", config);
        let answer = sandbox.run(["check", "--offline", "--json", "--config", "c.toml"]).exits(status).json();
        let codes = answer["findings"].as_array().unwrap().iter();
        codes.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(check("", 0), ["database-missing", "no-account"]);
    assert_eq!(check("[providers]\nfile = \"gone.toml\"\n", 1), ["configuration", "database-missing", "no-account"]);
    let account = "[[account]]\nname = \"rua\"\nhost = \"imap.example.com\"\nuser = \"a@b.example\"\n\
                   password_file = \"pw\"\ntrusted_authserv_id = \"mx.example.com\"\n";
    sandbox.write("pw", "secret");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |mode| std::fs::set_permissions(sandbox.path("pw"), PermissionsExt::from_mode(mode)).unwrap();
        mode(0o644);
        assert_eq!(check(account, 0), ["database-missing", "secret-readable"]);
        mode(0o640);
    }
    assert_eq!(check(account, 0), ["database-missing"]);
    let moves =
        format!("{account}folders = [\"INBOX\", \"Junk\"]\nafter = \"move:Junk\"\nafter_other = \"move:Done\"\n");
    assert_eq!(check(&moves, 0), ["database-missing", "move-target"]);
    // Reports of these days, in mails on which the server has no word.
    let today = (jiff::Timestamp::now().as_second() - crate::make::OCTOBER) / crate::make::DAY;
    sandbox.write("r.xml", Report::new("r").day(today - 1).xml());
    sandbox.run(["ingest", "r.xml"]).exits(0);
    assert_eq!(check(account, 0), ["authserv-id"]);
    let without = account.replace("trusted_authserv_id = \"mx.example.com\"\n", "");
    assert_eq!(check(&without, 0), Vec::<String>::new());
}
