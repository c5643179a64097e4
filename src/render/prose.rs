//! An answer that is read from top to bottom: headings, lines, items and tables, for a terminal or as Markdown.

use std::io::{Result, Write};

use super::grid::{Grid, wrap};
use super::text::markdown_cell;
use super::{Paint, Style};
use crate::sanitize::sanitize;

/// The pieces of an answer, in order.
#[derive(Debug, Default)]
pub(super) struct Prose {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Heading(String),
    Line(String, Paint),
    /// A short word in its colour, and the text behind it, so many steps in.
    Item {
        depth: usize,
        mark: String,
        paint: Paint,
        text: String,
    },
    Grid(Grid),
    /// Something to copy as it is.
    Code(String),
}

impl Prose {
    pub(super) fn heading(&mut self, text: impl Into<String>) {
        self.pieces.push(Piece::Heading(text.into()));
    }

    pub(super) fn line(&mut self, text: impl Into<String>, paint: Paint) {
        self.pieces.push(Piece::Line(text.into(), paint));
    }

    pub(super) fn item(&mut self, depth: usize, mark: impl Into<String>, paint: Paint, text: impl Into<String>) {
        self.pieces.push(Piece::Item { depth, mark: mark.into(), paint, text: text.into() });
    }

    /// Adds a table, unless it has no rows.
    pub(super) fn grid(&mut self, grid: Grid) {
        if !grid.rows.is_empty() {
            self.pieces.push(Piece::Grid(grid));
        }
    }

    pub(super) fn code(&mut self, text: impl Into<String>) {
        self.pieces.push(Piece::Code(text.into()));
    }

    /// Writes it to fit the style's width.
    pub(super) fn table(&self, out: &mut dyn Write, style: &Style) -> Result<()> {
        let width = usize::from(style.width).min(110);
        for (at, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Heading(text) => {
                    if at > 0 {
                        writeln!(out)?;
                    }
                    writeln!(out, "{}", style.paint(&sanitize(text), Paint::Bold))?;
                }
                Piece::Line(text, paint) => {
                    for line in wrap(&sanitize(text), width) {
                        writeln!(out, "{}", style.paint(&line, *paint))?;
                    }
                }
                Piece::Item { depth, mark, paint, text } => {
                    let indent = " ".repeat(2 + depth * 4);
                    let whole = format!("{mark} {text}");
                    let (whole, mark) = (sanitize(&whole), sanitize(mark));
                    for (number, line) in wrap(&whole, width.saturating_sub(indent.len() + 2)).into_iter().enumerate() {
                        match line.strip_prefix(mark.as_ref()) {
                            Some(rest) if number == 0 => writeln!(out, "{indent}{}{rest}", style.paint(&mark, *paint))?,
                            _ => writeln!(out, "{indent}  {line}")?,
                        }
                    }
                }
                Piece::Grid(grid) => grid.table(out, style)?,
                Piece::Code(text) => writeln!(out, "      {}", sanitize(text))?,
            }
        }
        Ok(())
    }

    /// Writes it as Markdown.
    pub(super) fn markdown(&self, out: &mut dyn Write) -> Result<()> {
        let mut before: Option<&Piece> = None;
        for piece in &self.pieces {
            let within_list =
                matches!((before, piece), (Some(Piece::Item { .. }), Piece::Item { .. } | Piece::Code(_)));
            if before.is_some() && !within_list {
                writeln!(out)?;
            }
            match piece {
                Piece::Heading(text) => writeln!(out, "## {}", markdown_cell(text))?,
                Piece::Line(text, Paint::Bold | Paint::Good | Paint::Bad | Paint::Warn) => {
                    writeln!(out, "**{}**", markdown_cell(text))?;
                }
                Piece::Line(text, _) => writeln!(out, "{}", markdown_cell(text))?,
                Piece::Item { depth, mark, text, .. } => {
                    let indent = "  ".repeat(*depth);
                    let mark = markdown_cell(mark);
                    match mark.chars().any(char::is_alphanumeric) {
                        true => writeln!(out, "{indent}- **{mark}** {}", markdown_cell(text))?,
                        false => writeln!(out, "{indent}- {mark} {}", markdown_cell(text))?,
                    }
                }
                Piece::Grid(grid) => grid.markdown(out)?,
                Piece::Code(text) => writeln!(out, "    - {}", markdown_code(text))?,
            }
            before = Some(piece);
        }
        Ok(())
    }
}

/// Text between more backticks than it holds in a row.
fn markdown_code(text: &str) -> String {
    let text = sanitize(text);
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    if longest > 0 { format!("{fence} {text} {fence}") } else { format!("{fence}{text}{fence}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prose() -> Prose {
        let mut prose = Prose::default();
        prose.heading("A *heading*");
        prose.line("All is well.", Paint::Good);
        prose.item(0, "✓", Paint::Good, "one two three four five six seven eight");
        prose.item(1, "weak", Paint::Warn, "a\x1b[31m<b>");
        prose.code("a `b` c");
        prose
    }

    #[test]
    fn fits_a_terminal() {
        let mut out = Vec::new();
        prose().table(&mut out, &Style { width: 30, color: false, unicode: true }).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "A *heading*\nAll is well.\n  ✓ one two three four five\n    six seven eight\n      weak a<1b>[31m<b>\n      a `b` c\n"
        );
    }

    #[test]
    fn markup_stays_text_in_markdown() {
        let mut out = Vec::new();
        prose().markdown(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("## A \\*heading\\*") && text.contains("&lt;b&gt;") && text.contains("`` a `b` c ``"),
            "{text}"
        );
    }
}
