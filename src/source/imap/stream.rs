//! A connection to a server, plain or secured, on which nothing waits for ever.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

use super::account::{Account, Tls};
use super::error::{Error, Result};
use super::tls;

/// How often one that waits looks whether it should stop.
const TICK: Duration = Duration::from_millis(200);

/// How long to wait for a server, and who may tell us not to.
#[derive(Debug, Clone)]
pub struct Patience {
    /// For a connection, a handshake, and each part of an answer.
    pub answer: Duration,
    /// The pause before the first new attempt; each further one is twice as long.
    pub pause: Duration,
    /// How many attempts in a row may come to nothing.
    pub attempts: u32,
    /// Set from outside when it is time to stop.
    pub stop: Arc<AtomicBool>,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            answer: Duration::from_secs(60),
            pause: Duration::from_secs(1),
            attempts: 6,
            stop: Arc::new(AtomicBool::new(false)),
        }
    }
}

impl Patience {
    /// Whether it is time to stop.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits, unless told to stop; says whether to go on.
    #[must_use]
    pub fn sleep(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            if self.is_over() {
                return false;
            }
            match until.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => std::thread::sleep(left.min(TICK)),
                _ => return true,
            }
        }
    }

    /// The pause before attempt number `failed` + 1, at most five minutes.
    #[must_use]
    pub fn pause_after(&self, failed: u32) -> Duration {
        self.pause.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(Duration::from_secs(300))
    }
}

enum Link {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// Between plain and secured.
    None,
}

/// The connection.
pub(super) struct Stream {
    link: Link,
    patience: Patience,
    /// Something came from the server.
    heard: bool,
}

impl Stream {
    /// Connects, without securing anything yet.
    pub(super) fn connect(account: &Account, patience: &Patience) -> Result<Self> {
        let addresses: Vec<_> = (account.host.as_str(), account.port)
            .to_socket_addrs()
            .map_err(|error| Error::NoSuchHost { host: account.host.clone(), reason: error.to_string() })?
            .collect();
        let plain = account.tls == Tls::None && !account.allow_plaintext;
        if plain && addresses.iter().any(|address| !address.ip().is_loopback()) {
            return Err(Error::Plaintext { host: account.host.clone() });
        }
        let unreachable =
            |reason: String| Error::Unreachable { host: account.host.clone(), port: account.port, reason };
        let mut last = unreachable("no address".to_owned());
        for address in addresses {
            if patience.is_over() {
                return Err(Error::Stopped);
            }
            match TcpStream::connect_timeout(&address, patience.answer) {
                Ok(socket) => {
                    let prepared = socket
                        .set_nodelay(true)
                        .and_then(|()| socket.set_read_timeout(Some(TICK)))
                        .and_then(|()| socket.set_write_timeout(Some(TICK)));
                    prepared.map_err(|error| Error::Lost(error.to_string()))?;
                    return Ok(Stream { link: Link::Plain(socket), patience: patience.clone(), heard: false });
                }
                Err(error) => last = unreachable(error.to_string()),
            }
        }
        Err(last)
    }

    /// Secures the connection. The name is verified, and the certificate.
    pub(super) fn secure(&mut self, account: &Account) -> Result<()> {
        let Link::Plain(mut socket) = std::mem::replace(&mut self.link, Link::None) else {
            return Err(Error::Garbled("secured twice".to_owned()));
        };
        let mut connection = tls::connection(&account.host, account.ca_file.as_deref())?;
        let until = Instant::now() + self.patience.answer;
        while connection.is_handshaking() {
            // One read or write at a time: a handshake that drips must end too.
            let done = match connection.wants_write() {
                true => connection.write_tls(&mut socket).map(|_| ()),
                false => take_in(&mut connection, &mut socket),
            };
            match done {
                Ok(()) => self.check(until)?,
                Err(error) if is_wait(&error) => self.check(until)?,
                Err(error) => {
                    // What is wrong is told to the other side, if it still listens.
                    let _ = connection.write_tls(&mut socket);
                    return Err(tls::explain(&account.host, &error));
                }
            }
        }
        self.link = Link::Tls(Box::new(StreamOwned::new(connection, socket)));
        Ok(())
    }

    fn check(&self, until: Instant) -> Result<()> {
        if self.patience.is_over() {
            return Err(Error::Stopped);
        }
        if Instant::now() >= until {
            return Err(Error::Stalled(self.patience.answer));
        }
        Ok(())
    }

    /// Reads something; the end of the connection is an error.
    pub(super) fn read(&mut self, into: &mut [u8], until: Instant) -> Result<usize> {
        // A server that never pauses must not keep us from stopping.
        if self.patience.is_over() {
            return Err(Error::Stopped);
        }
        loop {
            let read = match &mut self.link {
                Link::Plain(socket) => socket.read(into),
                Link::Tls(stream) => stream.read(into),
                Link::None => return Err(Error::Lost("it was given up".to_owned())),
            };
            match read {
                Ok(0) => return Err(Error::Lost("the server closed it".to_owned())),
                Ok(length) => {
                    self.heard = true;
                    return Ok(length);
                }
                Err(error) if is_wait(&error) => self.check(until)?,
                Err(error) => return Err(Error::Lost(error.to_string())),
            }
        }
    }

    /// Whether anything came from the server yet.
    pub(super) fn has_heard(&self) -> bool {
        self.heard
    }

    /// Writes all of it.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        let until = Instant::now() + self.patience.answer;
        loop {
            let written = match &mut self.link {
                Link::Plain(socket) => socket.write(bytes),
                // Flushed at once: what TLS holds back would be waited for on both sides.
                Link::Tls(stream) if bytes.is_empty() => stream.flush().map(|()| 0),
                Link::Tls(stream) => stream.write(bytes),
                Link::None => return Err(Error::Lost("it was given up".to_owned())),
            };
            match written {
                Ok(_) if bytes.is_empty() => return Ok(()),
                Ok(0) => return Err(Error::Lost("the server accepts nothing any more".to_owned())),
                Ok(length) => bytes = &bytes[length..],
                Err(error) if is_wait(&error) => self.check(until)?,
                Err(error) => return Err(Error::Lost(error.to_string())),
            }
        }
    }

    /// How long to wait.
    pub(super) fn patience(&self) -> &Patience {
        &self.patience
    }
}

/// Reads a piece of a handshake.
fn take_in(connection: &mut ClientConnection, socket: &mut TcpStream) -> std::io::Result<()> {
    if connection.read_tls(socket)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    connection.process_new_packets().map(|_| ()).map_err(std::io::Error::other)
}

fn is_wait(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
