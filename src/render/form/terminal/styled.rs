//! Text in colours, in lines.

use super::wrap::wrap;
use crate::render::form::style::Style;
use crate::render::text::{Paint, Text};
use crate::sanitize::sanitize;

/// A text without anything that a terminal could mistake for more than text, and the paint of each of its characters.
pub(super) struct Styled {
    pub(super) text: String,
    /// Those of blanks follow from those around them: lines are broken at blanks.
    paints: Vec<Paint>,
}

impl Styled {
    pub(super) fn of(text: &Text) -> Self {
        let mut styled = Styled { text: String::new(), paints: Vec::new() };
        for span in &text.spans {
            let safe = sanitize(&span.text);
            match span.code {
                true => {
                    styled.push(&format!("`{safe}`"), if span.paint == Paint::Plain { Paint::Bold } else { span.paint })
                }
                false => styled.push(&safe, span.paint),
            }
        }
        styled
    }

    fn push(&mut self, text: &str, paint: Paint) {
        self.text.push_str(text);
        self.paints.extend(text.chars().filter(|c| !c.is_whitespace()).map(|_| paint));
    }

    /// Lines of this text in their colours.
    pub(super) fn paint(&self, lines: Vec<String>, style: &Style) -> Vec<String> {
        if !style.color {
            return lines;
        }
        let mut paints = self.paints.iter().copied();
        lines.iter().map(|line| painted(line, &mut paints, style)).collect()
    }
}

/// A line in its colours, run by run.
fn painted(line: &str, paints: &mut impl Iterator<Item = Paint>, style: &Style) -> String {
    let (mut out, mut run, mut blanks) = (String::new(), String::new(), String::new());
    let mut current = Paint::Plain;
    for c in line.chars() {
        if c.is_whitespace() {
            blanks.push(c);
            continue;
        }
        let paint = paints.next().unwrap_or_default();
        if paint != current && !run.is_empty() {
            out.push_str(&style.paint(&std::mem::take(&mut run), current));
            out.push_str(&std::mem::take(&mut blanks));
        }
        run.push_str(&std::mem::take(&mut blanks));
        run.push(c);
        current = paint;
    }
    if !run.is_empty() {
        out.push_str(&style.paint(&run, current));
    }
    out + &blanks
}

pub(super) fn lines(styled: &Styled, width: usize, style: &Style) -> Vec<String> {
    styled.paint(wrap(&styled.text, width), style)
}

impl Style {
    /// The text in its colour, where there is colour.
    pub(super) fn paint(&self, text: &str, paint: Paint) -> String {
        let code = match paint {
            Paint::Plain => return text.to_owned(),
            _ if !self.color || text.is_empty() => return text.to_owned(),
            Paint::Dim => "2",
            Paint::Good => "32",
            Paint::Warn => "33",
            Paint::Bad => "31",
            Paint::Bold => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
