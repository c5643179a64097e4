//! How a terminal shows an answer.

/// How a terminal shows an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns.
    pub width: u16,
    /// Whether to use colour.
    pub color: bool,
    /// Whether the reader's character set is Unicode; pictures are drawn in ASCII otherwise.
    pub unicode: bool,
}
