//! How to fix mail that is sent for the owner, by its cause.

use std::net::IpAddr;

use super::case::{Case, told};
use crate::cause::Cause;
use crate::diagnosis::cause::Fault;
use crate::diagnosis::class::Class;
use crate::diagnosis::own_paths::Relay;
use crate::domain;
use crate::providers::{DnsRecord, LOOK_AGAIN, Remedy};
use crate::report::period::date_of;
use crate::words::list;

impl Case<'_, '_> {
    /// Remedies that are the same whoever sends.
    pub(super) fn everywhere(&self, cause: Cause) -> Option<Remedy> {
        let (domain, organization) = (self.path.domain.as_str(), self.organization());
        let keys = list(self.evidence.cause.as_ref().map_or(&[][..], |shown| &shown.selectors), 3);
        let names = self.evidence.cause.as_ref().map_or(&[][..], |shown| &shown.names);
        let remedy = match cause {
            Cause::HostNameAsFrom => told(
                format!("make {domain} use an address of {organization} in From"),
                vec![
                    format!("What the machine itself sends (cron, alerts, monitoring) carries its host name: set the mail system's own domain to {organization} (Postfix: myorigin, or masquerade_domains; Exim: qualify_domain; sendmail: MASQUERADE_AS), so that From is @{organization}."),
                    format!("Then relay this mail through {}, so that it leaves signed.", self.relay().map_or_else(|| format!("a server that signs as {organization} already"), |relay| relay.name)),
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::SomeReporters if self.evidence.counted.broken > self.evidence.counted.unsigned => told(
                format!("find out why some receivers verify no signature of {domain}"),
                vec![
                    format!("`dmarcstat dns {domain}` shows the key: RSA of 1024 bits at least, better 2048; large receivers accept no shorter one, and not all know ed25519."),
                    format!("Send a message to a mailbox at {} and look at its headers with `dmarcstat inspect`: they say why the signature fails.", list(names, 3)),
                    "Mail to these receivers may take another route (a connector, a partner's gateway) that changes it after it was signed: sign after that, or stop it from changing mail.".to_owned(),
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::SomeReporters => told(
                format!("find out why some receivers see no signature of {domain}"),
                vec![
                    format!("Send a message to a mailbox at {} and look at its headers with `dmarcstat inspect`.", list(names, 3)),
                    "Another route to these receivers (a connector, a partner's gateway) may bypass the signer; otherwise it is a habit of these receivers, and there is nothing to do.".to_owned(),
                ],
            ),
            Cause::SpfUnevaluable => told(
                format!("fix the SPF record of {}", names.first().map_or("the reverse-path's domain", String::as_str)),
                vec![
                    format!("`dmarcstat dns {}` shows what is wrong with it: more than ten DNS lookups, two records, a mistake in it or in one that it includes.", names.first().map_or("NAME", String::as_str)),
                    "Take out includes of services that nobody uses, and those that do not use a reverse-path of the domain; publish one record.".to_owned(),
                    format!("Also sign as {domain}: signed mail does not depend on SPF."),
                ],
            ),
            Cause::KeyUnreachable => told(
                format!("fix the name servers that hold the DKIM key of {domain} (selector {keys})"),
                vec![
                    format!("Receivers could not fetch the key (temperror): `dmarcstat dns {domain}` asks for it; try every name server of the zone, over TCP too, and where the name is a CNAME, those of its target."),
                    "Long keys need answers over TCP or with EDNS: a firewall that drops these is a common cause.".to_owned(),
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::Rotation => told(
                format!("rotate the DKIM key of {domain} without a gap"),
                vec![
                    "Publish a new key days before it signs, and keep the old one for a week after.".to_owned(),
                    "It is over now; nothing needs to be done before the next rotation.".to_owned(),
                ],
            ),
            Cause::UnsupportedAlgorithm if self.fault() == Some(Fault::TooShort) => told(
                format!("sign {domain} with a longer key: RSA of 2048 bits"),
                vec![
                    format!("Receivers refuse the key (selector {keys}) as too short: they must take signatures by RSA keys of less than 1024 bits as failed (RFC 8301 §3.2). `dmarcstat dns {domain}` shows how long it is."),
                    "Make a key of 2048 bits under a new selector, publish it, and sign with it; take the old record away when its last mail has arrived, a week or so later: a key so short can be broken.".to_owned(),
                    "Where a service signs, ask it for a key of 2048 bits.".to_owned(),
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::UnsupportedAlgorithm => told(
                format!("sign {domain} with RSA too"),
                vec![
                    format!("Not all receivers know ed25519: put an RSA signature of 2048 bits (selector beside {keys}) on every message; the ed25519 one may stay beside it."),
                    format!("`dmarcstat dns {domain}` shows what key it is: where it is RSA of less than 1024 bits, that is why, and a longer one is wanted."),
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::Unexplained if self.fault() == Some(Fault::Expired) => told(
                format!("make signatures of {domain} valid until the mail arrives"),
                vec![
                    "The signature names a time after which it does not count (x=). Leave it out, or allow a week or more: mail that a receiver defers, or that waits for a server that is down, is tried again for days (OpenDKIM: SignatureTTL; Exim: dkim_timestamps).".to_owned(),
                    "See that the clock of the machine that signs is right (NTP).".to_owned(),
                    "Look for mail that waits after it was signed, in the queue of a bulk mailing or of a gateway: sign when it is sent, and not when it is queued.".to_owned(),
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::StrictAlignment => told(
                format!("relax the alignment of {organization}: adkim=r"),
                vec![
                    self.strict(names),
                    if self.fault() == Some(Fault::StrictTwice) {
                        "Publish adkim=r and aspf=r, or leave both tags out: relaxed is the default, and names below the domain belong to its owner anyway.".to_owned()
                    } else {
                        "Publish adkim=r, or leave the tag out: relaxed is the default, and names below the domain belong to its owner anyway.".to_owned()
                    },
                    format!("Or make the sender sign with d={domain}, where it can. Nothing has to be switched on."),
                ],
            ),
            _ => return None,
        };
        Some(remedy)
    }

    /// What strict alignment makes fail here.
    fn strict(&self, names: &[String]) -> String {
        let organization = self.organization();
        let asks = if self.fault() == Some(Fault::StrictTwice) { "adkim=s, aspf=s" } else { "adkim=s" };
        let others: Vec<&String> = names.iter().filter(|name| *name != organization).collect();
        let signed = match others.as_slice() {
            [] => format!("{organization} and not as {}", self.path.domain),
            some => format!("another name of {organization}: {}", list(some, 3)),
        };
        format!(
            "The DMARC record of {organization} asks for strict alignment ({asks}), and this mail is signed as {signed}."
        )
    }

    /// What to do with machines of one's own, and with services that the catalogue does not know.
    pub(super) fn of_own(&self, cause: Cause) -> Remedy {
        let (sender, domain) = (self.author(), self.path.domain.as_str());
        let shown = self.evidence.cause.as_ref();
        let keys = list(shown.map_or(&[][..], |shown| &shown.selectors), 3);
        let test = format!(
            "Send a message to a mailbox of your own at another provider and check it with `dmarcstat inspect`: it must show a signature with d={domain} that passes."
        );
        match cause {
            Cause::DefaultSignature | Cause::DomainNotSetUp if self.is_service() => told(
                self.title(format!("sign mail from {sender} as {domain}")),
                vec![
                    self.whose(),
                    format!("Where the mail of {sender} is administered, look for \"DKIM\", \"sender domain\" or \"custom domain\", add {domain} there, and publish the records that it shows (CNAME or TXT below _domainkey.{domain})."),
                    format!("If it offers nothing of the kind, ask its support for signatures with d={domain}, or have it send through a server of yours that signs."),
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::GatewayNotInSpf => told(
                format!("name the gateway of {domain} in its SPF record"),
                vec![
                    format!("Mail of {domain} leaves through {}, after it was signed: find out whose gateway that is (a spam filter, an archive, a signature service), and add what it names for SPF to the record of {domain}, before `all`.", self.machines()),
                    format!("See that it changes nothing that is signed, or let it sign as {domain} itself: then DMARC passes by both."),
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::BouncesAndReplies => told(
                format!("sign bounces and automatic replies from {sender} as {domain} too"),
                vec![
                    "Choose the key by header From, not by the reverse-path: bounces, out-of-office replies and receipts have an empty one (null sender). OpenDKIM: the Domain of the message's From is used unless SigningTable matches envelopes only; rspamd: use_domain = \"header\" and sign what is local or authenticated; Exim: dkim_domain from $h_from:; Sieve and web mail must hand their replies to the same signer (Postfix: non_smtpd_milters).".to_owned(),
                    format!("For a null reverse-path SPF is checked for the HELO name: give it an SPF record (\"v=spf1 a -all\") and a name below {}, so that SPF aligns for replies too.", self.organization()),
                    test,
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::SomeMachines => told(
                format!("sign mail from all machines of {sender} as {domain}"),
                vec![
                    format!("Bring the key, the selector and the signing configuration of the machines that sign to these: {}.", self.told_machines()),
                    match keys.as_str() {
                        "" => "See that the selector they sign with is published, and that nothing changes the mail after them.".to_owned(),
                        keys => format!("See that what they sign with is published (`dmarcstat dns {domain}`; selector {keys}), and that nothing changes the mail after them."),
                    },
                    test,
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::SomeEnvelopes => told(
                format!("sign all mail from {sender} as {domain}"),
                vec![
                    format!("Mail with a reverse-path of {} is not signed as {domain}: another system or customer behind the same machines. Set up signing for it, by header From.", list(shown.map_or(&[][..], |shown| &shown.names), 3)),
                    test,
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::KeyMissing | Cause::KeyMismatch => self.key(&keys, test),
            Cause::ChangedInTransit if self.fault() == Some(Fault::BodyAtMachines) => told(
                format!("sign mail of {domain} after the last change to it, at {}", self.told_machines()),
                vec![
                    format!("Receivers write that the body of the mail from {} was changed after it was signed; the key is right. Find what changes it there or behind: a list that adds a footer, a disclaimer, a virus scanner that tags, a gateway that rewrites links.", self.told_machines()),
                    "Sign after it, or stop it from changing mail. A list server of your own: let it sign what it sends out (the signer last of all), or leave subject and body alone and add no footer.".to_owned(),
                    test,
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::ChangedInTransit if self.fault() == Some(Fault::OtherKey) => told(
                format!("find out whether {sender} signs {domain} with another key, or its mail is changed after that"),
                vec![
                    format!("Compare the private key on {} with the published one (selector {keys}; `openssl rsa -pubout` on the machine, `dmarcstat dns {domain}`), or with that of a machine whose signatures verify. Each cPanel server makes a key of its own under `default`; after a rotation one machine may have been left out.", self.machines()),
                    "Where they differ: bring the right private key to the machine, or give the machine a selector of its own and publish that.".to_owned(),
                    "Where they are the same: find what changes the mail after it was signed (a footer or disclaimer, a virus scanner that tags, a gateway that rewrites links), and sign after it. A message sent to a mailbox of your own shows it: \"body hash did not verify\" is a change.".to_owned(),
                    test,
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::ChangedInTransit => told(
                format!("sign mail of {domain} after the last change to it"),
                vec![
                    "Find what changes the mail after it was signed: a footer or disclaimer, a virus scanner that tags, a gateway that rewrites links, a list. Sign after it, or stop it from changing mail.".to_owned(),
                    "Where several filters run in one mail server, order decides: the signer comes last (Postfix: the last of smtpd_milters, and no content filter after it).".to_owned(),
                    "Where a machine's signatures never verified, compare its private key with that of one whose signatures do.".to_owned(),
                    test,
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::SubdomainNotSetUp => told(
                format!("sign {domain} with the key of {} too", self.organization()),
                vec![
                    format!("The signer signs {} and not {domain}: let it sign subdomains with the same d= (relaxed alignment takes it), or give {domain} a key of its own.", self.organization()),
                    test,
                    LOOK_AGAIN.to_owned(),
                ],
            ),
            Cause::NoSignature | Cause::DefaultSignature => self.sign(),
            _ => told(
                format!("find out which mail of {sender} as {domain} is not signed properly"),
                vec![shown.map_or_else(String::new, |shown| sentence(&shown.text)), test, LOOK_AGAIN.to_owned()],
            ),
        }
    }

    /// What to know first of a key that is revoked or cannot be read.
    pub(super) fn about_key(&self) -> Option<String> {
        let domain = &self.path.domain;
        let keys = list(self.evidence.cause.as_ref().map_or(&[][..], |shown| &shown.selectors), 3);
        let names = self.evidence.cause.as_ref().map_or(&[][..], |shown| &shown.names);
        if self.cause == Some(Cause::KeyMissing) && self.fault().is_none() && !names.is_empty() {
            return Some(format!(
                "The keys of {} were lost on the same day: compare the zone with the old one or a backup, and bring back everything below _domainkey.{} at once, with the CNAME records of services.",
                list(names, 3),
                self.organization()
            ));
        }
        match self.fault()? {
            Fault::Revoked => Some(format!(
                "The record of the key (selector {keys}) is there with an empty p=: somebody revoked the key, after a rotation or because it leaked. Ask why before the same key is published again; a new key under a new selector is right in any case."
            )),
            Fault::Unreadable => Some(format!(
                "A record of the key (selector {keys}) is there, and receivers cannot read it: `dmarcstat dns {domain}` shows why. Common faults are a key that was cut, lost blanks or quotes, several records at one name, and a TXT record in place of a CNAME."
            )),
            _ => None,
        }
    }

    fn key(&self, keys: &str, test: String) -> Remedy {
        let (sender, domain) = (self.author(), self.path.domain.as_str());
        let (title, find, mend) = match (self.fault(), self.about_key()) {
            (Some(Fault::Revoked), Some(known)) => (
                format!("sign mail of {domain} from {sender} with a key that is not revoked"),
                known,
                "Make a key of 2048 bits with a new selector, publish its public half as TXT, and set the signer to that selector; leave the revoked record as it is.",
            ),
            (Some(Fault::Unreadable), Some(known)) => (
                format!("correct the record of the DKIM key that {sender} signs {domain} with"),
                known,
                "Publish the public half of the key that signs as one TXT record there, in one piece (v=DKIM1; k=rsa; p=…).",
            ),
            (_, known) => (
                format!("publish the DKIM key that {sender} signs {domain} with"),
                known.unwrap_or_else(|| format!(
                    "`dmarcstat dns {domain}` shows what is published for the selectors in use: {keys}. Common faults are a name misspelt in the signer or in the DNS, and a key pasted in pieces or with quotes."
                )),
                "Publish the public half of the key that signs as TXT there, or set the signer to the selector that is published.",
            ),
        };
        let mut remedy = told(
            title,
            vec![
                find,
                mend.to_owned(),
                "At the next change of keys publish the new one days before it signs, and keep the old one for a week."
                    .to_owned(),
                test,
                LOOK_AGAIN.to_owned(),
            ],
        );
        if self.fault() == Some(Fault::Revoked) {
            remedy.records = vec![new_key(domain)];
            return remedy;
        }
        let failing = self.path.signers.iter().flat_map(|list| list.signers.iter());
        let failing = failing.filter(|one| domain::aligned(&one.domain, domain));
        let names = failing.filter_map(|one| Some((one.selector.as_deref()?, one.domain.as_str())));
        let seen = |selector: &str| {
            self.evidence.cause.as_ref().is_some_and(|shown| shown.selectors.iter().any(|one| one == selector))
        };
        let names: std::collections::BTreeSet<(&str, &str)> = names.filter(|(selector, _)| seen(selector)).collect();
        remedy.records = names
            .into_iter()
            .take(4)
            .map(|(selector, domain)| DnsRecord {
                name: format!("{selector}._domainkey.{domain}"),
                kind: "TXT".to_owned(),
                value: None,
            })
            .collect();
        remedy
    }

    /// How machines of one's own come to sign, by what kind of machine it is.
    fn sign(&self) -> Remedy {
        let domain = self.path.domain.as_str();
        let relay = self.relay();
        let through = match &relay {
            Some(Relay { name, domain: signed }) if name == "Microsoft 365" => format!(
                "Make it hand its mail to {name}, which signs as {signed} already. An Exchange server of your own cannot sign: in a hybrid set-up its send connector for all outgoing mail uses the smart host of the tenant (….mail.protection.outlook.com) and an inbound connector there takes it; Get-SendConnector shows what still leaves directly. Any other machine: a connector, or SMTP with authentication."
            ),
            Some(Relay { name, domain: signed }) => format!(
                "Make it hand its mail to {name}, which signs as {signed} already (smart host, connector or SMTP relay with authentication): the simplest way for any machine."
            ),
            None => format!(
                "If another server or your mailbox host signs as {domain}, make it hand its mail there (smart host or SMTP relay with authentication): the simplest way for any machine."
            ),
        };
        let mut remedy = told(
            format!("sign mail of {domain} on the machines that send it, or relay it through a server that signs"),
            vec![
                through,
                format!("A mail server of your own: sign there (OpenDKIM, rspamd, or the server's own means), last of all, after footers and scanners; a key of 2048 bits as TXT at SELECTOR._domainkey.{domain}."),
                "A web site at a hoster: \"Email Deliverability\" in cPanel, DKIM in Plesk, or SMTP with a login in the site's mail settings. A printer, scanner or script cannot sign: let it send by SMTP through the mailbox host.".to_owned(),
                LOOK_AGAIN.to_owned(),
            ],
        );
        let uncovered: Vec<IpAddr> =
            self.addresses.iter().filter(|one| one.spf_aligned == 0).map(|one| one.ip).collect();
        if !uncovered.is_empty() && self.path.spf_aligned > 0 {
            remedy.steps.insert(1, format!(
                "SPF never aligns from {}: if the machine is yours, add it to the SPF record of the reverse-path's domain (`ip4:` or `ip6:`).",
                list(&uncovered, 4)
            ));
        }
        if let Some(day) = self.spf_lost {
            remedy.steps.insert(1, format!(
                "SPF aligned until {}: see what was taken out of the SPF record on that day (`dmarcstat dns {domain}`), and put the addresses back that are yours.",
                date_of(day.saturating_sub(1))
            ));
        }
        if let Some(change) = self.change.filter(|change| change.before == Class::Signed) {
            // The key is published: what signed has stopped.
            remedy.title = format!("find out why mail of {domain} has not been signed since {}", date_of(change.day));
            remedy.steps.insert(
                0,
                format!(
                    "It signed until {}, so key and records are there: look for what changed on the machine on that day (an update, a signer that stopped, a new route that bypasses it).",
                    date_of(change.day.saturating_sub(1))
                ),
            );
        } else if relay.is_none() {
            remedy.records = vec![new_key(domain)];
        }
        remedy
    }
}

/// The record of a key that has no selector yet.
fn new_key(domain: &str) -> DnsRecord {
    DnsRecord { name: format!("<selector>._domainkey.{domain}"), kind: "TXT".to_owned(), value: None }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
