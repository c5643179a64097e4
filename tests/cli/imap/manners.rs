//! The ways of other servers: Cyrus, Courier, Exchange.

use super::account::{Account, configure, fetch, fetch_from};
use super::server::{COURIER, CYRUS, DOVECOT, EXCHANGE, Manner, Security, Server, Told};
use super::{broken_mail, other_mail, report_mail, reports};
use crate::harness::Sandbox;

const ALL: [(&str, Manner); 4] = [("Dovecot", DOVECOT), ("Cyrus", CYRUS), ("Courier", COURIER), ("Exchange", EXCHANGE)];

fn inbox() -> Vec<Vec<u8>> {
    vec![report_mail(1), broken_mail("broken"), other_mail("lunch"), report_mail(2), b"\0\0\xff\0\r\n\r\n\0".to_vec()]
}

/// How many messages are in a folder, and how many of those have a flag.
fn count(server: &Server, folder: &str, flag: &str) -> (usize, usize) {
    server.mailbox(|mailbox| {
        let messages = &mailbox[folder].messages;
        (messages.len(), messages.iter().filter(|message| message.flags.contains(flag)).count())
    })
}

#[test]
fn mail_is_kept_marked_moved_and_deleted() {
    for (name, manner) in ALL {
        let done = format!("{}Reports{}Done", manner.namespace.0, manner.namespace.1);
        for (after, there, seen, moved) in
            [("keep", 5, 0, 0), ("seen", 5, 2, 0), ("move:Reports/Done", 3, 0, 2), ("delete", 3, 0, 0)]
        {
            let sandbox = Sandbox::new();
            let server = Server::honest(manner, &inbox());
            let ran = fetch_from(&sandbox, Account::plain("rua", server.port, "someone").set("after", after)).exits(3);
            assert_eq!(reports(&ran.json()), (2, 0), "{name} {after}\n{ran}");
            assert_eq!(count(&server, "INBOX", "\\Seen"), (there, seen), "{name} {after}");
            assert_eq!(count(&server, "INBOX", "\\Deleted").1, 0, "{name} {after}");
            if moved > 0 {
                assert_eq!(count(&server, &done, "\\Deleted"), (moved, 0), "{name} {after}");
            }
            let heard = server.heard();
            assert!(!heard.iter().any(|line| line == "EXPUNGE" || line == "CLOSE"), "{name} {after}: {heard:?}");
            let again = fetch(&sandbox, &[]).exits(0).json();
            assert_eq!((&again["inputs"], count(&server, "INBOX", "\\Seen").0), (&0.into(), there), "{name} {after}");
        }
    }
}

#[test]
fn literals_are_not_pushed_on_a_server_that_does_not_take_them() {
    let server = Server::start(COURIER, Security::None, &[report_mail(1)], |_, _| Ok(Told::Truth));
    let account = Account::plain("rua", server.port, "so\"me\\one").folders(&["INBOX", "Nirgendwo \"ü\""]);
    let ran = fetch_from(&Sandbox::new(), account);
    assert_eq!(reports(&ran.json()), (1, 0), "{ran}");
}

#[test]
fn folders_below_a_prefix() {
    for (name, manner) in ALL {
        let server = Server::honest(manner, &[report_mail(1)]);
        let (prefix, separator) = manner.namespace;
        for (number, folder) in ["Junk", "Reports/2025", "Reports/2026"].into_iter().enumerate() {
            let whole = format!("{prefix}{}", folder.replace('/', &separator.to_string()));
            server.create(&whole);
            server.mailbox(|mailbox| mailbox[&whole].add(report_mail(10 + number)));
        }
        let account = Account::plain("rua", server.port, "someone").folders(&["INBOX", "Junk", "Reports/*"]);
        let ran = fetch_from(&Sandbox::new(), account).exits(0);
        assert_eq!(reports(&ran.json()), (4, 0), "{name}\n{ran}");
        // Who writes the name as the server does means the same folder.
        if !prefix.is_empty() {
            let account = Account::plain("rua", server.port, "someone").folders(&["INBOX.Junk"]);
            let ran = fetch_from(&Sandbox::new(), account).exits(0);
            assert_eq!(reports(&ran.json()), (1, 0), "{name}\n{ran}");
        }
    }
}

#[test]
fn one_account_that_fails_does_not_stop_the_others() {
    let server = Server::honest(EXCHANGE, &[report_mail(1)]);
    let refusing = Server::start(EXCHANGE, Security::None, &[], |line, command| {
        if command.name == "LOGIN" || command.name == "AUTHENTICATE" {
            line.say(format!("{} NO LOGIN failed.", command.tag))?;
            return Ok(Told::Lie);
        }
        Ok(Told::Truth)
    });
    // A port where nobody is.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let sandbox = Sandbox::new();
    let accounts = [("first", refusing.port), ("second", nobody), ("third", server.port)]
        .map(|(name, port)| Account::plain(name, port, "someone"));
    configure(&sandbox, &accounts);
    let ran = fetch(&sandbox, &["--retries", "0"]).exits(3).says("first").says("second");
    assert_eq!(reports(&ran.json()), (1, 0), "{ran}");
    // One alone, by name.
    let ran = fetch(&sandbox, &["third"]).exits(0);
    assert_eq!(ran.json()["inputs"], 0, "{ran}");
    fetch(&sandbox, &["fourth"]).says("fourth");
}
