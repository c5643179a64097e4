//! An SPF record as text (RFC 7208 §4.6.1 and §5).

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

/// An SPF record: its terms in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpfRecord {
    /// The terms.
    pub terms: Vec<Term>,
}

/// More terms than that are not read.
const MOST_TERMS: usize = 500;

impl SpfRecord {
    /// Reads a text; `None` where it is no SPF record.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.get(..6).filter(|start| start.eq_ignore_ascii_case("v=spf1")).map(|_| &text[6..])?;
        if !rest.is_empty() && !rest.starts_with(' ') {
            return None;
        }
        Some(SpfRecord {
            terms: rest.split(' ').filter(|term| !term.is_empty()).take(MOST_TERMS).map(Term::parse).collect(),
        })
    }

    /// The `all` of it.
    #[must_use]
    pub fn all(&self) -> Option<&Term> {
        self.terms.iter().find(|term| term.kind == TermKind::All)
    }

    /// Where it goes on, which counts only without an `all` (RFC 7208 §6.1).
    #[must_use]
    pub fn redirect(&self) -> Option<&str> {
        self.terms.iter().find_map(|term| match &term.kind {
            TermKind::Redirect(target) => Some(target.as_str()),
            _ => None,
        })
    }
}

impl Term {
    fn parse(text: &str) -> Self {
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

/// `name=value`, where it is one: in a mechanism a `=` can only stand behind a colon or slash.
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
    let text = argument.strip_prefix(':').ok_or_else(|| "it needs a domain behind a colon".to_owned())?;
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
        return Err("a length is missing behind the slash".to_owned());
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
    let text = argument.strip_prefix(':').ok_or("it needs an address behind a colon")?;
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let invalid = || format!("{:?} is not an address of this kind", quoted(address));
    let parsed = address.parse::<T>().map_err(|_| invalid())?;
    let length = prefix.map_or(Ok(most), |prefix| length(prefix, most))?;
    IpNet::new(parsed.into(), length).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(text: &str) -> Vec<TermKind> {
        SpfRecord::parse(text).unwrap().terms.into_iter().map(|term| term.kind).collect()
    }

    #[test]
    fn every_term() {
        use TermKind::*;
        let target = |text: &str| Some(text.to_owned());
        assert_eq!(
            kinds(
                "v=spf1 a mx a:mail.example.com/24//64 mx/28 ptr ptr:example.com ip4:192.0.2.0/24 ip6:2001:db8::/32 include:_spf.Example.net exists:%{ir}.sbl.example.org exp=why.example.com x-y=z ~all"
            ),
            [
                A(None, Lengths::default()),
                Mx(None, Lengths::default()),
                A(target("mail.example.com"), Lengths { v4: 24, v6: 64 }),
                Mx(None, Lengths { v4: 28, v6: 128 }),
                Ptr(None),
                Ptr(target("example.com")),
                Ip("192.0.2.0/24".parse().unwrap()),
                Ip("2001:db8::/32".parse().unwrap()),
                Include("_spf.example.net".to_owned()),
                Exists("%{ir}.sbl.example.org".to_owned()),
                Exp("why.example.com".to_owned()),
                Modifier,
                All
            ]
        );
        let record = SpfRecord::parse("V=SPF1 redirect=_spf.example.com").unwrap();
        assert_eq!((record.redirect(), record.all()), (Some("_spf.example.com"), None));
        let all = |text| SpfRecord::parse(text).unwrap().all().map(|term| term.qualifier);
        assert_eq!(all("v=spf1 -all"), Some(Qualifier::Fail));
        assert_eq!(all("v=spf1 ALL"), Some(Qualifier::Pass));
        assert_eq!(kinds("v=spf1"), []);
    }

    #[test]
    fn what_is_no_term() {
        for term in [
            "all.",
            "all:x",
            "include",
            "include:",
            "include:spf",
            "include:a.example.cominclude:b.example.com",
            "include=x.example.com",
            "ip4:1.2.3",
            "ip4:192.0.2.0/33",
            "ip4:2001:db8::1",
            "ip6:192.0.2.1",
            "ip4",
            "a/33",
            "a//129",
            "a/",
            "a//",
            "mx:",
            "ipv4:192.0.2.1",
            "-",
            "192.0.2.1",
            "a:%x.example.com",
            "include:example.com,",
            "ip4:192.0.2.0/024",
            "redirect=",
            "a:192.0.2.1",
            "a:192.0.2.1/24",
            "mx:192.0.2.1",
            "include:192.0.2.1",
            "include:2001:db8::1",
            "exists:%{z}.example.com",
            "exists:%{i.example.com",
            "exists:%{c}.example.com",
            "exists:%{d0}.example.com",
            "exists:%{i!}.example.com",
            "exists:%{}.example.com",
            "a:50%.example.com",
            "\u{e4}",
        ] {
            let kinds = kinds(&format!("v=spf1 {term} -all"));
            assert!(matches!(kinds[0], TermKind::Invalid(_)), "{term}: {kinds:?}");
        }
    }

    #[test]
    fn macros_that_can_be_expanded() {
        for term in [
            "exists:%{ir}.%{v}._spf.%{d2}",
            "exists:%{L1r+-}.%{o}",
            "include:%{H}.a%%b%-c.example.com",
            "exp=%{c}.%{t}.example.com",
        ] {
            let kinds = kinds(&format!("v=spf1 {term} -all"));
            assert!(!matches!(kinds[0], TermKind::Invalid(_)), "{term}: {kinds:?}");
        }
        let [TermKind::Invalid(reason), ..] = &kinds("v=spf1 a:192.0.2.1 -all")[..] else { panic!() };
        assert!(reason.ends_with("write ip4:192.0.2.1"), "{reason}");
    }

    #[test]
    fn what_is_no_record() {
        for text in ["v=spf10 -all", "v=spf1;-all", " v=spf1 -all", "spf1 -all", "", "v=spf", "v=sp\u{e4}1"] {
            assert_eq!(SpfRecord::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text(text in "v=spf1 [+~?-]?(a|mx|ip4|ip6|include|exists|ptr|all|redirect=|\\PC)[:/%{}.=a-z0-9]{0,20}\\PC{0,60}") {
            let record = SpfRecord::parse(&text).unwrap();
            for term in &record.terms {
                prop_assert!(text.contains(&term.text));
            }
        }
    }
}
