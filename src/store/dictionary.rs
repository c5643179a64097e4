//! What is stored once and referred to by numbers: names, outcomes, lists of signatures, policies.

use std::collections::HashMap;
use std::sync::Arc;

use super::engine::{self, Connection, Optional, params};
use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{FreshFacts, PackedFacts};
use super::interner::{Interner, NameReader, Numbering};
use super::new_report::SharedOutcome;
use super::{Result, StoreError};
use crate::alignment::codec::{self, InPlace};
use crate::alignment::{AuthResult, Outcome};
use crate::report::PolicyPublished;
use crate::varint;

/// More outcomes than that are looked up in the database again.
const OUTCOMES_KEPT: usize = 400_000;
/// Lists of signatures, and policies, of more bytes than that are, too.
const KEPT_BYTES: usize = 8 * 1024 * 1024;

/// The numbers that this process knows.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    pub(super) names: Interner,
    outcomes: FxHashMap<u128, u64>,
    /// Outcomes that are looked up and not stored, of the run at hand.
    absent: FxHashSet<u128>,
    // By texts of strangers, who may know how any fixed function hashes; the digests above have a key.
    signers: HashMap<Vec<u8>, i64>,
    policies: HashMap<PolicyPublished, i64>,
    /// The bytes of the keys of both.
    bytes: usize,
    /// Facts of outcomes that were added and are yet to be written.
    pub(super) facts: FreshFacts,
    scratch: Vec<u8>,
}

impl Dictionary {
    /// Forgets all numbers: somebody else, or a rollback, may have changed them.
    pub(super) fn forget(&mut self) {
        self.names.forget();
        self.outcomes.clear();
        self.absent.clear();
        self.signers.clear();
        self.policies.clear();
        self.bytes = 0;
        self.facts.forget();
    }

    /// Looks up those of some outcomes that are not known, many in one statement.
    pub(super) fn look_up(&mut self, connection: &Connection, all: &[Arc<SharedOutcome>]) -> Result<()> {
        const TOGETHER: usize = 16;
        self.absent.clear();
        let unknown: Vec<[u8; 16]> = all
            .iter()
            .filter(|shared| !self.outcomes.contains_key(&shared.digest))
            .map(|shared| shared.digest.to_be_bytes())
            .collect();
        if unknown.len() < 2 {
            return Ok(());
        }
        let marks: Vec<String> = (1..=TOGETHER).map(|mark| format!("?{mark}")).collect();
        let sql = format!("SELECT digest, id FROM outcome WHERE digest IN ({})", marks.join(", "));
        let mut select = connection.prepare(&sql)?;
        for digests in unknown.chunks(TOGETHER) {
            // The last stands for those that are missing.
            let asked: [&[u8; 16]; TOGETHER] = std::array::from_fn(|at| &digests[at.min(digests.len() - 1)]);
            let mut rows = select.query(asked)?;
            while let Some(row) = rows.next()? {
                self.outcomes.insert(u128::from_be_bytes(row.get(0)?), row.get::<i64>(1)?.unsigned_abs());
            }
            let digests = digests.iter().map(|digest| u128::from_be_bytes(*digest));
            self.absent.extend(digests.filter(|digest| !self.outcomes.contains_key(digest)));
        }
        Ok(())
    }

    /// The number of an outcome.
    pub(super) fn outcome(&mut self, connection: &Connection, shared: &SharedOutcome) -> Result<u64> {
        if let Some(&id) = self.outcomes.get(&shared.digest) {
            return Ok(id);
        }
        let digest = shared.digest.to_be_bytes();
        let found: Option<i64> = if self.absent.remove(&shared.digest) {
            None
        } else {
            connection
                .prepare("SELECT id FROM outcome WHERE digest = ?1")?
                .query_row([digest.as_slice()], |row| row.get(0))
                .optional()?
        };
        let id = match found {
            Some(id) => id,
            None => {
                let mut outcome = codec::decode_unjudged(&mut &*shared.canonical, &mut InPlace)
                    .ok_or_else(|| StoreError::Other("an outcome could not be written".to_owned()))?;
                outcome.verdict = shared.verdict.clone();
                self.insert_outcome(connection, &digest, &outcome)?
            }
        };
        if self.outcomes.len() >= OUTCOMES_KEPT {
            self.outcomes.clear();
        }
        let id = id.unsigned_abs();
        self.outcomes.insert(shared.digest, id);
        Ok(id)
    }

    fn insert_outcome(&mut self, connection: &Connection, digest: &[u8], outcome: &Outcome) -> Result<i64> {
        self.scratch.clear();
        let mut texts = Numbering { names: &mut self.names, connection };
        codec::encode(outcome, &mut self.scratch, &mut texts)?;
        let header_from = self.names.id_of(connection, outcome.header_from.as_deref())?;
        let authenticated = self.names.id_of(connection, outcome.verdict.authenticated.as_deref())?;
        let envelope = self.names.id_of(connection, outcome.verdict.envelope.as_deref())?;
        let detail = std::mem::take(&mut self.scratch);
        let signers = self.signers(connection, outcome)?;
        let state = pack_state(outcome);
        let id = connection
            .prepare(
                "INSERT INTO outcome (digest, header_from, authenticated, signers, state, detail, envelope)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .insert(params![digest, header_from, authenticated, signers, state, detail, envelope])?;
        self.facts.add(connection, id, &PackedFacts { header_from, envelope, authenticated, signers, state })?;
        self.scratch = detail;
        Ok(id)
    }

    /// The number of the list of signatures that an outcome has.
    fn signers(&mut self, connection: &Connection, outcome: &Outcome) -> Result<i64> {
        let mut detail = Vec::new();
        for one in outcome.dkim.iter().filter(|one| one.domain.is_some()) {
            for text in [one.domain.as_deref(), one.selector.as_deref()] {
                let id = self.names.id_of(connection, text)?.unwrap_or(0);
                varint::put(&mut detail, id.unsigned_abs());
            }
            detail.push(one.result.code());
        }
        if let Some(&id) = self.signers.get(&detail) {
            return Ok(id);
        }
        let found: Option<i64> = connection
            .prepare("SELECT id FROM signers WHERE detail = ?1")?
            .query_row([&detail], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => connection.prepare("INSERT INTO signers (detail) VALUES (?1)")?.insert([&detail])?,
        };
        self.make_room(detail.len());
        self.signers.insert(detail, id);
        Ok(id)
    }

    /// Forgets lists and policies that are looked up in the database again, where there is no room for one more.
    fn make_room(&mut self, bytes: usize) {
        const OVERHEAD: usize = 200;
        if self.bytes >= KEPT_BYTES {
            self.signers.clear();
            self.policies.clear();
            self.bytes = 0;
        }
        self.bytes += bytes + OVERHEAD;
    }

    /// The number of a policy, whose domain stands with the report.
    pub(super) fn policy(&mut self, connection: &Connection, policy: &PolicyPublished) -> Result<i64> {
        // The domain stands with the report.
        let key = PolicyPublished { domain: None, ..policy.clone() };
        if let Some(&id) = self.policies.get(&key) {
            return Ok(id);
        }
        let values =
            params![key.p, key.sp, key.np, key.adkim, key.aspf, key.pct, key.fo, key.testing, key.discovery_method];
        let found: Option<i64> = connection
            .prepare(
                "SELECT id FROM policy WHERE p IS NOT DISTINCT FROM ?1 AND sp IS NOT DISTINCT FROM ?2 AND np IS NOT DISTINCT FROM ?3 AND adkim IS NOT DISTINCT FROM ?4 AND aspf IS NOT DISTINCT FROM ?5 AND pct IS NOT DISTINCT FROM ?6
                    AND fo IS NOT DISTINCT FROM ?7 AND testing IS NOT DISTINCT FROM ?8 AND discovery_method IS NOT DISTINCT FROM ?9",
            )?
            .query_row(values, |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => connection
                .prepare(
                    "INSERT INTO policy (p, sp, np, adkim, aspf, pct, fo, testing, discovery_method)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .insert(values)?,
        };
        self.make_room(key.written().into_iter().flatten().map(str::len).sum());
        self.policies.insert(key, id);
        Ok(id)
    }
}

/// The states of an outcome in one number, see [`OutcomeFacts`](super::OutcomeFacts); [`facts`](super::facts) unpacks it.
fn pack_state(outcome: &Outcome) -> i64 {
    let verdict = &outcome.verdict;
    let tri = |value: Option<bool>| value.map_or(0, |value| 1 + i64::from(value));
    i64::from(verdict.dkim.code())
        | i64::from(verdict.spf.code()) << 4
        | tri(verdict.dmarc) << 8
        | i64::from(outcome.disposition.map_or(0, |value| value.code() + 1)) << 12
        | i64::from(verdict.broken_by.map_or(0, |value: AuthResult| value.code() + 1)) << 16
        | i64::from(verdict.contradiction) << 20
        | i64::from(verdict.dmarc_recomputed) << 21
        | i64::from(verdict.null_reverse_path) << 22
        | i64::from(verdict.forwarding.forwarded) << 23
        | i64::from(verdict.forwarding.mailing_list) << 24
        | i64::from(verdict.forwarding.trusted_forwarder) << 25
        | i64::from(verdict.forwarding.arc_pass) << 26
        | i64::from(verdict.detail.reason.map_or(0, |code| code.code() + 1)) << 27
        | verdict.detail.spf_fault.map_or(0, |fault| fault as i64 + 1) << 31
        | i64::from(verdict.detail.strict_dkim) << 33
        | i64::from(verdict.detail.strict_spf) << 34
        | i64::from(verdict.detail.envelope_reported) << 35
        | i64::from(verdict.detail.spf_without_domain) << 36
        | i64::from(verdict.detail.spf_fault_elsewhere) << 37
}

/// Judges all stored outcomes anew, for databases of a version that kept less of what they amount to.
pub(super) fn judge_outcomes(connection: &Connection) -> Result<()> {
    let mut names = Interner::default();
    let mut texts = NameReader::new(connection);
    let mut update = connection.prepare("UPDATE outcome SET envelope = ?2, state = ?3 WHERE id = ?1")?;
    let last: i64 = connection.query_row("SELECT COALESCE(MAX(id), 0) FROM outcome", (), |row| row.get(0))?;
    let mut select = connection.prepare("SELECT id, detail FROM outcome WHERE id > ?1 ORDER BY id LIMIT 1000")?;
    let mut after = 0;
    while after < last {
        let batch: Vec<(i64, Vec<u8>)> =
            select.query_map([after], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<engine::Result<_>>()?;
        for (id, detail) in batch {
            let outcome = codec::decode(&mut detail.as_slice(), &mut texts)
                .ok_or_else(|| StoreError::Damaged(format!("outcome {id}")))?;
            let envelope = names.id_of(connection, outcome.verdict.envelope.as_deref())?;
            update.execute(params![id, envelope, pack_state(&outcome)])?;
            after = id;
        }
    }
    Ok(())
}
