//! Tables that fit a terminal.
//!
//! The layout is made here because a row may have a line of its own below it, across all columns (what to do about it),
//! which table libraries do not offer.

use std::io::{Result, Write};

use unicode_width::UnicodeWidthStr;

use super::styled::{Styled, lines};
use super::wrap::{pieces, widest_part};
use crate::render::form::style::Style;
use crate::render::table::{Cell, Content, NoRoom, Row, Table};
use crate::render::text::{Paint, Text};

/// Blanks between columns.
const GAP: usize = 2;
/// No column of text is made narrower.
const NARROWEST: usize = 10;
/// Nor so narrow that a part of a text is cut that is not longer than this.
const LONGEST_PART: usize = 20;
/// A row as a list has the columns that a terminal of this width has.
const LISTED: u16 = 100;
/// Columns before the line below a row.
const INDENT: usize = 4;

/// Writes a table to fit the style's width: columns that are meant for wider terminals are left out, then the widest texts are
/// broken into lines, then the headings of numbers. Where that is not enough, each row becomes a list of its cells.
pub(super) fn write(table: &Table, style: &Style, out: &mut dyn Write) -> Result<()> {
    let shown: Vec<usize> =
        (0..table.columns.len()).filter(|&at| table.columns[at].from_width <= style.width).collect();
    let numbers: Vec<bool> = shown.iter().map(|&at| table.columns[at].number).collect();
    let head = headings(table, &shown);
    let rows: Vec<(Vec<Styled>, Option<Text>)> = table.rows.iter().map(|row| fit(table, row, &shown, style)).collect();
    let all = || std::iter::once(&head).chain(rows.iter().map(|(cells, _)| cells));
    let Some(widths) = widths(&numbers, all, usize::from(style.width)) else {
        return write_lists(table, style, out);
    };
    write_row(&head, &numbers, &widths, style, out)?;
    for (cells, below) in &rows {
        write_row(cells, &numbers, &widths, style, out)?;
        write_below(below.as_ref(), style, out)?;
    }
    Ok(())
}

fn headings(table: &Table, shown: &[usize]) -> Vec<Styled> {
    shown.iter().map(|&at| Styled::of(&Text::plain(table.columns[at].heading).paint(Paint::Dim))).collect()
}

/// Writes each row as a list. Pictures stay where they have a line of their own.
fn write_lists(table: &Table, style: &Style, out: &mut dyn Write) -> Result<()> {
    let is_picture = |at: usize| {
        let mut cells = table.rows.iter().filter_map(|row| row.cells.get(at));
        cells.any(|cell| matches!(cell.content, Content::Marks(_)))
    };
    let is_shown = |at: usize| table.columns[at].from_width <= LISTED && !is_picture(at);
    let shown: Vec<usize> = (0..table.columns.len()).filter(|&at| is_shown(at)).collect();
    let head = headings(table, &shown);
    table.rows.iter().try_for_each(|row| {
        let (cells, below) = fit(table, row, &shown, style);
        write_list(&head, &cells, below.as_ref(), style, out)
    })
}

/// Writes what stands below a row.
fn write_below(below: Option<&Text>, style: &Style, out: &mut dyn Write) -> Result<()> {
    let Some(below) = below else { return Ok(()) };
    let below = Styled::of(&below.clone().paint(Paint::Dim));
    lines(&below, usize::from(style.width).saturating_sub(INDENT), style)
        .iter()
        .try_for_each(|line| writeln!(out, "{:INDENT$}{line}", ""))
}

/// Writes a row as a list: its first cell, and below it each other one after its heading.
fn write_list(
    head: &[Styled],
    cells: &[Styled],
    below: Option<&Text>,
    style: &Style,
    out: &mut dyn Write,
) -> Result<()> {
    let label = head.iter().map(|heading| heading.text.width()).max().unwrap_or(0);
    for (at, (heading, cell)) in head.iter().zip(cells).enumerate().filter(|(_, (_, cell))| !cell.text.is_empty()) {
        let (indent, label) = if at == 0 { (0, heading.text.width()) } else { (INDENT, label) };
        let hang = indent + label + 1;
        let blank = label.saturating_sub(heading.text.width());
        for (number, line) in lines(cell, usize::from(style.width).saturating_sub(hang), style).iter().enumerate() {
            match number {
                0 => {
                    let heading = style.paint(&heading.text, Paint::Dim);
                    writeln!(out, "{:indent$}{heading}{:blank$} {line}", "", "")?;
                }
                _ => writeln!(out, "{:hang$}{line}", "")?,
            }
        }
    }
    write_below(below, style, out)
}

/// The cells of the columns shown, and the line below them, with what other columns' cells add to either.
fn fit(table: &Table, row: &Row, shown: &[usize], style: &Style) -> (Vec<Styled>, Option<Text>) {
    let mut texts: Vec<Text> = row.cells.iter().map(|cell| text(cell, style)).collect();
    let mut below = row.below.clone();
    for (at, cell) in row.cells.iter().enumerate().filter(|(at, _)| !shown.contains(at)) {
        let text = texts[at].clone();
        if cell.only_in_column || text.bare().is_empty() {
            continue;
        }
        match table.columns.get(at).map(|column| column.no_room) {
            Some(NoRoom::Behind(other)) if other < texts.len() => {
                texts[other] = std::mem::take(&mut texts[other]).and(" [").and(text).and("]");
            }
            Some(NoRoom::Below) => {
                below = Some(match below {
                    Some(below) => text.and(" ").and(below),
                    None => text,
                });
            }
            _ => {}
        }
    }
    (shown.iter().map(|&at| Styled::of(texts.get(at).unwrap_or(&Text::default()))).collect(), below)
}

fn text(cell: &Cell, style: &Style) -> Text {
    match &cell.content {
        Content::Text(text) => text.clone(),
        Content::Marks(marks) => {
            Text::plain(marks.line(usize::from(style.width).saturating_sub(INDENT), style.unicode))
        }
    }
}

/// How wide the columns are, so that all of them fit; nothing where they cannot. The first row has the headings.
fn widths<'c, I: Iterator<Item = &'c Vec<Styled>>>(
    numbers: &[bool],
    rows: impl Fn() -> I,
    width: usize,
) -> Option<Vec<usize>> {
    let most = |at: usize, of: &dyn Fn(&Styled) -> usize, skip: usize| {
        rows().skip(skip).filter_map(|cells| cells.get(at)).map(of).max().unwrap_or(0)
    };
    let whole = |cell: &Styled| cell.text.width();
    let parts = |cell: &Styled| widest_part(&cell.text);
    let mut widths: Vec<usize> = (0..numbers.len()).map(|at| most(at, &whole, 0)).collect();
    let least = |at: usize| match numbers[at] {
        true => most(at, &whole, 1).max(most(at, &parts, 0)),
        false => most(at, &parts, 0).clamp(NARROWEST, LONGEST_PART),
    };
    let least: Vec<usize> = (0..numbers.len()).map(least).collect();
    let available = width.saturating_sub(GAP * widths.len().saturating_sub(1));
    while widths.iter().sum::<usize>() > available {
        let narrower = |number: bool| {
            let columns = (0..widths.len()).filter(|&at| numbers[at] == number && widths[at] > least[at]);
            columns.max_by_key(|&at| widths[at])
        };
        let at = narrower(false).or_else(|| narrower(true))?;
        widths[at] -= 1;
    }
    Some(widths)
}

fn write_row(cells: &[Styled], numbers: &[bool], widths: &[usize], style: &Style, out: &mut dyn Write) -> Result<()> {
    let broken: Vec<(Vec<usize>, Vec<String>)> = cells
        .iter()
        .zip(widths)
        .map(|(cell, &width)| {
            let pieces = pieces(&cell.text, width);
            (pieces.iter().map(|piece| piece.width()).collect(), cell.paint(pieces, style))
        })
        .collect();
    let height = broken.iter().map(|(_, pieces)| pieces.len()).max().unwrap_or(1);
    for number in 0..height {
        let mut line = String::new();
        // Blanks are written when something follows them, so that no line ends in any.
        let mut owed = 0;
        for ((lengths, pieces), (&width, &is_number)) in broken.iter().zip(widths.iter().zip(numbers)) {
            let (length, piece) = (lengths.get(number).copied().unwrap_or(0), pieces.get(number));
            let blank = width.saturating_sub(length);
            match piece.filter(|_| length > 0) {
                None => owed += width + GAP,
                Some(piece) => {
                    let (before, after) = if is_number { (blank, 0) } else { (0, blank) };
                    line.push_str(&" ".repeat(owed + before));
                    line.push_str(piece);
                    owed = after + GAP;
                }
            }
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}
