//! Others at work in the mailbox at the same time, and servers that refuse in the middle: no mail is lost, none is twice, and
//! what could not be done is told and done by the next run.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::account::{Account, configure, fetch, fetch_from};
use super::server::{COURIER, CYRUS, DOVECOT, Manner, Security, Server, Told};
use super::{other_mail, report_mail, reports};
use crate::harness::Sandbox;

/// A server on which a stranger takes out the first mail just when this command comes the first time; the server then
/// refuses the whole command, as Dovecot does.
fn with_a_faster_client(manner: Manner, command_name: &'static str, inbox: &[Vec<u8>]) -> Server {
    let slot: Arc<Mutex<Option<Server>>> = Arc::default();
    let (shared, done) = (Arc::clone(&slot), AtomicBool::new(false));
    let server = Server::start(manner, Security::None, inbox, move |line, command| {
        if command.name != command_name || done.swap(true, Ordering::SeqCst) {
            return Ok(Told::Truth);
        }
        let server = shared.lock().unwrap().clone().unwrap();
        server.mailbox(|mailbox| mailbox["INBOX"].messages.remove(0));
        line.say(format!("{} NO [EXPUNGEISSUED] Some of the requested messages no longer exist.", command.tag))?;
        Ok(Told::Lie)
    });
    *slot.lock().unwrap() = Some(server.clone());
    server
}

fn count(server: &Server, folder: &str) -> usize {
    server.mailbox(|mailbox| mailbox[folder].messages.len())
}

#[test]
fn mail_that_somebody_takes_out_during_a_move_or_copy() {
    let inbox: Vec<Vec<u8>> = (1..=5).map(report_mail).collect();
    for (manner, command) in
        [(DOVECOT, "UID MOVE"), (COURIER, "UID COPY"), (COURIER, "UID STORE"), (COURIER, "UID EXPUNGE")]
    {
        let server = with_a_faster_client(manner, command, &inbox);
        let account = Account::plain("rua", server.port, "someone").set("after", "move:Done");
        let ran = fetch_from(&Sandbox::new(), account).exits(0);
        assert_eq!(reports(&ran.json()), (5, 0), "{command}\n{ran}");
        let done = format!("{}Done", manner.namespace.0);
        // The stranger's is gone before it was copied, or after.
        let expected = if command == "UID MOVE" || command == "UID COPY" { 4 } else { 5 };
        assert_eq!((count(&server, "INBOX"), count(&server, &done)), (0, expected), "{command}\n{ran}");
    }
}

#[test]
fn marking_and_deleting_beside_a_faster_client() {
    let inbox: Vec<Vec<u8>> = (1..=5).map(report_mail).collect();
    for (after, command) in [("seen", "UID STORE"), ("delete", "UID STORE"), ("delete", "UID EXPUNGE")] {
        let server = with_a_faster_client(CYRUS, command, &inbox);
        let account = Account::plain("rua", server.port, "someone").set("after", after);
        let ran = fetch_from(&Sandbox::new(), account).exits(0);
        let seen = server.mailbox(|mailbox| {
            let messages = &mailbox["INBOX"].messages;
            (messages.len(), messages.iter().filter(|message| message.flags.contains("\\Seen")).count())
        });
        assert_eq!(seen, if after == "seen" { (4, 4) } else { (0, 0) }, "{after} {command}\n{ran}");
    }
}

#[test]
fn a_folder_that_takes_no_mail_keeps_none_from_being_read() {
    for (refusal, words) in [
        ("NO [OVERQUOTA] Quota exceeded", "make room"),
        ("NO [NOPERM] Permission denied", "give the user the right"),
        ("NO Over quota", "make room"),
    ] {
        for (command_name, manner) in [("UID MOVE", DOVECOT), ("UID COPY", COURIER), ("CREATE", DOVECOT)] {
            let full = Arc::new(AtomicBool::new(true));
            let refusing = Arc::clone(&full);
            let server =
                Server::start(manner, Security::None, &[report_mail(1), report_mail(2)], move |line, command| {
                    if command.name == command_name && refusing.load(Ordering::SeqCst) {
                        line.say(format!("{} {refusal}", command.tag))?;
                        return Ok(Told::Lie);
                    }
                    Ok(Told::Truth)
                });
            let sandbox = Sandbox::new();
            configure(&sandbox, &[Account::plain("rua", server.port, "someone").set("after", "move:Done")]);
            let ran = fetch(&sandbox, &[]).exits(3).says(words).says("Done");
            assert_eq!((reports(&ran.json()), count(&server, "INBOX")), ((2, 0), 2), "{command_name} {refusal}\n{ran}");
            if command_name != "CREATE" {
                assert_eq!(ran.json()["accounts"][0]["folders"][0]["left_to_do"], 2, "{ran}");
            }
            let checked = sandbox.command(["check", "--offline", "--format", "json"]).output().unwrap();
            let checked: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
            assert!(checked["accounts"][0]["last_success"].is_string(), "all was read and stored: {checked:#}");
            full.store(false, Ordering::SeqCst);
            let again = fetch(&sandbox, &[]).exits(0);
            let done = format!("{}Done", manner.namespace.0);
            assert_eq!((count(&server, "INBOX"), count(&server, &done)), (0, 2), "{command_name} {refusal}\n{again}");
            assert_eq!(again.json()["inputs"], 0, "{again}");
        }
    }
}

#[test]
fn folders_are_selected_and_examined_only_where_that_is_refused() {
    let server = Server::honest(COURIER, &[report_mail(1)]);
    fetch_from(&Sandbox::new(), Account::plain("rua", server.port, "someone")).exits(0);
    let heard = server.heard();
    assert!(heard.iter().any(|line| line.starts_with("SELECT")), "{heard:?}");
    assert!(!heard.iter().any(|line| line.starts_with("EXAMINE") || line.contains("STORE")), "{heard:?}");

    let server = Server::start(DOVECOT, Security::None, &[report_mail(1)], |line, command| {
        if command.name == "SELECT" {
            line.say(format!("{} NO [NOPERM] read only for you", command.tag))?;
            return Ok(Told::Lie);
        }
        Ok(Told::Truth)
    });
    let ran = fetch_from(&Sandbox::new(), Account::plain("rua", server.port, "someone")).exits(0);
    assert_eq!(reports(&ran.json()), (1, 0), "{ran}");
}

#[test]
fn a_text_in_place_of_a_mail_is_not_the_mail() {
    // Courier says OK and sends a note where it cannot read the file; later it can.
    let (broken, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (is_broken, counted) = (Arc::clone(&broken), Arc::clone(&asked));
    let inbox = [report_mail(1), report_mail(2), other_mail("lunch")];
    let server = Server::start(COURIER, Security::None, &inbox, move |line, command| {
        let is_body = command.name == "UID FETCH" && command.words.iter().any(|word| word == "BODY.PEEK[]");
        if !is_body || !is_broken.load(Ordering::SeqCst) || !super::syntax::is_in(&command.words[0], 1, 3) {
            return Ok(Told::Truth);
        }
        counted.fetch_add(1, Ordering::SeqCst);
        let note = "From: postmaster\r\nSubject: message unavailable\r\n\r\nThis message cannot be shown now.\r\n";
        line.say(format!("* 1 FETCH (UID 1 BODY[] {{{}}}\r\n{note})", note.len()))?;
        for uid in [2, 3].into_iter().filter(|&uid| super::syntax::is_in(&command.words[0], uid, 3)) {
            let mail = &[report_mail(2), other_mail("lunch")][uid as usize - 2];
            line.write(format!("* {uid} FETCH (UID {uid} BODY[] {{{}}}\r\n", mail.len()).as_bytes())?;
            line.write(mail)?;
            line.say(")")?;
        }
        line.say(format!("{} OK done", command.tag))?;
        Ok(Told::Lie)
    });
    let sandbox = Sandbox::new();
    configure(
        &sandbox,
        &[Account::plain("rua", server.port, "someone").set("after", "delete").set("after_other", "delete")],
    );
    let ran = fetch(&sandbox, &[]).exits(3);
    assert_eq!((reports(&ran.json()), count(&server, "INBOX")), ((1, 0), 1), "{ran}");
    assert_eq!(ran.json()["failed"].as_array().map(Vec::len), Some(1), "{ran}");
    assert!(asked.load(Ordering::SeqCst) >= 2, "it is asked for once more, alone");
    broken.store(false, Ordering::SeqCst);
    let again = fetch(&sandbox, &[]).exits(0);
    assert_eq!((reports(&again.json()), count(&server, "INBOX")), ((1, 0), 0), "{again}");
}

/// What `check` says of an account: codes of findings, and their details.
fn checked(sandbox: &Sandbox) -> Vec<(String, String)> {
    let mut command = sandbox.command(["check", "--json", "--timeout", "5s"]);
    command.env("TEST_PASSWORD", super::dovecot::PASSWORD);
    let answer = crate::harness::Ran::of(command).json();
    let text = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap_or("").to_owned();
    let of_account = |one: &&serde_json::Value| one["subject"] == "rua";
    let findings = answer["findings"].as_array().unwrap().iter().filter(of_account);
    findings.map(|one| (text(one, "code"), text(one, "detail"))).collect()
}

#[test]
fn what_cannot_be_done_with_mail_is_known_beforehand() {
    let plain = "IMAP4rev1 NAMESPACE";
    let without = Manner { capabilities: (plain, plain), ..COURIER };
    let acl = "IMAP4rev1 NAMESPACE UIDPLUS MOVE ACL";
    let with_rights = Manner { capabilities: (acl, acl), ..COURIER };
    for (manner, rights, after, said) in [
        (without, "", "move:Done", "neither MOVE nor UIDPLUS"),
        (without, "", "delete", "neither MOVE nor UIDPLUS"),
        (without, "", "seen", ""),
        (DOVECOT, "read-only", "seen", "folder INBOX: the folder is read-only"),
        (DOVECOT, "read-only", "keep", ""),
        (with_rights, "lr", "seen", "folder INBOX: the user has the rights \u{201c}lr\u{201d} there and lacks s"),
        (with_rights, "lrs", "delete", "lacks t, e"),
        (with_rights, "lrd", "delete", ""),
        (with_rights, "lrswipkxtea", "move:Done", ""),
        (with_rights, "lrste", "move:Done", "Done: the user has the rights \u{201c}lrste\u{201d} there and lacks i"),
    ] {
        let server = Server::start(manner, Security::None, &[report_mail(1)], move |line, command| {
            if command.name == "MYRIGHTS" {
                line.say(format!("* MYRIGHTS \"{}\" {rights}", command.words[0]))?;
                line.say(format!("{} OK done", command.tag))?;
                return Ok(Told::Lie);
            }
            if command.name == "SELECT" && rights == "read-only" {
                for said in ["* 1 EXISTS", "* OK [UIDVALIDITY 1] valid", "* OK [UIDNEXT 2] next"] {
                    line.say(said)?;
                }
                line.say(format!("{} OK [READ-ONLY] done", command.tag))?;
                return Ok(Told::Lie);
            }
            Ok(Told::Truth)
        });
        server.create(&format!("{}Done", manner.namespace.0));
        let sandbox = Sandbox::new();
        configure(&sandbox, &[Account::plain("rua", server.port, "someone").set("after", after)]);
        let findings = checked(&sandbox);
        let what = format!("{rights} {after}: {findings:?}");
        let told = findings.iter().filter(|one| one.0 == "after").collect::<Vec<_>>();
        assert_eq!(told.len(), usize::from(!said.is_empty()), "{what}");
        assert!(told.iter().all(|one| one.1.contains(said)), "{what}");
        let changes = ["UID STORE", "UID MOVE", "UID COPY", "UID EXPUNGE", "CREATE"];
        assert!(!server.heard().iter().any(|line| changes.iter().any(|name| line.contains(name))), "{what}");
    }
}

#[test]
fn after_a_failed_fetch_the_advice_is_that_of_the_failure() {
    for (refusal, after, code, said) in [
        ("NO [OVERQUOTA] Quota exceeded", "move:Done", "fetch-untidy", "make room in the mailbox"),
        ("NO [SERVERBUG] Try again later", "keep", "fetch-failed", "; fetch again"),
    ] {
        let server = Server::start(DOVECOT, Security::None, &[report_mail(1)], move |line, command| {
            let name = if after == "keep" { "UID FETCH" } else { "UID MOVE" };
            if command.name == name {
                line.say(format!("{} {refusal}", command.tag))?;
                return Ok(Told::Lie);
            }
            Ok(Told::Truth)
        });
        let sandbox = Sandbox::new();
        configure(&sandbox, &[Account::plain("rua", server.port, "someone").set("after", after)]);
        fetch(&sandbox, &["--retries", "0"]);
        let findings = checked(&sandbox);
        assert!(findings.iter().any(|one| one.0 == code && one.1.contains(said)), "{refusal}: {findings:?}");
    }
}

#[test]
fn a_mail_of_nothing_is_the_same_wherever_it_comes_from() {
    let server = Server::honest(DOVECOT, &[Vec::new()]);
    let sandbox = Sandbox::new();
    let fetched = fetch_from(&sandbox, Account::plain("rua", server.port, "someone")).exits(0).json();
    for name in ["mail/cur/1790647800.M1P1.mx:2,S", "nothing.eml"] {
        sandbox.write(name, "");
        let (ingested, status) = sandbox.ingest(&[name.split('/').next().unwrap()]);
        assert_eq!(status, 0, "{name}: {ingested:#}");
        for answer in [&fetched, &ingested] {
            assert_eq!((&answer["other"]["not_a_report"], &answer["inputs"]), (&1.into(), &1.into()), "{answer:#}");
        }
    }
}

#[test]
fn a_port_that_waits_for_tls_is_asked_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepted = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&accepted);
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            kept.push(stream);
        }
    });
    let sandbox = Sandbox::new();
    configure(&sandbox, &[Account::plain("rua", port, "someone").set("tls", "starttls")]);
    fetch(&sandbox, &["--timeout", "1s", "--retries", "3"]).exits(1).says("tls = \"implicit\"").says("connecting");
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}
