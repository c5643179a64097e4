//! What RFC 9989 says about the change that is reviewed.

use super::answer::Advice;
use super::checklist::Findings;
use super::policy::Target;
use crate::words::plural;

/// What a policy that is published already costs.
fn costs_now(findings: &Findings<'_>) -> Option<Advice> {
    let policy = findings.review.published.as_ref().and_then(|record| record.p.as_deref())?;
    let done = match policy {
        "reject" => "refused",
        "quarantine" => "put into junk folders",
        _ => return None,
    };
    let messages: u64 = findings.review.fragile.iter().map(|path| path.messages).sum();
    (messages > 0).then(|| Advice {
        section: "RFC 9989 §7.4",
        text: "This does not depend on a stricter policy: under the published one, what recipients forward of mail that passes by SPF only fails DMARC already. Sign these paths first, or go back to p=none until they are.",
        because: format!("p={policy} is published, and forwarded copies of {} that rely on SPF are {done} today", plural(messages, "message")),
        source: RFC9989,
    })
}

const RFC9989: &str = "https://www.rfc-editor.org/rfc/rfc9989";

/// What the standards say about the change.
pub(super) fn advice(findings: &Findings<'_>) -> Vec<Advice> {
    let mut list: Vec<Advice> = costs_now(findings).into_iter().collect();
    if !findings.mailboxes.is_empty() && findings.review.target == Target::Reject {
        list.push(Advice {
            section: "RFC 9989 §7.4",
            text: "Domains whose people may write to mailing lists SHOULD NOT publish p=reject. One that wants to all the same SHOULD first publish p=none for at least a month, then p=quarantine for as long, compare what became of its mail, and tell its people what lists will do.",
            because: format!("people's mail was seen: {}", findings.mailboxes.join(", ")),
            source: RFC9989,
        });
    }
    if findings.review.target == Target::Reject {
        list.push(Advice {
            section: "RFC 9989 §7.4",
            text: "A domain at p=reject MUST NOT rely on SPF alone and MUST sign with DKIM, because forwarding breaks SPF. Receivers MUST NOT reject for p=reject alone: without other grounds they treat what fails as under p=quarantine.",
            because: match findings.review.fragile.len() {
                0 => "no path of yours relies on SPF alone".to_owned(),
                1 => "1 path relies on SPF alone".to_owned(),
                many => format!("{many} paths rely on SPF alone"),
            },
            source: RFC9989,
        });
    }
    list
}
