//! The bytes of reports and of what was quarantined, each once.

use std::io::{Seek, SeekFrom};

use super::engine::{Connection, Optional, Value, params};

use super::new_report::{Raw, RawBytes};
use super::values::{number, to_column};
use super::{Result, StoreError};

/// Bytes of more than this length are stored piece by piece.
const LARGE: usize = 256 * 1024;

/// Rows that are read together, at most.
const TOGETHER: usize = 2_000;
/// Nor more bytes, counted as they are when unpacked; a row that has more is read alone.
const TOGETHER_BYTES: u64 = 32 * 1024 * 1024;

/// The last of the rows after one that are to be read together; nothing where there are none. To ask for as many rows as fit, and to
/// take no more of the answer than is wanted, would have other servers send many times what is read.
pub(super) fn batch_after(connection: &Connection, last: i64) -> Result<Option<i64>> {
    let mut select =
        connection.prepare(&format!("SELECT id, size FROM blob WHERE id > ?1 ORDER BY id LIMIT {TOGETHER}"))?;
    let mut rows = select.query([last])?;
    let (mut end, mut bytes) = (None, 0_u64);
    while let Some(row) = rows.next()? {
        bytes = bytes.saturating_add(number(row, 1)?);
        if end.is_some() && bytes > TOGETHER_BYTES {
            break;
        }
        end = Some(row.get(0)?);
    }
    Ok(end)
}

/// Finds bytes by their SHA-256.
pub(super) const KNOWN: &str = "SELECT id, bytes IS NOT NULL FROM blob WHERE sha256 = ?1";

/// The number of some bytes, which are stored unless they are known; and whether they were.
pub(super) fn store(connection: &Connection, raw: &Raw, keep: bool) -> Result<(i64, bool)> {
    let sha = raw.sha256.as_slice();
    let known: Option<(i64, bool)> =
        connection.prepare(KNOWN)?.query_row([sha], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    if let Some((id, kept)) = known {
        if kept || !keep {
            return Ok((id, true));
        }
        // Known without having been kept; what refers to the old row is what has no bytes yet.
        let mut other = [0_u8; 32];
        getrandom::fill(&mut other).map_err(|_| StoreError::Other("the system gives no random numbers".to_owned()))?;
        connection.execute("UPDATE blob SET sha256 = ?2 WHERE id = ?1", params![id, other])?;
    }
    let mut insert = connection.prepare("INSERT INTO blob (sha256, size, packed, bytes) VALUES (?1, ?2, ?3, ?4)")?;
    let size = to_column(raw.size);
    let failed = |error: std::io::Error| StoreError::Other(format!("a temporary file failed: {error}"));
    let id = match &raw.bytes {
        // Bound as a whole, bytes are copied twice on their way; large ones go in piece by piece.
        RawBytes::Plain(bytes) if keep && bytes.len() > LARGE => {
            let id = insert.insert(params![sha, size, false, Value::Zeros(bytes.len() as u64)])?;
            connection.fill_blob(id, &mut bytes.as_slice())?;
            id
        }
        RawBytes::Plain(bytes) if keep => insert.insert(params![sha, size, false, bytes.as_slice()])?,
        RawBytes::Packed(bytes) if keep => insert.insert(params![sha, size, true, bytes])?,
        RawBytes::PackedFile(file) if keep => {
            let length = file.metadata().map_err(failed)?.len();
            let id = insert.insert(params![sha, size, true, Value::Zeros(length)])?;
            let mut file = file.try_clone().map_err(failed)?;
            file.seek(SeekFrom::Start(0)).map_err(failed)?;
            connection.fill_blob(id, &mut file)?;
            id
        }
        _ => insert.insert(params![sha, size, false, None::<&[u8]>])?,
    };
    if let (Some((old, _)), true) = (known, keep) {
        for table in ["report", "tls_report", "quarantine"] {
            connection.execute(&format!("UPDATE {table} SET raw = ?1 WHERE raw = ?2"), [id, old])?;
        }
        connection.execute("DELETE FROM blob WHERE id = ?1", [old])?;
    }
    Ok((id, known.is_some()))
}
