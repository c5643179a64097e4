//! The header of a mail as a series of fields, on the raw bytes.

/// A field of a header, as it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'m> {
    /// The name, as written.
    pub name: &'m [u8],
    /// The value with its folds, cut where it is absurdly long.
    pub value: &'m [u8],
    /// The value with its folds and uncut: for what must not be hidden behind a long beginning.
    pub whole: &'m [u8],
}

impl Field<'_> {
    /// Whether it has this name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// A field longer than this is cut before it is read; no field that matters here comes near.
const LONGEST_FIELD: usize = 16 * 1024;

/// A name longer than this is none.
const LONGEST_NAME: usize = 80;

/// The fields of an entity's header, in order. Lines that are not fields are passed over.
#[derive(Debug, Clone)]
pub struct HeaderFields<'m> {
    rest: &'m [u8],
    body: &'m [u8],
}

impl<'m> HeaderFields<'m> {
    /// Of an entity that begins with its header.
    #[must_use]
    pub fn new(entity: &'m [u8]) -> Self {
        HeaderFields { rest: entity, body: &[] }
    }

    /// What follows the header; empty before the last field has been seen.
    #[must_use]
    pub fn body(&self) -> &'m [u8] {
        self.body
    }
}

impl<'m> Iterator for HeaderFields<'m> {
    type Item = Field<'m>;

    fn next(&mut self) -> Option<Field<'m>> {
        while !self.rest.is_empty() {
            let mut end = line_end(self.rest);
            if self.rest[..end].trim_ascii().is_empty() {
                self.body = &self.rest[end..];
                self.rest = &[];
                return None;
            }
            while end < self.rest.len() && matches!(self.rest[end], b' ' | b'\t') {
                let next = end + line_end(&self.rest[end..]);
                if self.rest[end..next].trim_ascii().is_empty() {
                    break;
                }
                end = next;
            }
            let (line, rest) = self.rest.split_at(end);
            self.rest = rest;
            if let Some(colon) = line.iter().take(LONGEST_NAME).position(|&byte| byte == b':') {
                let whole = &line[colon + 1..];
                let value = &whole[..whole.len().min(LONGEST_FIELD)];
                return Some(Field { name: line[..colon].trim_ascii_end(), value, whole });
            }
        }
        None
    }
}

fn line_end(bytes: &[u8]) -> usize {
    memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_in_order_with_their_folds() {
        let mut fields = HeaderFields::new(b"A: 1\r\nB : 2\r\n  folded\r\nno field\r\nA: 3\r\n\r\nbody: 4\r\n");
        let seen: Vec<_> = fields.by_ref().map(|field| (field.name, field.value)).collect();
        let expected: [(&[u8], &[u8]); 3] = [(b"A", b" 1\r\n"), (b"B", b" 2\r\n  folded\r\n"), (b"A", b" 3\r\n")];
        assert_eq!(seen, expected);
        assert_eq!(fields.body(), b"body: 4\r\n");
    }
}
