//! Figures for Prometheus, in its text format (version 0.0.4).
//!
//! Names follow the conventions of Prometheus: base units, times as seconds since the epoch and not as ages, shares as ratios. All
//! are gauges: a window of days moves, so its sums go up and down.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{Result, Write};

use crate::diagnosis::{Class, DomainFigures, DomainFinding, Role};
use crate::sanitize::sanitize;
use crate::store::AccountRun;

/// The figures.
#[derive(Debug, Clone)]
pub struct MetricsAnswer<'a> {
    /// The program's version and the commit it was built of.
    pub build: (&'a str, &'a str),
    /// The first second of the window, and the first after it, where there are reports in it.
    pub window: Option<(i64, i64)>,
    /// The end of the newest report, in seconds since the epoch.
    pub newest_report: Option<i64>,
    /// How many policy domains there are reports on, also where not all of them are listed.
    pub all_domains: usize,
    /// Policy domains.
    pub domains: &'a [DomainFigures],
    /// Messages by policy domain, role and class.
    pub messages: BTreeMap<(&'a str, Role, Class), u64>,
    /// The end of the newest SMTP TLS report that counts, in seconds since the epoch.
    pub newest_tls_report: Option<i64>,
    /// Sessions of mail servers that went well and that failed, by domain and policy type.
    pub tls_sessions: BTreeMap<(&'a str, &'static str), [u64; 2]>,
    /// What is wrong with domains as a whole.
    pub findings: Vec<DomainFinding>,
    /// What is of the whole database; nothing where the figures are one tenant's.
    pub database: Option<DatabaseFigures>,
    /// Reports that are kept apart because their mail failed DMARC or came under another's name.
    pub untrusted: u64,
}

/// Figures of the database as a whole, whoever's the reports in it are.
#[derive(Debug, Clone)]
pub struct DatabaseFigures {
    /// By account, under its name, how the last fetch went, if there was one.
    pub accounts: Vec<(String, Option<AccountRun>)>,
    /// Entries in quarantine.
    pub quarantined: u64,
    /// Reports that are kept apart because they are on domains that are not the owner's.
    pub foreign: u64,
}

/// Whether a file that begins so is one of figures.
#[must_use]
pub fn is_metrics(beginning: &[u8]) -> bool {
    beginning.starts_with(b"# HELP dmarcstat_")
}

/// Writes the figures.
///
/// # Errors
/// Those of writing.
pub fn metrics(answer: &MetricsAnswer<'_>, out: &mut dyn Write) -> Result<()> {
    let mut out = Exposition(out);
    out.family("dmarcstat_build_info", "The program that wrote these figures.")?;
    out.sample("dmarcstat_build_info", &[("version", answer.build.0), ("commit", answer.build.1)], 1)?;
    let (first, end) = answer.window.unwrap_or_default();
    out.one(
        "dmarcstat_window_start_timestamp_seconds",
        "When the window begins that sums are about; 0 without data.",
        first,
    )?;
    out.one("dmarcstat_window_end_timestamp_seconds", "When that window ends; 0 without data.", end)?;
    let newest = answer.newest_report.unwrap_or(0);
    out.one("dmarcstat_newest_report_timestamp_seconds", "The end of the newest report; 0 without any.", newest)?;
    out.one("dmarcstat_domains", "Policy domains that there are reports on in the window.", answer.all_domains)?;
    if let Some(database) = &answer.database {
        out.one("dmarcstat_quarantine_entries", "What could not be read and is kept.", database.quarantined)?;
        out.one(
            "dmarcstat_foreign_reports",
            "Reports that count for nothing as they are not on the domains of [owner].",
            database.foreign,
        )?;
    }
    out.one(
        "dmarcstat_untrusted_reports",
        "Reports that count for nothing as their mail failed DMARC or came under another's name.",
        answer.untrusted,
    )?;
    domains(answer, &mut out)?;
    tls(answer, &mut out)?;
    findings(answer, &mut out)?;
    answer.database.as_ref().map_or(Ok(()), |database| accounts(&database.accounts, &mut out))
}

fn domains(answer: &MetricsAnswer<'_>, out: &mut Exposition<'_>) -> Result<()> {
    type Figure = fn(&DomainFigures) -> u64;
    let figures: [(&str, &str, Figure); 6] = [
        ("dmarcstat_domain_reports", "Reports on the policy domain in the window.", |one| one.reports),
        ("dmarcstat_domain_reporters", "Who sent them.", |one| one.reporters as u64),
        ("dmarcstat_domain_messages", "Messages in them.", |one| one.messages),
        ("dmarcstat_domain_dmarc_pass_messages", "Those of them that passed DMARC.", |one| one.dmarc_pass),
        ("dmarcstat_domain_dkim_aligned_messages", "Those of them with aligned DKIM.", |one| one.dkim_aligned),
        ("dmarcstat_domain_spf_aligned_messages", "Those of them with aligned SPF.", |one| one.spf_aligned),
    ];
    for (name, help, figure) in figures {
        out.family(name, help)?;
        for domain in answer.domains {
            out.sample(name, &[("domain", &domain.domain)], figure(domain))?;
        }
    }
    let name = "dmarcstat_domain_dmarc_pass_ratio";
    out.family(name, "Messages that passed DMARC, of all; from 0 to 1.")?;
    for domain in answer.domains.iter().filter(|domain| domain.messages > 0) {
        out.sample(name, &[("domain", &domain.domain)], domain.dmarc_pass as f64 / domain.messages as f64)?;
    }
    let name = "dmarcstat_domain_policy_info";
    out.family(name, "The policy published last, as reports found it.")?;
    for domain in answer.domains {
        let policy = domain.policy.as_deref().unwrap_or("");
        out.sample(name, &[("domain", &domain.domain), ("policy", policy)], 1)?;
    }
    let name = "dmarcstat_messages";
    out.family(name, "Messages in the window by role and class of their sending path.")?;
    for (&(domain, role, class), messages) in &answer.messages {
        out.sample(name, &[("domain", domain), ("role", role.as_str()), ("class", class.as_str())], messages)?;
    }
    Ok(())
}

fn tls(answer: &MetricsAnswer<'_>, out: &mut Exposition<'_>) -> Result<()> {
    let newest = answer.newest_tls_report.unwrap_or(0);
    let help = "The end of the newest SMTP TLS report that counts; 0 without any.";
    out.one("dmarcstat_newest_tls_report_timestamp_seconds", help, newest)?;
    let name = "dmarcstat_tls_sessions";
    out.family(name, "Sessions of mail servers in the window, as SMTP TLS reports tell, by policy type and result.")?;
    for (&(domain, policy_type), sessions) in &answer.tls_sessions {
        for (result, sessions) in ["successful", "failed"].into_iter().zip(sessions) {
            out.sample(name, &[("domain", domain), ("policy_type", policy_type), ("result", result)], sessions)?;
        }
    }
    Ok(())
}

fn findings(answer: &MetricsAnswer<'_>, out: &mut Exposition<'_>) -> Result<()> {
    let mut numbers: BTreeMap<[&str; 3], u64> = BTreeMap::new();
    for DomainFinding { domain, finding, .. } in &answer.findings {
        *numbers.entry([domain, finding.code.as_str(), finding.severity.as_str()]).or_default() += 1;
    }
    let name = "dmarcstat_findings";
    out.family(name, "What is wrong with the domain as a whole, by code.")?;
    for ([domain, code, severity], number) in numbers {
        out.sample(name, &[("domain", domain), ("code", code), ("severity", severity)], number)?;
    }
    Ok(())
}

fn accounts(accounts: &[(String, Option<AccountRun>)], out: &mut Exposition<'_>) -> Result<()> {
    type Figure = fn(&AccountRun) -> i64;
    let figures: [(&str, &str, Figure); 4] = [
        ("dmarcstat_fetch_success", "Whether the last fetch from the account read all its mail.", |run| {
            i64::from(run.last_success.is_some_and(|at| at >= run.last_run))
        }),
        ("dmarcstat_fetch_last_run_timestamp_seconds", "The last fetch from the account; 0 for never.", |run| {
            run.last_run
        }),
        ("dmarcstat_fetch_last_success_timestamp_seconds", "The last one that went well; 0 for never.", |run| {
            run.last_success.unwrap_or(0)
        }),
        ("dmarcstat_fetch_last_error_timestamp_seconds", "When something went wrong last; 0 for never.", |run| {
            run.last_error.as_ref().map_or(0, |error| error.0)
        }),
    ];
    for (name, help, figure) in figures {
        out.family(name, help)?;
        for (account, run) in accounts {
            out.sample(name, &[("account", account)], run.as_ref().map_or(0, figure))?;
        }
    }
    Ok(())
}

/// The text format.
struct Exposition<'o>(&'o mut dyn Write);

impl Exposition<'_> {
    /// What all samples of a name are.
    fn family(&mut self, name: &str, help: &str) -> Result<()> {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge")
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) -> Result<()> {
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", label(value))).collect();
        writeln!(self.0, "{name}{{{}}} {value}", labels.join(","))
    }

    /// A family of one sample without labels.
    fn one(&mut self, name: &str, help: &str, value: impl Display) -> Result<()> {
        self.family(name, help)?;
        writeln!(self.0, "{name} {value}")
    }
}

/// The value of a label: text of strangers, harmless to terminals too, with what the format needs escaped.
fn label(text: &str) -> Cow<'_, str> {
    let text = sanitize(text);
    if text.contains(['\\', '"']) { Cow::Owned(text.replace('\\', "\\\\").replace('"', "\\\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_end_early() {
        assert_eq!(label("a.example"), "a.example");
        assert_eq!(label("a\"} 1\nb{x=\"\\"), "a\\\"} 1<0a>b{x=\\\"\\\\");
    }

    #[test]
    fn without_data_there_is_still_something_to_alert_on() {
        let answer = MetricsAnswer {
            build: ("1.0.0", ""),
            window: None,
            newest_report: None,
            all_domains: 0,
            domains: &[],
            messages: BTreeMap::new(),
            newest_tls_report: None,
            tls_sessions: BTreeMap::new(),
            findings: Vec::new(),
            database: Some(DatabaseFigures { accounts: vec![("rua".to_owned(), None)], quarantined: 0, foreign: 0 }),
            untrusted: 0,
        };
        let mut out = Vec::new();
        metrics(&answer, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for line in [
            "dmarcstat_newest_report_timestamp_seconds 0",
            "dmarcstat_newest_tls_report_timestamp_seconds 0",
            "dmarcstat_fetch_success{account=\"rua\"} 0",
            "dmarcstat_fetch_last_success_timestamp_seconds{account=\"rua\"} 0",
            "dmarcstat_quarantine_entries 0",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
    }
}
