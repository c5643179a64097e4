//! What mends a path, by its class. What only a provider's documentation could say is left out until it is catalogued.

use super::class::Class;
use crate::providers::Remedy;

/// What to do about a path of this class that sends as `domain`, signs as `signing` and uses `selectors`.
#[must_use]
pub(super) fn remedy(
    class: Class,
    sender: &str,
    domain: &str,
    signing: &[String],
    selectors: &[String],
) -> Option<Remedy> {
    let verify = "Look again with `dmarcstat unsigned` when two days of reports have come in.".to_owned();
    let signed_as = || {
        if signing.is_empty() { "another domain".to_owned() } else { signing.join(", ") }
    };
    let (title, steps) = match class {
        Class::Signed | Class::Forwarded => return None,
        Class::Unaligned => (
            format!("have {sender} sign as {domain}, not as {}", signed_as()),
            vec![
                format!("Its mail carries a signature of {}, which does not align with {domain}.", signed_as()),
                format!("Switch on DKIM for {domain} (\"custom domain\", \"domain authentication\") where this sender is administered, and publish the records it names."),
                verify,
            ],
        ),
        Class::Unsigned => (
            format!("have {sender} sign with DKIM as {domain}"),
            vec![
                "Its mail carries no signature; what passes now passes by SPF alone, and is lost under p=reject when it is forwarded.".to_owned(),
                format!("Switch on DKIM signing as {domain} at this sender, or send its mail through a server that signs."),
                verify,
            ],
        ),
        Class::Intermittent => (
            format!("find what at {sender} is not signed as {domain}"),
            vec![
                "Some of its mail is signed and some is not: a machine without the key, a program that sends past the signer, automatic replies or bounces.".to_owned(),
                "Compare its addresses in the JSON answer, and switch on signing where it is missing.".to_owned(),
                verify,
            ],
        ),
        Class::Broken => (
            format!("mend the signatures of {sender}"),
            vec![
                match selectors {
                    [] => format!("Its signatures as {domain} do not verify."),
                    _ => format!("Its signatures as {domain} (selector {}) do not verify.", selectors.join(", ")),
                },
                "Check that the key of the selector is published and matches, and that nothing changes the mail after it is signed.".to_owned(),
                verify,
            ],
        ),
        Class::Unproven => (
            format!("decide whether {sender} sends for {domain}"),
            vec![
                "Nothing in the reports shows that it may: no SPF and no DKIM of the domain. If nobody knows it, this is what p=reject is for.".to_owned(),
                format!("If it is yours, have it sign with DKIM as {domain} and add it to the domain's SPF record."),
            ],
        ),
    };
    Some(Remedy { title, steps, records: Vec::new(), source: None })
}
