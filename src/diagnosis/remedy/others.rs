//! What to do about mail that others hand on, and about mail of which it is not known whose it is.

use super::case::{Case, told};
use crate::alignment::DkimState;
use crate::diagnosis::cause::Fault;
use crate::diagnosis::sender::network_of;
use crate::diagnosis::states::share;
use crate::providers::Remedy;
use crate::query::SenderKey;
use crate::words::{grouped, plural};

impl Case<'_, '_> {
    pub(super) fn forwarder(&self) -> Remedy {
        let mut steps = vec![
            "Recipients forward this mail. SPF cannot align then; a DKIM signature of the domain survives, as long as nothing is changed on the way. None of your records has to change.".to_owned(),
        ];
        if self.path.dkim[usize::from(DkimState::Aligned.code())] == 0 {
            steps.push(format!("Mail that arrives here without a signature of {} was sent without one, or lost it on the way: see your own paths.", self.path.domain));
        }
        let counted = &self.evidence.counted;
        let unsigned = counted.unsigned + counted.unaligned;
        if self.fault() == Some(Fault::LostAtHome) {
            steps[0] = "Recipients forward this mail. SPF cannot align then; a DKIM signature of the domain survives, and would do so here, too: it fails because its key is missing, as it does for mail that nobody forwarded.".to_owned();
            steps.push("Publish the key: see your own paths. Nothing else is wrong here.".to_owned());
            return told(
                "nothing to do here: recipients forward it, and it fails until the missing DKIM key is published"
                    .to_owned(),
                steps,
            );
        }
        if self.path.dkim[usize::from(DkimState::Aligned.code())] > 0 && share(unsigned, self.path.messages) >= PART {
            steps.push(format!("{} of it arrive here without a signature of {}: they were sent without one, or lost it on the way; see your own paths.", plural(unsigned, "message"), self.path.domain));
        }
        let title = forwarded(counted.aligned, counted.broken, unsigned);
        told(title.to_owned(), steps)
    }

    /// A list that leaves signatures intact.
    pub(super) fn intact_list(&self) -> Remedy {
        told(
            "nothing to do: a mailing list that leaves the mail as it is, and DKIM survives that".to_owned(),
            vec![format!(
                "A mailing list ({}) redistributes what members write, with its own reverse-path: SPF cannot align. It changes nothing that is signed, so the signature of {} verifies behind it, and DMARC passes.",
                self.sender, self.path.domain
            )],
        )
    }

    pub(super) fn mailing_list(&self) -> Remedy {
        told(
            format!("nothing to do here: a mailing list; ask its operator to write the list's own address into From for {}", self.path.domain),
            vec![
                if self.evidence.counted.aligned > 0 {
                    format!("A mailing list ({}) redistributes what members write, with its own reverse-path, and changes the subject or the body of some: SPF cannot align, and DKIM of {} fails for those.", self.sender, self.path.domain)
                } else {
                    format!("A mailing list ({}) redistributes what members write, with its own reverse-path, and changes the subject or the body: SPF and DKIM of {} both fail.", self.sender, self.path.domain)
                },
                "Its operator can fix it: write the list's address into From for domains with a policy (Mailman: dmarc_mitigate_action; Sympa: dmarc_protection; Google Groups and Microsoft 365 do it by themselves), or leave subject and body alone and add no footer.".to_owned(),
                "Until then list members may lose mail under p=reject; receivers that trust ARC let some of it through.".to_owned(),
            ],
        )
    }

    pub(super) fn filter(&self) -> Remedy {
        told(
            "nothing to do: a filter in front of a recipient relays mail that reached it intact".to_owned(),
            vec![format!(
                "{} belongs to recipients, who check again behind it. Whoever runs such a filter should let the mail server behind it trust it (ARC, or no DMARC check behind the filter); none of your records has to change.",
                self.sender
            )],
        )
    }

    pub(super) fn other_account(&self) -> Remedy {
        let (sender, domain) = (self.author(), self.path.domain.as_str());
        let mut steps = vec![format!(
            "The account signs as itself, and nothing shows that it is yours. Ask whether anybody who works for {domain} (a subsidiary, an agency) owns it; if so, name it in [[sender]] with `tenant`. If nobody does, name it in [[not_ours]]."
        )];
        if self.path.spf_aligned > 0 {
            steps.push(format!(
                "{} of its messages pass by SPF, because the SPF record of {domain} lets in the provider with every customer it has: p=reject does not stop these. Report the account to the provider.",
                grouped(self.path.spf_aligned)
            ));
        } else {
            steps.push(
                "If it is nobody's, p=reject refuses what it writes in your name; there is nothing else to do."
                    .to_owned(),
            );
        }
        told(format!("decide whose account {sender} is"), steps)
    }

    /// What to do about a path that nothing authenticates.
    pub(super) fn decide(&self) -> Remedy {
        let (sender, domain, path) = (self.sender, self.path.domain.as_str(), self.path);
        let of = |state: DkimState| path.dkim[usize::from(state.code())];
        let mut found = format!(
            "Neither SPF nor DKIM authenticates anybody in the {} from {}.",
            plural(path.messages, "message"),
            self.machines()
        );
        if of(DkimState::Broken) > 0 {
            found.push_str(&format!(
                " Signatures as {domain} fail here: of mail that was forwarded and changed, or copied."
            ));
        }
        found.push_str(" If nobody knows it, this is what p=reject is for, and there is nothing to do.");
        let matched = match (&path.sender, self.addresses) {
            (SenderKey::Domain(name), _) => format!("envelope_domain = \"{name}\""),
            (SenderKey::Host(name), _) => format!("ptr = \"{name}\""),
            (_, few) if few.len() <= 4 => {
                let quoted: Vec<String> = few.iter().map(|one| format!("\"{}\"", one.ip)).collect();
                format!("ip = [{}]", quoted.join(", "))
            }
            (SenderKey::Network(net), _) => format!("ip = \"{}\"", network_of(*net)),
            _ => format!("ip = \"{sender}\""),
        };
        told(
            format!("decide whether {sender} sends for {domain}"),
            vec![
                found,
                format!("If it is a printer, a scanner, a script or a web site of yours: have it send by SMTP through your mailbox host or another server that signs as {domain}."),
                "If it is a mail server of yours: sign there, and add it to the SPF record of the reverse-path's domain (`ip4:` or `ip6:`).".to_owned(),
                format!("Then say so in the configuration: [[sender]] with `match = {{ {matched} }}`; or [[not_ours]] with the same, if it is nobody's."),
            ],
        )
    }
}

/// From this share on a part of forwarded mail is told apart.
const PART: f64 = 0.1;

/// What to do about forwarded mail, by how many of its signatures as the domain verify, how many do not, and how many messages have
/// none.
fn forwarded(aligned: u64, broken: u64, unsigned: u64) -> &'static str {
    let all = aligned + broken + unsigned;
    match (aligned, broken) {
        (0, 0) => "nothing to do here: recipients forward it; sign at the origin, and it survives",
        (0, _) => "nothing to do: recipients forward it, and something on the way breaks the signature",
        _ if share(unsigned, all) >= PART => {
            "nothing to do here: recipients forward it, and DKIM survives that; what is sent unsigned fails"
        }
        _ if share(broken, all) >= PART => {
            "nothing to do: recipients forward it; some signatures survive that, others break on the way"
        }
        _ => "nothing to do: recipients forward it, and DKIM survives that",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_survives_forwarding_only_where_one_was_seen_to() {
        assert!(forwarded(90, 1, 1).ends_with("DKIM survives that"));
        assert!(forwarded(60, 0, 40).contains("what is sent unsigned fails"));
        assert!(forwarded(3, 9, 0).contains("others break"));
        assert!(forwarded(0, 9, 0).contains("breaks the signature"));
        assert!(forwarded(0, 0, 9).contains("sign at the origin"));
    }
}
