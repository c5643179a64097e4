//! What the pages of a folder say besides the answers in them: which domain is how far, and mail day by day.

use super::document::{Document, Paint, Text};
use super::opening::day_ended;
use super::readiness::{ANYBODYS, verdict_paint};
use super::sparkline::{Look, Marks, Series, Sparkline};
use super::table::{Cell, Column, Row, Table};
use crate::diagnosis::readiness::{DayFigures, Review};
use crate::diagnosis::{ExplainAnswer, TlsAnswer, TlsDomain};
use crate::report::period::Day;
use crate::words::{agree, grouped, percent, plural};

/// A domain of the folder, and its pages.
#[derive(Debug, Clone, Copy)]
pub struct SiteDomain<'a> {
    /// Its review.
    pub review: &'a Review,
    /// Its pages by what they are called, that of the review first.
    pub pages: &'a [(&'static str, String)],
}

/// The first page: every domain, worst first, and how TLS fares, with the page on it.
#[must_use]
pub fn site_index(domains: &[SiteDomain<'_>], left_out: usize, tls: Option<(&TlsAnswer, &str)>) -> Document {
    let mut document = Document::default();
    document.title(format!("DMARC: {}", plural(domains.len() as u64, "domain")));
    if let Some(SiteDomain { review, .. }) = domains.first() {
        let newest = review.newest_report.as_deref().map_or("none".to_owned(), day_ended);
        document.text(format!("As of {}; the newest report is of {}.", review.as_of, newest));
        if domains
            .iter()
            .any(|one| one.review.evidence.unchecked_reports > 0 && !one.review.evidence.unchecked_left_out)
        {
            document.text(Text::plain(ANYBODYS).paint(Paint::Warn));
        }
    }
    let days = domains.iter().flat_map(|one| &one.review.daily).map(|one| one.day);
    let days = days.clone().min().zip(days.max());
    let mut table = Table::new([
        Column::text("DOMAIN"),
        Column::text("READY"),
        Column::text("POLICY"),
        Column::text("DMARC PASS DAY BY DAY"),
        Column::number("MESSAGES"),
        Column::number("DMARC PASS"),
        Column::number("YOURS LOST"),
        Column::text("MORE"),
    ]);
    for one in domains {
        let review = one.review;
        let first = one.pages.first().map(|(_, page)| page.clone()).unwrap_or_default();
        let mut more = Text::default();
        for (at, (name, page)) in one.pages.iter().enumerate().skip(1) {
            more = if at > 1 { more.and(" · ") } else { more };
            more = more.and(Text::link(*name, page.clone()));
        }
        let policy = review.published.as_ref().and_then(|record| record.p.clone()).unwrap_or_else(|| "–".to_owned());
        let row = Row::default()
            .cell(Text::link(&review.domain, first))
            .cell(Text::plain(format!("● {}", review.verdict.as_str())).paint(verdict_paint(review.verdict)))
            .cell(policy)
            .cell(days.map_or_else(|| Cell::from(""), |days| picture(&review.daily, days)))
            .cell(grouped(review.impact.messages))
            .cell(percent(review.impact.pass, review.impact.messages))
            .cell(grouped(review.impact.lost_own()))
            .cell(more);
        table.push(row);
    }
    document.table(table);
    if left_out > 0 {
        let verb = agree(left_out as u64, "has", "have");
        document.text(format!("{} with less mail {verb} no page.", plural(left_out as u64, "more domain")));
    }
    if let Some((tls, page)) = tls {
        let sums = |figure: fn(&TlsDomain) -> u64| tls.domains.iter().map(figure).fold(0, u64::saturating_add);
        let (failed, well) = (sums(|one| one.failed), sums(|one| one.successful));
        let all = plural(failed.saturating_add(well), "session");
        let text = format!("Of {all} that others began with your mail servers, {} failed at TLS: ", grouped(failed));
        document.text(Text::plain(text).and(Text::link("TLS with your mail servers", page)).and("."));
    }
    document
}

fn picture(daily: &[DayFigures], days: (Day, Day)) -> Cell {
    let of = |value: fn(&DayFigures) -> u64| daily.iter().map(|one| (one.day, value(one))).collect();
    Cell::from(Marks { days, good: of(|one| one.messages.saturating_sub(one.fail)), bad: of(|one| one.fail) })
}

/// Mail per day by outcome, and by sender: the largest, and all others together.
#[must_use]
pub fn site_pictures(review: &Review, paths: &[ExplainAnswer]) -> Document {
    let mut document = Document::default();
    let days = |value: fn(&DayFigures) -> u64| -> Vec<(Day, u64)> {
        review.daily.iter().map(|one| (one.day, value(one))).collect()
    };
    let all = days(|one| one.messages);
    if all.iter().all(|&(_, messages)| messages == 0) {
        return document;
    }
    let series = |label: &str, look, days| Series { label: label.to_owned(), look, apart: false, days };
    document.heading("Mail per day by outcome");
    document.sparkline(Sparkline {
        all: all.clone(),
        series: vec![
            series("pass DMARC", Look::Signed, days(|one| one.messages.saturating_sub(one.fail))),
            series("fail", Look::Unsigned, days(|one| one.fail)),
        ],
    });
    let mut largest: Vec<&ExplainAnswer> = paths.iter().collect();
    largest.sort_by_key(|one| std::cmp::Reverse(one.path.messages));
    const LOOKS: [Look; 6] =
        [Look::Signed, Look::HandedOn, Look::Intermittent, Look::Broken, Look::Unaligned, Look::Unsigned];
    let mut senders: Vec<Series> = Vec::new();
    for (one, look) in largest.into_iter().zip(LOOKS) {
        let days = one.evidence.days.iter().map(|part| (part.day, part.figures.messages)).collect();
        senders.push(series(&one.path.sender, look, days));
    }
    let told = |at: Day| -> u64 {
        let of = |series: &Series| {
            series.days.iter().filter(|&&(day, _)| day == at).map(|&(_, messages)| messages).sum::<u64>()
        };
        senders.iter().map(of).sum()
    };
    let others: Vec<(Day, u64)> =
        all.iter().map(|&(day, messages)| (day, messages.saturating_sub(told(day)))).collect();
    if others.iter().any(|&(_, messages)| messages > 0) {
        senders.push(series("all others", Look::NotReported, others));
    }
    document.heading("Mail per day by sender");
    document.sparkline(Sparkline { all, series: senders });
    document
}
