//! The header fields that matter here, found on the raw bytes.

use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;

use super::fields::{Field, HeaderFields};
use super::transfer::Transfer;
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
#[derive(Debug)]
pub(super) struct Content {
    pub(super) kind: String,
    pub(super) boundary: Option<String>,
    pub(super) file_name: Option<String>,
    pub(super) transfer: Transfer,
}

/// The raw values of the fields that matter, folded as they came.
#[derive(Debug, Default)]
pub(super) struct Fields<'m> {
    content_type: Option<&'m [u8]>,
    encoding: Option<&'m [u8]>,
    disposition: Option<&'m [u8]>,
    subject: Option<&'m [u8]>,
    from: Option<&'m [u8]>,
    date: Option<&'m [u8]>,
    message_id: Option<&'m [u8]>,
    tls_report: bool,
}

impl<'m> Fields<'m> {
    /// Reads the header of an entity; the rest is its body.
    pub(super) fn read(entity: &'m [u8]) -> (Self, &'m [u8]) {
        let mut fields = Fields::default();
        let mut header = HeaderFields::new(entity);
        for field in header.by_ref() {
            fields.take(field);
        }
        (fields, header.body())
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
            _ => return,
        };
        slot.get_or_insert(field.value);
    }

    pub(super) fn envelope(&self) -> Envelope {
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

    pub(super) fn content(&self) -> Content {
        let mut content = Content {
            kind: "text/plain".to_owned(),
            boundary: None,
            file_name: None,
            transfer: self.encoding.map_or(Transfer::Identity, Transfer::from_field),
        };
        let mut name = None;
        if let Some(raw) = self.content_type
            && let HeaderValue::ContentType(found) = MessageStream::new(&unfold(raw)).parse_content_type()
        {
            content.kind = match found.subtype() {
                Some(subtype) => format!("{}/{subtype}", found.ctype()).to_ascii_lowercase(),
                None => found.ctype().to_ascii_lowercase(),
            };
            content.boundary = found.attribute("boundary").map(str::to_owned).filter(|text| !text.is_empty());
            name = found.attribute("name").map(str::to_owned);
        }
        if let Some(raw) = self.disposition
            && let HeaderValue::ContentType(found) = MessageStream::new(&unfold(raw)).parse_content_type()
        {
            content.file_name = found.attribute("filename").map(str::to_owned);
        }
        content.file_name = content.file_name.or(name).map(|name| shorten(&name, 1024).to_owned());
        content
    }
}

/// A field's value on one line, ended as the field parsers want it.
pub(super) fn unfold(raw: &[u8]) -> Vec<u8> {
    let mut value: Vec<u8> = raw.iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }).collect();
    value.push(b'\n');
    value
}

/// Whether bytes begin like a mail: with header fields, one of them such as every mail has.
#[must_use]
pub fn looks_like_message(head: &[u8]) -> bool {
    const USUAL: [&str; 14] = [
        "from",
        "to",
        "subject",
        "date",
        "received",
        "return-path",
        "message-id",
        "mime-version",
        "content-type",
        "delivered-to",
        "dkim-signature",
        "authentication-results",
        "x-original-to",
        "arc-seal",
    ];
    let mut usual = false;
    for line in head.split(|&byte| byte == b'\n').take(40) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if matches!(line[0], b' ' | b'\t') {
            continue;
        }
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            // A line cut by the end of what was looked at is no counter-example.
            return usual;
        };
        let name = line[..colon].trim_ascii_end();
        if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_graphic()) {
            return false;
        }
        usual |= USUAL.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    }
    usual
}
