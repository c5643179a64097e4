//! What an answer says to a person, whatever form it is shown in: titles, headings, texts, items, facts, tables, pictures.
//!
//! An answer builds a [`Document`] and knows nothing of terminals, Markdown or HTML; the forms know nothing of answers. Text is
//! kept as it came: each form makes the texts of strangers harmless for where it goes.

use super::shares::Shares;
use super::sparkline::Sparkline;
use super::table::Table;
pub use super::text::{Paint, Span, Text};
use crate::words::more;

/// What stands before an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// The mark of lists.
    Bullet,
    /// The number of a step.
    Number(usize),
    /// A word or sign that says what the item is, in its colour.
    Word(String, Paint),
    /// Nothing: the item goes on with the one above it.
    None,
}

/// A text in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// How many lists it is within.
    pub depth: usize,
    /// What stands before it.
    pub mark: Mark,
    /// What it says.
    pub text: Text,
}

/// Something that is known, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is; empty where it is more of the one above it.
    pub name: String,
    /// What is known.
    pub value: Text,
}

impl Fact {
    /// A fact.
    pub fn new(name: impl Into<String>, value: impl Into<Text>) -> Self {
        Fact { name: name.into(), value: value.into() }
    }
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// What the document is about.
    Title(Text),
    /// What the part below is about.
    Heading(Text),
    /// A paragraph.
    Text(Text),
    /// What a run says of itself: a line however long it is, as logs have them.
    Line(Text),
    /// An item of a list; the list is the run of them.
    Item(Item),
    /// Facts with their names.
    Facts(Vec<Fact>),
    /// Other pages of the same folder.
    Links(Vec<Text>),
    /// A table.
    Table(Table),
    /// Rows of bars over days.
    Sparkline(Sparkline),
    /// Parts of a whole.
    Shares(Shares),
    /// What is of use where there is room for it and a reader who looks around: on pages. Other forms leave it out.
    Aside(Document),
    /// Lines to be copied as they are, at a depth of lists.
    Verbatim {
        /// How many lists it is within.
        depth: usize,
        /// The lines.
        lines: Vec<String>,
    },
}

/// What an answer says, from top to bottom.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    blocks: Vec<Block>,
}

impl Document {
    /// The parts, in order.
    #[cfg(test)]
    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The parts, in order, with those of asides among them.
    pub(super) fn with_asides(&self) -> Vec<&Block> {
        let parts = self.blocks.iter().map(|block| match block {
            Block::Aside(document) => document.with_asides(),
            block => vec![block],
        });
        parts.flatten().collect()
    }

    /// The parts that every form has.
    pub(super) fn without_asides(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| !matches!(block, Block::Aside(_)))
    }

    /// Adds all of another document.
    pub fn extend(&mut self, other: Document) {
        self.blocks.extend(other.blocks);
    }

    /// Says what the document is about.
    pub fn title(&mut self, text: impl Into<Text>) {
        self.blocks.push(Block::Title(text.into()));
    }

    /// Begins a part.
    pub fn heading(&mut self, text: impl Into<Text>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    /// Adds a paragraph.
    pub fn text(&mut self, text: impl Into<Text>) {
        self.blocks.push(Block::Text(text.into()));
    }

    /// Adds a line that is never broken.
    pub fn line(&mut self, text: impl Into<Text>) {
        self.blocks.push(Block::Line(text.into()));
    }

    /// Adds an item of a list.
    pub fn item(&mut self, text: impl Into<Text>) {
        self.item_at(0, Mark::Bullet, text);
    }

    /// Adds an item after a word or sign in its colour.
    pub fn marked(&mut self, mark: impl Into<String>, paint: Paint, text: impl Into<Text>) {
        self.item_at(0, Mark::Word(mark.into(), paint), text);
    }

    /// Adds what is to be known of the item above, of less weight.
    pub fn below(&mut self, text: impl Into<Text>) {
        self.item_at(1, Mark::None, text.into().paint(Paint::Dim));
    }

    /// Adds an item at a depth of lists.
    pub fn item_at(&mut self, depth: usize, mark: Mark, text: impl Into<Text>) {
        self.blocks.push(Block::Item(Item { depth, mark, text: text.into() }));
    }

    /// Adds steps, numbered, at a depth of lists. They are sentences of this program's.
    pub fn steps(&mut self, depth: usize, steps: &[String]) {
        for (number, step) in steps.iter().enumerate() {
            self.item_at(depth, Mark::Number(number + 1), Text::prose(step));
        }
    }

    /// Adds facts, unless there are none.
    pub fn facts(&mut self, facts: Vec<Fact>) {
        if !facts.is_empty() {
            self.blocks.push(Block::Facts(facts));
        }
    }

    /// Adds a table, unless it has no rows, and says how many were left out of it.
    pub fn table(&mut self, table: Table) {
        if table.rows.is_empty() {
            return;
        }
        let more = more(table.left_out());
        self.blocks.push(Block::Table(table));
        if let Some(more) = more {
            self.text(Text::plain(format!("{more}, see the JSON answer")).paint(Paint::Dim));
        }
    }

    /// Adds a table, of which the head alone tells something.
    pub fn table_or_head(&mut self, table: Table) {
        self.blocks.push(Block::Table(table));
    }

    /// Adds links to other pages of the same folder.
    pub fn links(&mut self, links: Vec<Text>) {
        self.blocks.push(Block::Links(links));
    }

    /// Makes cells of the columns of that heading lead to the pages that they have.
    pub fn link_cells(&mut self, heading: &str, page: &impl Fn(&str) -> Option<String>) {
        for block in &mut self.blocks {
            match block {
                Block::Table(table) => table.link_cells(heading, page),
                Block::Aside(document) => document.link_cells(heading, page),
                _ => {}
            }
        }
    }

    /// Adds bars over days.
    pub fn sparkline(&mut self, sparkline: Sparkline) {
        self.blocks.push(Block::Sparkline(sparkline));
    }

    /// Adds parts of a whole.
    pub fn shares(&mut self, shares: Shares) {
        self.blocks.push(Block::Shares(shares));
    }

    /// Adds what pages alone have room for.
    pub fn aside(&mut self, fill: impl FnOnce(&mut Document)) {
        let mut document = Document::default();
        fill(&mut document);
        self.blocks.push(Block::Aside(document));
    }

    /// Adds lines to be copied as they are, at a depth of lists.
    pub fn verbatim(&mut self, depth: usize, lines: Vec<String>) {
        if !lines.is_empty() {
            self.blocks.push(Block::Verbatim { depth, lines });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(String, bool)> {
        Text::prose(text).spans.into_iter().map(|span| (span.text, span.code)).collect()
    }

    #[test]
    fn backticks_in_pairs_are_code() {
        let owned = |parts: &[(&str, bool)]| -> Vec<_> { parts.iter().map(|(t, c)| ((*t).to_owned(), *c)).collect() };
        assert_eq!(parts("see `a b`, or `c`"), owned(&[("see ", false), ("a b", true), (", or ", false), ("c", true)]));
        assert_eq!(parts("`a` and ` alone"), owned(&[("a", true), (" and ` alone", false)]));
        assert_eq!(parts("``"), []);
        assert_eq!(Text::plain("`a`").spans.len(), 1);
    }

    #[test]
    fn paint_leaves_what_is_painted() {
        let text = Text::plain("a").paint(Paint::Bad).and("b").paint(Paint::Dim);
        assert_eq!(text.spans.iter().map(|span| span.paint).collect::<Vec<_>>(), [Paint::Bad, Paint::Dim]);
        assert_eq!((text.whole_paint(), text.bare().as_str()), (None, "ab"));
    }

    #[test]
    fn rows_that_are_left_out_are_counted() {
        use crate::render::table::{Column, Row, Table};
        let mut table = Table::new([Column::text("A")]).at_most(3);
        (0..5).for_each(|number: u8| table.push(Row::new([number.to_string()])));
        let mut document = Document::default();
        document.table(table);
        let [Block::Table(table), Block::Text(text)] = document.blocks() else { panic!("{document:?}") };
        assert_eq!((table.rows.len(), text.bare().as_str()), (3, "and 2 more, see the JSON answer"));
    }
}
