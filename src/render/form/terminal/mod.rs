//! For reading in a terminal: text in lines that fit its width, with colours where there are any.
//!
//! Headings have an empty line before them, tables and facts one before and one after. Lists are indented by two columns, and lists
//! within lists by four more. What is code stands between backticks.

mod styled;
mod table;
mod wrap;

use std::io::{Result, Write};

use unicode_width::UnicodeWidthStr;

use super::style::Style;
use crate::render::document::{Block, Document, Fact, Item, Mark, Paint};
use crate::sanitize::sanitize;
use styled::{Styled, lines};

/// Sentences are not made longer than that, however wide the terminal is.
const READABLE: usize = 110;
/// Columns before a list, and before each list within one.
const INDENT: usize = 2;
const DEEPER: usize = 4;

/// Writes a document.
pub(super) fn write(document: &Document, style: &Style, out: &mut dyn Write) -> Result<()> {
    let mut before = None;
    for block in document.without_asides() {
        if are_apart(before, block) {
            writeln!(out)?;
        }
        self::block(block, style, out)?;
        before = Some(block);
    }
    Ok(())
}

/// Whether an empty line stands between two parts.
fn are_apart(before: Option<&Block>, block: &Block) -> bool {
    let is_table = |block: &Block| matches!(block, Block::Table(_) | Block::Shares(_) | Block::Facts(_));
    match before {
        None | Some(Block::Heading(_)) => false,
        Some(before) => matches!(block, Block::Title(_) | Block::Heading(_)) || is_table(block) || is_table(before),
    }
}

fn block(block: &Block, style: &Style, out: &mut dyn Write) -> Result<()> {
    let readable = usize::from(style.width).min(READABLE);
    match block {
        Block::Title(text) | Block::Heading(text) => {
            let text = text.clone().paint(Paint::Bold);
            lines(&Styled::of(&text), readable, style).iter().try_for_each(|line| writeln!(out, "{line}"))
        }
        Block::Text(text) => {
            lines(&Styled::of(text), readable, style).iter().try_for_each(|line| writeln!(out, "{line}"))
        }
        Block::Line(text) => {
            let styled = Styled::of(text);
            styled.paint(vec![styled.text.clone()], style).iter().try_for_each(|line| writeln!(out, "{line}"))
        }
        Block::Item(item) => self::item(item, readable, style, out),
        Block::Facts(facts) => self::facts(facts, style, out),
        Block::Table(table) => table::write(table, style, out),
        Block::Sparkline(sparkline) => {
            let width = usize::from(style.width).saturating_sub(INDENT);
            verbatim(0, &sparkline.lines(width, style.unicode), out)
        }
        Block::Links(links) => writeln!(
            out,
            "{}",
            links.iter().map(|link| sanitize(&link.bare()).into_owned()).collect::<Vec<_>>().join(" · ")
        ),
        Block::Shares(shares) => table::write(&shares.table(), style, out),
        Block::Verbatim { depth, lines } => verbatim(*depth, lines, out),
        Block::Aside(_) => Ok(()),
    }
}

fn item(item: &Item, width: usize, style: &Style, out: &mut dyn Write) -> Result<()> {
    let (mark, paint) = match &item.mark {
        Mark::Bullet => ("-".to_owned(), Paint::Plain),
        Mark::Number(number) => (format!("{number}."), Paint::Plain),
        Mark::Word(word, paint) => (sanitize(word).into_owned(), *paint),
        Mark::None => (String::new(), Paint::Plain),
    };
    let indent = INDENT + DEEPER * item.depth;
    let hang = if mark.is_empty() { 0 } else { mark.width() + 1 };
    for (number, line) in lines(&Styled::of(&item.text), width.saturating_sub(indent + hang), style).iter().enumerate()
    {
        match number {
            0 if !mark.is_empty() => writeln!(out, "{:indent$}{} {line}", "", style.paint(&mark, paint))?,
            _ => writeln!(out, "{:1$}{line}", "", indent + hang)?,
        }
    }
    Ok(())
}

fn facts(facts: &[Fact], style: &Style, out: &mut dyn Write) -> Result<()> {
    let label = facts.iter().map(|fact| sanitize(&fact.name).width()).max().unwrap_or(0);
    for fact in facts {
        let name = sanitize(&fact.name);
        let blank = label - name.width();
        let value = lines(&Styled::of(&fact.value), usize::from(style.width).saturating_sub(label + 1), style);
        for (number, line) in value.iter().enumerate() {
            match number {
                0 => writeln!(out, "{:blank$}{} {line}", "", style.paint(&name, Paint::Dim))?,
                _ => writeln!(out, "{:label$} {line}", "")?,
            }
        }
    }
    Ok(())
}

/// Lines as they are, whatever the width: what is to be copied must be whole.
fn verbatim(depth: usize, lines: &[String], out: &mut dyn Write) -> Result<()> {
    let indent = INDENT + DEEPER * depth;
    lines.iter().try_for_each(|line| writeln!(out, "{}", format!("{:indent$}{}", "", sanitize(line)).trim_end()))
}

#[cfg(test)]
mod tests;
