//! Who delivered a message, as far as one record shows: the rules that name a sender, in their order.
//!
//! A signature survives forwarding and says who wrote the mail; the address and SPF say who delivered it. So in this order: the
//! ledger of approved senders; the catalogue of providers, by the domain that SPF authenticated, by published networks, by
//! confirmed reverse DNS; the organizational domain that SPF authenticated, where it is not header From's own; that of the
//! confirmed reverse DNS; the provider whose default signature verified, where SPF did not fail; the network.
//!
//! What one record cannot show is decided when all have been seen (`roles`): an address keeps the name that a provider's
//! evidence gave it, and a reporter that hides what decides joins what others saw of the address.
//!
//! Naming is done once for each [`AuthIdentity`] (what a record shows apart from its address) and address, and gives a
//! [`SenderGroup`]: mail that cannot differ in role.

mod address;
mod auth_identity;
mod sender_group;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

pub(super) use self::auth_identity::{Account, AuthIdentities, AuthIdentity, Signed};
pub(super) use self::sender_group::{Sender, SenderGroup, SenderGroups};
use super::ledger::Ledger;
use crate::providers::{Catalogue, Provider};
use crate::vocabulary::vocabulary;

/// Confirmed host names of addresses.
pub type Hosts = FxHashMap<IpAddr, String>;

/// What naming knows besides the records.
#[derive(Debug, Clone, Copy)]
pub struct Knowledge<'k> {
    /// The catalogue of providers.
    pub catalogue: &'k Catalogue,
    /// The approved senders.
    pub ledger: &'k Ledger,
    /// Host names by reverse DNS, confirmed by a forward look-up.
    pub hosts: &'k Hosts,
    /// Days before the window in which the owner's accounts, machines and keys are looked up as well.
    pub memory_days: u32,
}

vocabulary! {
    /// The rule that named a sender. The order is that of trust.
    pub enum NamedBy {
        /// The ledger.
        Ledger => "ledger",
        /// The catalogue, by the domain that SPF authenticated.
        Envelope => "catalogue: envelope domain",
        /// The catalogue, by a published network.
        Range => "catalogue: address range",
        /// The catalogue, by reverse DNS.
        Host => "catalogue: reverse DNS",
        /// The organizational domain that SPF authenticated.
        SpfDomain => "spf: authenticated domain",
        /// The organizational domain of the reverse DNS.
        ReverseDns => "reverse DNS",
        /// The catalogue, by a default signature.
        SigningDomain => "catalogue: signing domain",
        /// The network of the address.
        Network => "network",
        /// Nothing: there is no address.
        Nothing => "nothing: the reports name no address",
    }
}

/// A provider, by [`Provider::number`].
pub(super) type ProviderNumber = u32;

impl<'k> Knowledge<'k> {
    /// The provider of a number.
    pub(super) fn provider(&self, number: ProviderNumber) -> &'k Provider {
        &self.catalogue.providers()[number as usize]
    }
}

/// Texts by small numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    list: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Texts {
    pub(super) fn number(&mut self, text: &str) -> u32 {
        if let Some(&known) = self.numbers.get(text) {
            return known;
        }
        let (number, text) = (self.list.len() as u32, Arc::from(text));
        self.list.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }

    /// The text of a number.
    pub(super) fn get(&self, number: u32) -> &str {
        &self.list[number as usize]
    }

    /// The number of a text that was seen.
    pub(super) fn known(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }
}
