//! What questions about paths are answered by, besides the reports: the catalogue, the ledger, host names, thresholds.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::diagnosis::{Rules, Thresholds};
use crate::flat::RowHosts;
use crate::providers::Catalogue;
use crate::query::{Hosts, Knowledge, Ledger};

/// An entry of the ledger names a provider that is not in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownProvider {
    /// What it names.
    pub id: String,
    /// The line of the configuration that the entry begins at.
    pub line: usize,
}

/// What is known of senders, and how paths are judged.
#[derive(Debug, Default)]
pub struct Known {
    /// The catalogue of senders.
    pub catalogue: Catalogue,
    /// Those that the owner approved or denied.
    pub ledger: Ledger,
    /// Confirmed host names.
    pub hosts: Hosts,
    /// Addresses that were looked up not long ago, whether or not a name was found.
    pub looked_up: BTreeSet<IpAddr>,
    /// When no name server answered, if none did since.
    pub silent_since: Option<i64>,
    /// How paths are judged.
    pub thresholds: Thresholds,
}

impl Known {
    /// From a catalogue, a ledger and thresholds, and no host names.
    ///
    /// # Errors
    /// An entry of the ledger names a provider that is not in the catalogue.
    pub fn new(catalogue: Catalogue, ledger: Ledger, thresholds: Thresholds) -> Result<Self, UnknownProvider> {
        for entry in &ledger.entries {
            if let Some(id) = entry.identities.provider.iter().find(|id| catalogue.get(id).is_none()) {
                return Err(UnknownProvider { id: id.clone(), line: entry.line });
            }
        }
        Ok(Known { catalogue, ledger, thresholds, ..Known::default() })
    }

    /// What names senders.
    #[must_use]
    pub fn knowledge(&self) -> Knowledge<'_> {
        Knowledge {
            catalogue: &self.catalogue,
            ledger: &self.ledger,
            hosts: &self.hosts,
            memory_days: self.thresholds.memory_days,
        }
    }

    /// The confirmed host names, for rows.
    #[must_use]
    pub fn row_hosts(&self) -> RowHosts {
        self.hosts.iter().map(|(address, name)| (*address, name.as_str().into())).collect()
    }

    /// What judges paths.
    #[must_use]
    pub fn rules(&self) -> Rules<'_> {
        Rules { thresholds: &self.thresholds, catalogue: &self.catalogue, ledger: &self.ledger }
    }
}
