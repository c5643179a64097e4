//! Mail that others hand on: forwarders, lists, filters in front of recipients.

use super::case::{Case, CauseEvidence, Explained, Fault};
use super::key;
use super::words::Words;
use crate::cause::Cause;
use crate::diagnosis::class::Class;
use crate::diagnosis::states::{ALIGNED, BROKEN};
use crate::words::grouped;

impl Case<'_, '_> {
    fn carried(&self) -> (u64, u64) {
        (self.view.counted[ALIGNED] + self.view.counted[BROKEN], self.path.messages)
    }

    pub(super) fn forwarding(&self) -> Explained {
        let (signed, of) = self.carried();
        let lost = key::lost_at_home(self, &Words::of(self));
        let text = if let Some(keys) = &lost {
            format!(
                "mail that was forwarded by its recipients: SPF cannot align, and the signature fails because its key is missing, as it does for mail that nobody forwarded: {keys}"
            )
        } else {
            match (self.view.counted[ALIGNED] > 0, signed > 0) {
                (true, _) => {
                    "mail that was forwarded by its recipients: SPF cannot align, the signature of the domain survives"
                }
                (false, true) => {
                    "mail that was forwarded by its recipients and changed on the way: SPF cannot align, and signatures break"
                }
                (false, false) => {
                    "mail that was forwarded by its recipients: SPF cannot align, and nothing is signed as the domain"
                }
            }
            .to_owned()
        };
        let mut evidence = CauseEvidence::new(text, (signed, of), self.path.witnesses);
        evidence.fault = lost.map(|_| Fault::LostAtHome);
        (Cause::Forwarding, evidence)
    }

    /// What a list does to the mail: where it leaves the signatures intact, it forwards.
    pub(super) fn list(&self) -> Explained {
        if self.class == Class::Signed {
            let text = "a mailing list redistributes what was written to it, with its own reverse-path: SPF cannot align, and the signature survives";
            return (Cause::Forwarding, CauseEvidence::new(text, self.carried(), self.path.witnesses));
        }
        let counted = &self.view.counted;
        let survives = counted[ALIGNED] > 0 && counted[ALIGNED] >= counted[BROKEN];
        let text = if survives {
            format!(
                "a mailing list redistributes what was written to it, with its own reverse-path: SPF cannot align, and of the domain's signatures {} verify behind it and {} do not",
                grouped(counted[ALIGNED]),
                grouped(counted[BROKEN])
            )
        } else {
            "a mailing list redistributes what was written to it, with its own reverse-path, and changes the subject or the body"
                .to_owned()
        };
        (Cause::ListChangesMail, CauseEvidence::new(text, self.carried(), self.path.witnesses))
    }

    pub(super) fn filter(&self) -> Explained {
        let text = "a filter in front of the recipients relays mail that reached it intact: SPF cannot align behind it";
        (Cause::RecipientFilter, CauseEvidence::new(text, self.carried(), self.path.witnesses))
    }
}
