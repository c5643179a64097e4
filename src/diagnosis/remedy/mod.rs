//! How to fix a path, by its role and cause: the catalogue's words where the sender is in it, else what holds for any sender.

mod case;
mod others;
mod own;
mod set_up;

pub(super) use case::Case;

use crate::cause::Cause;
use crate::providers::{Catalogue, MOST_STEPS, Remedy};
use crate::role::Role;

/// What to do about a path; nothing where nothing is wrong with it, and where an entry of the ledger has decided.
#[must_use]
pub(super) fn remedy(case: &Case<'_, '_>, catalogue: &Catalogue) -> Option<Remedy> {
    let mut remedy = match (case.path.role, case.cause) {
        (Role::Denied, _) => return None,
        (Role::Unknown, _) => case.decide(),
        (Role::OtherAccount, _) => case.other_account(),
        (_, None) => return None,
        (Role::MailingList, Some(Cause::Forwarding)) => case.intact_list(),
        (Role::Forwarder, _) => case.forwarder(),
        (Role::MailingList, _) => case.mailing_list(),
        (Role::RecipientFilter, _) => case.filter(),
        (Role::Own | Role::Approved | Role::Service, Some(cause)) => {
            let of_sender = || {
                let mut remedy = case.provider(catalogue)?.remedy(cause, &case.context())?;
                remedy.steps.splice(0..0, case.about_key());
                Some(remedy)
            };
            case.everywhere(cause)
                .or_else(|| case.signed_in_part(cause, catalogue))
                .or_else(of_sender)
                .or_else(|| case.behind_own(cause, catalogue))
                .unwrap_or_else(|| case.of_own(cause))
        }
    };
    remedy.steps.truncate(MOST_STEPS);
    Some(remedy)
}
