//! Files that are there whole, or as they were before: no reader ever sees half of one.

use std::io::{BufWriter, Error, Result, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::builder::{PathBufValueParser, TypedValueParser};

use crate::folders;
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
        Err(error) if path.is_dir() => Err(Error::new(error.kind(), "it is a folder; name a file")),
        written => written.map_err(|error| folders::explained(error, folder)),
    };
    written().with_context(|| format!("cannot write {}", path.display()))
}
