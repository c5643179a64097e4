//! Packed records that end within one are told by whoever reads them, and nothing is decided or deleted by what is left.

use super::*;

/// Reports of two days, the later one torn.
fn torn() -> Store {
    let mut store = Store::in_memory().unwrap();
    let rows = [("192.0.2.1", 5, "pass"), ("192.0.2.2", 3, "fail")];
    take(&mut store, &[report("1", 20_000, &rows), report("2", 20_100, &rows)]);
    let torn = "UPDATE record_run SET rows = substr(rows, 1, length(rows) - 1) WHERE day = 20100";
    assert_eq!(store.connection.execute(torn, ()).unwrap(), 1);
    store
}

fn is_told<T>(result: Result<T>) {
    let error = result.map(drop).expect_err("the records are torn").to_string();
    assert!(error.contains("damaged") && error.contains("the records of report 2 cannot be read"), "{error}");
}

#[test]
fn pruning_deletes_nothing_that_they_may_need() {
    let mut store = torn();
    let outcomes = |store: &Store| -> i64 {
        store.connection.query_row("SELECT COUNT(*) FROM outcome", (), |row| row.get(0)).unwrap()
    };
    let before = outcomes(&store);
    is_told(store.prune(20_050));
    assert_eq!((outcomes(&store), store.count_reports().unwrap()), (before, 2));
    // With the torn records themselves all is well again.
    assert_eq!(store.prune(20_150).unwrap().reports, 2);
}

#[test]
fn a_report_and_the_memory_are_not_shown_in_part() {
    let mut store = torn();
    is_told(store.report_rows(20_100, 2, &mut |_| ()));
    is_told(super::super::memory::sum_up(&mut store.connection, &|| false));
    store.report_rows(20_000, 1, &mut |_| ()).unwrap();
}

#[test]
fn which_of_one_identity_count_is_not_decided_by_half_a_report() {
    let mut store = torn();
    let other = report("2", 20_100, &[("192.0.2.1", 5, "pass"), ("192.0.2.3", 3, "fail")]);
    is_told(try_to_take(&mut store, &[other]));
}
