//! The reviews of all domains, a line each.

use std::io::{Result, Write};

use super::grid::{Column, Grid, Row, csv};
use super::readiness::{ANYBODYS, small, title, verdict_paint};
use super::{Form, Style, json};
use crate::diagnosis::readiness::ReviewList;
use crate::words::{grouped, percent, plural};

/// Writes the list of all domains.
///
/// # Errors
/// Those of writing.
pub fn readiness_list(list: &ReviewList, form: Form, style: &Style, out: &mut dyn Write) -> Result<()> {
    let days = match (&list.window.begin, &list.window.end) {
        (Some(begin), Some(end)) => format!("{begin} to {end}"),
        _ => "no days".to_owned(),
    };
    let newest = list.newest_report.as_deref().map_or("none", |time| time.get(..10).unwrap_or(time));
    let head =
        format!("{days} · {} · newest {newest} · for p={}", plural(list.reports, "report"), list.target.as_str());
    match form {
        Form::Json => json(list, out),
        Form::Csv => csv(
            &["domain", "verdict", "policy", "messages", "pass", "lost_own", "blockers", "failed"],
            list.domains.iter().map(|line| {
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
            }),
            out,
        ),
        Form::Table => {
            caution(list, out)?;
            writeln!(out, "{head}\n")?;
            list_grid(list).table(out, style)
        }
        Form::Markdown => {
            caution(list, out)?;
            writeln!(out, "{head}\n")?;
            list_grid(list).markdown(out)
        }
    }
}

/// What is to be known before the verdicts.
fn caution(list: &ReviewList, out: &mut dyn Write) -> Result<()> {
    if list.unchecked { writeln!(out, "{ANYBODYS}\n") } else { Ok(()) }
}

fn list_grid(list: &ReviewList) -> Grid {
    let mut grid = Grid::new([
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
        grid.push(
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
    grid
}
