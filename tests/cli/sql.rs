//! `sql`: questions over the tables, and nothing but questions.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::documented::{assert_documented, example};
use crate::harness::{Ran, Sandbox, messages_of};
use crate::make::{DKIM_AND_SPF, Dice, Report, many_records, record};

fn ask(sandbox: &Sandbox, question: &str) -> Vec<Vec<Value>> {
    rows(&sandbox.run(["sql", "--json", question]).exits(0))
}

fn rows(ran: &Ran) -> Vec<Vec<Value>> {
    let answer = ran.json();
    answer["rows"].as_array().unwrap().iter().map(|row| row.as_array().unwrap().clone()).collect()
}

#[test]
fn records_add_up_to_what_sources_says() {
    let sandbox = Sandbox::with_sample();
    let whole = |window: &[&str]| -> u64 {
        let answer = sandbox.run(["sources", "--json"].iter().chain(window)).exits(0).json();
        messages_of(&answer["paths"])
    };
    assert_eq!(ask(&sandbox, "SELECT sum(messages) FROM alignment"), [[json!(whole(&["--since", "all"]))]]);
    let november = ["--since", "2026-11-01", "--until", "2026-11-10"];
    for days in ["day >= '2026-11-01' AND day < '2026-11-11'", "day BETWEEN '2026-11-01' AND '2026-11-10'"] {
        let found = ask(&sandbox, &format!("SELECT sum(messages) FROM alignment WHERE {days}"));
        assert_eq!(found, [[json!(whole(&november))]], "{days}");
    }
    let ran = sandbox.run(["sql", "--json", "SELECT sum(messages) FROM alignment"].iter().chain(&november)).exits(0);
    assert_eq!(rows(&ran), [[json!(whole(&november))]]);
    let paths = sandbox.run(["sql", "--json", "SELECT sum(messages) FROM path"].iter().chain(&november)).exits(0);
    assert_eq!(rows(&paths), [[json!(whole(&november))]]);
    let domain = ["--since", "all", "--domain", "brightwater-shop.example"];
    for table in ["alignment", "path"] {
        let question = format!("SELECT sum(messages) FROM {table}");
        let ran = sandbox.run(["sql", "--json", &question].into_iter().chain(domain)).exits(0);
        assert_eq!(rows(&ran), [[json!(whole(&domain))]], "{table}");
    }
}

/// Whatever a condition saves, the answer is that of all rows with the condition.
#[test]
fn conditions_that_save_reading_change_no_answer() {
    let sandbox = Sandbox::with_sample();
    let all = ask(&sandbox, "SELECT id, day, domain FROM alignment");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    type Holds = fn(&str, &str) -> bool;
    let cases: [(&str, Holds); 11] = [
        ("day = '2026-11-05'", |day, _| day == "2026-11-05"),
        ("day > '2026-11-05'", |day, _| day > "2026-11-05"),
        ("day <= '2026-10-05'", |day, _| day <= "2026-10-05"),
        ("day IN ('2026-10-05', '2026-11-07')", |day, _| day == "2026-10-05" || day == "2026-11-07"),
        ("day < '2026-10'", |day, _| day < "2026-10"),
        ("day >= '2026-11-05T00:00'", |day, _| day >= "2026-11-05T00:00"),
        ("'2026-11-05' < day AND domain = 'brightwater.example'", |day, domain| {
            day > "2026-11-05" && domain == "brightwater.example"
        }),
        ("domain = 'BRIGHTWATER.EXAMPLE' COLLATE NOCASE", |_, domain| domain == "brightwater.example"),
        ("domain <> 'brightwater.example'", |_, domain| domain != "brightwater.example"),
        ("day > '2026-11-05' OR domain = 'nowhere.example'", |day, _| day > "2026-11-05"),
        ("day = 20261105", |_, _| false),
    ];
    for (condition, holds) in cases {
        let found: BTreeSet<String> = ask(&sandbox, &format!("SELECT id FROM alignment WHERE {condition}"))
            .iter()
            .map(|row| text(&row[0]))
            .collect();
        let expected: BTreeSet<String> =
            all.iter().filter(|row| holds(&text(&row[1]), &text(&row[2]))).map(|row| text(&row[0])).collect();
        assert_eq!(found, expected, "{condition}");
    }
}

#[test]
fn only_what_is_asked_for_is_read() {
    let sandbox = Sandbox::new();
    let mut dice = Dice(3);
    for day in 0..40 {
        let xml = Report::new(&format!("r{day}")).day(day).records(many_records(20, &mut dice)).xml();
        sandbox.write(&format!("in/{day}.xml"), xml);
    }
    sandbox.run(["ingest", "in", "-q"]).exits(0);
    // Where the records of all other days are damaged, a question that read them would fail.
    let damage = "UPDATE record_run SET rows = x'0102'
        WHERE day <> strftime('%s', '2026-10-07') / 86400 AND day < strftime('%s', '2026-11-08') / 86400";
    assert_eq!(Connection::open(sandbox.db()).unwrap().execute(damage, ()).unwrap(), 37);
    for part in ["day = '2026-10-07'", "day > '2026-11-08'", "domain = 'example.net'"] {
        assert_eq!(ask(&sandbox, &format!("SELECT sum(messages) FROM alignment WHERE {part}")).len(), 1, "{part}");
    }
    sandbox.run(["sql", "SELECT sum(messages) FROM alignment"]).exits(1);
}

#[test]
fn rows_are_those_of_export() {
    let sandbox = Sandbox::with_sample();
    let exported = crate::export::lines(&sandbox.run(["export", "--since", "all"]).exits(0));
    let ran = sandbox.run(["sql", "--json", "--max-rows", "100000", "SELECT * FROM alignment"]).exits(0);
    let answer = ran.json();
    let columns: Vec<&str> = answer["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(columns, exported[0].keys().collect::<Vec<_>>());
    let rows = rows(&ran);
    assert_eq!(rows.len(), exported.len());
    for (row, exported) in rows.iter().zip(&exported) {
        for ((column, found), expected) in columns.iter().zip(row).zip(exported.values()) {
            let expected = match expected {
                Value::Bool(truth) => json!(u8::from(*truth)),
                Value::Array(_) => {
                    let list: Value = serde_json::from_str(found.as_str().unwrap()).unwrap();
                    assert_eq!(&list, expected, "{column}");
                    continue;
                }
                other => other.clone(),
            };
            assert_eq!(found, &expected, "{column}");
        }
    }
}

#[test]
fn reports_and_policies() {
    let sandbox = Sandbox::with_sample();
    let list = sandbox.run(["reports", "--since", "all", "--json"]).exits(0).json();
    let listed = list["reports"].as_array().unwrap();
    let found = ask(
        &sandbox,
        "SELECT report, day, domain, reporter, report_id, records, messages, dmarc_pass, counted FROM report ORDER BY day DESC, report DESC",
    );
    let expected: Vec<Vec<Value>> = listed
        .iter()
        .map(|one| {
            let counted = json!(u8::from(one["counted"] == true));
            let mut row: Vec<Value> =
                ["id", "day", "domain", "reporter", "report_id", "record_count", "messages", "dmarc_pass"]
                    .iter()
                    .map(|key| one[*key].clone())
                    .collect();
            row.push(counted);
            row
        })
        .collect();
    assert_eq!(found, expected);
    let odd = listed.iter().filter(|one| !one["irregularities"].as_array().unwrap().is_empty()).count();
    assert_eq!(ask(&sandbox, "SELECT count(*) FROM report WHERE irregularities IS NOT NULL"), [[json!(odd)]]);
    let counted = listed.iter().filter(|one| one["counted"] == true).count();
    assert_eq!(ask(&sandbox, "SELECT sum(reports) FROM policy"), [[json!(counted)]]);
    assert_eq!(
        ask(&sandbox, "SELECT count(*) FROM (SELECT domain, p FROM policy EXCEPT SELECT domain, p FROM report)"),
        [[json!(0)]]
    );
}

#[test]
fn paths_are_those_of_sources() {
    let sandbox = Sandbox::with_sample();
    let answer = sandbox.run(["sources", "--as-of", "2026-11-22", "--json"]).exits(0).json();
    let question =
        "SELECT path, sender, role, class, cause, messages, dkim_unsigned, source_ips FROM path ORDER BY path";
    let found = rows(&sandbox.run(["sql", "--as-of", "2026-11-22", "--json", question]).exits(0));
    let mut paths: Vec<&Value> = answer["paths"].as_array().unwrap().iter().collect();
    paths.sort_by_key(|path| path["id"].as_str());
    assert_eq!(found.len(), paths.len());
    for (row, path) in found.iter().zip(paths) {
        let keys = ["id", "sender", "role", "class", "cause", "messages"];
        assert_eq!(row[..6], keys.map(|key| path[key].clone()));
        assert_eq!(row[6], path["dkim"]["unsigned"]);
        assert_eq!(serde_json::from_str::<Value>(row[7].as_str().unwrap()).unwrap(), path["source_ips"]);
    }
}

#[test]
fn tables_can_be_joined() {
    let sandbox = Sandbox::with_sample();
    let found = ask(
        &sandbox,
        "WITH worst AS (SELECT report, sum(messages) AS failed FROM alignment WHERE dmarc = 'fail' GROUP BY 1)
         SELECT count(*), sum(worst.failed), sum(report.messages - report.dmarc_pass) FROM report JOIN worst USING (report)",
    );
    assert!(found[0][0].as_u64().unwrap() > 10);
    assert_eq!(found[0][1], found[0][2], "what fails by records and by reports");
    let pairs = ask(
        &sandbox,
        "SELECT count(*) FROM alignment a JOIN alignment b USING (id) WHERE a.day = '2026-11-05' AND b.day = '2026-11-05'",
    );
    assert_eq!(pairs, ask(&sandbox, "SELECT count(*) FROM alignment WHERE day = '2026-11-05'"));
}

#[test]
fn nothing_but_questions() {
    let sandbox = Sandbox::with_sample();
    let before = std::fs::read(sandbox.db()).unwrap();
    for refused in [
        "DELETE FROM alignment",
        "UPDATE report SET p = 'none'",
        "INSERT INTO policy (domain) VALUES ('x')",
        "CREATE TABLE x (y)",
        "CREATE TEMP TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "CREATE VIRTUAL TABLE x USING alignment",
        "DROP TABLE alignment",
        "ATTACH 'other.db' AS other",
        "ATTACH ':memory:' AS other",
        "DETACH main",
        "PRAGMA user_version = 5",
        "PRAGMA table_info(alignment)",
        "SELECT * FROM pragma_table_info('alignment')",
        "SELECT load_extension('evil')",
        "BEGIN",
        "VACUUM INTO 'copy.db'",
        "SELECT 1; DELETE FROM alignment",
        "SELECT 1; SELECT 2",
        "ANALYZE",
        "REINDEX",
        "",
        "   -- nothing",
        "SELEC 1",
        "SELECT wheel FROM alignment",
        "SELECT 1 FROM record_run",
        "SELECT readfile('/etc/passwd')",
        "SELECT writefile('x', 'y')",
        "\u{1b}[2J",
    ] {
        let ran = sandbox.run(["sql", refused]);
        assert_eq!((ran.status, ran.text()), (2, ""), "{refused:?}\n{ran}");
        assert!(ran.stderr.starts_with("dmarcstat: ") && !ran.stderr.contains('\u{1b}'), "{ran}");
    }
    assert!(!sandbox.path("other.db").exists() && !sandbox.path("copy.db").exists());
    assert!(before == std::fs::read(sandbox.db()).unwrap(), "not a byte is changed");
    sandbox.run(["sql"]).exits(2);
    sandbox.run(["sql", "SELECT 1", "--tables"]).exits(2);
    assert_eq!(ask(&sandbox, "SELECT 1;"), [[json!(1)]]);
}

#[test]
fn what_does_not_end_is_ended() {
    let sandbox = Sandbox::with_sample();
    let began = Instant::now();
    for endless in [
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
        "SELECT count(*) FROM report a, report b, report c, report d WHERE a.p < b.p AND c.p < d.p",
    ] {
        let ran = sandbox.run(["sql", "--timeout", "1s", endless]).exits(1);
        assert!(ran.stderr.contains("--timeout") && ran.stdout.is_empty(), "{ran}");
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let large = sandbox.run(["sql", "SELECT length(zeroblob(900000000))"]).exits(2);
    assert!(large.stderr.contains("too big"), "{large}");
}

#[test]
fn the_number_of_rows_is_limited_and_that_is_told() {
    let sandbox = Sandbox::with_sample();
    let ran = sandbox.run(["sql", "--max-rows", "3", "--json", "SELECT id FROM alignment"]).exits(0);
    let answer = ran.json();
    assert_eq!((answer["rows"].as_array().unwrap().len(), &answer["cut"]), (3, &json!(true)));
    assert!(ran.stderr.contains("more than 3 rows"), "{ran}");
    let ran = sandbox.run(["sql", "--max-rows", "3", "--json", "SELECT id FROM alignment LIMIT 3"]).exits(0);
    assert_eq!((&ran.json()["cut"], ran.stderr.as_str()), (&json!(false), ""));
}

#[test]
fn every_form() {
    let sandbox = Sandbox::new();
    let records = vec![record("192.0.2.1", 7, "example.com", DKIM_AND_SPF), record("=1+1", 8, "example.com", "")];
    sandbox.write("a.xml", Report::new("a|b").org("=cmd() \u{9b}31m").records(records).xml());
    sandbox.run(["ingest", "a.xml"]).exits(0);
    let question = "SELECT org_name, report_id, messages, source_ip, 1.5 AS half, x'00ff' AS bytes FROM alignment ORDER BY messages";
    let form = |form: &str| sandbox.run(["sql", "--format", form, question]).exits(0).text().to_owned();
    assert_eq!(form("csv").lines().nth(1), Some("'=cmd() <9b>31m,a|b,7,192.0.2.1,1.5,00ff"));
    assert!(form("markdown").contains("| a\\|b | 7 | 192.0.2.1 | 1.5 | 00ff |"), "{}", form("markdown"));
    let table = form("table");
    assert!(table.starts_with("org_name") && table.contains("<9b>31m") && !table.contains('\u{9b}'), "{table}");
    let json: Value = serde_json::from_str(&form("json")).unwrap();
    assert_eq!(json["rows"][1], json!(["=cmd() \u{9b}31m", "a|b", 8, null, 1.5, "00ff"]));
    let ran = sandbox.run(["sql", "--json", "SELECT 1 WHERE 0"]).exits(0);
    assert_eq!(ran.json()["rows"], json!([]));
    sandbox.run(["sql", "SELECT 1 WHERE 0"]).exits(0);
    sandbox.run(["sql", "--input", "a.xml", "--", "SELECT count(*) FROM alignment"]).exits(0);
}

#[test]
fn json_is_as_documented() {
    let sandbox = Sandbox::with_sample();
    let question =
        "SELECT dkim, count(*) AS records, sum(messages) AS messages FROM alignment GROUP BY dkim ORDER BY 3 DESC";
    let answer = sandbox.run(["sql", "--json", question]).exits(0).json();
    assert_documented(&example("`sql`"), &answer);
}

#[test]
fn the_columns_are_documented() {
    let sandbox = Sandbox::with_sample();
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sql.md")).unwrap();
    let listed = rows(&sandbox.run(["sql", "--tables", "--json"]).exits(0));
    let of = |table: &str| -> BTreeSet<String> {
        let rows = listed.iter().filter(|row| row[0] == table);
        rows.map(|row| row[1].as_str().unwrap().to_owned()).collect()
    };
    let alignment = of("alignment");
    for table in ["path", "report", "policy"] {
        let section = text.split(&format!("\n## {table}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
        let lines = section.lines().filter(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
        let explained: BTreeSet<String> =
            lines.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
        let known = if table == "report" { &of(table) - &alignment } else { of(table) };
        let known = if table == "report" { &known | &BTreeSet::from(["messages".to_owned()]) } else { known };
        assert_eq!(explained, known, "{table}");
    }
}

/// The questions of the dashboard, with what Grafana puts in.
#[test]
fn the_dashboard_has_answers() {
    let sandbox = Sandbox::with_sample();
    sandbox.run(["export", "--since", "all", "--paths", "--into", "rows.db"]).exits(0);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/grafana/dmarcstat.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let connection = Connection::open(sandbox.path("rows.db")).unwrap();
    let mut asked = 0;
    let mut run = |question: &str| {
        // 2026-10-01 to 2026-11-20, in milliseconds.
        let question = question
            .replace("$__from", "1790812800000")
            .replace("$__to", "1795132800000")
            .replace("${domain:sqlstring}", "'brightwater.example', 'brightwater-shop.example'");
        assert!(!question.contains('$'), "{question}");
        let mut statement = connection.prepare(&question).unwrap_or_else(|error| panic!("{error}: {question}"));
        assert!(statement.readonly(), "{question}");
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).unwrap();
        let first = rows.next().unwrap_or_else(|error| panic!("{error}: {question}"));
        let first = first.unwrap_or_else(|| panic!("no rows: {question}"));
        if columns[0] == "time" {
            let time: i64 = first.get(0).unwrap();
            assert!((1_790_812_800..1_795_219_200).contains(&time), "{time}: {question}");
        }
        asked += 1;
    };
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        run(variable["query"]["queryText"].as_str().unwrap());
    }
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            assert_eq!(target["queryText"], target["rawQueryText"]);
            run(target["queryText"].as_str().unwrap());
        }
    }
    assert!(asked >= 10, "{asked}");
}
