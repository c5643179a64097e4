//! A corpus of report mail, made by rule: the same on every machine, and as near to real mailboxes as an invention can be.
//!
//! Of the reports 83 % have up to 10 records, 15 % up to 100, 2 % up to 1,000, and one in two thousand has 10,000 to
//! 20,000; seventeen reporters write them, each with its own form, packing and mail; a few hundred names, several
//! thousand addresses and some thirty thousand different authentication outcomes stand in them.

mod mail;
mod network;
mod owners;
mod record;
mod reporters;
mod rng;
mod senders;
mod style;
mod xml;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use mail::{Attachment, Mailer};
use owners::Owner;
use record::{Names, Records};
use reporters::{OUTLOOK, REPORTERS, Reporter};
use rng::Rng;
use style::Envelope;
use xml::Metadata;

/// Raise this when the mails change, so that a corpus kept from before is not taken for the present one.
pub(crate) const VERSION: u32 = 1;

/// The day of the newest reports, 2026-11-21, in days since 1970. Fixed, so that "the last 7 days" means the same for ever.
const LAST_DAY: i64 = 20_778;

/// In each run of this many reports there is one giant.
const GIANT_EVERY: usize = 2_000;

/// How much mail there is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Size {
    /// This many mails, each with one report.
    Mails(usize),
    /// Mails until there are this many records.
    Records(usize),
}

/// A corpus: its size, the days it is spread over in order of arrival, and the seed of everything else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Corpus {
    pub(crate) size: Size,
    pub(crate) days: u32,
    pub(crate) seed: u64,
}

/// What a corpus came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) mails: usize,
    pub(crate) records: usize,
    pub(crate) xml_bytes: u64,
}

impl Corpus {
    /// Hands each mail to `take`, in one buffer that is used again.
    pub(crate) fn each(&self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Totals> {
        let mut mailer = Mailer::default();
        let mut mail = Vec::new();
        self.reports(|report| {
            mailer.write(&mut mail, report.reporter, report.owner, &report.metadata, report.xml)?;
            take(&mail)
        })
    }

    /// Hands the XML of each report to `take`, for those who want to count what is in a corpus.
    pub(crate) fn each_xml(&self, mut take: impl FnMut(&[u8])) -> io::Result<Totals> {
        self.reports(|report| {
            take(report.xml);
            Ok(())
        })
    }

    fn reports(&self, mut take: impl FnMut(&Report<'_>) -> io::Result<()>) -> io::Result<Totals> {
        let names = Names::new();
        let mut xml = Vec::new();
        let mut totals = Totals::default();
        while let Some(progress) = self.progress(&totals) {
            let mut rng = Rng::for_item(self.seed, totals.mails as u64);
            let records = self.records_of(totals.mails, &mut rng);
            let reporter = reporter_for(records, &mut rng);
            let owner = record::owner(&mut rng);
            let day = LAST_DAY + 1 - i64::from(self.days) + (progress * f64::from(self.days)) as i64;
            let metadata = Metadata::new(reporter, owner, day, totals.mails as u64, &mut rng);
            xml.clear();
            xml::begin(&mut xml, reporter, owner, &metadata);
            let mut source = Records::new(&names, owner);
            for _ in 0..records {
                xml::record(&mut xml, reporter, source.next(&mut rng));
            }
            xml::end(&mut xml, reporter);
            take(&Report { reporter, owner, metadata, xml: &xml })?;
            totals.mails += 1;
            totals.records += records;
            totals.xml_bytes += xml.len() as u64;
        }
        Ok(totals)
    }

    /// Writes an mbox. Nothing in the mails needs its From-line quoting.
    pub(crate) fn write_mbox(&self, path: &Path) -> io::Result<Totals> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let totals = self.each(|mail| {
            out.write_all(b"From dmarc-reports@example.com Sun Nov 22 04:00:00 2026\n")?;
            out.write_all(mail)?;
            out.write_all(b"\n")
        })?;
        out.flush()?;
        Ok(totals)
    }

    /// Writes a Maildir with everything in `new`, where names carry no flags and so suit every file system.
    pub(crate) fn write_maildir(&self, folder: &Path) -> io::Result<Totals> {
        for name in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join(name))?;
        }
        let new = folder.join("new");
        let mut number = 0u64;
        self.each(|mail| {
            number += 1;
            fs::write(new.join(format!("{}.M{number:06}P1.mx.example.com", 1_795_320_000 + number)), mail)
        })
    }

    /// How far the corpus is, from 0 to below 1, or nothing when it is complete.
    fn progress(&self, done: &Totals) -> Option<f64> {
        let (have, all) = match self.size {
            Size::Mails(mails) => (done.mails, mails),
            Size::Records(records) => (done.records, records),
        };
        (have < all).then(|| have as f64 / all as f64)
    }

    /// How many records the mail with this number has.
    fn records_of(&self, mail: usize, rng: &mut Rng) -> usize {
        // One giant in each run, at a place of its own: by chance alone a corpus would have six or fourteen.
        let run = mail / GIANT_EVERY;
        let giant = Rng::for_item(!self.seed, run as u64).below(GIANT_EVERY);
        if mail % GIANT_EVERY == giant {
            return rng.log_uniform(10_000, 20_000);
        }
        match rng.below(100) {
            0..83 => rng.log_uniform(1, 10),
            83..98 => rng.log_uniform(11, 100),
            _ => rng.log_uniform(101, 1_000),
        }
    }
}

/// One report, before it becomes a mail.
struct Report<'a> {
    reporter: &'static Reporter,
    owner: &'static Owner,
    metadata: Metadata,
    xml: &'a [u8],
}

/// Giants come from the large reporters only.
fn reporter_for(records: usize, rng: &mut Rng) -> &'static Reporter {
    let giant = records > 1_000;
    let weights = REPORTERS.iter().map(|reporter| if giant && !reporter.giant { 0 } else { reporter.weight });
    &REPORTERS[rng.weighted(weights)]
}

/// Writes one report of this many records as gzip, without ever holding it.
pub(crate) fn large_report(records: usize, out: impl Write) -> io::Result<Totals> {
    let reporter = &REPORTERS[OUTLOOK];
    let mut rng = Rng::for_item(0x1a46e, 0);
    let owner = record::owner(&mut rng);
    let metadata = Metadata::new(reporter, owner, LAST_DAY, 0, &mut rng);
    let names = Names::new();
    let mut source = Records::new(&names, owner);
    let mut gzip = GzEncoder::new(out, Compression::default());
    let mut totals = Totals { mails: 1, records, xml_bytes: 0 };
    let mut xml = Vec::new();
    xml::begin(&mut xml, reporter, owner, &metadata);
    for _ in 0..records {
        xml::record(&mut xml, reporter, source.next(&mut rng));
        if xml.len() > 1 << 16 {
            totals.xml_bytes += xml.len() as u64;
            gzip.write_all(&xml)?;
            xml.clear();
        }
    }
    xml::end(&mut xml, reporter);
    totals.xml_bytes += xml.len() as u64;
    gzip.write_all(&xml)?;
    gzip.finish()?.flush()?;
    Ok(totals)
}

/// Wraps a gzip file made by [`large_report`] into a mail.
pub(crate) fn large_mail(gzip: &Path, out: &Path) -> io::Result<()> {
    let reporter = &REPORTERS[OUTLOOK];
    let bytes = fs::read(gzip)?;
    let attachment = Attachment {
        bytes: &bytes,
        bare: false,
        media_type: reporter.media_type,
        file_name: "microsoft.com!large.example!1795219200!1795305600.xml.gz".to_owned(),
    };
    let metadata = Metadata {
        org_name: reporter.org_name.to_owned(),
        report_id: "large".to_owned(),
        begin: LAST_DAY * 86_400,
        end: (LAST_DAY + 1) * 86_400,
    };
    let mut mail = Vec::new();
    mail::wrap(&mut mail, &mut String::new(), Envelope::Mixed, reporter.email, "example.com", &metadata, &attachment)?;
    fs::write(out, mail)
}
