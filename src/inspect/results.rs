//! Whose results are read, and what they say of each signature and of SPF.

use std::net::IpAddr;

use super::answer::{Aligned, Authserv, ResultsField, SignatureReview, SpfReview};
use super::signature::Signature;
use crate::alignment::{AuthResult, Reading, Scope};
use crate::domain::{self, Author};
use crate::mail::{AuthenticationResults, HeaderFields, MethodResult};
use crate::tag_list::TagList;

/// Result fields looked at in a message.
const MOST: usize = 64;

/// All result fields of a message, and those that are read.
#[derive(Debug, Default)]
pub(super) struct Results {
    fields: Vec<AuthenticationResults>,
    arc: Vec<AuthenticationResults>,
    used: Vec<usize>,
    pub(super) authserv: Option<Authserv>,
}

impl Results {
    /// Reads the fields of a message. Of the topmost field of a trusted server (or, where none is named, of any) those
    /// of the same server up to the next `Received` are read with it: some servers write a field for each check.
    pub(super) fn read(message: &[u8], trusted: &[String]) -> Self {
        let mut results = Results::default();
        // For each field, how many Received fields stand above it.
        let mut hops = Vec::new();
        let mut hop = 0_u32;
        for field in HeaderFields::new(message) {
            if field.is("Received") {
                hop += 1;
            } else if field.is("Authentication-Results") && results.fields.len() < MOST {
                results.fields.push(AuthenticationResults::parse(field.value));
                hops.push(hop);
            } else if field.is("ARC-Authentication-Results") && results.arc.len() < MOST {
                results.arc.push(AuthenticationResults::parse_arc(field.value));
            }
        }
        let first = if trusted.is_empty() {
            (!results.fields.is_empty()).then_some(0)
        } else {
            results.fields.iter().position(|field| trusted.iter().any(|id| field.is_from(id)))
        };
        if let Some(first) = first {
            let same = |field: &AuthenticationResults| match (&field.authserv_id, &results.fields[first].authserv_id) {
                (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
                (one, other) => one == other,
            };
            results.used = (first..results.fields.len())
                .filter(|&at| hops[at] == hops[first] && same(&results.fields[at]))
                .collect();
        }
        let id = first.map(|at| results.fields[at].authserv_id.clone());
        let mut others: Vec<String> = results
            .fields
            .iter()
            .filter_map(|field| field.authserv_id.clone())
            .filter(|other| !id.iter().flatten().any(|id| id.eq_ignore_ascii_case(other)))
            .collect();
        others.sort_unstable();
        others.dedup();
        results.authserv = match id {
            Some(id) => Some(Authserv { id, trusted: !trusted.is_empty(), others }),
            None if !others.is_empty() => Some(Authserv { id: None, trusted: false, others }),
            None => None,
        };
        results
    }

    /// Whether any server's results are read.
    pub(super) fn any(&self) -> bool {
        !self.used.is_empty()
    }

    pub(super) fn of<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a MethodResult> {
        self.used.iter().flat_map(move |&at| self.fields[at].of(method))
    }

    /// All fields for the answer, topmost first, then ARC's.
    pub(super) fn shown(&self) -> Vec<ResultsField> {
        let line = |result: &MethodResult| {
            let about = [("header", "d"), ("header", "i"), ("header", "from"), ("smtp", "mailfrom"), ("smtp", "helo")]
                .into_iter()
                .find_map(|(ptype, name)| result.property(ptype, name));
            match about {
                Some(about) => format!("{}={} ({about})", result.method, result.result),
                None => format!("{}={}", result.method, result.result),
            }
        };
        let shown = |name, used, field: &AuthenticationResults| ResultsField {
            field: name,
            authserv_id: field.authserv_id.clone(),
            instance: field.instance,
            used,
            results: field.results.iter().map(line).collect(),
        };
        let own = self.fields.iter().enumerate();
        own.map(|(at, field)| shown("Authentication-Results", self.used.contains(&at), field))
            .chain(self.arc.iter().map(|field| shown("ARC-Authentication-Results", false, field)))
            .collect()
    }

    /// Gives each signature its result, and adds those that only the results tell of. A result belongs to the
    /// signature whose `b=` it names, else to the only one of its domain and selector.
    pub(super) fn judge(&self, signatures: &mut Vec<Signature>, from: Option<&Author<'_>>) {
        for result in self.of("dkim") {
            let prefix = result.property("header", "b").unwrap_or("");
            let identity = result.property("header", "i").and_then(|i| i.rsplit('@').next());
            let named = result.property("header", "d").or(identity).and_then(domain::normalize).map(String::from);
            let selector = result.property("header", "s");
            if named.is_none()
                && prefix.is_empty()
                && matches!(result.result.as_str(), "none" | "")
                && !says_invalid(result)
            {
                continue;
            }
            let free = |one: &Signature| one.review.result.is_none();
            let by_b = |one: &Signature| prefix.len() >= 4 && one.b.starts_with(prefix);
            let by_name = |one: &Signature| {
                let selector = selector.is_none_or(|selector| {
                    one.review.selector.as_deref().is_none_or(|own| own.eq_ignore_ascii_case(selector))
                });
                // Results may name i= only, which may lie below d=.
                let domain = match (&named, &one.review.domain) {
                    (Some(named), Some(own)) => domain::is_within(named, own),
                    _ => named.is_none() && signatures_of_message(signatures) == 1,
                };
                selector && domain
            };
            let at = signatures
                .iter()
                .position(|one| free(one) && by_b(one))
                .or_else(|| signatures.iter().position(|one| free(one) && prefix_allows(prefix, one) && by_name(one)));
            let detail = detail(result);
            match at {
                Some(at) => {
                    signatures[at].review.result = Some(result.result.clone());
                    signatures[at].review.result_detail = detail;
                }
                None if signatures.iter().any(|one| by_b(one) || by_name(one)) => {}
                None => signatures.push(told(result, named, from, detail)),
            }
        }
    }

    /// SPF by the results; the identity that DMARC uses before others.
    pub(super) fn spf(&self, from: Option<&Author<'_>>) -> Option<SpfReview> {
        let mut found: Option<SpfReview> = None;
        for result in self.of("spf") {
            let named = |ptype, name| result.property(ptype, name).map(mailbox_domain).and_then(domain::normalize);
            let mail_from =
                named("smtp", "mailfrom").or_else(|| named("smtp", "mfrom")).or_else(|| named("envelope", "from"));
            let (scope, name) = match mail_from {
                Some(name) => ("mfrom", Some(name)),
                None => match named("smtp", "helo") {
                    Some(name) => ("helo", Some(name)),
                    None => ("mfrom", None),
                },
            };
            if found.as_ref().is_some_and(|found| found.scope == "mfrom" || scope == "helo") {
                continue;
            }
            found = Some(SpfReview {
                aligned: match (&name, from) {
                    (Some(name), Some(from)) => Aligned::of(name, from),
                    _ => Aligned::No,
                },
                domain: name.map(String::from),
                scope,
                result: Some(result.result.clone()),
                source: "Authentication-Results",
            });
        }
        found
    }

    /// The address that the server names as the one that handed over.
    pub(super) fn client(&self) -> Option<IpAddr> {
        let of_property = self
            .of("iprev")
            .chain(self.of("spf"))
            .find_map(|one| one.property("smtp", "remote-ip").or(one.property("policy", "iprev"))?.parse().ok());
        of_property.or_else(|| {
            self.of("spf").flat_map(|one| &one.comments).find_map(|comment| {
                // "sender IP is 192.0.2.1", "domain of x designates 192.0.2.1 as permitted sender".
                let at = ["sender IP is ", "designates ", "designate "].into_iter().find_map(|word| {
                    let (_, rest) = comment.split_once(word)?;
                    rest.split_whitespace().next()
                })?;
                at.trim_matches(['[', ']', ',', ';']).parse().ok()
            })
        })
    }
}

fn signatures_of_message(signatures: &[Signature]) -> usize {
    signatures.iter().filter(|one| one.review.present).count()
}

/// A result that names another signature's beginning is not about this one.
fn prefix_allows(prefix: &str, signature: &Signature) -> bool {
    prefix.len() < 4 || signature.b.is_empty() || signature.b.starts_with(prefix)
}

/// `dkim=none ("invalid DKIM record")`: there was a signature, and its key could not be used.
fn says_invalid(result: &MethodResult) -> bool {
    detail(result).is_some_and(|text| super::broken::is_invalid_record(&text))
}

fn detail(result: &MethodResult) -> Option<String> {
    result.reason.clone().or_else(|| result.comments.first().filter(|text| !text.is_empty()).cloned())
}

/// A signature that only the results tell of: a server on the way removed its field.
fn told(result: &MethodResult, domain: Option<String>, from: Option<&Author<'_>>, detail: Option<String>) -> Signature {
    let aligned = match (&domain, from) {
        (Some(domain), Some(from)) => Aligned::of(domain, from),
        _ => Aligned::No,
    };
    let review = SignatureReview {
        domain,
        selector: result.property("header", "s").map(str::to_owned),
        algorithm: result.property("header", "a").map(str::to_ascii_lowercase),
        key_bits: None,
        identity: result.property("header", "i").map(str::to_owned),
        present: false,
        aligned,
        result: Some(result.result.clone()),
        result_detail: detail,
        covered: Vec::new(),
        uncovered: Vec::new(),
        findings: Vec::new(),
    };
    Signature { review, b: String::new() }
}

/// What a `Received-SPF` field says (RFC 7208 §9.1): its result, identity, domain and address.
pub(super) fn received_spf(value: &[u8], from: Option<&Author<'_>>) -> (Option<SpfReview>, Option<IpAddr>) {
    let text = String::from_utf8_lossy(value);
    let word = text.trim_ascii_start().split(|c: char| c.is_ascii_whitespace() || c == '(').next().unwrap_or_default();
    let rest = text.rsplit_once(')').map_or(text.as_ref(), |(_, rest)| rest);
    let rest = rest.trim_ascii_start().replace(char::is_whitespace, ";");
    let tags =
        TagList::parse(rest.replace("client-ip", "clientip").replace("envelope-from", "envelopefrom").as_bytes());
    let unquoted = |tag| tags.get(tag).map(|value| value.trim_matches('"').to_owned()).filter(|text| !text.is_empty());
    let address = unquoted("clientip").and_then(|text| text.parse().ok());
    if matches!(AuthResult::read_spf(word), Reading::Unknown) {
        return (None, address);
    }
    let mail_from = unquoted("envelopefrom").map(|text| mailbox_domain(&text).to_owned());
    let mail_from = mail_from.as_deref().and_then(domain::normalize).map(String::from);
    let (scope, name) = match mail_from {
        Some(name) => ("mfrom", Some(name)),
        None => ("helo", unquoted("helo").as_deref().and_then(domain::normalize).map(String::from)),
    };
    let aligned = match (&name, from) {
        (Some(name), Some(from)) => Aligned::of(name, from),
        _ => Aligned::No,
    };
    let review =
        SpfReview { domain: name, scope, result: Some(word.to_ascii_lowercase()), aligned, source: "Received-SPF" };
    (Some(review), address)
}

/// The domain of what is a mailbox or a domain.
pub(super) fn mailbox_domain(text: &str) -> &str {
    let text = text.trim_matches(['<', '>']);
    text.rsplit_once('@').map_or(text, |(_, domain)| domain)
}

/// The scope's value.
pub(super) fn scope(review: &SpfReview) -> Scope {
    if review.scope == "helo" { Scope::Helo } else { Scope::MailFrom }
}
