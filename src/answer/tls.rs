//! SMTP TLS reports: `tls`.

use crate::diagnosis::{TlsAnswer, WindowAnswer, tls_domains};
use crate::query::{Window, tls_survey};
use crate::report::period::{Day, rfc3339};
use crate::store::{Store, StoreError};

use super::HISTORY;

/// What the SMTP TLS reports of some days say of these domains and those below them, or of all; nothing where there are none. What ends
/// after `now` is yet to come.
///
/// # Errors
/// Those of the store.
pub fn tls(store: &Store, window: Window, domains: &[String], now: i64) -> Result<Option<TlsAnswer>, StoreError> {
    // The days before tell since when something fails.
    let survey = tls_survey(store, window.first.saturating_sub(HISTORY), window.last, domains)?;
    let days: Vec<Day> = survey.reports.iter().map(|(day, _)| *day).filter(|day| window.holds(*day)).collect();
    let Some(ends) = days.iter().copied().min().zip(days.iter().copied().max()) else { return Ok(None) };
    let mut reporters: Vec<u32> = survey
        .policies
        .iter()
        .flat_map(|policy| policy.sessions.keys())
        .filter(|(day, _)| window.holds(*day))
        .map(|(_, reporter)| *reporter)
        .collect();
    reporters.sort_unstable();
    reporters.dedup();
    Ok(Some(TlsAnswer {
        schema: "dmarcstat/tls/1",
        window: WindowAnswer::of(window, ends),
        newest_report: store.newest_tls_report(now)?.map(rfc3339),
        reports: days.len() as u64,
        reporters: reporters.len(),
        domains: tls_domains(&survey, window),
    }))
}
