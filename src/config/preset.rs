//! Providers of mailboxes whose settings need not be written.

use serde::Deserialize;

/// A provider whose settings are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Preset {
    /// Microsoft 365, worldwide.
    Microsoft365,
    /// Gmail and Google Workspace.
    Google,
}

impl Preset {
    /// Its IMAP server.
    pub(super) fn host(self) -> &'static str {
        match self {
            Preset::Microsoft365 => "outlook.office365.com",
            Preset::Google => "imap.gmail.com",
        }
    }
}
