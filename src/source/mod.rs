//! Where mail comes from: files, mailboxes and folders on disk, and folders of IMAP accounts. A source pushes what it
//! finds into a sink and knows nothing of what becomes of it.

mod files;
pub mod imap;
mod mailbox;

use std::fs::File;
use std::sync::Arc;

use crate::mail::{Authenticity, Envelope};
use crate::vocabulary::vocabulary;

pub use files::{from_paths, from_reader};

/// The bytes of an input.
#[derive(Debug)]
pub enum Content {
    /// All of them.
    Bytes(Arc<Vec<u8>>),
    /// A file too large to be held, whose bytes begin like a bare XML document; read from its beginning, again and
    /// again if need be.
    Document(File),
    /// The beginning of something over the limit, and how large it is.
    Oversized {
        /// The beginning.
        head: Vec<u8>,
        /// The size in bytes, as far as is known.
        size: u64,
        /// It is mail; a compressed file otherwise.
        mail: bool,
    },
    /// It could not be read, for this reason.
    Unreadable(String),
}

impl Content {
    /// How many bytes it has, as it came.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Document(file) => file.metadata().map_or(0, |file| file.len()),
            Content::Oversized { size, .. } => *size,
            Content::Unreadable(_) => 0,
        }
    }
}

/// A mail on a server whose state is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The folder, by the number that the database gave it.
    pub mailbox: i64,
    /// The mail's UID there.
    pub uid: u32,
}

vocabulary! {
    /// What was in a mail, the worst of it: what becomes of the mail depends on it.
    pub enum MailOutcome {
        /// Nothing that is a report.
        Other => "other",
        /// Reports, new or known before.
        Report => "report",
        /// Something that was quarantined.
        Quarantined => "quarantined",
    }
}

/// Whose word is taken on where a mail comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Belief {
    /// Nobody's.
    #[default]
    Nobody,
    /// That of the server with this authserv-id (RFC 8601 §2.5).
    Server(Arc<str>),
    /// It is known already.
    Known(Authenticity),
}

impl Belief {
    /// What is known of a mail.
    #[must_use]
    pub fn judge(&self, mail: &[u8]) -> Authenticity {
        match self {
            Belief::Nobody => Authenticity::Unchecked,
            Belief::Server(authserv_id) => Authenticity::of(mail, authserv_id),
            Belief::Known(authenticity) => authenticity.clone(),
        }
    }
}

/// An input: a file, or one mail of a mailbox.
#[derive(Debug)]
pub struct Input {
    /// What to call it: its path, with `#` and a number for a mail of a mailbox.
    pub location: String,
    /// The name of the file, which may tell what the report does not.
    pub file_name: Option<String>,
    /// It is one mail of a mailbox, whatever it looks like.
    pub is_mail: bool,
    /// What is known of the mail it was taken from, where it was taken from one.
    pub envelope: Envelope,
    /// For a mail on a server: which, so that it can be noted as done in the same transaction as what was in it.
    pub receipt: Option<Receipt>,
    /// Whose word is taken on where it comes from.
    pub belief: Belief,
    /// Its bytes.
    pub content: Content,
}

/// Where inputs go. Says `false` when no more are wanted.
pub trait InputSink {
    /// Takes an input.
    fn push(&mut self, input: Input) -> bool;
}

impl Input {
    /// A file, or a mail of one (`is_mail`), whose sender no server confirmed.
    fn of_file(location: String, file_name: Option<String>, is_mail: bool, content: Content) -> Self {
        let (envelope, belief) = (Envelope::default(), Belief::Nobody);
        Input { location, file_name, is_mail, envelope, receipt: None, belief, content }
    }
}

impl<F: FnMut(Input) -> bool> InputSink for F {
    fn push(&mut self, input: Input) -> bool {
        self(input)
    }
}
