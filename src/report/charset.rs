//! Documents in other character sets than UTF-8.

use std::io::{Cursor, Read, Result};

use encoding_rs::{Decoder, Encoding, UTF_8};

/// The declaration stands within this many bytes, or nowhere.
const DECLARATION: u64 = 256;

/// A stream in UTF-8, decoded as its XML declaration says; the declared name where it is unknown. UTF-8 itself
/// passes untouched, faults included: the window repairs those one by one.
pub fn declared<'p>(mut stream: Box<dyn Read + 'p>) -> (Box<dyn Read + 'p>, Option<String>) {
    let mut head = Vec::new();
    // An error comes again with the next read, where it is told from the end.
    let _ = (&mut stream).take(DECLARATION).read_to_end(&mut head);
    let label = label(&head);
    let rest: Box<dyn Read + 'p> = Box::new(Cursor::new(head).chain(stream));
    let Some(label) = label else {
        return (rest, None);
    };
    match Encoding::for_label(&label) {
        Some(encoding) if encoding == UTF_8 => (rest, None),
        // A document that could be read this far is not in UTF-16, whatever it says; it was decoded before.
        Some(encoding) if !encoding.is_ascii_compatible() && encoding.name().starts_with("UTF-16") => (rest, None),
        Some(encoding) => (Box::new(Decoded::new(rest, encoding.new_decoder_without_bom_handling())), None),
        None => (rest, Some(String::from_utf8_lossy(&label).into_owned())),
    }
}

/// The character set that an XML declaration names.
fn label(head: &[u8]) -> Option<Vec<u8>> {
    let start = memchr::memmem::find(head, b"<?xml")?;
    let declaration = &head[start..];
    let end = memchr::memmem::find(declaration, b"?>").unwrap_or(declaration.len());
    let declaration = &declaration[..end];
    let value = &declaration[memchr::memmem::find(declaration, b"encoding")? + 8..];
    let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (&quote, value) = value.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    let end = memchr::memchr(quote, value)?;
    Some(value[..end].to_ascii_lowercase())
}

/// A stream that is decoded to UTF-8.
struct Decoded<R> {
    source: R,
    decoder: Decoder,
    input: Vec<u8>,
    output: Vec<u8>,
    given: usize,
    at_end: bool,
}

impl<R: Read> Decoded<R> {
    fn new(source: R, decoder: Decoder) -> Self {
        Decoded { source, decoder, input: vec![0; 16 * 1024], output: Vec::new(), given: 0, at_end: false }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.given == self.output.len() {
            if self.at_end {
                return Ok(0);
            }
            let read = self.source.read(&mut self.input)?;
            self.at_end = read == 0;
            let needed = self.decoder.max_utf8_buffer_length(read).unwrap_or(read * 3 + 16);
            self.output.resize(needed, 0);
            let (_, _, written, _) = self.decoder.decode_to_utf8(&self.input[..read], &mut self.output, self.at_end);
            self.output.truncate(written);
            self.given = 0;
        }
        let length = buffer.len().min(self.output.len() - self.given);
        buffer[..length].copy_from_slice(&self.output[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

/// UTF-16 with a byte order mark, as UTF-8.
pub struct Utf16<'p>(Decoded<Box<dyn Read + 'p>>);

impl<'p> Utf16<'p> {
    /// Of a stream that begins with the mark.
    #[must_use]
    pub fn new(stream: Box<dyn Read + 'p>) -> Self {
        // The decoder follows the mark, whichever order it was made for.
        Utf16(Decoded::new(stream, encoding_rs::UTF_16LE.new_decoder()))
    }
}

impl Read for Utf16<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.0.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> (String, Option<String>) {
        let (mut stream, unknown) = declared(Box::new(bytes));
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        (text, unknown)
    }

    #[test]
    fn declared_sets_are_decoded() {
        let document =
            |label: &str, rest: &[u8]| [format!("<?xml version='1.0' encoding='{label}'?>").as_bytes(), rest].concat();
        assert!(text(&document("windows-1252", b"Sue\xf1o")).0.ends_with("Sueño"));
        assert!(text(&document("ISO-8859-1", b"Sue\xf1o")).0.ends_with("Sueño"));
        assert!(text(&document("utf-8", "Sueño".as_bytes())).0.ends_with("Sueño"));
        assert_eq!(text(&document("x-nobody", b"a")).1.as_deref(), Some("x-nobody"));
    }

    #[test]
    fn utf16_in_both_orders() {
        for (mark, order) in [([0xff, 0xfe], true), ([0xfe, 0xff], false)] {
            let mut bytes = mark.to_vec();
            for unit in "<feedback>ñ".encode_utf16() {
                bytes.extend(if order { unit.to_le_bytes() } else { unit.to_be_bytes() });
            }
            let mut text = String::new();
            Utf16::new(Box::new(bytes.as_slice())).read_to_string(&mut text).unwrap();
            assert_eq!(text, "<feedback>ñ");
        }
    }
}
