//! A mail, from its bytes to the parts worth opening.
//!
//! The structure is walked here, leniently and within limits, over the bytes as they lie; header fields, whose grammar
//! is the messy part, are read by `mail-parser`. Nothing is decoded before somebody wants it, so a mail of a million
//! parts costs no more than the look at the first few hundred.

mod auth_results;
mod fields;
mod header;
mod trace;
mod transfer;
mod trust;

use std::borrow::Cow;

pub use auth_results::{AuthenticationResults, MethodResult, Property};
pub use fields::{Field, HeaderFields};
pub use header::{Envelope, looks_like_message};
pub use trace::{Hop, addresses};
pub use transfer::Transfer;
pub use trust::{Authenticity, NAMELESS};

use crate::limits::Limits;
use crate::rejection::{Rejection, RejectionCode};
use header::Fields;

/// A part that holds no other parts.
#[derive(Debug)]
pub struct Leaf<'m> {
    /// Its number among all parts of the mail, from 1.
    pub number: usize,
    /// `type/subtype` in lower case, `text/plain` where the mail does not say.
    pub content_type: String,
    /// The file name, decoded; text of a stranger, never to be used as a path.
    pub file_name: Option<String>,
    /// It belongs to a mail within the mail.
    pub nested: bool,
    /// How the body is encoded for transfer.
    pub transfer: Transfer,
    /// The body as it lies in the mail.
    pub body: &'m [u8],
}

impl<'m> Leaf<'m> {
    /// The body, decoded; and whether that took leniency.
    #[must_use]
    pub fn decoded(&self) -> (Cow<'m, [u8]>, bool) {
        self.transfer.decode(self.body)
    }
}

/// What a walk meets.
pub trait Visitor {
    /// A leaf of the mail, or of a mail within it; `envelope` is that of the mail that holds it directly.
    fn leaf(&mut self, envelope: &Envelope, leaf: Leaf<'_>);
    /// A part of the mail is out of reach; `mail` is the whole of it.
    fn rejected(&mut self, part: usize, rejection: Rejection, mail: &[u8]);
}

/// Walks all parts of a mail in order.
pub fn walk(message: &[u8], limits: &Limits, visitor: &mut dyn Visitor) {
    let mut walk = Walk { limits, visitor, root: message, parts: 0, stopped: false };
    walk.message(message, 0, 0);
}

struct Walk<'w> {
    limits: &'w Limits,
    visitor: &'w mut dyn Visitor,
    /// The whole mail: what is out of reach in it is kept with all around it.
    root: &'w [u8],
    parts: usize,
    stopped: bool,
}

impl Walk<'_> {
    fn message(&mut self, bytes: &[u8], mails: u32, depth: u32) {
        let (fields, body) = Fields::read(bytes);
        let envelope = fields.envelope();
        self.entity(&envelope, &fields, body, mails, depth);
    }

    fn entity(&mut self, envelope: &Envelope, fields: &Fields<'_>, body: &[u8], mails: u32, depth: u32) {
        if self.stopped {
            return;
        }
        let content = fields.content();
        if let Some(boundary) = content.boundary.as_deref().filter(|_| content.kind.starts_with("multipart/")) {
            if depth >= self.limits.mime_depth {
                self.visitor.rejected(self.parts, Rejection::new(RejectionCode::LimitMimeDepth), self.root);
                return;
            }
            let mut any = false;
            for part in Parts::new(body, boundary) {
                any = true;
                let (fields, body) = Fields::read(part);
                self.entity(envelope, &fields, body, mails, depth + 1);
                if self.stopped {
                    return;
                }
            }
            if any {
                return;
            }
        }
        self.parts += 1;
        if self.parts > self.limits.mime_parts {
            self.stopped = true;
            self.visitor.rejected(self.parts, Rejection::new(RejectionCode::LimitMimeParts), self.root);
            return;
        }
        let is_mail = matches!(content.kind.as_str(), "message/rfc822" | "message/global")
            || content.file_name.as_deref().is_some_and(|name| name.to_ascii_lowercase().ends_with(".eml"));
        let leaf = Leaf {
            number: self.parts,
            content_type: content.kind,
            file_name: content.file_name,
            nested: mails > 0,
            transfer: content.transfer,
            body,
        };
        if is_mail {
            let (inner, _) = leaf.decoded();
            if mails >= self.limits.message_depth {
                self.visitor.rejected(self.parts, Rejection::new(RejectionCode::LimitMessageDepth), self.root);
            } else {
                self.message(&inner, mails + 1, depth + 1);
            }
        } else {
            self.visitor.leaf(envelope, leaf);
        }
    }
}

/// The parts of a multipart body (RFC 2046 §5.1), without preamble and epilogue. A missing last boundary is no fault.
struct Parts<'b> {
    rest: Option<&'b [u8]>,
    delimiter: Vec<u8>,
}

impl<'b> Parts<'b> {
    fn new(body: &'b [u8], boundary: &str) -> Self {
        let delimiter = [b"--", boundary.as_bytes()].concat();
        let mut parts = Parts { rest: None, delimiter };
        if let Some((_, after, false)) = parts.boundary(body) {
            parts.rest = Some(after);
        }
        parts
    }

    /// The bytes before the next boundary line, those after it, and whether it is the last.
    fn boundary(&self, bytes: &'b [u8]) -> Option<(&'b [u8], &'b [u8], bool)> {
        let mut from = 0;
        while let Some(found) = memchr::memmem::find(&bytes[from..], &self.delimiter) {
            let at = from + found;
            let after = &bytes[at + self.delimiter.len()..];
            let line = memchr::memchr(b'\n', after).map_or(after, |end| &after[..end]);
            let (last, tail) = match line.strip_prefix(b"--") {
                Some(tail) => (true, tail),
                None => (false, line),
            };
            if (at == 0 || bytes[at - 1] == b'\n') && tail.iter().all(u8::is_ascii_whitespace) {
                let before = &bytes[..at];
                let before = before.strip_suffix(b"\n").unwrap_or(before);
                let before = before.strip_suffix(b"\r").unwrap_or(before);
                let rest = &after[(line.len() + 1).min(after.len())..];
                return Some((before, rest, last));
            }
            from = at + self.delimiter.len();
        }
        None
    }
}

impl<'b> Iterator for Parts<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let rest = self.rest.take()?;
        match self.boundary(rest) {
            Some((part, after, last)) => {
                self.rest = (!last).then_some(after);
                Some(part)
            }
            None => (!rest.is_empty()).then_some(rest),
        }
    }
}

#[cfg(test)]
mod tests;
