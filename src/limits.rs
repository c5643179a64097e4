//! How much of a stranger's input is worth reading.
//!
//! Reports are mail, and anyone may write to the address that is published for them. Every limit counts what was
//! really read or produced, never what a header claims.

use serde::Deserialize;

/// The limits, with the names they have in the configuration's `[limits]`. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// A whole mail.
    pub message: u64,
    /// One attachment or file that is compressed, as it came.
    pub compressed: u64,
    /// One document, unpacked.
    pub document: u64,
    /// All documents of one mail or file together, unpacked.
    pub total: u64,
    /// Archives within archives.
    pub archive_depth: u32,
    /// Entries of a zip that are looked at.
    pub zip_members: usize,
    /// Reports read from one zip.
    pub zip_reports: usize,
    /// Parts of a mail.
    pub mime_parts: usize,
    /// Multiparts within multiparts.
    pub mime_depth: u32,
    /// Mails within mails.
    pub message_depth: u32,
    /// Elements within elements; a report needs six.
    pub xml_depth: usize,
    /// Records of a report.
    pub records: u64,
    /// Signatures kept of one record; the rest is counted as an irregularity.
    pub signatures: usize,
    /// A free text (comment, contact); longer ones are cut.
    pub text: usize,
    /// A name (domain, selector, report id); longer ones are cut.
    pub name: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Limits {
            message: 32 * MIB,
            compressed: 16 * MIB,
            document: 512 * MIB,
            total: 1024 * MIB,
            archive_depth: 2,
            zip_members: 64,
            zip_reports: 16,
            mime_parts: 256,
            mime_depth: 16,
            message_depth: 3,
            xml_depth: 32,
            records: 2_000_000,
            signatures: 256,
            text: 64 * 1024,
            name: 1024,
        }
    }
}
