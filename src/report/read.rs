//! The entry point for other programs: from the bytes of a document to the reports in it.

use super::document::{Document, DocumentKind, DocumentReader, DocumentSink};
use super::feedback::{AggregateReport, Record};
use super::irregularity::Irregularities;
use super::sink::ReportSink;
use crate::limits::{Budget, Cost, Limits};
use crate::rejection::Rejection;

/// A report with all its records, as its writer wrote them.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// All but the records.
    pub report: AggregateReport,
    /// The records, in order.
    pub records: Vec<Record>,
    /// What was odd about the document and accepted all the same.
    pub irregularities: Irregularities,
}

/// Why a document could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is XML, and holds no `feedback`.
    #[error("the document is XML but not an aggregate report")]
    OtherXml,
    /// It cannot be read whole.
    #[error(transparent)]
    Refused(#[from] Rejection),
}

/// Reads all reports in a document: in UTF-8, in UTF-16 with a byte order mark, or in the character set it declares; with
/// elements in any order and namespace, and with repairs of texts whose writer did not escape them. What is odd and can be
/// understood is noted on the report, see [`Report::irregularities`]. RFC 7489 Appendix C, its drafts, and RFC 9990.
///
/// The bytes are those of the XML. `container::walk` gets at them through mails and archives.
///
/// All records are held in memory; the program itself streams them, with a [`DocumentReader`].
///
/// # Errors
/// [`ReadError`], also where only one of several reports cannot be read: half a report, or half of several, would give
/// figures that look right.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Vec<Report>, ReadError> {
    let budget = Budget::new(limits);
    let mut sink = Reports { reports: Vec::new(), budget: &budget };
    let mut buffer = Vec::new();
    let document = Document {
        source: &bytes,
        opened: None,
        utf16: bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff"),
        odd: &Irregularities::default(),
        budget: &budget,
    };
    match (DocumentReader { limits, buffer: &mut buffer }).read(document, &mut sink) {
        Ok(DocumentKind::Reports) => Ok(sink.reports),
        Ok(DocumentKind::OtherXml) => Err(ReadError::OtherXml),
        Err(refusal) => Err(ReadError::Refused(refusal.rejection)),
    }
}

struct Reports<'b> {
    reports: Vec<Report>,
    budget: &'b Budget,
}

struct Builder<'b> {
    records: Vec<Record>,
    odd: Irregularities,
    budget: &'b Budget,
}

impl ReportSink for Builder<'_> {
    fn begin(&mut self, _: &AggregateReport) -> Result<(), Rejection> {
        self.budget.take(Cost::Reports, 1).map_err(Rejection::new)
    }

    fn record(&mut self, record: &Record) -> Result<(), Rejection> {
        self.records.push(record.clone());
        Ok(())
    }
}

impl DocumentSink for Reports<'_> {
    type Builder<'b>
        = Builder<'b>
    where
        Self: 'b;
    type Report = Report;
    type Head = ();

    fn begin(&mut self, odd: Irregularities) -> Builder<'_> {
        Builder { records: Vec::new(), odd, budget: self.budget }
    }

    fn records(builder: &Builder<'_>) -> u64 {
        builder.records.len() as u64
    }

    fn end(
        builder: Builder<'_>,
        report: AggregateReport,
        odd: Irregularities,
    ) -> Result<Report, (Rejection, Option<()>)> {
        let Builder { records, odd: mut irregularities, .. } = builder;
        irregularities.merge(&odd);
        Ok(Report { report, records, irregularities })
    }

    fn abandon(_: Builder<'_>) -> Option<()> {
        None
    }

    fn note(report: &mut Report, odd: &Irregularities) {
        report.irregularities.merge(odd);
    }

    fn take(&mut self, report: Report) {
        self.reports.push(report);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejection::RejectionCode;
    use crate::report::IrregularityCode;

    const HEAD: &str = "<report_metadata><org_name>o</org_name></report_metadata><policy_published><domain>a.example</domain></policy_published>";

    fn record(from: &str) -> String {
        format!(
            "<record><row><source_ip>192.0.2.1</source_ip><count>2</count></row><identifiers><header_from>{from}</header_from></identifiers></record>"
        )
    }

    fn read_text(text: &str) -> Result<Vec<Report>, ReadError> {
        read(text.as_bytes(), &Limits::default())
    }

    fn codes(report: &Report) -> Vec<IrregularityCode> {
        report.irregularities.as_slice().iter().map(|one| one.code).collect()
    }

    #[test]
    fn all_ways_of_reading() {
        let straight = format!("<feedback>{HEAD}{}</feedback>", record("a.example").repeat(3));
        let late = format!("<feedback>{}{HEAD}</feedback>", record("a.example").repeat(3));
        let repaired = format!("<feedback>{HEAD}{}</feedback>", record("a<b.example").repeat(3));
        let wide: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(straight.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        for (bytes, odd) in [
            (straight.as_bytes(), vec![]),
            (late.as_bytes(), vec![]),
            (repaired.as_bytes(), vec![IrregularityCode::XmlRepaired]),
            (&wide, vec![]),
            (straight.strip_suffix('>').unwrap().as_bytes(), vec![IrregularityCode::CutEndTag]),
        ] {
            let reports = read(bytes, &Limits::default()).unwrap();
            assert_eq!((reports.len(), reports[0].records.len(), codes(&reports[0])), (1, 3, odd));
            assert_eq!(reports[0].report.report_metadata.org_name.as_deref(), Some("o"));
        }
        assert_eq!(read_text(&straight.repeat(2)).unwrap().len(), 2);
    }

    #[test]
    fn several_rows_are_several_records_and_repeats_are_noted() {
        let rows = "<row><source_ip>192.0.2.1</source_ip><count>5</count></row><row><source_ip>192.0.2.2</source_ip><count>7</count></row>";
        let text = format!("<feedback>{HEAD}<records><record>{rows}</record></records></feedback>");
        let report = read_text(&text).unwrap().remove(0);
        let mut counts: Vec<_> = report.records.iter().map(|record| record.row.count.get().unwrap()).collect();
        counts.sort_unstable();
        assert_eq!(counts, ["5", "7"]);
        assert_eq!(codes(&report), [IrregularityCode::WrappedRecords, IrregularityCode::RepeatedElement]);
        let same = format!("<feedback>{HEAD}{HEAD}<version>1</version><version>1</version></feedback>");
        assert_eq!(codes(&read_text(&same).unwrap()[0]), []);
        let other = format!("<feedback>{HEAD}<version>1</version><version>2</version></feedback>");
        assert_eq!(codes(&read_text(&other).unwrap()[0]), [IrregularityCode::RepeatedElement]);
    }

    #[test]
    fn no_row_is_left_out_without_a_word() {
        let (one, two) = (record("a.example"), record("b.example"));
        for (records, rows, odd) in [
            (format!("<records>{one}<records>{two}<Records>{one}</Records></records></records>"), 3, "wrapped_records"),
            (format!("<d:box xmlns:d=\"u\">{one}</d:box>{two}"), 1, "unknown_element"),
            (format!("<extension>{one}</extension>{two}"), 1, "unknown_element"),
            (format!("<box>{one}</box>{two}"), 1, "unknown_element"),
            (format!("<extension><d:more xmlns:d=\"u\"><d:row/></d:more></extension>{two}"), 1, ""),
        ] {
            let report = read_text(&format!("<feedback>{HEAD}{records}</feedback>")).unwrap().remove(0);
            let codes = codes(&report);
            let noted: Vec<&str> = codes.iter().map(|code| code.as_str()).filter(|code| *code == odd).collect();
            assert_eq!((report.records.len(), codes.is_empty()), (rows, noted.is_empty()), "{records}");
        }
    }

    #[test]
    fn what_is_no_report_says_so() {
        assert_eq!(read_text("<html/>").unwrap_err(), ReadError::OtherXml);
        assert_eq!(read_text("<!DOCTYPE html><p/>").unwrap_err(), ReadError::OtherXml);
        let refused = |text: &str| match read_text(text).unwrap_err() {
            ReadError::Refused(rejection) => rejection.code,
            ReadError::OtherXml => unreachable!("{text}"),
        };
        assert_eq!(refused(""), RejectionCode::Empty);
        assert_eq!(refused("hello"), RejectionCode::NotXml);
        assert_eq!(refused("<!DOCTYPE feedback><feedback/>"), RejectionCode::Doctype);
        assert_eq!(refused("<!DOCTYPE x [<!ENTITY a 'b'>]><feedback/>"), RejectionCode::Doctype);
        assert_eq!(refused(&format!("<feedback>{HEAD}<record>")), RejectionCode::Truncated);
        assert_eq!(refused(&format!("<feedback>{HEAD}</feedbac")), RejectionCode::Truncated);
    }
}
