//! What a stranger's mail can make this program keep, say and show.

use rusqlite::Connection;
use serde_json::json;

use crate::harness::{Sandbox, append_to_mbox};
use crate::make::{DKIM_AND_SPF, Report, gzip, mail, record};

/// A record with a comment of its own.
fn commented(number: usize, comment: &str) -> String {
    let reason = format!("<reason><type>other</type><comment>{number}{comment}</comment></reason></policy_evaluated>");
    record("192.0.2.1", 1, "example.com", DKIM_AND_SPF).replace("</policy_evaluated>", &reason)
}

fn ingest(sandbox: &Sandbox, db: &str, input: &str) -> serde_json::Value {
    sandbox.run(["ingest", input, "--db", db, "--json"]).json()
}

#[test]
fn texts_on_the_disk_are_in_proportion_to_the_mail() {
    let sandbox = Sandbox::new();
    let honest = Report::new("honest").records((0..600).map(|at| commented(at, &"c".repeat(300))).collect());
    sandbox.write("honest.xml.gz", gzip(honest.xml()));
    let long = "A".repeat(60_000);
    let comments = Report::new("comments").records((0..300).map(|at| commented(at, &long)).collect());
    let contact = |at: usize| {
        let info = format!("<extra_contact_info>{at}{long}</extra_contact_info></report_metadata>");
        Report::new(&format!("contact-{at}")).xml().replace("</report_metadata>", &info)
    };
    let name = |at: usize| format!("{at}.{}.example.com", "n".repeat(900));
    let names = Report::new("names");
    let names = names.records((0..20_000).map(|at| record("192.0.2.1", 1, &name(at), DKIM_AND_SPF)).collect());
    let address = |at: usize| record(&format!("{at}{}", "x".repeat(900)), 1, "example.com", DKIM_AND_SPF);
    let addresses = Report::new("addresses").records((0..20_000).map(address).collect());
    for (what, bytes, refused) in [
        ("comments", gzip(comments.xml()), false),
        ("contacts", gzip((0..300).map(contact).collect::<String>()), false),
        ("names", gzip(names.xml()), true),
        ("addresses", gzip(addresses.xml()), true),
    ] {
        let file = format!("{what}.xml.gz");
        sandbox.write(&file, &bytes);
        let db = format!("{what}.db");
        let answer = ingest(&sandbox, &db, &file);
        let code = &answer["quarantined"][0]["code"];
        assert_eq!(code == &json!("limit_texts"), refused, "{what}: {answer}");
        // What follows it is read, and the same bytes are the same reports when they come again.
        assert_eq!(ingest(&sandbox, &db, "honest.xml.gz")["reports"]["new"], 1, "{what}");
        assert_eq!(ingest(&sandbox, &db, &file)["reports"]["new"], 0, "{what}");
        let size = std::fs::metadata(sandbox.path(&db)).unwrap().len();
        let allowed = (32 * bytes.len() as u64).max(8 << 20);
        assert!(size <= allowed, "{what}: {} bytes of mail became {size}, more than {allowed}", bytes.len());
        let codes = sandbox.run(["reports", "--since", "all", "--irregular", "--json", "--db", &db]).text().to_owned();
        assert_eq!(codes.contains("text_truncated"), !refused, "{what}: {codes}");
    }
    let honest = sandbox.run(["reports", "honest", "--db", "comments.db"]).exits(0);
    assert!(!honest.text().contains("text_truncated"), "{honest}");
}

#[test]
fn a_full_quarantine_takes_no_more_and_says_so() {
    let sandbox = Sandbox::new();
    let mut mbox = Vec::new();
    for at in 0..200 {
        let id = format!("bad-{at}");
        append_to_mbox(&mut mbox, &mail(&id, "text/xml", "r.xml", format!("<feedback><x{at}").as_bytes()));
    }
    append_to_mbox(&mut mbox, &mail("good", "text/xml", "r.xml", Report::new("good").xml().as_bytes()));
    sandbox.write("in.mbox", &mbox);
    sandbox.write("config.toml", "[limits]\nquarantine_entries = 120\n");
    let ran = sandbox.run(["ingest", "in.mbox", "--config", "config.toml", "--json"]).exits(3);
    let answer = ran.json();
    let kept = answer["quarantined"].as_array().unwrap().iter().filter(|one| one["kept"] == true).count();
    assert_eq!((kept, &answer["reports"]["new"]), (120, &json!(1)));
    // Some are named, and how many more there are.
    assert!(ran.stderr.lines().count() == 51 && ran.stderr.contains("and 150 more"), "{ran}");
    let quiet = sandbox.run(["ingest", "in.mbox", "--config", "config.toml", "-q", "--json"]).exits(3);
    assert_eq!(quiet.stderr, "");
    let check = sandbox.run(["check", "--offline", "--config", "config.toml"]).exits(1);
    assert!(check.text().contains("it is full, with 120 entries of 120"), "{check}");
    sandbox.run(["quarantine", "drop", "--all"]).exits(0);
    sandbox.write("config.toml", "[limits]\nquarantine = 2000\n");
    let answer = sandbox.run(["ingest", "in.mbox", "--config", "config.toml", "--json"]).exits(3).json();
    let kept = answer["quarantined"].as_array().unwrap().iter().filter(|one| one["kept"] == true).count();
    assert!((10..199).contains(&kept), "{kept}");
    sandbox.write("config.toml", "[limits]\ndatabase = 1000\n");
    let check = sandbox.run(["check", "--offline", "--config", "config.toml"]).exits(0);
    assert!(check.text().contains("more than the limit `database` of 1 kB"), "{check}");
}

#[test]
fn markdown_of_the_quarantine_has_no_tags() {
    let sandbox = Sandbox::new();
    let body = b"<feedback><report_metadata><org_name>x<![CDATA[<script>alert(1)</script>]]></org_name></report_metadata><a></b>";
    let mail = String::from_utf8(mail("x", "text/xml", "<img src=x>r.xml", body)).unwrap();
    sandbox.write(
        "a.eml",
        mail.replace("Subject: ", "Subject: <script>alert(3)</script> | <img src=x onerror=alert(4)> "),
    );
    sandbox.run(["ingest", "a.eml"]).exits(3);
    for arguments in [&["quarantine", "show", "1"][..], &["quarantine"]] {
        let shown = sandbox.run([arguments, &["--format", "markdown"]].concat()).exits(0);
        assert!(!shown.text().contains("<script") && !shown.text().contains("<img"), "{shown}");
        assert!(shown.text().contains("&lt;"), "{shown}");
    }
}

#[cfg(unix)]
#[test]
fn modes_of_what_is_made() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for (umask, page) in [("000", 0o666), ("077", 0o600), ("027", 0o640)] {
        let sandbox = Sandbox::new();
        sandbox.write("in/a.xml", Report::new("a").xml());
        sandbox.write("in/b.xml", "<feedback><x");
        let run = |line: &str| {
            let mut command = std::process::Command::new("sh");
            let program = env!("CARGO_BIN_EXE_dmarcstat");
            command.args(["-c", &format!("umask {umask}; {program} {line}")]).current_dir(sandbox.work());
            let data = sandbox.home().join("data");
            assert!(
                command
                    .env("HOME", sandbox.home())
                    .env("XDG_DATA_HOME", data)
                    .output()
                    .unwrap()
                    .status
                    .code()
                    .is_some()
            );
        };
        run("ingest in");
        run("quarantine export 1 -o exported");
        run("readiness example.com --as-of 2026-10-05 --html page.html");
        assert_eq!(mode(sandbox.db().parent().unwrap()), 0o700, "the folder, umask {umask}");
        assert_eq!(mode(&sandbox.db()), 0o600, "the database, umask {umask}");
        assert_eq!(mode(&sandbox.path("exported")), 0o600, "what was exported, umask {umask}");
        assert_eq!(mode(&sandbox.path("page.html")), page, "the page, umask {umask}");
    }
}

#[test]
fn a_deep_check_finds_what_does_not_fit() {
    let sandbox = Sandbox::new();
    for day in 0..3 {
        sandbox.write(&format!("in/{day}.xml"), Report::new(&format!("r{day}")).day(day).xml());
    }
    sandbox.write("in/bad.xml", "<feedback><x");
    sandbox.run(["ingest", "in"]).exits(3);
    let deep = || sandbox.run(["check", "--offline", "--deep"]);
    deep().exits(0);
    for (sql, said) in [
        ("UPDATE report SET messages = messages + 1 WHERE id = 1", "report 1 says"),
        (
            "UPDATE day_total SET messages = messages - 1 WHERE day = (SELECT MAX(day) FROM day_total)",
            "the sums of 2026-10-03",
        ),
        ("UPDATE record_run SET rows = x'0102' WHERE report = 2", "records of report 2 cannot be read"),
        ("UPDATE outcome SET detail = x'ff' WHERE id = 1", "outcome 1 cannot be read"),
        ("UPDATE blob SET bytes = x'00' WHERE id = 1", "kept bytes 1"),
        ("DELETE FROM record_run WHERE report = 3", "3 reports, and records of 2"),
    ] {
        let db = sandbox.path("changed.db");
        std::fs::copy(sandbox.db(), &db).unwrap();
        Connection::open(&db).unwrap().execute_batch(sql).unwrap();
        let ran = sandbox.run(["check", "--offline", "--deep", "--db", db.to_str().unwrap()]).exits(1);
        assert!(ran.text().contains(said), "{sql}\n{ran}");
    }
    // Records that cannot be read are not records that are not there.
    let db = sandbox.path("cut.db");
    std::fs::copy(sandbox.db(), &db).unwrap();
    Connection::open(&db).unwrap().execute_batch("UPDATE record_run SET rows = x'0102' WHERE report = 2").unwrap();
    sandbox.run(["sources", "--since", "all", "--db", db.to_str().unwrap()]).exits(1).says("damaged");
}
