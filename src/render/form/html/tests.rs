use super::*;
use crate::render::document::Paint;
use crate::render::table::{Cell, Column, Row, Table};

fn written(document: &Document) -> String {
    let mut out = Vec::new();
    write(document, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn text_of_strangers_is_text() {
    let evil = "<script>alert(1)</script>\u{202e}\u{1b}[31m\" onload=\"x `c`";
    let mut document = Document::default();
    document.title(evil);
    document.text(evil);
    document.item(evil);
    document.verbatim(0, vec![evil.to_owned()]);
    document.facts(vec![Fact::new(evil, evil)]);
    let mut table = Table::new([Column::text("A")]);
    table.push(Row::new([Cell::from(evil)]).below(Some(evil)));
    document.table(table);
    let page = written(&document);
    assert!(!page.contains("<script") && !page.contains('\u{202e}') && !page.contains('\u{1b}'), "{page}");
    assert!(!page.contains("\" onload") && page.matches("&lt;script").count() == 9, "{page}");
}

#[test]
fn long_text_is_cut_but_not_what_is_to_be_copied() {
    let long = "é".repeat(5000);
    let mut document = Document::default();
    document.text(long.clone());
    document.verbatim(0, vec![long.clone()]);
    document.text(Text::prose(format!("`{long}`")));
    let page = written(&document);
    assert_eq!(page.matches('é').count(), LONGEST + 2 * 5000);
}

#[test]
fn code_is_code_and_lists_are_within_each_other() {
    let mut document = Document::default();
    document.heading("Lists");
    document.marked("warning:", Paint::Warn, Text::prose("see `x`"));
    document.below("more");
    document.steps(1, &["one".to_owned(), "two".to_owned()]);
    document.verbatim(1, vec!["copy".to_owned()]);
    document.item("next");
    let page = written(&document);
    let list = "<section><h2>Lists</h2><ul><li class=\"marked\"><span class=\"tone warn\">warning:</span> see <code>x</code><ul><li \
                class=\"bare\"><span class=\"tone dim\">more</span></li></ul><ol><li>one</li><li>two</li></ol><ul><li \
                class=\"bare\"><pre>copy</pre></li></ul></li><li>next</li></ul></section>";
    assert!(page.contains(list), "{page}");
}
