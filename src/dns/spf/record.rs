//! An SPF record as text (RFC 7208 §4.6.1 and §5).

use super::term::{Term, TermKind};

/// An SPF record: its terms in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpfRecord {
    /// The terms.
    pub terms: Vec<Term>,
}

/// More terms than that are not read.
const MOST_TERMS: usize = 500;

impl SpfRecord {
    /// Reads a text; `None` where it is not an SPF record.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::spf::term::{Lengths, Qualifier};
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
