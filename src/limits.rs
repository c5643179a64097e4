//! How much of a stranger's input is worth reading.
//!
//! Reports are mail, and anyone may write to the address that is published for them. Every limit counts what was
//! really read or produced, never what a header claims. [`Limits`] are the bounds, [`Budget`] is what one input has
//! left of them: one for all layers of the input, however mails, archives and mailboxes lie within each other.

use std::cell::Cell;
use std::fmt::Display;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::rejection::RejectionCode;

/// The limits, with the names they have in the configuration's `[limits]`. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// A whole mail.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub message: u64,
    /// One attachment or file that is compressed, as it came.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub compressed: u64,
    /// One document, unpacked.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub document: u64,
    /// Everything that one mail or file unpacks to, all layers together.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub total: u64,
    /// Processor time for one mail or file, in seconds.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub time: u64,
    /// Archives within archives, through all mails between them.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub archive_depth: u32,
    /// Entries of a zip that are looked at.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub zip_members: usize,
    /// Reports read from one zip.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub zip_reports: usize,
    /// Entries of all zips of one mail or file.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub members: usize,
    /// Parts of a mail, and of all mails within it.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub mime_parts: usize,
    /// Multiparts within multiparts; Microsoft's reports need three (mixed, related, alternative).
    #[serde(deserialize_with = "at_least::<3, _, _>")]
    pub mime_depth: u32,
    /// Mails within mails, through all archives between them.
    pub message_depth: u32,
    /// Mails within one mail or file, at any depth.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub messages: usize,
    /// Reports in one mail or file.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub reports: usize,
    /// Reports of one reporter, id, domain and period in one mail or file.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub same_id: usize,
    /// Different published policies in the reports of one mail or file.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub policies: usize,
    /// Elements within elements; a report needs six (feedback, record, row, policy_evaluated, reason, type).
    #[serde(deserialize_with = "at_least::<6, _, _>")]
    pub xml_depth: usize,
    /// Records of a report.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub records: u64,
    /// Different failures in the SMTP TLS reports of one document.
    pub tls_failures: usize,
    /// Signatures kept of one record; the rest is counted as an irregularity.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub signatures: usize,
    /// Bytes of a free text (comment, contact); longer ones are cut.
    pub text: usize,
    /// Bytes of the different texts of one mail or file, with 8 bytes for each record, that are allowed beyond 8 times its size. Above that
    /// free texts are cut short; above 3 times as much in all nothing more is read.
    pub texts: u64,
    /// Bytes of a name (domain, selector, report id); longer ones are cut.
    #[serde(deserialize_with = "at_least::<1, _, _>")]
    pub name: usize,
    /// Bytes that the quarantine keeps, in all.
    pub quarantine: u64,
    /// Entries of the quarantine.
    pub quarantine_entries: u64,
    /// Bytes of the database: a larger one is warned of; it grows on.
    pub database: u64,
}

/// Reads a limit below which reports of well-known reporters could not be read, which nobody can mean.
fn at_least<'de, const LEAST: u8, D: Deserializer<'de>, T: Deserialize<'de> + From<u8> + PartialOrd + Display>(
    deserializer: D,
) -> Result<T, D::Error> {
    let limit = T::deserialize(deserializer)?;
    if limit < T::from(LEAST) {
        return Err(serde::de::Error::custom(format!(
            "invalid limit {limit}: reports could not be read; use {LEAST} or more, or leave it out for the default"
        )));
    }
    Ok(limit)
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Limits {
            message: 32 * MIB,
            compressed: 16 * MIB,
            document: 512 * MIB,
            total: 1024 * MIB,
            time: 60,
            archive_depth: 2,
            zip_members: 64,
            zip_reports: 16,
            members: 512,
            mime_parts: 256,
            mime_depth: 16,
            message_depth: 3,
            messages: 1000,
            reports: 10_000,
            same_id: 100,
            policies: 1000,
            xml_depth: 32,
            records: 2_000_000,
            tls_failures: 10_000,
            signatures: 256,
            text: 64 * 1024,
            texts: MIB,
            name: 1024,
            quarantine: 1024 * MIB,
            quarantine_entries: 10_000,
            database: 4096 * MIB,
        }
    }
}

/// What reading an input costs, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Bytes that some layer of packing or encoding produced.
    Bytes,
    /// Parts of mails.
    Parts,
    /// Entries of zips.
    Members,
    /// Mails within the input.
    Messages,
    /// Reports.
    Reports,
    /// Different published policies.
    Policies,
}

impl Cost {
    const ALL: [Cost; 6] = [Cost::Bytes, Cost::Parts, Cost::Members, Cost::Messages, Cost::Reports, Cost::Policies];

    fn code(self) -> RejectionCode {
        match self {
            Cost::Bytes => RejectionCode::LimitTotal,
            Cost::Parts => RejectionCode::LimitMimeParts,
            Cost::Members => RejectionCode::LimitMembers,
            Cost::Messages => RejectionCode::LimitMessages,
            Cost::Reports => RejectionCode::LimitReports,
            Cost::Policies => RejectionCode::LimitPolicies,
        }
    }

    fn limit(self, limits: &Limits) -> u64 {
        match self {
            Cost::Bytes => limits.total,
            Cost::Parts => limits.mime_parts as u64,
            Cost::Members => limits.members as u64,
            Cost::Messages => limits.messages as u64,
            Cost::Reports => limits.reports as u64,
            Cost::Policies => limits.policies as u64,
        }
    }
}

/// Looking at the clock costs more than most of what is counted, so it is done once for this much work. A unit is a
/// byte; anything else counts as [`ITEM`] of them.
const BETWEEN_LOOKS: u64 = 256 * 1024;
/// How much work a part, a member, a mail or a report is taken for.
const ITEM: u64 = 4 * 1024;

/// What one input may still cost, counted down over all its layers.
#[derive(Debug)]
pub struct Budget {
    left: [Cell<u64>; Cost::ALL.len()],
    time: Duration,
    began: Duration,
    unlooked: Cell<u64>,
    /// The limit that was met; nothing is given any more.
    exceeded: Cell<Option<RejectionCode>>,
}

impl Budget {
    /// The budget of a fresh input. Its time is the processor time of the thread that makes it.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Budget {
            left: Cost::ALL.map(|cost| Cell::new(cost.limit(limits))),
            time: Duration::from_secs(limits.time),
            began: processor_time(),
            unlooked: Cell::new(0),
            exceeded: Cell::new(None),
        }
    }

    /// Takes an amount of one kind.
    ///
    /// # Errors
    /// The code of the limit, when there is not as much left, when the time is up, or when any of the limits was met
    /// before.
    pub fn take(&self, cost: Cost, amount: u64) -> Result<(), RejectionCode> {
        if let Some(code) = self.exceeded.get() {
            return Err(code);
        }
        let left = &self.left[cost as usize];
        let Some(rest) = left.get().checked_sub(amount) else {
            return Err(self.exceed(cost.code()));
        };
        left.set(rest);
        self.work(if cost == Cost::Bytes { amount } else { amount.saturating_mul(ITEM) })
    }

    /// Counts work that only costs time.
    ///
    /// # Errors
    /// As for [`Budget::take`].
    pub fn work(&self, units: u64) -> Result<(), RejectionCode> {
        let unlooked = self.unlooked.get().saturating_add(units);
        if unlooked < BETWEEN_LOOKS {
            self.unlooked.set(unlooked);
            return Ok(());
        }
        self.unlooked.set(0);
        if processor_time().saturating_sub(self.began) > self.time {
            return Err(self.exceed(RejectionCode::LimitTime));
        }
        Ok(())
    }

    fn exceed(&self, code: RejectionCode) -> RejectionCode {
        self.exceeded.set(Some(code));
        code
    }

    /// The limit that was met, if one was.
    #[must_use]
    pub fn exceeded(&self) -> Option<RejectionCode> {
        self.exceeded.get()
    }
}

/// The processor time that this thread has used.
#[cfg(unix)]
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The time since the first call, where threads have no clock of their own.
#[cfg(not(unix))]
fn processor_time() -> Duration {
    static BEGAN: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    BEGAN.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_stays_gone_and_says_which_limit() {
        let budget = Budget::new(&Limits { total: 10, members: 2, ..Limits::default() });
        assert_eq!(budget.take(Cost::Bytes, 10), Ok(()));
        assert_eq!(budget.take(Cost::Members, 3), Err(RejectionCode::LimitMembers));
        assert_eq!(budget.take(Cost::Parts, 1), Err(RejectionCode::LimitMembers));
        assert_eq!(budget.exceeded(), Some(RejectionCode::LimitMembers));
    }

    #[test]
    fn time_runs_out() {
        let budget = Budget::new(&Limits { time: 0, ..Limits::default() });
        let mut sum = 0_u64;
        while budget.work(BETWEEN_LOOKS).is_ok() {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(1));
        }
        assert_eq!(budget.exceeded(), Some(RejectionCode::LimitTime));
    }
}
