//! Where the program's own files are unless others are named: by the conventions of the system (XDG on Unix).

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// The user's own configuration.
pub(crate) fn config_path() -> Option<PathBuf> {
    default_path(Folder::Config, "config.toml")
}

/// Where the configuration may be, the user's own before that of the system.
pub(crate) fn config_paths() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = config_path().into_iter().collect();
    if cfg!(unix) {
        let named = std::env::var_os("XDG_CONFIG_DIRS").filter(|folders| !folders.is_empty());
        let folders = named
            .as_deref()
            .map_or_else(|| vec![PathBuf::from("/etc")], |named| std::env::split_paths(named).collect());
        paths.extend(folders.into_iter().map(|folder| folder.join("dmarcstat").join("config.toml")));
    }
    paths
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
