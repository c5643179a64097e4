//! Finding `feedback` in a document: past declarations, comments, wrappers and junk, and again after a report's end.

use std::io;

use super::irregularity::{Irregularities, IrregularityCode};
use super::utf8_reader::Window;
use crate::rejection::{Rejection, RejectionCode};

/// What stands where a report should.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The window stands at the start tag of a `feedback`.
    Feedback,
    /// The document ended; the first element there was, if any, had this name.
    OtherXml(String),
    /// The document ended; it held text, but no element.
    Text(String),
    /// The document ended; it held nothing, or nothing but a declaration.
    Nothing,
}

/// Whether a tag's name is `feedback`, with any prefix.
fn is_feedback(name: &[u8]) -> bool {
    let local = name.iter().rposition(|&byte| byte == b':').map_or(name, |colon| &name[colon + 1..]);
    local.eq_ignore_ascii_case(b"feedback")
}

/// Moves the window to the next `feedback`, noting what was passed over on the way. `first` says that none was read
/// before, so that what stands there is a prolog and not a tail.
///
/// # Errors
/// A report after a DOCTYPE; a source that fails or a limit that is reached come as [`io::Error`], see [`Window::failure`].
pub(super) fn seek_feedback(
    window: &mut Window<'_>,
    first: bool,
    irregularities: &mut Irregularities,
) -> io::Result<Result<Found, Rejection>> {
    let mut other: Option<String> = None;
    let mut text: Option<String> = None;
    let mut doctype: Option<u64> = None;
    loop {
        let ahead = window.peek(192)?;
        let Some(&byte) = ahead.first() else { break };
        if byte.is_ascii_whitespace() || ahead.starts_with("\u{feff}".as_bytes()) {
            let skip = if byte == 0xef { 3 } else { 1 };
            window.consume(skip);
        } else if byte != b'<' {
            let excerpt = String::from_utf8_lossy(&ahead[..ahead.len().min(40)]).trim().to_owned();
            text.get_or_insert(excerpt);
            skip_to(window, b"<", false)?;
        } else if ahead.starts_with(b"<?") {
            skip_to(window, b"?>", true)?;
        } else if ahead.starts_with(b"<!--") {
            window.consume(4);
            skip_to(window, b"-->", true)?;
        } else if starts_with_ignoring_case(ahead, b"<!DOCTYPE") || starts_with_ignoring_case(ahead, b"<!ENTITY") {
            // Only a report needs none: a page or a picture that begins so is not a report. What it declares is never read.
            let declared = ahead.get(9..).unwrap_or_default().trim_ascii_start();
            if first && starts_with_ignoring_case(declared, b"feedback") {
                return Ok(Err(Rejection::new(RejectionCode::Doctype).at(window.position())));
            }
            doctype.get_or_insert(window.position());
            skip_to(window, b">", true)?;
        } else {
            let name_end =
                ahead[1..].iter().position(|byte| b" \t\r\n/>".contains(byte)).map_or(ahead.len(), |at| at + 1);
            let name = &ahead[1..name_end];
            if is_feedback(name) {
                if let Some(position) = doctype.filter(|_| first) {
                    return Ok(Err(Rejection::new(RejectionCode::Doctype).at(position)));
                }
                note(irregularities, first, other.is_some(), text.is_some());
                return Ok(Ok(Found::Feedback));
            }
            if !name.is_empty() && !matches!(name[0], b'/' | b'!') {
                other.get_or_insert(String::from_utf8_lossy(name).into_owned());
            }
            window.consume(1);
            skip_to(window, b">", true)?;
        }
    }
    if !first && (text.is_some() || other.is_some()) {
        irregularities.add(IrregularityCode::Trailing, "");
    }
    Ok(Ok(match (other, text) {
        (Some(name), _) => Found::OtherXml(name),
        (None, _) if doctype.is_some() => Found::OtherXml("!DOCTYPE".to_owned()),
        (None, Some(text)) => Found::Text(text),
        (None, None) => Found::Nothing,
    }))
}

fn note(irregularities: &mut Irregularities, first: bool, other: bool, text: bool) {
    if !first {
        irregularities.add(IrregularityCode::SeveralDocuments, "");
    } else if other {
        irregularities.add(IrregularityCode::Wrapper, "");
    } else if text {
        irregularities.add(IrregularityCode::JunkBeforeRoot, "");
    }
}

fn starts_with_ignoring_case(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Consumes up to the mark, and the mark itself when `past`; to the end when it does not come.
fn skip_to(window: &mut Window<'_>, mark: &[u8], past: bool) -> io::Result<()> {
    loop {
        let ahead = window.peek(mark.len())?;
        if ahead.is_empty() {
            return Ok(());
        }
        if let Some(at) = memchr::memmem::find(ahead, mark) {
            window.consume(if past { at + mark.len() } else { at });
            return Ok(());
        }
        if ahead.len() < mark.len() {
            let rest = ahead.len();
            window.consume(rest);
            return Ok(());
        }
        let consumed = ahead.len() - (mark.len() - 1);
        window.consume(consumed);
    }
}
