//! What was odd about a report that was accepted all the same.

use std::fmt;

use crate::vocabulary::vocabulary;

vocabulary! {
    /// The kinds of oddity that are accepted, each with a code that stays the same for good.
    pub enum IrregularityCode {
        /// Bytes that are not in the declared character set, or a character set nobody knows.
        Charset => "charset",
        /// Raw `<`, `>` or `&` in a free text was escaped and the document read again.
        XmlRepaired => "xml_repaired",
        /// Another element stands around or before `feedback`.
        Wrapper => "wrapper",
        /// Text before the root element that belongs to nothing.
        JunkBeforeRoot => "junk_before_root",
        /// Bytes after `</feedback>`.
        Trailing => "trailing",
        /// A reference to an entity that XML does not define; kept as text.
        UndeclaredEntity => "undeclared_entity",
        /// More than one `feedback` in one document; each was read as a report.
        SeveralDocuments => "several_documents",
        /// Several differing `policy_published`; the first counts.
        MultiPolicy => "multi_policy",
        /// `identities` written for `identifiers`.
        AliasIdentities => "alias_identities",
        /// A report without any record.
        NoRecords => "no_records",
        /// A record with a count of 0 and no address; left out.
        NullRecord => "null_record",
        /// A record without `auth_results`, or an empty one.
        NoAuthResults => "no_auth_results",
        /// A DKIM or SPF result that is empty or missing.
        EmptyResult => "empty_result",
        /// A value outside its enumeration; kept as text, read as unknown.
        BadEnum => "bad_enum",
        /// A known other spelling of a value (`hardfail`, `error`, `invalid`).
        AliasValue => "alias_value",
        /// `policy_evaluated` holds something other than pass or fail; read as fail.
        BadEvaluated => "bad_evaluated",
        /// `<reason>` holds a bare word instead of a type.
        BareReason => "bare_reason",
        /// An override reason without a type; read as `other`.
        EmptyReasonType => "empty_reason_type",
        /// `policy_evaluated`, its dkim or its spf is missing; evaluated here.
        NoEvaluation => "no_evaluation",
        /// No `org_name`; the reporter's name was taken from elsewhere.
        NoOrgName => "no_org_name",
        /// The policy domain was taken from the file's name.
        DomainFromFilename => "domain_from_filename",
        /// An address, or a stray bracket, where a domain should stand; its domain counts.
        AddressForDomain => "address_for_domain",
        /// A record without header From.
        NoHeaderFrom => "no_header_from",
        /// A report without an id; one was made from its content.
        NoReportId => "no_report_id",
        /// A period of no length.
        ZeroRange => "zero_range",
        /// A period of more than 48 hours; counted on the day of its middle.
        LongRange => "long_range",
        /// A time with a fraction; its whole seconds count.
        FractionalTime => "fractional_time",
        /// A time written as RFC 3339 text.
        IsoTime => "iso_time",
        /// A time in milliseconds.
        MillisecondTime => "millisecond_time",
        /// A time that cannot be one; taken from the file's name or the mail's date.
        BadTime => "bad_time",
        /// The period ends before it begins; the two were swapped.
        ReversedRange => "reversed_range",
        /// A message count that is not a number; that record counts no messages.
        BadCount => "bad_count",
        /// A source address that is none; kept as text.
        BadIp => "bad_ip",
        /// An IPv4 address written as an IPv6 one; kept as IPv4.
        MappedIp => "mapped_ip",
        /// A percentage that is not a number.
        BadPct => "bad_pct",
        /// A compressed stream whose end is damaged, after a whole report.
        GzipCrc => "gzip_crc",
        /// base64 with characters, padding or an end that it may not have.
        Base64 => "base64",
        /// A text longer than the limit; its beginning was kept.
        TextTruncated => "text_truncated",
        /// More signatures in a record than the limit; the first were kept.
        TooManySignatures => "too_many_signatures",
        /// An element that may stand once stands there again with another value.
        RepeatedElement => "repeated_element",
        /// `records` stands around the records.
        WrappedRecords => "wrapped_records",
        /// The last `>` of the root's end tag is missing.
        CutEndTag => "cut_end_tag",
        /// An element that no form of the report has; skipped with all in it.
        UnknownElement => "unknown_element",
        /// The reporter sent another report under the same id and period.
        SameIdDifferentContent => "same_id_different_content",
        /// The period overlaps another report of this reporter for this domain.
        Overlap => "overlap",
    }
}

impl fmt::Display for IrregularityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One kind of oddity on one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Irregularity {
    /// Which.
    pub code: IrregularityCode,
    /// The first place or value it was seen at, shortened; text of strangers, so not fit for a terminal as it is.
    pub detail: String,
    /// How often.
    pub count: u64,
}

/// The oddities of one report, each code and detail once.
#[derive(Debug, Default, Clone)]
pub struct Irregularities {
    list: Vec<Irregularity>,
}

/// How many different details of one code a report keeps; more only count.
const DETAILS_PER_CODE: usize = 4;

impl Irregularities {
    /// Notes one.
    pub fn add(&mut self, code: IrregularityCode, detail: &str) {
        self.add_many(code, detail, 1);
    }

    /// Notes the same one `count` times.
    pub fn add_many(&mut self, code: IrregularityCode, detail: &str, count: u64) {
        let detail = shorten(detail, 120);
        let mut of_code = 0;
        let mut last = None;
        for (index, known) in self.list.iter().enumerate() {
            if known.code == code {
                if known.detail == detail {
                    self.list[index].count += count;
                    return;
                }
                of_code += 1;
                last = Some(index);
            }
        }
        match last {
            Some(index) if of_code >= DETAILS_PER_CODE => self.list[index].count += count,
            _ => self.list.push(Irregularity { code, detail: detail.to_owned(), count }),
        }
    }

    /// Takes over all of another list.
    pub fn merge(&mut self, other: &Irregularities) {
        for known in &other.list {
            self.add_many(known.code, &known.detail, known.count);
        }
    }

    /// Whether this code was noted.
    #[must_use]
    pub fn has(&self, code: IrregularityCode) -> bool {
        self.list.iter().any(|known| known.code == code)
    }

    /// All, in the order in which they were met.
    #[must_use]
    pub fn as_slice(&self) -> &[Irregularity] {
        &self.list
    }

    /// How many occurrences in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.list.iter().map(|known| known.count).sum()
    }
}

/// The beginning of a text, at most `most` bytes, cut between characters.
#[must_use]
pub fn shorten(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_back_from_its_word() {
        for &code in IrregularityCode::ALL {
            assert_eq!(IrregularityCode::parse(code.as_str()), Some(code));
        }
    }

    #[test]
    fn a_flood_of_details_stays_small_and_is_counted() {
        let mut irregularities = Irregularities::default();
        for value in 0..1000 {
            irregularities.add(IrregularityCode::BadEnum, &format!("value {value}"));
        }
        assert_eq!(irregularities.as_slice().len(), DETAILS_PER_CODE);
        assert_eq!(irregularities.total(), 1000);
    }

    #[test]
    fn shortening_never_cuts_a_character() {
        assert_eq!(shorten("Sueño", 4), "Sue");
        assert_eq!(shorten("Sueño", 5), "Sueñ");
    }
}
