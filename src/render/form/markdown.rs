//! For a ticket or a web page: Markdown as GitHub writes it, in which the texts of strangers are text.

use std::io::{Result, Write};

use crate::render::document::{Block, Document, Item, Mark, Paint, Span, Text};
use crate::render::table::{Cell, Content, Row, Table};
use crate::sanitize::sanitize;

/// The characters that pictures may take: what they are shown in breaks no lines.
const WIDTH: usize = 100;

/// Writes a document.
pub(super) fn write(document: &Document, out: &mut dyn Write) -> Result<()> {
    let mut before = None;
    for block in document.without_asides() {
        if before.is_some_and(|before| !is_one_list(before, block)) {
            writeln!(out)?;
        }
        self::block(block, out)?;
        before = Some(block);
    }
    Ok(())
}

/// Whether two parts are of the same list, with no empty line between them.
fn is_one_list(before: &Block, block: &Block) -> bool {
    let nested = |block: &Block| matches!(block, Block::Item(_) | Block::Verbatim { depth: 1.., .. });
    match (before, block) {
        (Block::Item(before), Block::Item(item)) => before.depth != item.depth || kind(before) == kind(item),
        (before, block) => nested(before) && nested(block),
    }
}

/// Steps and other items are not of one list.
fn kind(item: &Item) -> bool {
    matches!(item.mark, Mark::Number(_))
}

fn block(block: &Block, out: &mut dyn Write) -> Result<()> {
    match block {
        Block::Title(text) => writeln!(out, "# {}", inline(text)),
        Block::Heading(text) => writeln!(out, "## {}", inline(text)),
        Block::Text(text) => match text.whole_paint() {
            Some(Paint::Good | Paint::Warn | Paint::Bad | Paint::Bold) => writeln!(out, "**{}**", inline(text)),
            _ => writeln!(out, "{}", inline(text)),
        },
        Block::Line(text) => writeln!(out, "{}", inline(text)),
        Block::Item(item) => {
            let indent = indent(item.depth);
            let mark = match &item.mark {
                Mark::Bullet | Mark::None => "-".to_owned(),
                Mark::Number(number) => format!("{number}."),
                Mark::Word(word, _) if word.chars().any(char::is_alphanumeric) => format!("- **{}**", escape(word)),
                Mark::Word(sign, _) => format!("- {}", escape(sign)),
            };
            writeln!(out, "{indent}{mark} {}", inline(&item.text))
        }
        Block::Facts(facts) => facts.iter().try_for_each(|fact| match fact.name.as_str() {
            "" => writeln!(out, "{}- {}", indent(1), inline(&fact.value)),
            name => writeln!(out, "- **{}:** {}", escape(name), inline(&fact.value)),
        }),
        Block::Table(table) => self::table(table, out),
        Block::Sparkline(sparkline) => verbatim(0, &sparkline.lines(WIDTH, true), out),
        Block::Links(links) => writeln!(out, "{}", links.iter().map(inline).collect::<Vec<_>>().join(" · ")),
        Block::Shares(shares) => self::table(&shares.table(), out),
        Block::Verbatim { depth, lines } => verbatim(*depth, lines, out),
        Block::Aside(_) => Ok(()),
    }
}

/// The indent of a list at a depth of lists.
fn indent(depth: usize) -> String {
    // Enough to be within an item that has a number.
    " ".repeat(depth * 3)
}

/// Lines within a fence that none of them can close.
fn verbatim(depth: usize, lines: &[String], out: &mut dyn Write) -> Result<()> {
    let (indent, fence) =
        (indent(depth), "`".repeat(lines.iter().map(|line| longest_run(line) + 1).fold(3, usize::max)));
    writeln!(out, "{indent}{fence}")?;
    for line in lines {
        writeln!(out, "{}", format!("{indent}{}", sanitize(line)).trim_end())?;
    }
    writeln!(out, "{indent}{fence}")
}

fn table(table: &Table, out: &mut dyn Write) -> Result<()> {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    writeln!(out, "{}", line(table.columns.iter().map(|column| escape(column.heading)).collect()))?;
    let rule = |number: bool| if number { "---:" } else { "---" }.to_owned();
    writeln!(out, "{}", line(table.columns.iter().map(|column| rule(column.number)).collect()))?;
    table.rows.iter().try_for_each(|row| writeln!(out, "{}", line(cells(row))))
}

fn cells(row: &Row) -> Vec<String> {
    let mut cells: Vec<String> = row.cells.iter().map(cell).collect();
    if let (Some(below), Some(last)) = (&row.below, cells.last_mut()) {
        *last = format!("{last}<br>{}", in_table(below));
    }
    cells
}

fn cell(cell: &Cell) -> String {
    match &cell.content {
        Content::Text(text) => in_table(text),
        Content::Marks(marks) => escape(&marks.line(WIDTH, true)),
    }
}

/// A text within a table, where a bar ends the cell also within code.
fn in_table(text: &Text) -> String {
    text.spans.iter().map(|span| if span.code { code(span).replace('|', "\\|") } else { escape(&span.text) }).collect()
}

fn inline(text: &Text) -> String {
    text.spans.iter().map(|span| if span.code { code(span) } else { escape(&span.text) }).collect()
}

/// Text between more backticks than it holds in a row.
fn code(span: &Span) -> String {
    let text = sanitize(&span.text);
    let fence = "`".repeat(longest_run(&text) + 1);
    if text.contains('`') { format!("{fence} {text} {fence}") } else { format!("{fence}{text}{fence}") }
}

/// The most backticks in a row.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Text in which nothing is markup.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in sanitize(text).chars() {
        match c {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' | '~' | '!' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::table::Column;

    fn written(document: &Document) -> String {
        let mut out = Vec::new();
        write(document, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(escape("a|b <i>*x*</i>"), "a\\|b &lt;i&gt;\\*x\\*&lt;/i&gt;");
        let mut document = Document::default();
        document.heading("A *heading*");
        document.text(Text::prose("see `a|b`").paint(Paint::Warn));
        document.marked("weak", Paint::Warn, "a\x1b[31m<b>`c`");
        document.below(Text { spans: vec![Span { text: "a `b` c".to_owned(), code: true, ..Span::default() }] });
        assert_eq!(
            written(&document),
            "## A \\*heading\\*\n\n**see `a|b`**\n\n- **weak** a<1b>\\[31m<b>\\`c\\`\n   - `` a `b` c ``\n"
                .replace("a<1b>", "a&lt;1b&gt;")
                .replace("<b>", "&lt;b&gt;")
        );
    }

    #[test]
    fn nothing_ends_a_fence_or_a_cell_early() {
        let mut document = Document::default();
        document.verbatim(0, vec!["````".to_owned(), "p=none".to_owned()]);
        let mut table = Table::new([Column::text("A"), Column::number("B")]);
        table.push(Row::new([Text::prose("`a|b`"), Text::plain("c|d")]).below(Some("<br>")));
        document.table(table);
        assert_eq!(
            written(&document),
            "`````\n````\np=none\n`````\n\n| A | B |\n| --- | ---: |\n| `a\\|b` | c\\|d<br>&lt;br&gt; |\n"
        );
    }

    #[test]
    fn steps_are_within_their_item_and_end_a_list() {
        let mut document = Document::default();
        document.item("a");
        document.steps(1, &["b".to_owned()]);
        document.verbatim(1, vec!["c".to_owned()]);
        document.steps(0, &["d".to_owned()]);
        assert_eq!(written(&document), "- a\n   1. b\n   ```\n   c\n   ```\n1. d\n");
    }
}
