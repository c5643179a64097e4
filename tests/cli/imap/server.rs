//! A small scripted mail server: it answers correctly unless a test makes it lie, and behaves like various servers.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};

use rustls::ServerConfig;

pub(crate) use super::kept::{Folder, Folders, Mailbox};
use super::line::{Command, Line};
pub(crate) use super::manner::{COURIER, CYRUS, DOVECOT, EXCHANGE, Manner};
use super::syntax::matches;

/// Whether a lie was told.
pub(crate) enum Told {
    /// It was not: the server answers as it should.
    Truth,
    /// The command has been answered.
    Lie,
}

/// Tells lies: sees each command before the server does.
pub(crate) type Lie = dyn Fn(&mut Line, &Command) -> io::Result<Told> + Send + Sync;

/// How connections are protected.
#[derive(Clone)]
pub(crate) enum Security {
    None,
    /// STARTTLS, and this said after the answer to it, before TLS begins.
    StartTls(Arc<ServerConfig>, &'static str),
}

/// The server; it lives as long as the process.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    mailbox: Mailbox,
    heard: Vec<String>,
}

impl Server {
    /// A server with these messages in its inbox.
    pub(crate) fn start(
        manner: Manner,
        security: Security,
        inbox: &[Vec<u8>],
        lie: impl Fn(&mut Line, &Command) -> io::Result<Told> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let state = State { mailbox: Mailbox::new(), heard: Vec::new() };
        let server =
            Server { port: listener.local_addr().expect("an address").port(), state: Arc::new(Mutex::new(state)) };
        server.create("INBOX");
        inbox.iter().for_each(|mail| server.mailbox(|mailbox| mailbox["INBOX"].add(mail.clone())));
        let (serving, lie): (_, Arc<Lie>) = (server.clone(), Arc::new(lie));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (server, security, lie) = (serving.clone(), security.clone(), Arc::clone(&lie));
                std::thread::spawn(move || {
                    let mut session = Session {
                        server,
                        manner,
                        line: Line::new(stream),
                        logged_in: false,
                        open: None,
                        read_only: false,
                    };
                    // A client that goes away is not a concern of the server's.
                    drop(session.run(&security, &*lie));
                });
            }
        });
        server
    }

    /// A server that tells no lies.
    pub(crate) fn honest(manner: Manner, inbox: &[Vec<u8>]) -> Self {
        Server::start(manner, Security::None, inbox, |_, _| Ok(Told::Truth))
    }

    /// Makes a folder.
    pub(crate) fn create(&self, name: &str) {
        let mut state = self.lock();
        let validity = 7_000 + u32::try_from(state.mailbox.len()).expect("few folders");
        state.mailbox.insert(name.to_owned(), Folder { validity, next: 1, messages: Vec::new() });
    }

    /// Looks at the mailbox, or changes it behind everybody's back.
    pub(crate) fn mailbox<T>(&self, look: impl FnOnce(&mut Folders<'_>) -> T) -> T {
        look(&mut Folders(&mut self.lock().mailbox))
    }

    /// The names of the commands heard, with their words.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.lock().heard.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while it was held")
    }
}

/// One connection.
pub(super) struct Session {
    server: Server,
    pub(super) manner: Manner,
    pub(super) line: Line,
    logged_in: bool,
    pub(super) open: Option<String>,
    pub(super) read_only: bool,
}

impl Session {
    fn run(&mut self, security: &Security, lie: &Lie) -> io::Result<()> {
        self.line.say(format!("* {}", self.manner.greeting))?;
        loop {
            let command = self.line.hear()?;
            self.server.lock().heard.push(format!("{} {}", command.name, command.words.join(" ")).trim().to_owned());
            if let Told::Lie = lie(&mut self.line, &command)? {
                continue;
            }
            match (command.name.as_str(), security) {
                ("STARTTLS", Security::StartTls(config, injected)) => {
                    self.line.write(format!("{} OK begin\r\n{injected}", command.tag).as_bytes())?;
                    self.line.start_tls(config)?;
                }
                ("LOGOUT", _) => {
                    self.line.say("* BYE see you")?;
                    self.line.say(format!("{} OK done", command.tag))?;
                    return Ok(());
                }
                _ => self.answer(&command, matches!(security, Security::StartTls(..)))?,
            }
        }
    }

    fn answer(&mut self, command: &Command, offers_tls: bool) -> io::Result<()> {
        let result = match command.name.as_str() {
            "CAPABILITY" => {
                let (before, after) = self.manner.capabilities;
                let list = if self.logged_in { after } else { before };
                self.line.say(format!("* CAPABILITY {list}{}", if offers_tls { " STARTTLS" } else { "" }))?;
                Ok(String::new())
            }
            "LOGIN" => self.log_in(),
            "AUTHENTICATE" => {
                if command.words.len() < 2 {
                    self.line.say("+ ")?;
                    self.line.hear_line()?;
                }
                self.log_in()
            }
            "NAMESPACE" => {
                let (prefix, separator) = self.manner.namespace;
                self.line.say(format!("* NAMESPACE ((\"{prefix}\" \"{separator}\")) NIL NIL"))?;
                Ok(String::new())
            }
            "ID" | "ENABLE" | "NOOP" | "CHECK" | "SUBSCRIBE" => Ok(String::new()),
            "LIST" | "LSUB" => self.list(command),
            "STATUS" => self.status(command),
            "CREATE" => self.create(&command.words[0]),
            "SELECT" | "EXAMINE" => self.open(&command.words[0], command.name == "EXAMINE"),
            "UNSELECT" | "CLOSE" => {
                self.open = None;
                Ok(String::new())
            }
            "IDLE" => {
                self.line.say("+ idling")?;
                self.line.hear_line()?;
                Ok(String::new())
            }
            "UID SEARCH" => self.search(&command.words),
            "UID FETCH" => self.fetch(&command.words),
            "UID STORE" => self.store(&command.words),
            "UID COPY" => self.copy(&command.words, false),
            "UID MOVE" if self.manner.capabilities.1.contains("MOVE") => self.copy(&command.words, true),
            "UID EXPUNGE" => self.expunge(&command.words[0]),
            other => Err(format!("BAD unknown command {other}")),
        };
        self.line.say(match result {
            Ok(code) if code.is_empty() => format!("{} OK done", command.tag),
            Ok(code) => format!("{} OK [{code}] done", command.tag),
            Err(refusal) => format!("{} {refusal}", command.tag),
        })
    }

    fn log_in(&mut self) -> Result<String, String> {
        self.logged_in = true;
        Ok(if self.manner.tells_at_login {
            format!("CAPABILITY {}", self.manner.capabilities.1)
        } else {
            String::new()
        })
    }

    fn name(&self, name: &str) -> String {
        if self.manner.quotes_names || name.contains(' ') { format!("\"{name}\"") } else { name.to_owned() }
    }

    fn list(&mut self, command: &Command) -> Result<String, String> {
        let pattern = format!("{}{}", command.words[0], command.words[1]);
        let separator = self.manner.namespace.1;
        if command.words[1].is_empty() {
            // Asks for the separator.
            self.line.say(format!("* {} (\\Noselect) \"{separator}\" \"\"", command.name)).map_err(gone)?;
            return Ok(String::new());
        }
        let names: Vec<String> = self.server.lock().mailbox.keys().cloned().collect();
        for name in names.iter().filter(|name| matches(pattern.as_bytes(), name.as_bytes(), separator as u8)) {
            let line = format!("* {} (\\HasNoChildren) \"{separator}\" {}", command.name, self.name(name));
            self.line.say(line).map_err(gone)?;
        }
        Ok(String::new())
    }

    fn status(&mut self, command: &Command) -> Result<String, String> {
        let name = &command.words[0];
        let (validity, next, count) =
            self.folder(name, |folder| (folder.validity, folder.next, folder.messages.len()))?;
        let items = format!("(MESSAGES {count} UIDNEXT {next} UIDVALIDITY {validity})");
        self.line.say(format!("* STATUS {} {items}", self.name(name))).map_err(gone)?;
        Ok(String::new())
    }

    fn create(&mut self, name: &str) -> Result<String, String> {
        if !name.starts_with(self.manner.namespace.0) {
            return Err("NO Permission denied".to_owned());
        }
        if self.folder(name, |_| ()).is_ok() {
            return Err("NO [ALREADYEXISTS] Mailbox exists".to_owned());
        }
        self.server.create(name);
        Ok(String::new())
    }

    fn open(&mut self, name: &str, read_only: bool) -> Result<String, String> {
        let name = if name.eq_ignore_ascii_case("INBOX") { "INBOX" } else { name };
        let (validity, next, count) =
            self.folder(name, |folder| (folder.validity, folder.next, folder.messages.len()))?;
        (self.open, self.read_only) = (Some(name.to_owned()), read_only);
        let validity =
            if self.manner.tells_validity { format!("UIDVALIDITY {validity}") } else { "UNSEEN 1".to_owned() };
        for line in [
            "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)".to_owned(),
            format!("* {count} EXISTS"),
            "* 0 RECENT".to_owned(),
            format!("* OK [{validity}] valid"),
            format!("* OK [UIDNEXT {next}] next"),
        ] {
            self.line.say(line).map_err(gone)?;
        }
        Ok(if read_only { "READ-ONLY" } else { "READ-WRITE" }.to_owned())
    }

    pub(super) fn folder<T>(&self, name: &str, look: impl FnOnce(&mut Folder) -> T) -> Result<T, String> {
        self.server.lock().mailbox.get_mut(name).map(look).ok_or_else(|| "NO Mailbox does not exist".to_owned())
    }
}

#[allow(clippy::needless_pass_by_value, reason = "used as a function over errors")]
pub(super) fn gone(_: io::Error) -> String {
    "BAD the client has gone".to_owned()
}
