//! From the bytes of a mail or a file to the documents in it: one walk over mails, mailboxes and archives, however they
//! lie within each other.
//!
//! What something is follows from its bytes; names and labels are hints at most. Depths are counted along the way in from
//! the outermost layer, and everything else in one [`Budget`], so that no nesting makes room for
//! more. Nothing is decoded before it is looked at.
//!
//! What should be a report and cannot be read is told to the [`Visitor`] as refused. Anybody can write to the address that
//! reports come to, so damage alone is no reason for that: a part that cannot be opened is only refused where it looks
//! like a report, or where it or its mail says that it is one.

mod announce;
mod codec;
mod entity;
mod failure;
mod gzip;
mod leaf;
mod lz4;
mod mailbox;
pub mod mbox;
mod multipart;
mod open;
mod scope;
mod sniff;
mod stream_error;
mod transfer;
mod uuencode;
mod walk;
mod zipped;

use std::io::Read;
use std::sync::Arc;

pub use announce::{name_announces, subject_announces};
pub use codec::{Codec, open};
pub use failure::{FailureParts, failure_parts};
pub use mailbox::{ArchiveMember, archive_members, holds_mailbox};
pub use scope::Entry;
pub use sniff::{HEAD, Kind, sniff};
pub use stream_error::limit_met;
pub use transfer::Transfer;
pub use walk::{Walked, walk};

use crate::limits::Budget;
use crate::mail::Envelope;
use crate::rejection::Rejection;

/// A piece of the input that holds something: an attachment, a mail, or the whole.
#[derive(Debug, Clone, Copy)]
pub struct Part<'p> {
    /// Where it is in the input: empty for the whole, else like `/part.2`.
    pub path: &'p str,
    /// Which member of the archives in it, like `member.1`; empty where there is no archive.
    pub inner: &'p str,
    /// That of the mail which holds it directly.
    pub envelope: &'p Envelope,
    /// The file name, decoded; text of a stranger, never to be used as a path.
    pub file_name: Option<&'p str>,
    /// Its bytes, decoded for transfer and not unpacked: what is kept.
    pub bytes: &'p Arc<Vec<u8>>,
    /// Decoding it took leniency.
    pub lenient: bool,
}

/// A document: packed bytes and the way in. It can be opened any number of times.
#[derive(Debug, Clone, Copy)]
pub struct Document<'b> {
    /// The packed bytes.
    pub bytes: &'b [u8],
    /// The layers around it, outermost first.
    pub layers: &'b [Codec],
    /// It begins with the byte order mark of UTF-16.
    pub utf16: bool,
    /// What opening it is counted against.
    pub budget: &'b Budget,
}

impl<'b> Document<'b> {
    /// The unpacked bytes as a stream.
    #[must_use]
    pub fn open(&self) -> Box<dyn Read + 'b> {
        open(self.bytes, self.layers, self.budget)
    }
}

/// What a document was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// It held reports, or something that was refused.
    Report,
    /// It is something else.
    Other,
    /// It cannot be read, and nothing in it says that it is a report.
    Unclear(Rejection),
}

/// What a walk meets.
pub trait Visitor {
    /// XML, perhaps a report. `opened` is the document from its beginning, opened once already to look at it.
    fn document(&mut self, part: &Part<'_>, document: Document<'_>, opened: Box<dyn Read + '_>) -> Contents;
    /// JSON that begins like an SMTP TLS report (RFC 8460), unpacked.
    fn tls_report(&mut self, part: &Part<'_>, json: &[u8], budget: &Budget) -> Contents;
    /// A failure report (RFC 6591): its `message/feedback-report`.
    fn failure_report(&mut self, part: &Part<'_>, report: &[u8]);
    /// Something that should be a report and cannot be read.
    fn refused(&mut self, part: &Part<'_>, rejection: Rejection);
}

#[cfg(test)]
mod tests;
