//! Reports of one identity: which count, whatever their order; and bytes that are read again.

use proptest::prelude::*;

use super::*;

type Rows = [(&'static str, u64, &'static str)];

fn one(records: &Rows) -> String {
    report("1", 20_000, records)
}

/// What is told of a report: its messages, whether it counts, messages of the one that replaces it, messages shared.
type Told = (u64, bool, Option<u64>, Option<u64>);

fn told(store: &Store) -> Vec<Told> {
    let mut all = Vec::new();
    store.list_reports(&ReportFilter::default(), &mut |report| all.push(report)).unwrap();
    let of = |id: i64| all.iter().find(|report| report.id == id).unwrap().messages;
    let mut told: Vec<_> = all
        .iter()
        .map(|report| {
            let noted = report.irregularities.iter().any(|one| one.code.as_str() == "same_id_different_content");
            assert_eq!(noted, report.shared.is_some());
            (report.messages, report.counted, report.replaced_by.map(of), report.shared)
        })
        .collect();
    told.sort_unstable();
    told
}

#[test]
fn parts_add_up_and_editions_replace_in_any_order() {
    const A: &str = "192.0.2.1";
    const B: &str = "192.0.2.2";
    const C: &str = "192.0.2.3";
    let cases: [(&[&Rows], u64, &[Told]); 4] = [
        (
            &[&[(A, 30, "pass"), (B, 8, "pass")], &[(A, 30, "pass"), (C, 3, "pass")], &[(A, 4, "fail")]],
            75,
            &[(4, true, None, Some(0)), (33, true, None, Some(30)), (38, true, None, Some(30))],
        ),
        (
            &[&[(A, 30, "pass")], &[(A, 36, "pass"), (B, 8, "pass")], &[(A, 39, "pass"), (B, 8, "pass")]],
            47,
            &[(30, false, Some(47), Some(0)), (44, false, Some(47), Some(0)), (47, true, None, Some(0))],
        ),
        (&[&[(A, 5, "pass")], &[(A, 2, "pass"), (A, 3, "pass")]], 5, &[(5, true, None, None)]),
        (
            &[&[(A, 1, "pass"); 7], &[(A, 1, "pass"); 4], &[]],
            11,
            &[(0, true, None, Some(0)), (4, true, None, Some(4)), (7, true, None, Some(7))],
        ),
    ];
    for (reports, counts, expected) in cases {
        let documents: Vec<String> = reports.iter().map(|records| one(records)).collect();
        for first in 0..documents.len() {
            for backwards in [false, true] {
                for in_one_run in [false, true] {
                    let mut documents = documents.clone();
                    documents.rotate_left(first);
                    if backwards {
                        documents.reverse();
                    }
                    let mut store = Store::in_memory().unwrap();
                    if in_one_run {
                        take(&mut store, &documents);
                    } else {
                        documents.iter().for_each(|document| drop(take(&mut store, std::slice::from_ref(document))));
                    }
                    assert_eq!((messages(&store), told(&store).as_slice()), (counts, expected), "{documents:?}");
                    check_totals(&store);
                }
            }
        }
    }
}

#[test]
fn several_thousand_reports_of_one_identity_are_settled_once() {
    let part = |number: u64| one(&[("192.0.2.1", number, "pass"), ("192.0.2.2", 5000 - number, "pass")]);
    let mut store = Store::in_memory().unwrap();
    let summary = take(&mut store, &(1..4000).map(part).collect::<Vec<_>>());
    assert_eq!((summary.new, summary.conflicting), (1, 3998));
    assert_eq!(messages(&store), 3999 * 5000);
    check_totals(&store);
}

#[test]
fn of_two_policies_the_same_stays() {
    let none = one(&[("192.0.2.1", 5, "pass")]);
    let reject = none.replace("<p>none", "<p>reject");
    let policy = |mails: &[String]| {
        let mut store = Store::in_memory().unwrap();
        let summary = take_mails(&mut store, "a", mails);
        assert_eq!((summary.new, summary.duplicate), (1, mails.len() as u64 - 1));
        store.find_reports("1").unwrap().remove(0).policy.p.unwrap()
    };
    const PASS: &str = "dmarc=pass header.from=mailhaven.example";
    for (mails, expected) in [
        ([mail("none", &none), mail("none", &reject)], "reject"),
        ([mail(PASS, &none), mail("none", &reject)], "none"),
        ([mail(PASS, &none), mail(PASS, &reject)], "reject"),
    ] {
        let [first, second] = mails;
        assert_eq!(policy(&[first.clone(), second.clone()]), expected);
        assert_eq!(policy(&[second, first]), expected);
    }
}

#[test]
fn what_passed_for_the_reporters_domain_stands_beside_nothing_that_did_not() {
    const OWN: &str = "dmarc=pass header.from=reports.mailhaven.example";
    const OTHER: &str = "dmarc=pass header.from=elsewhere.example";
    let real = one(&[("192.0.2.1", 5, "pass")]);
    let more = one(&[("192.0.2.1", 5, "pass"), ("192.0.2.9", 9000, "pass")]);
    let part = one(&[("192.0.2.7", 70, "pass")]);
    for (mails, counts) in [
        // A forgery that has all of the real one replaces nothing, and does not count.
        ([mail(OWN, &real), mail("none", &more), mail(OTHER, &part)], 5),
        ([mail(OWN, &real), mail(OTHER, &more), mail(OWN, &part)], 75),
        // Where any passed, what nobody checked does not count.
        ([mail("none", &real), mail(OTHER, &more), mail("none", &part)], 9005),
        ([mail("none", &real), mail("none", &more), mail("none", &part)], 9005 + 70),
        ([mail("dmarc=fail", &real), mail("none", &more), mail(OTHER, &part)], 70),
    ] {
        for first in 0..3 {
            let mut mails = mails.to_vec();
            mails.rotate_left(first);
            let mut store = Store::in_memory().unwrap();
            take_mails(&mut store, "a", &mails);
            assert_eq!(messages(&store), counts, "{mails:?}");
            check_totals(&store);
            // Once more, each by itself: nothing is new.
            mails.iter().for_each(|mail| drop(take_mails(&mut store, "b", std::slice::from_ref(mail))));
            assert_eq!(messages(&store), counts, "{mails:?}");
        }
    }
}

#[test]
fn a_mail_that_passes_later_decides_among_those_that_are_there() {
    let real = one(&[("192.0.2.1", 5, "pass")]);
    let more = one(&[("192.0.2.1", 5, "pass"), ("192.0.2.9", 9000, "pass")]);
    let mut store = Store::in_memory().unwrap();
    take_mails(&mut store, "a", &[mail("none", &real), mail("none", &more)]);
    assert_eq!(messages(&store), 9005);
    take_mails(&mut store, "b", &[mail("dmarc=pass header.from=elsewhere.example", &real)]);
    assert_eq!(messages(&store), 5);
    take_mails(&mut store, "c", &[mail("dmarc=pass header.from=mailhaven.example", &real)]);
    assert_eq!(messages(&store), 5);
    check_totals(&store);
}

/// Makes of the stored reports whose messages `spoil` names what an earlier version might have read: another count.
fn spoil(store: &Store, messages: u64) {
    let changed = store.connection.execute(
        "UPDATE report SET content = randomblob(16), messages = messages + 1000 WHERE messages = ?1",
        [i64::try_from(messages).unwrap()],
    );
    assert_eq!(changed.unwrap(), 1);
    store.connection.execute("UPDATE day_total SET messages = messages + 1000", ()).unwrap();
}

#[test]
fn the_same_bytes_read_otherwise_replace_their_earlier_reading() {
    const PASS: &str = "dmarc=pass header.from=mailhaven.example";
    let two = [one(&[("192.0.2.1", 5, "pass")]), one(&[("192.0.2.2", 70, "pass")])].concat();
    for spoilt in [&[5][..], &[70], &[5, 70]] {
        let mut store = Store::in_memory().unwrap();
        take_mails(&mut store, "a", &[mail(PASS, &two)]);
        spoilt.iter().for_each(|&messages| spoil(&store, messages));
        let summary = take(&mut store, std::slice::from_ref(&two));
        assert_eq!((summary.new, summary.conflicting, summary.duplicate), (0, 0, 2), "{spoilt:?}");
        assert_eq!((summary.messages, summary.reread > 0), (0, true));
        assert_eq!((messages(&store), store.count_reports().unwrap()), (75, 2));
        check_totals(&store);
        // Where it was seen, and that a mail with it passed, is not forgotten.
        for report in store.find_reports("1").unwrap() {
            assert_eq!(report.trust, Trust::Passed);
            assert_eq!(store.report_detail(report).unwrap().sightings.len(), 2);
        }
        assert_eq!((take(&mut store, std::slice::from_ref(&two)).reread, messages(&store)), (0, 75));
    }
}

#[test]
fn an_identity_read_otherwise_is_the_same_report_where_it_was_seen() {
    let document = one(&[("192.0.2.1", 5, "pass")]);
    let mut store = Store::in_memory().unwrap();
    take(&mut store, std::slice::from_ref(&document));
    store.connection.execute("UPDATE report SET logical = randomblob(16)", ()).unwrap();
    assert_eq!(take(&mut store, std::slice::from_ref(&document)).reread, 1);
    assert_eq!((messages(&store), store.count_reports().unwrap()), (5, 1));
    check_totals(&store);
}

#[test]
fn an_older_database_is_settled_by_the_rule() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reports.db");
    let documents = [
        one(&[("192.0.2.1", 30, "pass"), ("192.0.2.2", 8, "pass")]),
        one(&[("192.0.2.1", 30, "pass"), ("192.0.2.3", 3, "fail")]),
        report("2", 20_000, &[("192.0.2.1", 2, "pass"); 3]),
        report("3", 20_050, &[]),
    ];
    let mut store = Store::open(&path).unwrap();
    take(&mut store, &documents);
    assert_eq!(messages(&store), 77);
    // As the version before left it: digests of everything, and of two reports with a record in common one.
    store
        .connection
        .execute_batch(
            "DROP INDEX report_by_identity; DROP INDEX report_by_raw;
             ALTER TABLE report DROP COLUMN replaced_by; ALTER TABLE report DROP COLUMN shared;
             CREATE INDEX report_by_identity ON report (logical);
             UPDATE report SET content = randomblob(16);
             UPDATE report SET counted = 0 WHERE messages = 33;
             UPDATE record_run SET counted = 0 WHERE report IN (SELECT id FROM report WHERE counted = 0);
             UPDATE day_total SET reports = reports - 1, records = records - 2, messages = messages - 33,
                dmarc_pass = dmarc_pass - 30, dkim_aligned = dkim_aligned - 30;
             ALTER TABLE report DROP COLUMN dropped; DROP TABLE ignored;
             PRAGMA user_version = 7;",
        )
        .unwrap();
    drop(store);
    let mut store = Store::open(&path).unwrap();
    assert_eq!(messages(&store), 77);
    check_totals(&store);
    assert_eq!(take(&mut store, &documents).duplicate, 4);
}

#[test]
fn periods_that_overlap_are_noted_on_both() {
    let later = report("1", 20_000, &[("192.0.2.1", 9, "pass")]).replace("<begin>1728000000", "<begin>1728040000");
    for documents in [[one(&[("192.0.2.1", 5, "pass")]), later.clone()], [later, one(&[("192.0.2.1", 5, "pass")])]] {
        let mut store = Store::in_memory().unwrap();
        let summary = take(&mut store, &documents);
        assert_eq!((summary.new, summary.irregularities), (2, 1), "one id, two periods");
        for report in store.find_reports("1").unwrap() {
            assert!(report.counted && report.shared.is_none());
            assert_eq!(report.irregularities.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(), ["overlap"]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Any order, in any batches, from mails of any standing: the totals are the same, and agree with the records. Only over
    /// how many records equal rows are spread is told as by the report that came first.
    #[test]
    fn any_order_of_arrival_gives_the_same_totals(
        reports in proptest::collection::vec((
            proptest::collection::vec((0_usize..3, 1_u64..4, prop::sample::select(vec!["pass", "fail"])), 0..4),
            prop::sample::select(vec![
                "none", "dmarc=fail header.from=mailhaven.example", "dmarc=pass header.from=mailhaven.example",
                "dmarc=pass header.from=elsewhere.example",
            ]),
            any::<u32>(), any::<u32>(),
        ), 1..7),
        runs in 1_usize..4,
    ) {
        const ADDRESSES: [&str; 3] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
        let totals = |rank: &dyn Fn(usize) -> u32, runs: usize| {
            let mut order: Vec<usize> = (0..reports.len()).collect();
            order.sort_by_key(|&at| rank(at));
            let mails: Vec<String> = order.iter().map(|&at| {
                let records: Vec<_> = reports[at].0.iter().map(|row| (ADDRESSES[row.0], row.1, row.2)).collect();
                mail(reports[at].1, &report("1", 20_000, &records))
            }).collect();
            let mut store = Store::in_memory().unwrap();
            for (run, mails) in mails.chunks(mails.len().div_ceil(runs)).enumerate() {
                take_mails(&mut store, &run.to_string(), mails);
            }
            check_totals(&store);
            let mut totals = store.day_totals(Day::MIN, Day::MAX).unwrap();
            totals.iter_mut().for_each(|total| total.totals.records = 0);
            (told(&store), totals)
        };
        let all = totals(&|at| reports[at].2, 1);
        prop_assert_eq!(&all, &totals(&|at| reports[at].3, runs));
    }
}
