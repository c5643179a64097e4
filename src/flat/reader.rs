//! Goes through the records of reports, one report at a time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::layout::{Layout, Row};
use super::paths::RowPaths;
use super::row_key::{OutcomeDigest, RowKey, of_outcome};
use super::value::{Record, Value, values};
use crate::alignment::Outcome;
use crate::domain;
use crate::rows::{self, PackedAddress};
use crate::store::{CountedReport, NameCache, ReportHead, Store, StoreError};
use crate::words::hex;

/// More outcomes than that are read again. A report has few; what is kept of one is some two kilobytes.
const OUTCOMES_KEPT: usize = 10_000;

/// Host names that were confirmed for addresses.
pub type RowHosts = HashMap<IpAddr, Arc<str>>;

/// What is known of an outcome.
#[derive(Debug)]
struct KnownOutcome {
    values: Arc<[Value]>,
    digest: OutcomeDigest,
    /// Its header From domain is asked for.
    asked: bool,
}

/// The report that is gone through.
#[derive(Debug)]
struct Current {
    counted: CountedReport,
    values: Arc<[Value]>,
    key: [u8; 16],
    /// The key in digits.
    prefix: String,
    /// The run that is gone through, and where in it.
    part: i64,
    rows: Vec<u8>,
    at: usize,
    /// How many records were gone past.
    number: u64,
}

/// Goes through records.
pub struct Reader {
    layout: Arc<Layout>,
    /// Header From domains that are asked for, each with those below it; empty for all.
    domains: Vec<String>,
    hosts: Arc<RowHosts>,
    /// Names as they are known from one use of the database to the next.
    pub names: NameCache,
    outcomes: FxHashMap<u64, KnownOutcome>,
    current: Option<Current>,
}

impl Reader {
    /// Of records with header From at or below `domains`, or of all.
    #[must_use]
    pub fn new(layout: Arc<Layout>, domains: Vec<String>) -> Self {
        Reader {
            layout,
            domains,
            hosts: Arc::default(),
            names: NameCache::default(),
            outcomes: FxHashMap::default(),
            current: None,
        }
    }

    /// Whether records are asked for whatever their header From.
    #[must_use]
    pub fn is_of_all(&self) -> bool {
        self.domains.is_empty()
    }

    /// With host names that were confirmed for addresses.
    #[must_use]
    pub fn with_hosts(self, hosts: Arc<RowHosts>) -> Self {
        Reader { hosts, ..self }
    }

    /// Begins with a report. Without `with_ids` the ids of its rows are empty: they take another pass over them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn begin(&mut self, store: &Store, report: CountedReport, with_ids: bool) -> Result<(), StoreError> {
        let head = store.report_head(store.report_summary(report.place.report)?)?;
        let rows = store.run_of(report.place, 0)?.unwrap_or_default();
        let key = if with_ids { self.row_key(store, &report, &head, &rows)? } else { [0; 16] };
        self.current = Some(Current {
            counted: report,
            values: values(self.layout.report, &head),
            key,
            prefix: hex(&key),
            part: 0,
            rows,
            at: 0,
            number: 0,
        });
        Ok(())
    }

    /// What the ids of the report's rows begin with, as bytes.
    #[must_use]
    pub fn key(&self) -> [u8; 16] {
        self.current.as_ref().map_or([0; 16], |current| current.key)
    }

    /// The next row of the report; `None` after the last.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn next(&mut self, store: &Store, paths: Option<&mut RowPaths<'_>>) -> Result<Option<Row>, StoreError> {
        let Some(mut current) = self.current.take() else { return Ok(None) };
        let found = self.next_of(&mut current, store, paths);
        self.current = Some(current);
        found
    }

    fn next_of(
        &mut self,
        current: &mut Current,
        store: &Store,
        mut paths: Option<&mut RowPaths<'_>>,
    ) -> Result<Option<Row>, StoreError> {
        loop {
            let mut rest = &current.rows[current.at..];
            let record = rows::take_head(&mut rest)
                .and_then(|head| rows::take_address_bytes(&mut rest).map(|address| (head, address)));
            let Some(((outcome, messages), address)) = record else {
                if current.at < current.rows.len() {
                    return Err(StoreError::damaged_records(current.counted.place.report));
                }
                current.part += 1;
                match store.run_of(current.counted.place, current.part)? {
                    Some(rows) => (current.rows, current.at) = (rows, 0),
                    None => return Ok(None),
                }
                continue;
            };
            current.at = current.rows.len() - rest.len();
            current.number += 1;
            let known = self.known(store, outcome)?;
            if !known.asked {
                continue;
            }
            let outcome_values = Arc::clone(&known.values);
            let damaged = || StoreError::damaged_records(current.counted.place.report);
            let packed = rows::read_address(address).ok_or_else(damaged)?;
            let (text, ip): (Arc<str>, _) = match packed {
                PackedAddress::Ip(ip) => (ip.to_string().into(), Some(ip)),
                PackedAddress::Text(text) => (text.into(), None),
            };
            let path = match &mut paths {
                Some(paths) => paths.of(&current.counted, outcome, address)?,
                None => None,
            };
            let record = Record {
                id: format!("{}-{}", current.prefix, current.number).into(),
                address: text,
                is_address: ip.is_some(),
                host: ip.and_then(|ip| self.hosts.get(&ip)).cloned(),
                messages,
            };
            return Ok(Some(Row {
                record: values(self.layout.record, &record),
                report: Arc::clone(&current.values),
                outcome: outcome_values,
                path: path.unwrap_or_else(|| Arc::clone(&self.layout.no_path)),
                messages: messages.unwrap_or(0),
            }));
        }
    }

    fn known(&mut self, store: &Store, id: u64) -> Result<&KnownOutcome, StoreError> {
        if !self.outcomes.contains_key(&id) {
            let outcome = store.outcome(id, &mut self.names)?;
            if self.outcomes.len() >= OUTCOMES_KEPT {
                self.outcomes.clear();
            }
            let known = KnownOutcome {
                values: values(self.layout.outcome, &outcome),
                digest: of_outcome(&outcome),
                asked: self.is_asked(&outcome),
            };
            self.outcomes.insert(id, known);
        }
        self.outcomes.get(&id).ok_or_else(|| StoreError::Damaged(format!("outcome {id}")))
    }

    fn is_asked(&self, outcome: &Outcome) -> bool {
        self.domains.is_empty()
            || outcome.header_from.as_ref().is_some_and(|from| domain::is_among(from, &self.domains))
    }

    /// The key of a report's rows, by all of them; `first` is its first run.
    fn row_key(
        &mut self,
        store: &Store,
        report: &CountedReport,
        head: &ReportHead,
        first: &[u8],
    ) -> Result<[u8; 16], StoreError> {
        let mut key = RowKey::new(head);
        self.add_run(store, report, first, &mut key)?;
        let mut part = 1;
        while let Some(run) = store.run_of(report.place, part)? {
            self.add_run(store, report, &run, &mut key)?;
            part += 1;
        }
        Ok(key.finish())
    }

    fn add_run(
        &mut self,
        store: &Store,
        report: &CountedReport,
        run: &[u8],
        key: &mut RowKey,
    ) -> Result<(), StoreError> {
        for record in rows::records(run) {
            let damaged = || StoreError::damaged_records(report.place.report);
            let (outcome, messages, address) = record.ok_or_else(damaged)?;
            key.add(&self.known(store, outcome)?.digest, messages, address);
        }
        Ok(())
    }
}
