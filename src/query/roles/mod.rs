//! Who wrote a record's mail, and why it came the way it did: the author and the role of every group, before any grouping.
//!
//! One provider's machines carry mail of several authors: an account of the owner's, another customer's, a recipient who
//! forwards, a service that rents there. One sum over them is true of none, so the role comes first (`docs/diagnosis.md` has
//! the rows in their order) and paths are grouped by it:
//!
//! - [`gather`](self) lays the records out by group, day and reporter, those of the memory before the window included;
//! - `addresses` names machines by what others saw of them;
//! - `own_evidence` says what each identity shows of the owner;
//! - `owner` finds what is proven to be the owner's: machines, and where keys are used; `accounts` which accounts of providers are;
//! - `elsewhere` holds accounts against what the domain signs elsewhere;
//! - `numbers` numbers senders and places, which sums go by;
//! - `keys` says where keys are used;
//! - `senders_keys` knows who signs as the domain with a key of his own;
//! - `reach` tells a gateway of the owner's from a recipient's filter;
//! - `filters` tells the same of machines at a gateway that sends for the owner, too;
//! - `spray` knows the throw-away names of spoofers;
//! - `unsigned` knows whose mail is not signed at home, so that forwarders have some to hand on;
//! - `habits` is what senders do with mail that they hand on;
//! - `decide` goes through the rows for each group, `streams` lets what shows only a service's default domain join the owner's
//!   account there, `settle` lets a reporter that hides what decides join the others;
//! - `paths` groups the groups.
//!
//! Every judgement that rests on what reporters say goes through [`witness`](crate::witness).

mod accounts;
mod addresses;
mod decide;
mod elsewhere;
mod filters;
mod gather;
mod habits;
mod keys;
mod numbers;
mod own_days;
mod own_evidence;
mod owner;
mod paths;
mod reach;
mod senders_keys;
mod settle;
mod spray;
mod streams;
mod unsigned;

pub(super) use decide::Author;
pub(super) use gather::Ground;
pub(super) use keys::network;
pub(super) use paths::{PathNumber, Paths, SenderNumber};

use super::naming::Knowledge;
use gather::Gathered;
use owner::Owner;

/// The paths that groups are on, by what is decided on each.
pub(super) fn decide(ground: &Ground<'_>, knowledge: Knowledge<'_>) -> Paths {
    let gathered = Gathered::of(ground, knowledge);
    let owner = Owner::of(&gathered);
    let mut decisions = decide::decide(&gathered, &owner);
    streams::join(&gathered, &mut decisions);
    settle::settle(&gathered, &mut decisions);
    paths::group(&gathered, &owner, &decisions)
}
