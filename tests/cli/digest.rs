//! What is told to people who do not ask: `digest` by mail, `changes --notify`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::thread::JoinHandle;

use serde_json::Value;

use crate::documented::{assert_documented, example};
use crate::harness::{Sandbox, sample_mails};

const DAY: [&str; 2] = ["--as-of", "2026-11-22"];

/// A `sendmail` that keeps what it was given.
fn sendmail(sandbox: &Sandbox, ending: &str) -> String {
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > arguments\ncat > mail\n{ending}\n");
    let path = sandbox.write("sendmail", script);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn a_summary_says_what_changed_what_to_do_and_how_far_each_domain_is() {
    let sandbox = Sandbox::with_sample();
    let ran = sandbox.run(["digest", "--json"].iter().chain(&DAY));
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_documented(&example("`digest`"), &ran.json());
    let ran = sandbox.run(["digest"].iter().chain(&DAY));
    let text = String::from_utf8(ran.stdout).unwrap();
    for part in ["DMARC 2026-11-15 to 2026-11-21: ", "What to do first", "Ready for p=reject?", "not-ready"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_summary_goes_through_sendmail_as_text_and_page() {
    let sandbox = Sandbox::with_sample();
    let program = sendmail(&sandbox, "");
    let config = format!(
        "[mail]\nfrom = \"DMARC <dmarc@brightwater.example>\"\nto = [\"a@brightwater.example\"]\nsendmail = \"{program}\"\n"
    );
    sandbox.write("config.toml", config);
    let ran = sandbox.run(["digest", "--config", "config.toml", "--to"].iter().chain(&DAY));
    assert_eq!((ran.status, ran.stdout.len()), (0, 0), "{}", ran.stderr);
    let arguments = std::fs::read_to_string(sandbox.path("arguments")).unwrap();
    assert_eq!(
        arguments.lines().collect::<Vec<_>>(),
        ["-i", "-f", "dmarc@brightwater.example", "--", "a@brightwater.example"]
    );
    let mail = std::fs::read_to_string(sandbox.path("mail")).unwrap();
    for part in ["To: a@brightwater.example", "multipart/alternative", "text/html", "Auto-Submitted: auto-generated"] {
        assert!(mail.contains(part), "{part} is not in\n{mail}");
    }
    assert!(mail.lines().all(|line| line.len() <= 998 && !line.contains('\u{1b}')));
    // Named on the command line, others get it.
    let ran =
        sandbox.run(["digest", "--config", "config.toml", "--to", "b@example.com", "c@example.com"].iter().chain(&DAY));
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(std::fs::read_to_string(sandbox.path("arguments")).unwrap().ends_with("b@example.com\nc@example.com\n"));
}

#[test]
fn who_cannot_be_written_to_is_said_at_once() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(["digest", "--to"]);
    assert_eq!(ran.status, 2, "{}", ran.stderr);
    let ran = sandbox.run(["digest", "--to", "no body"]);
    assert!(ran.status == 2 && ran.stderr.contains("\"no body\""), "{}", ran.stderr);
    let sandbox = Sandbox::with_sample();
    let program = sendmail(&sandbox, "echo no room left >&2; exit 75");
    sandbox.write("config.toml", format!("[mail]\nsendmail = \"{program}\"\n"));
    // The machine's own people need no domain.
    let ran = sandbox.run(["digest", "--config", "config.toml", "--to", "root"].iter().chain(&DAY));
    assert!(ran.status == 1 && ran.stderr.contains("no room left"), "{}", ran.stderr);
}

/// A server that takes mail; what was said to it.
fn smtp(refuses: bool) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let (mut said, mut in_mail) = (String::new(), false);
        stream.write_all(b"220 mail.test ESMTP\r\n").unwrap();
        while let Some(Ok(line)) = lines.next() {
            said.push_str(&line);
            said.push('\n');
            let word = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let answer = match word.as_str() {
                _ if in_mail && line != "." => continue,
                "." => {
                    in_mail = false;
                    "250 taken".to_owned()
                }
                "EHLO" => "250-mail.test\r\n250 AUTH PLAIN".to_owned(),
                "AUTH" if refuses => format!("535 no such user: {line}"),
                "AUTH" => "235 welcome".to_owned(),
                "DATA" => {
                    in_mail = true;
                    "354 go on".to_owned()
                }
                "QUIT" => "221 bye".to_owned(),
                _ => "250 well".to_owned(),
            };
            if stream.write_all(format!("{answer}\r\n").as_bytes()).is_err() || word == "QUIT" {
                break;
            }
        }
        said
    });
    (port, served)
}

#[test]
fn a_server_takes_a_summary_and_tells_nobody_the_password() {
    let sandbox = Sandbox::with_sample();
    sandbox.write("password", "open \"sesame\"\n");
    for refuses in [false, true] {
        let (port, served) = smtp(refuses);
        let config = format!(
            "[mail]\nto = [\"a@example.com\"]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nuser = \"me\"\npassword_file = \"password\"\n"
        );
        sandbox.write("config.toml", config);
        let ran = sandbox.run(["digest", "--config", "config.toml", "--to"].iter().chain(&DAY));
        let said = served.join().unwrap();
        if refuses {
            assert_eq!(ran.status, 1, "{}", ran.stderr);
            assert!(ran.stderr.contains("no such user") && ran.stderr.contains("(hidden)"), "{}", ran.stderr);
            // base64 of the password within what the server said back.
            assert!(!ran.stderr.contains("sesame") && !ran.stderr.contains("c2VzYW1l"), "{}", ran.stderr);
        } else {
            assert_eq!(ran.status, 0, "{}", ran.stderr);
            assert!(said.contains("RCPT TO:<a@example.com>") && said.contains("Subject: "), "{said}");
        }
    }
}

/// A web hook that answers with these statuses, one a request; the bodies that came.
fn hook(statuses: &'static [u16]) -> (String, JoinHandle<Vec<Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/secret-of-the-hook", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let mut bodies = Vec::new();
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some((name, value)) = line.split_once(':')
                    && name.eq_ignore_ascii_case("content-length")
                {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            bodies.push(serde_json::from_slice(&body).unwrap());
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        }
        bodies
    });
    (url, served)
}

#[test]
fn a_web_hook_is_told_and_asked_again_where_it_is_busy() {
    let sandbox = Sandbox::with_sample();
    let changes = ["changes", "--as-of", "2026-11-01", "--since", "7d", "-q"];
    let (url, served) = hook(&[503, 200]);
    let ran = sandbox.run(changes.iter().copied().chain(["--notify", &url]));
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(served.join().unwrap()[1]["schema"], "dmarcstat/changes/1");

    let (url, served) = hook(&[200]);
    sandbox.write("url", format!("{url}\n"));
    sandbox.write("config.toml", "[notify]\nurl_file = \"url\"\nform = \"slack\"\n");
    let ran = sandbox.run(changes.iter().copied().chain(["--config", "config.toml", "--notify"]));
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let text = served.join().unwrap()[0]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("*DMARC 2026-10-25 to 2026-10-31: ") && text.contains("shop2025"), "{text}");

    let (url, served) = hook(&[404]);
    let ran = sandbox.run(changes.iter().copied().chain(["--notify", &url, "--notify-form", "teams"]));
    assert!(ran.status == 1 && ran.stderr.contains("404") && !ran.stderr.contains("secret-of"), "{}", ran.stderr);
    assert_eq!(served.join().unwrap()[0]["type"], "message");

    let ran = sandbox.run(changes.iter().copied().chain(["--notify", "http://hooks.example.com/x"]));
    assert_eq!(ran.status, 2, "{}", ran.stderr);
}

#[test]
fn a_summary_and_pages_are_made_of_a_mail_that_can_be_read_only_once() {
    let sandbox = Sandbox::new();
    let mail = std::fs::read(&sample_mails()[0]).unwrap();
    let ran = sandbox.run_with_input(["digest", "--input", "-", "--json", "--as-of", "2026-09-24"], &mail);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(ran.json()["domains"].as_array().map(Vec::len), Some(1));
    let ran = sandbox.run_with_input(["site", "pages", "--input", "-"], &mail);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let page = std::fs::read_to_string(sandbox.work().join("pages/index.html")).unwrap();
    assert!(!page.contains("no reports"), "{page}");
}
