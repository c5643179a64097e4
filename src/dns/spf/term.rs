//! The terms of an SPF record, read (RFC 7208 §4.6.1, §5 and §7).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde::Serialize;

use crate::tag_list::quoted;

/// What a mechanism that matches amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Qualifier {
    /// `+`, or nothing.
    Pass,
    /// `-`.
    Fail,
    /// `~`.
    SoftFail,
    /// `?`.
    Neutral,
}

impl Qualifier {
    /// The sign of it.
    #[must_use]
    pub fn sign(self) -> char {
        match self {
            Qualifier::Pass => '+',
            Qualifier::Fail => '-',
            Qualifier::SoftFail => '~',
            Qualifier::Neutral => '?',
        }
    }
}

/// How much of an address has to be the same, for `a` and `mx`: the whole of it where the record does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// Bits of an IPv4 address.
    pub v4: u8,
    /// Bits of an IPv6 address.
    pub v6: u8,
}

impl Default for Lengths {
    fn default() -> Self {
        Lengths { v4: 32, v6: 128 }
    }
}

impl Lengths {
    /// The network of these lengths that an address is in.
    #[must_use]
    pub fn around(self, address: IpAddr) -> Option<IpNet> {
        let length = if address.is_ipv4() { self.v4 } else { self.v6 };
        IpNet::new(address, length).ok()
    }
}

/// What a term is. A target of `None` is the record's own domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TermKind {
    /// Everybody.
    All,
    /// Whoever another record lets pass.
    Include(String),
    /// The addresses of a name.
    A(Option<String>, Lengths),
    /// The addresses of the mail servers of a name.
    Mx(Option<String>, Lengths),
    /// By reverse DNS: do not use (RFC 7208 §5.5).
    Ptr(Option<String>),
    /// An address or network.
    Ip(IpNet),
    /// Whoever a name exists for.
    Exists(String),
    /// The record to go on with.
    Redirect(String),
    /// Where an explanation is.
    Exp(String),
    /// A modifier that no standard has: receivers pass over it.
    Modifier,
    /// No term at all, and why: receivers refuse the record.
    Invalid(String),
}

/// A term of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// As written.
    pub text: String,
    /// What it amounts to when it matches.
    pub qualifier: Qualifier,
    /// What it is.
    pub kind: TermKind,
}

impl Term {
    pub(super) fn parse(text: &str) -> Self {
        let (qualifier, kind) = match modifier(text) {
            Some(kind) => (Qualifier::Pass, kind),
            None => mechanism(text),
        };
        Term { text: text.to_owned(), qualifier, kind }
    }

    /// Whether it costs one of the ten look-ups (RFC 7208 §4.6.4).
    #[must_use]
    pub fn costs(&self) -> bool {
        use TermKind::{A, Exists, Include, Mx, Ptr, Redirect};
        matches!(self.kind, Include(_) | A(..) | Mx(..) | Ptr(_) | Exists(_) | Redirect(_))
    }
}

/// `name=value`, where it is one: in a mechanism a `=` can only stand after a colon or slash.
fn modifier(text: &str) -> Option<TermKind> {
    let (name, value) = text.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !is_name {
        return None;
    }
    Some(match name.to_ascii_lowercase().as_str() {
        "redirect" => target(value, Place::Term).map_or_else(TermKind::Invalid, TermKind::Redirect),
        "exp" => target(value, Place::Explanation).map_or_else(TermKind::Invalid, TermKind::Exp),
        "include" | "a" | "mx" | "ptr" | "ip4" | "ip6" | "exists" | "all" => {
            TermKind::Invalid(format!("write {name}: with a colon, not with \"=\""))
        }
        _ => TermKind::Modifier,
    })
}

fn mechanism(text: &str) -> (Qualifier, TermKind) {
    let (qualifier, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (Qualifier::Pass, rest),
        Some(("-", rest)) => (Qualifier::Fail, rest),
        Some(("~", rest)) => (Qualifier::SoftFail, rest),
        Some(("?", rest)) => (Qualifier::Neutral, rest),
        _ => (Qualifier::Pass, text),
    };
    let end = rest.find([':', '/']).unwrap_or(rest.len());
    let (name, argument) = rest.split_at(end);
    let kind = match (name.to_ascii_lowercase().as_str(), argument) {
        ("all", "") => Ok(TermKind::All),
        ("all", _) => Err("nothing may follow \"all\"".to_owned()),
        ("include", _) => required(argument).map(TermKind::Include),
        ("exists", _) => required(argument).map(TermKind::Exists),
        ("a", _) => hosts(argument).map(|(name, lengths)| TermKind::A(name, lengths)),
        ("mx", _) => hosts(argument).map(|(name, lengths)| TermKind::Mx(name, lengths)),
        ("ptr", "") => Ok(TermKind::Ptr(None)),
        ("ptr", _) => required(argument).map(|target| TermKind::Ptr(Some(target))),
        ("ip4", _) => network::<Ipv4Addr>(argument, 32).map(TermKind::Ip),
        ("ip6", _) => network::<Ipv6Addr>(argument, 128).map(TermKind::Ip),
        _ => Err("there is no such mechanism".to_owned()),
    };
    (qualifier, kind.unwrap_or_else(TermKind::Invalid))
}

/// `:domain`.
fn required(argument: &str) -> Result<String, String> {
    let text = argument.strip_prefix(':').ok_or_else(|| "it needs a domain after a colon".to_owned())?;
    target(text, Place::Term)
}

/// Where a domain stands; some macros are for explanations alone (RFC 7208 §7.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Term,
    Explanation,
}

/// A domain, maybe with macros in it.
fn target(text: &str, place: Place) -> Result<String, String> {
    let text = text.trim_end_matches('.');
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        let kind = if address.is_ipv4() { "ip4" } else { "ip6" };
        return Err(format!("an address stands where a name belongs; write {kind}:{address}"));
    }
    let fit = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | '"' | '\'' | ',' | ';' | '<' | '>');
    let plain = !text.contains('%');
    if text.is_empty() || text.len() > 253 && plain || !text.chars().all(fit) {
        return Err(format!("{:?} is not a domain", quoted(text)));
    }
    macros(text, place)?;
    if plain && (!text.contains('.') || text.contains(['/', ':', '=']) || text.contains("..") || text.starts_with('.'))
    {
        return Err(format!("{:?} is not a domain; a blank may be missing", quoted(text)));
    }
    Ok(text.to_ascii_lowercase())
}

/// Whether the macros of a text are such that receivers can expand them (RFC 7208 §7.1).
fn macros(text: &str, place: Place) -> Result<(), String> {
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        rest = &rest[at + 1..];
        match rest.bytes().next() {
            Some(b'%' | b'_' | b'-') => rest = &rest[1..],
            Some(b'{') => {
                let (inner, behind) = rest[1..]
                    .split_once('}')
                    .ok_or_else(|| format!("the macro %{} has no closing brace", quoted(rest)))?;
                expandable(inner, place)?;
                rest = behind;
            }
            _ => return Err("a \"%\" stands there by itself; write %% for it".to_owned()),
        }
    }
    Ok(())
}

/// What stands between the braces of a macro: a letter, digits, `r`, delimiters.
fn expandable(inner: &str, place: Place) -> Result<(), String> {
    let letter = inner.chars().next().map(|c| c.to_ascii_lowercase());
    match letter {
        Some('s' | 'l' | 'o' | 'd' | 'i' | 'p' | 'h' | 'v') => {}
        Some('c' | 'r' | 't') if place == Place::Explanation => {}
        Some(c @ ('c' | 'r' | 't')) => {
            return Err(format!("the macro %{{{c}}} may stand in explanations (exp=) only; %{{i}} is the address"));
        }
        _ => return Err(format!("there is no macro %{{{}}}", quoted(inner))),
    }
    let rest = &inner[1..];
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, rest) = rest.split_at(end);
    if !digits.is_empty() && digits.bytes().all(|digit| digit == b'0') {
        return Err(format!("the macro %{{{}}} takes no part of the name; the number begins with 1", quoted(inner)));
    }
    let delimiters = rest.strip_prefix(['r', 'R']).unwrap_or(rest);
    match delimiters.chars().all(|c| ".-+,/_=".contains(c)) {
        true => Ok(()),
        false => Err(format!("there is no macro %{{{}}}", quoted(inner))),
    }
}

/// `[:domain][/24][//64]`.
fn hosts(argument: &str) -> Result<(Option<String>, Lengths), String> {
    // In a macro a slash may be a delimiter.
    let end = argument.rfind('}').map_or(0, |at| at + 1);
    let slash = argument[end..].find('/').map_or(argument.len(), |at| end + at);
    let (name, prefixes) = argument.split_at(slash);
    let (v4, v6) = match prefixes.split_once("//") {
        Some((v4, v6)) => (v4, Some(v6)),
        None => (prefixes, None),
    };
    if v6 == Some("") || v4 == "/" {
        return Err("a length is missing after the slash".to_owned());
    }
    let mut lengths = Lengths::default();
    if let Some(v4) = v4.strip_prefix('/') {
        lengths.v4 = length(v4, 32)?;
    }
    if let Some(v6) = v6 {
        lengths.v6 = length(v6, 128)?;
    }
    match name {
        "" => Ok((None, lengths)),
        _ => required(name).map(|name| (Some(name), lengths)),
    }
}

fn length(text: &str, most: u8) -> Result<u8, String> {
    match text.parse::<u8>() {
        Ok(length) if length <= most && (text == "0" || !text.starts_with(['0', '+'])) => Ok(length),
        _ => Err(format!("{:?} is not the length of a network", quoted(text))),
    }
}

fn network<T: std::str::FromStr + Into<IpAddr>>(argument: &str, most: u8) -> Result<IpNet, String> {
    let text = argument.strip_prefix(':').ok_or("it needs an address after a colon")?;
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let invalid = || format!("{:?} is not an address of this kind", quoted(address));
    let parsed = address.parse::<T>().map_err(|_| invalid())?;
    let length = prefix.map_or(Ok(most), |prefix| length(prefix, most))?;
    IpNet::new(parsed.into(), length).map_err(|_| invalid())
}
