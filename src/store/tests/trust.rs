//! Whose a report is, and whether it is believed: by the domain that its mail passed for.

use super::*;

/// A report of somebody who calls himself `org`.
fn by(org: &str, id: &str, records: &[(&str, u64, &str)]) -> String {
    report(id, 20_000, records).replace("<org_name>mailhaven.example", &format!("<org_name>{org}"))
}

fn pass(domain: &str) -> String {
    format!("dmarc=pass header.from={domain}")
}

/// The reporters of the reports that count, with their messages.
fn counting(store: &Store) -> BTreeMap<String, u64> {
    store.day_totals(Day::MIN, Day::MAX).unwrap().into_iter().map(|one| (one.reporter, one.totals.messages)).collect()
}

/// The reports that do not count because they are not believed.
fn apart(store: &Store) -> Vec<(String, Trust)> {
    let mut found = Vec::new();
    let filter = ReportFilter { apart: Some(Apart::Untrusted), ..ReportFilter::default() };
    store.list_reports(&filter, &mut |report| found.push((report.reporter, report.trust))).unwrap();
    found.sort();
    found
}

/// In every order, in one run and in several.
fn in_any_order(mails: &[String], check: impl Fn(&Store)) {
    for first in 0..mails.len() {
        for in_one_run in [true, false] {
            let mut mails = mails.to_vec();
            mails.rotate_left(first);
            let mut store = Store::in_memory().unwrap();
            if in_one_run {
                take_mails(&mut store, "a", &mails);
            } else {
                for (number, mail) in mails.iter().enumerate() {
                    take_mails(&mut store, &format!("a{number}"), std::slice::from_ref(mail));
                }
            }
            check(&store);
            check_totals(&store);
        }
    }
}

#[test]
fn a_great_name_counts_from_its_own_domains_alone() {
    let genuine = by("google.com", "1", &[("192.0.2.1", 5, "fail")]);
    let forged = by("google.com", "2", &[("192.0.2.1", 9000, "pass")]);
    let mails = [
        mail(&pass("google.com"), &genuine),
        mail(&pass("mail.evil.example"), &forged),
        mail(&pass("gmail.com"), &by("Google LLC", "3", &[("192.0.2.1", 1, "pass")])),
    ];
    in_any_order(&mails, |store| {
        let expected = [("google.com".to_owned(), 5), ("google llc".to_owned(), 1)];
        assert_eq!(counting(store), BTreeMap::from(expected));
        assert_eq!(apart(store), [("google.com (by evil.example)".to_owned(), Trust::Misnamed)]);
        assert_eq!(store.unchecked_reports(Day::MIN, Day::MAX, &[]).unwrap(), 1, "anybody may have an address there");
    });
    // What somebody else passed on first is the reporter's own when its own mail comes.
    in_any_order(&[mail(&pass("evil.example"), &genuine), mail(&pass("google.com"), &genuine)], |store| {
        assert_eq!(counting(store), BTreeMap::from([("google.com".to_owned(), 5)]));
        assert_eq!(apart(store), []);
    });
}

#[test]
fn two_domains_under_one_label_are_two_reporters() {
    let one = by("Post", "1", &[("192.0.2.1", 5, "pass")]);
    let other = by("Post", "1", &[("192.0.2.1", 5, "pass"), ("192.0.2.2", 70, "pass")]);
    let mails = [mail(&pass("post.example"), &one), mail(&pass("reports.other.example"), &other)];
    in_any_order(&mails, |store| {
        let expected = [("post (by post.example)".to_owned(), 5), ("post (by other.example)".to_owned(), 75)];
        assert_eq!(counting(store), BTreeMap::from(expected));
    });
    // Nobody says by himself who he is.
    let mut store = Store::in_memory().unwrap();
    take_mails(&mut store, "a", &[mail("none", &by("Post (by post.example)", "1", &[("192.0.2.1", 5, "pass")]))]);
    assert!(counting(&store).keys().all(|name| !name.contains("(by post.example)")), "{:?}", counting(&store));
}

#[test]
fn a_report_belongs_to_the_reporter_whose_mail_passed() {
    let one = by("mailhaven.example", "1", &[("192.0.2.1", 5, "pass")]);
    let says = ["none".to_owned(), pass("filter.example"), pass("mailhaven.example"), "dmarc=fail".to_owned()];
    let mails = says.map(|says| mail(&says, &one));
    in_any_order(&mails, |store| {
        assert_eq!(counting(store), BTreeMap::from([("mailhaven.example".to_owned(), 5)]));
        assert_eq!(store.unchecked_reports(Day::MIN, Day::MAX, &[]).unwrap(), 0);
    });
    in_any_order(&mails[..2], |store| {
        assert_eq!(counting(store), BTreeMap::from([("mailhaven.example (by filter.example)".to_owned(), 5)]));
    });
}

#[test]
fn records_say_whether_their_report_passed() {
    let rows: Vec<(String, u64)> = (0..9).map(|at| (format!("192.0.2.{at}"), at + 1)).collect();
    let rows: Vec<(&str, u64, &str)> = rows.iter().map(|(address, count)| (address.as_str(), *count, "pass")).collect();
    let one = by("mailhaven.example", "1", &rows);
    let checked = |store: &Store| {
        let mut found = Vec::new();
        store
            .scan_runs(Day::MIN, Day::MAX, &mut |run| {
                found.push(run.checked);
                Ok(())
            })
            .unwrap();
        found
    };
    let mut store = Store::in_memory().unwrap();
    take_mails(&mut store, "a", &[mail("none", &one)]);
    assert_eq!(checked(&store), [false]);
    take_mails(&mut store, "b", &[mail(&pass("mailhaven.example"), &one)]);
    assert_eq!(checked(&store), [true]);
    let mut store = Store::in_memory().unwrap();
    take_mails(&mut store, "a", &[mail(&pass("mailhaven.example"), &one)]);
    assert_eq!(checked(&store), [true]);
}

#[test]
fn an_older_database_is_judged_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reports.db");
    let mails = [
        mail(&pass("google.com"), &by("google.com", "1", &[("192.0.2.1", 5, "fail")])),
        mail(&pass("evil.example"), &by("google.com", "2", &[("192.0.2.1", 9000, "pass")])),
        mail(&pass("post.example"), &by("Post", "3", &[("192.0.2.1", 70, "pass")])),
    ];
    let mut store = Store::open(&path).unwrap();
    take_mails(&mut store, "a", &mails);
    let (counts, untrusted) = (counting(&store), apart(&store));
    // As the version before left it: labels, and all that passed believed.
    store
        .connection
        .execute_batch(
            "UPDATE report SET trust = 2, counted = 1, reporter = (SELECT id FROM name WHERE text = 'google.com')
                WHERE report_id IN ('1', '2');
             INSERT INTO name (text) VALUES ('post');
             UPDATE report SET reporter = (SELECT id FROM name WHERE text = 'post') WHERE report_id = '3';
             UPDATE record_run SET counted = 1, reporter = (SELECT reporter FROM report WHERE id = report);
             DELETE FROM day_total;
             INSERT INTO day_total SELECT day, domain, reporter, COUNT(*), SUM(records), SUM(messages), SUM(dmarc_pass),
                SUM(dkim_aligned), SUM(spf_aligned), COUNT(*) FROM report GROUP BY day, domain, reporter;
             PRAGMA user_version = 8;",
        )
        .unwrap();
    assert_eq!(counting(&store)["google.com"], 9005);
    store
        .connection
        .execute_batch("ALTER TABLE report DROP COLUMN dropped; DROP TABLE ignored; PRAGMA user_version = 8;")
        .unwrap();
    drop(store);
    let mut store = Store::open(&path).unwrap();
    assert_eq!((counting(&store), apart(&store)), (counts, untrusted));
    check_totals(&store);
    store
        .scan_runs(Day::MIN, Day::MAX, &mut |run| {
            assert!(run.checked);
            Ok(())
        })
        .unwrap();
    assert_eq!(take_mails(&mut store, "b", &mails).duplicate, 3);
}
