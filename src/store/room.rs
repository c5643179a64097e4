//! Room on the disk: what is forgotten gives it back, also where there is none left. What is written leaves enough of it for that,
//! see [`Connection::check_room`].

use std::path::Path;

use super::engine::Connection;
use super::place::Place;
use super::{Result, Store, StoreError, schema};

impl Store {
    /// Opens an existing database, lets `work` forget something in it and gives the room back to the disk.
    ///
    /// Where the disk is full, forgetting needs room as well, for the log. Then the work is done once more without a log on
    /// the disk, by this process alone: what is to be undone if it fails is kept in memory, and a power failure in this
    /// moment may damage the database.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is no database, else see [`StoreError`].
    pub fn forgetting<T>(place: impl Into<Place>, mut work: impl FnMut(&mut Store) -> Result<T>) -> Result<T> {
        let place = place.into();
        let Some(path) = place.file() else {
            // A server keeps its own room.
            drop(Self::open_existing(place.clone())?);
            return work(&mut Self::open(place)?);
        };
        if !path.exists() {
            return Err(StoreError::Missing(path.display().to_string()));
        }
        let logged = Self::open(path).and_then(|mut store| Ok((work(&mut store)?, store.give_room_back())));
        match logged {
            Ok((done, Ok(()))) => Ok(done),
            Ok((done, Err(StoreError::Full))) => {
                let store = Self::open_without_log(path)?;
                store.give_room_back()?;
                Ok(done)
            }
            Err(StoreError::Full) => {
                let mut store = Self::open_without_log(path)?;
                let done = work(&mut store)?;
                store.give_room_back()?;
                Ok(done)
            }
            Ok((_, Err(error))) | Err(error) => Err(error),
        }
    }

    /// Opens a database that is not there to grow: nothing else may have it open.
    fn open_without_log(path: &Path) -> Result<Self> {
        Self::over(Connection::open_without_log(path, schema::VERSION)?)
    }

    /// Gives what is free in the database back to the disk.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn give_room_back(&self) -> Result<()> {
        Ok(self.connection.give_room_back()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    /// A database with a number of entries in quarantine of 20 kB each, in a folder of its own.
    fn filled(entries: usize) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reports.sqlite");
        let store = Store::open(&path).unwrap();
        for _ in 0..entries {
            store
                .connection
                .execute_batch(
                    "INSERT INTO blob (sha256, size, packed, bytes) VALUES (randomblob(32), 20000, 0, randomblob(20000));
                     INSERT INTO quarantine (raw, inner_path, code, reason, location, first_seen)
                     VALUES (last_insert_rowid(), '', 'xml_malformed', '', '', 0);",
                )
                .unwrap();
        }
        (folder, path)
    }

    fn forget_all(store: &mut Store) -> Result<usize> {
        let ids: Vec<i64> = store.quarantine()?.iter().map(|entry| entry.id).collect();
        store.drop_quarantined(&ids)
    }

    fn size(path: &Path) -> u64 {
        std::fs::metadata(path).unwrap().len()
    }

    fn is_sound(path: &Path) -> bool {
        let store = Store::open(path).unwrap();
        let sound: String = store.connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
        sound == "ok" && store.count_quarantined().unwrap() == 0
    }

    #[test]
    fn what_is_forgotten_gives_its_room_back() {
        let (_folder, path) = filled(200);
        let before = size(&path);
        assert_eq!(Store::forgetting(&path, forget_all).unwrap(), 200);
        assert!(size(&path) * 10 < before, "{} of {before}", size(&path));
        assert!(is_sound(&path));
    }

    #[test]
    fn it_does_so_without_room_for_a_log() {
        let (_folder, path) = filled(200);
        let before = size(&path);
        let mut store = Store::open_without_log(&path).unwrap();
        assert_eq!(forget_all(&mut store).unwrap(), 200);
        store.give_room_back().unwrap();
        for suffix in ["-wal", "-shm", "-journal"] {
            assert!(!path.with_file_name(format!("reports.sqlite{suffix}")).exists(), "{suffix}");
        }
        // Nobody else reads a file that is changed in place.
        let other = Connection::open(&path).unwrap();
        other.busy_timeout(std::time::Duration::ZERO).unwrap();
        assert!(other.query_row("SELECT COUNT(*) FROM report", (), |_| Ok(())).is_err());
        drop(store);
        assert!(size(&path) * 10 < before, "{} of {before}", size(&path));
        assert!(is_sound(&path));
    }

    #[test]
    fn a_full_disk_is_met_by_forgetting_in_place() {
        let (_folder, path) = filled(20);
        let mut tries = 0;
        let done = Store::forgetting(&path, |store| {
            tries += 1;
            let mode: String = store.connection.query_row("PRAGMA journal_mode", (), |row| row.get(0))?;
            if mode == "wal" { Err(StoreError::Full) } else { forget_all(store) }
        });
        assert_eq!((done.unwrap(), tries), (20, 2));
        assert!(is_sound(&path));
        assert!(matches!(Store::forgetting(&path.with_file_name("none"), forget_all), Err(StoreError::Missing(_))));
    }
}
