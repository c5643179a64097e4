//! What is known of the mail that a part lies in, and what of it cannot be read.

use std::sync::Arc;

use super::Part;
use super::walk::Place;
use crate::mail::Envelope;
use crate::rejection::Rejection;

/// An attachment or a file, as it came out of its transfer encoding.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    pub(super) bytes: &'s Arc<Vec<u8>>,
    pub(super) file_name: Option<&'s str>,
    pub(super) lenient: bool,
}

/// A mail, or the file at the outermost: what its parts are told by.
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
    /// A delivery-status part was met: what stands behind it is what it returns.
    pub(super) returns: bool,
    /// The mail as a whole is a delivery-status report, or another answer of a machine to a mail that we sent.
    pub(super) bounce: bool,
    /// A `multipart/report` of no other kind than that of a delivery-status report.
    pub(super) may_be_bounce: bool,
    pub(super) tls_report: bool,
    pub(super) encrypted: bool,
    pub(super) announced: bool,
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
