//! Runs the program as a user would, in an environment where nothing of the machine shows through.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own with an empty home, and the program to run in it.
pub(crate) struct Sandbox {
    root: TempDir,
    columns: u16,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    /// The exit status; -1 after a signal.
    pub(crate) status: i32,
    what: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("dmarcstat-test").tempdir().expect("a temporary folder");
        for folder in ["home", "work"] {
            std::fs::create_dir(root.path().join(folder)).expect("a folder");
        }
        Sandbox { root, columns: 120 }
    }

    /// With the sample mailbox in its database.
    pub(crate) fn with_sample() -> Self {
        let sandbox = Sandbox::new();
        sandbox.run(["ingest", &sample()]).exits(0);
        sandbox
    }

    pub(crate) fn columns(mut self, columns: u16) -> Self {
        self.columns = columns;
        self
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.root.path().to_path_buf()
    }

    /// The folder that commands run in.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Where the database is unless a test says otherwise.
    pub(crate) fn db(&self) -> PathBuf {
        self.home().join("data/dmarcstat/reports.db")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.work().join(name)
    }

    /// Writes a file into the working folder, making folders on the way.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// The program with its arguments, not yet started: environment cleared, standard input closed.
    pub(crate) fn command<I, S>(&self, arguments: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dmarcstat"));
        let home = self.home();
        command.args(arguments).current_dir(self.work()).env_clear();
        if cfg!(windows) {
            // Without these, Windows can start no program at all.
            for name in ["SystemRoot", "SystemDrive"] {
                command.envs(std::env::var_os(name).map(|value| (name, value)));
            }
            command.env("APPDATA", home.join("data")).env("LOCALAPPDATA", home.join("cache"));
            command.env("USERPROFILE", &home).env("TEMP", self.work()).env("TMP", self.work());
        }
        command
            .env("HOME", &home)
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CONFIG_DIRS", home.join("system"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("TMPDIR", self.root.path())
            .env("COLUMNS", self.columns.to_string())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run<I, S>(&self, arguments: I) -> Ran
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        Ran::of(self.command(arguments))
    }

    /// Runs with something on standard input.
    pub(crate) fn run_with_input<I, S>(&self, arguments: I, input: &[u8]) -> Ran
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = self.command(arguments);
        let what = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let output = std::thread::scope(|scope| {
            // A program that stops reading early closes the pipe: no fault of the test.
            scope.spawn(move || drop(stdin.write_all(input)));
            child.wait_with_output().expect("output")
        });
        Ran::from_output(output, what)
    }

    /// `ingest --format json` of paths; the answer must be JSON.
    pub(crate) fn ingest<S: AsRef<OsStr>>(&self, paths: &[S]) -> (Value, i32) {
        let ran = self.ingest_into(&self.db(), paths);
        (ran.json(), ran.status)
    }

    pub(crate) fn ingest_into<S: AsRef<OsStr>>(&self, db: &Path, paths: &[S]) -> Ran {
        let mut command = self.command(["ingest", "--format", "json", "--db"]);
        command.arg(db).args(paths);
        Ran::of(command)
    }
}

impl Ran {
    pub(crate) fn of(mut command: Command) -> Self {
        let what = format!("{command:?}");
        Self::from_output(command.output().expect("the program starts"), what)
    }

    pub(crate) fn from_output(output: Output, what: String) -> Self {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let ran = Ran { stdout: output.stdout, stderr, status: output.status.code().unwrap_or(-1), what };
        assert!(!ran.stderr.contains("panicked"), "a panic\n{ran}");
        ran
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("UTF-8 on standard output")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error})\n{self}"))
    }

    /// Asserts the exit status.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, status, "exit status\n{self}");
        self
    }

    /// Asserts that standard error says something.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "standard error lacks {text:?}\n{self}");
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stdout: String = String::from_utf8_lossy(&self.stdout).chars().take(3000).collect();
        let stderr: String = self.stderr.chars().take(3000).collect();
        write!(f, "{}\nstatus {}\n--- stdout\n{stdout}\n--- stderr\n{stderr}", self.what, self.status)
    }
}

/// A path below `fixtures/`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The files of a folder, in the order of their names.
pub(crate) fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

/// All files below a folder, at any depth.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (folders, mut files): (Vec<_>, Vec<_>) = files_of(folder).into_iter().partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| files_below(folder)));
    files
}

/// Adds a mail to an mbox as mail programs do: a From line before, `>` before every line that looks like one.
pub(crate) fn append_to_mbox(mbox: &mut Vec<u8>, mail: &[u8]) {
    mbox.extend_from_slice(b"From reports@example.com Thu Oct  1 00:00:00 2026\n");
    for line in mail.split_inclusive(|&byte| byte == b'\n') {
        let quotes = line.iter().take_while(|&&byte| byte == b'>').count();
        if line[quotes..].starts_with(b"From ") {
            mbox.push(b'>');
        }
        mbox.extend_from_slice(line);
    }
    mbox.extend_from_slice(if mail.ends_with(b"\n") { b"\n" } else { b"\n\n" });
}

/// The folders of all quirks: fixtures/quirks/SECTION/ID-SLUG.
pub(crate) fn quirk_folders() -> Vec<PathBuf> {
    let sections = files_of(&fixture("quirks")).into_iter().filter(|path| path.is_dir());
    sections.flat_map(|section| files_of(&section)).filter(|path| path.is_dir()).collect()
}

/// The inputs in a quirk's folder, in name order.
pub(crate) fn quirk_inputs(folder: &Path) -> Vec<PathBuf> {
    files_of(folder).into_iter().filter(|path| path.file_name() != Some(OsStr::new("expected.json"))).collect()
}

/// The sample mailbox, as an argument.
pub(crate) fn sample() -> String {
    fixture("mailbox").to_str().expect("a name in Unicode").to_owned()
}

/// The messages of all in a list of an answer.
pub(crate) fn messages_of(list: &Value) -> u64 {
    list.as_array().expect("a list").iter().map(|one| one["messages"].as_u64().expect("messages")).sum()
}

/// The mails of the sample mailbox, in the order of their names.
pub(crate) fn sample_mails() -> Vec<PathBuf> {
    let mut mails: Vec<PathBuf> =
        ["cur", "new"].iter().flat_map(|sub| files_of(&fixture("mailbox").join(sub))).collect();
    mails.sort();
    mails
}

/// Reads JSON from a file.
pub(crate) fn read_json(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// How often a test kills the program: `DMARCSTAT_TEST_KILLS` where it is set.
pub(crate) fn kills(default: usize) -> usize {
    std::env::var("DMARCSTAT_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// How many cases a property is tried with: `PROPTEST_CASES` where it is set, so that longer runs need no change here.
pub(crate) fn cases(default: u32) -> proptest::test_runner::Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    proptest::test_runner::Config {
        cases: asked.unwrap_or(default),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..proptest::test_runner::Config::default()
    }
}
