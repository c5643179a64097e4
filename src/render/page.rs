//! Answers of several parts, written one below the other: headings, lines, lists, tables and pictures, for a terminal or as
//! Markdown.

use std::io::{Result, Write};

use unicode_width::UnicodeWidthStr;

use super::grid::{Grid, wrap};
use super::text::markdown_cell;
use super::{Paint, Style};
use crate::sanitize::sanitize;

/// What is being written.
pub(super) struct Page<'o> {
    out: &'o mut dyn Write,
    style: Style,
    markdown: bool,
    /// The last line is an empty one.
    parted: bool,
}

impl<'o> Page<'o> {
    pub(super) fn new(out: &'o mut dyn Write, style: Style, markdown: bool) -> Self {
        Page { out, style, markdown, parted: false }
    }

    pub(super) fn style(&self) -> Style {
        self.style
    }

    /// A heading, with a blank line before it.
    pub(super) fn heading(&mut self, text: &str) -> Result<()> {
        self.part()?;
        if self.markdown {
            self.parted = true;
            return writeln!(self.out, "## {}\n", markdown_cell(text));
        }
        self.parted = false;
        for line in wrap(&sanitize(text).to_uppercase(), usize::from(self.style.width)) {
            writeln!(self.out, "{}", self.style.paint(&line, Paint::Bold))?;
        }
        Ok(())
    }

    /// What the page is about, with a blank line before it.
    pub(super) fn title(&mut self, text: &str) -> Result<()> {
        self.part()?;
        if self.markdown {
            return writeln!(self.out, "# {}\n", markdown_cell(text));
        }
        self.line(text, Paint::Bold)
    }

    /// A text of its own, broken into lines.
    pub(super) fn line(&mut self, text: &str, paint: Paint) -> Result<()> {
        self.parted = self.markdown;
        if self.markdown {
            return writeln!(self.out, "{}\n", markdown_cell(text));
        }
        for line in wrap(&sanitize(text), usize::from(self.style.width)) {
            writeln!(self.out, "{}", self.style.paint(&line, paint))?;
        }
        Ok(())
    }

    /// A text behind a mark, such as a number or a dash, broken into lines that begin below it.
    pub(super) fn item(&mut self, mark: &str, text: &str, paint: Paint) -> Result<()> {
        self.parted = false;
        if self.markdown {
            return writeln!(self.out, "{mark} {}", markdown_cell(text));
        }
        let indent = mark.width() + 1;
        let lines = wrap(&sanitize(text), usize::from(self.style.width).saturating_sub(indent + 2));
        for (number, line) in lines.iter().enumerate() {
            let before = if number == 0 { format!("{mark} ") } else { " ".repeat(indent) };
            writeln!(self.out, "  {before}{}", self.style.paint(line, paint))?;
        }
        Ok(())
    }

    /// A text below an item.
    pub(super) fn below(&mut self, text: &str) -> Result<()> {
        self.parted = false;
        if self.markdown {
            return writeln!(self.out, "  {}", markdown_cell(text));
        }
        for line in wrap(&sanitize(text), usize::from(self.style.width).saturating_sub(6)) {
            writeln!(self.out, "      {}", self.style.paint(&line, Paint::Dim))?;
        }
        Ok(())
    }

    /// A table; of too many rows the last are left out and counted.
    pub(super) fn grid(&mut self, mut grid: Grid, most: usize) -> Result<()> {
        self.parted = false;
        let more = grid.rows.len().saturating_sub(most);
        grid.rows.truncate(most);
        if self.markdown {
            grid.markdown(self.out)?;
        } else {
            grid.table(self.out, &self.style)?;
        }
        if more > 0 {
            if self.markdown {
                // A table ends with an empty line.
                writeln!(self.out)?;
            }
            self.line(&format!("and {more} more, see the JSON answer"), Paint::Dim)?;
        }
        Ok(())
    }

    /// Lines that are kept as they are: pictures, DNS records.
    pub(super) fn verbatim(&mut self, lines: &[String]) -> Result<()> {
        self.parted = false;
        if self.markdown {
            // A fence of strangers' text must not be closed by that text.
            writeln!(self.out, "~~~~~")?;
        }
        for line in lines {
            let line = sanitize(line);
            let line = if self.markdown { line.replace("~~~", "~ ~ ~") } else { format!("  {line}") };
            writeln!(self.out, "{}", line.trim_end())?;
        }
        if self.markdown {
            writeln!(self.out, "~~~~~")?;
        }
        Ok(())
    }

    /// An empty line, unless there is one.
    fn part(&mut self) -> Result<()> {
        if self.parted { Ok(()) } else { writeln!(self.out) }
    }
}
