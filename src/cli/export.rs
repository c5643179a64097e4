//! `dmarcstat export`.

use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use clap::ValueEnum;

use super::context::Context;
use super::failure::{Failure, Outcome, say};
use super::jobs;
use super::sender_scope::{Asked, SenderScope};
use super::whole_file::{LEAVE_OUT, place};
use crate::diagnosis::{Wanted, diagnose};
use crate::export::{
    Choice, ExportError, Folder, FolderChoice, RowFile, RowForm, Sink, Summary, Table, beside, export,
};
use crate::flat::{Layout, Reader, RowPaths};
use crate::parallel::processors;
use crate::query::Bound;
use crate::render::Form;
use crate::report::period::date_of;
use crate::store::{Exported, ExportedReport};
use crate::words::{agree, plural};

/// The records themselves, one flat row each, for other programs
///
/// A row has every field of a record and of its report by its name (docs/export.md lists them), and an `id` that is the same
/// wherever and however often the record is exported. The records are those that count in answers, so their messages add up to
/// what `sources` says.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    #[command(flatten)]
    scope: SenderScope,
    /// Where to: a folder, which gets files by day, or the table `alignment` in a SQLite file (.db, .sqlite) [default: standard
    /// output]
    #[arg(long, value_name = "FOLDER|FILE.db", value_parser = place(LEAVE_OUT))]
    into: Option<PathBuf>,
    /// Only the reports that no run of this name has exported before [default of --since then: all] [default NAME: where to]
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with = "input")]
    new: Option<String>,
    /// Which column names to use
    #[arg(long, value_enum, default_value_t = Fields::Own)]
    fields: Fields,
    /// Add the path that each record belongs to, with its sender, role, class and cause, as judged over the window
    #[arg(long)]
    paths: bool,
    /// With 2 or more, write rows while the next ones are read; what comes out is the same to the byte [default: as many as there are
    /// processors]
    #[arg(long, value_name = "N", value_parser = jobs::number, allow_hyphen_values = true)]
    jobs: Option<NonZero<usize>>,
}

/// Whose names columns have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fields {
    /// This program's, with all fields
    Own,
    /// Those of parsedmarc's CSV files, and `id`
    Parsedmarc,
}

/// Where rows go.
enum Target<'p> {
    Stream,
    Folder(&'p Path),
    File(&'p Path),
}

impl Export {
    pub(super) fn run(self, format: Option<Form>, context: &mut Context) -> Outcome {
        let target = match &self.into {
            None => Target::Stream,
            Some(path) if is_database(path) => Target::File(path),
            Some(path) => Target::Folder(path),
        };
        let form = form(format, &target)?;
        let window = match self.new {
            Some(_) => self.scope.window_since(Bound::All, context)?,
            None => self.scope.window(context)?,
        };
        let (domains, opened) = (self.scope.domains(context)?, self.scope.open(context)?);
        let asked = self.scope.ask_repeatably(window, domains, opened, context)?;
        let layout = Arc::new(match self.fields {
            Fields::Own => Layout::own(self.paths),
            Fields::Parsedmarc => Layout::parsedmarc(self.paths),
        });
        let name = self.new.as_ref().map(|name| self.name(name));
        let what = self.what(form, &asked);
        let before = match &name {
            Some(name) => {
                // What could not be noted in the end had better not begin.
                context.open_to_write()?;
                self.before(name, &what, &asked)?
            }
            None => Exported::default(),
        };
        let choice = match &name {
            None => Choice::Days(window.first, window.last),
            Some(_) => Choice::Reports(asked.store.unexported(&before, window.first, window.last)?),
        };
        if name.is_none() && !asked.store.has_counted(window.first, window.last)? {
            return Err(self.scope.no_data(&asked.store, window));
        }
        let withdrawn = if name.is_some() { asked.store.withdrawn(&before)? } else { Vec::new() };
        let (summary, added) = {
            let mut sink: Box<dyn Sink + Send + '_> = match target {
                Target::Stream => {
                    let columns = layout.columns().into();
                    Box::new(RowFile::new(form, Arc::clone(&layout), columns, context.out())?)
                }
                Target::Folder(path) => {
                    let adds = name.clone().map(|name| (name, before.runs));
                    let (path, days) = (path.to_owned(), (window.first, window.last));
                    let choice = FolderChoice { path, form, what: what.clone(), adds, days };
                    Box::new(Folder::open(choice, Arc::clone(&layout))?)
                }
                Target::File(path) => {
                    let table = if self.fields == Fields::Own { "alignment" } else { "aggregate" };
                    let mut table = Table::open(path, table, Arc::clone(&layout))?;
                    for report in &withdrawn {
                        table.take_back(report.row_key)?;
                    }
                    Box::new(table)
                }
            };
            let mut added = Vec::new();
            let summary = self.write(&asked, &layout, &choice, &mut *sink, &mut |report| {
                if name.is_some() {
                    added.push(report);
                }
            })?;
            if name.is_none() && summary.days.is_none() {
                return Err(self.scope.no_data(&asked.store, window));
            }
            sink.finish()?;
            (summary, added)
        };
        let status = asked.status;
        drop(asked);
        // What is noted as exported has left the program.
        context.flush()?;
        if let Some(name) = &name {
            note((name, &what), &before, &added, &withdrawn, context)?;
            if !withdrawn.is_empty() && !matches!(target, Target::File(_)) {
                let number = withdrawn.len() as u64;
                say(&format!(
                    "dmarcstat: {} exported earlier as {name:?} no longer {}, as when a later edition takes over; the rows stay where they were exported to until everything is exported again",
                    plural(number, "report"),
                    agree(number, "counts", "count")
                ));
            }
        }
        if let Some(path) = self.into.as_deref().filter(|_| !context.quiet) {
            let line = told(&summary, path);
            writeln!(context.out(), "{line}")?;
        }
        Ok(status)
    }

    fn write(
        &self,
        asked: &Asked,
        layout: &Arc<Layout>,
        choice: &Choice,
        sink: &mut (dyn Sink + Send),
        done: &mut dyn FnMut(ExportedReport),
    ) -> Result<Summary, Failure> {
        let hosts = Arc::new(asked.known.row_hosts());
        let mut reader = Reader::new(Arc::clone(layout), asked.domains.clone()).with_hosts(hosts);
        let paths = if self.paths {
            let mut scan = asked.question().scan()?;
            let survey = scan.survey()?;
            let paths = diagnose(&survey, &asked.known.rules(), 0, Wanted::All).paths;
            Some(RowPaths::new(scan, &paths, layout))
        } else {
            None
        };
        let read = |sink: &mut dyn Sink| export(&asked.store, &mut reader, paths, choice, sink, done);
        Ok(if self.jobs.unwrap_or_else(processors).get() > 1 { beside(sink, read)? } else { read(sink)? })
    }

    /// The name of an export: where it goes, unless it has one.
    fn name(&self, name: &str) -> String {
        match (&self.into, name) {
            (Some(path), "") => {
                std::path::absolute(path).unwrap_or_else(|_| path.clone()).to_string_lossy().into_owned()
            }
            (None, "") => "standard output".to_owned(),
            (_, name) => name.to_owned(),
        }
    }

    /// What rows are of, in words; two exports with the same words have the same rows.
    fn what(&self, form: RowForm, asked: &Asked) -> String {
        let mut domains = asked.domains.clone();
        domains.sort_unstable();
        let of = if domains.is_empty() { "all domains".to_owned() } else { domains.join(", ") };
        let fields = if self.fields == Fields::Own { "own" } else { "parsedmarc" };
        let paths = if self.paths { ", with paths" } else { "" };
        format!("{} rows of {of}, {fields} fields{paths}", form.ending())
    }

    /// How far an export has come; one of other rows is refused.
    fn before(&self, name: &str, what: &str, asked: &Asked) -> Result<Exported, Failure> {
        let before = asked.store.exported(name)?;
        match &before.what {
            Some(earlier) if earlier != what => Err(Failure::Failed(anyhow!(
                "the export {name:?} is of other rows ({earlier}, now {what}); give this one a name of its own: --new=NAME"
            ))),
            _ => Ok(before),
        }
    }
}

/// Notes what was exported, in the database.
fn note(
    name: (&str, &str),
    before: &Exported,
    added: &[ExportedReport],
    withdrawn: &[ExportedReport],
    context: &Context,
) -> Result<(), Failure> {
    if added.is_empty() && withdrawn.is_empty() && before.what.is_some() {
        return Ok(());
    }
    let mut store = context.open_to_write()?;
    if store.note_exported(name, before, added, withdrawn, context.now.as_second())? {
        return Ok(());
    }
    let name = name.0;
    Err(Failure::Failed(anyhow!("another export ran as {name:?} at the same time; run this one again")))
}

/// Said of a form for rows that go into a database.
const AS_THEY_ARE: &str = "rows go into a SQLite file as they are: leave out --format";

/// The form of the rows, where it is one that fits where they go.
fn form(format: Option<Form>, target: &Target<'_>) -> Result<RowForm, Failure> {
    let usage = |text: &str| Err(Failure::Usage(text.to_owned()));
    match (format, target) {
        (None | Some(Form::Jsonl), _) => Ok(RowForm::Jsonl),
        (Some(Form::Csv), Target::Stream | Target::Folder(_)) => Ok(RowForm::Csv),
        #[cfg(feature = "parquet")]
        (Some(Form::Parquet), Target::Folder(_)) => Ok(RowForm::Parquet),
        #[cfg(not(feature = "parquet"))]
        (Some(Form::Parquet), _) => usage("this build of the program writes no Parquet"),
        #[cfg(feature = "parquet")]
        (Some(Form::Parquet), Target::Stream) => usage("parquet goes into a folder: name one with --into"),
        #[cfg(feature = "parquet")]
        (Some(Form::Parquet), Target::File(_)) => usage(AS_THEY_ARE),
        (Some(Form::Csv), Target::File(_)) => usage(AS_THEY_ARE),
        (Some(_), _) => usage("`export` writes rows: use --format jsonl, csv or parquet"),
    }
}

/// Whether a path names a SQLite file.
fn is_database(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| matches!(ending.as_str(), "db" | "sqlite" | "sqlite3")) && !path.is_dir()
}

fn told(summary: &Summary, path: &Path) -> String {
    let Some((first, last)) = summary.days else {
        return format!("Nothing new for {}.", path.display());
    };
    format!(
        "Exported {} with {} of {}, {} to {}, into {}.",
        plural(summary.records, "record"),
        plural(summary.messages, "message"),
        plural(summary.reports, "report"),
        date_of(first),
        date_of(last),
        path.display()
    )
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::Stream(error) => error.into(),
            ExportError::Place { .. } => Failure::Failed(error.into()),
        }
    }
}
