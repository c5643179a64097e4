//! What an examiner remembers of the outcomes it has met, from one report to the next.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::alignment::codec::{self, InPlace};
use crate::alignment::{AlignmentMode, Outcome};
use crate::report::{Irregularities, Record, Text};
use crate::store::{DigestKey, SharedOutcome};

/// OutcomeCache remembered between reports, and the bytes they may take.
pub(super) const REMEMBERED: usize = 60_000;
const REMEMBERED_BYTES: usize = 8 * 1024 * 1024;
/// What an examiner remembers of the outcomes it has met: by a digest of the text as it stood in the record.
pub(super) struct OutcomeCache {
    pub(super) key: DigestKey,
    pub(super) known: FxHashMap<u128, Known>,
    /// By a digest of the record's bytes without address and count: the digest of its texts.
    pub(super) by_markup: FxHashMap<u128, u128>,
    bytes: usize,
    /// Counts reports and runs, so that what was used in the current one can be told.
    counter: u64,
}

pub(super) struct Known {
    pub(super) outcome: Arc<SharedOutcome>,
    pub(super) irregularities: Option<Box<Irregularities>>,
    /// The run in which it was used last, and its place there.
    pub(super) run: u64,
    pub(super) place: u32,
    /// The report whose irregularities it was added to last.
    pub(super) report: u64,
}

impl OutcomeCache {
    pub(super) fn new(key: DigestKey) -> Self {
        OutcomeCache { key, known: FxHashMap::default(), by_markup: FxHashMap::default(), bytes: 0, counter: 0 }
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// The bytes of an outcome that is known.
    pub(super) fn size(&self, texts_digest: u128) -> usize {
        self.known.get(&texts_digest).map_or(0, |known| known.outcome.canonical.len())
    }

    /// The outcome of a record whose texts have this digest; read and judged if it was not met before.
    pub(super) fn get(&mut self, texts_digest: u128, record: &Record, mode: AlignmentMode) -> &mut Known {
        if self.known.len() >= REMEMBERED || self.bytes >= REMEMBERED_BYTES {
            self.known.clear();
            self.by_markup.clear();
            self.bytes = 0;
        }
        let (key, bytes) = (self.key, &mut self.bytes);
        self.known.entry(texts_digest).or_insert_with(|| {
            let mut odd = Irregularities::default();
            let outcome = Outcome::of(record, mode, &mut odd);
            let mut canonical = Vec::with_capacity(256);
            let Ok(()) = codec::encode(&outcome, &mut canonical, &mut InPlace);
            *bytes += canonical.len() + 160;
            let shared = SharedOutcome {
                digest: key.of(&canonical),
                canonical: canonical.into_boxed_slice(),
                verdict: outcome.verdict,
            };
            Known {
                outcome: Arc::new(shared),
                irregularities: (!odd.as_slice().is_empty()).then(|| Box::new(odd)),
                run: 0,
                place: 0,
                report: 0,
            }
        })
    }
}

/// The modes in one byte.
pub(super) fn mode_bits(mode: AlignmentMode) -> u8 {
    u8::from(mode.dkim_strict) | u8::from(mode.spf_strict) << 1
}

/// All texts of a record that make its outcome, with borders.
pub(super) fn write_texts(record: &Record, mode: AlignmentMode, out: &mut Vec<u8>) {
    let evaluated = &record.row.policy_evaluated;
    let results = &record.auth_results;
    out.clear();
    out.push(mode_bits(mode));
    for length in [results.dkim.len(), results.spf.len(), evaluated.reasons.len()] {
        out.extend_from_slice(&(length as u32).to_le_bytes());
    }
    let mut put = |text: &Text| match text.get() {
        None => out.push(0),
        Some(text) => {
            out.push(1);
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
    };
    put(&evaluated.disposition);
    put(&evaluated.dkim);
    put(&evaluated.spf);
    put(&record.identifiers.header_from);
    put(&record.identifiers.envelope_from);
    put(&record.identifiers.envelope_to);
    for one in results.dkim.iter() {
        put(&one.domain);
        put(&one.selector);
        put(&one.result);
        put(&one.human_result);
    }
    for one in results.spf.iter() {
        put(&one.domain);
        put(&one.scope);
        put(&one.result);
        put(&one.human_result);
    }
    for one in evaluated.reasons.iter() {
        put(&one.kind);
        put(&one.comment);
    }
}
