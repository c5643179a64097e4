//! The server's end of a connection: hears commands, says anything at all.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::certificates::Identity;

/// A command as the client gave it.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) tag: String,
    /// Its name in capitals, `UID FETCH` and the like in two words.
    pub(crate) name: String,
    /// What follows, taken apart: parentheses are words of their own, quotes and literals are resolved.
    pub(crate) words: Vec<String>,
}

/// The connection.
pub(crate) struct Line {
    /// Nothing only while TLS begins.
    stream: Option<Stream>,
    heard: Vec<u8>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Line {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let _ = stream.set_nodelay(true);
        Line { stream: Some(Stream::Plain(stream)), heard: Vec::new() }
    }

    /// Begins TLS. What the client has said already is forgotten.
    pub(crate) fn start_tls(&mut self, config: &Arc<ServerConfig>) -> io::Result<()> {
        let Some(Stream::Plain(stream)) = self.stream.take() else { return Err(io::ErrorKind::Unsupported.into()) };
        let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        self.stream = Some(Stream::Tls(Box::new(StreamOwned::new(connection, stream))));
        self.heard.clear();
        Ok(())
    }

    /// Says a line.
    pub(crate) fn say(&mut self, line: impl AsRef<str>) -> io::Result<()> {
        self.write(format!("{}\r\n", line.as_ref()).as_bytes())
    }

    /// Says bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Some(Stream::Plain(stream)) => stream.write_all(bytes),
            Some(Stream::Tls(stream)) => stream.write_all(bytes).and_then(|()| stream.flush()),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Ends the connection.
    pub(crate) fn close(&mut self) -> io::Error {
        if let Some(Stream::Plain(stream)) = &self.stream {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.stream = None;
        io::ErrorKind::ConnectionAborted.into()
    }

    fn more(&mut self) -> io::Result<()> {
        let mut piece = [0; 1 << 14];
        let length = match &mut self.stream {
            Some(Stream::Plain(stream)) => stream.read(&mut piece)?,
            Some(Stream::Tls(stream)) => stream.read(&mut piece)?,
            None => 0,
        };
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.heard.extend_from_slice(&piece[..length]);
        Ok(())
    }

    fn hear_bytes(&mut self, length: usize) -> io::Result<String> {
        while self.heard.len() < length {
            self.more()?;
        }
        Ok(String::from_utf8_lossy(&self.heard.drain(..length).collect::<Vec<u8>>()).into_owned())
    }

    /// The next line, without its end.
    pub(crate) fn hear_line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.heard.iter().position(|&byte| byte == b'\n') {
                return Ok(self.hear_bytes(end + 1)?.trim_end_matches(['\r', '\n']).to_owned());
            }
            self.more()?;
        }
    }

    /// The next command, its literals asked for where the client waits to be asked.
    pub(crate) fn hear(&mut self) -> io::Result<Command> {
        let mut words = Vec::new();
        loop {
            let line = self.hear_line()?;
            let Some(literal) = split(&line, &mut words) else { break };
            if !literal.ends_with('+') {
                self.say("+ go on")?;
            }
            let length = literal.trim_end_matches('+').parse().map_err(io::Error::other)?;
            words.push(self.hear_bytes(length)?);
        }
        let mut words = words.into_iter();
        let tag = words.next().unwrap_or_default();
        let mut name = words.next().unwrap_or_default().to_ascii_uppercase();
        if name == "UID" {
            name = format!("UID {}", words.next().unwrap_or_default().to_ascii_uppercase());
        }
        Ok(Command { tag, name, words: words.collect() })
    }
}

/// Takes a line apart; returns the length of the literal that it ends in.
fn split(line: &str, words: &mut Vec<String>) -> Option<String> {
    let mut rest = line.chars().peekable();
    while let Some(&first) = rest.peek() {
        match first {
            ' ' => drop(rest.next()),
            '(' | ')' => words.extend(rest.next().map(String::from)),
            '"' => {
                rest.next();
                let mut word = String::new();
                while let Some(next) = rest.next() {
                    match next {
                        '"' => break,
                        '\\' => word.extend(rest.next()),
                        next => word.push(next),
                    }
                }
                words.push(word);
            }
            '{' if line.ends_with('}') => {
                let literal: String = rest.collect();
                return Some(literal.trim_matches(['{', '}']).to_owned());
            }
            _ => {
                // What is in brackets belongs to the word, spaces and all.
                let mut depth = 0;
                let mut word = String::new();
                while let Some(&next) = rest.peek() {
                    match next {
                        '[' => depth += 1,
                        ']' => depth -= 1,
                        ' ' | '(' | ')' if depth == 0 => break,
                        _ => {}
                    }
                    word.extend(rest.next());
                }
                words.push(word);
            }
        }
    }
    None
}

/// What a server needs to speak TLS as someone.
pub(crate) fn tls_config(identity: &Identity) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_slice_iter(identity.certificate.as_bytes()).map(|one| one.expect("PEM")).collect();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("PEM");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).expect("a certificate and its key"))
}
