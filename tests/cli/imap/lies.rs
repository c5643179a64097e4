//! Servers that lie, ramble, stop in the middle, or mean something else: never a crash, a hang, a loss, or memory without
//! end; and a message that says what happened.

mod endless;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::account::{Account, configure, fetch_command};
use super::line::{Command, Line};
use super::server::{DOVECOT, Manner, Security, Server, Told};
use super::syntax::is_in;
use super::{report_mail, reports};
use crate::harness::{Ran, Sandbox};
use crate::measure::run_in_bounds;

/// Three reports.
fn inbox() -> Vec<Vec<u8>> {
    (1..=3).map(report_mail).collect()
}

fn is_body(command: &Command) -> bool {
    command.name == "UID FETCH" && command.words.iter().any(|word| word.eq_ignore_ascii_case("BODY.PEEK[]"))
}

/// Fetches with little patience; in bounds of time and memory.
#[track_caller]
fn fetch_from(server: &Server) -> Ran {
    let sandbox = Sandbox::new();
    fetch_again(&sandbox, server)
}

#[track_caller]
fn fetch_again(sandbox: &Sandbox, server: &Server) -> Ran {
    configure(sandbox, &[Account::plain("rua", server.port, "someone")]);
    let began = Instant::now();
    let ran = run_in_bounds(fetch_command(sandbox, &["--timeout", "2s", "--retries", "1"]));
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}\n{ran}", began.elapsed());
    assert!([0, 1, 3].contains(&ran.status), "{ran}");
    for text in [ran.stderr.as_bytes(), &ran.stdout] {
        assert!(!text.contains(&0x1b) && !text.contains(&0x07), "control characters reach the terminal\n{ran}");
    }
    ran
}

/// A server that answers one command in its own way.
fn liar(answer: impl Fn(&mut Line, &Command) -> io::Result<Told> + Send + Sync + 'static) -> Server {
    Server::start(DOVECOT, Security::None, &inbox(), answer)
}

/// A server that answers what asks for bodies in its own way.
fn body_liar(answer: impl Fn(&mut Line, &Command) -> io::Result<()> + Send + Sync + 'static) -> Server {
    liar(move |line, command| {
        if is_body(command) {
            answer(line, command)?;
            return Ok(Told::Lie);
        }
        Ok(Told::Truth)
    })
}

/// It could not be done, and the message names the account and says this.
#[track_caller]
fn fails(server: &Server, words: &[&str]) {
    let ran = fetch_from(server).exits(1).says("rua");
    let text = ran.stderr.to_lowercase();
    assert!(words.iter().all(|word| text.contains(word)), "{words:?} are missing\n{ran}");
}

#[track_caller]
fn succeeds(server: &Server) {
    let ran = fetch_from(server).exits(0);
    assert_eq!(reports(&ran.json()), (3, 0), "{ran}");
}

#[test]
fn what_nobody_asked_for() {
    let server = liar(|line, command| {
        if command.name != "LOGOUT" && command.name != "IDLE" {
            line.say("* OK [ALERT] \x1b[31mred\x07 alert")?;
            line.say("* 3 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n* OK still here")?;
            line.say("* 1 FETCH (FLAGS (\\Seen))\r\n* VANISHED 900:910\r\n* XYZZY (nothing \"happens\" {3}\r\nabc)")?;
        }
        Ok(Told::Truth)
    });
    succeeds(&server);
}

#[test]
fn messages_that_nobody_asked_for() {
    let server = body_liar(|line, command| {
        let stranger = report_mail(77);
        for (number, uid, mail) in
            [(1, 1, report_mail(1)), (9, 900, stranger), (2, 2, report_mail(2)), (3, 3, report_mail(3))]
        {
            line.write(format!("* {number} FETCH (UID {uid} BODY[] {{{}}}\r\n", mail.len()).as_bytes())?;
            line.write(&mail)?;
            line.say(")")?;
        }
        line.say(format!("{} OK done", command.tag))
    });
    succeeds(&server);
}

#[test]
fn answers_in_any_order_and_twice() {
    let server = liar(|line, command| {
        if command.name.ends_with("SEARCH") {
            line.say(format!("* SEARCH 3 1 2 2 3 1\r\n{} OK done", command.tag))?;
            return Ok(Told::Lie);
        }
        if command.name == "UID FETCH" {
            for uid in [3, 1, 3, 2] {
                let mail = report_mail(uid);
                if is_body(command) {
                    line.write(format!("* {uid} FETCH (BODY[] {{{}}}\r\n", mail.len()).as_bytes())?;
                    line.write(&mail)?;
                    line.say(format!(" UID {uid} FLAGS ())"))?;
                } else {
                    let length = mail.len();
                    line.say(format!("* {uid} FETCH (FLAGS (\\Seen) RFC822.SIZE {length} UID {uid})"))?;
                }
            }
            line.say(format!("{} OK done", command.tag))?;
            return Ok(Told::Lie);
        }
        Ok(Told::Truth)
    });
    succeeds(&server);
}

#[test]
fn uids_that_cannot_be() {
    for uids in ["0", "-1", "4294967296", "99999999999999999999", "1 x 2", "\"1\""] {
        let server = liar(move |line, command| {
            if command.name.ends_with("SEARCH") {
                line.say(format!("* SEARCH {uids}\r\n{} OK done", command.tag))?;
                return Ok(Told::Lie);
            }
            if command.name == "UID FETCH" {
                line.say(format!("* 1 FETCH (UID {uids} RFC822.SIZE 10)\r\n{} OK done", command.tag))?;
                return Ok(Told::Lie);
            }
            Ok(Told::Truth)
        });
        let ran = fetch_from(&server);
        assert_eq!(reports(&ran.json()), (0, 0), "{uids}\n{ran}");
    }
}

#[test]
fn more_uids_than_there_are_messages() {
    let server = liar(|line, command| {
        if command.name.ends_with("SEARCH") {
            let uids: String = (1..=200_000).map(|uid| format!(" {uid}")).collect();
            line.say(format!("* SEARCH{uids}\r\n{} OK done", command.tag))?;
            return Ok(Told::Lie);
        }
        Ok(Told::Truth)
    });
    succeeds(&server);
}

#[test]
fn bodies_that_are_not_there() {
    for body in ["NIL", "\"\"", "{0}\r\n"] {
        let server = body_liar(move |line, command| {
            (1..=3).try_for_each(|uid| line.say(format!("* {uid} FETCH (UID {uid} BODY[] {body})")))?;
            line.say(format!("{} OK done", command.tag))
        });
        let ran = fetch_from(&server);
        assert_eq!(reports(&ran.json()), (0, 0), "{body}\n{ran}");
    }
    // And answers without a word of which message they are.
    let server = body_liar(|line, command| {
        let mail = report_mail(1);
        line.write(format!("* 1 FETCH (BODY[] {{{}}}\r\n", mail.len()).as_bytes())?;
        line.write(&mail)?;
        line.say(format!(")\r\n{} OK done", command.tag))
    });
    let ran = fetch_from(&server);
    assert!(ran.json()["reports"]["new"].as_u64() <= Some(1), "{ran}");
}

#[test]
fn a_message_that_vanished_meanwhile_is_no_error() {
    let vanished = AtomicBool::new(false);
    let server = liar(move |line, command| {
        if command.name != "UID FETCH" || !(is_body(command) || vanished.load(Ordering::Relaxed)) {
            return Ok(Told::Truth);
        }
        // The second was deleted when bodies were asked for the first time.
        vanished.store(true, Ordering::Relaxed);
        for uid in [1, 3].into_iter().filter(|uid| is_in(&command.words[0], *uid, 3)) {
            let mail = report_mail(uid as usize);
            if is_body(command) {
                line.write(format!("* {uid} FETCH (UID {uid} BODY[] {{{}}}\r\n", mail.len()).as_bytes())?;
                line.write(&mail)?;
                line.say(")")?;
            } else {
                line.say(format!("* {uid} FETCH (UID {uid} RFC822.SIZE {})", mail.len()))?;
            }
        }
        line.say(format!("{} OK [EXPUNGEISSUED] some are gone", command.tag))?;
        Ok(Told::Lie)
    });
    let ran = fetch_from(&server).exits(0);
    assert_eq!(reports(&ran.json()), (2, 0), "{ran}");
}

#[test]
fn goodbyes() {
    // At the door, with a reason.
    let greeting = "BYE too many connections, try later \x1b[2J";
    fails(&Server::honest(Manner { greeting, ..DOVECOT }, &[]), &["too many connections"]);
    // In the middle, once.
    let said = AtomicUsize::new(0);
    let server = body_liar_once(said, |line| {
        line.say("* BYE the server is shutting down")?;
        Err(line.close())
    });
    succeeds(&server);
    // When all is done, without a word.
    succeeds(&liar(|line, command| if command.name == "LOGOUT" { Err(line.close()) } else { Ok(Told::Truth) }));
    succeeds(&liar(|line, command| {
        if command.name == "LOGOUT" {
            line.say(format!("{} NO stay a while", command.tag))?;
            return Ok(Told::Lie);
        }
        Ok(Told::Truth)
    }));
}

/// Lies the first time that bodies are asked for.
fn body_liar_once(said: AtomicUsize, lie: impl Fn(&mut Line) -> io::Result<()> + Send + Sync + 'static) -> Server {
    liar(move |line, command| {
        if is_body(command) && said.fetch_add(1, Ordering::Relaxed) == 0 {
            lie(line)?;
        }
        Ok(Told::Truth)
    })
}

#[test]
fn a_server_with_too_much_to_do() {
    // Exchange and Gmail say so with NO; later it works.
    let said = AtomicUsize::new(0);
    let server = liar(move |line, command| {
        if is_body(command) && said.fetch_add(1, Ordering::Relaxed) == 0 {
            line.say(format!("{} NO [UNAVAILABLE] Request is throttled. Suggested Backoff Time: 300 ms", command.tag))?;
            return Ok(Told::Lie);
        }
        Ok(Told::Truth)
    });
    succeeds(&server);
    // Or it never does.
    let server = body_liar(|line, command| line.say(format!("{} NO [UNAVAILABLE] server \x1b[5mbusy", command.tag)));
    fails(&server, &["busy"]);
}

#[test]
fn silence() {
    // No greeting.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let sandbox = Sandbox::new();
    configure(&sandbox, &[Account::plain("rua", listener.local_addr().unwrap().port(), "someone")]);
    let ran = Ran::of(fetch_command(&sandbox, &["--timeout", "1s", "--retries", "1"])).exits(1).says("rua");
    assert!(ran.stderr.contains("connecting"), "{ran}");
    // No answer to a command, or one to another.
    for wrong in ["", "* OK hold on", "zzz9 OK done", "+ go on"] {
        fails(&body_liar(move |line, _| if wrong.is_empty() { Ok(()) } else { line.say(wrong) }), &[]);
    }
}

#[test]
fn words_that_mean_nothing() {
    for greeting in ["HELLO", "", "OK", "NO go away", "BAD", "\u{0}\u{0}\u{0}"] {
        let ran = fetch_from(&Server::honest(Manner { greeting, ..DOVECOT }, &inbox()));
        assert!(ran.status == 1 || reports(&ran.json()) == (3, 0), "{greeting:?}\n{ran}");
    }
    for noise in
        ["\x00\x01\x02\x03", "* 1 FETCH (((((((((((", "* 1 FETCH (UID 1 BODY[] \"", "HTTP/1.1 400 Bad Request", "* * *"]
    {
        let server = body_liar(move |line, command| line.say(format!("{noise}\r\n{} OK done", command.tag)));
        let ran = fetch_from(&server);
        assert!(ran.status != 0 || reports(&ran.json()) == (0, 0), "{noise:?}\n{ran}");
    }
    let nested = "(".repeat(1 << 20);
    let server =
        body_liar(move |line, command| line.say(format!("* 1 FETCH (UID 1 X {nested}\r\n{} OK done", command.tag)));
    fetch_from(&server);
}

#[test]
fn a_server_that_does_not_say_what_it_can_do() {
    succeeds(&liar(|line, command| {
        if ["CAPABILITY", "NAMESPACE", "ID", "ENABLE"].contains(&command.name.as_str()) {
            line.say(format!("{} BAD unknown command", command.tag))?;
            return Ok(Told::Lie);
        }
        Ok(Told::Truth)
    }));
}

#[test]
fn a_folder_without_a_uidvalidity() {
    // Without it nobody can say which mail was read before (RFC 3501, section 2.3.1.1): all is read again.
    let server = Server::honest(Manner { tells_validity: false, ..DOVECOT }, &inbox());
    let sandbox = Sandbox::new();
    for expected in [(3, 0), (0, 3)] {
        let ran = fetch_again(&sandbox, &server).exits(0);
        assert_eq!(reports(&ran.json()), expected, "{ran}");
    }
}
