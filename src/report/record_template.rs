//! The bytes of a record, cut where its address and its count stand.
//!
//! Reporters write the same record again and again with another address and another count. Where all other bytes are
//! the same, so is all that they say, and the event reader need not look at them twice. This is only about records in the
//! plainest form; whatever is the least unusual is read event by event.

use std::sync::LazyLock;

use memchr::memchr;
use memchr::memmem::Finder;

/// The searches, prepared once: this is asked for every record there is.
struct Searches {
    record_end: Finder<'static>,
    source_ip: Finder<'static>,
    count: Finder<'static>,
    declaration: Finder<'static>,
}

static SEARCHES: LazyLock<Searches> = LazyLock::new(|| Searches {
    record_end: Finder::new("</record>"),
    source_ip: Finder::new("<source_ip>"),
    count: Finder::new("<count>"),
    declaration: Finder::new("<!"),
});

/// A record in its plainest form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Markup<'b> {
    /// Where the record ends, from where it was looked for.
    pub end: usize,
    /// All but the address and the count.
    pub rest: [&'b [u8]; 3],
    /// The address.
    pub source_ip: &'b str,
    /// The count.
    pub count: &'b str,
}

impl<'b> Markup<'b> {
    /// The record that the bytes begin with, blanks aside; nothing where they do not, where it is not whole, or where it
    /// is not plain: with one address before one count, both without blanks, and neither comments nor CDATA.
    #[must_use]
    pub fn of(bytes: &'b [u8]) -> Option<Self> {
        let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let record = bytes[start..].strip_prefix(b"<record>")?;
        let find = &*SEARCHES;
        let length = find.record_end.find(record)?;
        let record = &record[..length];
        let (before, source_ip, after) = cut(record, &find.source_ip, b"</source_ip>")?;
        let (between, count, after) = cut(after, &find.count, b"</count>")?;
        let plain = find.declaration.find(record).is_none()
            && find.source_ip.find(after).is_none()
            && find.count.find(after).is_none()
            && find.source_ip.find(between).is_none()
            && find.count.find(before).is_none()
            && source_ip.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'))
            && count.bytes().all(|byte| byte.is_ascii_digit());
        let end = start + b"<record>".len() + length + b"</record>".len();
        plain.then_some(Markup { end, rest: [before, between, after], source_ip, count })
    }
}

/// What stands before an element, in it, and after it; the element must hold some text and nothing else.
fn cut<'b>(bytes: &'b [u8], open: &Finder<'_>, close: &[u8]) -> Option<(&'b [u8], &'b str, &'b [u8])> {
    let at = open.find(bytes)?;
    let inside = &bytes[at + open.needle().len()..];
    let length = memchr(b'<', inside).filter(|&length| length > 0)?;
    let after = inside[length..].strip_prefix(close)?;
    Some((&bytes[..at], std::str::from_utf8(&inside[..length]).ok()?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_records_are_cut() {
        let bytes = b"\n  <record><row><source_ip>192.0.2.1</source_ip>\n<count>12</count></row></record>\n<record>";
        let markup = Markup::of(bytes).unwrap();
        assert_eq!((markup.source_ip, markup.count), ("192.0.2.1", "12"));
        assert_eq!(markup.rest, [b"<row>".as_slice(), b"\n", b"</row>"]);
        assert!(bytes[..markup.end].ends_with(b"</record>"));
    }

    #[test]
    fn anything_else_is_left_alone() {
        for record in [
            "<record><row><source_ip>192.0.2.1</source_ip><count>1</count></row>",
            "<record x='1'><source_ip>192.0.2.1</source_ip><count>1</count></record>",
            "<record><source_ip> 192.0.2.1</source_ip><count>1</count></record>",
            "<record><source_ip>192.0.2.1</source_ip><count></count></record>",
            "<record><count>1</count><source_ip>192.0.2.1</source_ip></record>",
            "<record><!-- <source_ip>192.0.2.9</source_ip> --><source_ip>192.0.2.1</source_ip><count>1</count></record>",
            "<record><x><source_ip>192.0.2.9</source_ip></x><source_ip>192.0.2.1</source_ip><count>1</count></record>",
            "<record><source_ip>192.0.2.1</source_ip><count>1</count><count>2</count></record>",
            "<record><source_ip>192.0.2.1&amp;</source_ip><count>1</count></record>",
        ] {
            assert_eq!(Markup::of(record.as_bytes()), None, "{record}");
        }
    }
}
