//! The port that a browser comes back to after a login (RFC 8252 §7.3).

use std::io::{Read, Result, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use oauth2::url::Url;

/// A request that says more is none of a browser that comes back.
const LARGEST_REQUEST: usize = 32 * 1024;
/// How long a connection may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
/// Browsers open a few connections ahead.
const MOST_CONNECTIONS: usize = 16;

const DONE: &str = "The login is done. You can close this page and go back to the terminal.";
const REFUSED: &str = "The login was not granted. The terminal says why.";

/// What the browser brings.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The code to get tokens for.
    Code(String),
    /// There will be none, for this reason.
    Refused(String),
}

/// A port on this machine alone.
pub(super) struct Loopback {
    listeners: Vec<TcpListener>,
    port: u16,
}

impl Loopback {
    /// Listens on a port; on any free one for 0.
    pub(super) fn listen(port: u16) -> Result<Self> {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let port = first.local_addr()?.port();
        // `localhost` may mean either; where there is no IPv6, or the port is taken there, the other will do.
        let listeners: Vec<_> =
            [Some(first), TcpListener::bind((Ipv6Addr::LOCALHOST, port)).ok()].into_iter().flatten().collect();
        for listener in &listeners {
            listener.set_nonblocking(true)?;
        }
        Ok(Loopback { listeners, port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Waits for a browser that brings `state`, or for somebody who pastes the address it was sent to.
    pub(super) fn wait(&self, state: &str, pasted: &Receiver<String>, patience: Duration) -> Option<Answer> {
        let until = Instant::now() + patience;
        let (found, answers) = channel();
        let connections = Arc::new(AtomicUsize::new(0));
        while Instant::now() < until {
            for listener in &self.listeners {
                while let Ok((stream, _)) = listener.accept() {
                    if connections.fetch_add(1, Ordering::SeqCst) >= MOST_CONNECTIONS {
                        connections.fetch_sub(1, Ordering::SeqCst);
                        continue;
                    }
                    let (state, found, connections) =
                        (state.to_owned(), Sender::clone(&found), Arc::clone(&connections));
                    std::thread::spawn(move || {
                        let answer = serve(stream, &state);
                        connections.fetch_sub(1, Ordering::SeqCst);
                        if let Ok(Some(answer)) = answer {
                            let _ = found.send(answer);
                        }
                    });
                }
            }
            if let Ok(answer) = answers.try_recv() {
                return Some(answer);
            }
            match pasted.try_recv() {
                Ok(line) => {
                    if let Some(answer) = answer_of(line.trim(), state) {
                        return Some(answer);
                    }
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        None
    }
}

/// Answers one request.
fn serve(mut stream: TcpStream, state: &str) -> Result<Option<Answer>> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let until = Instant::now() + PATIENCE;
    let mut request = Vec::new();
    let mut buffer = [0; 2048];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < LARGEST_REQUEST && Instant::now() < until
    {
        match stream.read(&mut buffer)? {
            0 => break,
            read => request.extend_from_slice(&buffer[..read]),
        }
    }
    let line = request.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let target = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("GET "));
    let target = target.and_then(|rest| rest.split(' ').next()).filter(|target| target.starts_with('/'));
    let answer = target.and_then(|target| answer_of(&format!("http://localhost{target}"), state));
    let (status, text) = match &answer {
        Some(Answer::Code(_)) => ("200 OK", DONE),
        Some(Answer::Refused(_)) => ("200 OK", REFUSED),
        None => ("404 Not Found", "There is nothing here."),
    };
    let page = format!("<!doctype html><meta charset=utf-8><title>dmarcstat</title><p>{text}</p>\n");
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{page}",
        page.len()
    )?;
    Ok(answer)
}

/// What an address says that a browser was sent to; nothing where it does not bring this `state`, which only the page that
/// this program opened knows.
fn answer_of(address: &str, state: &str) -> Option<Answer> {
    let url = Url::parse(address).ok()?;
    let get = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if get("state").as_deref() != Some(state) {
        return None;
    }
    match (get("code"), get("error")) {
        (Some(code), None) if !code.is_empty() => Some(Answer::Code(code)),
        (_, Some(error)) => {
            let text = match get("error_description") {
                Some(description) => format!("{error}, {description}"),
                None => error,
            };
            Some(Answer::Refused(text.chars().take(400).collect()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ask(port: u16, request: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn a_browser_brings_the_code() {
        let loopback = Loopback::listen(0).unwrap();
        let port = loopback.port();
        let (_keep, pasted) = channel();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(move || loopback.wait("st", &pasted, Duration::from_secs(20)));
            // Connections that say nothing, other things, or come from elsewhere.
            let _silent = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            assert!(ask(port, "GET /favicon.ico HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
            assert!(ask(port, "GET /?code=evil&state=other HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
            assert!(ask(port, "\u{1}\u{2}\r\n\r\n").starts_with("HTTP/1.1 404"));
            assert!(ask(port, "GET /?state=st&code=a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n").contains("You can close"));
            assert_eq!(waiting.join().unwrap(), Some(Answer::Code("a/b".to_owned())));
        });
    }

    #[test]
    fn an_address_may_be_pasted_instead() {
        let loopback = Loopback::listen(0).unwrap();
        let (paste, pasted) = channel();
        paste.send("what?\n".to_owned()).unwrap();
        paste.send(" http://127.0.0.1:1/?error=access_denied&error_description=no&state=st\n".to_owned()).unwrap();
        let answer = loopback.wait("st", &pasted, Duration::from_secs(20));
        assert_eq!(answer, Some(Answer::Refused("access_denied, no".to_owned())));
        drop(paste);
        assert_eq!(loopback.wait("st", &pasted, Duration::from_millis(50)), None);
    }

    proptest! {
        #[test]
        fn only_who_knows_the_state_is_heard(target in "/?[?&=%a-z0-9+# ]{0,60}", code in "[a-z0-9]{1,9}") {
            prop_assert_eq!(answer_of(&format!("http://localhost/{target}"), "S3cret"), None);
            let brought = answer_of(&format!("http://localhost/{target}?x=y&state=S3cret&code={code}"), "S3cret");
            prop_assert!(brought.is_none_or(|answer| !matches!(answer, Answer::Refused(_))));
        }
    }
}
