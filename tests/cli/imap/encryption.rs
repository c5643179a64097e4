//! Servers that would have us speak in the clear, or listen to others.

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::account::{Account, configure, fetch_command, fetch_from};
use super::certificates::Authority;
use super::line::tls_config;
use super::server::{DOVECOT, Manner, Security, Server, Told};
use super::{report_mail, reports};
use crate::harness::{Ran, Sandbox};

const STARTTLS: Manner = Manner {
    greeting: "OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] ready",
    capabilities: ("IMAP4rev1 AUTH=PLAIN SASL-IR", "IMAP4rev1 NAMESPACE UIDPLUS MOVE"),
    ..DOVECOT
};

/// The password must not have left the machine.
#[track_caller]
fn refused(sandbox: &Sandbox, server: &Server, account: Account, words: &[&str]) {
    let ran = fetch_from(sandbox, account).exits(1).says("rua");
    let text = ran.stderr.to_lowercase();
    assert!(words.iter().all(|word| text.contains(word)), "{words:?} are missing\n{ran}");
    let heard = server.heard();
    assert!(!heard.iter().any(|line| line.starts_with("LOGIN") || line.starts_with("AUTHENTICATE")), "{heard:?}");
}

fn with_starttls(sandbox: &Sandbox, authority: &Authority, server: &Server) -> Account {
    let ca_file = sandbox.write("ca.crt", authority.certificate());
    Account::plain("rua", server.port, "someone").set("tls", "starttls").set("ca_file", ca_file.to_str().unwrap())
}

#[test]
fn starttls_that_works() {
    let (sandbox, authority) = (Sandbox::new(), Authority::named("dmarcstat tests"));
    let config = tls_config(&authority.issue("127.0.0.1", 2020..2099));
    let server = Server::start(STARTTLS, Security::StartTls(config, ""), &[report_mail(1)], |_, _| Ok(Told::Truth));
    let ran = fetch_from(&sandbox, with_starttls(&sandbox, &authority, &server)).exits(0);
    assert_eq!(reports(&ran.json()), (1, 0), "{ran}");
}

#[test]
fn a_certificate_that_signed_itself_is_trusted_where_it_is_named() {
    for (name, years, words) in [
        ("127.0.0.1", 2020..2099, None),
        ("127.0.0.1", 2020..2022, Some("expired")),
        ("127.0.0.1", 2090..2099, Some("not valid yet")),
        ("127.0.0.2", 2020..2099, Some("another name")),
    ] {
        let (sandbox, own) = (Sandbox::new(), Authority::self_signed(name, years));
        let other = Authority::self_signed("127.0.0.1", 2020..2099);
        let server = Server::start(STARTTLS, Security::StartTls(tls_config(&own), ""), &[report_mail(1)], |_, _| {
            Ok(Told::Truth)
        });
        let account = |certificate: &str| {
            let ca_file = sandbox.write("own.crt", certificate);
            let account = Account::plain("rua", server.port, "someone").set("tls", "starttls");
            account.set("ca_file", ca_file.to_str().unwrap())
        };
        // Another one of the same name is not the one.
        refused(&sandbox, &server, account(&other.certificate), &["certificate"]);
        match words {
            None => {
                let ran = fetch_from(&sandbox, account(&own.certificate)).exits(0);
                assert_eq!(reports(&ran.json()), (1, 0), "{ran}");
            }
            Some(words) => refused(&sandbox, &server, account(&own.certificate), &[words]),
        }
    }
}

#[test]
fn words_slipped_in_before_tls_are_not_heard() {
    let (sandbox, authority) = (Sandbox::new(), Authority::named("dmarcstat tests"));
    let config = tls_config(&authority.issue("127.0.0.1", 2020..2099));
    let injected = "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\na2 OK slipped in\r\n";
    let server =
        Server::start(STARTTLS, Security::StartTls(config, injected), &[report_mail(1)], |_, _| Ok(Told::Truth));
    let account = with_starttls(&sandbox, &authority, &server);
    refused(&sandbox, &server, account, &["before the connection was secured"]);
}

#[test]
fn starttls_taken_out_by_somebody_between() {
    let (sandbox, authority) = (Sandbox::new(), Authority::named("dmarcstat tests"));
    // Not offered in the greeting, nor when asked.
    let server = Server::honest(DOVECOT, &[report_mail(1)]);
    let account = with_starttls(&sandbox, &authority, &server);
    refused(&sandbox, &server, account, &["starttls"]);
    // Offered and refused.
    let config = tls_config(&authority.issue("127.0.0.1", 2020..2099));
    let server = Server::start(STARTTLS, Security::StartTls(config, ""), &[], |line, command| {
        if command.name == "STARTTLS" {
            line.say(format!("{} NO not today", command.tag))?;
            return Ok(Told::Lie);
        }
        Ok(Told::Truth)
    });
    let account = with_starttls(&sandbox, &authority, &server);
    refused(&sandbox, &server, account, &["starttls"]);
    // Logged in already, so that TLS could not begin any more (RFC 9051, section 11.3).
    let server = Server::honest(Manner { greeting: "PREAUTH welcome back", ..DOVECOT }, &[report_mail(1)]);
    let account = with_starttls(&sandbox, &authority, &server);
    refused(&sandbox, &server, account, &[]);
}

#[test]
fn tls_that_never_begins() {
    let (sandbox, authority) = (Sandbox::new(), Authority::named("dmarcstat tests"));
    // A server of plain text on a port that should speak TLS.
    let server = Server::honest(DOVECOT, &[]);
    let account = with_starttls(&sandbox, &authority, &server).set("tls", "implicit");
    refused(&sandbox, &server, account, &["tls"]);
}

#[test]
fn a_handshake_that_drips() {
    let (sandbox, authority) = (Sandbox::new(), Authority::named("dmarcstat tests"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // The head of a record that would be a handshake, of 16 KB; and then a byte now and then.
            let _ = stream.write_all(&[0x16, 3, 3, 0x40, 0, 2, 0, 0x3f, 0xfc]);
            while stream.write_all(&[3]).is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    });
    let ca_file = sandbox.write("ca.crt", authority.certificate());
    let account = Account::plain("rua", port, "someone").set("tls", "implicit");
    configure(&sandbox, &[account.set("ca_file", ca_file.to_str().unwrap())]);
    let began = Instant::now();
    Ran::of(fetch_command(&sandbox, &["--timeout", "1s", "--retries", "0"])).exits(1).says("rua");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn a_server_that_bars_logins() {
    let manner = Manner {
        greeting: "OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready",
        capabilities: ("IMAP4rev1 LOGINDISABLED", "IMAP4rev1"),
        ..DOVECOT
    };
    let server = Server::honest(manner, &[]);
    let account = Account::plain("rua", server.port, "someone");
    refused(&Sandbox::new(), &server, account, &["log"]);
}
