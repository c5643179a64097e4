//! What is remembered in sum is what the records say, whatever came, came again, was replaced or was forgotten.

use proptest::prelude::*;
use rusqlite::Connection;

use super::super::memory::{Remembered, sum_up};
use super::*;
use crate::alignment::DkimState;
use crate::alignment::SpfState;
use crate::rows;

/// Who reports on what, whether that passed, what is shown, the address, and the day.
type Key = (i64, i64, bool, String, Option<std::net::IpAddr>, Day);

fn facts_of(store: &Store, outcome: u64) -> OutcomeFacts {
    let mut found = None;
    store
        .facts_around(outcome, &mut |id, facts| {
            if id == outcome {
                found = Some(facts);
            }
        })
        .unwrap();
    found.unwrap()
}

/// What facts show of who wrote and sent mail, in words; nothing where they show nothing.
fn shown(store: &Store, facts: &OutcomeFacts, excused: bool, as_list: bool) -> Option<String> {
    let detail = &facts.detail;
    let signers = store.signers(facts.signers, &mut store.names()).unwrap();
    let aligned = facts.dkim == DkimState::Aligned;
    let tells = facts.spf == SpfState::Aligned
        || detail.strict_spf
        || aligned
        || facts.authenticated.is_some()
        || !signers.is_empty();
    let names = (facts.header_from, facts.envelope, facts.authenticated, signers, facts.spf);
    let null = facts.null_reverse_path || detail.spf_without_domain;
    let rest = (aligned, null, detail.strict_spf, detail.spf_fault.is_some(), excused, as_list);
    tells.then(|| format!("{names:?} {rest:?}"))
}

fn add_run(store: &Store, run: &ScannedRun<'_>, found: &mut BTreeMap<Key, u64>) {
    for row in rows::iterate(run.rows).map(Option::unwrap) {
        let facts = facts_of(store, row.outcome);
        let policy = store.policy(store.policy_of(run.report).unwrap()).unwrap();
        let reasons = facts.in_effect(run.domain, &policy).forwarding;
        let Some(shown) = shown(store, &facts, reasons.any(), reasons.mailing_list) else { continue };
        let key = (run.reporter, run.domain, run.checked, shown, row.address.ip(), run.day);
        *found.entry(key).or_default() += row.count.unwrap_or(0);
    }
}

/// What is remembered of some days, and how much of it was read from records.
fn remembered(store: &Store, first: Day, last: Day) -> (BTreeMap<Key, u64>, usize) {
    let (mut found, mut runs, mut sources) = (BTreeMap::new(), 0, Vec::new());
    store
        .remember(first, last, &mut |one| {
            match one {
                Remembered::Run(run) => {
                    runs += 1;
                    add_run(store, &run, &mut found);
                }
                Remembered::Sources(all) => sources = all.to_vec(),
                Remembered::Sum(sum) => {
                    let facts = facts_of(store, sum.outcome);
                    let shown = shown(store, &facts, sum.excused, sum.as_list).unwrap();
                    for cell in sum.cells().map(|cell| cell.unwrap()) {
                        let source = sources[cell.source];
                        let key =
                            (source.reporter, source.domain, source.checked, shown.clone(), sum.address, cell.day);
                        *found.entry(key).or_default() += cell.messages;
                    }
                }
            }
            Ok(())
        })
        .unwrap();
    (found, runs)
}

fn in_records(store: &Store, first: Day, last: Day) -> BTreeMap<Key, u64> {
    let mut found = BTreeMap::new();
    store
        .scan_runs(first, last, &mut |run| {
            add_run(store, &run, &mut found);
            Ok(())
        })
        .unwrap();
    found
}

fn check_memory(store: &Store, days: &[(Day, Day)]) {
    for &(first, last) in days {
        assert_eq!(remembered(store, first, last).0, in_records(store, first, last), "{first} to {last}");
    }
}

/// Something that happens to a database.
#[derive(Debug, Clone)]
enum Event {
    /// A report comes: its number, day, whether it passed, its policy, and its records by address, count and form.
    Report(u8, i32, bool, bool, Vec<(u8, u64, u8)>),
    /// All before a day is forgotten.
    Prune(i32),
    /// A run ends.
    SumUp,
}

const FIRST: i32 = 19_990;

fn event() -> impl Strategy<Value = Event> {
    let record = (0_u8..3, 0_u64..4, 0_u8..5);
    let records = prop::collection::vec(record, 0..4);
    prop_oneof![
        6 => (0_u8..3, 0_i32..80, any::<bool>(), any::<bool>(), records)
            .prop_map(|(id, day, passed, reject, records)| Event::Report(id, FIRST + day, passed, reject, records)),
        1 => (0_i32..80).prop_map(|day| Event::Prune(FIRST + day)),
        3 => Just(Event::SumUp),
    ]
}

/// Records whose forms are: signed, unsigned, spoofed, forwarded by the receiver's word, with SPF of another.
fn document(id: u8, day: i32, reject: bool, records: &[(u8, u64, u8)]) -> String {
    let begin = i64::from(day) * 86_400;
    let mut xml = format!(
        "<feedback><report_metadata><org_name>mailhaven.example</org_name><report_id>{id}</report_id><date_range>\
         <begin>{begin}</begin><end>{}</end></date_range></report_metadata><policy_published>\
         <domain>example.com</domain><p>{}</p></policy_published>",
        begin + 86_399,
        if reject { "reject" } else { "none" }
    );
    for (address, count, form) in records {
        let (dkim, spf) = (if *form == 0 { "pass" } else { "fail" }, if *form == 1 { "pass" } else { "fail" });
        let reason = if *form == 3 { "<reason><type>mailing_list</type></reason>" } else { "" };
        let signed = match form {
            0 | 3 => format!("<dkim><domain>example.com</domain><selector>s</selector><result>{dkim}</result></dkim>"),
            _ => String::new(),
        };
        let checked = match form {
            4 => "<spf><domain>relay.example</domain><result>pass</result></spf>".to_owned(),
            _ => format!("<spf><domain>example.com</domain><result>{spf}</result></spf>"),
        };
        xml += &format!(
            "<record><row><source_ip>192.0.2.{address}</source_ip><count>{count}</count><policy_evaluated>\
             <disposition>none</disposition><dkim>{dkim}</dkim><spf>{spf}</spf>{reason}</policy_evaluated></row>\
             <identifiers><header_from>example.com</header_from></identifiers>\
             <auth_results>{signed}{checked}</auth_results></record>"
        );
    }
    xml + "</feedback>"
}

const DAYS: [(Day, Day); 4] =
    [(FIRST, FIRST + 80), (FIRST + 5, FIRST + 12), (FIRST + 20, FIRST + 64), (Day::MIN, Day::MAX)];

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn sums_are_what_the_records_say(events in prop::collection::vec(event(), 1..14)) {
        let mut store = Store::in_memory().unwrap();
        for event in events {
            match event {
                Event::Report(id, day, passed, reject, records) => {
                    let says = if passed { "dmarc=pass header.from=mailhaven.example" } else { "none" };
                    take_mails(&mut store, "a", &[mail(says, &document(id, day, reject, &records))]);
                }
                Event::Prune(day) => drop(store.prune(day).unwrap()),
                Event::SumUp => {
                    sum_up(&mut store.connection, &|| false).unwrap();
                    prop_assert_eq!(remembered(&store, Day::MIN, Day::MAX).1, 0);
                }
            }
            check_memory(&store, &DAYS);
        }
        sum_up(&mut store.connection, &|| false).unwrap();
        check_memory(&store, &DAYS);
        store.leave_out_unchecked(true);
        check_memory(&store, &DAYS);
    }
}

#[test]
fn another_policy_for_the_same_records_is_noticed() {
    let mut store = Store::in_memory().unwrap();
    let of = |reject| [mail("none", &document(1, FIRST, reject, &[(1, 5, 3)]))];
    take_mails(&mut store, "a", &of(false));
    sum_up(&mut store.connection, &|| false).unwrap();
    let before = remembered(&store, FIRST, FIRST);
    take_mails(&mut store, "a", &of(true));
    sum_up(&mut store.connection, &|| false).unwrap();
    check_memory(&store, &DAYS);
    assert_ne!(remembered(&store, FIRST, FIRST), before);
}

#[test]
fn a_run_sums_up_what_it_changed_and_a_database_of_before_is_summed_up_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reports.db");
    let periods = |path: &Path| -> i64 {
        let connection = Connection::open(path).unwrap();
        connection.query_row("SELECT COUNT(*) FROM memory WHERE part = 0", (), |row| row.get(0)).unwrap()
    };
    {
        let mut store = Store::open(&path).unwrap();
        let documents = [FIRST, FIRST + 1, FIRST + 70].map(|day| document(1, day, false, &[(1, 5, 0)]));
        take(&mut store, &documents);
    }
    assert_eq!(periods(&path), 2);
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "ALTER TABLE report DROP COLUMN dropped; DROP TABLE ignored; DROP TABLE memory; PRAGMA user_version = 9",
        )
        .unwrap();
    drop(connection);
    let store = Store::open_existing(&path).unwrap();
    assert_eq!(remembered(&store, FIRST, FIRST + 70).1, 0);
    check_memory(&store, &DAYS);
    drop(store);
    assert_eq!(periods(&path), 2);
    // What goes is not remembered.
    Store::forgetting(&path, |store| store.prune(FIRST + 30)).unwrap();
    assert_eq!(periods(&path), 1);
}
