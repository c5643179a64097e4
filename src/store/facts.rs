//! What questions ask of an outcome, packed so that a question can read it for tens of thousands of them.
//!
//! The columns of `outcome` hold the same. Reading them a row at a time cost the questions about a week more than the records
//! of the week, so each [`BLOCK`] of outcomes has them in one row of `outcome_block` as well, written in the transaction
//! that adds the outcomes.

use super::engine::{self, Connection, Optional, params};

use super::runs::PolicyWords;
use super::{Result, Store, StoreError};
use crate::alignment::{AuthResult, Detail, Disposition, DkimState, ForwardingReasons, ReasonCode, SpfFault, SpfState};
use crate::varint;

/// How many outcomes share a row: those with the same number divided by this.
const BLOCK: u64 = 256;

/// What is asked of an outcome for every record that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OutcomeFacts {
    /// Header From, see [`Store::names`].
    pub header_from: Option<i64>,
    /// The domain that SPF authenticated, whether it aligns or not.
    pub envelope: Option<i64>,
    /// The organizational domain that SPF authenticated, where it is not header From's own.
    pub authenticated: Option<i64>,
    /// Who signed, see [`Store::signers`].
    pub signers: i64,
    /// The DKIM state.
    pub dkim: DkimState,
    /// The SPF state.
    pub spf: SpfState,
    /// Whether DMARC passes.
    pub dmarc: Option<bool>,
    /// What was done.
    pub disposition: Option<Disposition>,
    /// With a broken signature: which result it had.
    pub broken_by: Option<AuthResult>,
    /// The evaluation and the listed results disagree.
    pub contradiction: bool,
    /// The reverse-path is null.
    pub null_reverse_path: bool,
    /// Why DKIM or SPF does not align, as far as the record shows.
    pub detail: Detail,
    /// Reasons that speak of forwarding, where DMARC failed.
    pub forwarding: ForwardingReasons,
}

impl OutcomeFacts {
    /// Without override reasons that did not count, in a report on `domain` that says which policy was published. A reason
    /// counts only where it overrode: what was done is not what the policy asked for. A chain of forwarders that the receiver
    /// believes (ARC) is evidence in any case.
    #[must_use]
    pub fn in_effect(mut self, domain: i64, policy: &PolicyWords) -> Self {
        let asked = if self.header_from == Some(domain) { policy.p.as_deref() } else { policy.below() };
        let done = self.disposition.and_then(Disposition::policy);
        if done.is_none() || done == asked {
            self.forwarding = ForwardingReasons { arc_pass: self.forwarding.arc_pass, ..ForwardingReasons::default() };
        }
        self
    }
}

/// The columns of an outcome that questions ask for, as they are stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackedFacts {
    pub(super) header_from: Option<i64>,
    pub(super) envelope: Option<i64>,
    pub(super) authenticated: Option<i64>,
    pub(super) signers: i64,
    pub(super) state: i64,
}

impl PackedFacts {
    fn put(&self, out: &mut Vec<u8>) {
        for name in [self.header_from, self.envelope, self.authenticated] {
            varint::put(out, name.map_or(0, |name| name.unsigned_abs() + 1));
        }
        varint::put(out, self.signers.unsigned_abs());
        varint::put(out, self.state.unsigned_abs());
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let mut number = || varint::take(bytes).and_then(|number| i64::try_from(number).ok());
        let name = |number: i64| number.checked_sub(1).filter(|&name| name >= 0);
        Some(PackedFacts {
            header_from: name(number()?),
            envelope: name(number()?),
            authenticated: name(number()?),
            signers: number()?,
            state: number()?,
        })
    }

    /// Unpacks the states, see `pack_state`.
    fn read(&self) -> Option<OutcomeFacts> {
        let bits = |shift: u32, width: u32| ((self.state >> shift) & ((1 << width) - 1)) as u8;
        Some(OutcomeFacts {
            header_from: self.header_from,
            envelope: self.envelope,
            authenticated: self.authenticated,
            signers: self.signers,
            dkim: DkimState::from_code(bits(0, 4))?,
            spf: SpfState::from_code(bits(4, 4))?,
            dmarc: match bits(8, 4) {
                1 => Some(false),
                2 => Some(true),
                _ => None,
            },
            disposition: bits(12, 4).checked_sub(1).and_then(Disposition::from_code),
            broken_by: bits(16, 4).checked_sub(1).and_then(AuthResult::from_code),
            contradiction: bits(20, 1) == 1,
            null_reverse_path: bits(22, 1) == 1,
            detail: Detail {
                reason: bits(27, 4).checked_sub(1).and_then(ReasonCode::from_code),
                spf_fault: bits(31, 2).checked_sub(1).and_then(|code| SpfFault::ALL.get(usize::from(code)).copied()),
                spf_fault_elsewhere: bits(37, 1) == 1,
                strict_dkim: bits(33, 1) == 1,
                strict_spf: bits(34, 1) == 1,
                envelope_reported: bits(35, 1) == 1,
                spf_without_domain: bits(36, 1) == 1,
            },
            forwarding: ForwardingReasons {
                forwarded: bits(23, 1) == 1,
                mailing_list: bits(24, 1) == 1,
                trusted_forwarder: bits(25, 1) == 1,
                arc_pass: bits(26, 1) == 1,
            },
        })
    }
}

/// Blocks that are to be written with the outcomes in them.
#[derive(Debug, Default)]
pub(super) struct FreshFacts {
    block: u64,
    bytes: Vec<u8>,
}

impl FreshFacts {
    /// Adds an outcome; they come in the order of their numbers.
    pub(super) fn add(&mut self, connection: &Connection, id: i64, facts: &PackedFacts) -> engine::Result<()> {
        let id = id.unsigned_abs();
        if self.block != id / BLOCK {
            self.write(connection)?;
            self.block = id / BLOCK;
        }
        self.bytes.push((id % BLOCK) as u8);
        facts.put(&mut self.bytes);
        Ok(())
    }

    /// Writes what was added since: before the transaction that added the outcomes ends.
    pub(super) fn write(&mut self, connection: &Connection) -> engine::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        connection
            .prepare(
                "INSERT INTO outcome_block (block, facts) VALUES (?1, ?2)
                 ON CONFLICT (block) DO UPDATE SET facts = CAST(outcome_block.facts || excluded.facts AS BLOB)",
            )?
            .write(params![self.block.cast_signed(), self.bytes])?;
        self.bytes.clear();
        Ok(())
    }

    /// Forgets what was added: the outcomes are not there any more.
    pub(super) fn forget(&mut self) {
        self.bytes.clear();
    }
}

/// Writes all blocks anew from the outcomes.
pub(super) fn write_all(connection: &Connection) -> engine::Result<()> {
    connection.execute("DELETE FROM outcome_block", ())?;
    let mut fresh = FreshFacts::default();
    let mut select = connection
        .prepare("SELECT id, header_from, envelope, authenticated, signers, state FROM outcome ORDER BY id")?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let facts = PackedFacts {
            header_from: row.get(1)?,
            envelope: row.get(2)?,
            authenticated: row.get(3)?,
            signers: row.get(4)?,
            state: row.get(5)?,
        };
        fresh.add(connection, row.get(0)?, &facts)?;
    }
    fresh.write(connection)
}

/// Shows the facts of an outcome and of those around it.
pub(super) fn around(connection: &Connection, outcome: u64, visit: &mut dyn FnMut(u64, OutcomeFacts)) -> Result<()> {
    let block = outcome / BLOCK;
    let damaged = || StoreError::Damaged(format!("outcome {outcome}"));
    let bytes: Option<Vec<u8>> = connection
        .prepare("SELECT facts FROM outcome_block WHERE block = ?1")?
        .query_row([i64::try_from(block).unwrap_or(-1)], |row| row.get(0))
        .optional()?;
    let bytes = bytes.ok_or_else(damaged)?;
    let mut rest = bytes.as_slice();
    while let Some((&place, after)) = rest.split_first() {
        rest = after;
        let facts = PackedFacts::take(&mut rest).and_then(|facts| facts.read()).ok_or_else(damaged)?;
        visit(block * BLOCK + u64::from(place), facts);
    }
    Ok(())
}

impl Store {
    /// Shows the facts of an outcome and of those around it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn facts_around(&self, outcome: u64, visit: &mut dyn FnMut(u64, OutcomeFacts)) -> Result<()> {
        around(&self.connection, outcome, visit)
    }
}
