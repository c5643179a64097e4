//! Tables that are split over several servers, by the very statements of `docs/scale.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::same::{ask_everything, at_one_time, twin};
use super::server::{PASSWORD, PostgresServer, shared};
use crate::dump;
use crate::harness::{Ran, Sandbox, quirk_folders, quirk_inputs, sample_mails};

/// The blocks of SQL in `docs/scale.md` that have a word after `sql`, one after the other.
fn block(word: &str) -> String {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scale.md")).unwrap();
    let begin = format!("```sql {word}\n");
    let blocks: Vec<&str> = page.split(&begin).skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty(), "{begin}");
    blocks.concat()
}

/// A database on the server with the sample of the sandbox's file, the large tables on two others.
struct Split {
    server: &'static PostgresServer,
    parts: [PostgresServer; 2],
    database: String,
}

impl Split {
    /// With `first` of the mails in it before it is split.
    fn new(sandbox: &Sandbox, first: &[String]) -> Option<Self> {
        let server = shared()?;
        let parts = [PostgresServer::start()?, PostgresServer::start()?];
        let database = twin(server, sandbox);
        let mut arguments = vec!["ingest"];
        arguments.extend(first.iter().map(String::as_str));
        sandbox.run(&arguments);
        server.ask(sandbox, &database, &arguments);
        let mut servers = block("servers");
        for (number, part) in parts.iter().enumerate() {
            let number = number + 1;
            part.sql("postgres", &format!("CREATE ROLE dmarcstat LOGIN PASSWORD '{PASSWORD}'")).unwrap();
            part.sql("postgres", "CREATE DATABASE dmarcstat_part OWNER dmarcstat").unwrap();
            part.sql("dmarcstat_part", &format!("SET ROLE dmarcstat; {}", block("parts"))).unwrap();
            let there = format!("host 'part{number}.example.com', port '5432'");
            assert!(servers.contains(&there), "{servers}");
            servers = servers
                .replace(&there, &format!("host '127.0.0.1', port '{}'", part.port()))
                .replace(&format!("password of part{number}"), PASSWORD);
        }
        if server.sql("postgres", "SELECT 1 FROM pg_roles WHERE rolname = 'dmarcstat'").unwrap().is_empty() {
            server.sql("postgres", "CREATE ROLE dmarcstat LOGIN").unwrap();
        }
        server.sql(&database, &servers).unwrap();
        server.sql(&database, &block("split")).unwrap();
        Some(Split { server, parts, database })
    }

    /// How many rows of a table each of the two has.
    fn rows(&self, table: &str) -> [u64; 2] {
        self.parts.each_ref().map(|part| {
            let count = part.sql("dmarcstat_part", &format!("SELECT COUNT(*) FROM {table}")).unwrap();
            count.parse().unwrap()
        })
    }
}

/// The tables of today, with their columns.
fn columns() -> BTreeMap<String, Vec<String>> {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path("nothing")).unwrap();
    sandbox.run(["ingest", &sandbox.path("nothing").display().to_string()]);
    let connection = Connection::open(sandbox.db()).unwrap();
    let sql = "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'";
    let mut select = connection.prepare(sql).unwrap();
    let found = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in found.map(Result::unwrap) {
        tables.entry(table).or_default().push(column);
    }
    tables
}

/// The files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn tables_on_other_servers_answer_as_a_file() {
    let sandbox = Sandbox::new();
    // The sample is of few domains.
    let odd = quirk_folders().into_iter().flat_map(|folder| quirk_inputs(&folder));
    let mails: Vec<String> = sample_mails().into_iter().chain(odd).map(|path| path.display().to_string()).collect();
    let (first, rest) = mails.split_at(mails.len() / 2);
    let Some(mut split) = Split::new(&sandbox, first) else { return };
    let (server, database) = (split.server, split.database.clone());
    let both = |arguments: &[&str]| {
        let without_time = |text: &str| text.split(" (").next().unwrap_or_default().to_owned();
        let (file, other) = (sandbox.run(arguments), server.ask(&sandbox, &database, arguments));
        assert_eq!(file.status, other.status, "{arguments:?}\n{file}\n{other}");
        assert_eq!(without_time(file.text()), without_time(other.text()), "{arguments:?}\n{file}\n{other}");
    };
    let mut arguments = vec!["ingest"];
    arguments.extend(rest.iter().map(String::as_str));
    both(&arguments);
    at_one_time(server, &sandbox, &database);
    for table in ["record_run", "blob"] {
        assert!(split.rows(table).iter().all(|rows| *rows > 0), "{table}: {:?}", split.rows(table));
    }
    ask_everything(server, &sandbox, &database, &["json"]);
    server.ask(&sandbox, &database, &["check", "--deep"]).exits(0);
    for change in
        [&["reports", "drop", "3", "4"][..], &["reports", "drop", "4", "--back"], &["prune", "--older-than", "200d"]]
    {
        both(change);
    }
    let mut arguments = vec!["ingest"];
    arguments.extend(mails.iter().map(String::as_str));
    both(&arguments);
    at_one_time(server, &sandbox, &database);
    ask_everything(server, &sandbox, &database, &["json"]);
    server.ask(&sandbox, &database, &["check", "--deep"]).exits(0);

    // Rows that are read in the order of a key: the servers send them once, and not from the beginning for each batch.
    let before = split.parts.each_ref().map(|part| part.log().len());
    let back = sandbox.path("back.db");
    let url = server.url("postgres", &database);
    let mut copy = sandbox.command(["copy", "--from", &url, "--to", back.to_str().unwrap()]);
    copy.env("PGPASSWORD", PASSWORD);
    Ran::of(copy).exits(0);
    server.ask(&sandbox, &database, &["export", "--since", "all", "--format", "jsonl"]).exits(0);
    server.ask(&sandbox, &database, &["check", "--deep"]).exits(0);
    dump::assert_same(&dump::raw(&sandbox.db()), &dump::raw(&back), "a copy of it");
    for (part, before) in split.parts.iter().zip(before) {
        let log = part.log();
        let asked: Vec<&str> = log[before..].lines().filter(|line| line.contains("SELECT ")).collect();
        let mut in_order = asked.iter().filter(|sql| sql.contains("bytes FROM") && sql.contains("id > ")).peekable();
        assert!(in_order.peek().is_some() && in_order.all(|sql| sql.contains("id <= ")), "{asked:#?}");
        // Once to copy, once to compare, once to check. Where more is read behind a place, its day is said.
        let from_the_beginning = asked.iter().filter(|sql| sql.contains("rows FROM") && !sql.contains("day >= "));
        assert!(from_the_beginning.count() <= 3, "{asked:#?}");
    }

    // What a commit leaves that broke off between two servers.
    let before = split.rows("record_run");
    let part = &split.parts[0];
    let stray =
        "INSERT INTO record_run SELECT day, report + 100000, part, reporter, domain, counted, rows FROM record_run";
    part.sql("dmarcstat_part", stray).unwrap();
    ask_everything(server, &sandbox, &database, &["json"]);
    let finds = |fault: &str| {
        let ran = server.ask(&sandbox, &database, &["check", "--deep"]).exits(1);
        assert!(ran.text().contains(fault) && ran.text().contains("docs/scale.md"), "{fault}\n{ran}");
    };
    finds("which is not there");
    both(&["reports", "ignore", "nobody.example"]);
    assert_eq!(split.rows("record_run"), before);
    server.ask(&sandbox, &database, &["check", "--deep"]).exits(0);
    part.sql("dmarcstat_part", "UPDATE record_run SET counted = 3 - counted WHERE counted <> 0").unwrap();
    finds("reporter or state");
    server.sql(&database, &block("mend")).unwrap();
    server.ask(&sandbox, &database, &["check", "--deep"]).exits(0);
    ask_everything(server, &sandbox, &database, &["json"]);

    // A server that is not there.
    split.parts[1].kill();
    server.ask(&sandbox, &database, &["unsigned", "--since", "all"]).exits(1);
    split.parts[1].run();
    ask_everything(server, &sandbox, &database, &["json"]);
}

#[test]
fn the_statements_for_citus_name_what_is_there() {
    let tables = columns();
    let mut named = BTreeSet::new();
    let block = block("citus");
    for statement in block.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        let call = statement.strip_prefix("SELECT ").and_then(|call| call.strip_suffix(')')).expect(statement);
        let (function, arguments) = call.split_once('(').expect(statement);
        let arguments: Vec<&str> = arguments.split(", ").map(|argument| argument.trim_matches('\'')).collect();
        match function {
            "citus_set_coordinator_host" | "citus_add_node" => assert_eq!(arguments.len(), 2, "{statement}"),
            "create_distributed_table" => {
                let [table, column, _] = arguments[..] else { panic!("{statement}") };
                let columns = tables.get(table).unwrap_or_else(|| panic!("{statement}"));
                assert!(columns.iter().any(|known| known == column), "{statement}");
                named.insert(table);
            }
            "create_reference_table" => assert!(tables.contains_key(arguments[0]), "{statement}"),
            _ => panic!("{statement}"),
        }
    }
    assert_eq!(Vec::from_iter(named), ["blob", "record_run"]);
}

/// Tables that may lie on other servers are asked alone: engines that split tables do not join them with others, or not quickly.
#[test]
fn the_tables_that_can_be_split_are_joined_with_nothing() {
    let tables = columns();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store");
    let mut seen = 0;
    for file in sources(Path::new(folder)) {
        if file.ends_with("schema.rs") || file.to_string_lossy().contains("tests") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for statement in text.split('"').skip(1).step_by(2).flat_map(|text| text.split(';')) {
            let words: Vec<&str> =
                statement.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
            let named: BTreeSet<&str> = words
                .windows(2)
                .filter(|pair| ["FROM", "JOIN", "INTO", "UPDATE"].contains(&pair[0]))
                .map(|pair| pair[1])
                .filter(|name| tables.contains_key(*name))
                .collect();
            let large = named.iter().any(|name| ["blob", "record_run"].contains(name));
            // Once, when a database of an earlier version is brought up to date.
            let is_migration = statement.contains("trust = ?2") && statement.contains("WHERE counted = 1");
            seen += usize::from(large);
            assert!(!large || named.len() == 1 || is_migration, "{}: {statement}", file.display());
        }
    }
    assert!(seen > 20, "{seen}");
}
