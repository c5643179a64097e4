//! Logging in: by password or access token, in whichever way the server offers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::account::{Account, Credentials, Mechanism};
use super::error::{Error, Result};
use super::response::{Code, Response};
use super::session::{Part, Session};
use super::stream::Patience;
use super::wire::Cap;

impl Session {
    /// Connects and logs in.
    ///
    /// # Errors
    /// See [`Error`]; of the step before when the connection was not there yet.
    pub fn log_in(account: &mut Account, patience: &Patience) -> std::result::Result<Self, super::error::Failure> {
        use super::error::Step;
        let mut session = Session::open(account, patience).map_err(|error| {
            let securing =
                matches!(error, Error::Tls { .. } | Error::CaFile { .. } | Error::NoStartTls | Error::Injected);
            error.at(if securing { Step::Secure } else { Step::Connect })
        })?;
        if !session.known {
            session.authenticate(account).map_err(|error| error.at(Step::LogIn))?;
        }
        Ok(session)
    }

    fn authenticate(&mut self, account: &mut Account) -> Result<()> {
        let host = account.host.clone();
        let password = matches!(account.credentials, Credentials::Password(_));
        let refused = |error| match error {
            Error::Refused { code, text } if !is_passing(&code, &text) => {
                let advice = advice(&host, &code, &text, password);
                Error::Login { text, advice }
            }
            other => other,
        };
        match &mut account.credentials {
            Credentials::Password(password) => {
                let password = password.clone();
                self.by_password(&account.user, password.expose_secret()).map_err(refused)?;
            }
            Credentials::OAuth { mechanism, tokens } => {
                let mechanism = *mechanism;
                let token = tokens.access_token(false)?;
                let line = |token: &str| bearer(mechanism, &account.user, &account.host, account.port, token);
                self.secrets.add(token.expose_secret());
                match self.by_token(mechanism, line(token.expose_secret())) {
                    // A token may be taken back before its time: once more with a new one.
                    Err(Error::Refused { code, text }) if !is_passing(&code, &text) => {
                        let token = tokens.access_token(true)?;
                        self.secrets.add(token.expose_secret());
                        self.by_token(mechanism, line(token.expose_secret())).map_err(refused)?;
                    }
                    other => other.map_err(refused)?,
                }
            }
        }
        Ok(())
    }

    fn by_password(&mut self, user: &str, password: &str) -> Result<()> {
        self.secrets.add(password);
        if self.can("AUTH=PLAIN")? {
            let plain = Zeroizing::new(format!("\0{user}\0{password}"));
            return self.sasl("PLAIN", &BASE64.encode(plain.as_bytes()), "");
        }
        if self.can("LOGINDISABLED")? {
            let offered = self.offered()?;
            return Err(Error::NoMechanism { wanted: "login by password", offered });
        }
        self.log_in_by(&[Part::Plain("LOGIN"), Part::Text(user.as_bytes()), Part::Text(password.as_bytes())])
    }

    fn by_token(&mut self, mechanism: Mechanism, response: Zeroizing<String>) -> Result<()> {
        // An error comes as a request to go on, which wants an answer before the refusal follows.
        let (name, after_error) = match mechanism {
            Mechanism::XOAuth2 => ("XOAUTH2", ""),
            Mechanism::OAuthBearer => ("OAUTHBEARER", "AQ=="),
        };
        if !self.can(&format!("AUTH={name}"))? {
            let offered = self.offered()?;
            return Err(Error::NoMechanism { wanted: name, offered });
        }
        self.sasl(name, &BASE64.encode(response.as_bytes()), after_error)
    }

    /// The ways to log in that the server offers.
    fn offered(&mut self) -> Result<String> {
        let mut ways: Vec<_> =
            self.capabilities()?.iter().filter_map(|word| word.strip_prefix("AUTH=")).map(str::to_owned).collect();
        if !self.can("LOGINDISABLED")? {
            ways.push("LOGIN".to_owned());
        }
        Ok(if ways.is_empty() { "nothing".to_owned() } else { ways.join(", ") })
    }

    fn log_in_by(&mut self, parts: &[Part<'_>]) -> Result<()> {
        let mut words = Vec::new();
        let code = self.run(parts, &mut |response| match response {
            Response::Capability(found) => {
                words = found;
                false
            }
            _ => false,
        })?;
        self.after_login(&code, words);
        Ok(())
    }

    /// What the server can do may be more after a login; where it has not said, it will be asked.
    fn after_login(&mut self, code: &Code, words: Vec<String>) {
        if code.name != "CAPABILITY" {
            self.set_capabilities(words);
        }
    }

    /// AUTHENTICATE with one response (RFC 3501 §6.2.2), sent at once where the server allows that (RFC 4959).
    fn sasl(&mut self, mechanism: &str, response: &str, after_error: &str) -> Result<()> {
        let at_once = self.can("SASL-IR")?;
        let mut parts = vec![Part::Plain("AUTHENTICATE"), Part::Plain(mechanism)];
        if at_once {
            parts.push(Part::Plain(response));
        }
        let tag = self.send(&parts)?;
        if !at_once {
            self.go_on(&tag)?;
            self.send_line(response)?;
        }
        let mut words = Vec::new();
        let mut reason = String::new();
        let mut deadline = self.deadline();
        let code = loop {
            match self.next(Cap::SMALL, &mut deadline)? {
                Response::Continue(text) => {
                    reason = BASE64.decode(text.trim()).map(|bytes| said_of_token(&bytes)).unwrap_or_default();
                    self.send_line(after_error)?;
                    deadline.useless()?;
                }
                Response::Capability(found) => words = found,
                Response::State { tag: Some(done), state, code, text } if done == tag => {
                    match self.done(state, code, text) {
                        Err(Error::Refused { code, text }) => {
                            let text = [text, reason].join(" ").trim().to_owned();
                            return Err(Error::Refused { code, text });
                        }
                        other => break other?,
                    }
                }
                _ => deadline.useless()?,
            }
        };
        self.after_login(&code, words);
        Ok(())
    }
}

/// The response of a mechanism that hands over an access token.
fn bearer(mechanism: Mechanism, user: &str, host: &str, port: u16, token: &str) -> Zeroizing<String> {
    Zeroizing::new(match mechanism {
        Mechanism::XOAuth2 => format!("user={user}\x01auth=Bearer {token}\x01\x01"),
        // In a GS2 header `,` and `=` are written out (RFC 5801 §4).
        Mechanism::OAuthBearer => {
            let user = user.replace('=', "=3D").replace(',', "=2C");
            format!("n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01")
        }
    })
}

/// The error in the JSON that comes when a token is not taken (RFC 7628 §3.2.2).
fn said_of_token(json: &[u8]) -> String {
    let status = serde_json::from_slice::<serde_json::Value>(json)
        .ok()
        .and_then(|value| value.get("status").map(|status| status.to_string().trim_matches('"').to_owned()));
    status.map_or(String::new(), |status| format!("(status {})", status.chars().take(40).collect::<String>()))
}

/// Whether a login may succeed a little later.
fn is_passing(code: &str, text: &str) -> bool {
    matches!(code, "UNAVAILABLE" | "INUSE" | "LIMIT" | "SERVERBUG")
        || (code.is_empty() && super::error::is_throttle(text))
}

/// What to do about a refused login.
fn advice(host: &str, code: &str, text: &str, password: bool) -> String {
    let host = host.to_ascii_lowercase();
    let lower = text.to_ascii_lowercase();
    let microsoft =
        [".office365.com", ".office.com", ".outlook.com", ".microsoft.com", ".office365.us", ".partner.outlook.cn"]
            .iter()
            .any(|domain| host.ends_with(domain));
    let google = host.ends_with("gmail.com") || host.ends_with("googlemail.com") || host.ends_with(".google.com");
    match () {
        () if microsoft && password => {
            "Microsoft 365 takes no passwords for IMAP any more; set provider = \"microsoft365\" and [account.oauth2], see docs/oauth.md"
        }
        () if microsoft && lower.contains("not connected") => {
            "the token is good, but this application has no right to the mailbox, or IMAP is switched off for it; see docs/oauth.md on Add-MailboxPermission"
        }
        () if microsoft => {
            "check that `user` is the mailbox's address, and that the application has IMAP.AccessAsApp, a service principal in Exchange and a right to the mailbox, see docs/oauth.md"
        }
        () if google && password => {
            "Google takes an app password only, and only where the administrator allows it; else set provider = \"google\" and [account.oauth2], see docs/oauth.md"
        }
        () if google => "check `user`, the scope https://mail.google.com/ and that IMAP is switched on for the user, see docs/oauth.md",
        () if code == "EXPIRED" => "the password has expired; set a new one",
        () if code == "PRIVACYREQUIRED" => "the server wants a secured connection; set tls",
        () if code == "AUTHORIZATIONFAILED" => "the password is good, but the user may not use this mailbox; ask the server's administrator",
        () if password => "check `user` and the password; many servers want the whole address as the user",
        () => "check `user`, and that the token is for this server (scope, audience); `dmarcstat login` gets a new one",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearers_as_their_documents_say() {
        let line = bearer(Mechanism::XOAuth2, "a@b.example", "h", 993, "t");
        assert_eq!(line.as_str(), "user=a@b.example\x01auth=Bearer t\x01\x01");
        let line = bearer(Mechanism::OAuthBearer, "a,b=c", "h", 993, "t");
        assert_eq!(line.as_str(), "n,a=a=2Cb=3Dc,\x01host=h\x01port=993\x01auth=Bearer t\x01\x01");
        assert_eq!(said_of_token(br#"{"status":"invalid_token","scope":"x"}"#), "(status invalid_token)");
        assert_eq!(said_of_token(b"nonsense"), "");
    }

    #[test]
    fn advice_for_the_large_providers() {
        let microsoft = advice("outlook.office365.com", "", "LOGIN failed.", true);
        assert!(microsoft.contains("oauth2") && microsoft.contains("docs/oauth.md"), "{microsoft}");
        let connected = advice("outlook.office365.com", "", "User is authenticated but not connected.", false);
        assert!(connected.contains("Add-MailboxPermission"), "{connected}");
        assert!(advice("imap.gmail.com", "ALERT", "Invalid credentials", true).contains("app password"));
        assert!(advice("mail.example", "AUTHENTICATIONFAILED", "", true).contains("password"));
        assert!(is_passing("", "Too many simultaneous connections. (Failure)") && !is_passing("", "Invalid"));
    }
}
