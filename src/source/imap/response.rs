//! What an answer says: values, and the few kinds of answers that matter here (RFC 3501 §7, RFC 2342, RFC 3502).
//!
//! Lenient on purpose: an item that is not known is read over, the order of items is nobody's business, and an answer that
//! makes no sense is [`Response::Other`]. What is needed and missing is missed by whoever asked for it.

use super::wire::Answer;

/// Lists within lists.
const DEPTH: usize = 16;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A word or a number, and NIL where no text can be meant.
    Atom(Vec<u8>),
    /// A quoted text or a literal.
    Text(Vec<u8>),
    /// A list.
    List(Vec<Value>),
}

impl Value {
    /// The text of a word or text; NIL is none.
    pub(super) fn text(&self) -> Option<&[u8]> {
        match self {
            Value::Atom(text) if text.eq_ignore_ascii_case(b"NIL") => None,
            Value::Atom(text) | Value::Text(text) => Some(text),
            Value::List(_) => None,
        }
    }

    /// The same, taken out.
    pub(super) fn into_text(self) -> Option<Vec<u8>> {
        match self {
            Value::Atom(text) if text.eq_ignore_ascii_case(b"NIL") => None,
            Value::Atom(text) | Value::Text(text) => Some(text),
            Value::List(_) => None,
        }
    }

    /// A number.
    pub(super) fn number<N: std::str::FromStr>(&self) -> Option<N> {
        std::str::from_utf8(self.text()?).ok()?.parse().ok()
    }

    /// The values of a list.
    pub(super) fn list(&self) -> Option<&[Value]> {
        match self {
            Value::List(values) => Some(values),
            _ => None,
        }
    }
}

/// How a command or the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    No,
    Bad,
    Bye,
    PreAuth,
}

/// A response code (RFC 3501 §7.1): its name in capitals, and what follows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) name: String,
    pub(super) rest: String,
}

/// An answer, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Response {
    /// A state: of the command with this tag, or of the connection.
    State { tag: Option<String>, state: State, code: Code, text: String },
    /// Go on.
    Continue(String),
    /// What the server can do, in capitals.
    Capability(Vec<String>),
    /// Items of the mail with this number, their names in capitals.
    Fetch(u32, Vec<(String, Value)>),
    /// How many mails there are.
    Exists(u32),
    /// Mails are gone, and the numbers of others have changed.
    Gone,
    /// A folder.
    List { attributes: Vec<String>, separator: Option<u8>, name: Vec<u8> },
    /// Items of a folder, their names in capitals.
    Status(Vec<(String, Value)>),
    /// The user's rights in a folder, a letter each.
    MyRights(String),
    /// The namespaces: personal, of others, shared.
    Namespace(Vec<Value>),
    /// Anything else.
    Other,
}

/// Understands an answer.
pub(super) fn parse(answer: Answer) -> Response {
    let Answer { text, literals } = answer;
    let mut parser = Parser { text: &text, literals: literals.into_iter() };
    parser.response().unwrap_or(Response::Other)
}

struct Parser<'t> {
    text: &'t [u8],
    literals: std::vec::IntoIter<Vec<u8>>,
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn capitals(bytes: &[u8]) -> String {
    lossy(bytes).to_ascii_uppercase()
}

/// Words between spaces, in capitals.
fn words(bytes: &[u8]) -> Vec<String> {
    bytes.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).map(capitals).collect()
}

impl<'t> Parser<'t> {
    fn response(&mut self) -> Option<Response> {
        let tag = self.word();
        if tag == b"+" {
            return Some(Response::Continue(lossy(self.text)));
        }
        let untagged = tag == b"*";
        let word = self.word();
        if let Some(state) = state(word) {
            let (code, text) = self.code();
            let tag = (!untagged).then(|| lossy(tag));
            return Some(Response::State { tag, state, code, text });
        }
        if !untagged {
            return None;
        }
        if let Ok(number) = std::str::from_utf8(word).ok()?.parse::<u32>() {
            return match capitals(self.word()).as_str() {
                "EXISTS" => Some(Response::Exists(number)),
                "FETCH" => self.fetch(number),
                "EXPUNGE" => Some(Response::Gone),
                _ => None,
            };
        }
        match capitals(word).as_str() {
            "CAPABILITY" => Some(Response::Capability(words(self.text))),
            "VANISHED" => Some(Response::Gone),
            "LIST" => self.list(),
            "STATUS" => {
                // The folder's name: only one was asked for.
                self.value(0)?;
                self.items().map(Response::Status)
            }
            "MYRIGHTS" => {
                // The folder's name: only one was asked for.
                self.value(0)?;
                Some(Response::MyRights(lossy(self.value(0)?.text()?)))
            }
            "NAMESPACE" => {
                let mut values = Vec::new();
                while let Some(value) = self.value(0) {
                    values.push(value);
                }
                Some(Response::Namespace(values))
            }
            _ => None,
        }
    }

    /// The bytes up to the next space, which is taken too.
    fn word(&mut self) -> &'t [u8] {
        let end = memchr::memchr(b' ', self.text).unwrap_or(self.text.len());
        let word = &self.text[..end];
        self.text = self.text.get(end + 1..).unwrap_or_default();
        word
    }

    /// The code in brackets, if there is one, and the text after it.
    fn code(&self) -> (Code, String) {
        if let Some(inner) = self.text.strip_prefix(b"[")
            && let Some(end) = memchr::memchr(b']', inner)
        {
            let code = &inner[..end];
            let space = memchr::memchr(b' ', code).unwrap_or(code.len());
            let rest = lossy(code.get(space + 1..).unwrap_or_default());
            let text = lossy(inner[end + 1..].trim_ascii());
            return (Code { name: capitals(&code[..space]), rest }, text);
        }
        (Code::default(), lossy(self.text.trim_ascii()))
    }

    fn fetch(&mut self, number: u32) -> Option<Response> {
        self.items().map(|items| Response::Fetch(number, items))
    }

    /// A list of names and values in turn.
    fn items(&mut self) -> Option<Vec<(String, Value)>> {
        let Value::List(values) = self.value(0)? else { return None };
        let mut items = Vec::with_capacity(values.len() / 2);
        let mut values = values.into_iter();
        while let (Some(name), Some(value)) = (values.next(), values.next()) {
            items.push((capitals(name.text()?), value));
        }
        Some(items)
    }

    fn list(&mut self) -> Option<Response> {
        let attributes = self.value(0)?;
        let attributes = attributes.list()?.iter().filter_map(|value| value.text().map(capitals)).collect();
        let separator = self.value(0)?.text().and_then(|text| text.first().copied());
        // A folder may be called NIL.
        let name = match self.value(0)? {
            Value::Atom(name) | Value::Text(name) => name,
            Value::List(_) => return None,
        };
        Some(Response::List { attributes, separator, name })
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        while let Some(rest) = self.text.strip_prefix(b" ") {
            self.text = rest;
        }
        match *self.text.first()? {
            b'(' if depth < DEPTH => {
                self.text = &self.text[1..];
                let mut values = Vec::new();
                while let Some(value) = self.value(depth + 1) {
                    values.push(value);
                }
                self.text = self.text.strip_prefix(b")")?;
                Some(Value::List(values))
            }
            b'(' | b')' => None,
            b'"' => self.quoted(),
            b'{' | b'~' if self.is_literal() => {
                let end = memchr::memchr(b'\n', self.text)?;
                self.text = &self.text[end + 1..];
                self.literals.next().map(Value::Text)
            }
            _ => self.atom(),
        }
    }

    fn is_literal(&self) -> bool {
        let text = self.text.strip_prefix(b"~").unwrap_or(self.text);
        text.first() == Some(&b'{')
            && memchr::memchr(b'\n', text)
                .is_some_and(|end| text[1..end].iter().all(|byte| byte.is_ascii_digit() || b"+}".contains(byte)))
    }

    fn quoted(&mut self) -> Option<Value> {
        let mut text = Vec::new();
        let mut bytes = self.text[1..].iter().enumerate();
        while let Some((at, &byte)) = bytes.next() {
            match byte {
                b'"' => {
                    self.text = &self.text[at + 2..];
                    return Some(Value::Text(text));
                }
                b'\\' => text.push(*bytes.next()?.1),
                _ => text.push(byte),
            }
        }
        None
    }

    /// A word; what stands in brackets belongs to it, spaces and parentheses too: `BODY[HEADER.FIELDS (DATE)]<0>`.
    fn atom(&mut self) -> Option<Value> {
        let mut in_brackets = false;
        let end = self.text.iter().position(|&byte| {
            match byte {
                b'[' => in_brackets = true,
                b']' => in_brackets = false,
                _ => return !in_brackets && matches!(byte, b' ' | b'(' | b')' | b'"' | b'\n'),
            }
            false
        });
        let end = end.unwrap_or(self.text.len());
        if end == 0 {
            return None;
        }
        let atom = self.text[..end].to_vec();
        self.text = &self.text[end..];
        Some(Value::Atom(atom))
    }
}

fn state(word: &[u8]) -> Option<State> {
    Some(match capitals(word).as_str() {
        "OK" => State::Ok,
        "NO" => State::No,
        "BAD" => State::Bad,
        "BYE" => State::Bye,
        "PREAUTH" => State::PreAuth,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, literals: &[&str]) -> Response {
        let literals = literals.iter().map(|literal| literal.as_bytes().to_vec()).collect();
        parse(Answer { text: text.as_bytes().to_vec(), literals })
    }

    fn text(text: &str) -> Value {
        Value::Text(text.as_bytes().to_vec())
    }

    fn atom(text: &str) -> Value {
        Value::Atom(text.as_bytes().to_vec())
    }

    #[test]
    fn states_with_and_without_codes() {
        let state = |tag: Option<&str>, state, name: &str, rest: &str, text: &str| Response::State {
            tag: tag.map(str::to_owned),
            state,
            code: Code { name: name.to_owned(), rest: rest.to_owned() },
            text: text.to_owned(),
        };
        assert_eq!(read("a7 OK", &[]), state(Some("a7"), State::Ok, "", "", ""));
        assert_eq!(read("a7 no [TryCreate] no {5}", &[]), state(Some("a7"), State::No, "TRYCREATE", "", "no {5}"));
        assert_eq!(read("* BYE [x] ", &[]), state(None, State::Bye, "X", "", ""));
        assert_eq!(read("* OK [UIDVALIDITY 7] x", &[]), state(None, State::Ok, "UIDVALIDITY", "7", "x"));
        assert_eq!(read("* OK [broken x", &[]), state(None, State::Ok, "", "", "[broken x"));
        assert_eq!(read("+ ", &[]), Response::Continue(String::new()));
        assert_eq!(read("+", &[]), Response::Continue(String::new()));
    }

    #[test]
    fn mails_with_items_in_any_order() {
        let body = || ("BODY[]".to_owned(), text("x"));
        let uid = || ("UID".to_owned(), atom("5"));
        assert_eq!(read("* 1 FETCH (UID 5 BODY[] {1}\n)", &["x"]), Response::Fetch(1, vec![uid(), body()]));
        assert_eq!(read("* 1 fetch (body[] \"x\" uid 5)", &[]), Response::Fetch(1, vec![body(), uid()]));
        let more = read("* 9 FETCH (X-NEW (a (b NIL)) BODY[HEADER.FIELDS (DATE \"x\")]<0> {2}\n UID 5)", &["yy"]);
        let Response::Fetch(9, items) = more else { panic!("{more:?}") };
        assert_eq!(items[1], ("BODY[HEADER.FIELDS (DATE \"X\")]<0>".to_owned(), text("yy")));
        assert_eq!(items[2], uid());
        assert_eq!(atom("nil").text(), None);
    }

    #[test]
    fn folders_and_namespaces() {
        let list = |name: &str, separator| Response::List {
            attributes: vec!["\\NOSELECT".to_owned()],
            separator,
            name: name.as_bytes().to_vec(),
        };
        assert_eq!(read("* LIST (\\Noselect) \".\" INBOX.x", &[]), list("INBOX.x", Some(b'.')));
        assert_eq!(read("* LIST (\\Noselect) NIL NIL", &[]), list("NIL", None));
        assert_eq!(read("* LIST (\\Noselect) \"\\\\\" {3}\n", &["a b"]), list("a b", Some(b'\\')));
        let found = read("* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL", &[]);
        let personal = Value::List(vec![Value::List(vec![text("INBOX."), text(".")])]);
        assert_eq!(found, Response::Namespace(vec![personal, atom("NIL"), atom("NIL")]));
    }

    proptest! {
        #[test]
        fn any_answer(bytes in proptest::collection::vec(prop_oneof![proptest::sample::select(b"*() \"\\[]{}\n1+~".to_vec()), any::<u8>()], 0..200)) {
            let fetch = [b"* 1 FETCH (".as_slice(), &bytes].concat();
            let list = [b"* LIST ".as_slice(), &bytes].concat();
            for text in [bytes, fetch, list] {
                let _ = parse(Answer { text, literals: vec![b"x".to_vec()] });
            }
        }
    }
}
