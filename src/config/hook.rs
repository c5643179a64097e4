//! `[notify]`: the web hook that `changes --notify` posts to.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::mistake::{Mistake, SecretRef};
use super::written::{Misplaced, NO_SECRETS_HERE, secret};
use crate::notify::hook::HookForm;

/// The table as written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Written {
    url_command: Option<Spanned<String>>,
    url_file: Option<Spanned<String>>,
    url_env: Option<Spanned<String>>,
    form: HookForm,
    /// Whoever has the address of a hook may write there, so nothing of it is kept.
    url: Option<Spanned<Misplaced>>,
}

/// `[notify]`, checked; the address is still where it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct HookConfig {
    /// The address, which is a secret.
    pub(crate) url: Option<SecretRef>,
    /// What the other side reads.
    pub(crate) form: HookForm,
}

impl HookConfig {
    /// Takes a relative path to be from this folder, that of the configuration.
    pub(super) fn lie_in(&mut self, folder: &Path) {
        if let Some(url) = &mut self.url {
            url.lie_in(folder);
        }
    }
}

/// Checks the table.
pub(super) fn check(written: &Written, text: &str) -> Result<HookConfig, Mistake> {
    if let Some(url) = &written.url {
        return Err(Mistake::new(url.span().start, "url", NO_SECRETS_HERE));
    }
    let url = secret(text, "url", [&written.url_command, &written.url_file, &written.url_env])?;
    Ok(HookConfig { url, form: written.form })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_address_of_a_hook_is_a_secret() {
        let config = Config::parse("[notify]\nurl_env = \"HOOK\"\nform = \"slack\"\n").unwrap();
        assert_eq!(config.hook.form, HookForm::Slack);
        assert!(config.hook.url.is_some());
        let error = Config::parse("[notify]\nurl = \"https://hooks.example.com/abc\"\n").unwrap_err();
        assert!(error.contains("line 2, `url`") && !error.contains("abc"), "{error}");
    }
}
