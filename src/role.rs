//! Why a sending path exists: the role of its records.

use crate::vocabulary::vocabulary;

vocabulary! {
    /// The role of a record, and of the path that it is on.
    pub enum Role {
        /// The domain's own mail: its machines, its accounts, its keys.
        Own => "own",
        /// An entry of the ledger approves the sender (`[[sender]]`).
        Approved => "approved",
        /// A service or organization that authenticates as itself and writes under the domain's name.
        Service => "service",
        /// Another customer's account of a provider.
        OtherAccount => "other-account",
        /// Hands on mail that the domain signed.
        Forwarder => "forwarder",
        /// A mailing list: hands on signed mail under an identity of its own.
        MailingList => "mailing-list",
        /// A security gateway in front of a recipient.
        RecipientFilter => "recipient-filter",
        /// An entry of the ledger says that the sender is not the owner's (`[[not_ours]]`).
        Denied => "denied",
        /// Nothing authenticates it: a spoofer, or a sender that everybody forgot.
        Unknown => "unknown",
    }
}

impl Role {
    /// Whether mail of this role is sent in the domain's name on purpose, as far as is known: what `unsigned` is about.
    #[must_use]
    pub fn sends_for_owner(self) -> bool {
        matches!(self, Role::Own | Role::Approved | Role::Service)
    }

    /// Whether the mail was handed on: its author is the owner, and what goes wrong with it goes wrong on the way.
    #[must_use]
    pub fn hands_on(self) -> bool {
        matches!(self, Role::Forwarder | Role::MailingList | Role::RecipientFilter)
    }

    /// Whether the owner has to care for it: its own mail, and that of senders that it approved.
    #[must_use]
    pub fn is_owners(self) -> bool {
        matches!(self, Role::Own | Role::Approved)
    }

    /// Whether nobody that has to do with the domain is known to send it.
    #[must_use]
    pub fn is_nobodys(self) -> bool {
        matches!(self, Role::Unknown | Role::Denied)
    }
}
