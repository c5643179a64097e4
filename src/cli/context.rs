//! What was typed, what the configuration says and what the environment is, merged once.

use std::cell::OnceCell;
use std::io::{BufWriter, IsTerminal, Stdout, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::failure::Failure;
use super::global::{Color, Global};
use super::whole_file::{Content, Target, real};
use crate::answer::{Known, UnknownProvider};
use crate::config::database::{is_url, shown};
use crate::config::places::{config_paths, database_path};
use crate::config::{Config, read_text};
use crate::domain::is_among;
use crate::providers::{Catalogue, NetworkOwners};
use crate::render::{Answer, Form, Style};
use crate::sanitize::sanitize;
use crate::store::{Place, Store};
use crate::words::list;

/// What a command works with.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) form: Form,
    style: Style,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    pub(crate) now: Timestamp,
    /// What the database is called.
    db: Option<PathBuf>,
    /// Where it is, once that was asked.
    place: OnceCell<Place>,
    out: BufWriter<Stdout>,
}

/// The width of a table where there is no terminal to fit.
const PIPE_WIDTH: u16 = 120;

impl Context {
    #[expect(clippy::disallowed_methods, reason = "here the clock is read, once")]
    pub(crate) fn new(global: &Global, tenant: Option<&str>) -> Result<Self, Failure> {
        // A variable that is set to nothing is as good as none.
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let config = match global.config.clone().or_else(|| variable("DMARCSTAT_CONFIG")) {
            Some(path) => Config::load(&path)?,
            None => match config_paths().into_iter().find(|path| path.exists()) {
                Some(path) => Config::load(&path)?,
                None => Config::default(),
            },
        };
        let config = match tenant {
            Some(name) => of_tenant(&config, name)?,
            None => config,
        };
        let terminal = std::io::stdout().is_terminal();
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                terminal
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::env::var_os("TERM").is_none_or(|value| value != "dumb")
            }
        };
        Ok(Context {
            db: global
                .db
                .clone()
                .or_else(|| variable("DMARCSTAT_DB"))
                .or_else(|| config.database.path.clone())
                .or_else(|| config.database.url.as_ref().map(PathBuf::from)),
            place: OnceCell::new(),
            config,
            form: global.form(),
            style: Style { width: width(), color, unicode: unicode() },
            quiet: global.quiet,
            verbose: global.verbose > 0,
            now: Timestamp::now(),
            out: BufWriter::new(std::io::stdout()),
        })
    }

    /// The day by the clock, in UTC.
    pub(crate) fn today(&self) -> Date {
        self.now.to_zoned_datetime(TimeZone::UTC).date()
    }

    /// Writes an answer in the form that was asked for.
    pub(crate) fn show<A: Answer>(&mut self, answer: &A) -> Result<(), Failure> {
        self.form_of::<A>()?;
        match self.form.write(answer, &self.style, &mut self.out) {
            // Whoever reads the first lines only still gets the status of the answer.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }

    /// Writes an answer as a page into a file, where one was asked for, and `said` to the terminal. Who asks for a page does not want
    /// the same as text too; a script that asks for JSON gets both.
    pub(crate) fn show_or_write<A: Answer>(
        &mut self,
        answer: &A,
        page: Option<&Target<'_>>,
        said: &str,
    ) -> Result<(), Failure> {
        let Some(page) = page else { return self.show(answer) };
        self.form_of::<A>()?;
        page.write(|out| Form::Html.write(answer, &self.style, out))?;
        if !self.form.is_for_terminals() {
            return self.show(answer);
        }
        let path = page.path().display().to_string();
        writeln!(self.out, "{}", sanitize(&format!("{said}; page written to {path}")))?;
        Ok(())
    }

    /// Refuses a form that answers of this kind do not have: before anything is done, where the answer tells what was done.
    pub(crate) fn form_of<A: Answer>(&self) -> Result<(), Failure> {
        if self.form.has::<A>() { Ok(()) } else { Err(Failure::Usage(self.form.refusal().to_owned())) }
    }

    /// Refuses any form but the usual one, for what is always written in a form of its own; `what` says which, and where data is to be had.
    pub(crate) fn has_own_form(&self, what: &str) -> Result<(), Failure> {
        if self.form.is_for_terminals() { Ok(()) } else { Err(Failure::Usage(what.to_owned())) }
    }

    /// Standard output, buffered.
    pub(crate) fn out(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Writes out what is buffered.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    /// Opens the database to write to, making it on first use.
    pub(crate) fn open_to_write(&self) -> Result<Store, Failure> {
        let mut store = self.for_owner(Store::open(self.database()?)?);
        store.settle_ignored()?;
        Ok(store)
    }

    /// Opens the database to answer from.
    pub(crate) fn open_to_read(&self) -> Result<Store, Failure> {
        Ok(self.for_owner(Store::open_existing(self.database()?)?))
    }

    /// A store whose answers are about the owner's domains, where the configuration says which those are, and by none of the
    /// reporters that it says to ignore.
    pub(crate) fn for_owner(&self, store: Store) -> Store {
        let store = store.owned_by(&self.config.ledger.owner_domains).ignoring(&self.config.ignored);
        if self.config.tenant.is_some() { store.hiding_foreign() } else { store }
    }

    /// Does something as one tenant of the configuration.
    pub(crate) fn as_tenant<T>(
        &mut self,
        name: &str,
        act: impl FnOnce(&mut Context) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let own = of_tenant(&self.config, name)?;
        let all = std::mem::replace(&mut self.config, own);
        let done = act(self);
        self.config = all;
        done
    }

    /// The domains that an answer is to be about, of those that were asked for; for a tenant no other than its own.
    pub(crate) fn asked_domains(&self, asked: Vec<String>) -> Result<Vec<String>, Failure> {
        let Some(tenant) = &self.config.tenant else { return Ok(asked) };
        if asked.is_empty() {
            return Ok(tenant.domains.clone());
        }
        match asked.iter().find(|domain| !is_among(domain, &tenant.domains)) {
            None => Ok(asked),
            Some(domain) => Err(Failure::Usage(format!(
                "{domain} does not belong to the tenant {:?}, which has {}",
                tenant.name,
                list(&tenant.domains, 10)
            ))),
        }
    }

    /// The catalogue of senders, with the user's own entries.
    pub(crate) fn catalogue(&self) -> Result<Catalogue, Failure> {
        let providers = &self.config.providers;
        let catalogue = match &providers.file {
            None => Catalogue::builtin(),
            Some(path) => Catalogue::with_user_file(&read_text(path)?, &path.display().to_string())
                .map_err(anyhow::Error::from)?,
        };
        Ok(match &providers.asn_database {
            None => catalogue,
            Some(path) => catalogue.with_owners(NetworkOwners::open(path).map_err(anyhow::Error::from)?),
        })
    }

    /// What is known of senders by the configuration: the catalogue, the ledger and thresholds, and no host names.
    pub(crate) fn known(&self) -> Result<Known, Failure> {
        let (ledger, thresholds) = (self.config.ledger.clone(), self.config.diagnosis);
        Known::new(self.catalogue()?, ledger, thresholds).map_err(|UnknownProvider { id, line }| {
            let file = self.config.file.as_ref().map_or_else(String::new, |file| format!("{}: ", file.display()));
            Failure::Failed(anyhow!(
                "{file}line {line}, `provider`: no provider {id:?} is in the catalogue; `dmarcstat providers` lists them"
            ))
        })
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> Result<Place, Failure> {
        if let Some(place) = self.place.get() {
            return Ok(place.clone());
        }
        let named = self.db.clone().or_else(database_path).ok_or_else(|| {
            Failure::Failed(anyhow!("no home folder is known to keep the database in; name one with --db"))
        })?;
        let place = self.config.database.place(&named)?;
        Ok(self.place.get_or_init(|| place).clone())
    }

    /// A file to write, once it was looked at whether it may be: before anything is computed.
    pub(super) fn target<'p>(&self, path: &'p Path, content: Content) -> Result<Target<'p>, Failure> {
        Target::of(path, content, &self.database_files(), self.config.file.as_deref())
    }

    /// The file of the database, and those that lie or may lie beside it; none where a server has it.
    fn database_files(&self) -> Vec<PathBuf> {
        let named = self.db.clone().or_else(database_path);
        let Some(file) = named.filter(|named| !named.to_str().is_some_and(is_url)) else { return Vec::new() };
        let beside = |ending: &str| {
            // What lies beside a link lies beside what it is to.
            let mut name = real(&file).into_os_string();
            name.push(ending);
            PathBuf::from(name)
        };
        let mut files: Vec<PathBuf> = ["-wal", "-shm", "-journal", ".fetch.lock"].map(beside).into();
        files.push(file);
        files
    }

    /// What the database is called, without a password.
    pub(crate) fn database_shown(&self) -> Option<String> {
        self.db.clone().or_else(database_path).map(|named| shown(&named))
    }
}

/// The configuration as that of one of its tenants.
fn of_tenant(config: &Config, name: &str) -> Result<Config, Failure> {
    config.of_tenant(name).ok_or_else(|| {
        let file = config.file.as_ref().map_or("the configuration".to_owned(), |file| file.display().to_string());
        let tenants = match config.tenants.as_slice() {
            [] => "it has no [[tenant]]".to_owned(),
            tenants => format!("it has {}", list(tenants.iter().map(|tenant| &tenant.name), 10)),
        };
        Failure::Usage(format!("there is no tenant {name:?} in {file}; {tenants}"))
    })
}

/// The width to fit: that of the terminal; COLUMNS rules where it is set.
fn width() -> u16 {
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse::<u16>().ok()).filter(|&width| width > 0);
    let terminal = || {
        std::io::stdout()
            .is_terminal()
            .then(terminal_size::terminal_size)
            .flatten()
            .map(|(terminal_size::Width(width), _)| width)
    };
    columns.or_else(terminal).unwrap_or(PIPE_WIDTH).max(40)
}

/// Whether the locale's character set is Unicode. Where no locale is set at all, as in many containers, it is taken to be.
fn unicode() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
