//! A report as XML, in a reporter's hand.

use std::io::Write as _;

use super::owners::Owner;
use super::record::{Record, Signature};
use super::reporters::Reporter;
use super::rng::Rng;
use super::style::{IdShape, Layout, SubdomainPolicy};

/// What a report says of itself.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) org_name: String,
    pub(crate) report_id: String,
    pub(crate) begin: i64,
    pub(crate) end: i64,
}

impl Metadata {
    /// For `reporter`'s report on `owner` about the day with this number since 1970. `serial` makes the id the only one.
    pub(crate) fn new(reporter: &Reporter, owner: &Owner, day: i64, serial: u64, rng: &mut Rng) -> Self {
        let site = rng.below(reporter.sites) + 1;
        let begin = day * 86_400 + reporter.begins;
        let end = begin + if reporter.end_exclusive { 86_400 } else { 86_399 };
        let scatter = serial.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let report_id = match reporter.id {
            IdShape::Digits => format!("{scatter:020}"),
            IdShape::Float => format!("{}.{serial:06}", end + 3_600 + (scatter % 3_600) as i64),
            IdShape::Hex32 => format!("{scatter:016x}{:016x}", rng.next()),
            IdShape::Hex64 => format!("{scatter:016x}{:016x}{:016x}{serial:016x}", rng.next(), rng.next()),
            IdShape::DomainAndPeriod => format!("{}.{begin}.{end}.{serial}", owner.domain),
            IdShape::DomainAndTime => format!("{}:{}.{serial}", owner.domain, end + 600),
            IdShape::Cisco => {
                format!("{serial:06x}${:08x}=f{:03x}@esa{site}.hc1113-13", scatter >> 32, scatter & 0xfff)
            }
        };
        Self { org_name: reporter.org_name.replace('#', &site.to_string()), report_id, begin, end }
    }
}

/// Writes elements with the layout of one reporter.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    layout: Layout,
    depth: usize,
}

impl Writer<'_> {
    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.out.extend_from_slice(self.layout.unit);
        }
    }

    fn end_line(&mut self) {
        self.out.extend_from_slice(self.layout.end_of_line);
    }

    fn tag(&mut self, opening: &[u8], name: &str) {
        self.out.extend_from_slice(opening);
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
    }

    fn open(&mut self, name: &str) {
        self.indent();
        self.tag(b"<", name);
        self.end_line();
        self.depth += 1;
    }

    fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.indent();
        self.tag(b"</", name);
        self.end_line();
    }

    /// An element with text; none of the corpus's texts needs escaping.
    fn leaf(&mut self, name: &str, text: &str) {
        self.indent();
        self.tag(b"<", name);
        self.out.extend_from_slice(text.as_bytes());
        self.tag(b"</", name);
        self.end_line();
    }

    fn leaf_display(&mut self, name: &str, value: impl std::fmt::Display) {
        self.indent();
        self.tag(b"<", name);
        write!(self.out, "{value}").expect("writing to memory cannot fail");
        self.tag(b"</", name);
        self.end_line();
    }

    fn leaf_if(&mut self, wanted: bool, name: &str, text: &str) {
        if wanted {
            self.leaf(name, text);
        }
    }
}

/// Everything before the records.
pub(crate) fn begin(out: &mut Vec<u8>, reporter: &Reporter, owner: &Owner, metadata: &Metadata) {
    let mut w = Writer { out, layout: reporter.layout, depth: 0 };
    w.out.extend_from_slice(reporter.prolog.as_bytes());
    w.end_line();
    w.out.extend_from_slice(b"<feedback");
    w.out.extend_from_slice(reporter.root.as_bytes());
    w.out.push(b'>');
    w.end_line();
    w.depth = 1;
    w.leaf_if(reporter.version.is_some(), "version", reporter.version.unwrap_or_default());
    w.open("report_metadata");
    w.leaf("org_name", &metadata.org_name);
    w.leaf("email", reporter.email);
    w.leaf_if(reporter.contact.is_some(), "extra_contact_info", reporter.contact.unwrap_or_default());
    w.leaf("report_id", &metadata.report_id);
    w.open("date_range");
    w.leaf_display("begin", metadata.begin);
    w.leaf_display("end", metadata.end);
    w.close("date_range");
    w.close("report_metadata");
    w.open("policy_published");
    w.leaf("domain", owner.domain);
    w.leaf_if(reporter.rfc9990, "discovery_method", "psl");
    let mode = if owner.strict { "s" } else { "r" };
    w.leaf_if(reporter.modes, "adkim", mode);
    w.leaf_if(reporter.modes, "aspf", mode);
    w.leaf("p", owner.policy);
    match reporter.sp {
        SubdomainPolicy::Same => w.leaf("sp", owner.policy),
        SubdomainPolicy::Empty => w.leaf("sp", ""),
        SubdomainPolicy::Omitted => {}
    }
    w.leaf_if(!reporter.rfc9990, "pct", "100");
    w.leaf_if(reporter.rfc9990, "testing", "n");
    w.leaf_if(reporter.np, "np", owner.policy);
    w.leaf_if(reporter.fo, "fo", "0");
    w.close("policy_published");
}

/// One record.
pub(crate) fn record(out: &mut Vec<u8>, reporter: &Reporter, record: &Record<'_>) {
    let mut w = Writer { out, layout: reporter.layout, depth: 1 };
    if reporter.comments {
        w.indent();
        w.out.extend_from_slice(b"<!-- one source, one result -->");
        w.end_line();
    }
    w.open("record");
    w.open("row");
    w.leaf_display("source_ip", record.address);
    w.leaf_display("count", record.count);
    w.open("policy_evaluated");
    let enforced = record.disposition == "none" && (record.dkim_aligned || record.spf_aligned) && reporter.rfc9990;
    w.leaf("disposition", if enforced { "pass" } else { record.disposition });
    let verdict = |aligned| if aligned { "pass" } else { "fail" };
    w.leaf("dkim", verdict(record.dkim_aligned));
    w.leaf("spf", verdict(record.spf_aligned));
    if let Some((kind, comment)) = record.reason.filter(|_| reporter.reasons) {
        w.open("reason");
        w.leaf("type", kind);
        w.leaf("comment", comment);
        w.close("reason");
    }
    w.close("policy_evaluated");
    w.close("row");
    w.open("identifiers");
    w.leaf_if(reporter.envelope_to, "envelope_to", record.envelope_to);
    w.leaf_if(reporter.envelope_from, "envelope_from", record.envelope_from);
    w.leaf("header_from", record.header_from);
    w.close("identifiers");
    w.open("auth_results");
    if reporter.spf_first {
        spf(&mut w, reporter, record);
    }
    for signature in &record.signatures {
        dkim(&mut w, reporter, *signature);
    }
    if record.signatures.is_empty() && reporter.dkim_none {
        dkim(&mut w, reporter, Signature { domain: record.header_from, selector: "", result: "none" });
    }
    if !reporter.spf_first {
        spf(&mut w, reporter, record);
    }
    w.close("auth_results");
    w.close("record");
}

fn dkim(w: &mut Writer<'_>, reporter: &Reporter, signature: Signature<'_>) {
    w.open("dkim");
    w.leaf("domain", signature.domain);
    w.leaf_if(reporter.selector && reporter.selector_first, "selector", signature.selector);
    w.leaf("result", signature.result);
    w.leaf_if(reporter.selector && !reporter.selector_first, "selector", signature.selector);
    w.leaf_if(
        reporter.human_result,
        "human_result",
        if signature.result == "fail" { "body hash did not verify" } else { "" },
    );
    w.close("dkim");
}

fn spf(w: &mut Writer<'_>, reporter: &Reporter, record: &Record<'_>) {
    w.open("spf");
    w.leaf("domain", record.envelope_from);
    w.leaf_if(reporter.scope, "scope", "mfrom");
    w.leaf("result", record.spf);
    w.close("spf");
}

/// Everything after the records.
pub(crate) fn end(out: &mut Vec<u8>, reporter: &Reporter) {
    out.extend_from_slice(b"</feedback>");
    out.extend_from_slice(reporter.layout.end_of_line);
}
