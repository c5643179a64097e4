//! The parts of a failure report (RFC 6591 §3, RFC 5965 §2): what it says, and the message that it is about.

use super::Transfer;
use super::entity::{as_mail, parted};
use super::multipart::Parts;
use crate::mail::KnownFields;

/// Multiparts within multiparts that are gone into.
const DEPTH: u32 = 4;
/// Parts that are looked at.
const PARTS: usize = 64;

/// A failure report, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailureParts {
    /// The fields of `message/feedback-report`.
    pub feedback: Vec<u8>,
    /// The message that it is about, or its header; absent where it encloses none.
    pub original: Option<Vec<u8>>,
    /// Only the header is there.
    pub headers_only: bool,
}

/// Takes a mail apart that is a failure report; nothing where it has no `message/feedback-report`.
#[must_use]
pub fn failure_parts(mail: &[u8]) -> Option<FailureParts> {
    let mut found = Search { parts: FailureParts::default(), any: false, left: PARTS };
    found.entity(mail, 0);
    found.any.then_some(found.parts)
}

struct Search {
    parts: FailureParts,
    any: bool,
    left: usize,
}

impl Search {
    fn entity(&mut self, entity: &[u8], depth: u32) {
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        let (fields, body) = KnownFields::read(entity);
        let content = fields.content();
        let kind = content.kind.as_deref().unwrap_or("text/plain");
        let transfer = content.encoding.as_deref().map_or(Transfer::Identity, Transfer::from_field);
        match kind {
            "message/feedback-report" if !self.any => {
                self.any = true;
                self.parts.feedback = transfer.decode(body).0.into_owned();
            }
            "message/rfc822" | "message/global" if self.parts.original.is_none() && depth > 0 => {
                self.parts.original = Some(as_mail(transfer, body));
            }
            "text/rfc822-headers" | "message/rfc822-headers" | "message/global-headers"
                if self.parts.original.is_none() =>
            {
                // The header of the part that only has a header ends where the part does.
                self.parts.original = Some([transfer.decode(body).0.as_ref(), b"\r\n\r\n"].concat());
                self.parts.headers_only = true;
            }
            _ if depth < DEPTH => {
                if let Some((body, boundary)) = parted(kind, &content, transfer, body, body)
                    && let Some(parts) = Parts::new(&body, &boundary)
                {
                    parts.for_each(|part| self.entity(part, depth + 1));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_in_a_report() {
        let report = |original: &str| {
            format!(
                "From: a@b.example\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=B\r\n\r\n--B\r\n\r\n\
                 A message failed.\r\n--B\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: auth-failure\r\n--B\r\n\
                 {original}\r\n--B--\r\n"
            )
        };
        let parts = |original: &str| failure_parts(report(original).as_bytes()).unwrap();
        let whole = parts("Content-Type: message/rfc822\r\n\r\nFrom: x@example.com\r\n\r\nHello");
        assert_eq!(whole.feedback, b"Feedback-Type: auth-failure");
        assert_eq!(whole.original.as_deref(), Some(&b"From: x@example.com\r\n\r\nHello"[..]));
        let header = parts("Content-Type: text/rfc822-headers\r\n\r\nFrom: x@example.com\r\nSubject: y");
        assert!(
            header.headers_only && header.original.unwrap().starts_with(b"From: x@example.com\r\nSubject: y\r\n\r\n")
        );
        let packed = parts(
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nRnJvbTogeEBleGFtcGxlLmNvbQ0KDQpIZWxsbw==",
        );
        assert_eq!(packed.original, whole.original);
        assert_eq!(parts("Content-Type: text/html\r\n\r\n<p>").original, None);
        assert_eq!(failure_parts(b"From: x@example.com\r\n\r\nHello"), None);
    }
}
