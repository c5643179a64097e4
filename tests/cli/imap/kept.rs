//! What a server keeps: folders with messages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A message in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) uid: u32,
    pub(crate) flags: BTreeSet<String>,
    pub(crate) bytes: Arc<Vec<u8>>,
}

/// A folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) validity: u32,
    pub(crate) next: u32,
    pub(crate) messages: Vec<Message>,
}

impl Folder {
    pub(crate) fn add(&mut self, bytes: impl Into<Vec<u8>>) {
        self.put(Arc::new(bytes.into()));
    }

    pub(super) fn put(&mut self, bytes: Arc<Vec<u8>>) -> u32 {
        self.messages.push(Message { uid: self.next, flags: BTreeSet::new(), bytes });
        self.next += 1;
        self.next - 1
    }

    pub(super) fn take(&mut self, gone: impl Fn(&Message) -> bool) -> Vec<usize> {
        let mut numbers = Vec::new();
        let mut number = 0;
        self.messages.retain(|message| {
            number += 1;
            let gone = gone(message);
            if gone {
                // Each is told by its number after those before it have gone.
                numbers.push(number - numbers.len());
            }
            !gone
        });
        numbers
    }
}

/// All folders of the one user, by their whole names.
pub(crate) type Mailbox = BTreeMap<String, Folder>;

/// Folders that must be there.
pub(crate) struct Folders<'a>(pub(super) &'a mut Mailbox);

impl std::ops::Index<&str> for Folders<'_> {
    type Output = Folder;
    fn index(&self, name: &str) -> &Folder {
        self.0.get(name).unwrap_or_else(|| panic!("no folder {name}"))
    }
}

impl std::ops::IndexMut<&str> for Folders<'_> {
    fn index_mut(&mut self, name: &str) -> &mut Folder {
        self.0.get_mut(name).unwrap_or_else(|| panic!("no folder {name}"))
    }
}
