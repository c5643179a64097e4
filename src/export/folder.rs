//! Rows in files by day: `day=2026-10-01/part-0.parquet`, as programs that read many files as one table expect them.
//!
//! The day is in the folder's name and in no column. A file of [`MARKER`] says what the folder is of, so that two exports do not
//! mix, and nothing is written into or removed from a folder that holds something else.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Error, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tempfile::NamedTempFile;

use super::lines::RowFile;
use super::{ExportError, RowForm, Sink};
use crate::flat::{Column, Layout, Row};
use crate::folders;
use crate::report::period::{Day, date_of};
use crate::unfinished::unfinished;

/// Names that begin with a dot are not read as data.
const MARKER: &str = ".dmarcstat-export.json";
/// What files are called until they are whole.
const UNFINISHED: &str = ".dmarcstat-unfinished-";
/// No marker of ours is longer.
const LONGEST_MARKER: u64 = 1 << 20;

/// What goes into a folder.
#[derive(Debug, Clone)]
pub struct FolderChoice {
    /// The folder; it is made where it is missing.
    pub path: PathBuf,
    /// The form of its files.
    pub form: RowForm,
    /// What its rows are of, in words: another export is refused.
    pub what: String,
    /// The name of the export and how often it was continued, where it adds to what is there; else files of the days take the
    /// place of those that are there.
    pub adds: Option<(String, u64)>,
    /// The first and last day.
    pub days: (Day, Day),
}

/// A folder that rows are written into.
pub struct Folder {
    choice: FolderChoice,
    layout: Arc<Layout>,
    columns: Arc<[Column]>,
    open: Option<(Day, RowFile<BufWriter<NamedTempFile>>)>,
    written: BTreeSet<String>,
}

impl Folder {
    /// Opens a folder, or makes it; what an earlier run did not finish is removed.
    ///
    /// # Errors
    /// [`ExportError::Place`] where it holds something else, or cannot be read or written.
    pub fn open(choice: FolderChoice, layout: Arc<Layout>) -> Result<Self, ExportError> {
        let columns = layout.columns().iter().filter(|column| column.name != "day").copied().collect();
        let folder = Folder { choice, layout, columns, open: None, written: BTreeSet::new() };
        folder.prepare().map_err(|why| folder.failed(&why))?;
        Ok(folder)
    }

    fn failed(&self, why: &Error) -> ExportError {
        let why = match why.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                "the disk is full; days that were not finished are as they were".to_owned()
            }
            _ => why.to_string(),
        };
        ExportError::Place { place: self.choice.path.clone(), why }
    }

    fn prepare(&self) -> std::io::Result<()> {
        let path = &self.choice.path;
        folders::make(path)?;
        let name = self.choice.adds.as_ref().map(|(name, _)| name);
        let wanted = json!({ "schema": "dmarcstat/export-folder/1", "rows": self.choice.what, "new": name });
        match File::open(path.join(MARKER)) {
            Ok(file) => {
                let mut text = String::new();
                file.take(LONGEST_MARKER).read_to_string(&mut text)?;
                let found: Json = serde_json::from_str(&text).unwrap_or_default();
                if found != wanted {
                    return Err(Error::other(format!(
                        "it holds another export ({}); choose another folder",
                        described(&found)
                    )));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if std::fs::read_dir(path)?.next().is_some() {
                    return Err(Error::other(
                        "it holds something else; name an empty folder, or one that is not there",
                    ));
                }
                let mut marker = unfinished(path, UNFINISHED)?;
                serde_json::to_writer_pretty(&mut marker, &wanted)?;
                marker.as_file().sync_all()?;
                marker.persist(path.join(MARKER))?;
            }
            Err(error) => return Err(error),
        }
        let part = self.file_name();
        self.remove(|_, name| name.starts_with(UNFINISHED) || self.choice.adds.is_some() && name == part)
    }

    /// The file of each day.
    fn file_name(&self) -> String {
        let number = self.choice.adds.as_ref().map_or(0, |(_, runs)| runs + 1);
        format!("part-{number}.{}", self.choice.form.ending())
    }

    /// Whether a file of a day is one of ours.
    fn is_part(&self, name: &str) -> bool {
        let number = name.strip_prefix("part-").and_then(|rest| rest.strip_suffix(self.choice.form.ending()));
        let number = number.and_then(|rest| rest.strip_suffix('.'));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// Removes files of days, by the name of the day's folder and their own; and folders that are empty then.
    fn remove(&self, which: impl Fn(&str, &str) -> bool) -> std::io::Result<()> {
        for folder in std::fs::read_dir(&self.choice.path)? {
            let folder = folder?;
            let day = folder.file_name();
            let Some(day) = day.to_str() else { continue };
            if day.starts_with(UNFINISHED) {
                std::fs::remove_file(folder.path())?;
            }
            if !day.starts_with("day=") || !folder.file_type()?.is_dir() {
                continue;
            }
            let mut left = 0;
            for file in std::fs::read_dir(folder.path())? {
                let file = file?;
                match file.file_name().to_str() {
                    Some(name) if which(day, name) => std::fs::remove_file(file.path())?,
                    _ => left += 1,
                }
            }
            if left == 0 {
                std::fs::remove_dir(folder.path())?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, day: Day) -> std::io::Result<()> {
        let folder = self.choice.path.join(folder_of(day));
        std::fs::create_dir_all(&folder)?;
        let out = BufWriter::with_capacity(1 << 16, unfinished(&folder, UNFINISHED)?);
        let file = RowFile::new(self.choice.form, Arc::clone(&self.layout), Arc::clone(&self.columns), out)?;
        self.open = Some((day, file));
        Ok(())
    }

    /// Gives the file of a day its name.
    fn close(&mut self) -> std::io::Result<()> {
        let Some((day, file)) = self.open.take() else { return Ok(()) };
        let file = file.finish()?.into_inner().map_err(|error| error.into_error())?;
        file.as_file().sync_all()?;
        let (folder, name) = (folder_of(day), self.file_name());
        let place = self.choice.path.join(&folder);
        if self.choice.adds.is_none() {
            // What the new file takes the place of goes first: a row that is missing for a moment is better than one that counts twice.
            for other in std::fs::read_dir(&place)? {
                let other = other?;
                if other.file_name().to_str().is_some_and(|other| self.is_part(other) && other != name) {
                    std::fs::remove_file(other.path())?;
                }
            }
        }
        file.persist(place.join(&name))?;
        self.written.insert(folder);
        Ok(())
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.close()?;
        if self.choice.adds.is_none() {
            // Days that have no rows any more.
            let (first, last) = (folder_of(self.choice.days.0), folder_of(self.choice.days.1));
            self.remove(|day, name| {
                day >= first.as_str() && day <= last.as_str() && !self.written.contains(day) && self.is_part(name)
            })?;
        }
        Ok(())
    }
}

impl Sink for Folder {
    fn row(&mut self, day: Day, row: Row) -> Result<(), ExportError> {
        let written = (|| {
            if self.open.as_ref().is_none_or(|(open, _)| *open != day) {
                self.close()?;
                self.begin(day)?;
            }
            match &mut self.open {
                Some((_, file)) => file.write(row),
                None => Ok(()),
            }
        })();
        written.map_err(|why| self.failed(&why))
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        let ended = self.end();
        ended.map_err(|why| self.failed(&why))
    }
}

/// The folder of a day. Years before 0 and after 9999 do not occur, so the names sort as the days do.
fn folder_of(day: Day) -> String {
    format!("day={}", date_of(day))
}

fn described(marker: &Json) -> String {
    let rows = marker["rows"].as_str().unwrap_or("of something unknown");
    match marker["new"].as_str() {
        Some(name) => format!("{rows}, continued as {name:?} by --new"),
        None => format!("{rows}, without --new"),
    }
}
