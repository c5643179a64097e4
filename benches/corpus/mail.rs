//! A report as mail: packed, encoded, and wrapped the way its reporter does it.

use std::io::{self, Cursor, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::owners::Owner;
use super::reporters::Reporter;
use super::style::{Container, Envelope};
use super::xml::Metadata;

/// Bytes a line of base64, as mail has it.
const BASE64_LINE: usize = 57;

/// Packs and wraps reports, with buffers that are used again.
#[derive(Debug, Default)]
pub(crate) struct Mailer {
    packed: Vec<u8>,
    encoded: String,
}

impl Mailer {
    /// Replaces `out` by the mail with the report in `xml`.
    pub(crate) fn write(
        &mut self,
        out: &mut Vec<u8>,
        reporter: &Reporter,
        owner: &Owner,
        metadata: &Metadata,
        xml: &[u8],
    ) -> io::Result<()> {
        let submitter = reporter.email.rsplit('@').next().unwrap_or_default();
        let stem = format!("{submitter}!{}!{}!{}", owner.domain, metadata.begin, metadata.end);
        self.pack(reporter.container, &stem, xml)?;
        let attachment = Attachment {
            bytes: &self.packed,
            bare: reporter.container == Container::Bare,
            media_type: reporter.media_type,
            file_name: match reporter.container {
                Container::Zip => format!("{stem}.zip"),
                Container::Gzip | Container::GzipWithTail => format!("{stem}.xml.gz"),
                Container::Bare => format!("{stem}.xml"),
            },
        };
        out.clear();
        wrap(out, &mut self.encoded, reporter.envelope, reporter.email, owner.domain, metadata, &attachment)
    }

    fn pack(&mut self, container: Container, stem: &str, xml: &[u8]) -> io::Result<()> {
        let mut packed = std::mem::take(&mut self.packed);
        packed.clear();
        self.packed = match container {
            Container::Zip => {
                let mut zip = ZipWriter::new(Cursor::new(packed));
                zip.start_file(format!("{stem}.xml"), SimpleFileOptions::default()).map_err(io::Error::other)?;
                zip.write_all(xml)?;
                zip.finish().map_err(io::Error::other)?.into_inner()
            }
            Container::Gzip | Container::GzipWithTail => {
                let mut gzip = GzEncoder::new(packed, Compression::default());
                gzip.write_all(xml)?;
                let mut packed = gzip.finish()?;
                if container == Container::GzipWithTail {
                    packed.extend_from_slice(b"\r\n");
                }
                packed
            }
            Container::Bare => {
                packed.extend_from_slice(xml);
                packed
            }
        };
        Ok(())
    }
}

/// A packed report and how the mail names it.
#[derive(Debug)]
pub(crate) struct Attachment<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether it stands in the mail as it is instead of in base64.
    pub(crate) bare: bool,
    pub(crate) media_type: &'static str,
    pub(crate) file_name: String,
}

/// Appends the mail around an attachment. Lines end in LF, as in a mailbox on disk.
pub(crate) fn wrap(
    out: &mut Vec<u8>,
    encoded: &mut String,
    envelope: Envelope,
    from: &str,
    domain: &str,
    metadata: &Metadata,
    attachment: &Attachment<'_>,
) -> io::Result<()> {
    let submitter = from.rsplit('@').next().unwrap_or_default();
    let id = &metadata.report_id;
    // Reports arrive in the night after their day.
    let sent = jiff::Timestamp::from_second(metadata.end + 7_200 + metadata.end % 3_599).map_err(io::Error::other)?;
    let date = sent.strftime("%a, %d %b %Y %H:%M:%S +0000");
    write!(
        out,
        "Return-Path: <{from}>\n\
         Delivered-To: dmarc-reports@{domain}\n\
         Received: from out.{submitter} (out.{submitter} [192.0.2.25])\n\
         \tby mx.{domain} (Postfix) with ESMTPS id 4W{submitter_len:X}k{time:X}\n\
         \tfor <dmarc-reports@{domain}>; {date}\n\
         Authentication-Results: mx.{domain};\n\
         \tdkim=pass header.d={submitter} header.s=reports;\n\
         \tspf=pass smtp.mailfrom={from};\n\
         \tdmarc=pass header.from={submitter}\n\
         DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={submitter}; s=reports;\n\
         \th=from:to:subject:date:message-id:mime-version;\n\
         \tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\n\
         \tb=IyBub3QgYSByZWFsIHNpZ25hdHVyZSBidXQgb2YgdGhlIHVzdWFsIGxlbmd0aCwgc28gdGhhdA\n\
         \t B0aGUgaGVhZGVycyB0YWtlIHRoZSB0aW1lIHRoYXQgcmVhbCBvbmVzIHRha2UgaW4gYSBtYWlsYm94==\n\
         From: {from}\n\
         To: dmarc-reports@{domain}\n\
         Subject: Report Domain: {domain} Submitter: {submitter}\n\
         \tReport-ID: <{id}>\n\
         Message-ID: <{id}.{time:x}@{submitter}>\n\
         Date: {date}\n\
         MIME-Version: 1.0\n",
        submitter_len = submitter.len(),
        time = metadata.end,
    )?;
    match envelope {
        Envelope::Whole => part(out, encoded, attachment, false),
        Envelope::Mixed | Envelope::SplitName => {
            write!(
                out,
                "Content-Type: multipart/mixed; boundary=\"=_report_{0:x}\"\n\n\
                 This is a multi-part message in MIME format.\n\
                 --=_report_{0:x}\n\
                 Content-Type: text/plain; charset=us-ascii\n\
                 Content-Transfer-Encoding: 7bit\n\n\
                 This is an aggregate report from {submitter}.\n\
                 Report domain: {domain}\nReport ID: {id}\n\n\
                 --=_report_{0:x}\n",
                metadata.end
            )?;
            part(out, encoded, attachment, envelope == Envelope::SplitName)?;
            writeln!(out, "--=_report_{:x}--", metadata.end)
        }
        Envelope::Html => {
            write!(
                out,
                "Content-Type: multipart/mixed; boundary=\"_mpm_{0:x}\"\n\n\
                 --_mpm_{0:x}\n\
                 Content-Type: multipart/related; boundary=\"_rv_{0:x}\"\n\n\
                 --_rv_{0:x}\n\
                 Content-Type: multipart/alternative; boundary=\"_av_{0:x}\"\n\n\
                 --_av_{0:x}\n\n\n\
                 --_av_{0:x}\n\
                 Content-Type: text/html; charset=us-ascii\n\
                 Content-Transfer-Encoding: 7bit\n\n\
                 <div style =\"font-family:Segoe UI; font-size:14px;\">This is a DMARC aggregate report from \
                 Microsoft Corporation. For Emails received between the given times.</div>\n\n\
                 --_av_{0:x}--\n\
                 --_rv_{0:x}--\n\
                 --_mpm_{0:x}\n",
                metadata.end
            )?;
            part(out, encoded, attachment, false)?;
            writeln!(out, "--_mpm_{:x}--", metadata.end)
        }
    }
}

/// The attachment's own headers and body.
fn part(out: &mut Vec<u8>, encoded: &mut String, attachment: &Attachment<'_>, split: bool) -> io::Result<()> {
    let name = &attachment.file_name;
    writeln!(out, "Content-Type: {}", attachment.media_type)?;
    writeln!(out, "Content-Transfer-Encoding: {}", if attachment.bare { "7bit" } else { "base64" })?;
    if split {
        let (first, second) = name.split_at(name.len() / 2);
        write!(out, "Content-Disposition: attachment;\n\tfilename*0=\"{first}\";\n\tfilename*1=\"{second}\"\n\n")?;
    } else {
        write!(out, "Content-Disposition: attachment;\n\tfilename=\"{name}\"\n\n")?;
    }
    if attachment.bare {
        out.extend(attachment.bytes.iter().filter(|byte| **byte != b'\r'));
        return Ok(());
    }
    for line in attachment.bytes.chunks(BASE64_LINE) {
        encoded.clear();
        STANDARD.encode_string(line, encoded);
        encoded.push('\n');
        out.extend_from_slice(encoded.as_bytes());
    }
    Ok(())
}
