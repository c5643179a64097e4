//! What a database holds, as lines that can be compared.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::Hasher;
use std::path::Path;

use dmarcstat::store::{ReportFilter, Store};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

/// Every row of every table, as it is stored.
pub(crate) fn raw(db: &Path) -> Vec<String> {
    let connection = open(db);
    let mut statement =
        connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").expect("tables");
    let tables: Vec<String> =
        statement.query_map([], |row| row.get(0)).expect("tables").collect::<Result<_, _>>().expect("names");
    tables.iter().flat_map(|table| rows(&connection, &format!("SELECT * FROM \"{table}\""), table)).collect()
}

/// What the database says, without the numbers that things have in it and the time of the run: the reports by their
/// identity with their records, the sums by day, the quarantine. Sorted, so that two orders of arrival compare.
pub(crate) fn content(db: &Path) -> Vec<String> {
    let store = Store::open_existing(db).expect("the database opens");
    let mut summaries = Vec::new();
    store.list_reports(&ReportFilter::default(), &mut |summary| summaries.push(summary)).expect("reports");
    let mut lines = Vec::new();
    for summary in summaries {
        let (id, day) = (summary.id, summary.day);
        let mut records = Vec::new();
        let mut line = String::new();
        store
            .report_rows(day, id, &mut |row| {
                line.clear();
                write!(line, "{row:?}").expect("text");
                let mut hasher = DefaultHasher::new();
                hasher.write(line.as_bytes());
                records.push(hasher.finish());
            })
            .expect("records");
        assert_eq!(records.len() as u64, summary.records, "records of {summary:?}");
        let detail = store.report_detail(summary).expect("a report");
        let (head, summary) = (&detail.head, &detail.head.summary);
        let mut sightings: Vec<&str> = detail.sightings.iter().map(|one| one.location.as_str()).collect();
        sightings.sort_unstable();
        let raw = store.raw_report(id).expect("bytes").map(|bytes| bytes.len());
        lines.push(format!(
            "report {} {} {} {}-{} day {day} {:?} {:?} {:?} {} {} {} {:?} counted {} sibling {} {:?} {:?} {sightings:?} raw {raw:?} {records:x?}",
            summary.reporter,
            summary.report_id,
            summary.domain,
            summary.begin,
            summary.end,
            summary.org_name,
            summary.email,
            summary.policy,
            summary.records,
            summary.messages,
            summary.dmarc_pass,
            summary.irregularities,
            summary.counted,
            summary.sibling,
            (&head.extra_contact_info, &head.generator, &head.version, &head.namespace, &head.errors),
            detail.sha256,
        ));
    }
    for total in store.day_totals(i32::MIN, i32::MAX).expect("day totals") {
        lines.push(format!("{total:?}"));
    }
    drop(store);
    let connection = open(db);
    let quarantine = "SELECT code, reason, location, inner_path, mail_from, subject, mail_date, message_id, file_name, \
                      blob.sha256, blob.size FROM quarantine JOIN blob ON blob.id = quarantine.raw";
    lines.extend(rows(&connection, quarantine, "quarantine"));
    let tls = "SELECT day, begin_time, end_time, name.text, report_id, trust, counted, policy.successful, policy.failed, domain.text,
        sha256, (SELECT COUNT(*) || ' ' || SUM(sessions) FROM tls_failure
            WHERE tls_failure.report = tls_report.id AND policy = policy.number)
        FROM tls_report JOIN name ON name.id = reporter JOIN blob ON blob.id = raw
        JOIN tls_policy policy ON policy.report = tls_report.id JOIN name domain ON domain.id = policy.domain";
    lines.extend(rows(&connection, tls, "tls"));
    lines.sort();
    lines
}

/// Asserts that SQLite finds nothing wrong, and that nothing lies about that belongs to no report.
pub(crate) fn assert_sound(db: &Path) {
    let connection = open(db);
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(check, "ok");
    for (table, column) in [("record_run", "report"), ("irregularity", "report"), ("sighting", "report")] {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE {column} NOT IN (SELECT id FROM report)");
        let orphans: i64 = connection.query_row(&sql, [], |row| row.get(0)).expect("a count");
        assert_eq!(orphans, 0, "rows of {table} without a report");
    }
    for table in ["tls_policy", "tls_failure"] {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE report NOT IN (SELECT id FROM tls_report)");
        let orphans: i64 = connection.query_row(&sql, [], |row| row.get(0)).expect("a count");
        assert_eq!(orphans, 0, "rows of {table} without a report");
    }
}

fn open(db: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(db, flags).expect("SQLite opens the database")
}

fn rows(connection: &Connection, sql: &str, label: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).expect("a query");
    let columns = statement.column_count();
    let mut lines = Vec::new();
    let mut found = statement.query([]).expect("rows");
    while let Some(row) = found.next().expect("a row") {
        let mut line = label.to_owned();
        for column in 0..columns {
            match row.get_ref(column).expect("a value") {
                ValueRef::Blob(bytes) => write!(line, " {bytes:02x?}"),
                ValueRef::Text(text) => write!(line, " {:?}", String::from_utf8_lossy(text)),
                other => write!(line, " {other:?}"),
            }
            .expect("text");
        }
        lines.push(line);
    }
    lines
}

/// Asserts that two dumps are equal, and shows the first few lines in which they are not.
#[track_caller]
pub(crate) fn assert_same(expected: &[String], got: &[String], what: &str) {
    if expected == got {
        return;
    }
    let lacking = expected.iter().filter(|line| !got.contains(line)).map(|line| format!("- {line:.400}"));
    let surplus = got.iter().filter(|line| !expected.contains(line)).map(|line| format!("+ {line:.400}"));
    let shown: Vec<String> = lacking.take(5).chain(surplus.take(5)).collect();
    panic!("{what}: {} lines expected, {} there\n{}", expected.len(), got.len(), shown.join("\n"));
}
