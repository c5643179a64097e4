//! Several reports of one identity (reporter, report id, policy domain, period): which of them count.
//!
//! That depends on the reports alone and not on the order in which they came, so it is decided once for each batch, when
//! all of the batch are there. These are left out, one rule after the other, and replace nothing:
//!
//! 1. reports that are not believed;
//! 2. where the mail of one passed DMARC for its reporter's own domain, those that passed for another domain;
//! 3. where any passed, those that nobody checked.
//!
//! What is left is compared as [`editions`] says, those that passed for one domain with each other, and those that nobody checked: a
//! forged report hides nothing.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use super::engine::{self, Connection, Optional, Row, params};
use rustc_hash::FxHashMap;

use super::day_totals::Deltas;
use super::editions::{self, MergedRows};
use super::interner::NameReader;
use super::new_report::Totals;
use super::trust::{BELIEVED, Trust};
use super::values::{blob, number, to_column};
use super::{DigestKey, Result, RowsDigest, StoreError};
use crate::report::period::{DAY, Day, Period};
use crate::reporter;
use crate::rows;

/// Periods that begin further apart than this are not compared: long periods are noted as such anyway.
const NEAR: i64 = 2 * DAY;
/// How many reports that begin near another are looked at for an overlap, so that many cost no more than few.
const LOOKED_AT: u32 = 100;
/// Reports with more records than this together are not compared, and all count: their rows would not fit in memory.
const MOST_RECORDS: u64 = 2_000_000;

/// A stored report that says what another says, see [`find`].
pub(super) struct Same {
    pub(super) id: i64,
    pub(super) trust: Trust,
    pub(super) policy: i64,
    pub(super) day: Day,
}

/// The report of this identity and content, if it is stored.
pub(super) fn find(connection: &Connection, identity: u128, content: u128) -> Result<Option<Same>> {
    let mut select = connection
        .prepare("SELECT id, trust, policy, day FROM report WHERE logical = ?1 AND content = ?2 ORDER BY id LIMIT 1")?;
    let found = select.query_row(params![identity.to_be_bytes(), content.to_be_bytes()], |row| {
        Ok(Same { id: row.get(0)?, trust: Trust::from_number(row.get(1)?), policy: row.get(2)?, day: row.get(3)? })
    });
    Ok(found.optional()?)
}

/// How many reports of an identity are stored, and how many of them are believed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Group {
    pub(super) reports: i64,
    pub(super) believed: i64,
}

impl Group {
    pub(super) fn select() -> String {
        format!("SELECT COUNT(*), COUNT(*) FILTER (WHERE {BELIEVED}) FROM report WHERE logical = ?1")
    }

    pub(super) fn load(connection: &Connection, identity: u128) -> Result<Self> {
        let mut select = connection.prepare(&Self::select())?;
        Ok(select
            .query_row([identity.to_be_bytes()], |row| Ok(Group { reports: row.get(0)?, believed: row.get(1)? }))?)
    }
}

/// A report that is about to be stored, for [`overlaps`](Self::overlaps).
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) domain: i64,
    pub(super) reporter: i64,
    pub(super) period: Period,
    pub(super) identity: u128,
}

impl Placed {
    /// Whether another report of this reporter on this domain, of another identity, is about part of the same time. Ends
    /// are compared half-open, with a second of tolerance for inclusive ones.
    pub(super) fn overlaps(&self, connection: &Connection) -> Result<bool> {
        let Placed { domain, reporter, period, identity } = *self;
        let sql = format!("SELECT 1 FROM ({}) found", overlapping(["?1", "?2", "?3", "?4", "?5", "?6"]));
        Ok(connection.prepare(&sql)?.exists(params![
            domain,
            reporter,
            period.begin.saturating_sub(NEAR),
            period.begin.saturating_add(NEAR).min(period.end - 1),
            period.begin + 1,
            identity.to_be_bytes(),
        ])?)
    }
}

/// The same for a report that is stored.
pub(super) fn overlaps(connection: &Connection, report: i64) -> Result<bool> {
    let begins = format!("mine.begin_time - {NEAR}");
    let ends = format!(
        "CASE WHEN mine.begin_time + {NEAR} < mine.end_time - 1 THEN mine.begin_time + {NEAR} ELSE mine.end_time - 1 END"
    );
    let found = overlapping(["mine.domain", "mine.reporter", &begins, &ends, "mine.begin_time + 1", "mine.logical"]);
    let sql = format!("SELECT CASE WHEN EXISTS ({found}) THEN 1 ELSE 0 END FROM report mine WHERE mine.id = ?1");
    Ok(connection.prepare(&sql)?.query_row([report], |row| row.get(0))?)
}

/// Selects reports that overlap with one: of its domain and reporter, begun between two moments, ended after a third, and of
/// another identity.
fn overlapping([domain, reporter, after, before, end, identity]: [&str; 6]) -> String {
    format!(
        "SELECT 1 FROM (
            SELECT end_time, logical, trust, dropped FROM report
            WHERE domain = {domain} AND reporter = {reporter} AND begin_time > {after} AND begin_time < {before}
            ORDER BY begin_time DESC LIMIT {LOOKED_AT}) near
         WHERE end_time > {end} AND logical <> {identity} AND {BELIEVED}"
    )
}

fn digest(row: Row<'_>, at: usize) -> engine::Result<u128> {
    row.get::<[u8; 16]>(at).map(u128::from_be_bytes)
}

/// A stored report, as far as it is asked whether it counts.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) identity: u128,
    content: u128,
    pub(super) day: Day,
    pub(super) domain: i64,
    pub(super) reporter: i64,
    totals: Totals,
    pub(super) trust: Trust,
    /// The owner took it away.
    pub(super) dropped: bool,
    pub(super) counted: bool,
    replaced_by: Option<i64>,
    /// Messages in rows that others have too; absent for a report that is alone.
    shared: Option<i64>,
}

impl Stored {
    const COLUMNS: &str =
        "report.id, logical, content, day, domain, reporter, records, messages, dmarc_pass, dkim_aligned,
        spf_aligned, trust, counted, replaced_by, shared, dropped";

    fn of(row: Row<'_>) -> engine::Result<Self> {
        Ok(Stored {
            id: row.get(0)?,
            identity: digest(row, 1)?,
            content: digest(row, 2)?,
            day: row.get(3)?,
            domain: row.get(4)?,
            reporter: row.get(5)?,
            totals: Totals {
                records: number(row, 6)?,
                messages: number(row, 7)?,
                dmarc_pass: number(row, 8)?,
                dkim_aligned: number(row, 9)?,
                spf_aligned: number(row, 10)?,
            },
            trust: Trust::from_number(row.get(11)?),
            counted: row.get(12)?,
            replaced_by: row.get(13)?,
            shared: row.get(14)?,
            dropped: row.get(15)?,
        })
    }

    /// The report of this number.
    pub(super) fn load(connection: &Connection, report: i64) -> Result<Self> {
        let sql = format!("SELECT {} FROM report WHERE report.id = ?1", Self::COLUMNS);
        Ok(connection.prepare(&sql)?.query_row([report], Self::of)?)
    }

    /// Whether it counts unless others of its identity are in its way.
    fn may_count(&self) -> bool {
        self.trust.is_believed() && !self.dropped
    }

    fn load_all(connection: &Connection, identity: u128) -> Result<Vec<Self>> {
        let sql = format!("SELECT {} FROM report WHERE logical = ?1 ORDER BY report.id", Self::COLUMNS);
        let mut select = connection.prepare(&sql)?;
        let found = select.query_map([identity.to_be_bytes().as_slice()], Self::of)?;
        Ok(found.collect::<engine::Result<_>>()?)
    }

    /// Lets it count or not, in its records and in the summary.
    pub(super) fn count(&mut self, connection: &Connection, counted: bool, deltas: &mut Deltas) -> Result<()> {
        if self.counted == counted {
            return Ok(());
        }
        self.counted = counted;
        connection.prepare("UPDATE report SET counted = ?2 WHERE id = ?1")?.write(params![self.id, counted])?;
        connection
            .prepare("UPDATE record_run SET counted = ?4 WHERE domain = ?1 AND day = ?2 AND report = ?3")?
            .write(params![self.domain, self.day, self.id, if counted { self.trust.counted() } else { 0 }])?;
        let sign = if counted { 1 } else { -1 };
        deltas.add(self.day, self.domain, self.reporter, &self.totals, self.trust, sign);
        Ok(())
    }

    fn rows(&self, connection: &Connection, key: DigestKey) -> Result<MergedRows> {
        let mut select = connection
            .prepare("SELECT rows FROM record_run WHERE domain = ?1 AND day = ?2 AND report = ?3 ORDER BY part")?;
        let mut runs = select.query(params![self.domain, self.day, self.id])?;
        let mut found = Vec::new();
        let mut named = Vec::new();
        while let Some(run) = runs.next()? {
            for record in rows::records(blob(run, 0)?) {
                let (outcome, count, address) = record.ok_or_else(|| StoreError::damaged_records(self.id))?;
                named.clear();
                rows::put_row(&mut named, outcome, None, address);
                found.push((key.of(&named) as u64, count.unwrap_or(0)));
            }
        }
        Ok(MergedRows::new(found, self.content))
    }

    /// Takes the report out of the database, and out of the summary; what it shares with others stays.
    pub(super) fn remove(mut self, connection: &Connection, deltas: &mut Deltas) -> Result<()> {
        self.count(connection, false, deltas)?;
        connection.prepare("DELETE FROM record_run WHERE domain = ?1 AND day = ?2 AND report = ?3")?.write(params![
            self.domain,
            self.day,
            self.id
        ])?;
        for sql in [
            "DELETE FROM irregularity WHERE report = ?1",
            "DELETE FROM sighting WHERE report = ?1",
            "DELETE FROM report WHERE id = ?1",
        ] {
            connection.prepare(sql)?.write([self.id])?;
        }
        Ok(())
    }
}

/// Decides which of the reports of one identity count. Those of reporters that are ignored are in nobody's way.
pub(super) fn settle(
    connection: &Connection,
    key: DigestKey,
    ignored: &[String],
    identity: u128,
    deltas: &mut Deltas,
) -> Result<()> {
    let mut reports = Stored::load_all(connection, identity)?;
    let mut believed: Vec<usize> = (0..reports.len()).filter(|&at| reports[at].may_count()).collect();
    let mut replaced_by = vec![None; reports.len()];
    let mut shared = vec![None; reports.len()];
    let mut counts = vec![false; reports.len()];
    if !ignored.is_empty() {
        let mut names = NameReader::new(connection);
        let mut heard = Vec::with_capacity(believed.len());
        for at in believed {
            let name = names.text(reports[at].reporter)?;
            if reporter::is_among(name, ignored) {
                counts[at] = true;
            } else {
                heard.push(at);
            }
        }
        believed = heard;
    }
    if let [alone] = believed[..] {
        counts[alone] = true;
    } else if !believed.is_empty() {
        believed.iter().for_each(|&at| shared[at] = Some(0));
        let reporters: Vec<(Trust, i64)> = reports.iter().map(|report| (report.trust, report.reporter)).collect();
        let groups = comparable(connection, &reporters, believed)?;
        let records = groups.iter().flatten().map(|&at| reports[at].totals.records).sum::<u64>();
        let mut counting = Vec::new();
        for group in &groups {
            if records > MOST_RECORDS {
                group.iter().for_each(|&at| counts[at] = true);
                continue;
            }
            let rows = group.iter().map(|&at| reports[at].rows(connection, key)).collect::<Result<Vec<_>>>()?;
            let replaced = editions::replaced(&rows);
            for ((&at, rows), by) in group.iter().zip(rows).zip(replaced) {
                replaced_by[at] = by.map(|by| reports[group[by]].id);
                counts[at] = by.is_none();
                if by.is_none() {
                    counting.push((at, rows));
                }
            }
        }
        let rows: Vec<&MergedRows> = counting.iter().map(|(_, rows)| rows).collect();
        for (messages, (at, _)) in editions::shared(&rows).into_iter().zip(&counting) {
            shared[*at] = Some(to_column(messages));
        }
    }
    for (((report, counts), replaced_by), shared) in reports.iter_mut().zip(counts).zip(replaced_by).zip(shared) {
        report.count(connection, counts, deltas)?;
        if (report.replaced_by, report.shared) != (replaced_by, shared) {
            connection.prepare("UPDATE report SET replaced_by = ?2, shared = ?3 WHERE id = ?1")?.write(params![
                report.id,
                replaced_by,
                shared
            ])?;
        }
    }
    Ok(())
}

/// The identities of which only some reports are of days before `day`: their times are not readable, and came from
/// elsewhere.
pub(super) fn parted(connection: &Connection, day: Day) -> Result<Vec<u128>> {
    let mut select = connection.prepare(
        "SELECT logical FROM report WHERE shared IS NOT NULL GROUP BY logical HAVING MIN(day) < ?1 AND MAX(day) >= ?1",
    )?;
    let found = select.query_map([day], |row| digest(row, 0))?;
    Ok(found.collect::<engine::Result<_>>()?)
}

/// Writes anew what all reports say and which of them count, for databases of a version that decided otherwise.
pub(super) fn settle_all(connection: &Connection) -> Result<()> {
    let key = DigestKey::load(connection)?;
    write_contents(connection, key)?;
    let mut deltas = Deltas::default();
    let mut select = connection.prepare("SELECT logical FROM report GROUP BY logical HAVING COUNT(*) > 1")?;
    let mut identities = select.query(())?;
    while let Some(row) = identities.next()? {
        settle(connection, key, &[], digest(row, 0)?, &mut deltas)?;
    }
    deltas.flush(connection)
}

/// Writes the digest of each report's rows.
fn write_contents(connection: &Connection, key: DigestKey) -> Result<()> {
    let mut outcome = connection.prepare("SELECT digest FROM outcome WHERE id = ?1")?;
    let mut known: FxHashMap<u64, u128> = FxHashMap::default();
    let mut update = connection.prepare("UPDATE report SET content = ?2 WHERE id = ?1")?;
    let mut select = connection.prepare("SELECT report, rows FROM record_run ORDER BY day, report, part")?;
    let mut runs = select.query(())?;
    let mut at: Option<(i64, RowsDigest)> = None;
    loop {
        let run = runs.next()?;
        let report: Option<i64> = run.map(|run| run.get(0)).transpose()?;
        if let Some((before, content)) = at.filter(|(before, _)| Some(*before) != report) {
            update.execute(params![before, content.finish().to_be_bytes()])?;
            at = None;
        }
        let (Some(run), Some(report)) = (run, report) else { return Ok(()) };
        let mut content = at.map_or(RowsDigest::default(), |(_, content)| content);
        for record in rows::records(blob(run, 1)?) {
            let (id, messages, address) = record.ok_or_else(|| StoreError::damaged_records(report))?;
            let digest = match known.entry(id) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(empty) => *empty.insert(outcome.query_row([id.cast_signed()], |row| digest(row, 0))?),
            };
            content.add(key, digest, messages, address);
        }
        at = Some((report, content));
    }
}

/// The reports that may count, in groups within which they are compared; of all, what is known of their mails and who reports.
pub(super) fn comparable(
    connection: &Connection,
    reporters: &[(Trust, i64)],
    believed: Vec<usize>,
) -> Result<Vec<Vec<usize>>> {
    /// Who sent a report, as far as DMARC has checked it.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    enum Sender {
        Unchecked,
        Domain { own: bool, reporter: i64 },
    }
    let mut groups: BTreeMap<Sender, Vec<usize>> = BTreeMap::new();
    let mut name = connection.prepare("SELECT text FROM name WHERE id = ?1")?;
    for at in believed {
        let (trust, reporter) = reporters[at];
        let by = match trust {
            Trust::Passed => {
                let name: String = name.query_row([reporter], |row| row.get(0))?;
                Sender::Domain { own: !reporter::is_used_by_another(&name), reporter }
            }
            _ => Sender::Unchecked,
        };
        groups.entry(by).or_default().push(at);
    }
    let is_own = |by: &Sender| matches!(by, Sender::Domain { own: true, .. });
    let (own, any) = (groups.keys().any(is_own), groups.keys().any(|by| *by != Sender::Unchecked));
    let counts = |by: &Sender| if own { is_own(by) } else { !any || *by != Sender::Unchecked };
    Ok(groups.into_iter().filter(|(by, _)| counts(by)).map(|(_, group)| group).collect())
}
