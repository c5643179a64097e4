//! The inputs in which reports were seen.

use super::engine::{Connection, params};

use super::Result;
use super::interner::Interner;
use super::new_report::Origin;
use super::trust::Trust;

/// Notes that a report was seen in an input.
pub(super) fn insert(connection: &Connection, names: &mut Interner, report: i64, origin: &Origin) -> Result<()> {
    let (folder, item) = split_location(&origin.location);
    let folder = names.id(connection, folder)?;
    let domain = names.id_of(connection, origin.authenticity.domain())?;
    let trust = Trust::from(&origin.authenticity).number();
    // Seen again, it may be checked where it was not before.
    connection
        .prepare(
            "INSERT INTO sighting (report, folder, item, message_id, dmarc, dmarc_domain) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (report, folder, item) DO UPDATE SET dmarc = excluded.dmarc, dmarc_domain = excluded.dmarc_domain
             WHERE excluded.dmarc <> 0",
        )?
        .write(params![report, folder, item, origin.message_id, trust, domain])?;
    Ok(())
}

/// Whether a report was seen in this input before.
pub(super) fn is_seen(connection: &Connection, names: &mut Interner, report: i64, origin: &Origin) -> Result<bool> {
    let (folder, item) = split_location(&origin.location);
    let folder = names.id(connection, folder)?;
    Ok(connection
        .prepare("SELECT 1 FROM sighting WHERE report = ?1 AND folder = ?2 AND item = ?3")?
        .exists(params![report, folder, item])?)
}

/// Notes that one report was seen wherever another was.
pub(super) fn copy(connection: &Connection, from: i64, to: i64) -> Result<()> {
    connection
        .prepare(
            "INSERT INTO sighting (report, folder, item, message_id, dmarc, dmarc_domain)
             SELECT ?2, folder, item, message_id, dmarc, dmarc_domain FROM sighting WHERE report = ?1
             ON CONFLICT DO NOTHING",
        )?
        .write(params![from, to])?;
    Ok(())
}

/// A location in two: what many sightings share, and the rest. They join to the whole.
fn split_location(location: &str) -> (&str, &str) {
    if location.starts_with("imap://")
        && let Some(uid) = location.find(";UID=")
    {
        return location.split_at(uid + ";UID=".len());
    }
    // A mailbox is shared by its mails, a folder by its files; parts of a mail do not count as folders.
    let end = match location.find('#') {
        Some(hash) => hash,
        None => {
            let file = location.find("/part.").or_else(|| location.find("/member.")).unwrap_or(location.len());
            location[..file].rfind('/').map_or(0, |slash| slash + 1)
        }
    };
    location.split_at(end)
}
