//! What strangers wrote, on its way out: no escape reaches a terminal, no formula a spreadsheet, no tag a page.

#![no_main]

use dmarcstat::render::form::csv_cell;
use dmarcstat::render::{EntryAnswer, Form, QuarantineAnswer, Style};
use dmarcstat::store::{Origin, QuarantineEntry, Quarantined};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes).into_owned();
    assert!(!csv_cell(&text).trim_start().starts_with(['=', '+', '-', '@']));
    let some = || Some(text.clone());
    let entry = QuarantineEntry {
        id: 1,
        code: "xml_malformed".to_owned(),
        reason: text.clone(),
        inner: text.clone(),
        origin: Origin {
            location: text.clone(),
            message_id: some(),
            from: some(),
            subject: some(),
            date: None,
            file_name: some(),
            ..Origin::default()
        },
        reporter: some(),
        domain: some(),
        period: Some((i64::MIN / 2, i64::MAX / 2)),
        first_seen: 0,
        size: bytes.len() as u64,
        sha256: vec![0; 32],
    };
    let style = Style { width: 80, color: false, unicode: true };
    let found = Quarantined { entry: entry.clone(), bytes: bytes.to_vec() };
    let (list, one) = (QuarantineAnswer(std::slice::from_ref(&entry)), EntryAnswer(&found));
    for form in [Form::Table, Form::Json, Form::Csv, Form::Markdown, Form::Html] {
        let mut out = Vec::new();
        form.write(&list, &style, &mut out).expect("bytes in memory");
        form.write(&one, &style, &mut out).expect("bytes in memory");
        let shown = String::from_utf8(out).expect("UTF-8");
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n' && c != '\r'), "{form:?}");
        if matches!(form, Form::Markdown | Form::Html) {
            assert!(!shown.contains("<script") && !shown.contains("<img"), "{shown}");
        }
    }
});
