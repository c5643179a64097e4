//! The reviews of all domains, a line each.

use serde::Serialize;

use super::wording::{ANYBODYS, small, title, verdict_paint};
use crate::diagnosis::readiness::{ReviewLine, ReviewList};
use crate::render::document::{Document, Paint, Text};
use crate::render::form::Answer;
use crate::render::opening::{day_ended, days_of};
use crate::render::table::{Column, Field, Rows, Table, Written as _, painted, plain};
use crate::words::{grouped, percent, plural};

const FIELDS: &[Field<ReviewLine>] = &[
    ("domain", |line| line.domain.written()),
    ("verdict", |line| line.verdict.as_str().written()),
    ("policy", |line| line.policy.written()),
    ("messages", |line| line.impact.messages.written()),
    ("pass", |line| line.impact.pass.written()),
    ("lost_own", |line| line.impact.lost_own().written()),
    ("blockers", |line| line.blockers.written()),
    ("failed", |line| line.failed.written()),
];

impl Answer for ReviewList {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        self
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        if self.unchecked {
            document.text(Text::plain(ANYBODYS).paint(Paint::Warn));
        }
        let newest = self.newest_report.as_deref().map_or("none".to_owned(), day_ended);
        let (days, reports) = (days_of(&self.window), plural(self.reports, "report"));
        document.text(format!("{days} · {reports} · newest {newest} · for p={}", self.target.as_str()));
        document.table(table(self));
        document
    }

    fn rows(&self) -> Rows<'_> {
        Rows::of(FIELDS, self.domains.iter())
    }
}

/// The domains, a line each.
pub(in crate::render) fn table(list: &ReviewList) -> Table {
    Table::of(
        &list.domains,
        [
            (Column::text("DOMAIN"), |line| plain(&line.domain)),
            (Column::text("VERDICT"), |line| painted(line.verdict.as_str(), verdict_paint(line.verdict))),
            (Column::text("POLICY"), |line| plain(line.policy.as_deref().unwrap_or("–"))),
            (Column::number("MESSAGES"), |line| plain(grouped(line.impact.messages))),
            (Column::number("PASS"), |line| plain(percent(line.impact.pass, line.impact.messages))),
            (Column::number("YOURS LOST"), |line| plain(grouped(line.impact.lost_own()))),
            (Column::number("BLOCKERS").from(90), |line| plain(grouped(line.blockers))),
            (Column::text("FAILED").from(110), |line| {
                plain(line.failed.iter().map(|name| small(&title(name))).collect::<Vec<_>>().join(", "))
            }),
        ],
    )
}
