//! A user of the server: its mailbox, seen from the disk.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use super::dovecot::Dovecot;

/// A user of the server: its Maildir, seen from the disk.
pub(crate) struct User<'a> {
    pub(super) dovecot: &'a Dovecot,
    pub(crate) name: String,
    pub(super) home: PathBuf,
}

/// A mail as it lies in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stored {
    /// The folder's name on the disk, empty for the inbox.
    pub(crate) folder: String,
    /// The Message-ID, without its brackets; empty where there is none.
    pub(crate) id: String,
    /// Its flags as a Maildir writes them: S seen, T deleted.
    pub(crate) flags: String,
    pub(crate) path: PathBuf,
}

impl User<'_> {
    /// The server this user is at.
    pub(crate) fn dovecot(&self) -> &Dovecot {
        self.dovecot
    }

    pub(super) fn maildir(&self) -> PathBuf {
        self.home.join("Maildir")
    }

    /// Where a folder lies on the disk. Its name is that on the disk: empty for the inbox, `Reports.2026` for one below
    /// another, in the modified UTF-7 of IMAP.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.maildir() } else { self.maildir().join(format!(".{name}")) }
    }

    /// Makes a folder.
    pub(crate) fn create(&self, name: &str) {
        let folder = self.folder(name);
        for sub in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join(sub)).expect("folders");
            self.dovecot.owner.own(&folder.join(sub));
        }
        self.dovecot.owner.own(&folder);
    }

    /// Delivers a mail into a folder that is there.
    pub(crate) fn deliver(&self, folder: &str, mail: &[u8]) -> PathBuf {
        self.deliver_at(folder, mail, SystemTime::now())
    }

    /// Delivers a mail that the server believes to have come at this time.
    pub(crate) fn deliver_at(&self, folder: &str, mail: &[u8], time: SystemTime) -> PathBuf {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder(folder);
        let name = format!("1790000000.M{number:08}P{}.tests", std::process::id());
        let (incoming, delivered) = (folder.join("tmp").join(&name), folder.join("new").join(&name));
        let mut file = fs::File::create(&incoming).expect("a file");
        file.write_all(mail).expect("a mail");
        file.set_modified(time).expect("a time");
        self.dovecot.owner.own(&incoming);
        fs::rename(&incoming, &delivered).expect("a delivery");
        delivered
    }

    /// Everything in the mailbox, sorted by folder and Message-ID.
    pub(crate) fn mails(&self) -> Vec<Stored> {
        let mut found = Vec::new();
        let mut folders = vec![String::new()];
        for entry in fs::read_dir(self.maildir()).expect("a Maildir") {
            let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
            folders.extend(name.strip_prefix('.').map(str::to_owned));
        }
        for folder in folders {
            for sub in ["cur", "new"] {
                let Ok(entries) = fs::read_dir(self.folder(&folder).join(sub)) else { continue };
                for entry in entries {
                    let path = entry.expect("an entry").path();
                    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                    let flags = name.split_once(":2,").map_or("", |(_, flags)| flags).to_owned();
                    found.push(Stored { folder: folder.clone(), id: message_id(&path), flags, path });
                }
            }
        }
        found.sort();
        found
    }

    /// How many mails lie in a folder.
    pub(crate) fn count(&self, folder: &str) -> usize {
        self.mails().iter().filter(|mail| mail.folder == folder).count()
    }

    /// Writes down from now on what clients say to the server after they have logged in.
    pub(crate) fn trace(&self) {
        let folder = self.home.join("rawlog");
        fs::create_dir(&folder).expect("a folder");
        self.dovecot.owner.own(&folder);
    }

    /// What clients said since [`trace`](Self::trace), line by line, without times and tags.
    pub(crate) fn commands(&self) -> Vec<String> {
        let folder = fs::read_dir(self.home.join("rawlog")).expect("a traced user");
        let mut files: Vec<PathBuf> = folder.map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "in"));
        files.sort();
        let text: String =
            files.iter().map(|file| String::from_utf8_lossy(&fs::read(file).expect("a trace")).into_owned()).collect();
        text.lines().map(|line| line.splitn(3, ' ').nth(2).unwrap_or("").to_owned()).collect()
    }

    /// Gives a folder another UIDVALIDITY, and its mails new UIDs, as after a restore from a backup.
    pub(crate) fn change_uid_validity(&self, folder: &str) {
        let folder = self.folder(folder);
        let list = folder.join("dovecot-uidlist");
        let text = String::from_utf8_lossy(&fs::read(&list).expect("a list of UIDs")).into_owned();
        let header = text.lines().next().expect("a header");
        let old: u32 = header.split(' ').find_map(|field| field.strip_prefix('V')?.parse().ok()).expect("UIDVALIDITY");
        fs::write(&list, format!("3 V{} N1\n", old + 1)).expect("a list");
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("dovecot.index")) {
                fs::remove_file(path).expect("an index");
            }
        }
    }

    /// Lets nobody change what is in a folder.
    pub(crate) fn make_read_only(&self, folder: &str) {
        for sub in ["cur", "new"] {
            fs::set_permissions(self.folder(folder).join(sub), fs::Permissions::from_mode(0o500)).expect("permissions");
        }
    }
}

fn message_id(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix("Message-ID: <"));
    line.unwrap_or("").trim_end_matches(['>', '\r']).to_owned()
}
