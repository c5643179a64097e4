//! `[database]`: where the database is, and how a server is reached.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use secrecy::SecretString;
use serde::Deserialize;

use super::secrets::SecretSource;
use crate::store::{Place, Server};

/// How long one statement of a server may take, in seconds.
const TIMEOUT: u64 = 300;

/// `[database]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Database {
    /// The file that it is in.
    pub path: Option<PathBuf>,
    /// Or where on a server it is.
    pub url: Option<String>,
    /// Where the password for the server is.
    pub password: Option<SecretSource>,
    /// Certificates that are trusted besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// How long one statement may take, in seconds.
    pub timeout: Option<u64>,
    /// Whose bytes are kept.
    pub keep_raw: KeepRaw,
}

/// Whose bytes are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepRaw {
    /// Those of every report.
    #[default]
    All,
    /// Only those of what could not be read.
    Quarantined,
}

/// The same as it is written.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    path: Option<PathBuf>,
    url: Option<String>,
    password_command: Option<String>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    ca_file: Option<PathBuf>,
    timeout: Option<u64>,
    keep_raw: KeepRaw,
}

impl TryFrom<Written> for Database {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { path, url, password_command, password_file, password_env, ca_file, timeout, keep_raw } = written;
        if path.is_some() && url.is_some() {
            return Err("a database is in a file (`path`) or on a server (`url`): give one of them".to_owned());
        }
        if url.as_deref().is_some_and(|url| !is_url(url)) {
            return Err("`url` must begin with postgres:// or postgresql://; use `path` for a file".to_owned());
        }
        if timeout == Some(0) {
            return Err("`timeout` must be a number of seconds, 1 or more".to_owned());
        }
        let sources = [
            password_command.map(SecretSource::Command),
            password_file.map(SecretSource::File),
            password_env.map(SecretSource::Env),
        ];
        let mut sources = sources.into_iter().flatten();
        let password = sources.next();
        if sources.next().is_some() {
            return Err("one of `password_command`, `password_file` and `password_env` is enough".to_owned());
        }
        Ok(Database { path, url, password, ca_file, timeout, keep_raw })
    }
}

/// Whether a database that is named so is on a server.
pub(crate) fn is_url(named: &str) -> bool {
    named.starts_with("postgres://") || named.starts_with("postgresql://")
}

impl Database {
    /// Lets relative paths begin at the configuration's folder.
    pub(super) fn lie_in(&mut self, folder: &Path) {
        self.ca_file = self.ca_file.take().map(|file| folder.join(file));
        if let Some(SecretSource::File(file)) = &mut self.password {
            *file = folder.join(&*file);
        }
    }

    /// The database that is named so, with what is needed to open it.
    ///
    /// # Errors
    /// That there is no password where there should be one.
    pub(crate) fn place(&self, named: &Path) -> anyhow::Result<Place> {
        let Some(url) = named.to_str().filter(|text| is_url(text)) else {
            return Ok(Place::File(named.to_owned()));
        };
        let address = Address::of(url)?;
        let password = match (&self.password, &address.password) {
            (Some(source), _) => Some(source.read().context("[database]: the password")?),
            (None, Some(password)) => Some(SecretString::from(password.clone())),
            (None, None) => match std::env::var("PGPASSWORD").ok().filter(|value| !value.is_empty()) {
                Some(password) => Some(SecretString::from(password)),
                None => address.in_password_file()?,
            },
        };
        Ok(Place::Server(Server {
            url: address.shown,
            password,
            patience: Duration::from_secs(self.timeout.unwrap_or(TIMEOUT)),
            ca_file: self.ca_file.clone(),
        }))
    }
}

/// How a database is shown that is named so: a URL without its password.
pub(crate) fn shown(named: &Path) -> String {
    match named.to_str().filter(|text| is_url(text)) {
        Some(url) => Address::of(url).map_or_else(|_| "the server".to_owned(), |address| address.shown),
        None => named.display().to_string(),
    }
}

/// The parts of a URL.
struct Address {
    /// All of it but the password.
    shown: String,
    user: Option<String>,
    password: Option<String>,
    host: String,
    port: String,
    database: Option<String>,
}

impl Address {
    fn of(url: &str) -> anyhow::Result<Self> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| anyhow!("no URL"))?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let (login, place) =
            authority.rsplit_once('@').map_or((None, authority), |(login, place)| (Some(login), place));
        let (user, password) = match login.map(|login| login.split_once(':').ok_or(login)) {
            None => (None, None),
            Some(Ok((user, password))) => (Some(user), Some(password)),
            Some(Err(user)) => (Some(user), None),
        };
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        if query.split('&').any(|one| one.starts_with("password=")) {
            return Err(anyhow!("the password does not belong in the URL; docs/scale.md says where it can be"));
        }
        let first = place.split(',').next().unwrap_or_default();
        let (host, port) =
            match first.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())) {
                Some((host, port)) => (host, port),
                None => (first, "5432"),
            };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let login = user.map_or_else(String::new, |user| format!("{user}@"));
        Ok(Address {
            shown: format!("{scheme}://{login}{place}{tail}"),
            user: user.map(decode),
            password: password.map(decode),
            host: if host.is_empty() || host.starts_with("%2F") { "localhost".to_owned() } else { decode(host) },
            port: port.to_owned(),
            database: Some(path.trim_start_matches('/')).filter(|name| !name.is_empty()).map(decode),
        })
    }

    /// The password in `~/.pgpass`, or in the file that PGPASSFILE names.
    fn in_password_file(&self) -> anyhow::Result<Option<SecretString>> {
        let named = std::env::var_os("PGPASSFILE").filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = || etcetera::home_dir().ok().map(|home| home.join(".pgpass"));
        let Some(path) = named.or_else(home) else { return Ok(None) };
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
        let found = self.among(&text);
        #[cfg(unix)]
        if found.is_some() && is_open_to_others(&path) {
            return Err(anyhow!("{} can be read by others; `chmod 600` it", path.display()));
        }
        Ok(found)
    }

    /// The password of the first line that is about this database.
    fn among(&self, text: &str) -> Option<SecretString> {
        let user = self.user.clone().or_else(|| std::env::var("USER").ok()).unwrap_or_default();
        let database = self.database.as_ref().unwrap_or(&user);
        text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
            let fields = fields(line);
            let [host, port, name, login, password] = fields.as_slice() else { return None };
            let is = |field: &String, value: &str| field == "*" || field == value;
            let is_meant = is(host, &self.host) && is(port, &self.port) && is(name, database) && is(login, &user);
            is_meant.then(|| SecretString::from(password.clone()))
        })
    }
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

/// The fields of a line, in which `\` takes from `:` and itself that they end one.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' if fields.len() < 5 => fields.push(String::new()),
            other => {
                let literal = if other == '\\' { characters.next().unwrap_or('\\') } else { other };
                if let Some(last) = fields.last_mut() {
                    last.push(literal);
                }
            }
        }
    }
    fields
}

/// A part of a URL, in which `%` and two digits stand for a byte.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let code = after
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) if byte == b'%' => {
                bytes.push(code);
                rest = &after[2..];
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        for (url, wanted) in [
            ("postgres://ann:s%40p@db.example.com/reports", ("postgres://ann@db.example.com/reports", Some("s@p"))),
            (
                "postgresql://db.example.com:5433/x?sslmode=require",
                ("postgresql://db.example.com:5433/x?sslmode=require", None),
            ),
            ("postgres://ann@[::1]:5/x", ("postgres://ann@[::1]:5/x", None)),
        ] {
            let address = Address::of(url).unwrap();
            assert_eq!((address.shown.as_str(), address.password.as_deref()), wanted);
        }
        assert!(Address::of("postgres://h/d?password=x").is_err());
        assert_eq!(shown(Path::new("/a/b.db")), "/a/b.db");
    }

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let text = "# a comment\nother:*:*:*:no\ndb.example.com:5432:re\\:ports:ann:a\\:b:c\n*:*:*:*:any\n";
        let password = |url: &str| Address::of(url).unwrap().among(text).map(|found| found.expose_secret().to_owned());
        assert_eq!(password("postgres://ann@db.example.com/re%3Aports").as_deref(), Some("a:b:c"));
        assert_eq!(password("postgres://bob@db.example.com/reports").as_deref(), Some("any"));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let read = |text: &str| toml::from_str::<Database>(text).map_err(|error| error.to_string());
        assert!(read("url = \"postgres://h/d\"\npassword_env = \"X\"").is_ok());
        for (text, part) in [
            ("path = \"x\"\nurl = \"postgres://h/d\"", "give one"),
            ("url = \"mysql://h/d\"", "postgres://"),
            ("url = \"postgres://h/d\"\npassword_env = \"X\"\npassword_file = \"y\"", "enough"),
            ("timeout = 0", "1 or more"),
        ] {
            assert!(read(text).unwrap_err().contains(part), "{text}");
        }
    }
}
