//! The policies that reports found published, a row for each on a domain.

use std::sync::Arc;

use super::Behind;
use super::list::List;
use crate::domain;
use crate::flat::columns::{number, tag, text};
use crate::flat::value::{Field, Value, values};
use crate::report::period::date_of;
use crate::store::{Bounds, PlainColumn, PublishedPolicy, Result, RowSource, Rows};

/// The table `policy`.
pub struct PolicyTable {
    behind: Behind,
}

impl PolicyTable {
    /// Of a database.
    #[must_use]
    pub fn new(behind: Behind) -> Self {
        PolicyTable { behind }
    }
}

const POLICY: &[Field<PublishedPolicy>] = &[
    text("domain", |one| Value::text(Some(&one.domain))),
    text("p", |one| tag(&one.policy.p)),
    text("sp", |one| tag(&one.policy.sp)),
    text("np", |one| tag(&one.policy.np)),
    text("adkim", |one| tag(&one.policy.adkim)),
    text("aspf", |one| tag(&one.policy.aspf)),
    text("pct", |one| tag(&one.policy.pct)),
    text("fo", |one| tag(&one.policy.fo)),
    text("testing", |one| tag(&one.policy.testing)),
    text("discovery_method", |one| tag(&one.policy.discovery_method)),
    text("first_day", |one| Value::text(Some(date_of(one.first).to_string()))),
    text("last_day", |one| Value::text(Some(date_of(one.last).to_string()))),
    number("reports", |one| Value::number(Some(one.reports))),
    number("reporters", |one| Value::number(Some(one.reporters))),
];

impl RowSource for PolicyTable {
    fn name(&self) -> &'static str {
        "policy"
    }

    fn columns(&self) -> Vec<PlainColumn> {
        POLICY.iter().map(Field::plain).collect()
    }

    fn rows(&self, bounds: &Bounds) -> Result<Box<dyn Rows>> {
        let (first, last) = self.behind.within(bounds);
        let found = self.behind.store().published_policies(first, last)?;
        let asked = found.iter().filter(|one| domain::is_among(&one.domain, &self.behind.domains));
        Ok(Box::new(List::new(asked.map(|one| -> Arc<[Value]> { values(POLICY, one) }).collect())))
    }
}
