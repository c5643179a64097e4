//! The words in which a reporter's habits are told.

/// How an XML document is laid out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// What ends a line.
    pub(crate) end_of_line: &'static [u8],
    /// What one level of depth adds.
    pub(crate) unit: &'static [u8],
}

pub(crate) const ONE_LINE: Layout = Layout { end_of_line: b"", unit: b"" };
pub(crate) const TWO_SPACES: Layout = Layout { end_of_line: b"\n", unit: b"  " };
pub(crate) const THREE_SPACES: Layout = Layout { end_of_line: b"\n", unit: b"   " };
pub(crate) const FOUR_SPACES: Layout = Layout { end_of_line: b"\n", unit: b"    " };
pub(crate) const TABS: Layout = Layout { end_of_line: b"\n", unit: b"\t" };
pub(crate) const FLAT: Layout = Layout { end_of_line: b"\n", unit: b"" };
/// Yahoo ends every line with a tab.
pub(crate) const TRAILING_TABS: Layout = Layout { end_of_line: b"\t\n", unit: b"  " };
pub(crate) const CRLF: Layout = Layout { end_of_line: b"\r\n", unit: b"  " };

/// What the XML is packed into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// A zip archive with one member.
    Zip,
    /// One gzip member.
    Gzip,
    /// One gzip member and a line end after it (Mimecast).
    GzipWithTail,
    /// No packing.
    Bare,
}

/// How the attachment sits in the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Envelope {
    /// The whole mail is the attachment.
    Whole,
    /// A text and the attachment.
    Mixed,
    /// Text and HTML within `multipart/related`, and the attachment (Microsoft).
    Html,
    /// A text and an attachment whose file name is split by RFC 2231 (Amazon).
    SplitName,
}

/// The form of the report's id.
#[derive(Debug, Clone, Copy)]
pub(crate) enum IdShape {
    /// Nothing but digits.
    Digits,
    /// `1709600619.487850`
    Float,
    /// 32 hexadecimal digits.
    Hex32,
    /// 64 hexadecimal digits.
    Hex64,
    /// `domain.begin.end` and a serial number.
    DomainAndPeriod,
    /// `domain:now` and a serial number.
    DomainAndTime,
    /// `90088a$cfe274e=f00@esa1.example`
    Cisco,
}

/// What a reporter writes into `sp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubdomainPolicy {
    /// The policy, again.
    Same,
    /// An empty element.
    Empty,
    /// Nothing.
    Omitted,
}
