//! Several who write, servers that go away and do not answer, and those who may not.

use std::net::TcpListener;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::server::{PASSWORD, PostgresServer, shared};
use crate::harness::{Ran, Sandbox, kills, sample, sample_mails};
use crate::kill::{Kills, several_transactions, start_and_kill};

/// Answers that depend on all that is stored and not on the order in which it came.
fn content(server: &PostgresServer, sandbox: &Sandbox, database: &str) -> Vec<String> {
    let questions: [&[&str]; 4] = [
        &["unsigned", "--since", "all", "--as-of", "2026-10-31", "--format", "json"],
        &["sources", "--since", "all", "--as-of", "2026-10-31", "--format", "json"],
        &["selectors", "--since", "all", "--as-of", "2026-10-31", "--format", "json"],
        &["sql", "SELECT domain, reporter, count(*), sum(messages) FROM alignment GROUP BY 1, 2 ORDER BY 1, 2"],
    ];
    let said = questions.map(|question| server.ask(sandbox, database, question).text().to_owned());
    let counts = "SELECT (SELECT COUNT(*) FROM report), (SELECT COUNT(*) FROM record_run), (SELECT COUNT(*) FROM sighting),
        (SELECT COUNT(*) FROM blob), (SELECT COUNT(*) FROM outcome), (SELECT COUNT(*) FROM name), (SELECT COUNT(*) FROM signers),
        (SELECT COUNT(*) FROM policy), (SELECT COUNT(*) FROM tls_report), (SELECT SUM(messages) FROM day_total)";
    let mut all = said.to_vec();
    all.push(server.sql(database, counts).unwrap());
    server.ask(sandbox, database, &["check", "--deep"]).exits(0);
    all
}

fn undisturbed(server: &PostgresServer, sandbox: &Sandbox, input: &str) -> Vec<String> {
    let database = server.database();
    server.ask(sandbox, &database, &["ingest", input]);
    content(server, sandbox, &database)
}

#[test]
fn two_writers_end_in_what_one_would_have_made() {
    let Some(server) = shared() else { return };
    let (sandbox, database) = (Sandbox::new(), server.database());
    let mails: Vec<String> = sample_mails().iter().map(|path| path.display().to_string()).collect();
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (mails, sandbox, database) = (&mails, &sandbox, &database);
            scope.spawn(move || {
                // Both bring most of it, from different ends: half is brought by both at once.
                let third = mails.len() / 4;
                let own = if writer == 0 { &mails[..mails.len() - third] } else { &mails[third..] };
                let mut arguments = vec!["ingest"];
                arguments.extend(own.iter().rev().map(String::as_str).filter(|_| writer == 1));
                arguments.extend(own.iter().map(String::as_str).filter(|_| writer == 0));
                let ran = server.ask(sandbox, database, &arguments);
                assert!([0, 3].contains(&ran.status), "{ran}");
            });
        }
    });
    // Where a mail lies is part of its location: the same mails, brought by one.
    let alone = server.database();
    let mut arguments = vec!["ingest"];
    arguments.extend(mails.iter().map(String::as_str));
    server.ask(&sandbox, &alone, &arguments);
    assert_eq!(content(server, &sandbox, &database), content(server, &sandbox, &alone));
}

#[test]
fn killed_at_any_moment_and_run_again_nothing_is_lost_and_nothing_is_there_twice() {
    let Some(server) = shared() else { return };
    kill_and_compare(server, &Sandbox::new(), &sample(), kills(5), 77);
}

#[test]
fn killed_between_transactions_and_run_again_nothing_is_lost_and_nothing_is_there_twice() {
    let Some(server) = shared() else { return };
    let sandbox = Sandbox::new();
    let input = several_transactions(&sandbox).display().to_string();
    kill_and_compare(server, &sandbox, &input, kills(3), 5);
}

/// Kills so many runs over an input, runs each again, and compares with what one undisturbed run has stored.
fn kill_and_compare(server: &PostgresServer, sandbox: &Sandbox, input: &str, wanted: usize, seed: u64) {
    let expected = undisturbed(server, sandbox, input);
    // The one before has warmed the caches.
    let (began, whole) = (Instant::now(), server.database());
    server.ask(sandbox, &whole, &["ingest", input]);
    let uncut = began.elapsed();
    let stored = |database: &str| server.sql(database, "SELECT COUNT(*) FROM report").unwrap_or_default();
    let all = stored(&whole);
    let [some, whole] = [AtomicUsize::new(0), AtomicUsize::new(0)];
    Kills { wanted, uncut, seed }.run(|round, delay| {
        let database = server.database();
        let was_cut = start_and_kill(server.command(sandbox, &database, &["ingest", input]), delay);
        match stored(&database) {
            reports if was_cut && reports == all => drop(whole.fetch_add(1, Ordering::Relaxed)),
            reports if was_cut && !["", "0"].contains(&&*reports) => drop(some.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
        let ran = server.ask(sandbox, &database, &["ingest", input]);
        assert!([0, 3].contains(&ran.status), "round {round}, killed after {delay:?}\n{ran}");
        assert_eq!(content(server, sandbox, &database), expected, "round {round}, killed after {delay:?}");
        server.sql("postgres", &format!("DROP DATABASE {database} WITH (FORCE)")).unwrap();
        was_cut
    });
    eprintln!("of those cut short, {some:?} had stored some reports and {whole:?} all of them");
}

#[test]
fn a_server_that_goes_away_loses_nothing() {
    let Some(mut server) = PostgresServer::start() else { return };
    let sandbox = Sandbox::new();
    let began = Instant::now();
    let expected = undisturbed(&server, &sandbox, &sample());
    let half = began.elapsed() / 4;
    let database = server.database();
    let mut command = server.command(&sandbox, &database, &["ingest", &sample()]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(half);
    server.kill();
    let ran = Ran::from_output(child.wait_with_output().unwrap(), "ingest".to_owned());
    // Where it was quicker than the server, there is nothing to say.
    if ran.status != 0 {
        let ran = ran.exits(1);
        assert!(ran.stderr.contains("the database server is gone") || ran.stderr.contains("cannot open"), "{ran}");
    }
    server
        .ask(&sandbox, &database, &["unsigned"])
        .exits(1)
        .says("cannot open the database postgres://postgres@127.0.0.1:");
    server.run();
    let ran = server.ask(&sandbox, &database, &["ingest", &sample()]);
    assert!([0, 3].contains(&ran.status), "{ran}");
    assert_eq!(content(&server, &sandbox, &database), expected);
}

#[test]
fn what_is_wrong_is_said_in_plain_words() {
    let Some(server) = shared() else { return };
    let (sandbox, database) = (Sandbox::new(), server.database());
    let as_user = |user: &str, password: &str, database: &str, arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        command.env("DMARCSTAT_DB", server.url(user, database)).env("PGPASSWORD", password);
        Ran::of(command)
    };
    // No tables yet, and nothing is made by asking.
    server.ask(&sandbox, &database, &["unsigned"]).exits(1).says("there is no database at postgres://");
    as_user("postgres", "wrong", &database, &["unsigned"]).exits(1).says("password authentication failed");
    as_user("postgres", PASSWORD, "nosuch", &["unsigned"]).exits(1).says("createdb");
    // Another program's.
    let theirs = server.database();
    server.sql(&theirs, "CREATE TABLE theirs (x INTEGER)").unwrap();
    server.ask(&sandbox, &theirs, &["ingest", &sample()]).exits(1).says("is not a dmarcstat database");
    assert_eq!(
        server.sql(&theirs, "SELECT COUNT(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace").unwrap(),
        "1"
    );
    // Without rights to make tables, then without rights to write.
    server.sql("postgres", "CREATE ROLE reader LOGIN PASSWORD 'only reads'").unwrap();
    as_user("reader", "only reads", &database, &["ingest", &sample()]).exits(1).says("has no right");
    server.ask(&sandbox, &database, &["ingest", &sample()]);
    as_user("reader", "only reads", &database, &["unsigned"]).exits(1).says("has no right");
    server.sql(&database, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader").unwrap();
    assert!(
        [0, 1].contains(
            &as_user("reader", "only reads", &database, &["unsigned", "--as-of", "2026-10-31"]).exits(0).status
        )
    );
    as_user("reader", "only reads", &database, &["ingest", &sample()]).exits(1).says("has no right");
    // A newer program's.
    server.sql(&database, "UPDATE dmarcstat_database SET version = 999").unwrap();
    server.ask(&sandbox, &database, &["unsigned"]).exits(1).says("use a newer dmarcstat");
    // Not there at all.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://postgres@127.0.0.1:{port}/reports");
    sandbox.run(["unsigned", "--db", &url]).exits(1).says("cannot open the database");
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let sandbox = Sandbox::new();
    let url = format!("postgres://postgres@{}/reports", silent.local_addr().unwrap());
    sandbox.write("config.toml", format!("[database]\nurl = {url:?}\ntimeout = 1\n"));
    let began = Instant::now();
    sandbox.run(["unsigned", "--config", "config.toml"]).exits(1).says("no answer within 1 second");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_password_is_never_shown() {
    let Some(server) = shared() else { return };
    let (sandbox, database) = (Sandbox::new(), server.database());
    let secret = PASSWORD.replace(' ', "%20");
    let url = server.url("postgres", &database).replace("postgres@", &format!("postgres:{secret}@"));
    for arguments in
        [&["ingest", "nothing"][..], &["check", "-v"], &["check", "--format", "json"], &["unsigned"], &["metrics"]]
    {
        for url in [url.clone(), url.replace("reports", "nosuch")] {
            let mut command = sandbox.command(arguments);
            command.env("DMARCSTAT_DB", url);
            let ran = Ran::of(command);
            let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), ran.stderr);
            assert!(!said.contains(&secret) && !said.contains(PASSWORD), "{arguments:?}: {said}");
        }
    }
    // From a file that the configuration names, from one that PostgreSQL's own programs read.
    server.ask(&sandbox, &database, &["ingest", &sample()]);
    let plain = server.url("postgres", &database);
    sandbox.write("secret", PASSWORD);
    sandbox.write("config.toml", format!("[database]\nurl = {plain:?}\npassword_file = \"secret\"\n"));
    sandbox.run(["check", "--config", "config.toml"]).says("");
    sandbox.run(["unsigned", "--since", "all", "--config", "config.toml"]).exits(0);
    let home = sandbox.home().join(".pgpass");
    std::fs::write(&home, format!("*:*:{database}:postgres:{PASSWORD}\n")).unwrap();
    let open = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    std::fs::set_permissions(&home, open).unwrap();
    sandbox.run(["unsigned", "--since", "all", "--db", &plain]).exits(1).says("chmod 600");
    let own = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    std::fs::set_permissions(&home, own).unwrap();
    sandbox.run(["unsigned", "--since", "all", "--db", &plain]).exits(0);
}
