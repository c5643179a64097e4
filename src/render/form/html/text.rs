//! Text of whoever as markup.

use std::fmt::Write as _;

use maud::{Escaper, Markup, Render, html};

use crate::render::text::{Paint, Text};
use crate::sanitize::sanitize;

/// The longest text in a paragraph, and in a cell: longer ones of strangers say nothing more to a reader.
pub(super) const LONGEST: usize = 1500;

/// The class of a paint.
pub(super) fn tone(paint: Paint) -> Option<&'static str> {
    match paint {
        Paint::Plain => None,
        Paint::Dim => Some("dim"),
        Paint::Good => Some("good"),
        Paint::Warn => Some("warn"),
        Paint::Bad => Some("bad"),
        Paint::Bold => Some("strong"),
    }
}

/// A text with all its looks.
pub(super) fn inline(text: &Text) -> Markup {
    html! {
        @for span in &text.spans {
            @if span.code { code { (Plain(&span.text, usize::MAX)) } }
            @else if let Some(page) = &span.link { a href=(page) { (Plain(&span.text, LONGEST)) } }
            @else if let Some(tone) = tone(span.paint) { span class=(format!("tone {tone}")) { (Plain(&span.text, LONGEST)) } }
            @else { (Plain(&span.text, LONGEST)) }
        }
    }
}

/// A text of one look in a cell, where long names of hosts may break after a dot.
pub(super) fn in_cell(text: &Text) -> Markup {
    const SHORT: usize = 20;
    let is_name = |text: &str| {
        (SHORT..=LONGEST).contains(&text.len()) && text.contains('.') && !text.contains(char::is_whitespace)
    };
    match text.spans.as_slice() {
        [span] if span.link.is_none() && !span.code && is_name(&span.text) => html! {
            span class=[tone(span.paint).map(|tone| format!("tone {tone}"))] {
                @for part in span.text.split_inclusive('.') {
                    (Plain(part, LONGEST))
                    // An address is read as a whole.
                    @if part.ends_with('.') && part.contains(|c: char| c.is_ascii_alphabetic()) { wbr; }
                }
            }
        },
        _ => inline(text),
    }
}

/// A text without its paints, for where all of it has one.
pub(super) fn bare(text: &Text) -> Markup {
    html! {
        @for span in &text.spans {
            @if span.code { code { (Plain(&span.text, usize::MAX)) } } @else { (Plain(&span.text, LONGEST)) }
        }
    }
}

/// Text of anybody's, cut to a number of characters.
pub(super) struct Plain<'t>(pub(super) &'t str, pub(super) usize);

impl Render for Plain<'_> {
    fn render_to(&self, buffer: &mut String) {
        let text = sanitize(self.0);
        let mut escaper = Escaper::new(buffer);
        // Writing into a string cannot fail.
        let _ = match text.char_indices().nth(self.1) {
            Some((end, _)) => escaper.write_str(&text[..end]).and_then(|()| escaper.write_char('…')),
            None => escaper.write_str(&text),
        };
    }
}
