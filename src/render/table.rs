//! Tables, whatever is in them.

use std::borrow::Borrow;

use super::sparkline::Marks;
use super::text::{Paint, Text};

/// What becomes of a column's cells where the column has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// They are left out.
    LeaveOut,
    /// They stand in brackets after those of another column.
    Behind(usize),
    /// They stand in the line below the row.
    Below,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub heading: &'static str,
    /// Numbers stand to the right, and are never broken into lines.
    pub number: bool,
    /// The columns of characters that a terminal has at least where it is shown.
    pub from_width: u16,
    /// What becomes of its cells on narrower ones.
    pub no_room: NoRoom,
}

impl Column {
    /// A column of text.
    #[must_use]
    pub const fn text(heading: &'static str) -> Self {
        Column { heading, number: false, from_width: 0, no_room: NoRoom::LeaveOut }
    }

    /// A column of numbers.
    #[must_use]
    pub const fn number(heading: &'static str) -> Self {
        Column { number: true, ..Column::text(heading) }
    }

    /// The same column, for terminals of some width only.
    #[must_use]
    pub const fn from(self, width: u16) -> Self {
        Column { from_width: width, ..self }
    }

    /// The same column, whose cells stand elsewhere where it has no room.
    #[must_use]
    pub const fn otherwise(self, no_room: NoRoom) -> Self {
        Column { no_room, ..self }
    }
}

/// What is in a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text.
    Text(Text),
    /// A picture of days.
    Marks(Marks),
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What is in it.
    pub content: Content,
    /// It is of use in its own column only, and left out where that has no room.
    pub only_in_column: bool,
}

impl Cell {
    /// The same cell, left out where its column has no room.
    #[must_use]
    pub fn only_in_column(self) -> Self {
        Cell { only_in_column: true, ..self }
    }
}

/// A text in a cell, as it is.
pub(super) fn plain(text: impl Into<String>) -> Cell {
    Text::plain(text).into()
}

/// A text in a cell, painted.
pub(super) fn painted(text: impl Into<String>, paint: Paint) -> Cell {
    Text::plain(text).paint(paint).into()
}

impl<T: Into<Text>> From<T> for Cell {
    fn from(text: T) -> Self {
        Cell { content: Content::Text(text.into()), only_in_column: false }
    }
}

impl From<Marks> for Cell {
    fn from(marks: Marks) -> Self {
        Cell { content: Content::Marks(marks), only_in_column: false }
    }
}

/// A row: its cells, and a line of its own below them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// The cells, in the order of the columns.
    pub cells: Vec<Cell>,
    /// What stands below the row, across all columns.
    pub below: Option<Text>,
}

impl Row {
    /// A row without a line below it.
    pub fn new<C: Into<Cell>>(cells: impl IntoIterator<Item = C>) -> Self {
        Row { cells: cells.into_iter().map(Into::into).collect(), below: None }
    }

    /// The same with one more cell.
    #[must_use]
    pub fn cell(mut self, cell: impl Into<Cell>) -> Self {
        self.cells.push(cell.into());
        self
    }

    /// Paints the text of one cell.
    #[must_use]
    pub fn paint(mut self, at: usize, paint: Paint) -> Self {
        if let Some(Cell { content: Content::Text(text), .. }) = self.cells.get_mut(at) {
            *text = std::mem::take(text).paint(paint);
        }
        self
    }

    /// The same with a line below it, where there is something to say.
    #[must_use]
    pub fn below(self, text: Option<impl Into<Text>>) -> Self {
        Row { below: text.map(Into::into), ..self }
    }
}

/// A column, and what is in its cell about a thing.
pub(super) type Cells<T> = (Column, fn(&T) -> Cell);

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Row>,
    /// How many rows it may have, where that is bounded.
    most: Option<usize>,
    /// How many were left out.
    left_out: usize,
}

impl Table {
    /// A table without rows yet.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Table { columns: columns.into_iter().collect(), ..Table::default() }
    }

    /// Bounds the rows: those that are added after this number of them are counted only.
    #[must_use]
    pub fn at_most(self, rows: usize) -> Self {
        Table { most: Some(rows), ..self }
    }

    /// How many rows were left out.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// A table with a row for each of some things: the columns, each with what its cell says of a thing.
    pub(super) fn of<T, const N: usize>(things: impl IntoIterator<Item = T>, columns: [Cells<T>; N]) -> Self {
        Table::first_of(usize::MAX, things, columns)
    }

    /// A table [`of`](Self::of) the first things, at most this number of them.
    pub(super) fn first_of<T, const N: usize>(
        most: usize,
        things: impl IntoIterator<Item = T>,
        columns: [Cells<T>; N],
    ) -> Self {
        let mut table = Table::new(columns.iter().map(|(column, _)| *column)).at_most(most);
        for thing in things {
            table.push(Row::new(columns.iter().map(|(_, cell)| cell(&thing))));
        }
        table
    }

    /// Makes cells of the columns of that heading lead to the pages that they have.
    pub(super) fn link_cells(&mut self, heading: &str, page: &impl Fn(&str) -> Option<String>) {
        for at in (0..self.columns.len()).filter(|&at| self.columns[at].heading == heading) {
            for cell in self.rows.iter_mut().filter_map(|row| row.cells.get_mut(at)) {
                if let Content::Text(text) = &mut cell.content
                    && let Some(page) = page(&text.bare())
                {
                    *text = Text::link(text.bare(), page);
                }
            }
        }
    }

    /// Adds a row, or counts it where there are enough.
    pub fn push(&mut self, row: Row) {
        if self.most.is_some_and(|most| self.rows.len() >= most) {
            self.left_out += 1;
        } else {
            self.rows.push(row);
        }
    }
}

/// The same answer as rows of scalar fields, for a spreadsheet.
pub struct Rows<'a> {
    /// The name of each field.
    pub headings: Vec<&'a str>,
    /// The fields of each row.
    pub rows: Box<dyn Iterator<Item = Vec<String>> + 'a>,
}

/// A field of rows: its name, and its value of a row.
pub(super) type Field<T> = (&'static str, fn(&T) -> String);

/// A value in a field: a text, a number or a truth as it is, of several one after the other, nothing where there is none.
pub(super) trait Written {
    /// The text of the field.
    fn written(&self) -> String;
}

macro_rules! written_as_displayed {
    ($($kind:ty),+) => {
        $(impl Written for $kind {
            fn written(&self) -> String {
                self.to_string()
            }
        })+
    };
}

written_as_displayed!(str, String, bool, i64, u32, u64, usize, std::net::IpAddr, ipnet::IpNet, jiff::civil::Date);

impl<T: Written + ?Sized> Written for &T {
    fn written(&self) -> String {
        (*self).written()
    }
}

impl<T: Written> Written for Option<T> {
    fn written(&self) -> String {
        self.as_ref().map(T::written).unwrap_or_default()
    }
}

impl<T: Written> Written for [T] {
    fn written(&self) -> String {
        self.iter().map(T::written).collect::<Vec<_>>().join(" ")
    }
}

impl<'a> Rows<'a> {
    /// A row for each of some things, with these fields.
    pub(super) fn of<T: 'a, R: Borrow<T> + 'a>(fields: &[Field<T>], of: impl Iterator<Item = R> + 'a) -> Self {
        let values: Vec<fn(&T) -> String> = fields.iter().map(|(_, value)| *value).collect();
        let rows = of.map(move |one| values.iter().map(|value| value(one.borrow())).collect());
        Rows { headings: fields.iter().map(|(name, _)| *name).collect(), rows: Box::new(rows) }
    }

    /// Rows with their headings.
    pub fn new(headings: &[&'a str], rows: impl Iterator<Item = Vec<String>> + 'a) -> Self {
        Rows { headings: headings.to_vec(), rows: Box::new(rows) }
    }

    /// No rows of nothing.
    pub(super) fn none() -> Self {
        Rows::new(&[], std::iter::empty())
    }
}
