//! Tables, whatever is in them: for a terminal of some width, as Markdown, as CSV.
//!
//! The layout is made here because a row may have a line of its own below it, across all columns (what to do about it),
//! which table libraries do not offer.

use std::io::{Result, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::text::{csv_cell, markdown_cell};
use super::{Paint, Style};
use crate::sanitize::sanitize;

/// Blanks between columns.
const GAP: usize = 2;
/// No column of text is made narrower.
const NARROWEST: usize = 10;

/// A column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Its heading.
    pub(super) heading: &'static str,
    /// Numbers stand to the right.
    pub(super) number: bool,
    /// The width of terminal from which on it is shown.
    pub(super) from_width: u16,
}

impl Column {
    pub(super) const fn text(heading: &'static str) -> Self {
        Column { heading, number: false, from_width: 0 }
    }

    pub(super) const fn number(heading: &'static str) -> Self {
        Column { heading, number: true, from_width: 0 }
    }

    /// The same column, for terminals of some width only.
    pub(super) const fn from(self, width: u16) -> Self {
        Column { from_width: width, ..self }
    }
}

/// A table.
#[derive(Debug, Clone, Default)]
pub(super) struct Grid {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

/// A row: its cells, and a line of its own below them.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) cells: Vec<(String, Paint)>,
    pub(super) below: Option<String>,
}

impl Row {
    pub(super) fn new(cells: impl IntoIterator<Item = String>) -> Self {
        Row { cells: cells.into_iter().map(|cell| (cell, Paint::Plain)).collect(), below: None }
    }

    /// Paints one cell.
    pub(super) fn paint(mut self, at: usize, paint: Paint) -> Self {
        if let Some(cell) = self.cells.get_mut(at) {
            cell.1 = paint;
        }
        self
    }
}

impl Grid {
    pub(super) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Grid { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    pub(super) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Writes it to fit the style's width: columns that are meant for wider terminals are left out, then the widest
    /// texts are broken into lines.
    pub(super) fn table(&self, out: &mut dyn Write, style: &Style) -> Result<()> {
        let shown: Vec<usize> =
            (0..self.columns.len()).filter(|&at| self.columns[at].from_width <= style.width).collect();
        let widths = self.widths(&shown, usize::from(style.width));
        let header: Vec<(String, Paint)> =
            shown.iter().map(|&at| (self.columns[at].heading.to_owned(), Paint::Dim)).collect();
        self.write_row(&header, &shown, &widths, out, style)?;
        for row in &self.rows {
            let cells: Vec<(String, Paint)> = shown
                .iter()
                .map(|&at| {
                    row.cells
                        .get(at)
                        .map_or_else(Default::default, |(text, paint)| (sanitize(text).into_owned(), *paint))
                })
                .collect();
            self.write_row(&cells, &shown, &widths, out, style)?;
            if let Some(below) = &row.below {
                write_below(below, out, style)?;
            }
        }
        Ok(())
    }

    fn widths(&self, shown: &[usize], width: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = shown
            .iter()
            .map(|&at| {
                let cells = self.rows.iter().filter_map(|row| row.cells.get(at)).map(|cell| sanitize(&cell.0).width());
                cells.chain([self.columns[at].heading.width()]).max().unwrap_or(0)
            })
            .collect();
        let available = width.saturating_sub(GAP * shown.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > available {
            let texts = shown.iter().enumerate().filter(|&(_, &at)| !self.columns[at].number);
            let Some(widest) = texts.map(|(place, _)| place).max_by_key(|&place| widths[place]) else {
                break;
            };
            if widths[widest] <= NARROWEST {
                break;
            }
            widths[widest] -= 1;
        }
        widths
    }

    fn write_row(
        &self,
        cells: &[(String, Paint)],
        shown: &[usize],
        widths: &[usize],
        out: &mut dyn Write,
        style: &Style,
    ) -> Result<()> {
        let broken: Vec<Vec<String>> =
            cells.iter().zip(widths).map(|((text, _), &width)| pieces(text, width)).collect();
        let height = broken.iter().map(Vec::len).max().unwrap_or(1);
        for number in 0..height {
            let mut line = String::new();
            // Blanks are written when something follows them, so that no line ends in any.
            let mut owed = 0;
            for (place, &width) in widths.iter().enumerate() {
                let piece = broken[place].get(number).map_or("", String::as_str);
                let blank = width.saturating_sub(piece.width());
                let (before, after) = if self.columns[shown[place]].number { (blank, 0) } else { (0, blank) };
                if piece.is_empty() {
                    owed += width + GAP;
                    continue;
                }
                line.push_str(&" ".repeat(owed + before));
                line.push_str(&style.paint(piece, cells[place].1));
                owed = after + GAP;
            }
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    /// Writes it as Markdown.
    pub(super) fn markdown(&self, out: &mut dyn Write) -> Result<()> {
        let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
        writeln!(out, "{}", line(self.columns.iter().map(|column| column.heading.to_owned()).collect()))?;
        let rule = |column: &Column| if column.number { "---:" } else { "---" }.to_owned();
        writeln!(out, "{}", line(self.columns.iter().map(rule).collect()))?;
        for row in &self.rows {
            let mut cells: Vec<String> = row.cells.iter().map(|cell| markdown_cell(&cell.0)).collect();
            if let Some(below) = &row.below
                && let Some(last) = cells.last_mut()
            {
                *last = format!("{last}<br>{}", markdown_cell(below));
            }
            writeln!(out, "{}", line(cells))?;
        }
        Ok(())
    }
}

fn write_below(text: &str, out: &mut dyn Write, style: &Style) -> Result<()> {
    for line in wrap(&sanitize(text), usize::from(style.width).saturating_sub(4)) {
        writeln!(out, "    {}", style.paint(&line, Paint::Dim))?;
    }
    Ok(())
}

/// Cuts a text into pieces of at most `width` columns, behind a dot or slash where one is near.
fn pieces(text: &str, width: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.width() > width && width > 0 {
        let mut end = 0;
        let mut taken = 0;
        let mut seam = 0;
        for (at, c) in rest.char_indices() {
            taken += c.width().unwrap_or(0);
            if taken > width {
                break;
            }
            end = at + c.len_utf8();
            if matches!(c, '.' | '/' | '-' | ' ' | ':') {
                seam = end;
            }
        }
        let cut = match (seam, end) {
            (_, 0) => rest.chars().next().map_or(rest.len(), char::len_utf8),
            (seam, end) if seam * 2 > end => seam,
            (_, end) => end,
        };
        pieces.push(rest[..cut].trim_end().to_owned());
        rest = &rest[cut..];
    }
    pieces.push(rest.to_owned());
    pieces
}

/// Breaks a text into lines of at most `width` columns, between words, and within those that are longer than a line.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace().flat_map(|word| pieces(word, width)) {
        let last = lines.len() - 1;
        if lines[last].is_empty() {
            lines[last].push_str(&word);
        } else if lines[last].width() + 1 + word.width() <= width {
            lines[last].push(' ');
            lines[last].push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

/// Writes rows of scalar fields as CSV; text that a spreadsheet would run is made text.
pub(super) fn csv(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>, out: &mut dyn Write) -> Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(headings).map_err(std::io::Error::other)?;
    for row in rows {
        writer.write_record(row.iter().map(|cell| csv_cell(cell).into_owned())).map_err(into_io)?;
    }
    writer.flush()
}

fn into_io(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_asked_and_nothing_is_lost() {
        let mut grid = Grid::new([Column::text("NAME"), Column::number("COUNT"), Column::text("WIDE").from(100)]);
        let mut row =
            Row::new(["a.very.long.sending.host.name.example".to_owned(), "12".to_owned(), "wide".to_owned()]);
        row.below = Some("something to do about it in a few words".to_owned());
        grid.push(row);
        let mut out = Vec::new();
        grid.table(&mut out, &Style { width: 30, color: false, unicode: true }).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().all(|line| line.width() <= 30 && line == line.trim_end()), "{text}");
        assert!(text.contains("a.very.long.sending.") && text.contains("host.name.example") && !text.contains("wide"));
    }

    #[test]
    fn pieces_join_to_the_whole() {
        assert_eq!(pieces("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(pieces("日本語", 3), ["日", "本", "語"]);
        assert_eq!(pieces("", 4), [""]);
    }
}
