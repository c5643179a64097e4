//! Who sends mail in the name of the corpus's domains: the services, the owner's machines, forwarders and spoofers.

use super::network::{Network, mixed, v4};

/// What the sender's mail carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signing {
    /// A signature of the owner's domain.
    Own,
    /// A signature of the service's domain only.
    Service,
    /// Both.
    Both,
    /// None.
    Nothing,
    /// A signature on one part of the mail only.
    Sometimes,
    /// A signature of the owner, and often a further hop's on top; SPF is the forwarder's.
    Forwarded,
    /// Nothing, and the addresses of strangers.
    Spoofed,
}

/// What stands in MAIL FROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bounce {
    /// The header From domain.
    Same,
    /// A bounce subdomain of the owner.
    Aligned,
    /// The service's domain.
    Service,
}

/// One sender.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender {
    /// How many of a thousand records are its own.
    pub(crate) weight: u32,
    pub(crate) network: Network,
    pub(crate) signing: Signing,
    pub(crate) bounce: Bounce,
    /// The domain of the service: signs, bounces, or neither.
    pub(crate) service: &'static str,
    /// The selectors for the owner's domain.
    pub(crate) own: &'static [&'static str],
    /// The selectors for the service's domain.
    pub(crate) theirs: &'static [&'static str],
}

const fn sender(
    weight: u32,
    network: Network,
    signing: Signing,
    bounce: Bounce,
    service: &'static str,
    own: &'static [&'static str],
    theirs: &'static [&'static str],
) -> Sender {
    Sender { weight, network, signing, bounce, service, own, theirs }
}

use Bounce::{Aligned, Same, Service as Theirs};
use Signing::{Both, Forwarded, Nothing, Own, Service, Sometimes, Spoofed};

const MICROSOFT_V6: [u16; 4] = [0x2a01, 0x111, 0xf403, 0xc100];
const GOOGLE_V6: [u16; 4] = [0x2607, 0xf8b0, 0x4864, 0x20];

/// All of them. The order is part of the corpus: the choice goes by index.
pub(crate) static SENDERS: [Sender; 28] = [
    sender(90, mixed([40, 107, 0, 1], MICROSOFT_V6, 4, 700), Both, Same, "", &["selector1", "selector2"], &[]),
    sender(60, mixed([40, 107, 64, 1], MICROSOFT_V6, 4, 500), Service, Same, "onmicrosoft.com", &[], &[]),
    sender(
        75,
        mixed([209, 85, 128, 10], GOOGLE_V6, 3, 600),
        Both,
        Same,
        "gappssmtp.com",
        &["google"],
        &["20230601", "20251104"],
    ),
    sender(
        45,
        mixed([209, 85, 160, 10], GOOGLE_V6, 3, 300),
        Service,
        Same,
        "gappssmtp.com",
        &[],
        &["20230601", "20251104"],
    ),
    sender(80, v4([149, 72, 0, 5], 400), Both, Aligned, "sendgrid.net", &["s1", "s2"], &["smtpapi", "s2048"]),
    sender(40, v4([198, 2, 128, 3], 300), Both, Theirs, "mcsv.net", &["k1", "k2", "k3"], &["k1", "k2"]),
    sender(
        60,
        v4([54, 240, 0, 2], 300),
        Both,
        Aligned,
        "amazonses.com",
        &["q7xw2d5ho3fvz6", "m2k5rw4xlc7yqe", "zt4hvl3p6nsbua"],
        &["ug7nbtf4gccmlpwj322ax3p6ow6yfsug", "224i4yxa5dv7c2xz3womw6peuasteono"],
    ),
    sender(
        25,
        v4([198, 18, 40, 1], 120),
        Both,
        Theirs,
        "mailgate.example",
        &["mg2024", "mg2026"],
        &["mta1", "mta2", "mta3"],
    ),
    sender(25, v4([198, 18, 44, 1], 90), Both, Aligned, "crm-cloud.example", &["crm1", "crm2"], &["eu1", "eu2", "us1"]),
    sender(20, v4([198, 18, 48, 1], 60), Service, Theirs, "ticketdesk.example", &[], &["td1", "td2"]),
    sender(18, v4([198, 18, 52, 1], 80), Both, Theirs, "hubmail.example", &["hs1-4711", "hs2-4711"], &["hs1", "hs2"]),
    sender(15, v4([198, 18, 56, 1], 40), Service, Theirs, "invoice-run.example", &[], &["2025a", "2026a"]),
    sender(12, v4([198, 18, 60, 1], 30), Nothing, Theirs, "survey-kit.example", &[], &[]),
    sender(12, v4([198, 18, 64, 1], 30), Own, Aligned, "jobs-portal.example", &["jp", "jp2"], &[]),
    sender(10, v4([198, 18, 68, 1], 24), Both, Theirs, "event-mailer.example", &["em1", "em2"], &["tx"]),
    sender(10, v4([198, 18, 72, 1], 24), Service, Theirs, "shop-suite.example", &[], &["ss", "ss-b"]),
    sender(8, v4([198, 18, 76, 1], 16), Nothing, Theirs, "fax-gateway.example", &[], &[]),
    sender(8, v4([198, 18, 80, 1], 20), Own, Theirs, "payroll.example", &["pay"], &[]),
    sender(8, v4([198, 18, 84, 1], 16), Both, Theirs, "learning.example", &["lrn"], &["d2026"]),
    sender(
        55,
        mixed([198, 18, 1, 10], [0x2001, 0xdb8, 0x10, 0], 5, 12),
        Own,
        Same,
        "",
        &["2025q4", "2026q2", "2026q4"],
        &[],
    ),
    sender(30, v4([198, 18, 2, 10], 8), Own, Aligned, "", &["mail", "mail-ed25519"], &[]),
    sender(25, v4([198, 18, 3, 10], 6), Nothing, Same, "", &[], &[]),
    sender(12, v4([198, 18, 4, 10], 4), Sometimes, Same, "", &["dkim"], &[]),
    sender(8, v4([198, 18, 5, 10], 3), Nothing, Aligned, "", &[], &[]),
    sender(
        60,
        mixed([198, 19, 0, 1], [0x2001, 0xdb8, 0xf0, 1], 6, 1_500),
        Forwarded,
        Theirs,
        "",
        &["selector1", "s1", "2026q2", "k2"],
        &["arc-2024", "default", "fwd"],
    ),
    sender(
        20,
        mixed([198, 19, 64, 1], [0x2001, 0xdb8, 0xf1, 1], 9, 500),
        Forwarded,
        Theirs,
        "lists.example",
        &["selector1", "s1", "mail"],
        &["list"],
    ),
    sender(55, mixed([198, 19, 128, 1], [0x2001, 0xdb8, 0xbad, 1], 12, 3_000), Spoofed, Same, "", &[], &[]),
    sender(25, v4([198, 18, 128, 1], 1_500), Spoofed, Theirs, "", &[], &["dkim", "default", "mail"]),
];
