//! The catalogue of senders: who they are, how their mail is recognised, and how to fix what is wrong with it.
//!
//! The entries are data, one a provider, in `catalogue/*.toml`; `docs/providers.md` says how to read and add them. A user's
//! own file of the same form adds to them and overrides them.
//!
//! - [`entry`](self) reads an entry and refuses what is not of its form;
//! - [`Catalogue`] finds the provider of a domain, an address or a host name;
//! - [`Provider::tenant`] says whose account of a provider signed;
//! - [`Provider::remedy`] says what to do about a path of its.

mod address;
mod catalogue;
mod entry;
mod owners;
mod remedy;
mod search;
mod shared;
mod template;
mod tenant;

pub use catalogue::{Catalogue, CatalogueError};
pub use entry::{Dkim, Kind, Provider, Spf};
pub use owners::{NetworkOwners, OwnersError};
pub(crate) use remedy::names;
pub use remedy::{DnsRecord, LOOK_AGAIN, MOST_STEPS, Remedy, RemedyContext};
pub use search::{Match, MatchedBy};

#[cfg(test)]
mod tests;
