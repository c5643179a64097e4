//! Files that are there whole, or as they were before: no reader ever sees half of one.

use std::fs::File;
use std::io::{BufWriter, Error, ErrorKind, Read as _, Result, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::builder::{PathBufValueParser, TypedValueParser};

use super::failure::Failure;
use crate::folders;
use crate::render::{is_metrics, is_page};
use crate::unfinished::unfinished;

/// Reads the place of what is written, which is no standard output; `otherwise` says how that is written to.
pub(super) fn place(otherwise: &'static str) -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(move |path| match path.as_os_str() == "-" {
        true => Err(format!("it names a file or folder; {otherwise}")),
        false => Ok(path),
    })
}

/// Without the option.
pub(super) const LEAVE_OUT: &str = "leave the option out to write to standard output";

/// What is written into a file that was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// An answer as a page.
    Page,
    /// Figures for Prometheus.
    Metrics,
}

impl Content {
    fn what(self) -> &'static str {
        match self {
            Content::Page => "page",
            Content::Metrics => "metrics file",
        }
    }

    /// Whether a file that begins so was written by this program and is of this kind.
    fn is(self, beginning: &[u8]) -> bool {
        match self {
            Content::Page => is_page(beginning),
            Content::Metrics => is_metrics(beginning),
        }
    }
}

/// Bytes of a file that tell what it is.
const BEGINNING: u64 = 1024;

/// A file that may be written: there is nothing there that would be lost.
#[derive(Debug)]
pub(super) struct Target<'p>(&'p Path);

impl<'p> Target<'p> {
    /// Looks whether a file may be written over, which is none of the `database` and not the configuration. That it is a folder
    /// shows when it is written.
    pub(super) fn of(
        path: &'p Path,
        content: Content,
        database: &[PathBuf],
        config: Option<&Path>,
    ) -> std::result::Result<Self, Failure> {
        let refused = |why: String| Err(Failure::Usage(format!("{} {why}", path.display())));
        if database.iter().any(|file| is_same(file, path)) {
            return refused(format!("belongs to the database: name another file for the {}", content.what()));
        }
        if config.is_some_and(|file| is_same(file, path)) {
            return refused(format!("is the configuration file: name another file for the {}", content.what()));
        }
        let what = content.what();
        match beginning(path) {
            Ok(None) => Ok(Target(path)),
            Ok(Some(beginning)) if beginning.is_empty() || content.is(&beginning) => Ok(Target(path)),
            Ok(Some(_)) => refused(format!("exists and is no {what} of dmarcstat: name another file, or remove it")),
            Err(error) => {
                refused(format!("exists and may be no {what} of dmarcstat ({error}): name another file, or remove it"))
            }
        }
    }

    /// Writes the file.
    pub(super) fn write(&self, content: impl FnOnce(&mut dyn Write) -> Result<()>) -> anyhow::Result<()> {
        write_whole(self.0, content)
    }

    /// Its name.
    pub(super) fn path(&self) -> &Path {
        self.0
    }
}

/// How a file begins; nothing where there is none, or a folder.
fn beginning(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::metadata(path) {
        // Why it cannot be written there shows when it is.
        Err(_) => return Ok(None),
        Ok(found) if found.is_dir() => return Ok(None),
        // Opening a pipe may wait for good.
        Ok(found) if !found.is_file() => return Err(Error::new(ErrorKind::InvalidInput, "it is no regular file")),
        Ok(_) => {}
    }
    let mut beginning = Vec::new();
    File::open(path)?.take(BEGINNING).read_to_end(&mut beginning)?;
    Ok(Some(beginning))
}

/// Whether two names are of one file, through links of either kind; also where there is no file of that name yet.
fn is_same(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let identity = |path: &Path| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
        if identity(one).is_some_and(|one| identity(other) == Some(one)) {
            return true;
        }
    }
    real(one) == real(other)
}

/// The name of a file without links, as far as there is such a file.
pub(super) fn real(path: &Path) -> PathBuf {
    let in_folder = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(in_folder).unwrap_or_else(|| path.to_owned())
}

/// Writes a file beside its place and then into it.
pub(super) fn write_whole(path: &Path, content: impl FnOnce(&mut dyn Write) -> Result<()>) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = || -> Result<()> {
        let mut file = unfinished(folder, ".dmarcstat-")?;
        let mut out = BufWriter::new(file.as_file_mut());
        content(&mut out)?;
        out.flush()?;
        drop(out);
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    let written = || match written() {
        Err(_) if path.is_dir() => Err(folders::not_a_file()),
        written => written.map_err(|error| folders::explained(error, folder)),
    };
    written().with_context(|| format!("cannot write {}", path.display()))
}
