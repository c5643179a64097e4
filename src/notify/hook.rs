//! A message to a web hook: JSON posted to an address, in the form that the other side reads.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::agent;
use crate::report::shorten;
use crate::secrets::Secrets;

/// All tries together take no longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// One try takes no longer.
const ONE_TRY: Duration = Duration::from_secs(15);
/// How long to wait before each further try.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(12)];
/// Chat services refuse longer texts.
const LONGEST: usize = 3500;

/// What the other side reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HookForm {
    /// The answer as `--format json` writes it
    #[default]
    Json,
    /// A message for Slack, and for what takes the same (Mattermost, Rocket.Chat)
    Slack,
    /// A card for Microsoft Teams (Workflows)
    Teams,
}

impl HookForm {
    /// What is posted: the answer as data, or its text.
    pub(crate) fn body(self, data: Value, title: &str, text: &str) -> Value {
        let text = shortened(text);
        match self {
            HookForm::Json => data,
            // Within a fence nothing is markup; a fence of a stranger's would end it.
            HookForm::Slack => {
                json!({ "text": format!("*{}*\n```{}```", slack(title), slack(&text).replace('`', "'")) })
            }
            HookForm::Teams => json!({
                "type": "message",
                "attachments": [{
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "content": {
                        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                        "type": "AdaptiveCard",
                        "version": "1.4",
                        "body": [
                            { "type": "TextBlock", "text": title, "weight": "Bolder", "wrap": true },
                            { "type": "TextBlock", "text": text, "fontType": "Monospace", "wrap": true },
                        ],
                    },
                }],
            }),
        }
    }
}

/// Slack reads three characters as markup.
fn slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn shortened(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let begin = shorten(text, LONGEST);
    let whole = begin.rfind('\n').map_or(begin, |line| &begin[..line]);
    format!("{whole}\n… shortened: `dmarcstat changes` has it whole")
}

/// Whether nobody on the way can read what is posted to an address: by its beginning.
pub(crate) fn is_safe(url: &str) -> bool {
    let local = [
        "http://127.0.0.1:",
        "http://127.0.0.1/",
        "http://[::1]:",
        "http://[::1]/",
        "http://localhost:",
        "http://localhost/",
    ];
    url.starts_with("https://") || local.iter().any(|begin| url.starts_with(begin) && !url.contains('@'))
}

/// Posts to an address; tries again where the other side is busy or away. The address may be a secret and is in no error.
///
/// # Errors
/// What the other side said last.
pub(crate) fn post(url: &str, body: &Value) -> anyhow::Result<()> {
    let mut secrets = Secrets::default();
    secrets.add(url);
    let agent = agent(ONE_TRY);
    let begin = Instant::now();
    let mut pauses = PAUSES.iter();
    loop {
        let error = match agent.post(url).send_json(body) {
            Ok(response) if response.status().is_success() => return Ok(()),
            Ok(response) => {
                let status = response.status();
                let error = anyhow!("the web hook answered {status}");
                if !(status.is_server_error() || status == 429 || status == 408) {
                    return Err(error);
                }
                error
            }
            Err(error) => anyhow!("the web hook cannot be reached: {}", secrets.hide(&error.to_string())),
        };
        match pauses.next() {
            Some(pause) if begin.elapsed() + *pause < PATIENCE => std::thread::sleep(*pause),
            _ => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_told_without_tls() {
        assert!(is_safe("https://hooks.example.com/a") && is_safe("http://127.0.0.1:8080/a"));
        assert!(!is_safe("http://hooks.example.com/a") && !is_safe("http://127.0.0.1:80@example.com/"));
        assert!(!is_safe("http://localhost.example.com/") && !is_safe("ftp://localhost/"));
    }

    #[test]
    fn strangers_write_no_markup() {
        let body = HookForm::Slack.body(Value::Null, "1 <!channel>", "``` <@U1> &");
        let text = body["text"].as_str().unwrap();
        assert_eq!(text, "*1 &lt;!channel&gt;*\n```''' &lt;@U1&gt; &amp;```");
    }

    #[test]
    fn long_texts_are_shortened_at_a_line() {
        let long = "a line — of text\n".repeat(1000);
        let text = shortened(&long);
        assert!(text.len() < LONGEST + 100 && text.contains("of text\n… shortened"), "{}", text.len());
    }
}
