//! Fetching from mail servers: a real one, one behind a bad line, and ones that lie.

#![allow(dead_code, reason = "the tests that use all of this come with the command")]

mod account;
mod certificates;
mod dovecot;
mod line;
mod proxy;
mod server;
mod token_server;
mod tokens;

#[test]
fn a_mail_server_can_be_started() {
    let Some(dovecot) = dovecot::Dovecot::shared() else { return };
    let user = dovecot.user("anyone", dovecot::Namespace::Dot);
    user.deliver("", b"Message-ID: <one@example.com>\n\nHello\n");
    assert_eq!(user.mails()[0].id, "one@example.com");
}
