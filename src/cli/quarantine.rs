//! `dmarcstat quarantine`.

use std::collections::BTreeSet;
use std::io::{Error, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use clap::Subcommand;

use super::context::Context;
use super::failure::{Failure, Outcome, Status};
use super::progress::Progress;
use super::whole_file::{LEAVE_OUT, place};
use crate::folders;
use crate::ingest::{IngestOptions, ingest};
use crate::mail::Envelope;
use crate::query::Span;
use crate::render::{EntryAnswer, QuarantineAction, QuarantineAnswer};
use crate::report::period::DAY;
use crate::source::{Belief, Content, Input, InputSink};
use crate::store::{QuarantineEntry, Store};

/// What could not be read, kept byte for byte, with the reason
#[derive(Debug, clap::Args)]
pub(super) struct Quarantine {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// All of it
    List,
    /// One entry, with the beginning of its bytes
    Show {
        /// Its number
        id: i64,
    },
    /// Write the bytes of an entry, as they came, to standard output or a new file
    Export {
        /// Its number
        id: i64,
        /// The file to make
        #[arg(short, long, value_name = "FILE", value_parser = place(LEAVE_OUT))]
        output: Option<PathBuf>,
    },
    /// Try to read entries again, for instance after an upgrade or with higher limits
    Retry {
        /// Their numbers [default: all]
        ids: Vec<i64>,
    },
    /// Delete entries
    #[command(override_usage = "dmarcstat quarantine drop <IDS>...|--all|--older-than <AGE>")]
    Drop {
        /// Their numbers
        #[arg(required_unless_present_any = ["all", "older_than"])]
        ids: Vec<i64>,
        /// All of them
        #[arg(long, conflicts_with_all = ["ids", "older_than"])]
        all: bool,
        /// Those that came longer ago than this (90d, 12w)
        #[arg(long, value_name = "AGE", conflicts_with = "ids")]
        older_than: Option<Span>,
    },
}

impl Quarantine {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        match self.action.unwrap_or(Action::List) {
            Action::List => {
                let entries = context.open_to_read()?.quarantine()?;
                context.show(&QuarantineAnswer(&entries))?;
            }
            Action::Show { id } => {
                let store = context.open_to_read()?;
                let found = store.quarantined(id)?.ok_or_else(|| unknown(id))?;
                context.show(&EntryAnswer(&found))?;
            }
            Action::Export { id, output } => {
                context.has_own_form(
                    "`quarantine export` writes the bytes of the entry as they came: leave out --format; \
                     `quarantine show ID --json` gives JSON",
                )?;
                let store = context.open_to_read()?;
                let found = store.quarantined(id)?.ok_or_else(|| unknown(id))?;
                match output {
                    None => context.out().write_all(&found.bytes)?,
                    Some(path) => {
                        // Never over a file that is there: the name may have been a slip.
                        let mut options = std::fs::OpenOptions::new();
                        options.write(true).create_new(true);
                        // It is somebody's mail.
                        #[cfg(unix)]
                        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                        options
                            .open(&path)
                            .map_err(|error| match error.kind() {
                                ErrorKind::AlreadyExists => Error::new(error.kind(), "it exists; name a new file"),
                                _ => folders::explained(error, path.parent().unwrap_or(&path)),
                            })
                            .and_then(|mut file| file.write_all(&found.bytes))
                            .with_context(|| format!("cannot write {}", path.display()))?;
                    }
                }
            }
            Action::Retry { ids } => return retry(&ids, context),
            Action::Drop { ids, all, older_than } => {
                context.form_of::<QuarantineAction>()?;
                let before = older_than.map(|age| context.now.as_second() - i64::from(age.days()) * DAY);
                let ids: BTreeSet<i64> = ids.into_iter().collect();
                let (dropped, left) = Store::forgetting(context.database()?, |store| {
                    let entries = store.quarantine()?;
                    let known: BTreeSet<i64> = entries.iter().map(|entry| entry.id).collect();
                    if let Some(&id) = ids.difference(&known).next() {
                        return Ok(Err(id));
                    }
                    let is_chosen = |entry: &&QuarantineEntry| {
                        all || ids.contains(&entry.id) || before.is_some_and(|before| entry.first_seen < before)
                    };
                    let chosen: Vec<i64> = entries.iter().filter(is_chosen).map(|entry| entry.id).collect();
                    let dropped = store.drop_quarantined(&chosen)?;
                    Ok(Ok((dropped, entries.len() - dropped)))
                })?
                .map_err(unknown)?;
                context.show(&QuarantineAction { done: "dropped", entries: dropped, left })?;
            }
        }
        Ok(Status::Done)
    }
}

fn unknown(id: i64) -> anyhow::Error {
    anyhow!("there is no entry {id} in the quarantine; `dmarcstat quarantine` lists them")
}

/// Reads entries again; those that are no longer refused leave the quarantine.
fn retry(ids: &[i64], context: &mut Context) -> Outcome {
    context.form_of::<QuarantineAction>()?;
    drop(context.open_to_read()?);
    let mut store = context.open_to_write()?;
    let ids: BTreeSet<i64> = ids.iter().copied().collect();
    let mut chosen = store.quarantine()?;
    chosen.retain(|entry| ids.is_empty() || ids.contains(&entry.id));
    let known: BTreeSet<i64> = chosen.iter().map(|entry| entry.id).collect();
    if let Some(&id) = ids.difference(&known).next() {
        return Err(unknown(id).into());
    }
    let options = IngestOptions {
        limits: context.config.limits.clone(),
        keep_raw: context.config.database.keep_raw == crate::config::KeepRaw::All,
        now: context.now.as_second(),
        examiners: 0,
        left_to_do: Vec::new(),
        stop: Arc::default(),
    };
    let mut released = Vec::new();
    for entry in &chosen {
        let Some(found) = store.quarantined(entry.id)? else {
            continue;
        };
        let mut progress = Progress::new(context);
        let input = input(entry, found.bytes);
        let summary = ingest(
            &mut store,
            &options,
            |sink: &mut dyn InputSink| {
                sink.push(input);
            },
            &mut progress,
        )?;
        progress.finish();
        // Refused again, it stands where it stood, with the reason of today, or parts of it have taken its place.
        if summary.quarantined.is_empty() && summary.failed.is_empty() {
            released.push(entry.id);
        }
    }
    let released = release(&mut store, &released)?;
    let left = usize::try_from(store.count_quarantined()?).unwrap_or(usize::MAX);
    context.show(&QuarantineAction { done: "released", entries: released, left })?;
    Ok(Status::Done)
}

fn release(store: &mut Store, ids: &[i64]) -> Result<usize, Failure> {
    if ids.is_empty() {
        return Ok(0);
    }
    let released = store.drop_quarantined(ids)?;
    store.give_room_back()?;
    Ok(released)
}

/// An entry as an input.
fn input(entry: &QuarantineEntry, bytes: Vec<u8>) -> Input {
    Input {
        location: entry.origin.location.clone(),
        file_name: entry.origin.file_name.clone(),
        is_mail: false,
        envelope: Envelope {
            subject: entry.origin.subject.clone(),
            from: entry.origin.from.clone(),
            date: entry.origin.date,
            message_id: entry.origin.message_id.clone(),
            tls_report: false,
        },
        receipt: None,
        belief: Belief::Known(entry.origin.authenticity.clone()),
        content: Content::Bytes(Arc::new(bytes)),
    }
}
