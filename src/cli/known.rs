//! What questions about paths are answered by, besides the reports: the catalogue, the ledger, host names, thresholds.

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::anyhow;

use super::context::Context;
use super::failure::Failure;
use crate::diagnosis::{Rules, Thresholds};
use crate::flat::RowHosts;
use crate::providers::Catalogue;
use crate::query::{Hosts, Knowledge, Ledger};

/// What is known of senders, and how paths are judged.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) catalogue: Catalogue,
    pub(super) ledger: Ledger,
    /// Confirmed host names.
    pub(super) hosts: Hosts,
    /// Addresses that were looked up not long ago, whether or not a name was found.
    pub(super) looked_up: BTreeSet<IpAddr>,
    /// When no name server answered, if none did since.
    pub(super) silent_since: Option<i64>,
    pub(super) thresholds: Thresholds,
}

impl Known {
    /// From the configuration, and no host names.
    pub(super) fn of(context: &Context) -> Result<Self, Failure> {
        let catalogue = context.catalogue()?;
        let (ledger, thresholds) = (context.config.ledger.clone(), context.config.diagnosis);
        for entry in &ledger.entries {
            if let Some(id) = entry.identities.provider.iter().find(|id| catalogue.get(id).is_none()) {
                let file =
                    context.config.file.as_ref().map_or_else(String::new, |file| format!("{}: ", file.display()));
                return Err(Failure::Failed(anyhow!(
                    "{file}line {}, `provider`: no provider {id:?} is in the catalogue; `dmarcstat providers` lists them",
                    entry.line
                )));
            }
        }
        Ok(Known { catalogue, ledger, thresholds, ..Known::default() })
    }

    /// What names senders.
    pub(super) fn knowledge(&self) -> Knowledge<'_> {
        Knowledge {
            catalogue: &self.catalogue,
            ledger: &self.ledger,
            hosts: &self.hosts,
            memory_days: self.thresholds.memory_days,
        }
    }

    /// The confirmed host names, for rows.
    pub(super) fn row_hosts(&self) -> RowHosts {
        self.hosts.iter().map(|(address, name)| (*address, name.as_str().into())).collect()
    }

    /// What judges paths.
    pub(super) fn rules(&self) -> Rules<'_> {
        Rules { thresholds: &self.thresholds, catalogue: &self.catalogue, ledger: &self.ledger }
    }
}
