//! What an entity of a mail is: whether it has parts, is a mail, or holds a report, whatever its header says.

use std::borrow::Cow;

use super::Transfer;
use super::multipart::{Parts, written_boundary};
use super::sniff::{HEAD, Kind, sniff};
use crate::mail::ContentFields;
use crate::mail::message::{is_field, looks_like_message};
use crate::rejection::RejectionCode;
use crate::tls;

/// How much of a body is looked through for a boundary where its label says that it is encoded.
const MISLABELLED: usize = 64 * 1024;

/// The body of an entity that has parts, and the boundary between them: as it is named, in the body as it is encoded, or
/// as its lines tell it. `own` is what of the body stands before a mail that follows.
pub(super) fn parted<'b>(
    kind: &str,
    content: &ContentFields,
    transfer: Transfer,
    body: &'b [u8],
    own: &'b [u8],
) -> Option<(Cow<'b, [u8]>, String)> {
    if kind.starts_with("multipart/") {
        let named = |body: &[u8]| {
            let boundary = content.boundary.as_deref()?;
            Parts::new(body, boundary).is_some().then(|| boundary.to_owned())
        };
        // Where none is found in an encoded body, a mail after it may come next, and what is after that is not gone through
        // for each.
        let near = if own.len() < body.len() { own.len().max(MISLABELLED).min(body.len()) } else { body.len() };
        if let Some(boundary) = named(&body[..near]) {
            return Some((Cow::Borrowed(body), boundary));
        }
        let (decoded, _) = transfer.decode(own);
        if transfer != Transfer::Identity
            && let Some(boundary) = named(&decoded).or_else(|| written_boundary(&decoded))
        {
            return Some((decoded, boundary));
        }
        return written_boundary(body).map(|boundary| (Cow::Borrowed(body), boundary));
    }
    // A body that begins with a boundary has parts, whatever became of its header.
    let begins = body.trim_ascii_start().starts_with(b"--") && kind == "text/plain" && content.file_name.is_none();
    begins.then(|| written_boundary(body)).flatten().map(|boundary| (Cow::Borrowed(body), boundary))
}

/// The mail in a part that is one, decoded where its label says so and that gives a mail.
pub(super) fn as_mail(transfer: Transfer, body: &[u8]) -> Vec<u8> {
    let (decoded, _) = transfer.decode(body);
    if begins_mail(&decoded) || !begins_mail(body) {
        return match hidden_mail(&decoded) {
            Some(mail) => mail,
            None => decoded.into_owned(),
        };
    }
    body.to_vec()
}

/// A mail in base64 without a label.
fn hidden_mail(body: &[u8]) -> Option<Vec<u8>> {
    if begins_mail(body) {
        return None;
    }
    let (decoded, _) = Transfer::Base64.decode(body);
    begins_mail(&decoded).then(|| decoded.into_owned())
}

pub(super) fn begins_mail(text: &[u8]) -> bool {
    looks_like_message(&text[..text.len().min(HEAD)], text.len() > HEAD)
}

/// The body without a mail that stands after it: after base64, or, where a server put its own fields first, after text.
pub(super) fn before_following<'b>(transfer: Transfer, kind: &str, body: &'b [u8]) -> &'b [u8] {
    const FIRST: [&[u8]; 3] = [b"Return-Path: ", b"Received: ", b"Delivered-To: "];
    let at = if transfer == Transfer::Base64 {
        let mut at = 0;
        body.split_inclusive(|&byte| byte == b'\n').find_map(|line| {
            let start = at;
            at += line.len();
            (start > 0 && is_field(line)).then_some(start)
        })
    } else if kind.starts_with("text/") {
        let starts = memchr::memchr_iter(b'\n', body).map(|end| end + 1);
        starts.into_iter().find(|&start| FIRST.iter().any(|field| body[start..].starts_with(field)))
    } else {
        None
    };
    match at {
        Some(at) if begins_mail(&body[at..]) => &body[..at],
        _ => body,
    }
}

pub(super) fn begins_as_report(body: &[u8]) -> bool {
    match sniff(&body[..body.len().min(HEAD)]) {
        Kind::Gzip | Kind::Zip | Kind::Zstd => true,
        Kind::Xml => {
            let text = body.trim_ascii_start();
            let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
            text.starts_with(b"<?xml") || text.starts_with(b"<feedback")
        }
        Kind::Json => tls::looks_like(body),
        _ => false,
    }
}

/// What S/MIME is sealed for: reading, or as it says itself in its type or its bytes (RFC 5652 §3), only for whom it is
/// encrypted.
pub(super) fn smime(content: &ContentFields, bytes: &[u8]) -> RejectionCode {
    /// The object identifier of enveloped data, and that of authenticated enveloped data.
    const ENVELOPED: [&[u8]; 2] =
        [b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17"];
    let head = &bytes[..bytes.len().min(64)];
    let says = content.smime_type.as_deref().is_some_and(|kind| kind.contains("enveloped"));
    if says || ENVELOPED.iter().any(|oid| memchr::memmem::find(head, oid).is_some()) {
        RejectionCode::EncryptedMail
    } else {
        RejectionCode::SmimeOpaque
    }
}
