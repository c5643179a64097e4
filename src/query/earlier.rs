//! The days before a window on which addresses were seen, as far as the memory goes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::report::period::Day;
use crate::rows::{self, PackedAddress};
use crate::store::{Remembered, Store, StoreError};

use super::window::Window;

/// For each address, the days before a window on which it sent mail that shows whose it is; the memory leaves out other mail.
pub type EarlierDays = BTreeMap<IpAddr, BTreeSet<Day>>;

/// The days of these addresses in the `memory_days` before a window.
///
/// # Errors
/// See [`StoreError`].
pub fn earlier_days(
    store: &Store,
    window: Window,
    memory_days: u32,
    addresses: &BTreeSet<IpAddr>,
) -> Result<EarlierDays, StoreError> {
    let mut found = EarlierDays::new();
    let first = window.first.saturating_sub_unsigned(memory_days);
    if addresses.is_empty() || first >= window.first {
        return Ok(found);
    }
    store.remember(first, window.first - 1, &mut |remembered| {
        match remembered {
            Remembered::Sources(_) => {}
            Remembered::Run(run) => {
                for record in rows::iterate(run.rows) {
                    let row = record.ok_or_else(|| StoreError::damaged_records(run.report))?;
                    if let PackedAddress::Ip(ip) = row.address
                        && addresses.contains(&ip)
                    {
                        found.entry(ip).or_default().insert(run.day);
                    }
                }
            }
            Remembered::Sum(sum) => {
                if let Some(ip) = sum.address.filter(|ip| addresses.contains(ip)) {
                    let days = found.entry(ip).or_default();
                    for cell in sum.cells() {
                        days.insert(cell?.day);
                    }
                }
            }
        }
        Ok(())
    })?;
    Ok(found)
}
