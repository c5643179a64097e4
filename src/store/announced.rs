//! What `changes --new` has said, so that each alarm is raised once.

use super::engine::params;

use super::{Result, Store};
use crate::report::period::Day;

/// A change or a finding that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// What it is of: the same from night to night.
    pub key: String,
    /// The last day of the windows that had it: while it stood, it was on this day.
    pub last: Day,
    /// How bad it was when it was told last, in thousandths of the mail; of reports that no longer come, for how many days.
    pub share: u32,
}

/// The beginning of the keys of what tenants were told.
const OF_TENANT: &str = "tenant ";

/// The beginning of the keys of what somebody was told.
fn whom(tenant: Option<&str>) -> String {
    tenant.map_or_else(String::new, |name| format!("{OF_TENANT}{name}\0"))
}

impl Store {
    /// All that was told to a tenant, or to the owner of all, in the order of the keys.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn announced(&self, tenant: Option<&str>) -> Result<Vec<Announced>> {
        let whom = whom(tenant);
        let mut statement = self.connection.prepare("SELECT key, last_day, share FROM announced ORDER BY key")?;
        let mut rows = statement.query(())?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            let own = match tenant {
                Some(_) => key.strip_prefix(&whom),
                None => Some(key.as_str()).filter(|key| !key.starts_with(OF_TENANT)),
            };
            if let Some(key) = own {
                found.push(Announced { key: key.to_owned(), last: row.get(1)?, share: row.get(2)? });
            }
        }
        Ok(found)
    }

    /// Keeps what was told to a tenant, or to the owner of all, in place of what was known before, and forgets what was last there before a day.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn remember_announced(&mut self, tenant: Option<&str>, told: &[Announced], forget_before: Day) -> Result<()> {
        let whom = whom(tenant);
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM announced WHERE last_day < ?1", [forget_before])?;
        {
            let mut upsert = transaction.prepare(
                "INSERT INTO announced (key, last_day, share) VALUES (?1, ?2, ?3)
                 ON CONFLICT (key) DO UPDATE SET last_day = CASE WHEN announced.last_day > excluded.last_day THEN announced.last_day ELSE excluded.last_day END,
                 share = excluded.share",
            )?;
            for one in told {
                upsert.execute(params![format!("{whom}{}", one.key), one.last, one.share])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_kept_and_what_is_long_over_forgotten() {
        let mut store = Store::in_memory().unwrap();
        let one = |key: &str, last, share| Announced { key: key.to_owned(), last, share };
        store.remember_announced(None, &[one("a", 10, 100), one("b", 20, 100)], 0).unwrap();
        // An answer as of an earlier day takes nothing back.
        store.remember_announced(None, &[one("b", 15, 300)], 15).unwrap();
        assert_eq!(store.announced(None).unwrap(), [one("b", 20, 300)]);
        // What a tenant was told was not told to anybody else.
        store.remember_announced(Some("acme"), &[one("c", 20, 1)], 0).unwrap();
        assert_eq!(store.announced(None).unwrap(), [one("b", 20, 300)]);
        assert_eq!(store.announced(Some("acme")).unwrap(), [one("c", 20, 1)]);
        assert_eq!(store.announced(Some("ac")).unwrap(), []);
    }
}
