//! The reviews of all domains, a line each.

use serde::Serialize;

use super::wording::{ANYBODYS, small, title, verdict_paint};
use crate::diagnosis::readiness::{ReviewLine, ReviewList};
use crate::render::document::{Document, Paint, Text};
use crate::render::form::Answer;
use crate::render::opening::{day_ended, days_of};
use crate::render::table::{Column, Row, Rows, Table};
use crate::words::{grouped, percent, plural};

const HEADINGS: [&str; 8] = ["domain", "verdict", "policy", "messages", "pass", "lost_own", "blockers", "failed"];

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
        Rows::new(&HEADINGS, self.domains.iter().map(cells))
    }
}

fn cells(line: &ReviewLine) -> Vec<String> {
    vec![
        line.domain.clone(),
        line.verdict.as_str().to_owned(),
        line.policy.clone().unwrap_or_default(),
        line.impact.messages.to_string(),
        line.impact.pass.to_string(),
        line.impact.lost.own_mail().to_string(),
        line.blockers.to_string(),
        line.failed.join(" "),
    ]
}

/// The domains, a line each.
pub(in crate::render) fn table(list: &ReviewList) -> Table {
    let mut table = Table::new([
        Column::text("DOMAIN"),
        Column::text("VERDICT"),
        Column::text("POLICY"),
        Column::number("MESSAGES"),
        Column::number("PASS"),
        Column::number("YOURS LOST"),
        Column::number("BLOCKERS").from(90),
        Column::text("FAILED").from(110),
    ]);
    for line in &list.domains {
        let own = line.impact.lost.own_mail();
        let failed = line.failed.iter().map(|name| small(&title(name))).collect::<Vec<_>>().join(", ");
        table.push(
            Row::new([
                line.domain.clone(),
                line.verdict.as_str().to_owned(),
                line.policy.clone().unwrap_or_else(|| "–".to_owned()),
                grouped(line.impact.messages),
                percent(line.impact.pass, line.impact.messages),
                grouped(own),
                grouped(line.blockers),
                failed,
            ])
            .paint(1, verdict_paint(line.verdict)),
        );
    }
    table
}
