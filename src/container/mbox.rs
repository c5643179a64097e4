//! mbox files: mails one after the other, each after a line that begins `From `.
//!
//! Writers differ in all the rest: whether an empty line stands before the border, what stands in it, whether such lines
//! of a mail are quoted. So a border is recognised by what it says and by what follows it, as `is_border` has it. The
//! `Content-Length` of a mail is not believed: its writer is a stranger.

use std::io::{self, BufRead};

use crate::mail::message::is_field;

/// Lines longer than this are handled in pieces.
const PIECE: usize = 64 * 1024;
/// No border is longer.
const LONGEST_BORDER: usize = 1000;
/// The beginning of a mail over the limit that is kept for a look at it.
pub const KEPT_OF_OVERSIZED: usize = 64 * 1024;

/// A mail of a mailbox.
#[derive(Debug, PartialEq, Eq)]
pub enum Mail {
    /// All of it.
    Whole(Vec<u8>),
    /// The beginning of one over the limit, and its size.
    Oversized(Vec<u8>, u64),
}

/// The mails of a mailbox, one at a time.
pub struct Mails<R> {
    reader: R,
    most: u64,
    /// A piece that was read to see what follows a border.
    ahead: Option<Vec<u8>>,
    piece: Vec<u8>,
    at_line_start: bool,
    after_empty_line: bool,
    /// The first border was found.
    begun: bool,
    at_end: bool,
}

impl<R: BufRead> Mails<R> {
    /// The mails in what `reader` delivers, each of `most` bytes.
    pub fn new(reader: R, most: u64) -> Self {
        Mails {
            reader,
            most,
            ahead: None,
            piece: Vec::with_capacity(1024),
            at_line_start: true,
            after_empty_line: true,
            begun: false,
            at_end: false,
        }
    }

    /// Reads to the end of the line, or as much of it as is handled at once.
    fn read_piece(&mut self) -> io::Result<()> {
        if let Some(ahead) = self.ahead.take() {
            self.piece = ahead;
            return Ok(());
        }
        self.piece.clear();
        while self.piece.len() < PIECE {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let chunk = &chunk[..chunk.len().min(PIECE - self.piece.len())];
            let end = memchr::memchr(b'\n', chunk).map(|at| at + 1);
            let length = end.unwrap_or(chunk.len());
            self.piece.extend_from_slice(&chunk[..length]);
            self.reader.consume(length);
            if end.is_some() || length == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Whether the piece, which begins a line, is a border; reads one piece ahead to see.
    fn at_border(&mut self) -> io::Result<bool> {
        if !self.piece.starts_with(b"From ") || self.piece.len() > LONGEST_BORDER || !self.piece.ends_with(b"\n") {
            return Ok(false);
        }
        let line = std::mem::take(&mut self.piece);
        let read = self.read_piece();
        let next = std::mem::replace(&mut self.piece, line);
        let border = is_border(&self.piece, self.after_empty_line, &next);
        self.ahead = Some(next);
        read.map(|()| border)
    }

    /// The next mail; nothing at the end.
    ///
    /// # Errors
    /// When the reader fails. What was read of the mail by then is lost.
    pub fn next_mail(&mut self) -> io::Result<Option<Mail>> {
        if self.at_end {
            return Ok(None);
        }
        let mut mail = Vec::new();
        let mut size = 0;
        loop {
            self.read_piece()?;
            if self.piece.is_empty() {
                self.at_end = true;
                return Ok(self.begun.then(|| self.finish(mail, size)));
            }
            let begins_line = self.at_line_start;
            self.at_line_start = self.piece.ends_with(b"\n");
            let blank = begins_line && self.piece.trim_ascii().is_empty();
            if !self.begun {
                // The file was taken for a mailbox by its first line that is not empty.
                self.begun = !blank;
                continue;
            }
            if begins_line && self.at_border()? {
                self.after_empty_line = false;
                return Ok(Some(self.finish(mail, size)));
            }
            self.after_empty_line = blank;
            if blank && size == 0 {
                continue;
            }
            let quotes = self.piece.iter().take_while(|&&byte| byte == b'>').count();
            let quoted = begins_line && quotes > 0 && self.piece[quotes..].starts_with(b"From ");
            let piece = if quoted { &self.piece[1..] } else { &self.piece };
            size += piece.len() as u64;
            if size <= self.most {
                mail.extend_from_slice(piece);
            } else {
                mail.truncate(KEPT_OF_OVERSIZED);
            }
        }
    }

    fn finish(&self, mail: Vec<u8>, size: u64) -> Mail {
        if size > self.most { Mail::Oversized(mail, size) } else { Mail::Whole(mail) }
    }
}

/// Whether bytes begin a mailbox: after a byte order mark and empty lines, a line that begins `From ` and is not a header
/// field, and after it, empty lines aside, a header field or a quoted border.
#[must_use]
pub fn begins_mailbox(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if !head.starts_with(b"From ") || is_field(first_line(head)) {
        return false;
    }
    let Some(end) = memchr::memchr(b'\n', head) else {
        return false;
    };
    let behind = head[end..].trim_ascii_start();
    let next = first_line(behind);
    // A border in whose usual form nobody errs stands for itself, should the mail after it be empty.
    is_field(next) || next.starts_with(b">From ") || is_strict(&words(&head[5..end]))
}

fn first_line(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr::memchr(b'\n', bytes).unwrap_or(bytes.len())]
}

/// Whether a line that begins `From ` is the border of a mail and not a sentence of one.
fn is_border(line: &[u8], after_empty_line: bool, next: &[u8]) -> bool {
    if is_field(line) {
        return false;
    }
    let said = words(&line[5..]);
    if after_empty_line && is_strict(&said) {
        return true;
    }
    (is_field(next) || next.starts_with(b">From "))
        && (said.first().is_none_or(|word| word.starts_with(b"-"))
            || has_date(&said)
            || after_empty_line && said.len() == 1)
}

fn words(text: &[u8]) -> Vec<&[u8]> {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect()
}

/// The form of RFC 4155: one word, then weekday, month or day of the month, and time.
fn is_strict(said: &[&[u8]]) -> bool {
    let [_, weekday, second, rest @ ..] = said else {
        return false;
    };
    is_weekday(weekday) && (is_month(second) || is_day(second)) && rest.iter().take(4).any(|word| is_time(word))
}

/// Weekday, month and time, in this order.
fn has_date(said: &[&[u8]]) -> bool {
    let mut rest = said.iter();
    rest.any(|word| is_weekday(word)) && rest.any(|word| is_month(word)) && rest.any(|word| is_time(word))
}

fn is_one_of(word: &[u8], names: &[&[u8]]) -> bool {
    let word = word.strip_suffix(b",").unwrap_or(word);
    names.iter().any(|name| word.eq_ignore_ascii_case(name))
}

fn is_weekday(word: &[u8]) -> bool {
    is_one_of(word, &[b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"])
}

fn is_month(word: &[u8]) -> bool {
    is_one_of(word, &[b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"])
}

fn is_day(word: &[u8]) -> bool {
    (1..=2).contains(&word.len()) && word.iter().all(u8::is_ascii_digit)
}

/// `hh:mm`, with or without seconds.
fn is_time(word: &[u8]) -> bool {
    let hours = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=2).contains(&hours)
        && word.get(hours) == Some(&b':')
        && word.get(hours + 1..hours + 3).is_some_and(|minutes| minutes.iter().all(u8::is_ascii_digit))
        && word.get(hours + 3).is_none_or(|&byte| byte == b':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn mails(text: &str, chunk: usize, most: u64) -> Vec<String> {
        let mut mails = Mails::new(BufReader::with_capacity(chunk, text.as_bytes()), most);
        let mut found = Vec::new();
        while let Some(mail) = mails.next_mail().unwrap() {
            found.push(match mail {
                Mail::Whole(bytes) => String::from_utf8(bytes).unwrap(),
                Mail::Oversized(_, size) => format!("oversized {size}"),
            });
        }
        found
    }

    #[test]
    fn mails_are_split_and_unquoted_whatever_is_buffered() {
        let text = "\u{feff}\n\nFrom a@b Thu\nSubject: 1\n\nFrom here on\n>From x\n>>From y\n> From z\n\nFrom - Fri, 2 Oct 10:00\n\nSubject: 2\n\nlast";
        // The mark stands on a line of its own here only because an editor put it there.
        let text = text.replacen("\u{feff}\n\n", "\n\n", 1);
        for chunk in 1..80 {
            let found = mails(&text, chunk, 1000);
            assert_eq!(found[0], "Subject: 1\n\nFrom here on\nFrom x\n>From y\n> From z\n\n", "buffer of {chunk}");
            assert_eq!(found[1..], ["Subject: 2\n\nlast"]);
        }
    }

    #[test]
    fn borders_of_all_writers() {
        for border in [
            "From ",
            "From - Thu Jan 01 00:00:00 2026",
            "From a@b.example Thu Jan  1 00:00:00 2026",
            "From 178@xxx Thu Jan 01 00:00:00 +0000 2026",
            "From A Sender Thu Jan  1 00:00:00 2026",
            "From MAILER-DAEMON Fri, 2 Jan 2026 07:03",
        ] {
            let text = format!("{border}\r\nSubject: 1\r\n\r\nx\r\n{border}\r\nSubject: 2\r\n\r\ny\r\n");
            assert_eq!(mails(&text, 64, 1000), ["Subject: 1\r\n\r\nx\r\n", "Subject: 2\r\n\r\ny\r\n"], "{border}");
        }
        let word = "From a@b.example\nSubject: 1\n\nx\n\nFrom a@b.example\nSubject: 2\n";
        assert_eq!(mails(word, 64, 1000).len(), 2);
    }

    #[test]
    fn sentences_are_no_borders() {
        for text in [
            "From Monday on we move at 10:00.\nSee you.",
            "From ops@example.com at 10:00 this came:\nNote: we move",
            "From the desk of\nSubject: budget",
            "From : not a border",
            "From us all on Thu in Jan at 10:00 it was\nsaid so.",
            " From \nRe: x",
        ] {
            let whole = format!("From - Thu Jan 01 00:00:00 2026\nSubject: 1\n\nHello.\n\n{text}\n");
            assert_eq!(mails(&whole, 64, 1000).len(), 1, "{text}");
        }
    }

    #[test]
    fn beginnings() {
        for head in [
            "From \r\nSubject: x",
            "\u{feff}From a@b\nX: y",
            "\n\nFrom a@b Thu Jan 1 00:00:00 2026\n\nSubject: x",
            "From x\n>From y Thu\nA: b",
        ] {
            assert!(begins_mailbox(head.as_bytes()), "{head}");
        }
        for head in ["From : a@b\nTo: c\n", "From here on\nall is prose", "From", "From: a@b\n", ""] {
            assert!(!begins_mailbox(head.as_bytes()), "{head}");
        }
    }

    #[test]
    fn a_mail_over_the_limit_costs_only_itself() {
        let text = format!("From a@b\n{}: x\n\nFrom b@c\nsmall: 1\n", "x".repeat(500));
        for chunk in [3, 64, 1000] {
            assert_eq!(mails(&text, chunk, 100), ["oversized 505", "small: 1\n"]);
        }
    }
}
