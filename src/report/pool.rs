//! Text buffers that are filled again and again.
//!
//! A report of half a million records has half a million times the same dozen fields. Owned strings made anew
//! for each would cost more than all the rest of the reading, so a [`Record`](super::Record) is one set of
//! buffers that the reader clears and refills.

use super::shorten;

/// A field's text, or its absence: a missing element and an empty one are different facts.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Text {
    present: bool,
    value: String,
}

impl Text {
    /// The text, when the element was there; it may be empty.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        self.present.then_some(self.value.as_str())
    }

    /// The text, when the element was there and held anything.
    #[must_use]
    pub fn filled(&self) -> Option<&str> {
        self.get().filter(|text| !text.is_empty())
    }

    /// Fills the field.
    pub fn set(&mut self, text: &str) {
        self.present = true;
        self.value.clear();
        self.value.push_str(text);
    }

    /// Cuts a text to a number of bytes, between characters.
    pub fn cut(&mut self, most: usize) {
        let kept = shorten(&self.value, most).len();
        self.value.truncate(kept);
    }

    /// Makes the field absent, keeping its memory, unless a stranger made that large.
    pub fn clear(&mut self) {
        self.present = false;
        if self.value.capacity() > 4096 {
            self.value = String::new();
        } else {
            self.value.clear();
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text { present: true, value: text.to_owned() }
    }
}

/// Something that can be emptied and filled again.
pub trait Reusable: Default {
    /// Empties it, keeping its memory.
    fn clear(&mut self);
}

/// A list whose elements keep their memory when the list is emptied.
#[derive(Debug, Default, Clone)]
pub struct Reused<T> {
    items: Vec<T>,
    length: usize,
}

impl<T: Reusable> Reused<T> {
    /// Appends an emptied element and returns it.
    pub fn push(&mut self) -> &mut T {
        if self.length == self.items.len() {
            self.items.push(T::default());
        }
        let item = &mut self.items[self.length];
        item.clear();
        self.length += 1;
        item
    }

    /// The element pushed last.
    pub fn last_mut(&mut self) -> Option<&mut T> {
        self.items[..self.length].last_mut()
    }

    /// The elements in use.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.items[..self.length]
    }

    /// Empties the list.
    pub fn clear(&mut self) {
        self.length = 0;
        self.items.truncate(256);
    }

    /// The elements in use.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.items[..self.length]
    }
}

impl<T: Reusable> std::ops::Deref for Reused<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}
