//! Servers that repeat what they were told at login: it is neither printed nor stored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::account::{Account, configure, fetch_command};
use super::dovecot::PASSWORD;
use super::line::Command;
use super::server::{COURIER, DOVECOT, Manner, Security, Server, Told};
use crate::harness::{Ran, Sandbox};

/// How a server words what it was told.
type Wording = fn(&Command) -> String;

fn last(command: &Command) -> &str {
    command.words.last().map_or("", String::as_str)
}

fn quoted(command: &Command) -> String {
    format!("\"{}\"", last(command).replace('\\', "\\\\").replace('"', "\\\""))
}

fn percent(command: &Command) -> String {
    last(command).bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Nothing of the password, in words or in base64.
#[track_caller]
fn hides(text: &[u8], what: &str) {
    let text = String::from_utf8_lossy(text);
    let coded = BASE64.encode(format!("\0someone\0{PASSWORD}"));
    for piece in ["battery", "correct horse", "correct%20horse", "%62%61%74", &coded[12..24], &coded[24..36]] {
        assert!(!text.contains(piece), "{piece} in {what}:\n{text}");
    }
}

#[track_caller]
fn hides_all(sandbox: &Sandbox, ran: &Ran) {
    hides(&ran.stdout, "the answer");
    hides(ran.stderr.as_bytes(), "the messages");
    for beside in ["", "-wal"] {
        let mut path = sandbox.db().into_os_string();
        path.push(beside);
        hides(&std::fs::read(path).unwrap_or_default(), "the database");
    }
}

#[test]
fn a_password_that_a_server_says_back() {
    let wordings: [Wording; 4] =
        [|command| last(command).to_owned(), quoted, percent, |command| command.words.join(" ")];
    let no_plain = Manner { capabilities: ("IMAP4rev1 UIDPLUS", "IMAP4rev1 UIDPLUS"), ..COURIER };
    for (manner, name) in [(DOVECOT, "AUTHENTICATE"), (no_plain, "LOGIN")] {
        for answer in ["NO", "BAD", "NO [AUTHENTICATIONFAILED]", "ALERT", "BYE"] {
            for wording in wordings {
                let server = Server::start(manner, Security::None, &[], move |line, command| {
                    if command.name != name {
                        return Ok(Told::Truth);
                    }
                    let said = wording(command);
                    match answer {
                        "BYE" => line.say(format!("* BYE I heard {said} twice"))?,
                        "ALERT" => {
                            line.say(format!("* OK [ALERT] {said} is what you said"))?;
                            line.say(format!("{} NO never {said}", command.tag))?;
                        }
                        refusal => line.say(format!("{} {refusal} wrong: {said}, sorry", command.tag))?,
                    }
                    if answer == "BYE" { Err(line.close()) } else { Ok(Told::Lie) }
                });
                let sandbox = Sandbox::new();
                configure(&sandbox, &[Account::plain("rua", server.port, "someone")]);
                let ran = Ran::of(fetch_command(&sandbox, &["-v", "--timeout", "2s", "--retries", "0"])).exits(1);
                assert!(ran.stderr.contains("(hidden)") || ran.text().contains("(hidden)"), "{name} {answer}\n{ran}");
                hides_all(&sandbox, &ran);
                let mut check = sandbox.command(["check", "--timeout", "2s"]);
                check.env("TEST_PASSWORD", PASSWORD);
                hides_all(&sandbox, &Ran::of(check));
            }
        }
    }
}
