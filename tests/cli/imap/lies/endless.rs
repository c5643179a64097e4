//! Answers without an end, or with another than they said.

use std::io;

use super::{body_liar, fails, fetch_from, inbox, is_body, liar, succeeds};
use crate::imap::line::Line;
use crate::imap::reports;
use crate::imap::server::{DOVECOT, Manner, Server, Told};

/// Says the same until nobody listens.
fn for_ever(line: &mut Line, bytes: &[u8]) -> io::Result<()> {
    let many = bytes.repeat((1 << 16) / bytes.len() + 1);
    loop {
        line.write(&many)?;
    }
}

#[test]
fn a_literal_without_end() {
    for length in ["4294967295", "18446744073709551615", "99999999999999999999999"] {
        let server = body_liar(move |line, _| {
            line.write(format!("* 1 FETCH (UID 1 BODY[] {{{length}}}\r\n").as_bytes())?;
            for_ever(line, b"0123456789abcdef")
        });
        let ran = fetch_from(&server);
        // It counts as mail that is too large; one of each is recorded, or the account has failed.
        let recorded = ran.json()["quarantined"].as_array().map_or(0, Vec::len);
        assert!(ran.status == 1 || (ran.status == 3 && recorded > 0), "{ran}");
        assert_eq!(reports(&ran.json()), (0, 0), "{ran}");
    }
}

#[test]
fn a_line_without_end() {
    fails(&body_liar(|line, _| for_ever(line, b"* OK and so on and on ")), &[]);
    // Ten megabytes, and then an end.
    fails(
        &liar(|line, command| {
            if command.name != "SELECT" {
                return Ok(Told::Truth);
            }
            line.write(&[b"* OK ".to_vec(), vec![b'x'; 10 << 20], b"\r\n".to_vec()].concat())?;
            Ok(Told::Truth)
        }),
        &[],
    );
    let greeting: &'static str = Box::leak("OK hello ".repeat(2 << 20).into_boxed_str());
    fails(&Server::honest(Manner { greeting, ..DOVECOT }, &inbox()), &[]);
}

#[test]
fn answers_without_end() {
    fails(&body_liar(|line, _| for_ever(line, b"* 3 EXISTS\r\n")), &[]);
    fails(
        &liar(|line, command| {
            if command.name.ends_with("SEARCH") || (command.name == "UID FETCH" && !is_body(command)) {
                for_ever(line, b"* SEARCH 1 2 3\r\n* 1 FETCH (UID 1 RFC822.SIZE 10)\r\n")?;
            }
            Ok(Told::Truth)
        }),
        &[],
    );
    fails(
        &body_liar(|line, _| {
            let mail = vec![b'm'; 1 << 20];
            for_ever(
                line,
                &[format!("* 1 FETCH (UID 1 BODY[] {{{}}}\r\n", mail.len()).as_bytes(), &mail, b")\r\n"].concat(),
            )
        }),
        &[],
    );
}

#[test]
fn a_literal_shorter_than_it_says() {
    fails(
        &body_liar(|line, command| {
            line.say(format!("* 1 FETCH (UID 1 BODY[] {{100000}}\r\nshort)\r\n{} OK done", command.tag))
        }),
        &[],
    );
}

#[test]
fn a_mail_larger_than_its_size_said() {
    let server = liar(|line, command| {
        if command.name == "UID FETCH" && !is_body(command) {
            (1..=3).try_for_each(|uid| line.say(format!("* {uid} FETCH (UID {uid} RFC822.SIZE 1)")))?;
            line.say(format!("{} OK done", command.tag))?;
            return Ok(Told::Lie);
        }
        Ok(Told::Truth)
    });
    // Nothing is lost by it: what came is what counts.
    succeeds(&server);
}

#[test]
fn a_mail_far_larger_than_any_limit() {
    let server = body_liar(|line, command| {
        let length = 200 << 20;
        line.write(format!("* 1 FETCH (UID 1 BODY[] {{{length}}}\r\n").as_bytes())?;
        let piece = vec![b'z'; 1 << 20];
        (0..200).try_for_each(|_| line.write(&piece))?;
        line.say(format!(")\r\n{} OK done", command.tag))
    });
    let ran = fetch_from(&server);
    assert!([1, 3].contains(&ran.status), "{ran}");
}
