//! A key record as text (RFC 6376 §3.6.1, RFC 8301, RFC 8463).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Serialize;

use super::der::{RsaKey, rsa_key};
use crate::tag_list::{TagList, TagProblem, quoted};

/// The kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyType {
    /// RSA.
    Rsa,
    /// Ed25519 (RFC 8463).
    Ed25519,
    /// Another, which no receiver knows.
    Unknown,
}

/// A key record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DkimRecord {
    /// Its kind.
    pub key_type: KeyType,
    /// Bits of the key; `None` where there is none, or it cannot be read.
    pub bits: Option<usize>,
    /// The key was taken back (`p=` with nothing).
    pub revoked: bool,
    /// `t=y`: receivers treat signed mail as unsigned.
    pub testing: bool,
    /// `t=s`: `i=` must be of exactly `d=`.
    pub strict: bool,
    /// `h=`, the hashes it may be used with; `None` for any.
    pub hashes: Option<Vec<String>>,
    /// Why receivers cannot use it.
    pub problem: Option<String>,
    /// A private key stands there, for everybody to sign with.
    pub private: bool,
    /// The key has blanks or quotation marks within it; receivers were seen to read over them.
    pub in_pieces: bool,
    /// `g=` with nothing, which by RFC 4871 fits no address.
    pub granularity_empty: bool,
    /// What else does not follow the syntax.
    pub problems: Vec<TagProblem>,
}

/// Keys are written with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl DkimRecord {
    /// Whether a text is meant as a key: it has `p=`, or begins with the version.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        let list = TagList::parse(text.as_bytes());
        list.get("p").is_some() || list.tags.first().is_some_and(|tag| tag.name == "v" && tag.value.starts_with("DKIM"))
    }

    /// Reads a text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let list = TagList::parse(text.as_bytes());
        let words = |name: &str| -> Option<Vec<String>> {
            list.get(name).map(|value| value.split(':').map(|word| word.trim().to_ascii_lowercase()).collect())
        };
        let flags = words("t").unwrap_or_default();
        let has_flag = |wanted: &str| flags.iter().any(|flag| flag == wanted);
        let key_type = match list.get("k").map(str::to_ascii_lowercase).as_deref() {
            None | Some("rsa") => KeyType::Rsa,
            Some("ed25519") => KeyType::Ed25519,
            Some(_) => KeyType::Unknown,
        };
        let written = list.get("p");
        let key = written.map(|value| value.chars().filter(|c| !c.is_whitespace() && *c != '"').collect::<String>());
        let bits = key.as_deref().filter(|key| !key.is_empty()).map(|key| bits(key, key_type));
        let mut record = DkimRecord {
            key_type,
            bits: bits.as_ref().and_then(|bits| bits.as_ref().ok()).copied(),
            revoked: key.as_deref() == Some(""),
            testing: has_flag("y"),
            strict: has_flag("s"),
            hashes: words("h"),
            problem: None,
            private: text.contains("PRIVATE KEY") || bits == Some(Err(KeyProblem::Private)),
            in_pieces: written != key.as_deref(),
            granularity_empty: list.get("g") == Some(""),
            problems: list.problems.clone(),
        };
        let version = list.tags.iter().position(|tag| tag.name == "v");
        let hash = |wanted: &str| record.hashes.as_ref().is_none_or(|hashes| hashes.iter().any(|hash| hash == wanted));
        let services = words("s");
        let for_mail = services.is_none_or(|services| services.iter().any(|one| one == "*" || one == "email"));
        record.problem = if record.private {
            Some(KeyProblem::Private.to_string())
        } else if version.is_some_and(|at| at > 0) {
            Some("v= does not stand at the front".to_owned())
        } else if list.get("v").is_some_and(|version| version != "DKIM1") {
            Some(format!("its version is {:?}, not DKIM1", quoted(list.get("v").unwrap_or_default())))
        } else if key.is_none() {
            Some("there is no p= in it".to_owned())
        } else if key_type == KeyType::Unknown {
            Some(format!("no receiver knows the type of key k={}", quoted(list.get("k").unwrap_or_default())))
        } else if let Some(Err(problem)) = bits {
            Some(problem.to_string())
        } else if !hash("sha256") {
            Some(if hash("sha1") {
                "h= allows only sha1, which receivers must not accept any more (RFC 8301)".to_owned()
            } else {
                "h= allows no hash that receivers know".to_owned()
            })
        } else if !for_mail {
            Some("s= does not allow its use for mail".to_owned())
        } else {
            None
        };
        record
    }
}

/// The name of a selector's key (RFC 6376 §3.6.2.1).
#[must_use]
pub fn key_name(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum KeyProblem {
    #[error("a private key stands here: whoever reads it can sign as the domain")]
    Private,
    #[error(
        "its key is a bare RSAPublicKey (PKCS#1), which receivers were seen to refuse: they want a SubjectPublicKeyInfo, which begins with MIGf or MIIB"
    )]
    Bare,
    #[error("its key is damaged: p= is not base64")]
    NotBase64,
    #[error("its key is damaged: p= holds no RSA key, or only a part of one")]
    NoKey,
    #[error("its ed25519 key has {0} bytes; 32 are wanted, without anything around them (RFC 8463)")]
    Length(usize),
    #[error("its type is not known")]
    UnknownType,
}

/// The bits of a key, given in base64.
fn bits(key: &str, key_type: KeyType) -> Result<usize, KeyProblem> {
    let bytes = BASE64.decode(key).map_err(|_| KeyProblem::NotBase64)?;
    match (key_type, rsa_key(&bytes)) {
        (_, Some(RsaKey::Private)) => Err(KeyProblem::Private),
        (KeyType::Ed25519, _) if bytes.len() == 32 => Ok(256),
        (KeyType::Ed25519, _) => Err(KeyProblem::Length(bytes.len())),
        (KeyType::Rsa, Some(RsaKey::Info(bits))) => Ok(bits),
        (KeyType::Rsa, Some(RsaKey::Bare(_))) => Err(KeyProblem::Bare),
        (KeyType::Rsa, None) => Err(KeyProblem::NoKey),
        (KeyType::Unknown, _) => Err(KeyProblem::UnknownType),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) const RSA_1024: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
    const ED25519: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    /// The same key without what says that it is RSA.
    fn bare() -> String {
        BASE64.encode(&BASE64.decode(RSA_1024).unwrap()[22..])
    }

    #[test]
    fn keys() {
        let rsa = DkimRecord::parse(&format!("v=DKIM1; k=rsa; p={RSA_1024}"));
        assert_eq!((rsa.key_type, rsa.bits, rsa.problem.as_ref()), (KeyType::Rsa, Some(1024), None));
        // Blanks within the key are nothing, as are missing tags and missing padding.
        let (front, back) = RSA_1024.split_at(100);
        let blanks = DkimRecord::parse(&format!("p={front} \t{back}"));
        assert_eq!((blanks.bits, blanks.in_pieces, rsa.in_pieces), (Some(1024), true, false));
        let quotes = DkimRecord::parse(&format!("k=rsa; p={front}\" \"{back}; g="));
        assert_eq!((quotes.bits, quotes.in_pieces, quotes.granularity_empty), (Some(1024), true, true));
        let ed = DkimRecord::parse(&format!("v=DKIM1; k=ed25519; p={ED25519}; t=y:s; h=sha256"));
        assert_eq!((ed.key_type, ed.bits, ed.testing, ed.strict), (KeyType::Ed25519, Some(256), true, true));
        assert_eq!(DkimRecord::parse(&format!("k=ed25519; p={}", ED25519.trim_end_matches('='))).bits, Some(256));
        let revoked = DkimRecord::parse("v=DKIM1; p=");
        assert!(revoked.revoked && revoked.problem.is_none());
    }

    #[test]
    fn what_receivers_cannot_use() {
        for (text, says) in [
            ("v=DKIM1; k=rsa".to_owned(), "no p="),
            (format!("k=rsa; v=DKIM1; p={RSA_1024}"), "front"),
            (format!("v=DKIM2; p={RSA_1024}"), "DKIM1"),
            (format!("v=DKIM1; k=dsa; p={RSA_1024}"), "k=dsa"),
            (format!("v=DKIM1; p={}", &RSA_1024[..100]), "part"),
            ("v=DKIM1; p=not*base64".to_owned(), "base64"),
            (format!("v=DKIM1; k=ed25519; p={RSA_1024}"), "32"),
            (format!("v=DKIM1; p={}", bare()), "PKCS#1"),
            ("v=DKIM1; p=-----BEGIN RSA PRIVATE KEY-----MIIC".to_owned(), "private key"),
            (format!("v=DKIM1; h=sha1; p={RSA_1024}"), "sha1"),
            (format!("v=DKIM1; h=md5; p={RSA_1024}"), "no hash"),
            (format!("v=DKIM1; s=tlsrpt; p={RSA_1024}"), "mail"),
        ] {
            let record = DkimRecord::parse(&text);
            assert!(record.problem.as_ref().is_some_and(|problem| problem.contains(says)), "{text}: {record:?}");
        }
        assert!(
            DkimRecord::is_meant("v=DKIM1; n=x") && DkimRecord::is_meant("p=") && !DkimRecord::is_meant("v=spf1 -all")
        );
    }

    proptest! {
        #[test]
        fn any_text(text in "(v=DKIM1; )?(k=[a-z0-9]{0,8}; )?p=[A-Za-z0-9+/= ]{0,200}\\PC{0,40}") {
            let record = DkimRecord::parse(&text);
            prop_assert!(record.bits.is_none() || !record.revoked);
        }
    }
}
