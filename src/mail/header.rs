//! The header fields that matter here, found on the raw bytes.

use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;

use super::fields::{Field, HeaderFields};
use crate::report::shorten;

/// What is known of a mail from its header; all of it text of strangers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// `Subject`, decoded.
    pub subject: Option<String>,
    /// The first address of `From`.
    pub from: Option<String>,
    /// `Date`, in seconds since the epoch.
    pub date: Option<i64>,
    /// `Message-ID`, without its brackets.
    pub message_id: Option<String>,
    /// The mail carries the header fields of an SMTP TLS report (RFC 8460 §5.3).
    pub tls_report: bool,
}

/// How a part describes itself.
#[derive(Debug, Clone, Default)]
pub struct ContentFields {
    /// `type/subtype` in lower case; nothing where the part does not say.
    pub kind: Option<String>,
    /// The boundary of a multipart.
    pub boundary: Option<String>,
    /// What a `multipart/report` reports, in lower case.
    pub report_type: Option<String>,
    /// What is inside S/MIME, in lower case.
    pub smime_type: Option<String>,
    /// The file name, decoded; text of a stranger, never to be used as a path.
    pub file_name: Option<String>,
    /// `Content-Transfer-Encoding` as written.
    pub encoding: Option<Vec<u8>>,
}

/// The raw values of the fields that matter, folded as they came.
#[derive(Debug, Default)]
pub struct KnownFields<'m> {
    content_type: Option<&'m [u8]>,
    encoding: Option<&'m [u8]>,
    disposition: Option<&'m [u8]>,
    subject: Option<&'m [u8]>,
    from: Option<&'m [u8]>,
    date: Option<&'m [u8]>,
    message_id: Option<&'m [u8]>,
    tls_report: bool,
    /// `Auto-Submitted` says that a machine answers (RFC 3834).
    pub auto_replied: bool,
    /// `X-Failed-Recipients`, which only bounces have.
    pub failed_recipients: bool,
}

impl<'m> KnownFields<'m> {
    /// Reads the header of an entity; the rest is its body.
    #[must_use]
    pub fn read(entity: &'m [u8]) -> (Self, &'m [u8]) {
        let mut fields = KnownFields::default();
        let mut header = HeaderFields::new(entity);
        for field in header.by_ref() {
            fields.take(field);
        }
        (fields, header.body())
    }

    /// Whether these are the fields of a mail and not those of a part.
    #[must_use]
    pub fn are_of_a_mail(&self) -> bool {
        self.from.is_some() || self.subject.is_some() || self.message_id.is_some()
    }

    fn take(&mut self, field: Field<'m>) {
        let is = |known: &str| field.is(known);
        let slot = match field.name.len() {
            // `ContentType:` is how one gateway spells it.
            12 if is("Content-Type") => &mut self.content_type,
            11 if is("ContentType") => &mut self.content_type,
            25 if is("Content-Transfer-Encoding") => &mut self.encoding,
            19 if is("Content-Disposition") => &mut self.disposition,
            7 if is("Subject") => &mut self.subject,
            4 if is("From") => &mut self.from,
            4 if is("Date") => &mut self.date,
            10 if is("Message-ID") => &mut self.message_id,
            17 | 20 if is("TLS-Report-Domain") || is("TLS-Report-Submitter") => {
                self.tls_report = true;
                return;
            }
            14 if is("Auto-Submitted") => {
                let value = field.value.trim_ascii();
                self.auto_replied |= value.get(..12).is_some_and(|word| word.eq_ignore_ascii_case(b"auto-replied"));
                return;
            }
            19 if is("X-Failed-Recipients") => {
                self.failed_recipients = true;
                return;
            }
            _ => return,
        };
        slot.get_or_insert(field.value);
    }

    /// What the header tells of the mail.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        let text = |raw: Option<&[u8]>, most: usize| {
            let value = unfold(raw?);
            match MessageStream::new(&value).parse_unstructured() {
                HeaderValue::Text(text) => Some(shorten(text.trim(), most).to_owned()).filter(|text| !text.is_empty()),
                _ => None,
            }
        };
        let from = self.from.and_then(|raw| match MessageStream::new(&unfold(raw)).parse_address() {
            HeaderValue::Address(address) => address.first()?.address().map(|address| shorten(address, 320).to_owned()),
            _ => None,
        });
        let date = self.date.and_then(|raw| match MessageStream::new(&unfold(raw)).parse_date() {
            HeaderValue::DateTime(date) if date.is_valid() => Some(date.to_timestamp()),
            _ => None,
        });
        let message_id = text(self.message_id, 512).map(|id| id.trim_matches(['<', '>']).to_owned());
        Envelope { subject: text(self.subject, 1024), from, date, message_id, tls_report: self.tls_report }
    }

    /// How the entity describes its content.
    #[must_use]
    pub fn content(&self) -> ContentFields {
        let mut content = ContentFields { encoding: self.encoding.map(<[u8]>::to_vec), ..ContentFields::default() };
        let mut name = None;
        if let Some(raw) = self.content_type
            && let HeaderValue::ContentType(found) = MessageStream::new(&unfold(raw)).parse_content_type()
        {
            let kind = match found.subtype() {
                Some(subtype) => format!("{}/{subtype}", found.ctype()),
                None => found.ctype().to_owned(),
            };
            content.kind = Some(kind.to_ascii_lowercase());
            content.boundary = found.attribute("boundary").map(str::to_owned).filter(|text| !text.is_empty());
            content.report_type = found.attribute("report-type").map(str::to_ascii_lowercase);
            content.smime_type = found.attribute("smime-type").map(str::to_ascii_lowercase);
            name = found.attribute("name").map(str::to_owned);
        }
        if let Some(raw) = self.disposition
            && let HeaderValue::ContentType(found) = MessageStream::new(&unfold(raw)).parse_content_type()
        {
            content.file_name = found.attribute("filename").map(str::to_owned);
        }
        content.file_name = content.file_name.or(name).map(|name| decoded_name(shorten(&name, 1024)));
        content
    }
}

/// A file name that was encoded as only text may be (RFC 2047), decoded.
fn decoded_name(name: &str) -> String {
    if !name.contains("=?") {
        return name.to_owned();
    }
    let line = format!("{name}\n");
    match MessageStream::new(line.as_bytes()).parse_unstructured() {
        HeaderValue::Text(text) => text.trim().to_owned(),
        _ => name.to_owned(),
    }
}

/// A field's value on one line, ended as the field parsers want it.
pub(super) fn unfold(raw: &[u8]) -> Vec<u8> {
    let mut value: Vec<u8> = raw.iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }).collect();
    value.push(b'\n');
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_decoded_and_bounded() {
        let (fields, _) = KnownFields::read(
            b"Subject: =?utf-8?b?UmVwb3J0IERvbWFpbjo=?=\r\n example.com\r\nFrom: \"A\" <noreply@mx.example>\r\nMessage-ID: <1@mx.example>\r\nDate: Thu, 1 Oct 2026 00:00:00 +0000\r\n\r\n",
        );
        let envelope = fields.envelope();
        assert_eq!(envelope.subject.as_deref(), Some("Report Domain: example.com"));
        assert_eq!(envelope.from.as_deref(), Some("noreply@mx.example"));
        assert_eq!(envelope.message_id.as_deref(), Some("1@mx.example"));
        assert_eq!(envelope.date, Some(1_790_812_800));
    }

    #[test]
    fn names_of_files() {
        for header in [
            "Content-Disposition: attachment; filename=\"a!b.xml\"",
            "Content-Type: text/xml; name=\"=?utf-8?q?a!b=2Exml?=\"",
            "Content-Disposition: attachment; filename*0=\"a!\"; filename*1=\"b.xml\"",
            "Content-Disposition: attachment; filename*=utf-8''a%21b.xml",
        ] {
            let header = format!("{header}\r\n\r\n");
            let (fields, _) = KnownFields::read(header.as_bytes());
            assert_eq!(fields.content().file_name.as_deref(), Some("a!b.xml"), "{header}");
        }
    }
}
