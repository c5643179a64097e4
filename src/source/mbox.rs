//! mbox files: mails one after the other, each behind a line that begins `From `.
//!
//! Lines of a mail that begin so are quoted with `>`, or not at all: so a `From ` line is a border only behind an empty
//! line, and when an address or a time stands in it. One quote is taken off again.

use std::io::BufRead;
use std::sync::Arc;

use super::{Belief, Content, Input, InputSink};
use crate::limits::Limits;
use crate::mail::Envelope;

/// The beginning of a mail over the limit that is kept for a look at it.
const KEPT_OF_OVERSIZED: usize = 64 * 1024;

/// Lines longer than this are handled in pieces.
const PIECE: usize = 64 * 1024;

/// Pushes the mails of an mbox, one at a time. False when no more are wanted.
pub(super) fn split(mut reader: impl BufRead, location: &str, limits: &Limits, sink: &mut dyn InputSink) -> bool {
    let mut mail = Mail::new(limits.message);
    let mut number = 0;
    let mut piece = Vec::with_capacity(1024);
    let (mut at_line_start, mut after_empty_line) = (true, true);
    loop {
        if let Err(error) = read_piece(&mut reader, &mut piece) {
            let content = Content::Unreadable(error.to_string());
            let location = format!("{location}#{}", number + 1);
            return sink.push(Input {
                location,
                file_name: None,
                is_mail: true,
                envelope: Envelope::default(),
                receipt: None,
                belief: Belief::Nobody,
                content,
            });
        }
        if piece.is_empty() {
            break;
        }
        if at_line_start && after_empty_line && (number == 0 || is_border(&piece)) {
            if number > 0 && !mail.push(location, number, sink) {
                return false;
            }
            number += 1;
            after_empty_line = false;
        } else {
            let quotes = piece.iter().take_while(|&&byte| byte == b'>').count();
            let quoted = at_line_start && quotes > 0 && piece[quotes..].starts_with(b"From ");
            mail.add(if quoted { &piece[1..] } else { &piece });
            after_empty_line = at_line_start && matches!(piece.as_slice(), b"\n" | b"\r\n");
        }
        at_line_start = piece.ends_with(b"\n");
    }
    number == 0 || mail.push(location, number, sink)
}

/// Reads to the end of the line, or as much of it as is handled at once.
fn read_piece(reader: &mut impl BufRead, piece: &mut Vec<u8>) -> std::io::Result<()> {
    piece.clear();
    while piece.len() < PIECE {
        let chunk = match reader.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let chunk = &chunk[..chunk.len().min(PIECE - piece.len())];
        let end = memchr::memchr(b'\n', chunk).map(|at| at + 1);
        let length = end.unwrap_or(chunk.len());
        piece.extend_from_slice(&chunk[..length]);
        reader.consume(length);
        if end.is_some() || length == 0 {
            break;
        }
    }
    Ok(())
}

/// Whether a line is a border and not prose: `From ` and then a mailbox, or a time of day.
fn is_border(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else {
        return false;
    };
    let sender = rest.split(|byte| byte.is_ascii_whitespace()).find(|word| !word.is_empty()).unwrap_or_default();
    let time = rest
        .windows(5)
        .any(|five| five[2] == b':' && [five[0], five[1], five[3], five[4]].iter().all(u8::is_ascii_digit));
    time || sender.contains(&b'@')
}

/// A mail that is being put together.
struct Mail {
    bytes: Vec<u8>,
    size: u64,
    most: u64,
}

impl Mail {
    fn new(most: u64) -> Self {
        Mail { bytes: Vec::new(), size: 0, most }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        if self.size <= self.most {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.bytes.truncate(KEPT_OF_OVERSIZED);
        }
    }

    fn push(&mut self, location: &str, number: usize, sink: &mut dyn InputSink) -> bool {
        // The next mail is likely as large as this one.
        let next = Vec::with_capacity(self.bytes.len().min(64 * 1024));
        let bytes = std::mem::replace(&mut self.bytes, next);
        let size = std::mem::take(&mut self.size);
        let content = if size > self.most {
            Content::Oversized { head: bytes, size, mail: true }
        } else {
            Content::Bytes(Arc::new(bytes))
        };
        sink.push(Input {
            location: format!("{location}#{number}"),
            file_name: None,
            is_mail: true,
            envelope: Envelope::default(),
            receipt: None,
            belief: Belief::Nobody,
            content,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn mails(text: &str, chunk: usize, most: u64) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let limits = Limits { message: most, ..Limits::default() };
        split(BufReader::with_capacity(chunk, text.as_bytes()), "m", &limits, &mut |input: Input| {
            let text = match input.content {
                Content::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Content::Oversized { size, .. } => format!("oversized {size}"),
                other => format!("{other:?}"),
            };
            found.push((input.location, text));
            true
        });
        found
    }

    #[test]
    fn mails_are_split_and_unquoted_whatever_is_buffered() {
        let text = "From a@b Thu\nSubject: 1\n\nFrom here on\n>From x\n>>From y\n> From z\n\nFrom - Fri 10:00\nSubject: 2\n\nlast";
        for chunk in 1..80 {
            let found = mails(text, chunk, 1000);
            assert_eq!(found[0].1, "Subject: 1\n\nFrom here on\nFrom x\n>From y\n> From z\n\n", "buffer of {chunk}");
            assert_eq!(found[1..], [("m#2".to_owned(), "Subject: 2\n\nlast".to_owned())]);
        }
    }

    #[test]
    fn a_mail_over_the_limit_costs_only_itself() {
        let text = format!("From a@b\n{}\n\nFrom b@c\nsmall\n", "x".repeat(500));
        for chunk in [3, 64, 1000] {
            let found: Vec<String> = mails(&text, chunk, 100).into_iter().map(|mail| mail.1).collect();
            assert_eq!(found, ["oversized 502", "small\n"]);
        }
    }
}
