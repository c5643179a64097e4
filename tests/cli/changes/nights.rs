//! `changes --new`, asked every night: what was said is not said again.

use serde_json::json;

use super::{Days, SPF_ONLY, healthy};
use crate::harness::Ran;
use crate::make::{DKIM_AND_SPF, record};

/// Asks as a nightly job does, on the day after this one.
fn night(days: &Days, today: i64) -> Ran {
    let date = format!("2026-{:02}-{:02}", 10 + (today - 1) / 31, (today - 1) % 31 + 1);
    days.sandbox.run(["changes", "--since", "7d", "--new", "--exit-code", "-q", "--as-of", &date])
}

#[test]
fn a_standing_break_is_said_on_one_night_only() {
    let days = Days::new();
    days.write(0..31, |day, _| {
        vec![record("192.0.2.1", 20, "example.com", if day < 16 { DKIM_AND_SPF } else { SPF_ONLY })]
    });
    // Each night sees the reports of the day before; the break is of the 17th.
    let told: Vec<(i64, i32)> = (12..=31).map(|today| (today, night(&days, today).status)).collect();
    let nights: Vec<i64> = told.iter().filter(|(_, status)| *status == 4).map(|(today, _)| *today).collect();
    assert!((1..=2).contains(&nights.len()), "the path, and the key that is missed since: {told:?}");
    assert!(nights.iter().all(|today| (18..=24).contains(today)), "{told:?}");
    for (today, status) in told.iter().filter(|(_, status)| *status != 4) {
        assert_eq!(*status, 0, "night before {today}");
    }
    // Said before, and still there for whoever asks.
    let again = ["changes", "--since", "7d", "--as-of", "2026-10-20", "--format", "json"];
    let all = days.sandbox.run(again).exits(0).json();
    assert_eq!((&all["alarm"], &all["only_new"], &all["told_before"]), (&json!(true), &json!(false), &json!(0)));
    let new = days.sandbox.run(again.iter().chain(&["--new", "--exit-code"])).exits(0).json();
    assert_eq!((&new["alarm"], &new["only_new"], &new["changes"]), (&json!(false), &json!(true), &json!([])));
    assert!(new["told_before"].as_u64().unwrap() >= 1, "{new:#}");
    assert_eq!(new["counts"]["worse"], 0);
    let page = days.sandbox.run(["changes", "--since", "7d", "--as-of", "2026-10-20", "--new"]).exits(0);
    assert!(page.text().contains("Nothing new") && page.text().contains("said before"), "{page}");
}

#[test]
fn a_break_that_ended_and_began_anew_is_said_again() {
    let days = Days::new();
    let signs = |day: i64| !(10..14).contains(&day) && day < 24;
    days.write(0..31, |day, _| {
        vec![record("192.0.2.1", 20, "example.com", if signs(day) { DKIM_AND_SPF } else { SPF_ONLY })]
    });
    let told: Vec<i64> = (9..=31).filter(|&today| night(&days, today).status == 4).collect();
    assert!(told.iter().any(|today| (12..=18).contains(today)), "the first: {told:?}");
    assert!(told.iter().any(|today| (26..=31).contains(today)), "the second: {told:?}");
    assert!(told.len() <= 4, "{told:?}");
}

#[test]
fn silence_is_said_every_week_and_again_after_reports_came() {
    let days = Days::new();
    let told = |nights: std::ops::RangeInclusive<i64>| -> Vec<i64> {
        nights.filter(|&today| night(&days, today).status == 4).collect()
    };
    days.write(0..10, |_, _| vec![healthy("192.0.2.1")]);
    assert_eq!(told(10..=35), [13, 20, 27, 34], "the last report is of the 10th");
    days.write(35..37, |_, _| vec![healthy("192.0.2.1")]);
    assert_eq!(told(37..=47), [40, 47], "and now of the 37th day");
}

#[test]
fn what_was_said_is_remembered_in_a_database_only() {
    let days = Days::new();
    days.write(0..20, |_, _| vec![healthy("192.0.2.1")]);
    days.sandbox.run(["changes", "--new", "--input", "in"]).exits(2);
}

#[test]
fn nights_without_news_print_nothing() {
    let days = Days::new();
    days.write(0..10, |_, _| vec![healthy("192.0.2.1")]);
    // The first week has nothing to compare with; then nothing comes any more, which is said once in seven days.
    for today in (4..=12).chain([14, 17, 19, 21, 26]) {
        if today > 12 {
            night(&days, 13 + (today - 13) / 7 * 7);
        }
        let ran = night(&days, today).exits(0);
        assert!(ran.stdout.is_empty() && ran.stderr.is_empty(), "night before {today}: {ran}");
    }
    // Without --new whoever asks is told that there is nothing to compare with.
    let ran = days.sandbox.run(["changes", "--since", "7d", "-q", "--as-of", "2026-10-06"]).exits(0);
    assert!(ran.text().contains("nothing to compare with"), "{ran}");
}

#[test]
fn a_key_that_another_replaced_is_no_alarm_weeks_later_either() {
    let days = Days::new();
    let other = DKIM_AND_SPF.replace("s1", "s2");
    // Two keys sign each day; one of them is given up.
    days.write(0..60, |day, _| {
        let mut records = vec![record("192.0.2.1", 20, "example.com", &other)];
        let results = if day < 24 { DKIM_AND_SPF } else { &other };
        records.push(record("192.0.2.1", 20, "example.com", results));
        records
    });
    let mut told = Vec::new();
    for today in (27..=60).map(|day| format!("2026-{:02}-{:02}", 10 + (day - 1) / 31, (day - 1) % 31 + 1)) {
        for since in ["7d", "14d", "30d"] {
            let arguments = ["changes", "--since", since, "--as-of", &today, "--format", "json"];
            let answer = days.sandbox.run(arguments).exits(0).json();
            assert_eq!(answer["alarm"], json!(false), "{since} {today} {answer:#}");
            let keys = answer["changes"].as_array().unwrap().iter().filter(|one| one["name"] == "s1");
            told.extend(keys.map(|one| (one["kind"].clone(), one["text"].as_str().unwrap().contains("all the same"))));
        }
    }
    assert!(told.len() > 10 && told.iter().all(|one| *one == (json!("changed"), true)), "{told:?}");
}

#[test]
fn all_that_is_remembered_is_shown() {
    let days = Days::new();
    // More keys than an answer lists at once are new.
    days.write(0..14, |day, _| {
        let keys = if day < 7 { 1 } else { 60 };
        let signed = |key: i64| DKIM_AND_SPF.replace("s1", &format!("key{key}x"));
        let messages = |key| if key == 0 { 2000 } else { 20 };
        (0..keys).map(|key| record("192.0.2.1", messages(key), "example.com", &signed(key))).collect()
    });
    let ask = |more: &[&str]| {
        let ran = days.sandbox.run(["changes", "--since", "7d", "--as-of", "2026-10-15"].iter().chain(more)).exits(0);
        let text = ran.text().to_owned();
        ((1..60).filter(|key| text.contains(&format!("key{key}x"))).count(), text)
    };
    let (shown, text) = ask(&[]);
    assert!(shown < 59 && text.contains("`dmarcstat changes --format json`"), "{text}");
    let (shown, text) = ask(&["--new"]);
    assert_eq!(shown, 59, "{text}");
    let (shown, text) = ask(&["--new"]);
    assert_eq!(shown, 0, "{text}");
}
