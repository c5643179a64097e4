//! Tables that fit a terminal.
//!
//! The layout is made here because a row may have a line of its own below it, across all columns (what to do about it),
//! which table libraries do not offer.

use std::io::{Result, Write};

use unicode_width::UnicodeWidthStr;

use super::styled::{Styled, lines};
use super::wrap::pieces;
use crate::render::form::style::Style;
use crate::render::table::{Cell, Content, NoRoom, Row, Table};
use crate::render::text::{Paint, Text};

/// Blanks between columns.
const GAP: usize = 2;
/// No column of text is made narrower.
const NARROWEST: usize = 10;
/// Columns before the line below a row.
const INDENT: usize = 4;

/// Writes a table to fit the style's width: columns that are meant for wider terminals are left out, then the widest texts are
/// broken into lines.
pub(super) fn write(table: &Table, style: &Style, out: &mut dyn Write) -> Result<()> {
    let shown: Vec<usize> =
        (0..table.columns.len()).filter(|&at| table.columns[at].from_width <= style.width).collect();
    let numbers: Vec<bool> = shown.iter().map(|&at| table.columns[at].number).collect();
    let head = shown.iter().map(|&at| Styled::of(&Text::plain(table.columns[at].heading).paint(Paint::Dim)));
    let rows: Vec<(Vec<Styled>, Option<Text>)> = table.rows.iter().map(|row| fit(table, row, &shown, style)).collect();
    let head: Vec<Styled> = head.collect();
    let all = || std::iter::once(&head).chain(rows.iter().map(|(cells, _)| cells));
    let widths = widths(&numbers, all, usize::from(style.width));
    write_row(&head, &numbers, &widths, style, out)?;
    for (cells, below) in &rows {
        write_row(cells, &numbers, &widths, style, out)?;
        if let Some(below) = below {
            let below = Styled::of(&below.clone().paint(Paint::Dim));
            for line in lines(&below, usize::from(style.width).saturating_sub(INDENT), style) {
                writeln!(out, "{:INDENT$}{line}", "")?;
            }
        }
    }
    Ok(())
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

fn widths<'c, I: Iterator<Item = &'c Vec<Styled>>>(numbers: &[bool], rows: impl Fn() -> I, width: usize) -> Vec<usize> {
    let widest = |at: usize| rows().filter_map(|cells| cells.get(at)).map(|cell| cell.text.width()).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..numbers.len()).map(widest).collect();
    let available = width.saturating_sub(GAP * widths.len().saturating_sub(1));
    while widths.iter().sum::<usize>() > available {
        let texts = (0..widths.len()).filter(|&at| !numbers[at]);
        let Some(widest) = texts.max_by_key(|&at| widths[at]).filter(|&at| widths[at] > NARROWEST) else {
            break;
        };
        widths[widest] -= 1;
    }
    widths
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
