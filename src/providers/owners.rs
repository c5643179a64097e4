//! Who runs a network, by a database of autonomous systems in the format of MaxMind (GeoLite2 ASN, IPinfo and others): the weakest
//! of names, for what nothing else names. It says whose line or rented machine it is, never who wrote, and so bears on no role.

use std::net::IpAddr;
use std::path::Path;

use maxminddb::Reader;
use serde::Deserialize;

/// The longest name, in characters; the rest is cut off.
const LONGEST: usize = 40;

/// An open database.
pub struct NetworkOwners(Reader<Vec<u8>>);

/// That a database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct OwnersError {
    file: String,
    reason: String,
}

/// What entries say, in the words of MaxMind and of IPinfo.
#[derive(Deserialize)]
struct Entry<'e> {
    autonomous_system_number: Option<u32>,
    #[serde(borrow)]
    autonomous_system_organization: Option<&'e str>,
    #[serde(borrow)]
    asn: Option<&'e str>,
    #[serde(borrow)]
    as_name: Option<&'e str>,
    #[serde(borrow)]
    name: Option<&'e str>,
}

impl NetworkOwners {
    /// Reads a database.
    ///
    /// # Errors
    /// Where it cannot be read, or is not of the format.
    pub fn open(path: &Path) -> Result<Self, OwnersError> {
        let reader = Reader::open_readfile(path);
        let failed = |error| OwnersError { file: path.display().to_string(), reason: format!("{error}") };
        Ok(NetworkOwners(reader.map_err(failed)?))
    }

    /// The autonomous system of an address: `AS64500 Example Hosting`. Damaged entries say nothing.
    #[must_use]
    pub fn owner(&self, address: IpAddr) -> Option<String> {
        let found = self.0.lookup(address).ok()?;
        let entry: Entry<'_> = found.decode().ok()??;
        let number = entry.autonomous_system_number.map(|number| format!("AS{number}"));
        let number = number.or_else(|| entry.asn.map(str::to_owned));
        let name = entry.autonomous_system_organization.or(entry.as_name).or(entry.name);
        let parts: Vec<String> = [number, name.map(str::to_owned)].into_iter().flatten().collect();
        let text: String = parts.join(" ").chars().filter(|letter| !letter.is_control()).take(LONGEST).collect();
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }
}

impl std::fmt::Debug for NetworkOwners {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("NetworkOwners").field("kind", &self.0.metadata().database_type).finish()
    }
}
