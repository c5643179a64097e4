//! A mail program of somebody else: another implementation of IMAP, that fills mailboxes and looks at them.

use std::net::TcpStream;

use super::dovecot::{GOOD, PASSWORD, User};

/// A session of a user, in plain text.
pub(crate) fn log_in(user: &User<'_>) -> imap::Session<TcpStream> {
    let stream = TcpStream::connect((GOOD, user.dovecot().imap)).expect("the server listens");
    let mut client = imap::Client::new(stream);
    client.read_greeting().expect("a greeting");
    client.login(&user.name, PASSWORD).map_err(|(error, _)| error).expect("a login")
}

/// Message-IDs and flags of the mails in a folder, sorted. Their bodies are not touched.
pub(crate) fn look(session: &mut imap::Session<TcpStream>, folder: &str) -> Vec<(String, String)> {
    session.examine(folder).expect("the folder is there");
    let fetched = session.fetch("1:*", "(UID FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])").expect("mails");
    let mut found: Vec<_> = fetched
        .iter()
        .map(|mail| {
            let header = String::from_utf8_lossy(mail.header().unwrap_or_default()).into_owned();
            let id = header.split(['<', '@']).nth(1).unwrap_or("").to_owned();
            let mut flags: Vec<String> = mail.flags().iter().map(ToString::to_string).collect();
            flags.retain(|flag| flag != "\\Recent");
            (id, flags.join(" "))
        })
        .collect();
    found.sort();
    found
}
