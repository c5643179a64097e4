//! What to do where a domain is set up already and a part of the mail is left out, and where it is to be set up elsewhere than at the
//! machines that hand the mail over.

use super::case::Case;
use crate::alignment::DkimState;
use crate::cause::Cause;
use crate::diagnosis::cause::Fault;
use crate::providers::{Catalogue, Kind, LOOK_AGAIN, Remedy, RemedyContext};
use crate::query::AddressFigures;
use crate::role::Role;
use crate::words::list;

impl Case<'_, '_> {
    /// The remedy, where that is what is wrong.
    pub(super) fn signed_in_part(&self, cause: Cause, catalogue: &Catalogue) -> Option<Remedy> {
        if self.fault() != Some(Fault::InPart) {
            return None;
        }
        let (provider, domain) = (self.provider(catalogue), self.path.domain.as_str());
        let name = provider.map_or(self.author(), |provider| &provider.name);
        let names = self.evidence.cause.as_ref().map_or(&[][..], |shown| &shown.names);
        let how = match (cause, names) {
            (Cause::DefaultSignature, [_, ..]) => format!("is signed as {} only", list(names, 3)),
            _ => "is not signed".to_owned(),
        };
        let rest = match provider.map(|provider| provider.kind) {
            Some(Kind::MailboxHost | Kind::Forwarder) => format!(
                "Look for what sends through {name} on another way than people do: an SMTP relay, connector or direct send for applications, printers and scanners; a server of your own that hands its mail over; another domain or alias of the account that writes as {domain}; mail that a rule sends on."
            ),
            Some(Kind::Gateway) => format!(
                "Look for what hands its mail to {name} and is not signed: a server or mailbox host that does not sign itself, or senders and groups that the signing policy of {name} does not name."
            ),
            _ => format!(
                "Look for another account, subuser, workspace, product or stream of {name} that writes as {domain}: each is set up by itself. Where nobody knows of one, it may be another customer's: ask {name} whose it is."
            ),
        };
        let who = match provider.map(|provider| provider.kind) {
            Some(Kind::Gateway) => format!("{name}, or what hands its mail over,"),
            _ => name.to_owned(),
        };
        let steps = vec![
            format!(
                "{who} signs as {domain} already: no record has to be published, and nothing to be switched on for that part of the mail."
            ),
            rest,
            format!(
                "Take one message that {how} and one that is signed as {domain} (the logs of {name}, or a mailbox of your own at another provider), and compare them with `dmarcstat inspect`: reverse-path, Received and message ID tell the systems apart."
            ),
            format!("Set up {domain} for that system as it is for the rest, or have it send the way that is signed."),
            LOOK_AGAIN.to_owned(),
        ];
        let mut title = format!("find out which mail of {domain} from {name} {how}");
        if self.path.role == Role::Service {
            title = format!("if this mail is yours: {title}");
        }
        let source = provider.and_then(|provider| provider.documentation.clone());
        Some(Remedy { title, steps, records: Vec::new(), source })
    }

    /// What a catalogued account signed by default and a relay of one's own handed on: the account is where to switch it on.
    pub(super) fn behind_own(&self, cause: Cause, catalogue: &Catalogue) -> Option<Remedy> {
        if cause != Cause::DefaultSignature || self.is_service() {
            return None;
        }
        let mut known = self.foreign.iter().filter_map(|name| Some((name, catalogue.by_signing_domain(name)?)));
        let (name, provider) = known.next()?;
        let tenant = provider.tenant(name);
        let context = RemedyContext { tenant: tenant.as_deref(), ..self.context() };
        let mut remedy = provider.remedy(cause, &context)?;
        let mostly = |one: &&AddressFigures, state: DkimState| {
            one.dkim[usize::from(state.code())].saturating_mul(2) > one.dkim.iter().sum::<u64>()
        };
        let addresses = |state| self.addresses.iter().filter(move |one| mostly(one, state)).map(|one| one.ip);
        let (relays, bare) = (list(addresses(DkimState::Unaligned), 4), list(addresses(DkimState::Unsigned), 4));
        let (host, domain) = (&provider.name, &self.path.domain);
        let relays = if relays.is_empty() { self.sender } else { &relays };
        let account = format!(
            "What {relays} hands on is written at {host} and signed there as {name}. DKIM for {domain} belongs into that account: where the relay changes nothing, the signature survives it, and the relay itself need not sign."
        );
        remedy.steps.insert(0, account);
        if !bare.is_empty() {
            let other = format!(
                "From {bare} nothing is signed at all: another system. Have it send through {host}, once that signs as {domain}, or sign there."
            );
            remedy.steps.insert(1, other);
        }
        Some(remedy)
    }
}
