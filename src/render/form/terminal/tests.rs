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
    let text = written(&document(), 30, true);
    assert!(text.contains("\x1b[1m`x y`\x1b[0m") || text.contains("\x1b[2mrun `x y`\x1b[0m"), "{text:?}");
    let mut bare = String::new();
    for (number, part) in text.split('\x1b').enumerate() {
        bare.push_str(if number == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_eq!(bare, written(&document(), 30, false));
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
