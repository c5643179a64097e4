//! What a record costs in look-ups, and which of its terms lead nowhere (RFC 7208 §4.6.4).

use super::tree::{NodeState, SpfNode};
use crate::dns::check::{Check, Findings};
use crate::finding::Severity;
use crate::tag_list::quoted;

/// Look-ups that a receiver makes at most.
const MOST_LOOKUPS: usize = 10;
/// Look-ups that may find nothing.
const MOST_VOID: usize = 2;

/// The look-ups of a record and of all that it includes.
#[derive(Debug)]
pub(super) struct Cost {
    /// Look-ups when nothing matches before.
    pub(super) lookups: usize,
    /// Of these, those that find nothing.
    pub(super) void_lookups: usize,
    /// Whether nothing in the tree failed to be looked up.
    pub(super) complete: bool,
    /// Whether parts depend on the message and are not followed.
    pub(super) macros: bool,
}

impl Cost {
    /// Of a record's tree; tells of each term that leads nowhere, and of the numbers.
    pub(super) fn of(name: &str, tree: &[SpfNode], findings: &mut Findings) -> Self {
        let mut cost = Cost {
            lookups: tree.iter().map(|node| node.lookups).sum(),
            void_lookups: tree.iter().map(|node| node.void_lookups).sum(),
            complete: true,
            macros: false,
        };
        cost.walk(name, tree, findings);
        cost.tell(name, findings);
        cost
    }

    fn walk(&mut self, own: &str, nodes: &[SpfNode], findings: &mut Findings) {
        for node in nodes {
            self.complete &= node.state != NodeState::CouldNotLook;
            self.macros |= node.name.is_none() && node.state != NodeState::Deprecated;
            let problem = node.problem.as_deref().unwrap_or_default();
            let detail = format!("{} in the record of {own}: {problem}", quoted(&node.term));
            match node.state {
                NodeState::Fine => {}
                NodeState::CouldNotLook => findings.unknown(Check::SpfInclude, Severity::Error, own, &detail),
                NodeState::Deprecated => {
                    findings.fail(
                        Check::SpfPtr,
                        Severity::Warning,
                        own,
                        detail,
                        "Name the addresses or networks instead.",
                    );
                }
                NodeState::Void => {
                    findings.fail(
                        Check::SpfInclude,
                        Severity::Advice,
                        own,
                        detail,
                        "Remove the term, or correct the name.",
                    );
                }
                NodeState::PermanentError => findings.fail(
                    Check::SpfInclude,
                    Severity::Error,
                    own,
                    format!("{detail}: a permanent error for mail that no term before it matches"),
                    "Correct it, or remove the term.",
                ),
            }
            self.walk(node.name.as_deref().unwrap_or(own), &node.behind, findings);
        }
    }

    /// The numbers, beside what receivers bear.
    fn tell(&self, name: &str, findings: &mut Findings) {
        let least = if self.complete { "" } else { "at least " };
        let lookups = self.lookups;
        if lookups > MOST_LOOKUPS {
            findings.fail(
            Check::SpfLookups,
            Severity::Error,
            name,
            format!("the SPF record costs {least}{lookups} look-ups; beyond {MOST_LOOKUPS} receivers give up with a permanent error (RFC 7208 §4.6.4)"),
            "Remove senders that are no longer used, replace a and mx by addresses, or give services subdomains of their own.",
        );
        } else if !self.complete {
            findings.unknown(
                Check::SpfLookups,
                Severity::Error,
                name,
                &format!("{lookups} look-ups counted, parts of the tree gave no answer"),
            );
        } else {
            let rest = if self.macros { ", and what depends on the message" } else { "" };
            findings.pass(
                Check::SpfLookups,
                name,
                format!("the SPF record costs {lookups} of {MOST_LOOKUPS} look-ups{rest}"),
            );
        }
        if self.void_lookups > MOST_VOID {
            findings.fail(
            Check::SpfVoidLookups,
            Severity::Error,
            name,
            format!("{least}{} look-ups find nothing; beyond {MOST_VOID} receivers may give up with a permanent error (RFC 7208 §4.6.4)", self.void_lookups),
            "Remove the terms that lead nowhere.",
        );
        }
    }
}
