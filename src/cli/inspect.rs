//! `dmarcstat inspect`.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use super::context::Context;
use super::data::Data;
use super::failure::{Failure, Outcome, Status};
use super::resolve::Resolving;
use crate::alignment::AlignmentMode;
use crate::diagnosis::{Wanted, diagnose};
use crate::dns::Memory;
use crate::dns::dmarc::{DmarcRecord, discover};
use crate::inspect::{Inspection, Place, Published, inspect, place};
use crate::query::{receivers, survey};
use crate::store::Store;

/// One received test message: do its signatures and SPF align, and what is missing
///
/// Of a failure report, the message that it encloses is inspected. Signatures are not verified here: the results are those of the server that
/// wrote Authentication-Results. Name your own server with --authserv-id, because anybody can write such a field.
#[derive(Debug, clap::Args)]
pub(super) struct Inspect {
    /// The message as a file (.eml), or - for standard input
    #[arg(value_name = "MESSAGE")]
    message: PathBuf,
    /// Believe only the results of this server (repeatable) [default: trusted_authserv_id of the accounts]
    #[arg(long, value_name = "ID")]
    authserv_id: Vec<String>,
    /// Exit with 4 unless an aligned signature verified
    #[arg(long)]
    exit_code: bool,
    /// Look up in the DNS which alignment the domain publishes [default: as the newest reports found it]
    #[arg(long)]
    dns: bool,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    resolving: Resolving,
}

/// How long a look at the record may take.
const DNS_TIME: Duration = Duration::from_secs(10);

impl Inspect {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let name = if self.message.as_os_str() == "-" {
            "standard input".to_owned()
        } else {
            self.message.display().to_string()
        };
        let (bytes, whole) = self.read(context.config.limits.message).with_context(|| format!("cannot read {name}"))?;
        let trusted = if self.authserv_id.is_empty() { configured(context) } else { self.authserv_id.clone() };
        let opened = self.data.open(context).map(|(store, _)| store);
        let published = |from: &str| self.published(from, opened.as_ref().ok(), context);
        let mut answer = inspect(&bytes, whole, &trusted, context.now.as_second(), &published)
            .map_err(|reason| Failure::Failed(anyhow!("{name}: {reason}")))?;
        let found = opened.and_then(|store| self.place(&answer, &store, context));
        answer.place = found.or_else(without_reports)?;
        context.show(&answer)?;
        Ok(if self.exit_code && answer.dkim_state != "aligned" { Status::No } else { Status::Done })
    }

    /// The message's bytes up to the limit for a mail, and whether that is all of it.
    fn read(&self, limit: u64) -> std::io::Result<(Vec<u8>, bool)> {
        let mut bytes = Vec::new();
        let input: Box<dyn Read> = if self.message.as_os_str() == "-" {
            Box::new(std::io::stdin().lock())
        } else {
            if self.message.is_dir() {
                return Err(Error::new(ErrorKind::IsADirectory, "it is a folder; name a file with one message"));
            }
            Box::new(File::open(&self.message)?)
        };
        input.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        let whole = bytes.len() as u64 <= limit;
        bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok((bytes, whole))
    }

    /// The alignment that a domain publishes, by the DNS or by reports; `None` where neither tells.
    fn published(&self, from: &str, store: Option<&Store>, context: &Context) -> Option<Published> {
        if self.dns {
            let live = self.resolving.live();
            let lookup = live.lookup(DNS_TIME).ok()?;
            let found = discover(from, &Memory::new(&*lookup));
            let record = found.tree_walk.record.or(found.psl.record)?;
            let record = DmarcRecord::parse(&record)?;
            return Some(Published { dkim_strict: record.adkim_strict, spf_strict: record.aspf_strict, source: "dns" });
        }
        let window = self.data.window(context).ok()?;
        let found = receivers(store?, window, &[from.to_owned()]).ok()?;
        let newest = found.reports.iter().filter(|report| report.messages > 0).map(|report| report.day).max()?;
        // Some reporters leave tags out or keep an old record: what most of the newest day say.
        let policies = found.reports.iter().filter(|report| report.day == newest && report.messages > 0);
        let (mut dkim, mut spf, mut all) = (0_usize, 0_usize, 0_usize);
        for policy in policies.filter_map(|report| found.policies.get(report.policy)) {
            let mode = AlignmentMode::from_tags(policy.adkim.as_deref(), policy.aspf.as_deref());
            dkim += usize::from(mode.dkim_strict);
            spf += usize::from(mode.spf_strict);
            all += 1;
        }
        Some(Published { dkim_strict: dkim * 2 > all, spf_strict: spf * 2 > all, source: "reports" })
    }

    /// The message's path by what there is to answer from.
    fn place(&self, answer: &Inspection, store: &Store, context: &Context) -> Result<Place, Failure> {
        let window = self.data.window(context)?;
        let domains: Vec<String> = answer.from.iter().cloned().collect();
        let known =
            self.resolving.known(self.resolving.wanted(), store, window, &domains, self.data.is_stored(), context)?;
        let survey = survey(store, window, &domains, known.knowledge())?;
        Ok(place(answer, &diagnose(&survey, &known.rules(), 0, Wanted::All).paths, &known.catalogue))
    }
}

/// Where there is nothing to answer from, the rest of the answer stands, and says why there is no path.
fn without_reports(failure: Failure) -> Result<Place, Failure> {
    match failure {
        Failure::Failed(error) => Ok(Place { path: None, note: Some(format!("{error:#}")) }),
        Failure::Usage(error) | Failure::Choice(error, _) => Ok(Place { path: None, note: Some(error) }),
        Failure::ClosedPipe => Err(Failure::ClosedPipe),
    }
}

/// The servers that the accounts believe.
fn configured(context: &Context) -> Vec<String> {
    context.config.accounts.iter().filter_map(|account| account.trusted_authserv_id.clone()).collect()
}
