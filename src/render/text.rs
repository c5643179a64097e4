//! A text in parts that are shown in different ways, whatever form it is shown in.

/// What a piece of text is; forms that have colours show it by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Paint {
    /// Nothing special.
    #[default]
    Plain,
    /// Of less weight.
    Dim,
    /// All is well.
    Good,
    /// Wants a look.
    Warn,
    /// Wants work.
    Bad,
    /// Of more weight.
    Bold,
}

/// A part of a text that is shown in one way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// Its text, as it came.
    pub text: String,
    /// What it is.
    pub paint: Paint,
    /// It is something to type or to copy: a command, a record, an option.
    pub code: bool,
    /// The page of the same folder that it leads to; its name is one that this program made.
    pub link: Option<String>,
}

/// A text in one or more parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// The parts, in order.
    pub spans: Vec<Span>,
}

impl Text {
    /// A text as it is, of whoever.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Text { spans: vec![Span { text: text.into(), ..Span::default() }] }
    }

    /// A sentence of this program's, in which backticks stand around code. A backtick without another stays one.
    #[must_use]
    pub fn prose(text: impl AsRef<str>) -> Self {
        let mut spans = Vec::new();
        let mut rest = text.as_ref();
        while let Some((before, code, after)) = rest
            .split_once('`')
            .and_then(|(before, after)| after.split_once('`').map(|(code, after)| (before, code, after)))
        {
            spans.extend(span(before, false));
            spans.extend(span(code, true));
            rest = after;
        }
        spans.extend(span(rest, false));
        Text { spans }
    }

    /// The same, with all that is plain in it painted.
    #[must_use]
    pub fn paint(mut self, paint: Paint) -> Self {
        for span in self.spans.iter_mut().filter(|span| span.paint == Paint::Plain) {
            span.paint = paint;
        }
        self
    }

    /// A text that leads to a page of the same folder.
    #[must_use]
    pub fn link(text: impl Into<String>, page: impl Into<String>) -> Self {
        Text { spans: vec![Span { text: text.into(), link: Some(page.into()), ..Span::default() }] }
    }

    /// The same with another text after it.
    #[must_use]
    pub fn and(mut self, more: impl Into<Text>) -> Self {
        self.spans.extend(more.into().spans);
        self
    }

    /// What all of it is, where that is the same.
    pub(super) fn whole_paint(&self) -> Option<Paint> {
        let first = self.spans.first()?.paint;
        self.spans.iter().all(|span| span.paint == first).then_some(first)
    }

    /// The text without any of its looks.
    #[must_use]
    pub fn bare(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

fn span(text: &str, code: bool) -> Option<Span> {
    (!text.is_empty()).then(|| Span { text: text.to_owned(), code, ..Span::default() })
}

/// Text of whoever: no backtick in it is code.
impl<T: Into<String>> From<T> for Text {
    fn from(text: T) -> Self {
        Text::plain(text)
    }
}
