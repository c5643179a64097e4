//! The parts of a multipart body (RFC 2046 §5.1), found where its boundary is missing or wrong too.

/// The parts of a body, without preamble and epilogue. A missing last boundary is accepted.
pub(super) struct Parts<'b> {
    rest: Option<&'b [u8]>,
    delimiter: Vec<u8>,
    epilogue: &'b [u8],
}

impl<'b> Parts<'b> {
    /// The parts between lines of this boundary; nothing where no line is one.
    pub(super) fn new(body: &'b [u8], boundary: &str) -> Option<Self> {
        let delimiter = [b"--", boundary.as_bytes()].concat();
        let mut parts = Parts { rest: None, delimiter, epilogue: &[] };
        let (_, after, last) = parts.boundary(body)?;
        // A body that begins with its last boundary is an empty one.
        if last {
            parts.epilogue = after;
        } else {
            parts.rest = Some(after);
        }
        Some(parts)
    }

    /// What follows the last boundary; empty before that was met.
    pub(super) fn epilogue(&self) -> &'b [u8] {
        self.epilogue
    }

    /// The bytes before the next boundary line, those after it, and whether it is the last. Only beginnings of lines are
    /// looked at, so that no line is gone through twice.
    fn boundary(&self, bytes: &'b [u8]) -> Option<(&'b [u8], &'b [u8], bool)> {
        let mut from = 0;
        loop {
            let at = if from == 0 && bytes.starts_with(&self.delimiter) {
                0
            } else {
                from + find_at_line_start(&bytes[from..], &self.delimiter)?
            };
            let after = &bytes[at + self.delimiter.len()..];
            let length = memchr::memchr(b'\n', after).unwrap_or(after.len());
            let line = &after[..length];
            let rest = &after[(length + 1).min(after.len())..];
            let (last, tail) = match line.strip_prefix(b"--") {
                Some(tail) => (true, tail),
                None => (false, line),
            };
            if tail.iter().all(u8::is_ascii_whitespace) {
                let before = &bytes[..at];
                let before = before.strip_suffix(b"\n").unwrap_or(before);
                let before = before.strip_suffix(b"\r").unwrap_or(before);
                return Some((before, rest, last));
            }
            // The line break that ends this line begins the next.
            from = at + self.delimiter.len() + length;
        }
    }
}

/// Where a line begins with these bytes, other than the first.
fn find_at_line_start(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let pattern = [b"\n", wanted].concat();
    memchr::memmem::find(bytes, &pattern).map(|at| at + 1)
}

impl<'b> Iterator for Parts<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let rest = self.rest.take()?;
        match self.boundary(rest) {
            Some((part, after, last)) => {
                if last {
                    self.epilogue = after;
                } else {
                    self.rest = Some(after);
                }
                Some(part)
            }
            None => (!rest.is_empty()).then_some(rest),
        }
    }
}

/// How many lines are looked through for a boundary that no header names.
const LINES: usize = 400;

/// The boundary that a body was written with, found from its own lines: the first that begins `--` and is followed by a
/// header field of a part.
pub(super) fn written_boundary(body: &[u8]) -> Option<String> {
    let mut lines = body.split(|&byte| byte == b'\n').take(LINES).peekable();
    while let Some(line) = lines.next() {
        let Some(name) = line.trim_ascii_end().strip_prefix(b"--") else { continue };
        let sensible = (1..=200).contains(&name.len())
            && name.iter().all(u8::is_ascii_graphic)
            && name.iter().any(|&byte| byte != b'-');
        let field = lines.peek().is_some_and(|next| {
            let next = next.trim_ascii_end();
            next.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"))
                && memchr::memchr(b':', next).is_some()
        });
        if sensible && field {
            return String::from_utf8(name.to_vec()).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'b>(body: &'b str, boundary: &str) -> Vec<&'b str> {
        Parts::new(body.as_bytes(), boundary)
            .into_iter()
            .flatten()
            .map(|part| std::str::from_utf8(part).unwrap())
            .collect()
    }

    #[test]
    fn boundaries_are_whole_lines() {
        assert_eq!(parts("pre\r\n--b\r\none\r\n--bb\r\n--b \r\ntwo\r\n--b--\r\nepilogue", "b"), ["one\r\n--bb", "two"]);
        assert_eq!(parts("--b\nx--b\ny", "b"), ["x--b\ny"]);
        assert!(Parts::new(b"no --b here", "b").is_none());
    }

    #[test]
    fn the_epilogue_is_what_follows_the_last() {
        let mut parts = Parts::new(b"--b\none\n--b--\nrest", "b").unwrap();
        assert_eq!(parts.by_ref().count(), 1);
        assert_eq!(parts.epilogue(), b"rest");
    }

    #[test]
    fn a_boundary_is_told_by_its_lines() {
        let body = b"This is MIME.\r\n-- \r\n--=_x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--=_x--\r\n";
        assert_eq!(written_boundary(body).as_deref(), Some("=_x"));
        assert_eq!(written_boundary(b"Hello\n-- \nJohn\n--me\n"), None);
    }
}
