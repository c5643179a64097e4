//! The elements of a report: which may stand in which, and where the text of each belongs.

use super::feedback::{AggregateReport, PolicyPublished, Record};
use super::pool::Text;

macro_rules! elements {
    ($($variant:ident $name:literal,)+) => {
        /// An element of the report, told apart by where it stands as well as by its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Element { $($variant,)+ }

        impl Element {
            /// Its name.
            pub(super) fn name(self) -> &'static str {
                match self { $(Element::$variant => $name,)+ }
            }
        }
    };
}

elements! {
    Feedback "feedback", Version "version", ReportMetadata "report_metadata", PolicyPublished "policy_published",
    Extension "extension", Records "records", Record "record",
    OrgName "org_name", Email "email", ExtraContactInfo "extra_contact_info", ReportId "report_id",
    DateRange "date_range", Begin "begin", End "end", Error "error", Generator "generator",
    PolicyDomain "domain", P "p", Sp "sp", Np "np", Adkim "adkim", Aspf "aspf", Pct "pct", Fo "fo",
    Testing "testing", DiscoveryMethod "discovery_method",
    Row "row", SourceIp "source_ip", Count "count", PolicyEvaluated "policy_evaluated",
    Disposition "disposition", EvaluatedDkim "dkim", EvaluatedSpf "spf", Reason "reason",
    ReasonType "type", ReasonComment "comment",
    Identifiers "identifiers", EnvelopeTo "envelope_to", EnvelopeFrom "envelope_from", HeaderFrom "header_from",
    AuthResults "auth_results", Dkim "dkim", DkimDomain "domain", DkimSelector "selector", DkimResult "result",
    DkimHuman "human_result", Spf "spf", SpfDomain "domain", SpfScope "scope", SpfResult "result",
    SpfHuman "human_result",
}

/// The element that `name` (without prefix) is within `parent`, if the report has it there.
pub(super) fn child(parent: Element, name: &str) -> Option<Element> {
    exact_child(parent, name).or_else(|| {
        // Reporters that write names in other cases exist for values; for names they cost nothing to accept.
        let lower = name.to_ascii_lowercase();
        if lower == name { None } else { exact_child(parent, &lower) }
    })
}

fn exact_child(parent: Element, name: &str) -> Option<Element> {
    use Element as E;
    // By parent first: each has few children, and this is asked for every element there is.
    Some(match parent {
        E::Feedback => match name {
            "record" => E::Record,
            "version" => E::Version,
            "report_metadata" => E::ReportMetadata,
            "policy_published" => E::PolicyPublished,
            "extension" => E::Extension,
            "records" => E::Records,
            _ => return None,
        },
        // It stands around the records, and at some around itself.
        E::Records => match name {
            "record" => E::Record,
            "records" => E::Records,
            _ => return None,
        },
        E::Record => match name {
            "row" => E::Row,
            "identifiers" | "identities" => E::Identifiers,
            "auth_results" => E::AuthResults,
            _ => return None,
        },
        E::Row => match name {
            "source_ip" => E::SourceIp,
            "count" => E::Count,
            "policy_evaluated" => E::PolicyEvaluated,
            _ => return None,
        },
        E::PolicyEvaluated => match name {
            "disposition" => E::Disposition,
            "dkim" => E::EvaluatedDkim,
            "spf" => E::EvaluatedSpf,
            "reason" => E::Reason,
            _ => return None,
        },
        E::Reason => match name {
            "type" => E::ReasonType,
            "comment" => E::ReasonComment,
            _ => return None,
        },
        E::Identifiers => match name {
            "header_from" => E::HeaderFrom,
            "envelope_from" => E::EnvelopeFrom,
            "envelope_to" => E::EnvelopeTo,
            _ => return None,
        },
        E::AuthResults => match name {
            "dkim" => E::Dkim,
            "spf" => E::Spf,
            _ => return None,
        },
        E::Dkim => match name {
            "domain" => E::DkimDomain,
            "selector" => E::DkimSelector,
            "result" => E::DkimResult,
            "human_result" => E::DkimHuman,
            _ => return None,
        },
        E::Spf => match name {
            "domain" => E::SpfDomain,
            "scope" => E::SpfScope,
            "result" => E::SpfResult,
            "human_result" => E::SpfHuman,
            _ => return None,
        },
        E::ReportMetadata => match name {
            "org_name" => E::OrgName,
            "email" => E::Email,
            "extra_contact_info" => E::ExtraContactInfo,
            "report_id" => E::ReportId,
            "date_range" => E::DateRange,
            "error" => E::Error,
            "generator" => E::Generator,
            _ => return None,
        },
        E::DateRange => match name {
            "begin" => E::Begin,
            "end" => E::End,
            _ => return None,
        },
        E::PolicyPublished => match name {
            "domain" => E::PolicyDomain,
            "p" => E::P,
            "sp" => E::Sp,
            "np" => E::Np,
            "adkim" => E::Adkim,
            "aspf" => E::Aspf,
            "pct" => E::Pct,
            "fo" => E::Fo,
            "testing" => E::Testing,
            "discovery_method" => E::DiscoveryMethod,
            _ => return None,
        },
        _ => return None,
    })
}

impl Element {
    /// Whether its text is a value; the others hold elements (and `reason`, at some reporters, a bare word).
    pub(super) fn holds_text(self) -> bool {
        use Element as E;
        !matches!(
            self,
            E::Feedback
                | E::ReportMetadata
                | E::PolicyPublished
                | E::Extension
                | E::Records
                | E::Record
                | E::DateRange
                | E::Row
                | E::PolicyEvaluated
                | E::Identifiers
                | E::AuthResults
                | E::Dkim
                | E::Spf
                | E::Reason
        )
    }

    /// Elements of drafts before RFC 7489, which say nothing that is not elsewhere.
    pub(super) fn is_historic(name: &str) -> bool {
        matches!(name, "rf" | "ri" | "rua" | "ruf" | "v")
    }

    /// Whether it belongs to the head of the report and not to a record.
    pub(super) fn is_head(self) -> bool {
        (self as u8) < (Element::Row as u8)
    }

    /// Whether it is a value of `report_metadata`.
    fn is_metadata(self) -> bool {
        use Element as E;
        matches!(
            self,
            E::OrgName | E::Email | E::ExtraContactInfo | E::ReportId | E::Begin | E::End | E::Error | E::Generator
        )
    }

    /// Whether it is text for people, which may be long, and not a name.
    pub(super) fn is_free_text(self) -> bool {
        use Element as E;
        matches!(self, E::ExtraContactInfo | E::Error | E::ReasonComment | E::DkimHuman | E::SpfHuman)
    }

    /// Puts the text of a head element in its place, where nothing stands yet. The first `report_metadata` counts. False
    /// where another value stands there.
    pub(super) fn assign_head(
        self,
        report: &mut AggregateReport,
        policy: &mut PolicyPublished,
        again: bool,
        text: &str,
    ) -> bool {
        use Element as E;
        let metadata = &mut report.report_metadata;
        let slot = match self {
            E::Version => &mut report.version,
            E::PolicyDomain => &mut policy.domain,
            E::P => &mut policy.p,
            E::Sp => &mut policy.sp,
            E::Np => &mut policy.np,
            E::Adkim => &mut policy.adkim,
            E::Aspf => &mut policy.aspf,
            E::Pct => &mut policy.pct,
            E::Fo => &mut policy.fo,
            E::Testing => &mut policy.testing,
            E::DiscoveryMethod => &mut policy.discovery_method,
            E::OrgName => &mut metadata.org_name,
            E::Email => &mut metadata.email,
            E::ExtraContactInfo => &mut metadata.extra_contact_info,
            E::ReportId => &mut metadata.report_id,
            E::Begin => &mut metadata.date_range.begin,
            E::End => &mut metadata.date_range.end,
            E::Generator => &mut metadata.generator,
            E::Error => {
                if !again && metadata.errors.len() < 16 && !text.is_empty() {
                    metadata.errors.push(text.to_owned());
                }
                return true;
            }
            _ => return true,
        };
        // Some write the address in brackets, some forget one of them.
        let text = if self == E::Email { text.trim_matches(['<', '>', ' ']) } else { text };
        // An element that is there and empty says as little as one that is not there.
        if text.is_empty() {
            return true;
        }
        match slot {
            Some(known) => known == text,
            None if again && self.is_metadata() => false,
            None => {
                *slot = Some(text.to_owned());
                true
            }
        }
    }

    /// Puts the text of a record's element in its place; the last counts that says anything. False where another value
    /// stood there.
    pub(super) fn assign_record(self, record: &mut Record, text: &str) -> bool {
        use Element as E;
        let evaluated = &mut record.row.policy_evaluated;
        let results = &mut record.auth_results;
        let slot: Option<&mut Text> = match self {
            E::SourceIp => Some(&mut record.row.source_ip),
            E::Count => Some(&mut record.row.count),
            E::Disposition => Some(&mut evaluated.disposition),
            E::EvaluatedDkim => Some(&mut evaluated.dkim),
            E::EvaluatedSpf => Some(&mut evaluated.spf),
            E::ReasonType => evaluated.reasons.last_mut().map(|reason| &mut reason.kind),
            E::ReasonComment => evaluated.reasons.last_mut().map(|reason| &mut reason.comment),
            E::EnvelopeTo => Some(&mut record.identifiers.envelope_to),
            E::EnvelopeFrom => Some(&mut record.identifiers.envelope_from),
            E::HeaderFrom => Some(&mut record.identifiers.header_from),
            E::DkimDomain => results.dkim.last_mut().map(|result| &mut result.domain),
            E::DkimSelector => results.dkim.last_mut().map(|result| &mut result.selector),
            E::DkimResult => results.dkim.last_mut().map(|result| &mut result.result),
            E::DkimHuman => results.dkim.last_mut().map(|result| &mut result.human_result),
            E::SpfDomain => results.spf.last_mut().map(|result| &mut result.domain),
            E::SpfScope => results.spf.last_mut().map(|result| &mut result.scope),
            E::SpfResult => results.spf.last_mut().map(|result| &mut result.result),
            E::SpfHuman => results.spf.last_mut().map(|result| &mut result.human_result),
            _ => None,
        };
        let Some(slot) = slot else { return true };
        match slot.filled() {
            Some(_) if text.is_empty() => true,
            Some(known) => {
                let same = known == text;
                slot.set(text);
                same
            }
            None => {
                slot.set(text);
                true
            }
        }
    }
}
