//! Whether a mail or a file says of itself that it is a report (RFC 7489 §7.2.1.1, RFC 8460 §5.3): by the form of its
//! Subject, or by the form of a file's name.
//!
//! This never decides how anything is read. It decides that what cannot be read is kept and told, since its sender
//! calls it a report.

/// Whether a file's name has the form `receiver!policy-domain!begin!end`, whatever stands around it.
#[must_use]
pub fn name_announces(name: &str) -> bool {
    let mut parts = name.split('!').skip(1).peekable();
    while let Some(domain) = parts.next() {
        let mut following = parts.clone();
        let (Some(begin), Some(end)) = (following.next(), following.next()) else {
            return false;
        };
        let digits = end.bytes().take_while(u8::is_ascii_digit).count();
        let is_time = |count: usize| (9..=11).contains(&count);
        if !domain.trim().is_empty()
            && begin.bytes().all(|byte| byte.is_ascii_digit())
            && is_time(begin.len())
            && is_time(digits)
        {
            return true;
        }
    }
    false
}

/// Whether a name is that of a report though it has not the prescribed form. Weaker than [`name_announces`]: it only
/// says that damage in such a file is worth a word.
#[must_use]
pub(super) fn name_suggests(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name_announces(&name)
        || [".xml", ".xml.gz", ".xml.gzip", ".xml.zip"].iter().any(|ending| name.ends_with(ending))
        || name.contains("dmarc")
}

/// Whether a Subject, decoded, is that of a report: `Report Domain:` and later `Submitter:`, but not after a reply
/// prefix.
#[must_use]
pub fn subject_announces(subject: &str) -> bool {
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let Some(at) = subject.find("report domain:") else {
        return false;
    };
    subject[at..].contains("submitter:") && !is_reply(&subject[..at])
}

/// Whether what stands before a Subject marks a reply, or a machine's answer.
fn is_reply(before: &str) -> bool {
    /// What mail programs write before a Subject that they answer, in their languages. Prefixes of forwarded mail
    /// (Fwd, WG, TR, RV, VB, VL, VS, I, PD, ENC) are none.
    const PREFIXES: [&str; 24] = [
        "re", "aw", "sv", "antw", "antwort", "ref", "res", "rif", "r", "odp", "ynt", "atb", "vá", "bls", "απ", "σχετ",
        "hs", "ha", "回复", "回覆", "答复", "答覆", "返信", "回信",
    ];
    const ANSWERS: [&str; 26] = [
        "automatic reply",
        "auto reply",
        "auto-reply",
        "autoreply",
        "auto",
        "out of office",
        "away",
        "automatische antwort",
        "abwesenheitsnotiz",
        "abwesend",
        "réponse automatique",
        "respuesta automática",
        "risposta automatica",
        "resposta automática",
        "automatisch antwoord",
        "automatiskt svar",
        "undeliverable",
        "undelivered",
        "returned mail",
        "failure notice",
        "delivery status notification",
        "mail delivery failed",
        "unzustellbar",
        "read",
        "gelesen",
        "not read",
    ];
    before.split(':').rev().skip(1).any(|piece| {
        let piece = piece.trim();
        if ANSWERS.contains(&piece) {
            return true;
        }
        let word = piece.rsplit([' ', ']']).find(|word| !word.is_empty()).unwrap_or(piece);
        // `Re[2]:`, `Re(3):`, `Re^2:`.
        let word = piece.strip_suffix([']', ')']).and_then(|inner| inner.split(['[', '(']).next()).unwrap_or(word);
        let word = word.split('^').next().unwrap_or(word);
        PREFIXES.contains(&word.trim())
    }) || before.contains('：') && PREFIXES.iter().any(|prefix| before.contains(&format!("{prefix}：")))
}

/// Whether bytes of a format that is not opened (Outlook's `.msg`, TNEF) hold the Subject or the name of a report, as
/// 8-bit text or as UTF-16.
#[must_use]
pub(super) fn holds_announcement(bytes: &[u8]) -> bool {
    let mut text = String::with_capacity(bytes.len() / 2);
    // Every run of printable characters, in either form, on a line of its own.
    for step in [1, 2] {
        for start in 0..step {
            let mut run = 0;
            for unit in bytes[start.min(bytes.len())..].chunks_exact(step) {
                let printable = (b' '..=b'~').contains(&unit[0]) && (step == 1 || unit[1] == 0);
                if printable {
                    text.push(char::from(unit[0]));
                    run += 1;
                } else if run > 0 {
                    text.push('\n');
                    run = 0;
                }
            }
            text.push('\n');
        }
    }
    text.lines().filter(|line| line.len() >= 20).any(|line| subject_announces(line) || name_announces(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects() {
        for subject in [
            "Report Domain: a.example Submitter: b.example Report-ID: <1>",
            "report domain: a.example;  SUBMITTER:\tb.example",
            "FW: Report domain: a.example Submitter: b.example",
            "Fwd: WG: Report domain: a.example Submitter: b.example",
            "[External] Report domain: a.example Submitter: b.example",
            "[Preview] Report Domain: a.example Submitter: b.example",
        ] {
            assert!(subject_announces(subject), "{subject}");
        }
        for subject in [
            "Re: Report Domain: a.example Submitter: b.example",
            "AW: [dmarc] Report Domain: a.example Submitter: b.example",
            "[dmarc] RE: Report Domain: a.example Submitter: b.example",
            "Fwd: Re[2]: Report Domain: a.example Submitter: b.example",
            "Automatic reply: Report Domain: a.example Submitter: b.example",
            "Undeliverable: Report Domain: a.example Submitter: b.example",
            "Submitter: b.example Report Domain: a.example",
            "How do I read Report Domain: in the subject?",
        ] {
            assert!(!subject_announces(subject), "{subject}");
        }
    }

    #[test]
    fn names() {
        for name in [
            "b.example!a.example!1790553600!1790640000.xml.gz",
            "!a.example!1790553600!1790640000.xml",
            "b.example!a.example!1790553600!1790640000!17.xml",
            "_var_db_opendmarc_b.example!a.example!1790553600!1790640000.xml",
            "copy of b!x.example!a.example!179055360!17906400000 (1).zip",
        ] {
            assert!(name_announces(name), "{name}");
        }
        for name in ["report.xml", "a!b!c!d", "wow!!!", "a!b!12!34", "a!b!1790553600", "!!1790553600!1790640000"] {
            assert!(!name_announces(name), "{name}");
        }
    }

    #[test]
    fn announcements_in_other_formats() {
        let wide: Vec<u8> =
            "Report Domain: a.example Submitter: b.example".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(holds_announcement(&[&b"\xd0\xcf\x11\0"[..], &wide, b"\0\0"].concat()));
        assert!(holds_announcement(b"\x01\x02b.example!a.example!1790553600!1790640000.xml.gz\0"));
        assert!(!holds_announcement(b"\x01\x02 an ordinary invitation to lunch \0"));
    }
}
