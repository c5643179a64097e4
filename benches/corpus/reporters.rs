//! The reporters: who writes reports, and how each one's reports look.
//!
//! A reader's speed depends on the form of what it reads: indentation, which elements are there, how the file is packed.
//! One invented style would measure the reader of that style; these are the shapes seen in the wild.

use super::style::{
    CRLF, Container, Envelope, FLAT, IdShape, Layout, ONE_LINE, SubdomainPolicy, TABS, THREE_SPACES, TRAILING_TABS,
    TWO_SPACES,
};

/// One reporter and its habits.
#[derive(Debug, Clone)]
pub(crate) struct Reporter {
    /// How many of a thousand reports are its own.
    pub(crate) weight: u32,
    /// How many sites run this software, each under an `org_name` of its own; 1 for a single reporter.
    pub(crate) sites: usize,
    /// `org_name`; for several sites `#` stands for the site's number.
    pub(crate) org_name: &'static str,
    /// `email`, and the mail's From; its domain is the submitter.
    pub(crate) email: &'static str,
    /// `extra_contact_info`, if any.
    pub(crate) contact: Option<&'static str>,
    /// Whether reports of over a thousand records come from it.
    pub(crate) giant: bool,
    pub(crate) container: Container,
    pub(crate) media_type: &'static str,
    pub(crate) envelope: Envelope,
    pub(crate) layout: Layout,
    /// Everything before the root element.
    pub(crate) prolog: &'static str,
    /// The attributes of the root element, with the blank before them.
    pub(crate) root: &'static str,
    pub(crate) version: Option<&'static str>,
    pub(crate) id: IdShape,
    /// Seconds after midnight UTC at which its day begins.
    pub(crate) begins: i64,
    /// Whether the end given is the first second after the period instead of its last.
    pub(crate) end_exclusive: bool,
    /// Whether `adkim` and `aspf` are written.
    pub(crate) modes: bool,
    pub(crate) sp: SubdomainPolicy,
    /// Whether `np` is written.
    pub(crate) np: bool,
    /// Whether `fo` is written.
    pub(crate) fo: bool,
    /// Whether it writes the form of RFC 9990.
    pub(crate) rfc9990: bool,
    pub(crate) envelope_from: bool,
    pub(crate) envelope_to: bool,
    pub(crate) scope: bool,
    pub(crate) selector: bool,
    /// Whether `selector` stands before `result`.
    pub(crate) selector_first: bool,
    pub(crate) spf_first: bool,
    /// Whether unsigned mail is told by a `<dkim>` with the result `none` instead of by no `<dkim>` at all.
    pub(crate) dkim_none: bool,
    /// Whether `human_result` is written.
    pub(crate) human_result: bool,
    /// Whether overrides carry a reason.
    pub(crate) reasons: bool,
    /// Whether XML comments stand between the records.
    pub(crate) comments: bool,
}

const DECLARED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>";

/// What most do; each reporter below says where it differs.
const PLAIN: Reporter = Reporter {
    weight: 0,
    sites: 1,
    org_name: "",
    email: "",
    contact: None,
    giant: false,
    container: Container::Gzip,
    media_type: "application/gzip",
    envelope: Envelope::Mixed,
    layout: TWO_SPACES,
    prolog: DECLARED,
    root: "",
    version: Some("1.0"),
    id: IdShape::Hex32,
    begins: 0,
    end_exclusive: false,
    modes: true,
    sp: SubdomainPolicy::Same,
    np: false,
    fo: false,
    rfc9990: false,
    envelope_from: true,
    envelope_to: false,
    scope: true,
    selector: true,
    selector_first: true,
    spf_first: false,
    dkim_none: false,
    human_result: false,
    reasons: true,
    comments: false,
};

const MICROSOFT: Reporter = Reporter {
    giant: true,
    envelope: Envelope::Html,
    prolog: "<?xml version=\"1.0\"?>",
    root: " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"",
    email: "dmarcreport@microsoft.com",
    end_exclusive: true,
    fo: true,
    envelope_to: true,
    ..PLAIN
};

const UNITED_INTERNET: Reporter = Reporter {
    layout: THREE_SPACES,
    prolog: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    root: " xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\"",
    contact: Some("https://postmaster.gmx.net/en/case?c=r2002"),
    rfc9990: true,
    ..PLAIN
};

/// The index into [`REPORTERS`] of the one that writes the large single report.
pub(crate) const OUTLOOK: usize = 2;

/// All of them. The order is part of the corpus: the choice goes by index.
pub(crate) static REPORTERS: [Reporter; 17] = [
    Reporter {
        weight: 290,
        org_name: "google.com",
        email: "noreply-dmarc-support@google.com",
        contact: Some("https://support.google.com/a/answer/2466580"),
        giant: true,
        container: Container::Zip,
        media_type: "application/zip",
        envelope: Envelope::Whole,
        version: None,
        id: IdShape::Digits,
        np: true,
        envelope_from: false,
        scope: false,
        selector_first: false,
        ..PLAIN
    },
    Reporter {
        weight: 140,
        org_name: "Yahoo",
        email: "dmarchelp@yahooinc.com",
        media_type: "application/x-gzip",
        layout: TRAILING_TABS,
        prolog: "<?xml version=\"1.0\"?>",
        version: None,
        id: IdShape::Float,
        sp: SubdomainPolicy::Omitted,
        envelope_from: false,
        scope: false,
        ..PLAIN
    },
    Reporter { weight: 70, org_name: "Outlook.com", ..MICROSOFT },
    Reporter { weight: 110, org_name: "Enterprise Outlook", layout: TABS, ..MICROSOFT },
    Reporter {
        weight: 60,
        org_name: "Mimecast.org",
        email: "no-reply@us-1.mimecastreport.com",
        contact: Some("https://community.mimecast.com"),
        container: Container::GzipWithTail,
        layout: TWO_SPACES,
        version: None,
        id: IdShape::Hex64,
        envelope_from: false,
        scope: false,
        human_result: true,
        ..PLAIN
    },
    Reporter {
        weight: 50,
        org_name: "AMAZON-SES",
        email: "postmaster@amazonses.com",
        media_type: "application/octet-stream",
        envelope: Envelope::SplitName,
        layout: TABS,
        version: Some("0.1"),
        end_exclusive: true,
        scope: false,
        ..PLAIN
    },
    Reporter { weight: 35, org_name: "GMX", email: "noreply-dmarc@sicher.gmx.net", ..UNITED_INTERNET },
    Reporter { weight: 30, org_name: "WEB.DE", email: "noreply-dmarc@sicher.web.de", ..UNITED_INTERNET },
    Reporter {
        weight: 40,
        sites: 40,
        org_name: "mx#.rspamd-site.example",
        email: "noreply-dmarc@rspamd-site.example",
        layout: TABS,
        version: None,
        id: IdShape::DomainAndPeriod,
        end_exclusive: true,
        envelope_from: false,
        scope: false,
        selector: false,
        ..PLAIN
    },
    Reporter {
        weight: 40,
        org_name: "FastMail Pty Ltd",
        email: "reports@fastmaildmarc.com",
        contact: Some("https://fastmail.com"),
        layout: TABS,
        id: IdShape::Digits,
        modes: false,
        begins: -14_400,
        fo: true,
        comments: true,
        ..PLAIN
    },
    Reporter {
        weight: 35,
        sites: 25,
        org_name: "esa#.hc1113-13.iphmx.com",
        email: "MAILER-DAEMON@esa1.hc1113-13.iphmx.com",
        contact: Some(""),
        layout: FLAT,
        id: IdShape::Cisco,
        begins: 3_600,
        sp: SubdomainPolicy::Empty,
        dkim_none: true,
        reasons: false,
        ..PLAIN
    },
    Reporter {
        weight: 20,
        org_name: "Mail.Ru",
        email: "dmarc_support@corp.mail.ru",
        contact: Some("http://help.mail.ru/mail-help"),
        container: Container::Zip,
        media_type: "application/x-zip-compressed",
        layout: ONE_LINE,
        prolog: "<?xml version='1.0' encoding='utf-8'?>",
        version: None,
        id: IdShape::Digits,
        end_exclusive: true,
        envelope_from: false,
        ..PLAIN
    },
    Reporter {
        weight: 15,
        org_name: "centera.example",
        email: "dmarc@centera.example",
        container: Container::Bare,
        media_type: "text/xml",
        layout: CRLF,
        ..PLAIN
    },
    Reporter {
        weight: 10,
        org_name: "docomo.ne.jp",
        email: "dmarc_report@dmarc25.jp",
        container: Container::Zip,
        media_type: "application/zip",
        layout: ONE_LINE,
        prolog: "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        begins: -32_400,
        ..PLAIN
    },
    Reporter {
        weight: 20,
        sites: 30,
        org_name: "mail#.opendmarc-site.example",
        email: "postmaster@opendmarc-site.example",
        container: Container::Zip,
        media_type: "application/zip",
        layout: TABS,
        version: None,
        id: IdShape::DomainAndTime,
        end_exclusive: true,
        envelope_from: false,
        scope: false,
        spf_first: true,
        ..PLAIN
    },
    Reporter {
        weight: 20,
        org_name: "comcast.net",
        email: "dmarc_feedback@comcast.net",
        layout: TABS,
        fo: true,
        spf_first: true,
        begins: 18_000,
        ..PLAIN
    },
    Reporter {
        weight: 40,
        sites: 20,
        org_name: "gateway#.mailguard.example",
        email: "dmarc@mailguard.example",
        layout: TABS,
        human_result: true,
        dkim_none: true,
        ..PLAIN
    },
];
