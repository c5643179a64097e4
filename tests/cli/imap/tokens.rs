//! Logging in for tokens, and what `check` says of accounts.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use super::account::{Account, configure};
use super::dovecot::{Dovecot, Namespace, PASSWORD};
use super::token_server::TokenServer;
use crate::documented;
use crate::harness::{Ran, Sandbox};
use crate::make::{Report, mail};

/// An account with a grant at a token server of the tests.
fn account(server: &TokenServer, client: &str, grant: &str) -> Account {
    Account::plain("rua", 1, "dmarc@example.com").oauth2_with(
        "xoauth2",
        &[
            ("grant", grant),
            ("client_id", client),
            ("token_url", &server.url("token")),
            ("auth_url", &server.url("authorize")),
            ("device_url", &server.url("device")),
            ("scope", "mail offline_access"),
        ],
    )
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(arguments);
    command.env("TEST_PASSWORD", PASSWORD);
    Ran::of(command)
}

fn shows_no(ran: &Ran, secrets: &[&str]) {
    for secret in secrets {
        assert!(!ran.text().contains(secret) && !ran.stderr.contains(secret), "{secret} is shown\n{ran}");
    }
}

#[test]
fn somebody_logs_in_with_a_device_code() {
    let server = TokenServer::start();
    server.grant("device-client", &[("acc3ss", 3600)]);
    server.refresh("device-client", "r3fresh");
    let sandbox = Sandbox::new();
    configure(&sandbox, &[account(&server, "device-client", "device_code")]);

    // Before anybody has, every command says so, and asks no server for anything.
    let ran = run(&sandbox, &["check", "--offline", "--format", "json"]).exits(1);
    assert_eq!(ran.json()["findings"][0]["remedy"], "run `dmarcstat login rua`", "{ran}");
    let ran = run(&sandbox, &["login", "rua", "--format", "json"]).exits(0);
    assert!(ran.stderr.contains("https://login.example.com/device") && ran.stderr.contains("WDJB-MJHT"), "{ran}");
    let kept = sandbox.home().join("state/dmarcstat/tokens/rua.json");
    assert_eq!(ran.json()["kept_in"], json!(kept), "{ran}");
    assert_eq!(keys(&documented::example("`login`")), keys(&ran.json()), "docs/json.md");
    shows_no(&ran, &["acc3ss", "r3fresh"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&kept).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    let ran = run(&sandbox, &["check", "--offline", "--format", "json"]).exits(0);
    assert!(ran.json()["accounts"][0]["access_token_expires"].is_string(), "{ran}");
    assert!(ran.json()["accounts"][0]["logged_in"].is_string(), "{ran}");
    shows_no(&ran, &["acc3ss", "r3fresh"]);
}

#[test]
fn on_a_machine_without_a_browser_the_address_is_pasted() {
    let server = TokenServer::start();
    server.grant("browser-client", &[("acc3ss", 3600)]);
    server.refresh("browser-client", "r3fresh");
    let sandbox = Sandbox::new();
    configure(&sandbox, &[account(&server, "browser-client", "authorization_code")]);
    let mut command = sandbox.command(["login", "rua"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("http://127.0.0.1") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "no page is shown");
    }
    let state = line.split('&').find_map(|pair| pair.trim().strip_prefix("state=")).expect("a state").to_owned();
    assert!(line.contains("code_challenge_method=S256"), "{line}");
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "http://127.0.0.1:1/?state=another&code=evil").unwrap();
    writeln!(stdin, "http://127.0.0.1:1/?state={state}&code=c0de").unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{rest}");
    let form = server.last_form("browser-client");
    assert_eq!((form["code"].as_str(), form["grant_type"].as_str()), ("c0de", "authorization_code"));
    assert!(form["code_verifier"].len() >= 43 && !rest.contains("c0de"), "{rest}");
}

#[test]
fn what_is_missing_is_named_with_its_place() {
    let sandbox = Sandbox::new();
    run(&sandbox, &["login", "rua"]).exits(1).says("dmarcstat/config.toml");
    configure(&sandbox, &[Account::plain("rua", 1, "u").set("password_env", "NO_SUCH_VARIABLE")]);
    run(&sandbox, &["login", "other"]).exits(1).says("it has rua");
    run(&sandbox, &["login", "rua"]).exits(1).says("password");
    let ran = run(&sandbox, &["check", "--format", "json"]).exits(1);
    let detail = ran.json()["findings"][0]["detail"].as_str().unwrap().to_owned();
    for part in ["config.toml: line ", "`password_env`", "NO_SUCH_VARIABLE is not set"] {
        assert!(detail.contains(part), "{detail}");
    }
}

#[test]
fn after_one_login_mail_is_fetched_without_anybody() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = dovecot.user("loggedin", Namespace::Dot);
    user.deliver("", &mail("one", "text/xml", "r.xml", Report::new("one").xml().as_bytes()));
    let server = &dovecot.tokens;
    server.grant("login-client", &[("by-code", 3600), ("by-refresh", 3600)]);
    server.refresh("login-client", "r3fresh");
    let account = Account::of(&user).oauth2_with(
        "xoauth2",
        &[
            ("grant", "device_code"),
            ("client_id", "login-client"),
            ("token_url", &server.url("token")),
            ("device_url", &server.url("device")),
        ],
    );
    let sandbox = Sandbox::new();
    configure(&sandbox, &[account]);
    run(&sandbox, &["fetch"]).exits(1).says("dmarcstat login rua");
    run(&sandbox, &["login", "rua"]).exits(0);
    // The provider takes the token back before its time: it is renewed, and nobody has to log in.
    server.allow("by-refresh", &user.name);
    let ran = run(&sandbox, &["fetch", "--format", "json"]).exits(0);
    assert_eq!(ran.json()["reports"]["new"], json!(1), "{ran}");
    let form = server.last_form("login-client");
    assert_eq!((form["grant_type"].as_str(), form["refresh_token"].as_str()), ("refresh_token", "r3fresh"));
    shows_no(&ran, &["by-code", "by-refresh", "r3fresh"]);
}

#[test]
fn the_server_s_word_on_a_mail_is_taken() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = dovecot.user("trusting", Namespace::Dot);
    for (id, says) in [("good", "pass"), ("bad", "fail")] {
        let field = format!("Authentication-Results: mx.example.com; dmarc={says} header.from=mailhaven.example\n");
        let mail = mail(id, "text/xml", "r.xml", Report::new(id).xml().as_bytes());
        user.deliver("", &[field.as_bytes(), &mail].concat());
    }
    let sandbox = Sandbox::new();
    configure(&sandbox, &[Account::of(&user).set("trusted_authserv_id", "mx.example.com")]);
    let ran = run(&sandbox, &["fetch", "--format", "json"]).exits(0);
    assert_eq!((&ran.json()["reports"]["new"], &ran.json()["untrusted"]), (&json!(2), &json!(1)), "{ran}");
    let ran = run(&sandbox, &["reports", "--since", "all", "--untrusted", "--format", "json"]).exits(0);
    assert_eq!(ran.json()["reports"][0]["report_id"], "bad", "{ran}");
}

#[test]
fn a_secret_that_ends_is_warned_of() {
    let server = TokenServer::start();
    server.grant("ending-client", &[("acc3ss", 3600)]);
    let sandbox = Sandbox::new();
    for (date, status, severity) in [("2020-01-01", 1, Some("error")), ("2999-01-01", 0, None)] {
        let account = account(&server, "ending-client", "client_credentials")
            .oauth2_also("client_secret_env", "TEST_PASSWORD")
            .oauth2_also("client_secret_expires", date);
        configure(&sandbox, &[account]);
        run(&sandbox, &["login", "rua"]).exits(0);
        let ran = run(&sandbox, &["check", "--offline", "--format", "json"]).exits(status);
        assert_eq!(ran.json()["accounts"][0]["client_secret_expires"], date, "{ran}");
        let found = ran.json()["findings"].as_array().unwrap().iter().find(|one| one["subject"] == "rua").cloned();
        assert_eq!(found.as_ref().map(|one| one["severity"].as_str().unwrap()), severity, "{ran}");
    }
}

#[test]
fn check_shows_accounts_as_they_are() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = dovecot.user("checked", Namespace::Slash);
    user.create("Reports.2026");
    let sandbox = Sandbox::new();
    let good = Account::of(&user).set("name", "good").folders(&["INBOX", "Reports/*"]);
    let missing = Account::of(&user).set("name", "missing").folders(&["INBOX", "Nowhere"]);
    let wrong = Account::of(&user).set("name", "wrong").set("password_env", "HOME");
    configure(&sandbox, &[good, missing, wrong]);

    let ran = run(&sandbox, &["check", "--format", "json"]).exits(1);
    let answer = ran.json();
    let login = |name: &str| {
        let accounts = answer["accounts"].as_array().unwrap();
        accounts.iter().find(|one| one["name"] == name).unwrap()["login"].clone()
    };
    assert_eq!((login("good"), login("missing"), login("wrong")), (json!("ok"), json!("ok"), json!("failed")));
    let about: Vec<_> =
        answer["findings"].as_array().unwrap().iter().map(|one| (&one["severity"], &one["subject"])).collect();
    let [error, warning] = [json!("error"), json!("warning")];
    assert_eq!(
        about,
        [(&error, &json!("missing")), (&error, &json!("wrong")), (&warning, &json!("database"))],
        "{ran}"
    );
    shows_no(&ran, &[PASSWORD]);
    // Of one account alone only what is wrong with it counts; a database is missing until the first fetch.
    let ran = run(&sandbox, &["check", "good", "--format", "json"]).exits(0);
    let folders = &ran.json()["accounts"][0]["folders"];
    let names: Vec<_> =
        folders.as_array().unwrap().iter().map(|one| one["folder"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["INBOX", "Reports/2026"], "{ran}");
    assert_eq!(folders[0]["last_uid"], Value::Null);

    user.deliver("", b"Message-ID: <one@example.com>\n\nHello\n");
    let quiet = run(&sandbox, &["fetch", "good", "-q"]).exits(0);
    assert!(quiet.stdout.is_empty() && quiet.stderr.is_empty(), "all went well\n{quiet}");
    let ran = run(&sandbox, &["check", "good", "--format", "json"]).exits(0);
    let account = &ran.json()["accounts"][0];
    assert_eq!(
        (&account["folders"][0]["last_uid"], &account["folders"][0]["uid_next"]),
        (&json!(1), &json!(2)),
        "{ran}"
    );
    assert!(account["last_success"].is_string() && account["last_error"].is_null(), "{ran}");
    assert_eq!(keys(&documented::example("`check`")), keys(&ran.json()), "docs/json.md");
    run(&sandbox, &["check", "good"]).exits(0);
    run(&sandbox, &["fetch", "wrong", "-q"]).exits(1);
    let ran = run(&sandbox, &["check", "--offline", "--format", "json"]).exits(0);
    assert!(ran.json()["accounts"][2]["last_error"]["text"].is_string(), "{ran}");
}

/// All keys of an answer, with the places at which they stand; of lists the first element speaks for all.
fn keys(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| {
                let below = keys(value).into_iter().map(move |one| format!("{key}.{one}"));
                [key.clone()].into_iter().chain(below)
            })
            .filter(|key| !key.contains("findings.") && !key.contains("last_error."))
            .collect(),
        Value::Array(list) => list.first().map(keys).unwrap_or_default(),
        _ => Vec::new(),
    }
}
