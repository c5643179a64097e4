//! `digest --to` by a server with TLS: from the first byte, or once it is asked for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::harness::{Ran, Sandbox};
use crate::imap::certificates::{Authority, Identity};
use crate::imap::line::tls_config;

/// How a server protects the connection.
#[derive(Clone, Copy, PartialEq)]
enum Protects {
    AtOnce,
    WhenAsked,
    /// It does not know STARTTLS.
    Never,
}

/// Takes one mail; what was said to it before and after the connection was protected. A client that turns away is no fault.
fn server(protects: Protects, identity: &Identity) -> (u16, JoinHandle<(String, String)>) {
    let config = tls_config(identity);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        let (mut plain, mut secret) = (String::new(), String::new());
        if protects != Protects::AtOnce {
            let starttls = if protects == Protects::WhenAsked { "250 STARTTLS" } else { "250 AUTH PLAIN" };
            talk(&mut stream, starttls, true, &mut plain);
        }
        if protects == Protects::AtOnce || plain.to_ascii_uppercase().contains("STARTTLS") {
            let mut stream = tls(stream, config);
            talk(&mut stream, "250 AUTH PLAIN", protects == Protects::AtOnce, &mut secret);
        }
        (plain, secret)
    });
    (port, served)
}

fn tls<S: Read + Write>(stream: S, config: Arc<ServerConfig>) -> StreamOwned<ServerConnection, S> {
    StreamOwned::new(ServerConnection::new(config).unwrap(), stream)
}

/// Answers until the other side leaves, or asks for TLS.
fn talk<S: Read + Write>(stream: &mut S, able: &str, greets: bool, said: &mut String) {
    let mut reader = BufReader::with_capacity(1, stream);
    if greets && reader.get_mut().write_all(b"220 mail.test ESMTP\r\n").is_err() {
        return;
    }
    let mut in_mail = false;
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|length| length > 0) {
        said.push_str(&line);
        let word = line.trim_end().split(' ').next().unwrap_or_default().to_ascii_uppercase();
        line.clear();
        let answer = match word.as_str() {
            _ if in_mail && word != "." => continue,
            "." => "250 taken",
            "EHLO" => &format!("250-mail.test\r\n{able}"),
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            "STARTTLS" => "220 go on",
            _ => "250 well",
        };
        in_mail = word == "DATA";
        if reader.get_mut().write_all(format!("{answer}\r\n").as_bytes()).is_err()
            || word == "QUIT"
            || word == "STARTTLS"
        {
            return;
        }
    }
}

/// Sends a summary of the sample to a server on this machine.
fn send(sandbox: &Sandbox, port: u16, tls: &str) -> Ran {
    let config = format!(
        "[mail]\nto = [\"a@example.com\"]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"{tls}\"\nca_file = \"ca.crt\"\n\
         user = \"me\"\npassword_file = \"password\"\n"
    );
    sandbox.write("config.toml", config);
    sandbox.run(["digest", "--config", "config.toml", "--as-of", "2026-11-22", "--to"])
}

fn with_sample(authority: &Authority) -> Sandbox {
    let sandbox = Sandbox::new();
    let mailbox = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mailbox");
    assert_eq!(sandbox.run([Path::new("ingest"), &mailbox]).status, 0);
    sandbox.write("password", "sesame\n");
    sandbox.write("ca.crt", authority.certificate());
    sandbox
}

#[test]
fn a_summary_goes_through_tls_and_the_password_through_nothing_else() {
    let authority = Authority::named("Tests");
    let good = authority.issue("127.0.0.1", 2020..2099);
    let sandbox = with_sample(&authority);
    for (word, protects) in [("implicit", Protects::AtOnce), ("starttls", Protects::WhenAsked)] {
        let (port, served) = server(protects, &good);
        let ran = send(&sandbox, port, word).exits(0);
        let (plain, secret) = served.join().unwrap();
        for part in ["AUTH PLAIN", "RCPT TO:<a@example.com>", "Subject: "] {
            assert!(secret.contains(part) && !plain.contains(part), "{word}: {part}\n{plain}\n{secret}\n{ran}");
        }
    }
}

#[test]
fn nothing_is_told_to_a_server_that_cannot_be_believed() {
    let authority = Authority::named("Tests");
    let sandbox = with_sample(&authority);
    let others = Authority::named("Somebody").issue("127.0.0.1", 2020..2099);
    let ended = authority.issue("127.0.0.1", 2020..2021);
    let elsewhere = authority.issue("mail.example.com", 2020..2099);
    for (identity, words) in [(&others, "implicit"), (&ended, "implicit"), (&elsewhere, "starttls")] {
        let protects = if words == "implicit" { Protects::AtOnce } else { Protects::WhenAsked };
        let (port, served) = server(protects, identity);
        let ran = send(&sandbox, port, words).exits(1).says("did not take the mail");
        assert!(ran.stderr.to_ascii_lowercase().contains("certificate"), "{ran}");
        let (plain, secret) = served.join().unwrap();
        assert!(!plain.contains("AUTH") && !secret.contains("AUTH") && !secret.contains("Subject"), "{plain}{secret}");
    }
    // A server that knows no TLS, or a line on which somebody took the word out.
    let (port, served) = server(Protects::Never, &others);
    send(&sandbox, port, "starttls").exits(1);
    let (plain, _) = served.join().unwrap();
    assert!(!plain.contains("AUTH ") && !plain.contains("MAIL FROM"), "{plain}");
}
