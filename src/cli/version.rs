//! `dmarcstat --version`: what the program is made of, as far as it changes answers.

use crate::{domain, providers, store};

/// The commit that the program was built of; empty where that is not known.
pub(super) const COMMIT: &str = env!("DMARCSTAT_BUILD_COMMIT");

/// The version, and below it a line for each part: commit, SQLite, and of which day the embedded data is.
pub(super) fn long() -> String {
    let catalogue = providers::Catalogue::builtin().newest_check().map_or_else(String::new, |day| day.to_string());
    let parts = [
        ("commit", if COMMIT.is_empty() { "not known (a build for development)" } else { COMMIT }),
        ("SQLite", store::sqlite_version()),
        ("public suffix list", domain::SUFFIX_LIST_DATE),
        ("catalogue of senders", &catalogue),
        ("live DNS", if cfg!(feature = "dns") { "yes" } else { "no" }),
    ];
    let lines = parts.map(|(what, value)| format!("\n{:<22}{value}", format!("{what}:")));
    format!("{}{}", env!("CARGO_PKG_VERSION"), lines.concat())
}
