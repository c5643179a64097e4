//! Files, folders and standard input. What a file is follows from its bytes.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::mailbox::{Pushed, packed, split};
use super::{Content, Input, InputSink};
use crate::container::mbox::KEPT_OF_OVERSIZED;
use crate::container::{HEAD, Kind, sniff};
use crate::limits::Limits;

/// What a file is read in at first: most report mails fit whole.
const FIRST_READ: usize = 16 * 1024;

/// Pushes all inputs at these paths, in the order given and by name within folders. `-` is standard input.
pub fn from_paths(paths: &[PathBuf], limits: &Limits, sink: &mut dyn InputSink) {
    for path in paths {
        let go_on = if path.as_os_str() == "-" {
            from_reader(std::io::stdin().lock(), "-", limits, sink)
        } else {
            Walk { limits, sink, seen: HashSet::new() }.path(path, true)
        };
        if !go_on {
            return;
        }
    }
}

struct Walk<'w> {
    limits: &'w Limits,
    sink: &'w mut dyn InputSink,
    /// The folders that this one lies in, by identity: a link back to one of them would never end.
    seen: HashSet<PathBuf>,
}

impl Walk<'_> {
    fn path(&mut self, path: &Path, named: bool) -> bool {
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => return self.unreadable(path, &error),
        };
        if metadata.is_dir() {
            return self.folder(path);
        }
        if !metadata.is_file() && !named {
            // Sockets and pipes in a folder would block for ever; named on the command line they were meant.
            return self.push(path, Content::Unreadable("neither a file nor a folder".to_owned()));
        }
        self.file(path)
    }

    fn folder(&mut self, path: &Path) -> bool {
        let identity = match path.canonicalize() {
            Ok(identity) => identity,
            Err(error) => return self.unreadable(path, &error),
        };
        if !self.seen.insert(identity.clone()) {
            return true;
        }
        let mut entries = match std::fs::read_dir(path) {
            Ok(entries) => entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect::<Vec<_>>(),
            Err(error) => return self.unreadable(path, &error),
        };
        entries.sort_unstable();
        // A folder with cur and new is a Maildir; what lies in its tmp is not delivered yet.
        let is_maildir = ["cur", "new"].iter().all(|name| path.join(name).is_dir());
        for entry in entries {
            let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or("");
            if is_maildir && (name == "tmp" || is_kept_by_the_server(name)) {
                continue;
            }
            if !self.path(&entry, false) {
                return false;
            }
        }
        self.seen.remove(&identity);
        true
    }

    fn file(&mut self, path: &Path) -> bool {
        let opened = File::open(path).and_then(|mut file| {
            let mut head = Vec::with_capacity(FIRST_READ);
            (&mut file).take(FIRST_READ as u64).read_to_end(&mut head)?;
            Ok((file, head))
        });
        let (mut file, mut head) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.unreadable(path, &error),
        };
        let kind = sniff(&head[..head.len().min(HEAD)]);
        if kind == Kind::Mbox {
            return split(std::io::Cursor::new(head).chain(file), &shown(path), self.limits, self.sink);
        }
        if is_packed(kind)
            && let Pushed::All(go_on) = packed(&mut file, kind, &shown(path), self.limits, self.sink)
        {
            return go_on;
        }
        // Looking into it has moved the place in the file.
        if let Err(error) = file.seek(SeekFrom::Start(head.len() as u64))
            && is_packed(kind)
        {
            return self.unreadable(path, &error);
        }
        if head.len() < FIRST_READ {
            return self.push(path, Content::Bytes(Arc::new(head)));
        }
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        let most = most_bytes(kind, self.limits);
        if kind == Kind::Xml && size > most {
            return self.push(path, Content::Document(file));
        }
        head.reserve_exact(usize::try_from(size.min(most + 1)).unwrap_or(0).saturating_sub(head.len()));
        match (&mut file).take((most + 1).saturating_sub(head.len() as u64)).read_to_end(&mut head) {
            Err(error) => self.unreadable(path, &error),
            Ok(_) if head.len() as u64 > most => {
                head.truncate(KEPT_OF_OVERSIZED);
                let content = Content::Oversized { head, size: size.max(most + 1), mail: kind == Kind::Message };
                self.push(path, content)
            }
            Ok(_) => self.push(path, Content::Bytes(Arc::new(head))),
        }
    }

    fn push(&mut self, path: &Path, content: Content) -> bool {
        let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.sink.push(Input::of_file(shown(path), file_name, false, content))
    }

    fn unreadable(&mut self, path: &Path, error: &std::io::Error) -> bool {
        self.push(path, Content::Unreadable(error.to_string()))
    }
}

/// Whether a mailbox may be packed in it.
fn is_packed(kind: Kind) -> bool {
    matches!(kind, Kind::Gzip | Kind::Zip | Kind::Zstd | Kind::DovecotLz4)
}

/// How many bytes of an input of this kind are held in memory at the most.
fn most_bytes(kind: Kind, limits: &Limits) -> u64 {
    match kind {
        Kind::Gzip | Kind::Zlib | Kind::Zip | Kind::Zstd | Kind::DovecotLz4 => limits.compressed,
        // Larger documents are streamed from the disk.
        Kind::Xml => 4 * 1024 * 1024,
        _ => limits.message,
    }
}

/// What a mail server keeps in a Maildir for itself.
fn is_kept_by_the_server(name: &str) -> bool {
    name.starts_with("dovecot") || name.starts_with("courier") || matches!(name, "subscriptions" | "maildirfolder")
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Pushes what a stream holds: a report, a mail, or a mailbox.
pub fn from_reader(mut reader: impl Read, location: &str, limits: &Limits, sink: &mut dyn InputSink) -> bool {
    let mut head = Vec::new();
    let input = |content| Input::of_file(location.to_owned(), None, false, content);
    if let Err(error) = (&mut reader).take(HEAD as u64).read_to_end(&mut head) {
        return sink.push(input(Content::Unreadable(error.to_string())));
    }
    let kind = sniff(&head);
    let stream = std::io::Cursor::new(head).chain(reader);
    if kind == Kind::Mbox {
        return split(stream, location, limits, sink);
    }
    // A packed mailbox may be of any size, so what is packed goes to the disk to be looked into.
    if is_packed(kind) {
        return match spooled(stream, u64::MAX) {
            Ok(file) => from_spooled(file, kind, location, limits, sink),
            Err(error) => sink.push(input(Content::Unreadable(error.to_string()))),
        };
    }
    let content = if kind == Kind::Xml { spool(stream, limits) } else { load(stream, kind, limits) };
    sink.push(input(content.unwrap_or_else(|error| Content::Unreadable(error.to_string()))))
}

/// Pushes what is packed in a file: the mails of a mailbox, or the whole.
fn from_spooled(mut file: File, kind: Kind, location: &str, limits: &Limits, sink: &mut dyn InputSink) -> bool {
    if let Pushed::All(go_on) = packed(&mut file, kind, location, limits, sink) {
        return go_on;
    }
    let content = file.seek(SeekFrom::Start(0)).and_then(|_| load(file, kind, limits));
    let content = content.unwrap_or_else(|error| Content::Unreadable(error.to_string()));
    sink.push(Input::of_file(location.to_owned(), None, false, content))
}

/// A stream in a file without a name, up to a limit.
fn spooled(stream: impl Read, most: u64) -> std::io::Result<File> {
    let mut file = tempfile::tempfile()?;
    std::io::copy(&mut stream.take(most), &mut file)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

fn load(stream: impl Read, kind: Kind, limits: &Limits) -> std::io::Result<Content> {
    let most = most_bytes(kind, limits);
    let mut bytes = Vec::new();
    stream.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let size = bytes.len() as u64;
        bytes.truncate(KEPT_OF_OVERSIZED);
        return Ok(Content::Oversized { head: bytes, size, mail: kind == Kind::Message });
    }
    Ok(Content::Bytes(Arc::new(bytes)))
}

/// A document that comes once and may have to be read twice: small ones are held, large ones put on the disk, up to
/// the limit for documents.
fn spool(mut stream: impl Read, limits: &Limits) -> std::io::Result<Content> {
    let mut head = Vec::new();
    let held = most_bytes(Kind::Xml, limits);
    (&mut stream).take(held).read_to_end(&mut head)?;
    if (head.len() as u64) < held {
        return Ok(Content::Bytes(Arc::new(head)));
    }
    let mut file = tempfile::tempfile()?;
    file.write_all(&head)?;
    // One byte more than the limit, so that reading it finds the limit and says so.
    std::io::copy(&mut stream.take((limits.document + 1).saturating_sub(held)), &mut file)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(Content::Document(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locations(paths: &[PathBuf]) -> Vec<String> {
        let mut found = Vec::new();
        from_paths(paths, &Limits::default(), &mut |input: Input| {
            let bytes = match input.content {
                Content::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Content::Unreadable(_) => "unreadable".to_owned(),
                other => format!("{other:?}"),
            };
            found.push(format!("{}={bytes}", Path::new(&input.location).file_name().unwrap().to_string_lossy()));
            true
        });
        found
    }

    #[test]
    fn folders_by_name_and_missing_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.xml", "a.xml", "sub/c.eml"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        let found = locations(&[folder.path().to_owned(), folder.path().join("gone")]);
        assert_eq!(found, ["a.xml=a.xml", "b.xml=b.xml", "c.eml=sub/c.eml", "gone=unreadable"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_links_to_itself_ends() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "a").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        assert_eq!(locations(&[folder.path().to_owned()]), ["a=a"]);
    }

    #[test]
    fn a_maildir_without_what_is_not_delivered() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["cur/1", "new/2", "tmp/3", "dovecot-uidlist"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        assert_eq!(locations(&[folder.path().to_owned()]), ["1=cur/1", "2=new/2"]);
    }
}
