//! How kinds of servers behave, as far as it matters to a client.

/// How a kind of server behaves. Taken from real ones, as far as it matters to a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// The greeting, after `* `.
    pub(crate) greeting: &'static str,
    /// The capabilities before login, and after.
    pub(crate) capabilities: (&'static str, &'static str),
    /// The answer to a login carries the capabilities.
    pub(crate) tells_at_login: bool,
    /// Prefix and separator of the user's folders.
    pub(crate) namespace: (&'static str, char),
    /// A FETCH answer ends with the UID.
    pub(crate) uid_last: bool,
    /// Names in LIST and STATUS are quoted.
    pub(crate) quotes_names: bool,
    /// Says UIDVALIDITY when a folder is opened.
    pub(crate) tells_validity: bool,
    /// STORE in a folder opened by EXAMINE stores.
    pub(crate) stores_under_examine: bool,
}

pub(crate) const DOVECOT: Manner = Manner {
    greeting: "OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ENABLE IDLE AUTH=PLAIN] Dovecot ready.",
    capabilities: (
        "IMAP4rev1 SASL-IR LITERAL+ ENABLE IDLE AUTH=PLAIN",
        "IMAP4rev1 SASL-IR LITERAL+ ENABLE IDLE NAMESPACE UIDPLUS MOVE",
    ),
    tells_at_login: true,
    namespace: ("", '/'),
    uid_last: false,
    quotes_names: false,
    tells_validity: true,
    stores_under_examine: false,
};

pub(crate) const CYRUS: Manner = Manner {
    greeting: "OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE AUTH=PLAIN SASL-IR] mail.example.com Cyrus IMAP 3.6 server ready",
    capabilities: (
        "IMAP4rev1 LITERAL+ ID ENABLE AUTH=PLAIN SASL-IR",
        "IMAP4rev1 LITERAL+ ID ENABLE NAMESPACE UIDPLUS MOVE IDLE",
    ),
    tells_at_login: false,
    namespace: ("INBOX.", '.'),
    uid_last: true,
    quotes_names: false,
    tells_validity: true,
    stores_under_examine: false,
};

pub(crate) const COURIER: Manner = Manner {
    greeting: "OK [CAPABILITY IMAP4rev1 UIDPLUS CHILDREN NAMESPACE IDLE] Courier-IMAP ready.",
    capabilities: ("IMAP4rev1 UIDPLUS CHILDREN NAMESPACE IDLE", "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE IDLE"),
    tells_at_login: false,
    namespace: ("INBOX.", '.'),
    uid_last: false,
    quotes_names: true,
    tells_validity: true,
    stores_under_examine: true,
};

pub(crate) const EXCHANGE: Manner = Manner {
    greeting: "OK The Microsoft Exchange IMAP4 service is ready. [QQBCAEMARABFAEYA]",
    capabilities: (
        "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
        "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES CHILDREN IDLE NAMESPACE LITERAL+",
    ),
    tells_at_login: false,
    namespace: ("", '/'),
    uid_last: true,
    quotes_names: false,
    tells_validity: true,
    stores_under_examine: false,
};
