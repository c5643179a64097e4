use super::*;
use crate::render::document::Text;
use crate::render::table::{Column, NoRoom, Row, Table};

fn written(document: &Document, width: u16, color: bool) -> String {
    let mut out = Vec::new();
    write(document, &Style { width, color, unicode: true }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn document() -> Document {
    let mut document = Document::default();
    document.text(Text::plain("All is well.").paint(Paint::Good));
    document.heading("A *heading*");
    document.marked("✓", Paint::Good, "one two three four five six seven");
    document.item_at(1, Mark::Word("weak:".to_owned(), Paint::Warn), "a\x1b[31m<b>");
    document.below(Text::prose("run `x y`"));
    document.verbatim(1, vec!["a `b` c, which is longer than the line is wide".to_owned()]);
    document.facts(vec![Fact::new("id", "7"), Fact::new("where", "a b c d e f g h i j k l m n o p")]);
    document
}

#[test]
fn fits_the_width() {
    assert_eq!(
        written(&document(), 30, false),
        "All is well.\n\nA *heading*\n  ✓ one two three four five\n    six seven\n      weak: a<1b>[31m<b>\n      run `x y`\n      \
         a `b` c, which is longer than the line is wide\n\n   id 7\nwhere a b c d e f g h i j k l\n      m n o p\n"
    );
}

#[test]
fn colours_add_nothing_but_colour() {
    let document = || {
        let mut document = document();
        document.table(wide());
        document
    };
    let text = written(&document(), 30, true);
    assert!(text.contains("\x1b[1m`x y`\x1b[0m") || text.contains("\x1b[2mrun `x y`\x1b[0m"), "{text:?}");
    let mut bare = String::new();
    for (number, part) in text.split('\x1b').enumerate() {
        bare.push_str(if number == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_eq!(bare, written(&document(), 30, false));
}

/// Columns that do not fit a narrow terminal.
fn wide() -> Table {
    let columns = [
        Column::text("DOMAIN"),
        Column::number("ALL MESSAGES"),
        Column::text("VERDICT"),
        Column::text("ID").from(100).otherwise(NoRoom::Behind(0)),
    ];
    let mut table = Table::new(columns);
    table.push(Row::new(["copperkettle.example", "1,234,567", "undecided", "abc"]).below(Some("a note")));
    table.push(Row::new(["example.com", "7", "", "def"]));
    table
}

#[test]
fn a_table_that_does_not_fit_is_written_as_lists() {
    let mut document = Document::default();
    document.table(wide());
    assert_eq!(
        written(&document, 51, false),
        "DOMAIN                      ALL MESSAGES  VERDICT\ncopperkettle.example [abc]     1,234,567  undecided\n    a note\n\
         example.com [def]                      7\n",
    );
    // Texts are broken first, then the headings of numbers, and no word is cut.
    assert_eq!(
        written(&document, 35, false),
        "DOMAIN               ALL  VERDICT\n                MESSAGES\ncopperkettle.  1,234,567  undecided\nexample [abc]\n    a note\n\
         example.com            7\n[def]\n",
    );
    assert_eq!(
        written(&document, 30, false),
        "DOMAIN copperkettle.example\n    ALL MESSAGES 1,234,567\n    VERDICT      undecided\n    ID           abc\n    a note\n\
         DOMAIN example.com\n    ALL MESSAGES 7\n    ID           def\n",
    );
}

#[test]
fn no_line_of_a_table_is_wider_than_asked_and_nothing_is_lost() {
    let mut table = Table::new([
        Column::text("NAME"),
        Column::number("COUNT"),
        Column::text("WIDE").from(100),
        Column::text("ID").from(100).otherwise(NoRoom::Behind(0)),
        Column::text("MORE").from(100).otherwise(NoRoom::Below),
    ]);
    let cells = ["a.very.long.sending.host.name.example", "12", "wide", "abc", "first"];
    table.push(Row::new(cells).below(Some("something to do about it in a few words")));
    let mut document = Document::default();
    document.table(table);
    let text = written(&document, 30, false);
    assert!(text.lines().all(|line| line.width() <= 30 && line == line.trim_end()), "{text}");
    for there in ["a.very.long.sending.", "host.name.example", "[abc]", "    first something to do"] {
        assert!(text.contains(there), "{there}\n{text}");
    }
    assert!(!text.contains("wide"), "{text}");
    assert!(written(&document, 120, false).lines().any(|line| line.ends_with("wide  abc  first")));
}
