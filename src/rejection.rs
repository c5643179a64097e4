//! Why an input was not read, as a stable code and a line for a person.

use std::fmt;

use crate::vocabulary::vocabulary;

macro_rules! rejections {
    ($($(#[$doc:meta])* $variant:ident => $code:literal, $text:literal;)+) => {
        vocabulary! {
            /// The reasons for quarantine, each with a code that stays the same for good.
            pub enum RejectionCode { $($(#[$doc])* $variant => $code,)+ }
        }

        impl RejectionCode {
            /// The sentence that every reason of this kind begins with.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(RejectionCode::$variant => $text,)+ }
            }
        }
    };
}

rejections! {
    /// The XML is not well-formed and could not be repaired without guessing.
    XmlMalformed => "xml_malformed", "the XML is not well-formed";
    /// The JSON of an SMTP TLS report is not well-formed.
    JsonMalformed => "json_malformed", "the JSON is not well-formed";
    /// A document type definition: no report needs one, attacks do.
    Doctype => "doctype", "the document has a DOCTYPE, which no report needs";
    /// What should be a report is not XML.
    NotXml => "not_xml", "the content is not XML";
    /// Nothing in it.
    Empty => "empty", "there is nothing in it";
    /// The end is missing or damaged.
    Truncated => "truncated", "the end is missing or damaged";
    /// The report does not say which domain it is about.
    NoDomain => "no_domain", "the report does not say which domain it is about";
    /// The report does not say what time it is about.
    NoDateRange => "no_date_range", "the report does not say what time it is about";
    /// A character set that cannot be told.
    Charset => "charset", "the character set cannot be told";
    /// Encrypted with a password.
    Encrypted => "encrypted", "it is encrypted with a password";
    /// A container this program does not open.
    UnsupportedContainer => "unsupported_container", "it is packed in a way that reports never are";
    /// S/MIME with the content inside the signature.
    SmimeOpaque => "smime_opaque", "it is sealed with S/MIME; ask the sender for a clear-signed or plain mail";
    /// OpenPGP, S/MIME, or a mail store that encrypts.
    EncryptedMail => "encrypted_mail", "the mail is encrypted; decrypt it, or have reports delivered to an address whose mail is not encrypted";
    /// Outlook's own file of a mail.
    OutlookMsg => "outlook_msg", "it is an Outlook file (.msg); save the mail as .eml and ingest that";
    /// It is announced as a report, and nothing in it can be read as one.
    NoReportFound => "no_report_found", "it is announced as a report, but none was found in it";
    /// Microsoft's own envelope.
    Tnef => "tnef", "it is wrapped as winmail.dat (TNEF); the sender's mail system must send plain MIME";
    /// A zip whose directory or content is damaged.
    ZipCorrupt => "zip_corrupt", "the zip is damaged";
    /// A mail over the limit.
    LimitMessage => "limit_message", "the mail is larger than the limit `message`";
    /// A compressed file over the limit.
    LimitCompressed => "limit_compressed", "the compressed file is larger than the limit `compressed`";
    /// A document over the limit once unpacked.
    LimitDocument => "limit_document", "the document unpacks to more than the limit `document`";
    /// All documents of an input over the limit once unpacked.
    LimitTotal => "limit_total", "it unpacks to more than the limit `total` in all";
    /// Archives within archives.
    LimitArchiveDepth => "limit_archive_depth", "archives are nested deeper than the limit `archive_depth`";
    /// Too many entries in a zip.
    LimitZipMembers => "limit_zip_members", "the zip has more entries than the limit `zip_members`";
    /// Too many entries in all the zips of an input.
    LimitMembers => "limit_members", "its zips have more entries together than the limit `members`; the first were read";
    /// Too many reports in a zip; those within the limit were read.
    LimitZipReports => "limit_zip_reports", "the zip has more reports than the limit `zip_reports`; the first were read";
    /// Too many parts in a mail; those within the limit were read.
    LimitMimeParts => "limit_mime_parts", "the mail has more parts than the limit `mime_parts`; the first were read";
    /// Multiparts nested too deeply.
    LimitMimeDepth => "limit_mime_depth", "the mail's parts are nested deeper than the limit `mime_depth`";
    /// Mails nested too deeply.
    LimitMessageDepth => "limit_message_depth", "mails are nested deeper than the limit `message_depth`";
    /// Too many mails in an input.
    LimitMessages => "limit_messages", "more mails lie within it than the limit `messages`; the first were read";
    /// Too many reports in an input.
    LimitReports => "limit_reports", "it holds more reports than the limit `reports`; the first were read";
    /// Too many reports of one identity in an input.
    LimitSameId => "limit_same_id", "it holds more reports of one reporter, id, domain and period than the limit `same_id`; the first were read";
    /// Too many different policies in an input.
    LimitPolicies => "limit_policies", "its reports name more different policies than the limit `policies`; the first were read";
    /// Too many different texts in an input.
    LimitTexts => "limit_texts", "its reports have more different texts than the limit `texts`; the first were read";
    /// Too much processor time.
    LimitTime => "limit_time", "reading it takes longer than the limit `time`; what was read by then counts";
    /// Elements nested too deeply.
    LimitXmlDepth => "limit_xml_depth", "elements are nested deeper than the limit `xml_depth`";
    /// A tag or comment of absurd length.
    LimitXmlToken => "limit_xml_token", "a tag or comment is longer than any report's";
    /// Too many failures.
    LimitTlsFailures => "limit_tls_failures", "the SMTP TLS report has more failures than the limit `tls_failures`";
    /// Too many records.
    LimitRecords => "limit_records", "the report has more records than the limit `records`";
    /// The reader itself failed: a fault of this program.
    Internal => "internal", "the program failed on it; please report this with the file";
}

impl fmt::Display for RejectionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why one input was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The kind of reason.
    pub code: RejectionCode,
    /// What exactly, if there is more to say; may quote a stranger's text, shortened.
    pub detail: Option<String>,
    /// Where, in bytes of the unpacked document.
    pub offset: Option<u64>,
}

impl Rejection {
    /// A reason without particulars.
    #[must_use]
    pub fn new(code: RejectionCode) -> Self {
        Rejection { code, detail: None, offset: None }
    }

    /// The same with particulars.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same with the place.
    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.explanation())?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(offset) = self.offset {
            write!(f, " (at byte {offset} of the document)")?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejection {}
