//! Tables. On a phone each row becomes a card; of long tables paper has the first rows.

use maud::{Markup, html};

use super::picture;
use super::text::{bare, in_cell, inline};
use crate::render::table::{Cell, Column, Content, NoRoom, Row, Table};
use crate::words::{grouped, more};

/// The columns of characters of a terminal as wide as a page.
const WIDTH: u16 = 120;
/// Rows in the page, and of these on paper.
const ROWS: usize = 400;
const ON_PAPER: usize = 16;

pub(super) fn table(table: &Table) -> Markup {
    let shown = &table.rows[..table.rows.len().min(ROWS)];
    let columns = columns(table).count().max(1);
    html! {
        table.cards role="table" {
            thead role="rowgroup" { tr role="row" {
                @for (_, column) in self::columns(table) {
                    th.n[column.number] scope="col" role="columnheader" { (heading(column)) }
                }
            } }
            tbody role="rowgroup" {
                @for (at, row) in shown.iter().enumerate() { (self::row(table, row, at >= ON_PAPER)) }
                @if table.rows.len() > ON_PAPER {
                    tr.printed role="row" { td colspan=(columns) role="cell" {
                        (grouped((table.rows.len() - ON_PAPER) as u64)) " more are not printed."
                    } }
                }
                @if let Some(more) = more(table.rows.len() - shown.len()) {
                    tr.more role="row" { td.wide colspan=(columns) role="cell" { (more) ", see the JSON answer" } }
                }
            }
        }
    }
}

/// The columns that a page has room for, with their places: those of a terminal of its width, and those that must stand somewhere.
fn columns(table: &Table) -> impl Iterator<Item = (usize, &Column)> {
    let shown = |column: &Column| column.from_width <= WIDTH || column.no_room != NoRoom::LeaveOut;
    table.columns.iter().enumerate().filter(move |(_, column)| shown(column))
}

/// A heading as in a sentence: capitals are for terminals.
fn heading(column: &Column) -> String {
    let kept = ["DMARC", "DKIM", "SPF", "TLS", "ID", "UID", "UIDVALIDITY", "URI", "TTL", "RFC", "MX"];
    let words = column.heading.split(' ').enumerate().map(|(at, word)| match word {
        word if kept.contains(&word) => word.to_owned(),
        word if at == 0 => word.chars().take(1).chain(word.chars().skip(1).flat_map(char::to_lowercase)).collect(),
        word => word.to_lowercase(),
    });
    words.collect::<Vec<String>>().join(" ")
}

fn row(table: &Table, row: &Row, more: bool) -> Markup {
    let mut cells = columns(table).filter_map(|(at, column)| Some((column, row.cells.get(at)?)));
    let columns = columns(table).count().max(1);
    html! {
        tr.more[more].has-below[row.below.is_some()] role="row" {
            @if let Some((_, first)) = cells.next() { th.long[is_unbroken(first)] scope="row" role="rowheader" { (content(first)) } }
            @for (column, cell) in cells {
                td.n[column.number].wide[is_long(cell)].when[is_short(cell)].long[is_unbroken(cell)] role="cell" data-label=(heading(column)) { (content(cell)) }
            }
        }
        @if let Some(below) = &row.below {
            tr.below.more[more] role="row" { td.wide colspan=(columns) role="cell" { (bare(below)) } }
        }
    }
}

/// Whether a cell has no room beside its label on a phone.
fn is_long(cell: &Cell) -> bool {
    const LONG: usize = 40;
    matches!(&cell.content, Content::Text(text) if text.bare().chars().count() > LONG)
}

/// Whether a cell is a word or a day, which is not to be broken.
fn is_short(cell: &Cell) -> bool {
    const SHORT: usize = 14;
    matches!(&cell.content, Content::Text(text) if text.bare().chars().count() <= SHORT)
}

/// Whether there is a part in a cell that is too long to stand on one line as a whole.
fn is_unbroken(cell: &Cell) -> bool {
    const LONG: usize = 22;
    let is_end = |c: char| c.is_whitespace() || matches!(c, '.' | '-' | '@');
    matches!(&cell.content, Content::Text(text) if text.bare().split(is_end).any(|part| part.chars().count() > LONG))
}

fn content(cell: &Cell) -> Markup {
    match &cell.content {
        Content::Marks(marks) => picture::marks(marks),
        // On a phone a cell is a row of its label and this.
        Content::Text(text) if text.spans.len() > 1 => html! { span { (inline(text)) } },
        Content::Text(text) => in_cell(text),
    }
}
