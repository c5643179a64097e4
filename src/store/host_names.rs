//! Host names of addresses that were looked up, so that none is looked up twice.

use std::net::IpAddr;

use super::engine::{Optional, params};

use super::{Result, Store, apart};

/// What was found out about an address, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHost {
    /// The address.
    pub address: IpAddr,
    /// Its name, confirmed forward; `None` where it has none that is.
    pub name: Option<String>,
    /// When, in seconds since 1970.
    pub looked_up: i64,
}

/// The key in `meta` of when no name server answered.
pub(super) const SILENCE: &str = "name_servers_silent";

impl Store {
    /// Everything that is known and not older than a time.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn known_hosts(&self, since: i64) -> Result<Vec<KnownHost>> {
        let mut statement = self
            .connection
            .prepare("SELECT address, name, looked_up FROM host WHERE looked_up >= ?1 ORDER BY address")?;
        let mut rows = statement.query([since])?;
        let mut known = Vec::new();
        while let Some(row) = rows.next()? {
            let address: Vec<u8> = row.get(0)?;
            // Addresses of other lengths are nobody's.
            let address = <[u8; 4]>::try_from(address.as_slice())
                .map(IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(address.as_slice()).map(IpAddr::from));
            if let Ok(address) = address {
                known.push(KnownHost { address, name: row.get(1)?, looked_up: row.get(2)? });
            }
        }
        Ok(known)
    }

    /// When names were asked for last and no name server answered at all, in seconds since the epoch, if none did since.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn silent_since(&self) -> Result<Option<i64>> {
        let sql = apart::SELECT_META;
        Ok(self.connection.query_row(sql, [SILENCE], |row| row.get(0)).optional()?)
    }

    /// Keeps that no name server answered.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn note_silence(&mut self, at: i64) -> Result<()> {
        self.connection.execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![SILENCE, at],
        )?;
        Ok(())
    }

    /// Keeps what was found out, in place of what was known before, and forgets what is older than a time.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn remember_hosts(&mut self, hosts: &[KnownHost], forget_before: i64) -> Result<()> {
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM host WHERE looked_up < ?1", [forget_before])?;
        // Somebody answers again.
        transaction.execute("DELETE FROM meta WHERE key = ?1", [SILENCE])?;
        {
            let mut upsert = transaction.prepare(
                "INSERT INTO host (address, name, looked_up) VALUES (?1, ?2, ?3)
                 ON CONFLICT (address) DO UPDATE SET name = excluded.name, looked_up = excluded.looked_up",
            )?;
            for host in hosts {
                let address = match host.address {
                    IpAddr::V4(address) => address.octets().to_vec(),
                    IpAddr::V6(address) => address.octets().to_vec(),
                };
                upsert.execute(params![address, host.name, host.looked_up])?;
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
    fn the_newest_answer_is_kept_and_old_ones_are_forgotten() {
        let mut store = Store::in_memory().unwrap();
        let host = |address: &str, name: Option<&str>, looked_up| KnownHost {
            address: address.parse().unwrap(),
            name: name.map(str::to_owned),
            looked_up,
        };
        store
            .remember_hosts(&[host("192.0.2.1", None, 10), host("2001:db8::1", Some("a.example.com"), 10)], 0)
            .unwrap();
        store.remember_hosts(&[host("192.0.2.1", Some("b.example.com"), 20)], 0).unwrap();
        let newer = host("192.0.2.1", Some("b.example.com"), 20);
        // In the order of the bytes, whatever their number.
        assert_eq!(store.known_hosts(0).unwrap(), [host("2001:db8::1", Some("a.example.com"), 10), newer.clone()]);
        assert_eq!(store.known_hosts(15).unwrap(), std::slice::from_ref(&newer));
        store.remember_hosts(&[], 15).unwrap();
        assert_eq!(store.known_hosts(0).unwrap(), [newer]);
        store.note_silence(30).unwrap();
        store.note_silence(40).unwrap();
        assert_eq!(store.silent_since().unwrap(), Some(40));
        store.remember_hosts(&[], 15).unwrap();
        assert_eq!(store.silent_since().unwrap(), None);
    }
}
