//! Mailboxes on disk, plain or packed, a mail at a time: a mailbox may be of any size.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use super::{Content, Input, InputSink};
use crate::container::mbox::{KEPT_OF_OVERSIZED, Mail, Mails};
use crate::container::{ArchiveMember, Kind, archive_members, holds_mailbox};
use crate::limits::{Budget, Limits};

/// What became of a file that might have been a mailbox.
pub(super) enum Pushed {
    /// It is none; nothing was pushed.
    Nothing,
    /// Its mails were pushed; whether more inputs are wanted.
    All(bool),
}

/// Pushes the mails of a mailbox. False when no more are wanted.
pub(super) fn split(reader: impl Read, location: &str, limits: &Limits, sink: &mut dyn InputSink) -> bool {
    let mut mails = Mails::new(BufReader::with_capacity(256 * 1024, reader), limits.message);
    let mut number = 0;
    loop {
        let (content, more) = match mails.next_mail() {
            Ok(None) => return true,
            Ok(Some(Mail::Whole(bytes))) => (Content::Bytes(Arc::new(bytes)), true),
            Ok(Some(Mail::Oversized(head, size))) => (Content::Oversized { head, size, mail: true }, true),
            Err(error) => (Content::Unreadable(error.to_string()), false),
        };
        number += 1;
        if !sink.push(Input::of_file(format!("{location}#{number}"), None, true, content)) {
            return false;
        }
        if !more {
            return true;
        }
    }
}

/// Pushes the mails in a file that is packed, if it holds a mail or a mailbox.
pub(super) fn packed(file: &mut File, kind: Kind, location: &str, limits: &Limits, sink: &mut dyn InputSink) -> Pushed {
    match kind {
        Kind::Zip => archive(&mut *file, location, limits, sink),
        _ => stream(file, kind, location, limits, sink),
    }
}

/// A mailbox is as large as it is: only its mails have limits.
fn unbounded(limits: &Limits) -> Budget {
    Budget::new(&Limits { total: u64::MAX, time: u64::MAX, ..limits.clone() })
}

fn stream(file: &mut File, kind: Kind, location: &str, limits: &Limits, sink: &mut dyn InputSink) -> Pushed {
    if file.seek(SeekFrom::Start(0)).is_err() {
        return Pushed::Nothing;
    }
    let budget = unbounded(limits);
    match holds_mailbox(&mut *file, kind, &budget) {
        Ok(Some((Kind::Mbox, stream))) => Pushed::All(split(stream, location, limits, sink)),
        Ok(Some((_, stream))) => match whole(stream, limits) {
            Ok(content) => Pushed::All(sink.push(Input::of_file(location.to_owned(), None, true, content))),
            // Damage is reported when the packed bytes are read.
            Err(_) => Pushed::Nothing,
        },
        Ok(None) | Err(_) => Pushed::Nothing,
    }
}

/// Pushes what is in a zip, if a mailbox is among it.
fn archive(source: impl Read + Seek, location: &str, limits: &Limits, sink: &mut dyn InputSink) -> Pushed {
    let mut wanted = true;
    let shown = archive_members(source, &mut |member: ArchiveMember<'_>| {
        let location = format!("{location}/member.{}", member.number);
        wanted = if member.kind == Kind::Mbox {
            split(member.stream, &location, limits, sink)
        } else {
            let base = member.name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
            let content = whole(member.stream, limits).unwrap_or_else(|error| Content::Unreadable(error.to_string()));
            sink.push(Input::of_file(location, Some(base), member.kind == Kind::Message, content))
        };
        wanted
    });
    match shown {
        Ok(true) => Pushed::All(wanted),
        Ok(false) | Err(_) => Pushed::Nothing,
    }
}

fn whole(stream: impl Read, limits: &Limits) -> std::io::Result<Content> {
    let mut bytes = Vec::new();
    stream.take(limits.message + 1).read_to_end(&mut bytes)?;
    let size = bytes.len() as u64;
    if size > limits.message {
        bytes.truncate(KEPT_OF_OVERSIZED);
        return Ok(Content::Oversized { head: bytes, size, mail: true });
    }
    Ok(Content::Bytes(Arc::new(bytes)))
}
