//! What happens to a report that was read: it is new, known, one of several with its identity, or a better reading of bytes
//! that were read before.

use std::collections::hash_map::Entry;

use super::engine::{self, Connection, params};

use super::input::{EarlierReadings, InputReports};
use super::new_report::{Arrival, NewReport, Written, bare_id};
use super::runs::POLICY;
use super::same_identity::{self, Group, Placed, Same, Stored};
use super::trust::Trust;
use super::values::to_column;
use super::writer::{Place, Writer};
use super::{Result, apart, blobs, judging, sightings};
use crate::domain;
use crate::report::Irregularities;
use crate::reporter;

impl Writer<'_> {
    /// Takes a report, with the last or only run of its records.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn report(&mut self, new: &NewReport) -> Result<Written> {
        let identity = self.identity(new);
        self.begin()?;
        let foreign = !domain::is_owners(&new.domain, self.owner_domains);
        let ignored = reporter::is_among(&new.reporter, self.ignored);
        if !self.groups.contains_key(&identity) {
            self.connection.ask_together(&[
                (&Group::select(), params![identity.to_be_bytes()]),
                (blobs::KNOWN, params![new.raw.sha256.as_slice()]),
            ])?;
        }
        if self.group(identity)?.reports > 0
            && let Some(same) = same_identity::find(self.connection, identity, new.content)?
        {
            self.discard()?;
            self.known(&same, identity, new)?;
            return Ok(Written { arrival: Arrival::Duplicate, irregularities: 0, foreign, ignored });
        }
        let (raw, raw_known) = blobs::store(self.connection, &new.raw, self.keep_raw)?;
        let earlier = if raw_known { self.earlier_readings(new, raw, identity)? } else { Vec::new() };
        let before = self.group(identity)?;
        let place = Place {
            day: new.day,
            reporter: self.dictionary.names.id(self.connection, &new.reporter)?,
            domain: self.dictionary.names.id(self.connection, &new.domain)?,
            counted: new.trust.counted(),
        };
        let id = self.finish_runs(place, &new.run)?;
        let Place { domain, reporter, .. } = place;
        let overlap = Placed { domain, reporter, period: new.period, identity }.overlaps(self.connection)?;
        self.insert_report(id, identity, place, before.reports, raw, new)?;
        self.irregularities(id, &new.irregularities)?;
        sightings::insert(self.connection, &mut self.dictionary.names, id, &new.origin)?;
        self.deltas.add(new.day, domain, reporter, &new.totals, new.trust, 1);
        let reread = self.inherit(id, new, identity, earlier)?;
        let believed = new.trust.is_believed();
        if let Some(group) = self.groups.get_mut(&identity) {
            group.reports += 1;
            group.believed += i64::from(believed);
            if group.reports > 1 || !believed {
                self.unsettled.insert(identity);
            }
        }
        self.input.met.insert(id);
        self.close()?;
        // What is not believed contradicts nothing.
        let conflicting = believed && before.believed > 0;
        let arrival = match (reread, conflicting) {
            (true, _) => Arrival::Reread,
            (false, true) => Arrival::Conflicting,
            (false, false) => Arrival::New,
        };
        let irregularities = new.irregularities.total() + u64::from(overlap) + u64::from(conflicting);
        Ok(Written { arrival, irregularities, foreign, ignored })
    }

    /// Notes that the input is at its end: its bytes may come again in another.
    pub fn end_of_input(&mut self) {
        self.input = InputReports::default();
    }

    /// What makes a report the same report, whatever it holds (reporter, id, domain, period).
    fn identity(&self, new: &NewReport) -> u128 {
        let mut digest = self.key.digest();
        digest.text(Some(&new.identity));
        digest.text(Some(bare_id(&new.report_id)));
        digest.text(Some(&new.domain));
        digest.text(new.report.report_metadata.date_range.begin.as_deref());
        digest.text(new.report.report_metadata.date_range.end.as_deref());
        digest.finish()
    }

    /// The reports of an identity, as of this moment of the batch.
    fn group(&mut self, identity: u128) -> Result<Group> {
        if let Some(&group) = self.groups.get(&identity) {
            return Ok(group);
        }
        let group = Group::load(self.connection, identity)?;
        self.groups.insert(identity, group);
        Ok(group)
    }

    /// A report that is stored has come again.
    fn known(&mut self, same: &Same, identity: u128, new: &NewReport) -> Result<()> {
        self.input.met.insert(same.id);
        sightings::insert(self.connection, &mut self.dictionary.names, same.id, &new.origin)?;
        self.choose_policy(same, new)?;
        // A worse mail takes nothing away, and of a report that nobody checked another such mail tells nothing.
        let tells = new.trust > same.trust || new.trust == same.trust && new.trust != Trust::Unchecked;
        if tells && judging::judge(self.connection, same.id, &mut self.deltas)? {
            self.unsettled.insert(identity);
            self.groups.remove(&identity);
        }
        Ok(())
    }

    /// Reports with the same records are one report, and may name different policies. That of a mail which passed DMARC
    /// stays, and of two such, or of two others, the same one whichever came first.
    fn choose_policy(&mut self, same: &Same, new: &NewReport) -> Result<()> {
        let policy = &new.report.policy_published;
        let id = self.dictionary.policy(self.connection, policy)?;
        if id == same.policy {
            return Ok(());
        }
        let (passed, stored_passed) = (new.trust == Trust::Passed, same.trust == Trust::Passed);
        let stored = stored_policy(self.connection, same.policy)?;
        let stored: Vec<Option<&str>> = stored.iter().map(Option::as_deref).collect();
        if (passed, policy.written().as_slice()) > (stored_passed, stored.as_slice()) {
            self.connection.prepare("UPDATE report SET policy = ?2 WHERE id = ?1")?.write(params![same.id, id])?;
            // Which override reasons count depends on the policy.
            self.deltas.change(same.day);
        }
        Ok(())
    }

    /// Takes what an earlier version of the program had read from the same bytes, and this one reads otherwise.
    fn earlier_readings(&mut self, new: &NewReport, raw: i64, identity: u128) -> Result<Vec<Stored>> {
        let InputReports { met, readings, .. } = &mut self.input;
        let readings = match readings.entry(new.raw.sha256) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(empty) => {
                let left = read_from(self.connection, raw)?;
                empty.insert(EarlierReadings { left, ..EarlierReadings::default() })
            }
        };
        let mut earlier = Vec::new();
        readings.left.retain(|(report, _)| !met.contains(report));
        for (report, other) in std::mem::take(&mut readings.left) {
            // The identity may be read otherwise too; then it is the same report if it was seen in the same place.
            if other == identity
                || sightings::is_seen(self.connection, &mut self.dictionary.names, report, &new.origin)?
            {
                earlier.push(Stored::load(self.connection, report)?);
            } else {
                readings.left.push((report, other));
            }
        }
        readings.replaced += earlier.len();
        Ok(earlier)
    }

    /// Lets a report take the place of earlier readings of its bytes: where they were seen, it was. Returns whether it took
    /// the place of one.
    fn inherit(&mut self, id: i64, new: &NewReport, identity: u128, earlier: Vec<Stored>) -> Result<bool> {
        let Some(readings) = self.input.readings.get_mut(&new.raw.sha256).filter(|readings| readings.replaced > 0)
        else {
            return Ok(false);
        };
        readings.replaced -= 1;
        if let Some(heir) = readings.heir {
            sightings::copy(self.connection, heir, id)?;
        }
        for report in earlier {
            sightings::copy(self.connection, report.id, id)?;
            self.unsettled.insert(report.identity);
            self.groups.remove(&report.identity);
            if report.dropped {
                // Read better it is still what the owner did not want.
                apart::set_dropped(self.connection, id, true)?;
                self.unsettled.insert(identity);
            }
            report.remove(self.connection, &mut self.deltas)?;
        }
        readings.heir.get_or_insert(id);
        if judging::judge(self.connection, id, &mut self.deltas)? {
            self.unsettled.insert(identity);
            self.groups.remove(&identity);
        }
        Ok(true)
    }

    fn insert_report(
        &mut self,
        id: i64,
        identity: u128,
        place: Place,
        sibling: i64,
        raw: i64,
        new: &NewReport,
    ) -> Result<()> {
        let policy = self.dictionary.policy(self.connection, &new.report.policy_published)?;
        let metadata = &new.report.report_metadata;
        let errors = (!metadata.errors.is_empty()).then(|| metadata.errors.join("\n"));
        let connection = self.connection;
        let names = &mut self.dictionary.names;
        let mut name = |text: Option<&str>| names.id_of(connection, text);
        connection
            .prepare(
                "INSERT INTO report (id, logical, content, day, begin_time, end_time, domain, reporter, org_name, email,
                    extra_contact_info, generator, version, namespace, errors, report_id, policy, rfc9990, records, messages,
                    dmarc_pass, dkim_aligned, spf_aligned, sibling, counted, raw, trust)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                    ?23, ?24, 1, ?25, ?26)",
            )?
            .write(params![
                id,
                identity.to_be_bytes(),
                new.content.to_be_bytes(),
                new.day,
                new.period.begin,
                new.period.end,
                place.domain,
                place.reporter,
                name(metadata.org_name.as_deref())?,
                name(metadata.email.as_deref())?,
                name(metadata.extra_contact_info.as_deref())?,
                name(metadata.generator.as_deref())?,
                name(new.report.version.as_deref())?,
                name(new.report.namespace.as_deref())?,
                name(errors.as_deref())?,
                new.report_id,
                policy,
                new.rfc9990,
                to_column(new.totals.records),
                to_column(new.totals.messages),
                to_column(new.totals.dmarc_pass),
                to_column(new.totals.dkim_aligned),
                to_column(new.totals.spf_aligned),
                sibling,
                raw,
                new.trust.number(),
            ])?;
        Ok(())
    }

    fn irregularities(&self, report: i64, irregularities: &Irregularities) -> Result<()> {
        let mut insert = self
            .connection
            .prepare("INSERT INTO irregularity (report, number, code, detail, count) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for (number, one) in irregularities.as_slice().iter().enumerate() {
            insert.write(params![report, number as i64, one.code.as_str(), one.detail, to_column(one.count)])?;
        }
        Ok(())
    }
}

/// The reports that were read from these bytes, with their identities.
fn read_from(connection: &Connection, raw: i64) -> Result<Vec<(i64, u128)>> {
    let mut select = connection.prepare("SELECT id, logical FROM report WHERE raw = ?1 ORDER BY id")?;
    let found = select.query_map([raw], |row| Ok((row.get(0)?, row.get(1).map(u128::from_be_bytes)?)))?;
    Ok(found.collect::<engine::Result<_>>()?)
}

/// What a stored policy says, in the order of [`PolicyPublished::written`](crate::report::PolicyPublished).
fn stored_policy(connection: &Connection, policy: i64) -> Result<Vec<Option<String>>> {
    let mut select = connection.prepare(POLICY)?;
    Ok(select.query_row([policy], |row| (0..9).map(|at| row.get(at)).collect())?)
}
