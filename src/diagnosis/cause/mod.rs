//! Why the mail of a path does not pass: one cause a path, the first that fits, with its evidence and a sentence.
//!
//! The order is that of [`Cause::ALL`]: special before general. What is judged by reporters' words is judged by the rules of
//! [`witness`](crate::witness); a reporter whose claim was set aside (see [`View`](super::consensus::view::View)) does not tell how signatures break either.

mod case;
mod change;
mod failing;
mod handed_on;
mod key;
mod keys;
mod part;
mod pause;
mod set_up;
mod words;

pub use case::CauseEvidence;
pub(super) use case::{Case, Explained, Fault};
pub(super) use change::{Change, last_change};
pub(super) use keys::Keys;
pub(super) use part::verify_none;
pub(super) use pause::is_pause;

use super::class::Class;
use super::findings::{SpfRecord, spf_fails_for};
use super::states::{ALIGNED, MOSTLY, known, share};
use crate::alignment::AuthResult;
use crate::cause::Cause;
use crate::domain;
use crate::providers::Kind;
use crate::query::{SenderKey, Signer};
use crate::role::Role;
use crate::witness::has_share;
use crate::words::list;
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
            return part::machines(case, &words)
                .or_else(|| case.gateway(&words))
                .or_else(|| failing::cause(case, &words));
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
        .or_else(|| part::machines(case, &words))
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
        if !provider.is_organization(author) {
            return None;
        }
        let text = format!(
            "written in a mailbox at {} with an address of {} as the sender: only {author} authenticates",
            provider.name, self.path.domain
        );
        Some((Cause::OriginElsewhere, CauseEvidence::new(text, self.missing(), self.path.witnesses)))
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
        let twice = words.iter().any(|word| word.strict_spf > 0);
        evidence.fault = twice.then_some(Fault::StrictTwice);
        Some((Cause::StrictAlignment, evidence))
    }
}
