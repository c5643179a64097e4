//! A second look at a document that is not well-formed.
//!
//! Some evaluators copy a HELO name or a From address into the report without escaping it. Within the few elements
//! that hold such text, and up to their own end tag, `<`, `>` and bare `&` can only be text, so they are escaped and
//! the document is read again. Nothing else is touched. Record start tags are counted on the raw bytes on the way:
//! the result is accepted only when as many records were read, so that a repair can never lose one.

use std::io::{self, Read};

use memchr::memmem;

/// The elements whose text is repaired.
const FREE_TEXT: [&str; 6] = ["email", "org_name", "header_from", "comment", "human_result", "report_id"];
/// A start tag's end tag is looked for within this many bytes.
const LONGEST: usize = 64 * 1024;
const CHUNK: usize = 64 * 1024;

/// A reader that delivers the repaired document.
pub(super) struct Repairing<R> {
    source: R,
    raw: Vec<u8>,
    at_end: bool,
    out: Vec<u8>,
    given: usize,
    tally: std::rc::Rc<std::cell::RefCell<Tally>>,
}

/// What a repair did.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    /// Texts in which something was escaped.
    pub(super) repairs: u64,
    /// `<record` start tags in the raw bytes.
    pub(super) records: u64,
}

impl<R: Read> Repairing<R> {
    /// Repairs what `source` delivers; `tally` is kept as it goes.
    pub(super) fn new(source: R, tally: std::rc::Rc<std::cell::RefCell<Tally>>) -> Self {
        Repairing { source, raw: Vec::new(), at_end: false, out: Vec::new(), given: 0, tally }
    }

    /// Reads on until the raw bytes reach beyond any text that begins in their first half.
    fn fill(&mut self) -> io::Result<()> {
        while !self.at_end && self.raw.len() < 2 * LONGEST + CHUNK {
            let before = self.raw.len();
            self.raw.resize(before + CHUNK, 0);
            let read = self.source.read(&mut self.raw[before..])?;
            self.raw.truncate(before + read);
            self.at_end = read == 0;
        }
        Ok(())
    }

    /// Moves repaired bytes to `out`.
    fn work(&mut self) -> io::Result<()> {
        self.out.clear();
        self.given = 0;
        self.fill()?;
        let safe = if self.at_end { self.raw.len() } else { self.raw.len() - LONGEST - 256 };
        let mut at = 0;
        while at < safe {
            let Some(tag) = memchr::memchr(b'<', &self.raw[at..safe]).map(|found| at + found) else {
                self.out.extend_from_slice(&self.raw[at..safe]);
                at = safe;
                break;
            };
            self.out.extend_from_slice(&self.raw[at..tag]);
            let name = tag_name(&self.raw[tag + 1..]).to_vec();
            if local_name(&name).eq_ignore_ascii_case(b"record") {
                self.tally.borrow_mut().records += 1;
            }
            at = match self.free_text(tag, &name) {
                Some(end) => end,
                None => {
                    self.out.push(b'<');
                    tag + 1
                }
            };
        }
        self.raw.drain(..at);
        Ok(())
    }

    /// Writes out the element at `tag` with its text escaped, if it is one whose text needs it.
    fn free_text(&mut self, tag: usize, name: &[u8]) -> Option<usize> {
        let local = local_name(name);
        FREE_TEXT.iter().find(|known| local.eq_ignore_ascii_case(known.as_bytes()))?;
        let open_end = tag + 1 + memchr::memchr(b'>', &self.raw[tag + 1..])?;
        if self.raw[open_end - 1] == b'/' || open_end - tag > 256 {
            return None;
        }
        let body = open_end + 1;
        let window = &self.raw[body..self.raw.len().min(body + LONGEST)];
        let closing = [b"</".as_slice(), name, b">"].concat();
        let end = memmem::find(window, &closing)?;
        let (escaped, changed) = escape(&self.raw[body..body + end]);
        if changed {
            let mut tally = self.tally.borrow_mut();
            tally.repairs += 1;
            // Start tags hidden in the text must make the counts differ: whose they are cannot be told.
            tally.records += memmem::find_iter(&self.raw[body..body + end], b"<record").count() as u64;
        }
        self.out.extend_from_slice(&self.raw[tag..body]);
        self.out.extend_from_slice(&escaped);
        self.out.extend_from_slice(&closing);
        Some(body + end + closing.len())
    }
}

impl<R: Read> Read for Repairing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.out.len() {
            if self.at_end && self.raw.is_empty() {
                return Ok(0);
            }
            self.work()?;
        }
        let length = buffer.len().min(self.out.len() - self.given);
        buffer[..length].copy_from_slice(&self.out[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

fn tag_name(after: &[u8]) -> &[u8] {
    let end = after.iter().take(128).position(|byte| b" \t\r\n/><&".contains(byte)).unwrap_or(0);
    &after[..end]
}

fn local_name(name: &[u8]) -> &[u8] {
    memchr::memrchr(b':', name).map_or(name, |colon| &name[colon + 1..])
}

/// Escapes what cannot be markup; references and CDATA stay as they are.
fn escape(text: &[u8]) -> (Vec<u8>, bool) {
    if text.trim_ascii_start().starts_with(b"<![CDATA[") {
        return (text.to_vec(), false);
    }
    let mut out = Vec::with_capacity(text.len() + 16);
    let mut changed = false;
    for (at, &byte) in text.iter().enumerate() {
        let escaped: &[u8] = match byte {
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'&' if !is_reference(&text[at + 1..]) => b"&amp;",
            _ => {
                out.push(byte);
                continue;
            }
        };
        changed = true;
        out.extend_from_slice(escaped);
    }
    (out, changed)
}

/// Whether what follows an `&` makes it a reference.
fn is_reference(after: &[u8]) -> bool {
    let Some(end) = after.iter().take(32).position(|&byte| byte == b';') else {
        return false;
    };
    let name = &after[..end];
    let name = name.strip_prefix(b"#").unwrap_or(name);
    !name.is_empty() && name.iter().all(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repair(text: &str) -> (String, Tally) {
        let tally = std::rc::Rc::default();
        let mut out = String::new();
        Repairing::new(text.as_bytes(), std::rc::Rc::clone(&tally)).read_to_string(&mut out).unwrap();
        let tally = *tally.borrow();
        (out, tally)
    }

    #[test]
    fn free_text_is_escaped_and_the_rest_left_alone() {
        let (out, tally) = repair("<a><email><a@b></email><record/><domain>x<y</domain></a>");
        assert_eq!(out, "<a><email>&lt;a@b&gt;</email><record/><domain>x<y</domain></a>");
        assert_eq!((tally.repairs, tally.records), (1, 1));
    }

    #[test]
    fn references_stay_and_bare_ampersands_go() {
        assert_eq!(repair("<comment>a &amp; b & c &#65;</comment>").0, "<comment>a &amp; b &amp; c &#65;</comment>");
    }

    #[test]
    fn records_hidden_in_text_are_counted() {
        assert_eq!(repair("<email>x<record></email>").1.records, 1);
    }

    #[test]
    fn long_documents_pass_through_whole() {
        let text =
            format!("<feedback>{}</feedback>", "<record><header_from>a.example</header_from></record>\n".repeat(9000));
        let (out, tally) = repair(&text);
        assert_eq!(out, text);
        assert_eq!((tally.repairs, tally.records), (0, 9000));
    }
}
