//! uuencode (POSIX): files within the text of a mail, as Outlook and Exchange still write them under one setting.

/// A file that stands in a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Encoded<'t> {
    /// Its name, as written.
    pub(super) name: String,
    /// Its lines, between `begin` and `end`.
    lines: &'t [u8],
}

impl Encoded<'_> {
    /// The decoded file. Blanks at the ends of lines, which mail programs strip, are zeros; what is not a line of data
    /// is passed over.
    pub(super) fn decode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.lines.len() / 4 * 3);
        for line in self.lines.split(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some((&first, data)) = line.split_first() else { continue };
            if !(b' '..=b'`').contains(&first) {
                continue;
            }
            let length = usize::from((first - b' ') & 63);
            let before = out.len();
            for group in data.chunks(4).take(length.div_ceil(3)) {
                let value = |at: usize| u32::from(group.get(at).map_or(0, |byte| byte.wrapping_sub(b' ') & 63));
                let bits = value(0) << 18 | value(1) << 12 | value(2) << 6 | value(3);
                out.extend_from_slice(&bits.to_be_bytes()[1..]);
            }
            out.resize(before + length, 0);
        }
        out
    }
}

/// The files in a text, in order.
pub(super) fn files(text: &[u8]) -> impl Iterator<Item = Encoded<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = begin(rest)?;
            let line_end = memchr::memchr(b'\n', &rest[at..]).map(|length| at + length)?;
            let header = rest[at..line_end].trim_ascii_end();
            let lines = &rest[line_end + 1..];
            rest = lines;
            if let Some(name) = name(header) {
                let (length, behind) = end(lines);
                rest = &lines[behind..];
                return Some(Encoded { name, lines: &lines[..length] });
            }
        }
    })
}

/// Where a line begins `begin `.
fn begin(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"begin ") {
        return Some(0);
    }
    memchr::memmem::find(text, b"\nbegin ").map(|at| at + 1)
}

/// Where the lines of a file end, and where what follows begins; the end of the text where `end` is missing.
fn end(lines: &[u8]) -> (usize, usize) {
    if lines.starts_with(b"end") {
        return (0, 3);
    }
    for at in memchr::memmem::find_iter(lines, b"\nend") {
        if lines.get(at + 4).is_none_or(u8::is_ascii_whitespace) {
            return (at + 1, at + 4);
        }
    }
    (lines.len(), lines.len())
}

/// The name in `begin MODE NAME`; nothing where it is a sentence.
fn name(header: &[u8]) -> Option<String> {
    let rest = header.strip_prefix(b"begin ")?;
    let space = rest.iter().position(|&byte| byte == b' ')?;
    let (mode, name) = (&rest[..space], rest[space..].trim_ascii());
    let is_mode = (3..=4).contains(&mode.len()) && mode.iter().all(|byte| (b'0'..=b'7').contains(byte));
    (is_mode && !name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_a_text() {
        let text =
            b"begin to see\n\nbegin 644 a.txt\n%:&5L;&\\ \n`\nend\nmore\nbegin 0644 b c.gz\r\n#86)C\r\n`\r\nend\r\n";
        let found: Vec<_> = files(text).map(|file| (file.name.clone(), file.decode())).collect();
        assert_eq!(found, [("a.txt".to_owned(), b"hello".to_vec()), ("b c.gz".to_owned(), b"abc".to_vec())]);
    }

    #[test]
    fn blanks_that_were_stripped_are_zeros() {
        let text = b"begin 644 a\n#\n`\nend\n";
        assert_eq!(files(text).next().unwrap().decode(), [0, 0, 0]);
    }
}
