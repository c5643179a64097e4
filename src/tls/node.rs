//! JSON of any shape into places that take what fits: objects by their keys, lists by their items, numbers and texts as
//! texts. What no place wants is read past.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::words::MOST_SESSIONS;
use crate::limits::{Budget, Cost, Limits};
use crate::rejection::RejectionCode;
use crate::report::shorten;

/// Texts of a list that are kept.
const KEPT_TEXTS: usize = 100;
/// What reading an item is taken for, in bytes (see [`Budget::work`]).
const ITEM_WORK: u64 = 512;

/// What a document is read within.
pub(super) struct Reading<'r> {
    pub(super) limits: &'r Limits,
    pub(super) budget: &'r Budget,
    /// Different failures that may still be kept.
    pub(super) failures_left: Cell<usize>,
    /// The limit that was met; the reader's error says nothing of it.
    pub(super) exceeded: Cell<Option<RejectionCode>>,
}

impl<'r> Reading<'r> {
    pub(super) fn new(limits: &'r Limits, budget: &'r Budget) -> Self {
        Reading { limits, budget, failures_left: Cell::new(limits.tls_failures), exceeded: Cell::new(None) }
    }

    /// Ends the reading for a limit.
    pub(super) fn exceed<E: serde::de::Error>(&self, code: RejectionCode) -> E {
        self.exceeded.set(Some(code));
        E::custom("a limit was met")
    }

    pub(super) fn take<E: serde::de::Error>(&self, cost: Cost) -> Result<(), E> {
        self.budget.take(cost, 1).map_err(|code| self.exceed(code))
    }
}

/// A place for a value.
pub(super) trait Node: Sized {
    /// An object, to its end.
    fn object<'de, A: MapAccess<'de>>(&mut self, map: &mut A, reading: &Reading<'_>) -> Result<(), A::Error> {
        let mut key = Key::default();
        while map.next_key_seed(Into(&mut key, reading))?.is_some() {
            self.entry(&key.0, map, reading)?;
        }
        Ok(())
    }

    /// An entry of an object; its value is yet to be taken.
    fn entry<'de, A: MapAccess<'de>>(&mut self, _key: &str, map: &mut A, _: &Reading<'_>) -> Result<(), A::Error> {
        map.next_value::<IgnoredAny>().map(drop)
    }

    /// The next item of a list, which goes where the list was to go; false at its end.
    fn item<'de, A: SeqAccess<'de>>(&mut self, list: &mut A, reading: &Reading<'_>) -> Result<bool, A::Error> {
        Ok(list.next_element_seed(Into(self, reading))?.is_some())
    }

    /// A text, or a number as a text.
    fn text(&mut self, _text: &str, _: &Reading<'_>) {}
}

/// Reads a value into a place.
pub(super) struct Into<'n, N>(pub(super) &'n mut N, pub(super) &'n Reading<'n>);

impl<'de, N: Node> DeserializeSeed<'de> for Into<'_, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, N: Node> Visitor<'de> for Into<'_, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.object(&mut map, self.1)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while self.0.item(&mut list, self.1)? {
            if let Err(code) = self.1.budget.work(ITEM_WORK) {
                return Err(self.1.exceed(code));
            }
        }
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.text(text, self.1);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.text(&number.to_string(), self.1);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.0.text(&number.to_string(), self.1);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.0.text(&number.to_string(), self.1);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A key, in lower case and with hyphens. None that is known is longer than it is kept.
#[derive(Default)]
struct Key(String);

impl Node for Key {
    fn text(&mut self, text: &str, _: &Reading<'_>) {
        self.0 = shorten(text.trim(), 64).to_ascii_lowercase().replace('_', "-");
    }
}

/// A text; empty ones are none.
#[derive(Default)]
pub(super) struct Text(pub(super) Option<String>);

impl Node for Text {
    fn text(&mut self, text: &str, reading: &Reading<'_>) {
        // Of a list where a text should be, the first counts.
        if self.0.is_none() {
            self.0 = Some(shorten(text.trim(), reading.limits.name).to_owned()).filter(|text| !text.is_empty());
        }
    }
}

/// A list of texts; a text is a list of one.
#[derive(Default)]
pub(super) struct Texts(pub(super) Vec<String>);

impl Node for Texts {
    fn text(&mut self, text: &str, reading: &Reading<'_>) {
        let text = text.trim();
        // One reporter writes a whole list into a text.
        let within = text.starts_with('[').then(|| serde_json::from_str::<Vec<String>>(text).ok()).flatten();
        let texts = within.as_ref().map_or(vec![text], |list| list.iter().map(String::as_str).collect());
        // Another writes a whole policy into a text, a line each.
        for text in texts.into_iter().flat_map(str::lines).map(str::trim) {
            if !text.is_empty() && self.0.len() < KEPT_TEXTS {
                self.0.push(shorten(text, reading.limits.name).to_owned());
            }
        }
    }
}

/// A number of sessions: what is not a number is none, and what is too large for any server the largest.
#[derive(Default)]
pub(super) struct Count(pub(super) Option<u64>);

impl Node for Count {
    fn text(&mut self, text: &str, _: &Reading<'_>) {
        let text = text.trim();
        // The cast of a negative number is 0, of one too large the largest.
        let number = text.parse().ok().or_else(|| {
            let digits = text.len() < 400 && text.bytes().all(|byte| b"0123456789+-.eE".contains(&byte));
            digits.then(|| text.parse::<f64>().ok()).flatten().map(|number| number as u64)
        });
        self.0 = number.map(|number: u64| number.min(MOST_SESSIONS)).or(self.0);
    }
}
