//! Where the walk is: how far in, what is known of the mail that a part lies in, and what of it cannot be read.

use std::sync::Arc;

use super::{Codec, Part, Visitor};
use crate::limits::{Budget, Limits};
use crate::mail::Envelope;
use crate::rejection::Rejection;

/// An attachment or a file, as it came out of its transfer encoding.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    pub(super) bytes: &'s Arc<Vec<u8>>,
    pub(super) file_name: Option<&'s str>,
    pub(super) lenient: bool,
}

/// A mail, or the outermost file: what its parts are named by.
#[derive(Default)]
pub(super) struct Scope {
    pub(super) envelope: Envelope,
    /// What could not be read and does not look like a report: told only if the mail says that it holds one.
    pub(super) doubtful: Vec<Doubtful>,
    /// A file that somebody handed over, and no mail of a stranger.
    pub(super) is_file: bool,
    /// The mail within it is another's, which a failure report is about, or ours, which a bounce returns.
    pub(super) not_ours: bool,
    pub(super) failure_report: bool,
    /// A delivery-status part was met: what stands after it is what it returns.
    pub(super) returns: bool,
    /// The mail as a whole is a delivery-status report, or another answer of a machine to a mail that we sent.
    pub(super) bounce: bool,
    /// A `multipart/report` of no other kind than that of a delivery-status report.
    pub(super) may_be_bounce: bool,
    pub(super) tls_report: bool,
    pub(super) encrypted: bool,
    pub(super) announced: bool,
    /// A mail that stands after the last part of a body that was decoded to find its parts.
    pub(super) behind: Option<Vec<u8>>,
}

impl Scope {
    /// It comes from a mail server, which quotes mail in text when it could not deliver it.
    pub(super) fn is_from_a_server(&self) -> bool {
        let from = self.envelope.from.as_deref().unwrap_or("").to_ascii_lowercase();
        self.bounce || self.returns || from.starts_with("mailer-daemon") || from.starts_with("postmaster")
    }
}

/// Something that cannot be read, and where it was.
pub(super) struct Doubtful {
    pub(super) path: String,
    pub(super) inner: String,
    pub(super) file_name: Option<String>,
    pub(super) bytes: Arc<Vec<u8>>,
    pub(super) rejection: Rejection,
}

/// A source as what the visitor is told.
pub(super) fn part_of<'p>(place: &'p Place, scope: &'p Scope, source: &Source<'p>) -> Part<'p> {
    Part {
        path: &place.path,
        inner: "",
        envelope: &scope.envelope,
        file_name: source.file_name,
        bytes: source.bytes,
        lenient: source.lenient,
    }
}

/// A walk on its way.
pub(super) struct Walk<'w> {
    pub(super) limits: &'w Limits,
    pub(super) budget: &'w Budget,
    pub(super) visitor: &'w mut dyn Visitor,
    pub(super) entry: Entry<'w>,
    /// What was told to the visitor.
    pub(super) found: usize,
    /// Parts are numbered through the whole input.
    pub(super) parts: usize,
    /// A limit of the whole input was met; nothing more is looked at.
    pub(super) stopped: bool,
    pub(super) note: Option<&'static str>,
}

/// How far in.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) mails: u32,
    pub(super) archives: u32,
    pub(super) multiparts: u32,
}

/// What is around the bytes that are looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed<'b> {
    /// Bytes that came out of an archive within an archive; else those of the source are meant.
    pub(super) bytes: Option<&'b [u8]>,
    pub(super) layers: Vec<Codec>,
    /// Which member, once for each zip around it.
    pub(super) inner: String,
    /// Its name there.
    pub(super) name: Option<&'b str>,
    pub(super) archives: u32,
    /// One among others in a zip, where files of all kinds may lie.
    pub(super) one_of_many: bool,
}

/// What is walked.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'e> {
    /// All its bytes.
    pub bytes: &'e Arc<Vec<u8>>,
    /// The name of the file, or that of the attachment it once was.
    pub file_name: Option<&'e str>,
    /// It is one mail of a mailbox, whatever it looks like.
    pub is_mail: bool,
    /// What is known of the mail it was taken from.
    pub envelope: &'e Envelope,
}
