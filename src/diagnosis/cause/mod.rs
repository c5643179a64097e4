//! Why the mail of a path does not pass: one cause a path, the first that fits, with its evidence and a sentence.
//!
//! The order is that of [`Cause::ALL`]: special before general. What is judged by reporters' words is judged by the rules of
//! [`witness`](crate::witness); a reporter whose claim was set aside (see [`View`](super::consensus::view::View)) does not tell how signatures break either.

mod case;
mod change;
mod failing;
mod key;
mod keys;
mod part;
mod pause;
mod words;

pub use case::CauseEvidence;
pub(super) use case::{Case, Explained, Fault};
pub(super) use change::{Change, last_change};
pub(super) use keys::Keys;
pub(super) use pause::is_pause;

use super::class::Class;
use super::findings::{SpfRecord, spf_fails_for};
use super::states::{ALIGNED, BROKEN, MOSTLY, States, UNALIGNED, UNSIGNED, known, share};
use crate::alignment::AuthResult;
use crate::cause::Cause;
use crate::diagnosis::weekday::weekly;
use crate::domain;
use crate::providers::Kind;
use crate::query::{SenderKey, Signer};
use crate::report::period::Day;
use crate::role::Role;
use crate::witness::has_share;
use crate::words::{agree, list, plural};
use case::LISTED;
use words::Words;

/// The cause of a path, where something is wrong with it that has one.
pub(super) fn cause(case: &Case<'_, '_>) -> Option<Explained> {
    match case.path.role {
        Role::Forwarder => return Some(case.forwarding()),
        Role::MailingList => return Some(case.list()),
        Role::RecipientFilter => return Some(case.filter()),
        Role::Unknown | Role::Denied | Role::OtherAccount => return None,
        Role::Own | Role::Approved | Role::Service => {}
    }
    match case.class {
        // Machines that never sign hide in the large numbers of those that do.
        // A gateway that SPF does not name leaves it to the signatures alone.
        Class::Signed => {
            let words = Words::of(case);
            return part::machines(case).or_else(|| case.gateway(&words)).or_else(|| failing::cause(case, &words));
        }
        Class::NotReported => return None,
        _ => {}
    }
    let words = Words::of(case);
    let fails_by_key = || if words.is_about_keys() { key::cause(case, &words) } else { None };
    case.gateway(&words)
        .or_else(|| case.host_name(&words))
        .or_else(|| case.origin_elsewhere())
        .or_else(|| part::bounces(case, &words))
        .or_else(|| part::machines(case))
        .or_else(|| part::envelopes(case))
        .or_else(|| part::reporters(case, &words))
        .or_else(|| case.spf_unevaluable(&words))
        .or_else(fails_by_key)
        .or_else(|| case.strict_alignment(&words))
        .or_else(|| case.default_signature())
        .or_else(|| case.not_set_up())
        .or_else(|| case.no_signature())
        .or_else(|| Some(case.unexplained()))
}

impl Case<'_, '_> {
    /// Messages that are not signed as the domain, and all whose state is known.
    fn missing(&self) -> (u64, u64) {
        let counted = &self.view.counted;
        (known(counted) - counted[ALIGNED], known(counted))
    }

    /// Whether what signs stands before a machine that hands the mail on: a gateway, or what nothing names.
    fn is_behind(&self) -> bool {
        let gateway = self.provider.is_some_and(|provider| provider.kind == Kind::Gateway);
        self.path.role.is_owners() && (gateway || matches!(self.path.sender, SenderKey::Behind(_)))
    }

    /// A signature that verified, of whatever domain.
    fn verified(&self) -> impl Iterator<Item = (&Signer, u64)> {
        let lists = self.path.signers.iter();
        lists
            .flat_map(|list| list.signers.iter().map(|one| (one, list.messages)))
            .filter(|(one, _)| one.result == AuthResult::Pass)
    }

    fn gateway(&self, words: &Words) -> Option<Explained> {
        let never_aligns = !has_share(words.parts(|word| (word.spf_aligned, word.messages)), 0.05);
        if !self.is_behind() || !never_aligns || self.verified().next().is_none() || self.class == Class::Broken {
            return None;
        }
        let from = domain::organizational(&self.path.domain);
        let text = format!(
            "the mail is signed before the gateway and verifies, but the SPF record of {from} does not name the gateway that delivers it"
        );
        let failing = self.path.messages - self.path.spf_aligned.min(self.path.messages);
        Some((Cause::GatewayNotInSpf, CauseEvidence::new(text, (failing, self.path.messages), self.path.witnesses)))
    }

    /// A machine that sends with aligned SPF as the organizational domain, or another name below it, and here under a name
    /// that it does not send mail as otherwise.
    fn host_name(&self, words: &Words) -> Option<Explained> {
        let organization = domain::organizational(&self.path.domain);
        if !self.path.role.is_owners() || self.provider.is_some() || organization == self.path.domain {
            return None;
        }
        // SPF that passes for the host name is the machine's HELO, and no reverse-path of this name.
        let fails = self.path.messages - self.path.dmarc_pass.min(self.path.messages);
        // What only strict alignment keeps from passing is signed and sent as an address of the organization.
        let strict = has_share(words.parts(|word| (word.strict, word.failing)), MOSTLY);
        let signed = self.view.counted[ALIGNED] > 0 || words.is_about_keys() || strict;
        if share(fails, self.path.messages) < MOSTLY || signed {
            return None;
        }
        let other = self.own_paths.sends_from_all(organization, self.addresses, self.at)?;
        let text = format!(
            "the machine that sends mail of {} writes its own host name, {}, into From",
            other.domain, self.path.domain
        );
        let mut evidence = CauseEvidence::new(text, (fails, self.path.messages), self.path.witnesses);
        evidence.addresses = self.addresses.iter().map(|one| one.ip).take(LISTED).collect();
        Some((Cause::HostNameAsFrom, evidence))
    }

    /// Written by a person in a mailbox of a host where only the host itself authenticates.
    fn origin_elsewhere(&self) -> Option<Explained> {
        let provider = self.provider.filter(|provider| matches!(provider.kind, Kind::MailboxHost | Kind::Forwarder))?;
        if self.path.role != Role::Service {
            return None;
        }
        let author = self.path.author.as_deref()?;
        let is_providers = provider
            .envelope_domains
            .iter()
            .chain(&provider.signing_domains)
            .any(|own| domain::organizational(own) == author);
        if !is_providers {
            return None;
        }
        let text = format!(
            "written in a mailbox at {} with an address of {} as the sender: only {author} authenticates",
            provider.name, self.path.domain
        );
        Some((Cause::OriginElsewhere, CauseEvidence::new(text, self.missing(), self.path.witnesses)))
    }

    fn carried(&self) -> (u64, u64) {
        (self.view.counted[ALIGNED] + self.view.counted[BROKEN], self.path.messages)
    }

    fn forwarding(&self) -> Explained {
        let (signed, of) = self.carried();
        let text = if self.view.counted[ALIGNED] > 0 {
            "mail that was forwarded by its recipients: SPF cannot align, the signature of the domain survives"
        } else if signed > 0 {
            "mail that was forwarded by its recipients and changed on the way: SPF cannot align, and signatures break"
        } else {
            "mail that was forwarded by its recipients: SPF cannot align, and nothing is signed as the domain"
        };
        (Cause::Forwarding, CauseEvidence::new(text, (signed, of), self.path.witnesses))
    }

    fn list(&self) -> Explained {
        let text = "a mailing list redistributes what was written to it, with its own reverse-path, and changes the subject or the body";
        (Cause::ListChangesMail, CauseEvidence::new(text, self.carried(), self.path.witnesses))
    }

    fn filter(&self) -> Explained {
        let text = "a filter in front of the recipients relays mail that reached it intact: SPF cannot align behind it";
        (Cause::RecipientFilter, CauseEvidence::new(text, self.carried(), self.path.witnesses))
    }

    fn spf_unevaluable(&self, words: &Words) -> Option<Explained> {
        let (record, now) = spf_fails_for(self.survey, self.at)?;
        let (faults, reporters) = words.sum(|word| word.spf_fault[record as usize]);
        let text = format!(
            "the SPF record of {} cannot be evaluated (permerror or temperror), so SPF passes for none of this mail",
            match record {
                SpfRecord::Own => self.path.domain.clone(),
                SpfRecord::Other =>
                    format!("a name of {} that is the reverse-path here", domain::organizational(&self.path.domain)),
            }
        );
        let mut evidence = CauseEvidence::new(text, (faults, self.path.messages), reporters);
        evidence.since = now.changed.then_some(now.first);
        if record == SpfRecord::Own {
            evidence.names.push(self.path.domain.clone());
        }
        Some((Cause::SpfUnevaluable, evidence))
    }

    fn strict_alignment(&self, words: &Words) -> Option<Explained> {
        if !has_share(words.parts(|word| (word.strict, word.failing)), MOSTLY) {
            return None;
        }
        let (missed, reporters) = words.sum(|word| word.strict);
        let organization = domain::organizational(&self.path.domain);
        let mut names = self.names_signing();
        names.retain(|name| domain::organizational(name) == organization);
        let text = if names.is_empty() {
            format!(
                "SPF passes for another name of the same organization and fails to align only because strict alignment (aspf=s) is published for {organization}"
            )
        } else {
            format!(
                "signed as {}, which is the same organization and fails only because strict alignment (adkim=s) is published for {organization}",
                list(names.iter(), 3)
            )
        };
        let mut evidence = CauseEvidence::new(text, (missed, self.missing().0), reporters);
        evidence.names = names;
        Some((Cause::StrictAlignment, evidence))
    }

    /// The domains whose signatures verified and are not header From, most messages first.
    fn names_signing(&self) -> Vec<String> {
        let mut sums: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
        for (one, messages) in self.verified().filter(|(one, _)| one.domain != self.path.domain) {
            *sums.entry(&one.domain).or_default() += messages;
        }
        let mut sums: Vec<(&str, u64)> = sums.into_iter().collect();
        sums.sort_by_key(|&(name, messages)| (std::cmp::Reverse(messages), name));
        sums.into_iter().map(|(name, _)| name.to_owned()).take(LISTED).collect()
    }

    fn default_signature(&self) -> Option<Explained> {
        let counted = &self.view.counted;
        if counted[UNALIGNED] == 0 || share(counted[UNALIGNED], counted[UNALIGNED] + counted[UNSIGNED]) < MOSTLY {
            return None;
        }
        let names: Vec<String> =
            self.names_signing().into_iter().filter(|name| !domain::aligned(name, &self.path.domain)).collect();
        let as_whom = match names.as_slice() {
            [] => "another domain".to_owned(),
            some => list(some, 3),
        };
        let null = self.view.null[UNALIGNED] + self.view.null[UNSIGNED];
        let mut text = format!("signed as {as_whom} in place of {}", self.path.domain);
        if null > 0 {
            text.push_str(&format!(
                "; {} of it {} bounces and automatic replies (null reverse-path), for which SPF cannot align",
                plural(null, "message"),
                agree(null, "is", "are")
            ));
        }
        let mut evidence = CauseEvidence::new(text, (counted[UNALIGNED], known(counted)), self.path.witnesses);
        evidence.names = names;
        Some((Cause::DefaultSignature, evidence))
    }

    /// A service, or a provider, that does not sign as this domain.
    fn not_set_up(&self) -> Option<Explained> {
        let owners = self.path.role.is_owners();
        if owners && self.class == Class::Broken {
            // It signs as this name, so it is set up.
            return None;
        }
        // A mailbox host or gateway that hands on mail without any signature says nothing of what it is set up for.
        let hands_on = self.provider.is_some_and(|provider| provider.kind != Kind::Service);
        let bare = owners && hands_on && self.class == Class::Unsigned && self.verified().next().is_none();
        let service = self.path.role == Role::Service || self.provider.is_some() && !bare;
        let organization = domain::organizational(&self.path.domain);
        let below = self.path.domain != organization && self.path.role.is_owners();
        if below && self.own_paths.signs_as(organization, &self.path.sender) {
            let text = format!("signs as {organization} here, and not as {}", self.path.domain);
            return Some((Cause::SubdomainNotSetUp, CauseEvidence::new(text, self.missing(), self.path.witnesses)));
        }
        if !service {
            return None;
        }
        let who = match (&self.path.author, self.provider) {
            (Some(author), _) if self.path.role == Role::Service => author.clone(),
            (_, Some(provider)) => provider.name.clone(),
            _ => "the service".to_owned(),
        };
        let text = format!("{who} sends under {}, which is not set up there", self.path.domain);
        Some((Cause::DomainNotSetUp, CauseEvidence::new(text, self.missing(), self.path.witnesses)))
    }

    fn no_signature(&self) -> Option<Explained> {
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

    fn unexplained(&self) -> Explained {
        let missing = |(day, states): (Day, States)| (day, known(&states) - states[ALIGNED]);
        let text = match (self.class, weekly(self.view.days().into_iter().map(missing))) {
            (Class::Broken, _) => {
                "signatures fail and no reason is reported: either the signing key is not the published one, or receivers refuse it as too short (RSA of less than 1024 bits), or the mail is changed after it was signed; `dmarcstat dns` shows the key, and `dmarcstat inspect` on a message to a mailbox of your own what became of the signature"
            }
            (_, Some(days)) => &format!(
                "unsigned mail comes on {days}, from the same machines as signed mail: a weekly mailing that another system hands to them and that bypasses the signer"
            ),
            _ => {
                "signed and unsigned mail come on the same days, from the same machines, to the same receivers: several systems send through them, and not all of them sign; `dmarcstat inspect` on a message from each shows which"
            }
        };
        (Cause::Unexplained, CauseEvidence::new(text, self.missing(), self.path.witnesses))
    }
}
