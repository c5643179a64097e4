//! The review as a page: one HTML file that needs no script and nothing besides itself.
//!
//! All text of strangers goes through [`Text`], which shows what could reorder or hide text as code points; maud makes
//! markup of it harmless. What is too much for paper is marked `more` and said in a line that only paper shows.

mod chart;
mod method;
mod parts;
mod tables;

use maud::{DOCTYPE, Escaper, Markup, PreEscaped, Render, html};
use std::fmt::Write as _;

use super::readiness::{caution, known, sentence};
use crate::diagnosis::Class;
use crate::diagnosis::readiness::{Review, Verdict};
use crate::sanitize::sanitize;

const STYLE: &str = include_str!("style.css");

/// Text of a stranger.
struct Text<'t>(&'t str);

impl Render for Text<'_> {
    fn render_to(&self, buffer: &mut String) {
        /// Longer texts say nothing more to a reader.
        const LONGEST: usize = 300;
        let text = sanitize(self.0);
        let mut escaper = Escaper::new(buffer);
        let mut characters = text.char_indices();
        // Writing into a string cannot fail.
        let _ = match characters.nth(LONGEST) {
            Some((end, _)) => escaper.write_str(&text[..end]).and_then(|()| escaper.write_char('…')),
            None => escaper.write_str(&text),
        };
    }
}

/// The review as one HTML page.
#[must_use]
pub fn readiness_page(answer: &Review) -> String {
    let title = format!("{}: ready for p={}?", sanitize(&answer.domain), answer.target.as_str());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(answer.program);
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.over { "DMARC readiness review" }
                    h1 { (Text(&answer.domain)) }
                    (verdict(answer))
                    p.soft { (Text(&known(answer))) " · reviewed as of " (answer.as_of) }
                }
                main {
                    (parts::findings(answer))
                    (parts::impact(answer))
                    (tables::checks(answer))
                    (parts::blockers(answer))
                    (parts::fragile(answer))
                    (chart::daily(answer))
                    (tables::paths(answer))
                    (tables::subdomains(answer))
                    (parts::receivers(answer))
                    (parts::policy(answer))
                    (parts::advice(answer))
                    (method::method(answer))
                }
            }
        }
    };
    page.into_string()
}

fn verdict(answer: &Review) -> Markup {
    let (tone, mark, words) = match answer.verdict {
        Verdict::Ready => ("good", "✓", "Ready"),
        Verdict::NotReady => ("bad", "✗", "Not ready"),
        Verdict::Undecided => ("warn", "?", "Undecided"),
        Verdict::NotEnoughData => ("warn", "?", "Not enough data"),
    };
    html! {
        div.verdict.(tone) {
            @if let Some(caution) = caution(answer) { (Text(caution)) " " }
            strong { span aria-hidden="true" { (mark) " " } (words) " for p=" (answer.target.as_str()) }
            (Text(&sentence(answer)))
        }
    }
}

/// The classes in the order in which they are stacked.
const CLASSES: [Class; 6] = Class::ALL;

#[cfg(test)]
mod tests;
