//! What to do about a sender that is set up for the domain and signs a part of its mail only. Nothing is to be switched on.

use super::case::Case;
use crate::cause::Cause;
use crate::diagnosis::cause::Fault;
use crate::providers::{Catalogue, Kind, LOOK_AGAIN, Remedy};
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
        let steps = vec![
            format!(
                "{name} signs as {domain} already: no record has to be published, and nothing to be switched on for that part of the mail."
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
}
