//! What is right and wrong about a domain's SPF record.

use serde::Serialize;

use super::lookups::Cost;
use super::reach::{passes, wide};
use super::record::SpfRecord;
use super::syntax::{misread, syntax};
use super::term::Qualifier;
use super::tree::{SpfNode, records, tree};
use crate::dns::check::{Check, Findings};
use crate::dns::{Answer, Memory, Request};
use crate::finding::Severity;
use crate::tag_list::quoted;
use crate::words::list;

/// A domain's SPF record as it is live.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SpfReview {
    /// The record, where there is exactly one.
    pub record: Option<String>,
    /// How many records there are; `null` where nobody could say.
    pub records: Option<usize>,
    /// What becomes of everybody else, also behind a redirect: `-all`, `~all`, `?all`, `+all`; `null` where the record leaves
    /// it open.
    pub all: Option<String>,
    /// Look-ups that a receiver makes for it when nothing matches before; ten at most may be made.
    pub lookups: usize,
    /// Look-ups of these that find nothing; two at most may.
    pub void_lookups: usize,
    /// Whether both figures are complete: nothing in the tree failed to be looked up.
    pub complete: bool,
    /// Whether parts depend on the message (macros) and are not followed.
    pub macros: bool,
    /// The terms that cost look-ups.
    pub tree: Vec<SpfNode>,
}

/// Addresses named in one finding.
const MOST_NAMED: usize = 5;
/// Redirects followed to find the `all`.
const MOST_REDIRECTS: usize = 10;

impl SpfReview {
    /// Whether the record, or one that it includes, includes that of a provider.
    #[must_use]
    pub fn includes(&self, target: &str) -> bool {
        fn any(nodes: &[SpfNode], target: &str) -> bool {
            nodes.iter().any(|node| node.name.as_deref() == Some(target) || any(&node.behind, target))
        }
        any(&self.tree, target)
    }
}

/// Looks at the SPF record of a domain.
#[must_use]
pub fn review(request: &Request<'_>, memory: &Memory<'_>, findings: &mut Findings) -> SpfReview {
    const CHECK: Check = Check::SpfRecord;
    let name = request.domain;
    let answer = memory.txt(name);
    if let Answer::CouldNotLook(reason) = &answer {
        findings.unknown(CHECK, Severity::Warning, name, reason);
        return SpfReview::default();
    }
    let found = records(&answer);
    misread(name, &answer, findings);
    let mut review = SpfReview { records: Some(found.len()), complete: true, ..SpfReview::default() };
    let text = match found.as_slice() {
        [] => {
            findings.fail(
                CHECK,
                Severity::Warning,
                name,
                "there is no SPF record: no mail passes SPF",
                "Publish a TXT record: v=spf1, the senders, ~all; v=spf1 -all where no mail is sent.",
            );
            return review;
        }
        [text] => (*text).clone(),
        several => {
            findings.fail(
                CHECK,
                Severity::Error,
                name,
                format!("there are {} SPF records: a permanent error for every mail (RFC 7208 §4.5)", several.len()),
                "Put all terms into one record that begins with v=spf1 and remove the others.",
            );
            return review;
        }
    };
    findings.pass(CHECK, name, "there is one SPF record");
    let Some(record) = SpfRecord::parse(&text) else { return review };
    syntax(name, &text, &record, findings);
    review.tree = tree(&record, name, memory);
    review.record = Some(text);
    everybody_else(name, &record, memory, &mut review, findings);
    let cost = Cost::of(name, &review.tree, findings);
    (review.lookups, review.void_lookups) = (cost.lookups, cost.void_lookups);
    (review.complete, review.macros) = (cost.complete, cost.macros);
    reach(name, &record, memory, findings);
    senders(request, &record, memory, findings);
    review
}

/// Whether it lets pass whoever likes.
fn reach(name: &str, record: &SpfRecord, memory: &Memory<'_>, findings: &mut Findings) {
    for wide in wide(record, name, memory) {
        let term = quoted(&wide.term);
        let at = &wide.at;
        let (severity, detail) = match wide.anybody {
            true => (
                Severity::Error,
                format!("{term} in the record of {at} lets anybody pass SPF as this domain, and so pass DMARC"),
            ),
            false => (
                Severity::Warning,
                format!("{term} in the record of {at} lets very many machines of strangers pass SPF as this domain"),
            ),
        };
        let remedy = match at == name {
            true => "Name the networks that send.".to_owned(),
            false => format!("Remove what leads to {at}, or ask whoever runs it to name the networks that send."),
        };
        findings.fail(Check::SpfReach, severity, name, detail, remedy);
    }
}

/// Whether the machines that reports show as the domain's own pass.
fn senders(request: &Request<'_>, record: &SpfRecord, memory: &Memory<'_>, findings: &mut Findings) {
    const CHECK: Check = Check::SpfSenders;
    let name = request.domain;
    let missing: Vec<_> =
        request.own_addresses.iter().filter(|&&address| passes(address, record, name, memory) == Some(false)).collect();
    let Some(first) = missing.first() else {
        if !request.own_addresses.is_empty() {
            findings.pass(CHECK, name, "no machine that reports show as the domain's own is left out");
        }
        return;
    };
    let kind = |address: &std::net::IpAddr| if address.is_ipv4() { "ip4" } else { "ip6" };
    let terms: Vec<String> = missing.iter().map(|address| format!("{}:{address}", kind(address))).collect();
    findings.fail(
        CHECK,
        Severity::Warning,
        name,
        format!(
            "mail signed as the domain comes from {}, and the SPF record does not let {} pass",
            list(&missing, MOST_NAMED),
            if missing.len() == 1 { "it" } else { "them" },
        ),
        match missing.len() {
            1 => format!("Add {}:{first} to the record, before its \"all\".", kind(first)),
            _ => format!("Add {} to the record, before its \"all\".", terms[..terms.len().min(MOST_NAMED)].join(" ")),
        },
    );
}

/// What happens to mail that nothing else matches.
fn everybody_else(
    name: &str,
    record: &SpfRecord,
    memory: &Memory<'_>,
    review: &mut SpfReview,
    findings: &mut Findings,
) {
    const CHECK: Check = Check::SpfAll;
    let mut current = record.clone();
    let mut known = true;
    for _ in 0..MOST_REDIRECTS {
        let Some(target) = current.redirect().filter(|_| current.all().is_none()) else { break };
        if target.contains('%') {
            known = false;
            break;
        }
        let answer = memory.txt(target);
        known &= answer.failure().is_none();
        match records(&answer).first().and_then(|text| SpfRecord::parse(text)) {
            Some(next) => current = next,
            None => break,
        }
    }
    let all = current.all().map(|term| term.qualifier);
    review.all = all.map(|qualifier| format!("{}all", qualifier.sign()));
    match all {
        Some(Qualifier::Pass) => findings.fail(
            CHECK,
            Severity::Error,
            name,
            "+all lets the whole world pass SPF as this domain, and so pass DMARC",
            "Write ~all or -all.",
        ),
        Some(Qualifier::Neutral) => findings.fail(
            CHECK,
            Severity::Warning,
            name,
            "?all says nothing about mail from elsewhere",
            "Write ~all or -all.",
        ),
        Some(Qualifier::SoftFail | Qualifier::Fail) => findings.pass(
            CHECK,
            name,
            format!("mail from elsewhere does not pass SPF ({})", review.all.as_deref().unwrap_or_default()),
        ),
        None if !known => findings.unknown(CHECK, Severity::Warning, name, "the redirect could not be followed"),
        None => findings.fail(
            CHECK,
            Severity::Warning,
            name,
            "there is no \"all\" at the end: mail from elsewhere is neutral",
            "Add ~all or -all at the end.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::zone::Zone;
    use crate::dns::{Checked, Outcome};
    use proptest::prelude::*;

    fn reviewed(zone: &str) -> (SpfReview, Vec<String>) {
        let zone = Zone::new(zone);
        let mut findings = Findings::default();
        let request = Request { domain: "example.com", ..Request::default() };
        let review = review(&request, &Memory::new(&zone), &mut findings);
        let failed = findings.0.iter().map(Checked::key).filter(|(outcome, ..)| *outcome != Outcome::Passed);
        (review, failed.map(|(_, severity, check)| format!("{severity:?} {}", check.as_str())).collect())
    }

    #[test]
    fn look_ups_are_counted_with_what_lies_behind() {
        let (review, failed) = reviewed(
            "example.com TXT v=spf1 mx a ip4:192.0.2.1 include:a.example.net exists:%{i}.example.net ~all\n\
             example.com MX mail.example.com\nmail.example.com A 192.0.2.1\nexample.com A 192.0.2.1\n\
             a.example.net TXT v=spf1 include:b.example.net ip4:192.0.2.0/24 -all a:never.example.net\n\
             b.example.net TXT v=spf1 a:c.example.net ?all\nc.example.net A 192.0.2.1",
        );
        assert_eq!((review.lookups, review.void_lookups, review.all.as_deref()), (6, 0, Some("~all")));
        assert!(review.complete && review.macros && review.includes("b.example.net"));
        assert_eq!(failed, [] as [&str; 0]);
    }

    #[test]
    fn a_redirect_counts_only_without_all() {
        let zone = "r.example.net TXT v=spf1 a:x.example.net a:y.example.net -all\nx.example.net A 192.0.2.1\ny.example.net A 192.0.2.1";
        let (review, failed) = reviewed(&format!("example.com TXT v=spf1 redirect=r.example.net\n{zone}"));
        assert_eq!((review.lookups, review.all.as_deref(), failed.len()), (3, Some("-all"), 0));
        let (review, failed) = reviewed(&format!("example.com TXT v=spf1 redirect=r.example.net ~all\n{zone}"));
        assert_eq!((review.lookups, review.all.as_deref()), (0, Some("~all")));
        assert_eq!(failed, ["Warning spf-syntax"]);
    }

    #[test]
    fn what_is_wrong() {
        let failed = |zone: &str| reviewed(zone).1;
        assert_eq!(failed("example.com A 192.0.2.1"), ["Warning spf-record"]);
        assert_eq!(failed("example.com TXT v=spf1 -all\nexample.com TXT v=spf1 ~all"), ["Error spf-record"]);
        assert_eq!(failed("example.com TXT !timed out"), ["Warning spf-record"]);
        assert_eq!(failed("example.com TXT v=spf1 ip4:192.0.2.1"), ["Warning spf-all"]);
        assert_eq!(failed("example.com TXT v=spf1 ?all"), ["Warning spf-all"]);
        assert_eq!(failed("example.com TXT v=spf1 all"), ["Error spf-all"]);
        assert_eq!(failed("example.com TXT v=spf1 ipv4:192.0.2.1 -all"), ["Error spf-syntax"]);
        assert_eq!(failed("example.com TXT v=spf1;-all"), ["Warning spf-syntax", "Warning spf-record"]);
        assert_eq!(failed("example.com TXT v=spf1 -all\nexample.com TXT spf2.0/pra -all"), ["Advice spf-syntax"]);
        assert_eq!(failed("example.com TXT v=spf1 include:example.com -all"), ["Error spf-include"]);
        let long = format!("example.com TXT v=spf1 {} -all", "ip4:192.0.2.100 ".repeat(30));
        assert_eq!(failed(&long), ["Advice spf-length"]);
        let servers: String = (0..11).map(|number| format!("m.example.net MX mx{number}.example.net\n")).collect();
        assert_eq!(failed(&format!("example.com TXT v=spf1 mx:m.example.net -all\n{servers}")), ["Error spf-include"]);
        assert_eq!(
            failed("example.com TXT v=spf1 mx:m.example.net -all\nm.example.net MX gone.example.net"),
            ["Error spf-include"]
        );
        let open = "example.com TXT v=spf1 include:o.example.net -all\no.example.net TXT v=spf1 +all";
        assert_eq!(failed(open), ["Error spf-reach"]);
        assert_eq!(failed("example.com TXT v=spf1 ip4:10.0.0.0/8 -all"), ["Warning spf-reach"]);
        assert_eq!(failed("example.com TXT v=spf1 a:192.0.2.1 -all"), ["Error spf-syntax"]);
        let eleven: String = (0..11).map(|number| format!("a:a{number}.example.net ")).collect();
        let hosts: String = (0..11).map(|number| format!("a{number}.example.net A 192.0.2.1\n")).collect();
        assert_eq!(failed(&format!("example.com TXT v=spf1 {eleven}-all\n{hosts}")), ["Error spf-lookups"]);
        let unknown = "example.com TXT v=spf1 include:slow.example.net -all\nslow.example.net TXT !timed out";
        assert_eq!(failed(unknown), ["Error spf-include", "Error spf-lookups"]);
    }

    #[test]
    fn own_machines_that_the_record_leaves_out_are_named() {
        let zone = Zone::new("example.com TXT v=spf1 ip4:192.0.2.0/24 -all");
        let own_addresses = ["192.0.2.25", "2001:db8::25"].map(|text| text.parse().unwrap());
        let request = Request { domain: "example.com", own_addresses: &own_addresses, ..Request::default() };
        let mut findings = Findings::default();
        let _ = review(&request, &Memory::new(&zone), &mut findings);
        let found = findings.0.into_iter().find(|one| one.finding.code == Check::SpfSenders).unwrap();
        assert_eq!((found.outcome, found.finding.severity), (Outcome::Failed, Severity::Warning));
        assert!(found.finding.remedy.unwrap().starts_with("Add ip6:2001:db8::25 to the record"));
    }

    proptest! {
        /// However records include each other, the review ends, and its figures add up.
        #[test]
        fn any_graph(edges in proptest::collection::vec(proptest::collection::vec(0..6_usize, 0..8), 6)) {
            let name = |at: usize| if at == 0 { "example.com".to_owned() } else { format!("n{at}.example.net") };
            let record = |(at, targets): (usize, &Vec<usize>)| {
                let terms: String = targets.iter().map(|&target| format!(" include:{}", name(target))).collect();
                format!("{} TXT v=spf1{terms} -all\n", name(at))
            };
            let zone: String = edges.iter().enumerate().map(record).collect();
            let (review, _) = reviewed(&zone);
            fn sum(nodes: &[SpfNode]) -> usize {
                nodes.iter().map(|node| 1 + sum(&node.behind)).sum()
            }
            prop_assert_eq!(review.lookups, sum(&review.tree));
            prop_assert!(review.lookups <= 60);
        }
    }
}
