//! What came of fetching.

use serde::Serialize;
use serde_json::{Value, json};

use super::document::Document;
use super::form::Answer;
use super::ingest::{IngestAnswer, facts, sentence};
use crate::fetch::{AccountSummary, FolderSummary};
use crate::ingest::IngestSummary;
use crate::words::{grouped, plural};

/// What came of fetching from some accounts.
pub struct FetchAnswer<'a> {
    /// Each account.
    pub accounts: &'a [AccountSummary],
    /// All mail together.
    pub ingested: &'a IngestSummary,
    /// How long it took.
    pub seconds: f64,
}

impl Answer for FetchAnswer<'_> {
    fn data(&self) -> impl Serialize {
        let mut value = facts("dmarcstat/fetch/1", self.ingested, self.seconds);
        if let Value::Object(object) = &mut value {
            object.insert("accounts".to_owned(), json!(self.accounts));
        }
        value
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        for account in self.accounts.iter().filter(|account| !account.folders.is_empty()) {
            document.line(format!("{}: {}", account.name, folders(account)));
        }
        document.extend(IngestAnswer { summary: self.ingested, seconds: self.seconds }.document());
        document
    }
}

/// What was done in the folders of an account, in one line.
fn folders(account: &AccountSummary) -> String {
    let sum = |of: fn(&FolderSummary) -> u64| account.folders.iter().map(of).sum::<u64>();
    let mut parts = vec![format!(
        "{} fetched from {} in {}",
        plural(sum(|folder| folder.fetched), "mail"),
        grouped(sum(|folder| u64::from(folder.mails))),
        plural(account.folders.len() as u64, "folder"),
    )];
    for (number, what) in [
        (sum(|folder| folder.oversized), "too large to fetch"),
        (sum(|folder| folder.vanished), "gone meanwhile"),
        (sum(|folder| folder.passed_over), "passed over as old"),
        (sum(|folder| folder.seen), "marked as read"),
        (sum(|folder| folder.moved), "moved"),
        (sum(|folder| folder.deleted), "deleted"),
        (sum(|folder| folder.left_to_do), "still to be marked, moved or deleted"),
    ] {
        if number > 0 {
            parts.push(format!("{} {what}", grouped(number)));
        }
    }
    for folder in account.folders.iter().filter(|folder| folder.replaced) {
        parts.push(format!("{} was replaced on the server and read again", folder.name));
    }
    parts.join(", ")
}

/// What came of one round through an account, in one line for a log.
#[must_use]
pub fn fetch_line(account: &AccountSummary, ingested: &IngestSummary) -> String {
    format!("{}: {}; {}", account.name, folders(account), sentence(ingested))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::FailureSummary;
    use crate::render::{Form, Style};

    fn accounts() -> [AccountSummary; 2] {
        let inbox = FolderSummary {
            name: "INBOX".to_owned(),
            uid_validity: 1_795_567_896,
            mails: 487,
            fetched: 487,
            moved: 484,
            ..FolderSummary::default()
        };
        let refused = FailureSummary {
            step: "logging in".to_owned(),
            reason: "the server refused the login (“Authentication failed.”): check `user` and the password; \
                     many servers want the whole address as the user"
                .to_owned(),
            advises: true,
        };
        [
            AccountSummary { name: "rua".to_owned(), folders: vec![inbox], finished: 1, ..AccountSummary::default() },
            AccountSummary { name: "old".to_owned(), failures: vec![refused], ..AccountSummary::default() },
        ]
    }

    fn written(accounts: &[AccountSummary], form: Form) -> String {
        let ingested = IngestSummary { inputs: 487, mails: 487, new: 480, ..IngestSummary::default() };
        let mut out = Vec::new();
        let style = Style { width: 120, color: false, unicode: true };
        form.write(&FetchAnswer { accounts, ingested: &ingested, seconds: 1.5 }, &style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn accounts_are_as_documented() {
        let section = include_str!("../../docs/json.md").split("`dmarcstat/fetch/1`").nth(1).unwrap();
        let example = section.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let example: Value = serde_json::from_str(example).unwrap();
        let answer: Value = serde_json::from_str(&written(&accounts(), Form::Json)).unwrap();
        assert_eq!(answer["schema"], "dmarcstat/fetch/1");
        assert_eq!(answer["accounts"], example["accounts"]);
    }

    #[test]
    fn for_people_one_line_an_account_and_nothing_that_escapes() {
        let mut accounts = accounts();
        accounts[0].folders[0].name = "IN\x1bBOX".to_owned();
        accounts[0].folders[0].replaced = true;
        accounts[0].folders[0].vanished = 1234;
        insta::assert_snapshot!(written(&accounts, Form::Table), @"
        rua: 487 mails fetched from 487 in 1 folder, 1,234 gone meanwhile, 484 moved, IN<1b>BOX was replaced on the server and read again
        487 inputs: 480 reports new; 0 records, 0 messages (1.5 s)
        ");
    }
}
