//! `dmarcstat login`.

use std::io::{BufRead, Write};
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome, Status};
use crate::config::account::Auth;
use crate::config::accounts;
use crate::oauth::TokenSource;
use crate::oauth::login::Task;
use crate::render::LoginAnswer;
use crate::report::period::rfc3339;
use crate::sanitize::sanitize;

/// Get an OAuth2 token for an account by hand, once
///
/// For accounts whose grant is device_code or authorization_code. The tokens are kept in a file that only you may read, and
/// renewed from then on without you. For the other grants it shows that a token can be had.
#[derive(Debug, clap::Args)]
pub(super) struct Login {
    /// The account, by its name in the configuration
    account: String,
}

impl Login {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        context.form_of::<LoginAnswer<'_>>()?;
        let [account] = accounts::select(&context.config, std::slice::from_ref(&self.account))?[..] else {
            return Err(Failure::Failed(anyhow!("there is no account {:?}", self.account)));
        };
        let Auth::OAuth(_, oauth) = &account.auth else {
            return Err(Failure::Failed(anyhow!(
                "the account {:?} logs in with a password; there is nothing to get",
                account.name
            )));
        };
        let mut tokens = accounts::tokens(&context.config, account, oauth)?;
        if tokens.settings().grant.needs_login() {
            // Who waits here is not heard: the thread ends with the program.
            let (paste, pasted) = channel();
            std::thread::spawn(move || {
                for line in std::io::stdin().lock().lines() {
                    let Ok(line) = line else { return };
                    if paste.send(line).is_err() {
                        return;
                    }
                }
            });
            tokens.log_in(&mut tell, &pasted).map_err(anyhow::Error::from)?;
        } else {
            tokens.access_token(true).map_err(anyhow::Error::from)?;
        }
        let path = tokens.cache().path().display().to_string();
        let kept = tokens.kept().map_err(anyhow::Error::from)?;
        let expires = kept.map(|kept| rfc3339(kept.expires));
        let done = LoginAnswer { account: &self.account, kept_in: &path, access_token_expires: expires };
        context.show(&done)?;
        Ok(Status::Done)
    }
}

/// Says what to do. It is not a result, and it must be seen even where results go to a file.
fn tell(task: &Task<'_>) {
    let text = match task {
        Task::TypeCode { page, code, complete, within } => {
            let short = complete.map(|page| format!("\nor open {} and confirm the code", sanitize(page)));
            format!(
                "Open  {}\ntype  {}{}\n\nWaiting for {} …",
                sanitize(page),
                sanitize(code),
                short.unwrap_or_default(),
                minutes(*within)
            )
        }
        Task::OpenPage { page, port, within } => format!(
            "Open this page in a browser on this machine:\n\n{}\n\nOn a machine without one, open it anywhere; the browser ends at an \
             address that begins with http://…:{port}/\nand shows nothing. Paste that address here and press Enter (or forward \
             the port: ssh -L {port}:127.0.0.1:{port} …).\n\nWaiting for {} …",
            sanitize(page),
            minutes(*within)
        ),
    };
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn minutes(time: Duration) -> String {
    match time.as_secs().div_ceil(60) {
        1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}
