//! Where the program's own files are unless others are named: by the conventions of the system (XDG on Unix).

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// The configuration.
pub(crate) fn config_path() -> Option<PathBuf> {
    default_path(Folder::Config, "config.toml")
}

/// The database.
pub(crate) fn database_path() -> Option<PathBuf> {
    default_path(Folder::Data, "reports.db")
}

/// A file that keeps what the program has to remember between runs and can get again.
pub(crate) fn state_path(name: &str) -> Option<PathBuf> {
    default_path(Folder::State, name)
}

fn default_path(kind: Folder, name: &str) -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    let base = match kind {
        Folder::Config => strategy.config_dir(),
        Folder::Data => strategy.data_dir(),
        Folder::State => strategy.state_dir().unwrap_or_else(|| strategy.data_dir()),
    };
    Some(base.join("dmarcstat").join(name))
}

/// The user's folders.
enum Folder {
    Config,
    Data,
    State,
}
