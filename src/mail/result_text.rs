//! The text of a results field, piece by piece: words, pairs, quoted texts, and comments wherever they stand (RFC 8601 §2.2).

use std::borrow::Cow;

/// Comments that are kept of one result.
const MOST: usize = 64;

/// What stands between two semicolons.
pub(super) enum Item {
    /// Something without `=`.
    Word(String),
    /// `name=value`.
    Pair(String, String),
}

/// A place in the text.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'t> {
    pub(super) rest: &'t str,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Cursor { rest: text }
    }

    /// The next item of this part; `None` at its end. Comments on the way are kept.
    pub(super) fn item(&mut self, comments: &mut Vec<String>) -> Option<Item> {
        self.skip(comments);
        if self.rest.is_empty() || self.rest.starts_with(';') {
            return None;
        }
        if self.rest.starts_with('=') {
            // A value without a name.
            self.rest = &self.rest[1..];
            self.skip(comments);
            return Some(Item::Word(self.word(false).into_owned()));
        }
        let mut name = self.word(true).into_owned();
        loop {
            self.skip(comments);
            if let Some(rest) = self.rest.strip_prefix('=') {
                self.rest = rest;
                self.skip(comments);
                return Some(Item::Pair(name, self.word(false).into_owned()));
            }
            // White space and comments may stand around the dot and the slash within a name (RFC 8601 §2.2).
            let joined = name.ends_with(['.', '/']) || self.rest.starts_with(['.', '/']);
            if !joined || self.rest.is_empty() || self.rest.starts_with([';', '=']) {
                return Some(Item::Word(name));
            }
            name.push_str(&self.word(true));
        }
    }

    /// Text up to white space, a comment or the end of the part, and in a name up to `=`; quoted text counts as
    /// what it holds. Takes at least one character where there is one.
    pub(super) fn word(&mut self, name: bool) -> Cow<'t, str> {
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, ';' | '(') || name && c == '=';
        let end = self.rest.find(|c| ends(c) || c == '"').unwrap_or(self.rest.len());
        let (plain, rest) = self.rest.split_at(end);
        self.rest = rest;
        if !rest.starts_with('"') {
            return Cow::Borrowed(plain);
        }
        let mut text = plain.to_owned();
        loop {
            let mut characters = self.rest.chars();
            match characters.next() {
                Some('"') => {
                    self.rest = characters.as_str();
                    self.quoted(&mut text);
                }
                Some(c) if !ends(c) => {
                    text.push(c);
                    self.rest = characters.as_str();
                }
                _ => return Cow::Owned(text),
            }
        }
    }

    /// The rest of quoted text, whose first quote is taken.
    pub(super) fn quoted(&mut self, text: &mut String) {
        let mut characters = self.rest.chars();
        while let Some(c) = characters.next() {
            match c {
                '"' => break,
                '\\' => text.extend(characters.next()),
                // Where a value was folded, the line end does not belong to it.
                '\r' | '\n' => {}
                c => text.push(c),
            }
        }
        self.rest = characters.as_str();
    }

    /// Skips white space and comments, which may nest.
    pub(super) fn skip(&mut self, comments: &mut Vec<String>) {
        loop {
            self.rest = self.rest.trim_ascii_start();
            let Some(inner) = self.rest.strip_prefix('(') else { return };
            let mut text = String::new();
            let mut depth = 1_u32;
            let mut characters = inner.chars();
            while let Some(c) = characters.next() {
                match c {
                    '(' => depth += 1,
                    ')' if depth == 1 => break,
                    ')' => depth -= 1,
                    '\\' => {
                        text.extend(characters.next());
                        continue;
                    }
                    _ => {}
                }
                text.push(if matches!(c, '\r' | '\n' | '\t') { ' ' } else { c });
            }
            self.rest = characters.as_str();
            if comments.len() < MOST {
                comments.push(text.trim().to_owned());
            }
        }
    }

    pub(super) fn rest_of_part(&mut self) {
        while self.item(&mut Vec::new()).is_some() {}
        self.next_part();
    }

    /// Goes past the semicolon; whether there was one.
    pub(super) fn next_part(&mut self) -> bool {
        match self.rest.strip_prefix(';') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}
