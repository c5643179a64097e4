//! What a sender does with mail of an organizational domain: whether it changes it, signs it anew, or hands on what the owner
//! signed.

use crate::witness::{Seen, has_share};

/// From this share of broken signatures on, a sender changes what it hands on.
const CHANGES: f64 = 0.5;
/// From this share of its mail on, a reverse-path of its own is a sender's way.
const REWRITES: f64 = 0.5;

/// Sums of what is judged by sender: header From's organization, and who runs the machine.
#[derive(Default)]
pub(super) struct OfSender {
    /// In the order of reporters.
    reporters: Vec<OfReporter>,
    /// Who saw it hand on mail that the owner signed: a verified own signature that is used elsewhere, and SPF not aligned.
    pub(super) handed_on: Seen,
}

/// What one reporter saw of a sender: messages for something, and the rest.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OfReporter {
    reporter: u32,
    /// Those that receivers spared as forwarded.
    pub(super) excused: [u64; 2],
    /// The same of a mailing list.
    pub(super) listed: [u64; 2],
    /// Those that receivers spared as handed on by a forwarder and no list, and those that they did not spare, or as a list's.
    pub(super) forwarded: [u64; 2],
    /// Those with own signatures that are all broken, and those with a verified one.
    pub(super) broken: [u64; 2],
    /// Of those messages the ones that carry a verified signature of somebody else's own domain.
    pub(super) signed_again: [u64; 2],
    /// Those with somebody else's own domain as the reverse-path.
    pub(super) rewritten: [u64; 2],
}

/// What a sender is found to do, worked out once from its sums.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SenderHabits {
    /// It breaks own signatures.
    pub(super) changes: bool,
    /// It writes a reverse-path of its own.
    pub(super) rewrites: bool,
    /// It signs as somebody else beside them.
    pub(super) resigns: bool,
    /// Verified own signatures are seen there.
    pub(super) intact: bool,
    /// Several receivers spare its mail as that of a mailing list.
    pub(super) spared_as_list: bool,
    /// Several receivers spare its mail as forwarded.
    pub(super) spared: bool,
    /// All receivers spare its mail, and say that a forwarder handed it on, and no list.
    pub(super) spared_as_forwarded: bool,
    /// It hands on mail that the owner signed.
    pub(super) hands_on: bool,
    /// It is a mailbox host that carries little of the owner's mail, seen by few, where that is not all signed at home.
    pub(super) is_small: bool,
}

impl OfSender {
    /// What a reporter saw of it.
    pub(super) fn of(&mut self, reporter: u32) -> &mut OfReporter {
        let at = match self.reporters.binary_search_by_key(&reporter, |one| one.reporter) {
            Ok(known) => known,
            Err(new) => {
                self.reporters.insert(new, OfReporter { reporter, ..OfReporter::default() });
                new
            }
        };
        &mut self.reporters[at]
    }

    /// What it does; `whole` is who saw any mail of the domain.
    pub(super) fn habits(&self, whole: Seen) -> SenderHabits {
        type Sums = fn(&OfReporter) -> [u64; 2];
        let share = |sums: Sums, least| has_share(self.reporters.iter().map(sums), least);
        // Receivers that do not spare mail say nothing against those that do: two of these are enough.
        let by_several = |sums: Sums| {
            let spares = |[spared, rest]: [u64; 2]| spared > 0 && spared >= rest;
            self.reporters.iter().filter(|one| spares(sums(one))).count() >= 2
        };
        let by_all =
            |sums: Sums| self.reporters.iter().map(sums).all(|[spared, rest]| spared >= rest) && by_several(sums);
        let signed = self.reporters.iter().filter(|one| one.broken != [0, 0]);
        SenderHabits {
            changes: share(|one| one.broken, CHANGES),
            rewrites: share(|one| one.rewritten, REWRITES),
            resigns: share(|one| one.signed_again, CHANGES),
            // A key that only ever fails here, with no other sign, may be a copy of the signature.
            intact: believed(signed.map(|one| one.broken[1] > 0)),
            spared_as_list: by_several(|one| one.listed),
            spared: by_several(|one| one.excused),
            spared_as_forwarded: by_all(|one| one.forwarded),
            hands_on: self.handed_on.is_enough(whole),
            is_small: false,
        }
    }
}

/// Adds to both sides.
pub(super) fn add(sums: &mut [u64; 2], more: [u64; 2]) {
    *sums = [sums[0].saturating_add(more[0]), sums[1].saturating_add(more[1])];
}

/// Whether something is seen: by two reporters, or by one that no two others contradict.
fn believed(reporters: impl Iterator<Item = bool>) -> bool {
    let (mut seeing, mut others) = (0usize, 0usize);
    reporters.for_each(|sees| *(if sees { &mut seeing } else { &mut others }) += 1);
    seeing > 1 || seeing == 1 && others < 2
}
