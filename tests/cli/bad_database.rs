//! Databases that cannot be used: said in a clear line, with nothing changed and nothing lost.

#![allow(unsafe_code, reason = "limits of a process are set between fork and exec")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::dump;
use crate::harness::{Ran, Sandbox, fixture};
use crate::make::Report;

/// A sandbox with a database of one report, and a second report to ingest.
fn with_database() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    sandbox.write("first.xml", Report::new("first").xml());
    sandbox.write("second.xml", Report::new("second").day(1).xml());
    sandbox.run(["ingest", "first.xml"]).exits(0);
    let db = sandbox.db();
    (sandbox, db)
}

/// One line on standard error, and nothing on standard output.
#[track_caller]
fn assert_one_line(ran: &Ran, parts: &[&str]) {
    assert_eq!((ran.status, ran.text()), (1, ""), "{ran}");
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(lines.len() == 1 && lines[0].starts_with("dmarcstat: "), "{ran}");
    for part in parts {
        assert!(lines[0].contains(part), "the message lacks {part:?}\n{ran}");
    }
}

#[test]
fn none_yet_says_what_to_do() {
    let sandbox = Sandbox::new();
    for command in ["sources", "unsigned", "reports", "quarantine"] {
        let ran = sandbox.run([command]);
        assert_one_line(&ran, &["reports.db", "ingest"]);
    }
    assert_one_line(&sandbox.run(["prune", "--older-than", "1d"]), &["reports.db"]);
    assert!(!sandbox.db().exists(), "no question makes a database");
}

#[test]
fn a_newer_one_is_refused() {
    let (sandbox, db) = with_database();
    Connection::open(&db).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let before = std::fs::read(&db).unwrap();
    for line in
        [&["ingest", "second.xml"][..], &["sources"], &["prune", "--older-than", "1d"], &["quarantine", "retry"]]
    {
        assert_one_line(&sandbox.run(line), &["reports.db", "999"]);
    }
    assert!(before == std::fs::read(&db).unwrap(), "not a byte is changed");
}

#[test]
fn a_foreign_one_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("first.xml", Report::new("first").xml());
    let foreign = sandbox.path("photos.db");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE photo (name TEXT); INSERT INTO photo VALUES ('x')")
        .unwrap();
    let text = sandbox.write("letter.txt", "Dear Sir or Madam,\n".repeat(500));
    let short = sandbox.write("short.txt", "Dear");
    for path in [foreign, text, short] {
        let before = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        for line in [&["ingest", "first.xml"][..], &["sources"], &["prune", "--older-than", "1d"]] {
            assert_one_line(&sandbox.run(line.iter().chain(&["--db", &name])), &[&name]);
        }
        assert!(before == std::fs::read(&path).unwrap(), "{name} is as it was");
    }
    assert_one_line(&sandbox.run(["ingest", "first.xml", "--db", "."]), &["."]);
    assert_one_line(&sandbox.run(["ingest", "first.xml", "--db", "first.xml/below.db"]), &["first.xml"]);
}

#[test]
fn a_damaged_one_is_told() {
    let (sandbox, db) = with_database();
    sandbox.run(["ingest", &fixture("mailbox").display().to_string()]).exits(0);
    let mut bytes = std::fs::read(&db).unwrap();
    let (start, end) = (8192, bytes.len() - 8192);
    bytes[start..end].iter_mut().step_by(3).for_each(|byte| *byte ^= 0x5a);
    std::fs::write(&db, &bytes).unwrap();
    let ran = sandbox.run(["sources", "--since", "all"]);
    assert_eq!(ran.status, 1, "{ran}");
    assert!(ran.stderr.starts_with("dmarcstat: ") && ran.stderr.contains("database"), "{ran}");
}

#[test]
fn a_locked_one_is_waited_for_and_told() {
    let (sandbox, db) = with_database();
    let holder = Connection::open(&db).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let began = Instant::now();
    let (ran, reader) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| sandbox.run(["ingest", "second.xml"]));
        // Questions are answered meanwhile.
        let reader = sandbox.run(["sources", "--since", "all", "--format", "json"]);
        assert!(began.elapsed() < Duration::from_secs(10), "a question does not wait");
        (writer.join().unwrap(), reader)
    });
    assert_eq!(reader.exits(0).json()["domains"][0]["reports"], 1);
    assert_one_line(&ran, &["locked"]);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(sandbox.ingest(&["second.xml"]).0["reports"]["new"], 1);
}

#[test]
fn one_that_is_locked_for_a_moment_is_waited_for() {
    let (sandbox, db) = with_database();
    let holder = Connection::open(&db).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| sandbox.ingest(&["second.xml"]));
        std::thread::sleep(Duration::from_millis(1500));
        holder.execute_batch("ROLLBACK").unwrap();
        let (answer, status) = writer.join().unwrap();
        assert_eq!((status, answer["reports"]["new"].as_u64()), (0, Some(1)), "{answer}");
    });
}

/// Runs as somebody who may not do everything, where the test itself may; `None` where that cannot be arranged.
#[cfg(unix)]
fn run_unprivileged(sandbox: &Sandbox, arguments: &[&str]) -> Option<Ran> {
    use std::os::unix::process::CommandExt;
    let mut command = sandbox.command(arguments);
    // SAFETY: asks only who we are.
    if unsafe { libc::geteuid() } == 0 {
        let status = sandbox.command(["--version"]).uid(65_534).stdout(std::process::Stdio::null()).status();
        if !status.is_ok_and(|status| status.success()) {
            return None;
        }
        command.uid(65_534);
    }
    Some(Ran::of(command))
}

#[cfg(unix)]
#[test]
fn a_read_only_one_answers_and_takes_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let (sandbox, db) = with_database();
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let folder = db.parent().unwrap();
    for path in folder.ancestors().take_while(|path| path.starts_with(sandbox.root())) {
        mode(path, 0o555);
    }
    mode(&db, 0o444);
    let ran = run_unprivileged(&sandbox, &["ingest", "second.xml"]);
    let reader = run_unprivileged(&sandbox, &["sources", "--since", "all"]);
    for path in folder.ancestors().take_while(|path| path.starts_with(sandbox.root())) {
        mode(path, 0o755);
    }
    if let (Some(ran), Some(reader)) = (ran, reader) {
        assert_one_line(&ran, &["read"]);
        reader.exits(0);
    }
}

#[cfg(unix)]
#[test]
fn an_unreadable_input_and_database_are_named() {
    use std::os::unix::fs::PermissionsExt;
    let (sandbox, db) = with_database();
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&sandbox.root(), 0o755);
    mode(&sandbox.path("first.xml"), 0o000);
    mode(&db, 0o000);
    let ran = run_unprivileged(&sandbox, &["sources", "--input", "first.xml", "second.xml"]);
    let closed = run_unprivileged(&sandbox, &["sources"]);
    mode(db.parent().unwrap(), 0o000);
    let hidden = run_unprivileged(&sandbox, &["sources"]);
    mode(db.parent().unwrap(), 0o755);
    if let (Some(ran), Some(closed), Some(hidden)) = (ran, closed, hidden) {
        ran.exits(3).says("first.xml");
        assert_one_line(&closed, &["reports.db", "the user whose database it is"]);
        assert_one_line(&hidden, &["reports.db", "the user whose database it is"]);
    }
}

/// A file may not grow beyond this many bytes: as near to a full disk as a test gets everywhere.
#[cfg(unix)]
pub(crate) fn with_little_room(sandbox: &Sandbox, arguments: &[&str], room: u64) -> Ran {
    use std::os::unix::process::CommandExt;
    let mut command = sandbox.command(arguments);
    let limit = libc::rlimit { rlim_cur: room as libc::rlim_t, rlim_max: room as libc::rlim_t };
    // SAFETY: only system calls that are allowed between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            match libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
    Ran::of(command)
}

#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing() {
    let mailbox = fixture("mailbox").display().to_string();
    let undisturbed = Sandbox::new();
    undisturbed.run(["ingest", &mailbox]).exits(0);
    let expected = dump::content(&undisturbed.db());
    for room in [0, 4_000, 50_000, 200_000, 1_000_000] {
        let sandbox = Sandbox::new();
        let ran = with_little_room(&sandbox, &["ingest", &mailbox], room);
        assert_eq!(ran.status, 1, "{room} bytes of room\n{ran}");
        let line = ran.stderr.lines().last().unwrap_or_default();
        assert!(line.starts_with("dmarcstat: ") && line.contains("disk"), "{room} bytes of room\n{ran}");
        // With room again, the same command makes up for it.
        sandbox.run(["ingest", &mailbox]).exits(0);
        dump::assert_same(&expected, &dump::content(&sandbox.db()), &format!("after {room} bytes of room"));
        dump::assert_sound(&sandbox.db());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_told() {
    let (sandbox, _) = with_database();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = sandbox.command(["sources", "--since", "all"]);
    let output = command.stdout(full).stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("dmarcstat: ") && stderr.lines().count() == 1, "{stderr}");
}
