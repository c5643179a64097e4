//! A mail in two forms, text and HTML, sent through the machine's `sendmail` or through a server by SMTP.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls as TlsUse, TlsParameters};
use lettre::{Message, SmtpTransport, Transport as _};
use secrecy::{ExposeSecret as _, SecretString};

use crate::secrets::Secrets;
use crate::source::imap::account::Tls;
use crate::words::hex;

/// A server that says nothing for this time is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where `sendmail` is, beside the search path, which cron keeps short.
const SENDMAIL: [&str; 2] = ["/usr/sbin/sendmail", "/usr/lib/sendmail"];

/// A mail to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    /// Who it is from: an address, with or without a name.
    pub(crate) from: String,
    /// Who it is to.
    pub(crate) to: Vec<String>,
    /// What it is about. Line ends in it are none.
    pub(crate) subject: String,
    /// What it says, as text.
    pub(crate) text: String,
    /// The same as a page.
    pub(crate) page: String,
}

/// What takes mail.
#[derive(Debug)]
pub(crate) enum Sender {
    /// The machine's own, by a program.
    Sendmail(PathBuf),
    /// A server.
    Smtp(Server),
}

/// A server that takes mail.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its name or address.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// How the connection is protected.
    pub(crate) tls: Tls,
    /// Certificates that are trusted besides those of the system, in PEM.
    pub(crate) ca_file: Option<PathBuf>,
    /// User and password.
    pub(crate) login: Option<(String, SecretString)>,
}

/// Says to programs that answer mail that they need not (RFC 3834).
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Letter {
    /// The mail as it is sent.
    fn message(&self) -> anyhow::Result<Message> {
        let mailbox = |text: &String| text.parse::<Mailbox>().with_context(|| format!("{text:?} is not an address"));
        let from = mailbox(&self.from)?;
        let domain = from.email.domain().to_owned();
        let mut builder = Message::builder().from(from);
        for to in &self.to {
            builder = builder.to(mailbox(to)?);
        }
        let subject: String = self.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut id = [0; 12];
        getrandom::fill(&mut id).map_err(|error| anyhow!("no random number: {error}"))?;
        let id = hex(&id);
        let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(self.text.clone());
        let page = SinglePart::builder().header(ContentType::TEXT_HTML).body(self.page.clone());
        builder
            .subject(subject)
            .message_id(Some(format!("<{id}@{domain}>")))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative().singlepart(text).singlepart(page))
            .context("the mail cannot be written")
    }
}

impl Sender {
    /// The machine's `sendmail`, where it is.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn of_machine() -> anyhow::Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let usual = std::env::split_paths(&path).map(|folder| folder.join("sendmail"));
        usual.chain(SENDMAIL.map(PathBuf::from)).find(|program| program.is_file()).map(Sender::Sendmail).ok_or_else(
            || {
                anyhow!(
                    "there is no sendmail on this machine; name a server with `host` in [mail] of the configuration"
                )
            },
        )
    }

    /// Sends a letter.
    ///
    /// # Errors
    /// What the program or the server said, without the password.
    pub(crate) fn send(&self, letter: &Letter) -> anyhow::Result<()> {
        let message = letter.message()?;
        match self {
            Sender::Sendmail(program) => {
                hand_over(program, &message).with_context(|| format!("{} did not take the mail", program.display()))
            }
            Sender::Smtp(server) => server.send(&message),
        }
    }
}

/// Gives a mail to a program that takes it on standard input, with the recipients after its options.
fn hand_over(program: &Path, message: &Message) -> anyhow::Result<()> {
    let envelope = message.envelope();
    let mut command = Command::new(program);
    command.arg("-i").args(envelope.from().into_iter().flat_map(|from| ["-f".to_owned(), from.to_string()]));
    command.arg("--").args(envelope.to().iter().map(ToString::to_string));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let written = child.stdin.take().map_or(Ok(()), |mut input| input.write_all(&message.formatted()));
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::bail!("{}: {}", output.status, said.trim().lines().next().unwrap_or("it does not say why"));
    }
    Ok(written?)
}

impl Server {
    fn send(&self, message: &Message) -> anyhow::Result<()> {
        let tls = match self.tls {
            Tls::None => TlsUse::None,
            Tls::StartTls => TlsUse::Required(self.parameters()?),
            Tls::Implicit => TlsUse::Wrapper(self.parameters()?),
        };
        let mut builder = SmtpTransport::builder_dangerous(&self.host).port(self.port).tls(tls).timeout(Some(PATIENCE));
        let mut secrets = Secrets::default();
        if let Some((user, password)) = &self.login {
            secrets.add(password.expose_secret());
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        // What a server says back may hold what it was told.
        builder.build().send(message).map(drop).map_err(|error| {
            let said = format!("{:#}", anyhow!(error));
            anyhow!("{}:{} did not take the mail: {}", self.host, self.port, secrets.hide(&said))
        })
    }

    fn parameters(&self) -> anyhow::Result<TlsParameters> {
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(file) = &self.ca_file {
            builder = builder.add_root_certificate(certificate(file)?);
        }
        builder.build().with_context(|| format!("TLS to {} cannot be set up", self.host))
    }
}

fn certificate(file: &Path) -> anyhow::Result<Certificate> {
    let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Certificate::from_pem(&pem).with_context(|| format!("{} holds no certificate", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            from: "DMARC <dmarc@example.com>".to_owned(),
            to: vec!["postmaster@example.com".to_owned()],
            subject: "Summary\r\nBcc: everybody@example.net".to_owned(),
            text: "all is well".to_owned(),
            page: "<p>all is well</p>".to_owned(),
        }
    }

    #[test]
    fn a_letter_has_both_forms_and_no_field_of_a_stranger() {
        let text = String::from_utf8(letter().message().unwrap().formatted()).unwrap();
        for part in ["multipart/alternative", "text/plain", "text/html", "Auto-Submitted: auto-generated", "Date: "] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
    }

    #[test]
    fn what_is_no_address_is_said() {
        let error = Letter { to: vec!["nobody".to_owned()], ..letter() }.message().unwrap_err();
        assert!(format!("{error:#}").contains("\"nobody\""), "{error:#}");
    }
}
