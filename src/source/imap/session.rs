//! A conversation with a server: commands, and what comes in answer.

use std::time::{Duration, Instant};

use super::account::{Account, Tls};
use super::error::{Error, Result};
use super::response::{Code, Response, State, parse};
use super::stream::{Patience, Stream};
use super::wire::{Cap, Reader};
use crate::secrets::Secrets;

/// Answers to one command that nobody asked for, and their bytes.
const USELESS: u32 = 20_000;
const USELESS_BYTES: u64 = 64 * 1024 * 1024;
/// How many times the patience for an answer a server may use that says something, and nothing of use.
const EXCUSES: u32 = 10;

/// A part of a command.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'p> {
    /// Sent as it is.
    Plain(&'p str),
    /// A text of any bytes, quoted or as a literal.
    Text(&'p [u8]),
}

/// A connection that speaks IMAP.
pub struct Session {
    stream: Stream,
    reader: Reader,
    /// In capitals.
    capabilities: Vec<String>,
    tag: u32,
    /// The server took us for somebody when it greeted.
    pub(super) known: bool,
    /// What was sent to log in, and is not to be shown when the server repeats it.
    pub(super) secrets: Secrets,
}

/// The time that an answer may take.
pub(super) struct Deadline {
    patience: Duration,
    until: Instant,
    last: Instant,
    useless: u32,
    /// Bytes heard since something of use came.
    heard: u64,
}

impl Deadline {
    /// Something of use came.
    pub(super) fn useful(&mut self) {
        let now = Instant::now();
        self.until = now + self.patience;
        self.last = now + self.patience * EXCUSES;
        (self.useless, self.heard) = (0, 0);
    }

    /// Something of no use came.
    pub(super) fn useless(&mut self) -> Result<()> {
        self.useless += 1;
        if self.useless > USELESS || self.heard > USELESS_BYTES {
            return Err(Error::Flood);
        }
        self.until = (Instant::now() + self.patience).min(self.last);
        Ok(())
    }
}

impl Session {
    /// Connects and secures the connection, as the account says.
    pub(super) fn open(account: &Account, patience: &Patience) -> Result<Self> {
        let mut stream = Stream::connect(account, patience)?;
        if account.tls == Tls::Implicit {
            stream.secure(account)?;
        }
        let mut session = Session {
            stream,
            reader: Reader::default(),
            capabilities: Vec::new(),
            tag: 0,
            known: false,
            secrets: Secrets::default(),
        };
        match session.greeting(account) {
            // A server that expects TLS from the first byte says nothing until then; asking again would be met the same way.
            Err(Error::Stalled(waited)) if account.tls != Tls::Implicit && !session.stream.has_heard() => {
                return Err(Error::NoGreeting { port: account.port, waited });
            }
            greeted => greeted?,
        }
        if account.tls == Tls::StartTls {
            session.start_tls(account)?;
        }
        Ok(session)
    }

    fn greeting(&mut self, account: &Account) -> Result<()> {
        let until = self.deadline().until;
        let answer = self.reader.answer(&mut self.stream, Cap::SMALL, until)?;
        let shown: String = String::from_utf8_lossy(&answer.text).chars().take(60).collect();
        match parse(answer) {
            Response::State { tag: None, state: State::Ok, code, .. } => self.note(&code),
            Response::State { tag: None, state: State::PreAuth, code, .. } => {
                if account.tls != Tls::Implicit {
                    return Err(Error::PreAuth);
                }
                self.known = true;
                self.note(&code);
            }
            Response::State { tag: None, state: State::Bye, text, .. } => return Err(Error::Bye { text }),
            _ => return Err(Error::Garbled(shown)),
        }
        Ok(())
    }

    fn start_tls(&mut self, account: &Account) -> Result<()> {
        if !self.can("STARTTLS")? {
            return Err(Error::NoStartTls);
        }
        match self.run(&[Part::Plain("STARTTLS")], &mut |_| false) {
            Err(Error::Refused { .. }) => return Err(Error::NoStartTls),
            other => other?,
        };
        if !self.reader.is_empty() {
            return Err(Error::Injected);
        }
        self.stream.secure(account)?;
        // What was said before may have been said by anybody.
        self.reader.clear();
        self.capabilities.clear();
        Ok(())
    }

    /// How long to wait, and who may tell us not to.
    pub(super) fn patience(&self) -> &Patience {
        self.stream.patience()
    }

    /// The time for an answer, beginning now.
    pub(super) fn deadline(&self) -> Deadline {
        let patience = self.stream.patience().answer;
        let mut deadline = Deadline { patience, until: Instant::now(), last: Instant::now(), useless: 0, heard: 0 };
        deadline.useful();
        deadline
    }

    /// Takes up what a response code says of what the server can do.
    fn note(&mut self, code: &Code) {
        if code.name == "CAPABILITY" {
            self.capabilities = code.rest.split(' ').map(str::to_ascii_uppercase).collect();
        }
    }

    /// What the server can do now; where nothing was said it will be asked.
    pub(super) fn set_capabilities(&mut self, words: Vec<String>) {
        self.capabilities = words;
    }

    /// What the server can do, in capitals; asked for where it has not said.
    pub(super) fn capabilities(&mut self) -> Result<&[String]> {
        if self.capabilities.is_empty() {
            let mut found = Vec::new();
            self.run(&[Part::Plain("CAPABILITY")], &mut |response| match response {
                Response::Capability(words) => {
                    found = words;
                    false
                }
                _ => false,
            })?;
            // One that says nothing at all can still do the least.
            found.push("IMAP4REV1".to_owned());
            self.capabilities = found;
        }
        Ok(&self.capabilities)
    }

    /// Whether the server can do something, named in capitals.
    pub(super) fn can(&mut self, what: &str) -> Result<bool> {
        Ok(self.capabilities()?.iter().any(|word| word == what))
    }

    /// Sends a command and gives its tag.
    pub(super) fn send(&mut self, parts: &[Part<'_>]) -> Result<String> {
        self.tag += 1;
        let tag = format!("d{}", self.tag);
        let mut line = tag.clone().into_bytes();
        for part in parts {
            line.push(b' ');
            match part {
                Part::Plain(text) => line.extend_from_slice(text.as_bytes()),
                Part::Text(text) if text.iter().all(|&byte| (b' '..0x7f).contains(&byte)) => {
                    line.push(b'"');
                    for &byte in *text {
                        if matches!(byte, b'"' | b'\\') {
                            line.push(b'\\');
                        }
                        line.push(byte);
                    }
                    line.push(b'"');
                }
                Part::Text(text) => {
                    line.extend_from_slice(format!("{{{}}}\r\n", text.len()).as_bytes());
                    self.stream.write(&line)?;
                    self.go_on(&tag)?;
                    line.clear();
                    line.extend_from_slice(text);
                }
            }
        }
        line.extend_from_slice(b"\r\n");
        self.stream.write(&line)?;
        Ok(tag)
    }

    /// Sends a line that is not a command of its own.
    pub(super) fn send_line(&mut self, line: &str) -> Result<()> {
        self.stream.write(format!("{line}\r\n").as_bytes())
    }

    /// Waits until the server asks to go on with the command, and gives what it says to that.
    pub(super) fn go_on(&mut self, tag: &str) -> Result<String> {
        let mut deadline = self.deadline();
        loop {
            match self.next(Cap::SMALL, &mut deadline)? {
                Response::Continue(text) => return Ok(text),
                Response::State { tag: Some(other), code, text, .. } if other == tag => {
                    return Err(Error::Refused { code: code.name, text });
                }
                _ => deadline.useless()?,
            }
        }
    }

    /// The next answer. A farewell is an error.
    pub(super) fn next(&mut self, cap: Cap, deadline: &mut Deadline) -> Result<Response> {
        let mut answer = self.reader.answer(&mut self.stream, cap, deadline.until)?;
        deadline.heard += answer.size();
        if let Some((head, words)) = words_of(&answer.text) {
            answer.text = [head, self.secrets.hide(&String::from_utf8_lossy(words)).as_bytes()].concat();
        }
        match parse(answer) {
            Response::State { tag: None, state: State::Bye, text, .. } => Err(Error::Bye { text }),
            response => Ok(response),
        }
    }

    /// An answer that comes before `until`, if one does.
    pub(super) fn next_before(&mut self, until: Instant) -> Result<Option<Response>> {
        let mut deadline = self.deadline();
        deadline.until = until;
        match self.next(Cap::SMALL, &mut deadline) {
            Ok(response) => Ok(Some(response)),
            Err(Error::Stalled(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Runs a command to its end. `on` gets what comes meanwhile, and says whether that brings us on: what a server could
    /// say again and again without end does not.
    pub(super) fn run(&mut self, parts: &[Part<'_>], on: &mut dyn FnMut(Response) -> bool) -> Result<Code> {
        let tag = self.send(parts)?;
        self.finish(&tag, Cap::SMALL, on)
    }

    /// Takes what comes until the command with this tag is done.
    pub(super) fn finish(&mut self, tag: &str, cap: Cap, on: &mut dyn FnMut(Response) -> bool) -> Result<Code> {
        let mut deadline = self.deadline();
        loop {
            match self.next(cap, &mut deadline)? {
                Response::State { tag: Some(done), state, code, text } => {
                    if done != tag {
                        return Err(Error::Garbled("an answer to a command that was not sent".to_owned()));
                    }
                    return self.done(state, code, text);
                }
                response => match on(response) {
                    true => deadline.useful(),
                    false => deadline.useless()?,
                },
            }
        }
    }

    /// How a command ended.
    pub(super) fn done(&mut self, state: State, code: Code, text: String) -> Result<Code> {
        if state != State::Ok {
            return Err(Error::Refused { code: code.name, text });
        }
        self.note(&code);
        Ok(code)
    }

    /// Says goodbye. What goes wrong now does not matter.
    pub fn log_out(mut self) {
        if let Ok(tag) = self.send(&[Part::Plain("LOGOUT")]) {
            let until = Instant::now() + Duration::from_secs(2).min(self.patience().answer);
            while let Ok(Some(response)) = self.next_before(until) {
                if matches!(&response, Response::State { tag: Some(done), .. } if *done == tag) {
                    break;
                }
            }
        }
    }
}

/// The words of the server's own in an answer that has any, and what stands before them: the state of a command or of the
/// connection, or the request to go on (RFC 3501 §7.1, §7.5).
fn words_of(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut ends = answer.iter().enumerate().filter(|(_, byte)| **byte == b' ').map(|(at, _)| at + 1);
    let first = ends.next()?;
    if answer.starts_with(b"+") {
        return Some(answer.split_at(first));
    }
    let second = ends.next()?;
    let state = answer[first..second].trim_ascii_end();
    let is_state = ["OK", "NO", "BAD", "BYE", "PREAUTH"].iter().any(|word| state.eq_ignore_ascii_case(word.as_bytes()));
    is_state.then(|| answer.split_at(second))
}

#[cfg(test)]
mod tests {
    use super::words_of;

    #[test]
    fn what_a_server_says_in_words() {
        let words =
            |text: &'static str| words_of(text.as_bytes()).map(|(_, words)| std::str::from_utf8(words).unwrap());
        assert_eq!(words("d1 NO [AUTHENTICATIONFAILED] no, x"), Some("[AUTHENTICATIONFAILED] no, x"));
        assert_eq!(words("* bye so long"), Some("so long"));
        assert_eq!(words("+ eyJz"), Some("eyJz"));
        for data in ["* LIST () \"/\" NO", "* 3 FETCH (UID 7)", "* CAPABILITY OK", "+", ""] {
            assert_eq!(words(data), None, "{data}");
        }
    }
}
