use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::*;
use crate::ingest::{IngestOptions, IngestSummary, Silent, ingest};
use crate::limits::Limits;
use crate::mail::Envelope;
use crate::providers::Catalogue;
use crate::query::{Hosts, Knowledge, Ledger, Window, survey};
use crate::report::period::Day;
use crate::source::{Belief, Content, Input, InputSink};

/// A report of `mailhaven.example` on example.com with records of (address, count, DKIM result).
fn report(id: &str, day: u64, records: &[(&str, u64, &str)]) -> String {
    let begin = day * 86_400;
    let mut xml = format!(
        "<feedback><report_metadata><org_name>mailhaven.example</org_name><report_id>{id}</report_id><date_range>\
         <begin>{begin}</begin><end>{}</end></date_range></report_metadata>\
         <policy_published><domain>example.com</domain><p>none</p></policy_published>",
        begin + 86_399
    );
    for (address, count, result) in records {
        xml += &format!(
            "<record><row><source_ip>{address}</source_ip><count>{count}</count><policy_evaluated>\
             <disposition>none</disposition><dkim>{result}</dkim><spf>fail</spf></policy_evaluated></row>\
             <identifiers><header_from>example.com</header_from></identifiers><auth_results>\
             <dkim><domain>example.com</domain><selector>s1</selector><result>{result}</result></dkim>\
             <spf><domain>example.com</domain><result>fail</result></spf></auth_results></record>"
        );
    }
    xml + "</feedback>"
}

fn options() -> IngestOptions {
    IngestOptions {
        limits: Limits::default(),
        keep_raw: true,
        now: 1_790_000_000,
        examiners: 2,
        left_to_do: Vec::new(),
        stop: Arc::default(),
    }
}

fn take(store: &mut Store, documents: &[String]) -> IngestSummary {
    try_to_take(store, documents).unwrap()
}

fn try_to_take(store: &mut Store, documents: &[String]) -> Result<IngestSummary> {
    let source = |sink: &mut dyn InputSink| {
        for (number, document) in documents.iter().enumerate() {
            sink.push(Input {
                location: format!("mails/{number}.xml"),
                file_name: None,
                is_mail: false,
                envelope: Envelope::default(),
                receipt: None,
                belief: Belief::Nobody,
                content: Content::Bytes(Arc::new(document.clone().into_bytes())),
            });
        }
    };
    ingest(store, &options(), source, &mut Silent)
}

fn messages(store: &Store) -> u64 {
    let all = Window { first: Day::MIN, last: Day::MAX };
    let knowledge = Knowledge {
        catalogue: &Catalogue::builtin(),
        ledger: &Ledger::default(),
        hosts: &Hosts::default(),
        memory_days: 90,
    };
    survey(store, all, &[], knowledge).unwrap().domains.iter().map(|domain| domain.messages).sum()
}

fn counted(store: &Store) -> BTreeMap<u64, bool> {
    let mut found = BTreeMap::new();
    let mut note = |report: ReportSummary| {
        found.insert(report.messages, report.counted);
    };
    store.list_reports(&ReportFilter::default(), &mut note).unwrap();
    found
}

/// What is packed of the outcomes is what their columns say, and of all of them.
fn check_facts(store: &Store) {
    let columns = |id: u64| -> Vec<Option<i64>> {
        let sql = "SELECT header_from, envelope, authenticated, signers, state & 15 FROM outcome WHERE id = ?1";
        let read = |row: super::engine::Row<'_>| (0..5).map(|at| row.get(at)).collect();
        store.connection.query_row(sql, [i64::try_from(id).unwrap()], read).unwrap()
    };
    let mut packed = 0;
    for outcome in (0..=store.largest_outcome().unwrap()).step_by(256) {
        // A block of which nothing is left is not there.
        let _ = store.facts_around(outcome, &mut |id, facts| {
            let (signers, dkim) = (Some(facts.signers), Some(i64::from(facts.dkim.code())));
            assert_eq!(columns(id), [facts.header_from, facts.envelope, facts.authenticated, signers, dkim], "{id}");
            packed += 1;
        });
    }
    let outcomes: i64 = store.connection.query_row("SELECT COUNT(*) FROM outcome", (), |row| row.get(0)).unwrap();
    assert_eq!(packed, outcomes);
}

/// The summary agrees with the records it sums up.
fn check_totals(store: &Store) {
    check_facts(store);
    let totals = store.day_totals(Day::MIN, Day::MAX).unwrap();
    assert_eq!(totals.iter().map(|total| total.totals.messages).sum::<u64>(), messages(store));
}

#[test]
fn a_report_is_taken_once() {
    let mut store = Store::in_memory().unwrap();
    let one = report("1", 20_000, &[("192.0.2.1", 5, "pass"), ("192.0.2.2", 7, "fail")]);
    // The same records in another order are the same report.
    let again = report("1", 20_000, &[("192.0.2.2", 7, "fail"), ("192.0.2.1", 5, "pass")]);
    let summary = take(&mut store, &[one, again]);
    assert_eq!((summary.new, summary.duplicate, summary.conflicting), (1, 1, 0));
    assert_eq!(messages(&store), 12);
    let report = store.find_reports("1").unwrap().remove(0);
    let detail = store.report_detail(report).unwrap();
    assert_eq!(
        detail.sightings.iter().map(|seen| seen.location.as_str()).collect::<Vec<_>>(),
        ["mails/0.xml", "mails/1.xml"]
    );
    check_totals(&store);
}

#[test]
fn old_reports_go_with_all_that_only_they_needed() {
    let mut store = Store::in_memory().unwrap();
    take(
        &mut store,
        &[report("old", 20_000, &[("192.0.2.1", 5, "fail")]), report("new", 20_500, &[("192.0.2.1", 9, "pass")])],
    );
    assert_eq!(store.prunable(20_400).unwrap(), Pruned { reports: 1, records: 1, messages: 5, tls_reports: 0 });
    assert_eq!(store.prune(20_400).unwrap().reports, 1);
    assert_eq!(messages(&store), 9);
    check_totals(&store);
    let count = |table: &str| -> i64 {
        store.connection.query_row(&format!("SELECT COUNT(*) FROM {table}"), (), |row| row.get(0)).unwrap()
    };
    assert_eq!((count("outcome"), count("blob"), count("sighting"), count("signers")), (1, 1, 1, 1));
    // What was forgotten may come again.
    assert_eq!(take(&mut store, &[report("old", 20_000, &[("192.0.2.1", 5, "fail")])]).new, 1);
}

#[test]
fn facts_are_packed_of_what_stays() {
    // A report that comes in many runs and ends too early goes with its outcomes, and with no other's.
    let selectors = |from: u64, number: u64| {
        let one = |at: u64| report("x", 20_000, &[("192.0.2.1", at, "fail")]).replace(">s1<", &format!(">s{at}<"));
        let record = |at: u64| {
            let whole = one(at);
            let (begin, end) = (whole.find("<record>").unwrap(), whole.find("</feedback>").unwrap());
            whole[begin..end].to_owned()
        };
        (from..from + number).map(record).collect::<String>()
    };
    let with =
        |id: &str, records: &str| report(id, 20_000, &[]).replace("</feedback>", &format!("{records}</feedback>"));
    let early = with("early", &selectors(0, 20_000)).replace("</feedback>", "");
    let mut store = Store::in_memory().unwrap();
    let taken = take(&mut store, &[with("a", &selectors(30_000, 300)), early, with("b", &selectors(40_000, 300))]);
    assert_eq!((taken.new, taken.quarantined.len()), (2, 1));
    check_totals(&store);
    assert_eq!(store.largest_outcome().unwrap(), 600);
    // From the columns alone, as for a database of an older version.
    store.connection.execute("DELETE FROM outcome_block", ()).unwrap();
    super::facts::write_all(&store.connection).unwrap();
    check_facts(&store);
}

#[test]
fn a_newer_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reports.db");
    drop(Store::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", schema::VERSION + 1).unwrap();
    drop(connection);
    for opened in [Store::open(&path), Store::open_existing(&path)] {
        assert!(matches!(opened, Err(StoreError::Newer { .. })));
    }
}

#[test]
fn another_programs_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    for opened in [Store::open(&path), Store::open_existing(&path)] {
        assert!(matches!(opened, Err(StoreError::Foreign(_))));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    /// Records that repeat are recognised by their bytes; with blanks before the count they are read event by event.
    #[test]
    fn recognised_records_say_what_read_ones_say(
        records in proptest::collection::vec((0_u8..8, 1_u64..2000, proptest::sample::select(vec!["pass", "fail", "none", "odd", ""])), 0..60),
    ) {
        let addresses: Vec<String> = records.iter().map(|record| format!("192.0.2.{}", record.0)).collect();
        let records: Vec<(&str, u64, &str)> =
            records.iter().zip(&addresses).map(|(record, address)| (address.as_str(), record.1, record.2)).collect();
        let plain = report("1", 20_000, &records);
        let unusual = plain.replace("<count>", "<count> ");
        let (mut left, mut right) = (Store::in_memory().unwrap(), Store::in_memory().unwrap());
        let (a, b) = (take(&mut left, &[plain]), take(&mut right, &[unusual]));
        proptest::prop_assert_eq!(a, b);
        let rows = |store: &Store| {
            let report = store.find_reports("1").unwrap().remove(0);
            let mut rows = Vec::new();
            store.report_rows(report.day, report.id, &mut |row| rows.push(format!("{row:?}"))).unwrap();
            (rows, format!("{:?}", report.irregularities))
        };
        proptest::prop_assert_eq!(rows(&left), rows(&right));
    }
}

/// A mail with a report, of which the server that is believed says this.
fn mail(says: &str, report: &str) -> String {
    format!(
        "Authentication-Results: mx.example.com; {says}\r\nFrom: r@mailhaven.example\r\n\
         Content-Type: text/xml; name=r.xml\r\n\r\n{report}"
    )
}

/// Takes mails in batches of their own, and believes one server.
fn take_mails(store: &mut Store, place: &str, mails: &[String]) -> IngestSummary {
    let source = |sink: &mut dyn InputSink| {
        for (number, mail) in mails.iter().enumerate() {
            sink.push(Input {
                location: format!("{place}/{number}"),
                file_name: None,
                is_mail: true,
                envelope: Envelope::default(),
                receipt: None,
                belief: Belief::Server("mx.example.com".into()),
                content: Content::Bytes(Arc::new(mail.clone().into_bytes())),
            });
        }
    };
    ingest(store, &options(), source, &mut Silent).unwrap()
}

#[test]
fn a_report_whose_mail_failed_counts_for_nothing_until_one_passes() {
    const PASS: &str = "dmarc=pass header.from=mailhaven.example";
    const FAIL: &str = "dmarc=fail header.from=mailhaven.example";
    let unchecked = |store: &Store| store.unchecked_reports(Day::MIN, Day::MAX, &[]).unwrap();
    let one = report("1", 20_000, &[("192.0.2.1", 5, "pass")]);
    // In one run or in several, in whatever order.
    for (sayings, trust) in [
        (vec![FAIL], Trust::Failed),
        (vec![FAIL, "none"], Trust::Unchecked),
        (vec!["none", FAIL], Trust::Unchecked),
        (vec!["none", "dmarc=none"], Trust::Unchecked),
        (vec![FAIL, PASS], Trust::Passed),
        (vec![PASS, FAIL], Trust::Passed),
        (vec!["none", FAIL, PASS, FAIL], Trust::Passed),
    ] {
        for in_one_run in [true, false] {
            let mut store = Store::in_memory().unwrap();
            let mails: Vec<_> = sayings.iter().map(|says| mail(says, &one)).collect();
            if in_one_run {
                take_mails(&mut store, "a", &mails);
            } else {
                for (number, mail) in mails.iter().enumerate() {
                    take_mails(&mut store, &format!("a{number}"), std::slice::from_ref(mail));
                }
            }
            let failed = trust == Trust::Failed;
            let report = store.find_reports("1").unwrap().remove(0);
            assert_eq!((report.trust, report.counted), (trust, !failed), "{sayings:?}");
            assert_eq!(messages(&store), if failed { 0 } else { 5 }, "{sayings:?}");
            assert_eq!(store.newest_report(i64::MAX).unwrap().is_none(), failed);
            assert_eq!(store.untrusted_reports().unwrap(), u64::from(failed));
            assert_eq!(unchecked(&store), u64::from(trust == Trust::Unchecked), "{sayings:?}");
            assert_eq!(
                unchecked(&store),
                store.unchecked_reports(19_999, 20_000, &["example.com".to_owned()]).unwrap()
            );
            check_totals(&store);
            let detail = store.report_detail(report).unwrap();
            let seen: Vec<_> = detail.sightings.iter().map(|seen| seen.trust.as_str()).collect();
            assert_eq!((seen.len(), seen.contains(&"failed")), (sayings.len(), sayings.contains(&FAIL)));
        }
    }
}

#[test]
fn a_forgery_takes_nothing_from_the_report_it_imitates() {
    let good = mail("dmarc=pass header.from=mailhaven.example", &report("1", 20_000, &[("192.0.2.1", 5, "pass")]));
    let forged = report("1", 20_000, &[("192.0.2.1", 5, "pass"), ("192.0.2.9", 9000, "pass")]);
    let forged = mail("dmarc=fail header.from=mailhaven.example", &forged);
    for order in [[&good, &forged], [&forged, &good]] {
        let mut store = Store::in_memory().unwrap();
        let summary = take_mails(&mut store, "a", &order.map(String::clone));
        assert_eq!((summary.new, summary.conflicting, summary.untrusted, summary.irregularities), (2, 0, 1, 0));
        assert_eq!(messages(&store), 5);
        check_totals(&store);
        let mut apart = Vec::new();
        let filter = ReportFilter { apart: Some(Apart::Untrusted), ..ReportFilter::default() };
        store.list_reports(&filter, &mut |report| apart.push(report.messages)).unwrap();
        assert_eq!(apart, [9005]);
        assert_eq!(counted(&store), BTreeMap::from([(5, true)]));
        // Nothing of it is left when it is forgotten.
        store.prune(30_000).unwrap();
        assert_eq!(store.untrusted_reports().unwrap(), 0);
    }
}

#[test]
fn the_documentation_has_every_table_and_column() {
    let page = include_str!("../../docs/database.md");
    assert!(page.contains(&format!("`PRAGMA user_version` the version, now {}.", schema::VERSION)));
    let store = Store::in_memory().unwrap();
    let column = |sql: &str, table: &str| -> Vec<String> {
        let mut select = store.connection.prepare(sql).unwrap();
        select.query_map([table], |row| row.get(0)).unwrap().map(|name| name.unwrap()).collect()
    };
    let tables = column("SELECT name FROM sqlite_master WHERE type = ?1", "table");
    assert!(tables.len() > 10);
    let mut missing = Vec::new();
    for table in &tables {
        let documented = page.lines().any(|line| line.starts_with(&format!("| `{table}` |")));
        let columns = column("SELECT name FROM pragma_table_info(?1)", table);
        let columns = columns.into_iter().filter(|column| !page.contains(&format!("`{column}`")));
        missing.extend(columns.map(|column| format!("{table}.{column}")));
        missing.extend((!documented).then(|| table.clone()));
    }
    assert!(missing.is_empty(), "docs/database.md says nothing of {missing:?}");
}

/// Reports of one identity.
mod memory;
mod same_identity;
mod torn;
mod trust;
