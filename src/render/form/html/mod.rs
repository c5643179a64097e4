//! For a browser: one page that needs no script and nothing besides itself.
//!
//! All text of strangers goes through [`text`], which shows what could reorder or hide text as code points; maud makes markup of it
//! harmless. What is to be copied is never cut short. What is too much for paper is marked `more` and said in a line that only paper
//! shows.

mod picture;
mod table;
mod text;

use std::io::{Result, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::render::document::{Block, Document, Fact, Item, Mark, Text};
use text::{LONGEST, Plain, bare, inline, tone};

const STYLE: &str = include_str!("style.css");
/// What a page may load and run: nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
/// What a page calls the program that made it, before the version.
const GENERATOR: &str = "dmarcstat ";
/// Items of a list on paper.
const ON_PAPER: usize = 30;

/// Whether a file that begins so is a page, of this version or another.
pub(in crate::render) fn is_page(beginning: &[u8]) -> bool {
    let beginning = String::from_utf8_lossy(beginning);
    beginning.starts_with("<!DOCTYPE html>") && beginning.contains(&format!("name=\"generator\" content=\"{GENERATOR}"))
}

/// Writes a document as a page.
pub(in crate::render) fn write(document: &Document, out: &mut dyn Write) -> Result<()> {
    out.write_all(page(document).into_string().as_bytes())
}

fn page(document: &Document) -> Markup {
    let all = document.with_asides();
    let mut blocks = all.as_slice();
    let title = blocks.iter().find_map(|block| match block {
        Block::Title(text) => Some(text.clone()),
        _ => None,
    });
    let title = title.unwrap_or_else(|| Text::plain("dmarcstat"));
    let mut body = Vec::new();
    let mut title_is_due = true;
    while let Some(block) = blocks.first() {
        let taken = match block {
            Block::Title(_) if std::mem::take(&mut title_is_due) => {
                // The page's own title stands above all.
                1
            }
            Block::Heading(text) => {
                let rest = &blocks[1..];
                let end = rest.iter().position(|block| matches!(block, Block::Heading(_) | Block::Title(_)));
                let end = end.unwrap_or(rest.len());
                body.push(html! { section { h2 { (inline(text)) } (parts(&rest[..end])) } });
                1 + end
            }
            _ => {
                let end = blocks.iter().skip(1).position(|block| matches!(block, Block::Heading(_) | Block::Title(_)));
                let end = end.map_or(blocks.len(), |end| end + 1);
                body.push(parts(&blocks[..end]));
                end
            }
        };
        blocks = &blocks[taken..];
    }
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(format_args!("{GENERATOR}{}", env!("CARGO_PKG_VERSION")));
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (Plain(&title.bare(), LONGEST)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (picture::patterns())
                @for block in &all {
                    @if let Block::Links(links) = block { nav { @for link in links { (nav_link(link)) } } }
                }
                main {
                    h1 { (inline(&title)) }
                    @for part in &body { (part) }
                }
            }
        }
    }
}

/// Parts of a page, with items gathered into lists.
fn parts(blocks: &[&Block]) -> Markup {
    let mut out = Vec::new();
    let mut rest = blocks;
    while let Some(block) = rest.first() {
        let taken = match block {
            Block::Item(_) => {
                let in_list = |block: &Block| matches!(block, Block::Item(_) | Block::Verbatim { depth: 1.., .. });
                let end = rest.iter().position(|block| !in_list(block)).unwrap_or(rest.len());
                out.push(list(&rest[..end], 0));
                end
            }
            block => {
                out.push(self::block(block));
                1
            }
        };
        rest = &rest[taken..];
    }
    html! { @for part in &out { (part) } }
}

fn block(block: &Block) -> Markup {
    match block {
        Block::Title(text) | Block::Heading(text) => html! { h2 { (inline(text)) } },
        Block::Text(text) | Block::Line(text) => match text.whole_paint().and_then(tone) {
            Some("dim") => html! { p.soft { (bare(text)) } },
            Some(tone) => html! { p.told.(tone) { (bare(text)) } },
            None => html! { p { (inline(text)) } },
        },
        Block::Item(item) => html! { ul { li { (inline(&item.text)) } } },
        Block::Facts(facts) => self::facts(facts),
        Block::Table(table) => table::table(table),
        Block::Sparkline(sparkline) => picture::sparkline(sparkline),
        Block::Shares(shares) => picture::shares(shares),
        Block::Links(_) => Markup::default(),
        Block::Aside(document) => parts(&document.with_asides()),
        Block::Verbatim { lines, .. } => verbatim(lines),
    }
}

/// A list, and those within its items.
fn list(blocks: &[&Block], depth: usize) -> Markup {
    let mut lists: Vec<(bool, Vec<Markup>)> = Vec::new();
    let mut rest = blocks;
    while let Some((block, more)) = rest.split_first() {
        let deeper = |block: &Block| match block {
            Block::Item(item) => item.depth > depth,
            Block::Verbatim { depth: at, .. } => *at > depth,
            _ => false,
        };
        let end = more.iter().position(|block| !deeper(block)).unwrap_or(more.len());
        let (within, after) = more.split_at(end);
        let (numbered, markup) = match block {
            Block::Item(item) => (matches!(item.mark, Mark::Number(_)), self::item(item, within, depth)),
            Block::Verbatim { lines, .. } => (false, html! { li.bare { (verbatim(lines)) } }),
            _ => (false, Markup::default()),
        };
        match lists.last_mut().filter(|(other, _)| *other == numbered) {
            Some((_, items)) => items.push(markup),
            None => lists.push((numbered, vec![markup])),
        }
        rest = after;
    }
    html! {
        @for (numbered, items) in &lists {
            @if *numbered { ol { @for item in items { (item) } } } @else { ul { @for item in items { (item) } } }
            @if depth == 0 && items.len() > ON_PAPER {
                p.printed.soft { (items.len() - ON_PAPER) " more are not printed." }
            }
        }
    }
}

fn item(item: &Item, within: &[&Block], depth: usize) -> Markup {
    let class = match &item.mark {
        Mark::Bullet | Mark::Number(_) => "",
        Mark::Word(..) => "marked",
        Mark::None => "bare",
    };
    html! {
        li class=[(!class.is_empty()).then_some(class)] {
            @if let Mark::Word(word, paint) = &item.mark {
                span class=(format!("tone {}", tone(*paint).unwrap_or("plain"))) { (Plain(word, LONGEST)) } " "
            }
            (inline(&item.text))
            @if !within.is_empty() { (list(within, depth + 1)) }
        }
    }
}

/// A link, or the name of the page itself.
fn nav_link(link: &Text) -> Markup {
    match link.spans.iter().any(|span| span.link.is_some()) {
        true => inline(link),
        false => html! { span aria-current="page" { (inline(link)) } },
    }
}

fn facts(facts: &[Fact]) -> Markup {
    html! {
        dl {
            @for fact in facts {
                @if !fact.name.is_empty() { dt { (Plain(&fact.name, LONGEST)) } }
                dd { (inline(&fact.value)) }
            }
        }
    }
}

fn verbatim(lines: &[String]) -> Markup {
    html! { pre { @for (at, line) in lines.iter().enumerate() { @if at > 0 { "\n" } (Plain(line, usize::MAX)) } } }
}

#[cfg(test)]
mod tests;
