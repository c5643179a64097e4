//! Finding folders by the names that people write, whatever the server's namespace and separator (RFC 2342).

use super::error::{Error, Result};
use super::response::{Response, Value};
use super::session::{Part, Session};
use super::utf7;

/// Folders of one account.
const MOST: usize = 20_000;
/// Names shown where one is missing.
const SHOWN: usize = 12;

/// A folder on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its name as people read it, with the server's separator.
    pub name: String,
    /// Its name as the server sends it.
    pub(super) sent: Vec<u8>,
    /// No mail can be in it.
    closed: bool,
}

/// Where the user's own folders are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Namespace {
    /// What stands before the name of every folder but INBOX.
    prefix: String,
    /// What stands between levels; nothing where there are none.
    separator: Option<char>,
}

impl Namespace {
    /// The ways in which a name may stand on the server, the likeliest first.
    fn candidates(&self, written: &str) -> Vec<String> {
        let is_inbox = |name: &str| name.eq_ignore_ascii_case("INBOX");
        if is_inbox(written) {
            return vec!["INBOX".to_owned()];
        }
        let name = match self.separator {
            Some(separator) => written.replace('/', &separator.to_string()),
            None => written.to_owned(),
        };
        let starts_with_prefix =
            name.get(..self.prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(&self.prefix));
        let mut candidates = Vec::new();
        if starts_with_prefix {
            candidates.push(format!("{}{}", self.prefix, &name[self.prefix.len()..]));
        } else {
            candidates.push(format!("{}{name}", self.prefix));
            candidates.push(name.clone());
        }
        if let Some(separator) = self.separator {
            match name.split_once(separator) {
                Some((first, rest)) if is_inbox(first) => candidates.push(rest.to_owned()),
                _ => candidates.push(format!("INBOX{separator}{name}")),
            }
        }
        candidates.push(written.to_owned());
        let mut seen = std::collections::HashSet::new();
        candidates.retain(|candidate| !candidate.is_empty() && seen.insert(candidate.clone()));
        candidates
    }
}

impl Session {
    /// The folders with these names and patterns, each once, in the order asked for; and what was not found. Folders in
    /// `but` are left out where a pattern catches them.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn folders(&mut self, wanted: &[String], but: &[Folder]) -> Result<(Vec<Folder>, Vec<Error>)> {
        let namespace = self.namespace()?;
        let (mut found, mut missing): (Vec<Folder>, Vec<Error>) = (Vec::new(), Vec::new());
        for written in wanted {
            let is_pattern = written.contains(['*', '%']);
            match self.matching(&namespace, written)? {
                folders if folders.is_empty() => missing.push(self.missing(written)?),
                folders => {
                    for folder in folders {
                        let left_out = is_pattern && but.iter().any(|other| other.name == folder.name);
                        if !left_out && found.iter().all(|other| other.name != folder.name) {
                            found.push(folder);
                        }
                    }
                }
            }
        }
        Ok((found, missing))
    }

    /// The folder of this name, made if there is none.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn folder_to_fill(&mut self, written: &str) -> Result<Folder> {
        if written.contains(['*', '%']) {
            return Err(Error::BadName(written.to_owned()));
        }
        let namespace = self.namespace()?;
        if let Some(folder) = self.matching(&namespace, written)?.into_iter().next() {
            return Ok(folder);
        }
        let mut last = None;
        for candidate in namespace.candidates(written) {
            let sent = utf7::encode(&candidate).into_bytes();
            match self.run(&[Part::Plain("CREATE"), Part::Text(&sent)], &mut |_| false) {
                Ok(_) => {
                    // So that it shows in mail programs; whether that works does not matter.
                    match self.run(&[Part::Plain("SUBSCRIBE"), Part::Text(&sent)], &mut |_| false) {
                        Ok(_) | Err(Error::Refused { .. }) => {}
                        Err(error) => return Err(error),
                    }
                    return Ok(Folder { name: candidate, sent, closed: false });
                }
                // Made by somebody else meanwhile.
                Err(Error::Refused { code, .. }) if code == "ALREADYEXISTS" => {
                    return Ok(Folder { name: candidate, sent, closed: false });
                }
                Err(error @ Error::Refused { .. }) => last = last.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::BadName(written.to_owned())))
    }

    /// What a name or pattern catches.
    fn matching(&mut self, namespace: &Namespace, written: &str) -> Result<Vec<Folder>> {
        if written.is_empty() || written.chars().any(char::is_control) {
            return Err(Error::BadName(written.to_owned()));
        }
        let is_pattern = written.contains(['*', '%']);
        for candidate in namespace.candidates(written) {
            let mut folders = self.list(&candidate)?;
            folders.retain(|folder| !folder.closed && (is_pattern || same_folder(&folder.name, &candidate)));
            if is_pattern && !namespace.prefix.is_empty() && matches!(written, "*" | "%") {
                folders.splice(0..0, self.list("INBOX")?);
            }
            if !folders.is_empty() {
                return Ok(folders);
            }
        }
        Ok(Vec::new())
    }

    /// That a name was not found, with some of those that there are.
    fn missing(&mut self, written: &str) -> Result<Error> {
        let mut have: Vec<_> =
            self.list("*")?.into_iter().filter(|folder| !folder.closed).map(|folder| folder.name).collect();
        have.sort();
        if have.len() > SHOWN {
            have.truncate(SHOWN);
            have.push("…".to_owned());
        }
        Ok(Error::NoSuchFolder { name: written.to_owned(), have })
    }

    /// LIST with a pattern.
    fn list(&mut self, pattern: &str) -> Result<Vec<Folder>> {
        let pattern = utf7::encode(pattern);
        let mut found = Vec::new();
        let parts = [Part::Plain("LIST \"\""), Part::Text(pattern.as_bytes())];
        let result = self.run(&parts, &mut |response| match response {
            Response::List { attributes, name: sent, .. } if found.len() < MOST => {
                let closed = attributes.iter().any(|word| word == "\\NOSELECT" || word == "\\NONEXISTENT");
                let name = utf7::decode(&sent);
                // A name that could not be told from another, or sent again, is nobody's folder.
                let usable = !sent.is_empty() && sent.iter().all(|&byte| byte >= b' ' && byte != 0x7f);
                if usable {
                    found.push(Folder { name, sent, closed });
                }
                usable
            }
            _ => false,
        });
        match result {
            Err(error) if error.is_passing() => Err(error),
            // Some servers refuse a pattern that catches nothing, or what cannot be a name.
            Ok(_) | Err(Error::Refused { .. }) => Ok(found),
            Err(error) => Err(error),
        }
    }

    fn namespace(&mut self) -> Result<Namespace> {
        if self.can("NAMESPACE")? {
            let mut found = None;
            let result = self.run(&[Part::Plain("NAMESPACE")], &mut |response| match response {
                Response::Namespace(values) => {
                    found = read_namespace(&values);
                    false
                }
                _ => false,
            });
            match result {
                Ok(_) | Err(Error::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
            if let Some(found) = found {
                return Ok(found);
            }
        }
        // An empty pattern asks for the separator (RFC 3501 §6.3.8).
        let mut namespace = Namespace::default();
        let result = self.run(&[Part::Plain("LIST \"\" \"\"")], &mut |response| match response {
            Response::List { separator, .. } => {
                namespace.separator = separator.map(char::from);
                false
            }
            _ => false,
        });
        match result {
            Ok(_) | Err(Error::Refused { .. }) => Ok(namespace),
            Err(error) => Err(error),
        }
    }
}

/// The first personal namespace.
fn read_namespace(values: &[Value]) -> Option<Namespace> {
    let first = values.first()?.list()?.first()?.list()?;
    let prefix = utf7::decode(first.first()?.text()?);
    let separator = first.get(1).and_then(Value::text).and_then(|text| text.first()).map(|&byte| char::from(byte));
    Some(Namespace { prefix, separator })
}

/// INBOX is the same in any case (RFC 3501 §5.1); other names are what they are.
fn same_folder(one: &str, other: &str) -> bool {
    one == other || (one.eq_ignore_ascii_case("INBOX") && other.eq_ignore_ascii_case("INBOX"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(prefix: &str, separator: char, written: &str) -> Vec<String> {
        Namespace { prefix: prefix.to_owned(), separator: Some(separator) }.candidates(written)
    }

    #[test]
    fn names_on_servers_of_all_kinds() {
        assert_eq!(candidates("INBOX.", '.', "inbox"), ["INBOX"]);
        let cyrus = candidates("INBOX.", '.', "Reports/Done");
        assert_eq!(cyrus[0], "INBOX.Reports.Done");
        assert_eq!(candidates("INBOX.", '.', "INBOX/Reports")[0], "INBOX.Reports");
        assert_eq!(candidates("INBOX.", '.', "INBOX.Reports")[0], "INBOX.Reports");
        assert_eq!(candidates("INBOX.", '.', "Reports/*")[0], "INBOX.Reports.*");
        assert_eq!(candidates("", '/', "Reports/Done"), ["Reports/Done", "INBOX/Reports/Done"]);
        assert!(candidates("", '.', "INBOX/Reports").contains(&"Reports".to_owned()));
        assert_eq!(Namespace::default().candidates("a/b"), ["a/b"]);
    }
}
