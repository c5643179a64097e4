//! Mail that does not carry the domain's signature: what is set up at its sender, and for what part of the mail.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::case::{Case, CauseEvidence, Explained, Fault, LISTED};
use crate::cause::Cause;
use crate::diagnosis::class::Class;
use crate::diagnosis::states::{ALIGNED, MOSTLY, States, UNALIGNED, UNSIGNED, known, share};
use crate::diagnosis::weekday::weekly;
use crate::domain;
use crate::providers::Kind;
use crate::query::SenderKey;
use crate::report::period::Day;
use crate::role::Role;
use crate::words::{agree, grouped, list, plural};

/// Signed and unsigned mail come on different days where no more than this share of the unsigned mail comes beside signed.
const BESIDE: f64 = 0.1;

impl Case<'_, '_> {
    /// The domains that signed and are not header From, most messages first: those that verified, or else those that failed.
    pub(super) fn names_signing(&self) -> Vec<String> {
        let verified = self.ranked(self.verified().map(|(one, messages)| (one.domain.as_str(), messages)));
        if !verified.is_empty() {
            return verified;
        }
        let lists = self.path.signers.iter();
        let listed = lists.flat_map(|list| list.signers.iter().map(|one| (one, list.messages)));
        self.ranked(
            listed.filter(|(one, _)| one.result.is_failed_signature()).map(|(one, sum)| (one.domain.as_str(), sum)),
        )
    }

    fn ranked<'n>(&self, names: impl Iterator<Item = (&'n str, u64)>) -> Vec<String> {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, messages) in names.filter(|(name, _)| *name != self.path.domain) {
            *sums.entry(name).or_default() += messages;
        }
        let mut sums: Vec<(&str, u64)> = sums.into_iter().collect();
        sums.sort_by_key(|&(name, messages)| (Reverse(messages), name));
        sums.into_iter().map(|(name, _)| name.to_owned()).take(LISTED).collect()
    }

    /// Whether the sender signs a part of the mail as the domain, and so is set up for it. What machines of one's own do is told
    /// machine by machine.
    fn is_set_up_in_part(&self) -> bool {
        let own_machine = self.provider.is_none() && self.path.role != Role::Service;
        self.class == Class::Intermittent && !own_machine
    }

    pub(super) fn default_signature(&self) -> Option<Explained> {
        let counted = &self.view.counted;
        if counted[UNALIGNED] == 0 || share(counted[UNALIGNED], counted[UNALIGNED] + counted[UNSIGNED]) < MOSTLY {
            return None;
        }
        let domain = &self.path.domain;
        let names: Vec<String> =
            self.names_signing().into_iter().filter(|name| !domain::aligned(name, domain)).collect();
        let mut as_whom = match names.as_slice() {
            [] => "another domain".to_owned(),
            some => list(some, 3),
        };
        if self.verified().all(|(one, _)| domain::aligned(&one.domain, domain)) && !names.is_empty() {
            as_whom.push_str(" (which does not verify here)");
        }
        let null = self.view.null[UNALIGNED] + self.view.null[UNSIGNED];
        let in_part = self.is_set_up_in_part();
        let mut text = if in_part {
            format!(
                "{} of {} messages are signed as {domain}, which is set up there, and {} as {as_whom} only",
                grouped(counted[ALIGNED]),
                grouped(known(counted)),
                grouped(counted[UNALIGNED])
            )
        } else {
            format!("signed as {as_whom} in place of {domain}")
        };
        if null > 0 {
            text.push_str(&format!(
                "; {} of it {} bounces and automatic replies (null reverse-path), for which SPF cannot align",
                plural(null, "message"),
                agree(null, "is", "are")
            ));
        }
        let mut evidence = CauseEvidence::new(text, (counted[UNALIGNED], known(counted)), self.path.witnesses);
        evidence.names = names;
        evidence.fault = in_part.then_some(Fault::InPart);
        Some((Cause::DefaultSignature, evidence))
    }

    /// A service, or a provider, that does not sign as this domain.
    pub(super) fn not_set_up(&self) -> Option<Explained> {
        let owners = self.path.role.is_owners();
        if (owners || self.path.role == Role::Service) && self.class == Class::Broken || self.is_set_up_in_part() {
            // It signs as this name, so it is set up, as far as the sender is concerned.
            return None;
        }
        // A mailbox host or gateway that hands on mail without any signature says nothing of what it is set up for.
        let hands_on = self.provider.is_some_and(|provider| provider.kind != Kind::Service);
        let bare = owners && hands_on && self.class == Class::Unsigned && self.verified().next().is_none();
        let service = self.path.role == Role::Service || self.provider.is_some() && !bare;
        let domain = &self.path.domain;
        let organization = domain::organizational(domain);
        if domain != organization && owners && self.signs_as(organization) {
            let text = format!("signs as {organization} here, and not as {domain}");
            return Some((Cause::SubdomainNotSetUp, CauseEvidence::new(text, self.missing(), self.path.witnesses)));
        }
        if !service {
            return None;
        }
        // A service that authenticates as itself sends for its customers.
        let is_itself = |author: &str| {
            self.provider.is_some_and(|provider| provider.kind == Kind::Service && provider.is_organization(author))
        };
        let text = match (&self.path.author, self.provider) {
            (Some(author), _) if self.path.role == Role::Service && !is_itself(author) => passes_on(author, domain),
            (_, Some(provider)) => format!("{} sends under {domain}, which is not set up there", provider.name),
            _ => format!("the service sends under {domain}, which is not set up there"),
        };
        Some((Cause::DomainNotSetUp, CauseEvidence::new(text, self.missing(), self.path.witnesses)))
    }

    /// Whether the sender signs as the organizational domain. Of machines of one's own each is asked: what a neighbour in the
    /// same network does is not known of one that signs nothing.
    fn signs_as(&self, organization: &str) -> bool {
        if !matches!(self.path.sender, SenderKey::Network(_) | SenderKey::Host(_)) {
            return self.own_paths.signs_as(organization, &self.path.sender);
        }
        let missing = |dkim: &States| known(dkim) - dkim[ALIGNED];
        let signing = self.addresses.iter().filter(|one| self.own_paths.signs_from(organization, one.ip));
        let of_signing: u64 = signing.map(|one| missing(&one.dkim)).sum();
        share(of_signing, self.addresses.iter().map(|one| missing(&one.dkim)).sum()) >= MOSTLY
    }

    pub(super) fn no_signature(&self) -> Option<Explained> {
        if self.class != Class::Unsigned {
            return None;
        }
        let text = match self.addresses.len() as u64 {
            0 | 1 => "the machine does not sign".to_owned(),
            many => format!("{} that do not sign", plural(many, "machine")),
        };
        let mut evidence = CauseEvidence::new(text, self.missing(), self.path.witnesses);
        evidence.addresses = self.addresses.iter().map(|one| one.ip).take(LISTED).collect();
        Some((Cause::NoSignature, evidence))
    }

    pub(super) fn unexplained(&self) -> Explained {
        let in_part = self.is_set_up_in_part();
        let counted = &self.view.counted;
        let text = match (self.class, self.provider.filter(|_| in_part)) {
            (Class::Broken, _) => {
                "signatures fail and no reason is reported: either the signing key is not the published one, or receivers refuse it as too short (RSA of less than 1024 bits), or the mail is changed after it was signed; `dmarcstat dns` shows the key, and `dmarcstat inspect` on a message to a mailbox of your own what became of the signature".to_owned()
            }
            (_, Some(provider)) => format!(
                "{} of {} messages are signed as {}, so {} is set up for it, or what hands its mail to it is; the rest is not signed: {}",
                grouped(counted[ALIGNED]),
                grouped(known(counted)),
                self.path.domain,
                provider.name,
                self.when()
            ),
            _ => self.when(),
        };
        let mut evidence = CauseEvidence::new(text, self.missing(), self.path.witnesses);
        evidence.fault = in_part.then_some(Fault::InPart);
        (Cause::Unexplained, evidence)
    }

    /// What the days tell of mail that is signed in part.
    fn when(&self) -> String {
        let days = self.view.days();
        let missing = |(day, states): &(Day, States)| (*day, known(states) - states[ALIGNED]);
        let all: u64 = days.iter().map(|one| missing(one).1).sum();
        let beside: u64 = days.iter().map(|one| missing(one).1.min(one.1[ALIGNED])).sum();
        let apart = share(beside, all) <= BESIDE;
        match weekly(days.iter().map(missing)) {
            Some(days) if apart => format!(
                "unsigned mail comes on {days} and signed mail on other days, from the same machines: another system hands them its mail on these days, and bypasses the signer"
            ),
            Some(days) => format!(
                "unsigned mail comes on {days}, from the same machines as signed mail: a weekly mailing that another system hands to them and that bypasses the signer"
            ),
            None if apart => {
                "signed and unsigned mail come on different days, from the same machines: another system hands them its mail on some days, and bypasses the signer; `dmarcstat explain` shows the days"
                    .to_owned()
            }
            None => {
                "signed and unsigned mail come on the same days, from the same machines, to the same receivers: several systems send through them, and not all of them sign; `dmarcstat inspect` on a message from each shows which"
                    .to_owned()
            }
        }
    }
}

/// Of mail that no signature shows to be written by who hands it over: it may be a forwarder that rewrites the reverse-path, a
/// list, a service, or a stranger.
fn passes_on(author: &str, domain: &str) -> String {
    format!(
        "{author} passes on or sends this mail, and nothing is signed as {domain}; the reports do not show for whom"
    )
}
