//! Connecting and logging in.

use super::account::{Account, configure, fetch, fetch_from};
use super::dovecot::{Dovecot, EXPIRED, Namespace, OTHER_NAME, PASSWORD, STRANGER, User, WITHOUT_TLS};
use super::{report_mail, reports};
use crate::harness::{Ran, Sandbox};

/// A user with one report in the inbox.
fn user_with_mail<'a>(dovecot: &'a Dovecot, name: &str) -> User<'a> {
    let user = dovecot.user(name, Namespace::Dot);
    user.deliver("", &report_mail(1));
    user
}

#[track_caller]
fn fetches_one(ran: Ran) {
    let answer = ran.exits(0).json();
    assert_eq!(reports(&answer), (1, 0), "{answer:#}");
}

/// Nothing was fetched; the message says so in these words, and never the password.
#[track_caller]
fn refuses(ran: Ran, words: &[&str]) {
    let ran = ran.exits(1);
    for text in [&ran.stderr, &String::from_utf8_lossy(&ran.stdout).into_owned()] {
        assert!(!text.contains("correct horse"), "the password shows\n{ran}");
    }
    let text = ran.stderr.to_lowercase();
    assert!(words.iter().all(|word| text.contains(&word.to_lowercase())), "{words:?} are missing\n{ran}");
}

#[test]
fn a_password_over_tls() {
    let Some(dovecot) = Dovecot::shared() else { return };
    fetches_one(fetch_from(&Sandbox::new(), Account::of(&user_with_mail(dovecot, "tls"))));
}

#[test]
fn a_password_over_starttls() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = user_with_mail(dovecot, "starttls");
    fetches_one(fetch_from(&Sandbox::new(), Account::of(&user).start_tls(dovecot)));
    assert!(dovecot.log().contains(&format!("user=<{}>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1", user.name)));
    let line =
        dovecot.log().lines().find(|line| line.contains(&format!("Login: user=<{}>", user.name))).map(str::to_owned);
    assert!(line.as_deref().unwrap_or("").contains("TLS"), "{line:?}");
}

#[test]
fn plain_text_to_this_machine() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = user_with_mail(dovecot, "plain");
    fetches_one(fetch_from(&Sandbox::new(), Account::plain("rua", dovecot.imap, &user.name)));
}

#[test]
fn an_account_without_a_configuration() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let sandbox = Sandbox::new();
    let user = user_with_mail(dovecot, "url");
    let url = format!("imaps://{}@127.0.0.1:{}/INBOX", user.name.replace('@', "%40"), dovecot.imaps);
    sandbox.write("password", format!("{PASSWORD}\n"));
    let ca_file = dovecot.ca_file();
    let arguments =
        ["--account-url", &url, "--password-command", "cat password", "--ca-file", ca_file.to_str().unwrap()];
    fetches_one(fetch(&sandbox, &arguments));
}

#[test]
fn a_wrong_password() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let sandbox = Sandbox::new();
    let user = user_with_mail(dovecot, "wrong");
    configure(&sandbox, &[Account::of(&user)]);
    let mut command = super::account::fetch_command(&sandbox, &[]);
    command.env("TEST_PASSWORD", "not the correct horse");
    refuses(Ran::of(command), &["rua", "password"]);
}

#[test]
fn certificates_that_must_not_be_believed() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = user_with_mail(dovecot, "certificates");
    for (face, words) in [
        (EXPIRED, &["rua", "expired"][..]),
        (OTHER_NAME, &["rua", "certificate", OTHER_NAME, "imap.example.net"]),
        (STRANGER, &["rua", "certificate", "ca_file"]),
    ] {
        for account in [Account::of(&user), Account::of(&user).start_tls(dovecot)] {
            refuses(fetch_from(&Sandbox::new(), account.set("host", face)), words);
        }
    }
    let unknown = user_with_mail(dovecot, "unknown");
    // The authority of the tests is unknown to the system.
    let mut account = Account::of(&unknown);
    account = account.without("ca_file");
    refuses(fetch_from(&Sandbox::new(), account), &["rua", "certificate", "ca_file"]);
    assert!(!dovecot.log().contains(&format!("Login: user=<{}>", unknown.name)));
}

#[test]
fn a_server_without_starttls_is_refused() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = user_with_mail(dovecot, "nostarttls");
    let account = Account::of(&user).start_tls(dovecot).set("host", WITHOUT_TLS);
    refuses(fetch_from(&Sandbox::new(), account), &["rua", "STARTTLS"]);
    assert!(!dovecot.log().contains(&format!("user=<{}>", user.name)), "the password went out in plain text");
}

#[test]
fn plain_text_is_refused_elsewhere() {
    // An address that belongs to nobody (RFC 5737); and nothing is sent to it.
    let account = Account::plain("rua", 143, "someone").set("host", "192.0.2.1");
    refuses(fetch_from(&Sandbox::new(), account), &["allow_plaintext", "tls", "line "]);
}

#[test]
fn tokens_by_both_mechanisms() {
    let Some(dovecot) = Dovecot::shared() else { return };
    for mechanism in ["xoauth2", "oauthbearer"] {
        let sandbox = Sandbox::new();
        let user = user_with_mail(dovecot, mechanism);
        let token = format!("token-of-{}", user.name);
        dovecot.tokens.allow(&token, &user.name);
        dovecot.tokens.grant(&user.name, &[(&token, 3600)]);
        let account = Account::of(&user).oauth2(mechanism, &dovecot.tokens.url("token"), &user.name);
        fetches_one(fetch_from(&sandbox, account.clone()));
        // The token is kept for the next run.
        assert_eq!(reports(&fetch_from(&sandbox, account).exits(0).json()), (0, 0));
        assert_eq!(dovecot.tokens.asked(&user.name), 1, "{mechanism}");
    }
}

#[test]
fn a_token_that_the_server_no_longer_takes_is_renewed() {
    let Some(dovecot) = Dovecot::shared() else { return };
    for mechanism in ["xoauth2", "oauthbearer"] {
        let sandbox = Sandbox::new();
        let user = user_with_mail(dovecot, mechanism);
        let (first, second) = (format!("first-of-{}", user.name), format!("second-of-{}", user.name));
        dovecot.tokens.allow(&first, &user.name);
        dovecot.tokens.allow(&second, &user.name);
        dovecot.tokens.grant(&user.name, &[(&first, 3600), (&second, 3600)]);
        let account = Account::of(&user).oauth2(mechanism, &dovecot.tokens.url("token"), &user.name);
        fetches_one(fetch_from(&sandbox, account.clone()));
        dovecot.tokens.revoke(&first);
        user.deliver("", &report_mail(2));
        // It was kept and looks good for an hour; the server knows better.
        fetches_one(fetch_from(&sandbox, account));
        assert_eq!(dovecot.tokens.asked(&user.name), 2, "{mechanism}");
    }
}

#[test]
fn a_token_for_nothing() {
    let Some(dovecot) = Dovecot::shared() else { return };
    for mechanism in ["xoauth2", "oauthbearer"] {
        let user = user_with_mail(dovecot, mechanism);
        dovecot.tokens.grant(&user.name, &[("worthless-token", 3600)]);
        let account = Account::of(&user).oauth2(mechanism, &dovecot.tokens.url("token"), &user.name);
        let ran = fetch_from(&Sandbox::new(), account);
        assert!(!ran.stderr.contains("worthless-token"), "{ran}");
        refuses(ran, &["rua", "token"]);
    }
}

#[test]
fn a_client_that_the_token_server_does_not_know() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = user_with_mail(dovecot, "client");
    let account = Account::of(&user).oauth2("xoauth2", &dovecot.tokens.url("token"), "nobody-knows-me");
    refuses(fetch_from(&Sandbox::new(), account), &["rua", "no such client", "client_id"]);
}
