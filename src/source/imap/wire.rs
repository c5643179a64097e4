//! Answers of a server, cut out of the stream: lines with the literals that stand in them (RFC 3501 §4.3), never more of
//! either than is asked for.

use std::time::{Duration, Instant};

use super::error::{Error, Result};
use super::stream::Stream;

/// What is read at once.
const BUFFER: usize = 64 * 1024;
/// What is kept of a mail over the limit, for a look at it.
const KEPT_OF_LARGE: usize = 64 * 1024;
/// Literals in one answer.
const LITERALS: usize = 64;
/// The slowest that a large literal may come: bytes a second.
const SLOWEST: u64 = 512;

/// How much one answer may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cap {
    /// All its lines together.
    pub(super) text: usize,
    /// All its literals together.
    pub(super) literals: u64,
}

impl Cap {
    /// For answers in which no mail comes.
    pub(super) const SMALL: Cap = Cap { text: 64 * 1024, literals: 64 * 1024 };
}

/// An answer: a line, in which each literal is named by its size in braces and a line end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) text: Vec<u8>,
    pub(super) literals: Vec<Vec<u8>>,
}

impl Answer {
    /// How many bytes it has.
    pub(super) fn size(&self) -> u64 {
        (self.text.len() + self.literals.iter().map(Vec::len).sum::<usize>()) as u64
    }
}

/// Where bytes come from.
pub(super) trait Source {
    /// Reads something before `until`; the end is an error.
    fn read(&mut self, into: &mut [u8], until: Instant) -> Result<usize>;
}

impl Source for Stream {
    fn read(&mut self, into: &mut [u8], until: Instant) -> Result<usize> {
        Stream::read(self, into, until)
    }
}

/// Cuts answers out of a stream.
pub(super) struct Reader {
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Reader { buffer: vec![0; BUFFER], begin: 0, end: 0 }
    }
}

impl Reader {
    /// Whether nothing was read that was not asked for yet.
    pub(super) fn is_empty(&self) -> bool {
        self.begin == self.end
    }

    /// Forgets what was read.
    pub(super) fn clear(&mut self) {
        (self.begin, self.end) = (0, 0);
    }

    /// The next answer.
    ///
    /// A literal that is too large ends the connection's use: its beginning comes with the error.
    pub(super) fn answer(&mut self, source: &mut impl Source, cap: Cap, until: Instant) -> Result<Answer> {
        let mut answer = Answer::default();
        let patience = until.saturating_duration_since(Instant::now());
        let mut literals_left = cap.literals;
        loop {
            self.line(source, &mut answer.text, cap.text, until)?;
            let Some(size) = announced(&answer.text) else {
                return Ok(answer);
            };
            if size > literals_left {
                let head = self.beginning(source, size, until);
                return Err(Error::LargeMail { size, head });
            }
            if answer.literals.len() >= LITERALS {
                return Err(Error::TooLong { what: "an answer", limit: LITERALS as u64 });
            }
            literals_left -= size;
            answer.literals.push(self.literal(source, size, patience)?);
            answer.text.push(b'\n');
        }
    }

    /// Adds a line, without its end.
    fn line(&mut self, source: &mut impl Source, text: &mut Vec<u8>, most: usize, until: Instant) -> Result<()> {
        loop {
            let waiting = &self.buffer[self.begin..self.end];
            let end = memchr::memchr(b'\n', waiting);
            let line = &waiting[..end.unwrap_or(waiting.len())];
            if text.len() + line.len() > most {
                return Err(Error::TooLong { what: "a line", limit: most as u64 });
            }
            text.extend_from_slice(line);
            self.begin += line.len();
            if end.is_some() {
                self.begin += 1;
                if text.last() == Some(&b'\r') {
                    text.pop();
                }
                return Ok(());
            }
            self.fill(source, until)?;
        }
    }

    /// A literal, all of which may take as long as a slow line needs for its size, and each piece of it `patience`.
    fn literal(&mut self, source: &mut impl Source, size: u64, patience: Duration) -> Result<Vec<u8>> {
        let until = Instant::now() + patience + Duration::from_secs(size / SLOWEST);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        // What a server announces is not yet there: memory grows with what comes.
        let mut literal = Vec::with_capacity(size.min(BUFFER));
        while literal.len() < size {
            if self.is_empty() {
                self.fill(source, until.min(Instant::now() + patience))?;
            }
            let taken = (self.end - self.begin).min(size - literal.len());
            literal.extend_from_slice(&self.buffer[self.begin..self.begin + taken]);
            self.begin += taken;
        }
        Ok(literal)
    }

    /// The beginning of a literal that is too large, as far as it comes.
    fn beginning(&mut self, source: &mut impl Source, size: u64, until: Instant) -> Vec<u8> {
        let mut head = Vec::new();
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(KEPT_OF_LARGE);
        while head.len() < size && (!self.is_empty() || self.fill(source, until).is_ok()) {
            let taken = (self.end - self.begin).min(size - head.len());
            head.extend_from_slice(&self.buffer[self.begin..self.begin + taken]);
            self.begin += taken;
        }
        head
    }

    fn fill(&mut self, source: &mut impl Source, until: Instant) -> Result<()> {
        self.begin = 0;
        self.end = 0;
        self.end = source.read(&mut self.buffer, until)?;
        Ok(())
    }
}

/// The size of the literal that follows the text, if one does: `{123}` at its end, but not in what is written for people.
fn announced(text: &[u8]) -> Option<u64> {
    let inner = text.strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', inner)?;
    let digits = inner[open + 1..].strip_suffix(b"+").unwrap_or(&inner[open + 1..]);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) || is_for_people(text) {
        return None;
    }
    // More digits than fit are more bytes than fit.
    Some(std::str::from_utf8(digits).ok()?.parse().unwrap_or(u64::MAX))
}

/// Whether an answer is a state with a text, or a request to go on.
fn is_for_people(text: &[u8]) -> bool {
    let mut words = text.splitn(3, |&byte| byte == b' ');
    let (tag, word) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    tag != b"*" || [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"].iter().any(|state| word.eq_ignore_ascii_case(state))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes that come in pieces of some size.
    struct Pieces<'b>(&'b [u8], usize);

    impl Source for Pieces<'_> {
        fn read(&mut self, into: &mut [u8], _until: Instant) -> Result<usize> {
            let taken = self.0.len().min(self.1).min(into.len());
            if taken == 0 {
                return Err(Error::Lost("end".to_owned()));
            }
            into[..taken].copy_from_slice(&self.0[..taken]);
            self.0 = &self.0[taken..];
            Ok(taken)
        }
    }

    fn answers(bytes: &[u8], piece: usize, cap: Cap) -> (Vec<Answer>, Error) {
        let (mut source, mut reader, mut found) = (Pieces(bytes, piece), Reader::default(), Vec::new());
        loop {
            match reader.answer(&mut source, cap, Instant::now()) {
                Ok(answer) => found.push(answer),
                Err(error) => return (found, error),
            }
        }
    }

    #[test]
    fn lines_and_literals_however_they_come() {
        let bytes = b"* 1 FETCH (UID 5 BODY[] {5}\r\na\r\nb} FLAGS ())\r\n* OK look at {9}\r\na1 OK {3}\n+ {2}\r\n* LIST () {1+}\r\nx\r\n";
        for piece in [1, 2, 3, 7, 1000] {
            let (found, _) = answers(bytes, piece, Cap::SMALL);
            let texts: Vec<_> = found.iter().map(|answer| String::from_utf8_lossy(&answer.text)).collect();
            let wanted = [
                "* 1 FETCH (UID 5 BODY[] {5}\n FLAGS ())",
                "* OK look at {9}",
                "a1 OK {3}",
                "+ {2}",
                "* LIST () {1+}\n",
            ];
            assert_eq!(texts, wanted, "{piece}");
            assert_eq!(found[0].literals, [b"a\r\nb}"]);
            assert_eq!(found[4].literals, [b"x"]);
        }
    }

    #[test]
    fn nothing_is_larger_than_asked_for() {
        let cap = Cap { text: 60, literals: 10 };
        let long = [b'x'; 100];
        assert!(matches!(answers(&long, 7, cap).1, Error::TooLong { limit: 60, .. }));
        let endless = b"* 1 FETCH (BODY[] {99999999999999999999999}\r\nFrom: x";
        let (_, error) = answers(endless, 7, cap);
        let Error::LargeMail { size: u64::MAX, head } = error else { panic!("{error:?}") };
        assert_eq!(head, b"From: x");
        // Several that are small add up.
        let many = b"* LIST {6}\r\n123456 {6}\r\n123456\r\n";
        assert!(matches!(answers(many, 7, cap).1, Error::LargeMail { size: 6, .. }));
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'{'), Just(b'}'), Just(b'5'), Just(b'*'), any::<u8>()], 0..300), piece in 1..40_usize) {
            let cap = Cap { text: 100, literals: 100 };
            let whole = answers(&bytes, 1000, cap).0;
            prop_assert_eq!(&answers(&bytes, piece, cap).0, &whole);
            for answer in whole {
                prop_assert!(answer.text.len() <= 100 + LITERALS && answer.literals.iter().map(Vec::len).sum::<usize>() <= 100);
            }
        }
    }
}
