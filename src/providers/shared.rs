//! Domains that tell nothing of one sender: every customer of a provider shows them, or anybody gets a mailbox there.

use super::catalogue::Catalogue;

/// Domains under which anybody gets a mailbox. Whoever writes there may put any name into From, and SPF and DKIM speak for the
/// host of the mailbox alone. Not complete, and need not be: what is missing is named to whoever decides about it.
const OPEN_MAILBOXES: &[&str] = &[
    "126.com",
    "163.com",
    "aim.com",
    "alice.it",
    "aol.com",
    "arcor.de",
    "att.net",
    "bigpond.com",
    "bk.ru",
    "bluewin.ch",
    "btinternet.com",
    "centrum.cz",
    "comcast.net",
    "cox.net",
    "daum.net",
    "earthlink.net",
    "fastmail.com",
    "fastmail.fm",
    "foxmail.com",
    "free.fr",
    "freenet.de",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hanmail.net",
    "hey.com",
    "hotmail.be",
    "hotmail.co.jp",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.com.br",
    "hotmail.de",
    "hotmail.es",
    "hotmail.fr",
    "hotmail.it",
    "hotmail.nl",
    "hushmail.com",
    "icloud.com",
    "inbox.lv",
    "inbox.ru",
    "interia.pl",
    "laposte.net",
    "libero.it",
    "list.ru",
    "live.ca",
    "live.co.uk",
    "live.com",
    "live.com.au",
    "live.de",
    "live.fr",
    "live.it",
    "live.nl",
    "mac.com",
    "mail.com",
    "mail.de",
    "mail.ru",
    "mailbox.org",
    "me.com",
    "msn.com",
    "naver.com",
    "neuf.fr",
    "o2.pl",
    "onet.pl",
    "op.pl",
    "optonline.net",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "outlook.es",
    "outlook.fr",
    "outlook.it",
    "outlook.jp",
    "pm.me",
    "posteo.de",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "rambler.ru",
    "rediffmail.com",
    "rocketmail.com",
    "runbox.com",
    "sapo.pt",
    "sbcglobal.net",
    "seznam.cz",
    "sfr.fr",
    "shaw.ca",
    "sina.com",
    "sky.com",
    "skynet.be",
    "sohu.com",
    "t-online.de",
    "telenet.be",
    "terra.com.br",
    "tiscali.it",
    "tuta.com",
    "tuta.io",
    "tutanota.com",
    "tutanota.de",
    "ukr.net",
    "uol.com.br",
    "verizon.net",
    "virgilio.it",
    "virginmedia.com",
    "wanadoo.fr",
    "web.de",
    "wp.pl",
    "xs4all.nl",
    "ya.ru",
    "yahoo.ca",
    "yahoo.co.id",
    "yahoo.co.in",
    "yahoo.co.jp",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.com.au",
    "yahoo.com.br",
    "yahoo.de",
    "yahoo.es",
    "yahoo.fr",
    "yahoo.it",
    "yandex.com",
    "yandex.ru",
    "yeah.net",
    "ymail.com",
    "ziggo.nl",
    "zoho.com",
    "zohomail.com",
];

impl Catalogue {
    /// Who shares a domain among senders that have nothing to do with each other: the name of the provider that signs or sends
    /// under it for its customers, or the domain itself where anybody gets a mailbox. The name is normalized.
    #[must_use]
    pub fn shares<'n>(&'n self, name: &'n str) -> Option<&'n str> {
        let provider =
            self.by_signing_domain(name).or_else(|| self.by_envelope_domain(name)).or_else(|| self.by_host(name));
        let mailboxes = || {
            let mut open = OPEN_MAILBOXES.iter().copied();
            open.find(|open| crate::domain::is_within(name, open))
        };
        provider.map(|provider| provider.name.as_str()).or_else(mailboxes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_mailboxes_are_domains_in_order() {
        assert!(OPEN_MAILBOXES.windows(2).all(|pair| pair[0] < pair[1]));
        for name in OPEN_MAILBOXES {
            assert_eq!(crate::domain::normalize(name).as_deref(), Some(*name));
            assert_eq!(crate::domain::organizational(name), *name);
        }
    }

    #[test]
    fn what_many_show_is_shared() {
        let catalogue = Catalogue::builtin();
        assert_eq!(catalogue.shares("u1.wl.sendgrid.net"), Some("SendGrid"));
        assert_eq!(catalogue.shares("a.rediffmail.com"), Some("rediffmail.com"));
        assert!(catalogue.shares("contoso.onmicrosoft.com").is_some());
        assert_eq!(catalogue.shares("paydesk.example"), None);
        assert_eq!(catalogue.shares("notrediffmail.com"), None);
    }
}
