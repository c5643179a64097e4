//! The domains that the reports are about.

/// A domain with a policy, and the names under it that stand in header From.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) weight: u32,
    pub(crate) domain: &'static str,
    pub(crate) policy: &'static str,
    pub(crate) strict: bool,
    /// The tenant that Microsoft signs as while no key of the owner is set up.
    pub(crate) tenant: &'static str,
    /// The name that Google signs as in that case.
    pub(crate) workspace: &'static str,
    /// What stands in MAIL FROM where a service sends with a bounce subdomain.
    pub(crate) bounces: [&'static str; 3],
    /// Header From, the commonest first.
    pub(crate) names: [&'static str; 6],
}

/// All of them; five domains, thirty names.
pub(crate) static OWNERS: [Owner; 5] = [
    Owner {
        weight: 40,
        domain: "example.com",
        policy: "none",
        strict: false,
        tenant: "examplecom.onmicrosoft.com",
        workspace: "example-com.20251104.gappssmtp.com",
        bounces: ["em4711.example.com", "bounce.example.com", "ses.example.com"],
        names: [
            "example.com",
            "news.example.com",
            "service.example.com",
            "shop.example.com",
            "jobs.example.com",
            "lab.example.com",
        ],
    },
    Owner {
        weight: 25,
        domain: "fabrikam.example",
        policy: "quarantine",
        strict: false,
        tenant: "fabrikam.onmicrosoft.com",
        workspace: "fabrikam-example.20230601.gappssmtp.com",
        bounces: ["em12.fabrikam.example", "bounces.fabrikam.example", "rp.fabrikam.example"],
        names: [
            "fabrikam.example",
            "mail.fabrikam.example",
            "info.fabrikam.example",
            "crm.fabrikam.example",
            "hr.fabrikam.example",
            "old.fabrikam.example",
        ],
    },
    Owner {
        weight: 18,
        domain: "contoso.example",
        policy: "reject",
        strict: false,
        tenant: "contoso.onmicrosoft.com",
        workspace: "contoso-example.20251104.gappssmtp.com",
        bounces: ["em99.contoso.example", "mailer.contoso.example", "return.contoso.example"],
        names: [
            "contoso.example",
            "billing.contoso.example",
            "updates.contoso.example",
            "support.contoso.example",
            "eu.contoso.example",
            "test.contoso.example",
        ],
    },
    Owner {
        weight: 10,
        domain: "example.net",
        policy: "none",
        strict: true,
        tenant: "examplenet.onmicrosoft.com",
        workspace: "example-net.20230601.gappssmtp.com",
        bounces: ["b1.example.net", "b2.example.net", "ses.example.net"],
        names: [
            "example.net",
            "alerts.example.net",
            "status.example.net",
            "noc.example.net",
            "dev.example.net",
            "intern.example.net",
        ],
    },
    Owner {
        weight: 7,
        domain: "example.org",
        policy: "none",
        strict: false,
        tenant: "exampleorg.onmicrosoft.com",
        workspace: "example-org.20251104.gappssmtp.com",
        bounces: ["em5.example.org", "bounce.example.org", "mail.example.org"],
        names: [
            "example.org",
            "events.example.org",
            "members.example.org",
            "press.example.org",
            "donate.example.org",
            "archive.example.org",
        ],
    },
];
