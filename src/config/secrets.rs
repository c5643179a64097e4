//! Secrets: from a command, a file or the environment, never from the command line or the configuration itself.

use std::ffi::OsStr;
use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use zeroize::Zeroizing;

/// No secret is longer; a service account's key has some 2.4 kB.
const LONGEST: usize = 64 * 1024;
/// A command may ask somebody for a passphrase; it may not hang for ever.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long output may come after the command has ended.
const GRACE: Duration = Duration::from_millis(500);
/// How much of a command's complaint is shown.
const COMPLAINT: usize = 4096;

/// Where a secret is.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// What a command of the shell prints.
    Command(String),
    /// What is in a file.
    File(PathBuf),
    /// What is in a variable of the environment.
    Env(String),
}

impl fmt::Debug for SecretSource {
    /// Without the command, which may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretSource::Command(_) => f.write_str("Command(…)"),
            SecretSource::File(path) => f.debug_tuple("File").field(path).finish(),
            SecretSource::Env(name) => f.debug_tuple("Env").field(name).finish(),
        }
    }
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The variable is not there.
    #[error("the environment variable {0} is not set")]
    Env(String),
    /// The command cannot be started.
    #[error("the command cannot be started: {0}")]
    Start(String),
    /// The command failed.
    #[error("the command ended with {status}{}{complaint}", if complaint.is_empty() { "" } else { ": " })]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error, one line.
        complaint: String,
    },
    /// The command did not end.
    #[error("the command gave no answer within {} seconds", PATIENCE.as_secs())]
    TimedOut,
    /// It is there and says nothing.
    #[error("the secret is empty")]
    Empty,
    /// It is there and cannot be a secret.
    #[error("the secret is {0}")]
    Unfit(&'static str),
}

impl SecretSource {
    /// Reads the secret, without the line end after it.
    ///
    /// # Errors
    /// When it is not there, or empty.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        let bytes = match self {
            SecretSource::Command(command) => output_of(command, PATIENCE)?,
            SecretSource::File(path) => read_file(path)?,
            SecretSource::Env(name) => {
                let value = std::env::var_os(name).ok_or_else(|| SecretError::Env(name.clone()))?;
                Zeroizing::new(value.into_string().map_err(|_| SecretError::Unfit("not UTF-8"))?.into_bytes())
            }
        };
        if bytes.len() > LONGEST {
            return Err(SecretError::Unfit("longer than 64 KiB"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| SecretError::Unfit("not UTF-8"))?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() { Err(SecretError::Empty) } else { Ok(SecretString::from(text)) }
    }
}

fn read_file(path: &PathBuf) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let failed = |error: std::io::Error| SecretError::File { path: path.clone(), reason: error.to_string() };
    let mut bytes = Zeroizing::new(Vec::new());
    std::fs::File::open(path).map_err(failed)?.take(LONGEST as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn shell(command: &str) -> Command {
    let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("/bin/sh", "-c") };
    let mut shell = Command::new(shell);
    shell.args([OsStr::new(option), OsStr::new(command)]);
    #[cfg(unix)]
    if !has_terminal() {
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    }
    shell
}

/// Whether there is a terminal on which a command may ask for a passphrase. A group of processes of its own could not read from it; who
/// sits there ends what hangs by himself.
#[cfg(unix)]
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// Ends a command, with all that it has started where that is a group of its own.
fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // There is no group of this number where the command is none of its own.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Runs a command and takes what it prints. A command that does not end, or leaves somebody behind who holds its output
/// open, costs no more than the time given.
fn output_of(command: &str, patience: Duration) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let start = |error: std::io::Error| SecretError::Start(error.to_string());
    let until = Instant::now() + patience;
    let mut child =
        shell(command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(start)?;
    let printed = child.stdout.take().map(|pipe| Heard::listen(pipe, LONGEST + 1));
    let complaint = child.stderr.take().map(|pipe| Heard::listen(pipe, COMPLAINT));
    let status = loop {
        if let Some(status) = child.try_wait().map_err(start)? {
            break status;
        }
        if Instant::now() >= until {
            end(&mut child);
            return Err(SecretError::TimedOut);
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    if !status.success() {
        let complaint = complaint.map(Heard::all).unwrap_or_default();
        let complaint = String::from_utf8_lossy(&complaint).split_whitespace().collect::<Vec<_>>().join(" ");
        return Err(SecretError::Failed { status, complaint });
    }
    Ok(printed.map(Heard::all).unwrap_or_default())
}

/// What comes out of a pipe, read beside what else goes on.
struct Heard {
    bytes: Arc<Mutex<Zeroizing<Vec<u8>>>>,
    ended: Receiver<()>,
}

impl Heard {
    /// Reads a pipe to its end, and keeps no more than `most` bytes of it.
    fn listen(mut pipe: impl Read + Send + 'static, most: usize) -> Self {
        let bytes = Arc::new(Mutex::new(Zeroizing::new(Vec::new())));
        let (end, ended) = channel();
        let kept = Arc::clone(&bytes);
        std::thread::spawn(move || {
            let mut buffer = Zeroizing::new([0; 4096]);
            // What is too much is read all the same: a full pipe would hold the command up.
            while let Ok(read @ 1..) = pipe.read(buffer.as_mut_slice()) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = most.saturating_sub(kept.len()).min(read);
                kept.extend_from_slice(&buffer[..room]);
            }
            let _ = end.send(());
        });
        Heard { bytes, ended }
    }

    /// All of it, once the command has ended; whoever still holds the pipe open is not waited for.
    fn all(self) -> Zeroizing<Vec<u8>> {
        let _ = self.ended.recv_timeout(GRACE);
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(source: &SecretSource) -> String {
        match source.read() {
            Ok(secret) => secret.expose_secret().to_owned(),
            Err(error) => format!("error: {error}"),
        }
    }

    fn command(text: &str) -> SecretSource {
        SecretSource::Command(text.to_owned())
    }

    #[test]
    fn one_line_end_is_no_part_of_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (written, secret) in [("s e\n", "s e"), ("s\r\n", "s"), ("s\n\n", "s\n"), (" s", " s")] {
            std::fs::write(file.path(), written).unwrap();
            assert_eq!(read(&SecretSource::File(file.path().to_owned())), secret);
        }
        assert_eq!(read(&command("printf 'p w\\n'")), "p w");
    }

    #[test]
    fn a_missing_secret_says_why_and_shows_nothing() {
        let failed = read(&command("echo hunter2; echo no such entry >&2; exit 3"));
        assert!(failed.contains("no such entry") && failed.contains('3') && !failed.contains("hunter2"), "{failed}");
        assert!(read(&command("true")).contains("empty"));
        assert!(read(&SecretSource::Env("DMARCSTAT_NO_SUCH_VARIABLE".to_owned())).contains("not set"));
        assert!(read(&SecretSource::File("/no/such/file".into())).contains("/no/such/file"));
        assert!(read(&command("head -c 100000 /dev/zero | tr '\\0' x")).contains("64 KiB"));
        assert!(!format!("{:?}", command("echo hunter2")).contains("hunter2"));
    }

    #[test]
    fn a_command_that_hangs_costs_no_more_than_the_time_given() {
        assert!(matches!(output_of("exec sleep 600", Duration::from_millis(50)), Err(SecretError::TimedOut)));
        // What it has started ends with it: then nobody holds this pipe open.
        let (mut reader, writer) = std::io::pipe().unwrap();
        let pipe = std::os::fd::AsRawFd::as_raw_fd(&writer);
        let path = format!("/proc/{}/fd/{pipe}", std::process::id());
        if !has_terminal() && std::path::Path::new(&path).exists() {
            let command = format!("exec 7>{path}; sleep 600 & sleep 600");
            assert!(matches!(output_of(&command, Duration::from_millis(500)), Err(SecretError::TimedOut)));
            drop(writer);
            let (end, ended) = channel();
            std::thread::spawn(move || end.send(reader.read(&mut [0]).is_ok_and(|read| read == 0)));
            assert_eq!(ended.recv_timeout(Duration::from_secs(60)), Ok(true));
        }
        // Ends at once and leaves the pipe to another.
        assert_eq!(read(&command("sleep 20 & echo x")), "x");
    }
}
