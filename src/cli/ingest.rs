//! `dmarcstat ingest`.

use std::path::PathBuf;
use std::time::Instant;

use super::context::Context;
use super::failure::{Outcome, Status, say};
use super::progress::Progress;
use crate::config::KeepRaw;
use crate::ingest::{IngestOptions, IngestSummary, ingest};
use crate::limits::Limits;
use crate::render::IngestAnswer;
use crate::source::{self, Belief, Input, InputSink};
use crate::store::{Kept, Store};
use crate::words::list;

/// Read reports from files into the database
///
/// A FILE is a report (.xml, .gz, .zip), a mail, an mbox, a Maildir, or a folder of any of these; `-` is standard
/// input. What a file is follows from its bytes, never from its name.
#[derive(Debug, clap::Args)]
pub(super) struct Ingest {
    /// What to read
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Believe the Authentication-Results of this server on mails: a report whose mail failed DMARC counts for nothing
    #[arg(long, value_name = "ID")]
    authserv_id: Option<String>,
}

impl Ingest {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        context.form_of::<IngestAnswer<'_>>()?;
        let began = Instant::now();
        let mut store = context.open_to_write()?;
        let summary = read_into(&mut store, &self.files, context, true, self.authserv_id.as_deref())?;
        let status = status(&summary);
        if summary.inputs == 0 && !context.quiet {
            let named = list(self.files.iter().map(|path| path.display()), 3);
            say(&format!("dmarcstat: there are no files in {named}"));
        }
        if context.form.is_for_programs() || !context.quiet || status != Status::Done {
            context.show(&IngestAnswer { summary: &summary, seconds: began.elapsed().as_secs_f64() })?;
        }
        Ok(status)
    }
}

/// The exit status that inputs deserve.
pub(super) fn status(summary: &IngestSummary) -> Status {
    if summary.failed.is_empty() && summary.quarantined.iter().all(|one| one.kept == Kept::Before) {
        Status::Done
    } else {
        Status::Partly
    }
}

/// Reads files into a store, with progress shown.
pub(super) fn read_into(
    store: &mut Store,
    files: &[PathBuf],
    context: &Context,
    keep: bool,
    authserv_id: Option<&str>,
) -> Result<IngestSummary, super::failure::Failure> {
    let limits: Limits = context.config.limits.clone();
    let options = IngestOptions {
        limits: limits.clone(),
        keep_raw: keep && context.config.database.keep_raw == KeepRaw::All,
        now: context.now.as_second(),
        examiners: 0,
        left_to_do: Vec::new(),
        stop: std::sync::Arc::default(),
    };
    let progress = Progress::new(context);
    let mut progress = if keep { progress } else { progress.without_quarantine() };
    let belief = authserv_id.map_or(Belief::Nobody, |id| Belief::Server(id.into()));
    let read = |sink: &mut dyn InputSink| {
        source::from_paths(files, &limits, &mut |input| sink.push(Input { belief: belief.clone(), ..input }));
    };
    let result = ingest(store, &options, read, &mut progress);
    progress.finish();
    Ok(result?)
}
