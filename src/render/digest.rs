//! A summary of some days, to be sent to people: the answer of `digest`.

use serde::Serialize;

use super::changes;
use super::document::{Document, Mark, Paint, Text};
use super::fold::{Folded, fold};
use super::form::Answer;
use super::opening::{cautions, days_of, summary};
use super::readiness::list;
use crate::diagnosis::readiness::{ReviewLine, ReviewList};
use crate::diagnosis::{self, ChangesAnswer, SendingPath, WindowAnswer};
use crate::words::{grouped, more, plural};

/// The most things to do that are named.
const MOST: usize = 5;

/// A summary: what has changed, what to do first, and how far each domain is.
#[derive(Debug)]
pub struct DigestAnswer {
    /// What has changed.
    pub changes: ChangesAnswer,
    /// Paths that want work, worst first, over the days of the reviews.
    pub paths: diagnosis::Answer,
    /// The review of each domain, worst first.
    pub reviews: ReviewList,
}

/// The summary as data.
#[derive(Serialize)]
struct Data<'a> {
    schema: &'static str,
    window: &'a WindowAnswer,
    newest_report: Option<&'a str>,
    reports: u64,
    reporters: usize,
    alarm: bool,
    subject: String,
    reviewed: &'a WindowAnswer,
    domains: &'a [ReviewLine],
    first: Vec<&'a SendingPath>,
    changes: &'a diagnosis::Changes,
}

impl DigestAnswer {
    /// What it comes to, in a line: the subject of the mail.
    #[must_use]
    pub fn subject(&self) -> String {
        let headline = changes::headline(&self.changes);
        match self.first().len() {
            0 => headline,
            first => format!("{headline}, {} to fix", plural(first as u64, "thing")),
        }
    }

    /// What to do, first things first.
    fn first(&self) -> Vec<Folded<'_>> {
        let all = self.paths.domains.iter().map(|one| one.messages).sum();
        let mut rows = fold(&self.paths.paths, all);
        rows.retain(|row| row.first().remedy.is_some() && row.first().role.is_owners());
        rows
    }
}

impl Answer for DigestAnswer {
    fn data(&self) -> impl Serialize {
        let answer = &self.changes;
        Data {
            schema: "dmarcstat/digest/1",
            window: &answer.window,
            newest_report: answer.newest_report.as_deref(),
            reports: answer.reports,
            reporters: answer.reporters,
            alarm: answer.found.alarm,
            subject: self.subject(),
            reviewed: &self.reviews.window,
            domains: &self.reviews.domains,
            first: self.first().into_iter().take(MOST).flat_map(|row| row.paths).collect(),
            changes: &answer.found,
        }
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        document.title(self.subject());
        let answer = &self.changes;
        let newest = answer.newest_report.as_deref();
        document.text(summary(&days_of(&answer.window), answer.reports, answer.reporters, newest));
        cautions(&self.paths.basis.cautions, &mut document);
        self.to_do(&mut document);
        changes::told(answer, &mut document);
        document.heading(format!("Ready for p={}?", self.reviews.target.as_str()));
        document.text(Text::plain(format!("By {}.", days_of(&self.reviews.window))).paint(Paint::Dim));
        document.table(list::table(&self.reviews));
        document
            .text(Text::prose("`dmarcstat readiness DOMAIN` says what stands in the way, `dmarcstat explain ID` why."));
        document
    }
}

impl DigestAnswer {
    fn to_do(&self, document: &mut Document) {
        let rows = self.first();
        if rows.is_empty() {
            return;
        }
        document.heading("What to do first");
        for (number, row) in rows.iter().take(MOST).enumerate() {
            let path = row.first();
            let title = path.remedy.as_ref().map_or("", |remedy| remedy.title.as_str());
            document.item_at(0, Mark::Number(number + 1), Text::prose(title).paint(Paint::Bold));
            let failing = row.sum(|path| path.messages.saturating_sub(path.dmarc_pass));
            let of = plural(row.sum(|path| path.messages), "message");
            document.below(format!(
                "{} on {}: {} of {of} fail DMARC, {} are signed as the domain; {}",
                row.name(),
                path.domain,
                grouped(failing),
                grouped(row.dkim().aligned),
                path.id
            ));
        }
        if let Some(more) = more(rows.len().saturating_sub(MOST)) {
            document.text(Text::prose(format!("{more}: `dmarcstat unsigned`")).paint(Paint::Dim));
        }
    }
}
