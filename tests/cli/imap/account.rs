//! Accounts in a configuration file, and runs of `fetch` with them.

use std::process::{Command, Stdio};

use toml::{Table, Value};

use super::dovecot::{Dovecot, GOOD, PASSWORD, User};
use crate::harness::{Ran, Sandbox};

/// An `[[account]]` of the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Account(Table);

impl Account {
    /// An account at a port of this machine, in plain text.
    pub(crate) fn plain(name: &str, port: u16, user: &str) -> Self {
        let mut account = Account(Table::new());
        for (key, value) in [("name", name), ("host", GOOD), ("tls", "none"), ("user", user)] {
            account = account.set(key, value);
        }
        account.set("port", i64::from(port)).set("password_env", "TEST_PASSWORD")
    }

    /// A user's account at Dovecot, over TLS.
    pub(crate) fn of(user: &User<'_>) -> Self {
        let Dovecot { imaps, .. } = user.dovecot();
        Account::plain("rua", *imaps, &user.name)
            .set("tls", "implicit")
            .set("ca_file", user.dovecot().ca_file().to_str().expect("Unicode"))
    }

    /// With STARTTLS.
    pub(crate) fn start_tls(self, dovecot: &Dovecot) -> Self {
        self.set("tls", "starttls").set("port", i64::from(dovecot.imap))
    }

    /// With these folders.
    pub(crate) fn folders(self, folders: &[&str]) -> Self {
        self.set("folders", folders.iter().map(|folder| Value::from(*folder)).collect::<Vec<_>>())
    }

    /// Logs in with a token that a client is given at a token endpoint.
    pub(crate) fn oauth2(self, mechanism: &str, token_url: &str, client: &str) -> Self {
        let mut oauth2 = Table::new();
        for (key, value) in [
            ("grant", "client_credentials"),
            ("client_id", client),
            ("client_secret_env", "TEST_PASSWORD"),
            ("token_url", token_url),
            ("scope", "mail"),
        ] {
            oauth2.insert(key.to_owned(), value.into());
        }
        self.without("password_env").set("auth", mechanism).set("oauth2", oauth2)
    }

    /// Logs in with tokens by these settings.
    pub(crate) fn oauth2_with(self, mechanism: &str, settings: &[(&str, &str)]) -> Self {
        let oauth2: Table = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        self.without("password_env").set("auth", mechanism).set("oauth2", oauth2)
    }

    /// With another setting for tokens.
    pub(crate) fn oauth2_also(mut self, key: &str, value: &str) -> Self {
        if let Some(Value::Table(oauth2)) = self.0.get_mut("oauth2") {
            oauth2.insert(key.to_owned(), value.into());
        }
        self
    }

    /// Without a setting.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.0.remove(key);
        self
    }

    /// With a setting.
    pub(crate) fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }
}

/// Writes the configuration with these accounts.
pub(crate) fn configure(sandbox: &Sandbox, accounts: &[Account]) {
    let accounts: Vec<Value> = accounts.iter().map(|account| Value::from(account.0.clone())).collect();
    let mut whole = Table::new();
    whole.insert("account".to_owned(), accounts.into());
    let folder = sandbox.home().join("config/dmarcstat");
    std::fs::create_dir_all(&folder).expect("folders");
    std::fs::write(folder.join("config.toml"), whole.to_string()).expect("a file");
}

/// `fetch --format json` with the accounts of the configuration, not yet started.
pub(crate) fn fetch_program(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(["fetch", "--format", "json"]);
    command.args(arguments).env("TEST_PASSWORD", PASSWORD);
    command
}

/// The same, ended after a while: a fetch that hangs is a failure, not the end of all tests.
pub(crate) fn fetch_command(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let program = fetch_program(sandbox, arguments);
    let mut command = Command::new("/usr/bin/timeout");
    command.args(["--kill-after=1", "120"]).arg(program.get_program()).args(program.get_args());
    command.current_dir(sandbox.work()).env_clear().stdin(Stdio::null());
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// `fetch --format json` with the accounts of the configuration.
pub(crate) fn fetch(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    Ran::of(fetch_command(sandbox, arguments))
}

/// `fetch --format json` with one account.
pub(crate) fn fetch_from(sandbox: &Sandbox, account: Account) -> Ran {
    configure(sandbox, &[account]);
    fetch(sandbox, &[])
}
