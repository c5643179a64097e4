//! How the page came about, so that anybody can check it.

use maud::{Markup, html};

use super::Text;
use crate::diagnosis::readiness::Review;
use crate::words::{grouped, percent};

/// Reporters in the page, and of these on paper.
const REPORTERS: usize = 60;
const REPORTERS_ON_PAPER: usize = 6;

pub(super) fn method(answer: &Review) -> Markup {
    let (evidence, limits) = (&answer.evidence, &answer.thresholds);
    let day = |day: &Option<String>| day.clone().unwrap_or_else(|| "–".to_owned());
    let share = |share: f64| format!("{share}");
    let thresholds = [
        ("min_days", limits.min_days.to_string()),
        ("min_reporters", limits.min_reporters.to_string()),
        ("min_messages", limits.min_messages.to_string()),
        ("max_age_days", limits.max_age_days.to_string()),
        ("pass_share", share(limits.pass_share)),
        ("max_path_failures", limits.max_path_failures.to_string()),
        ("max_reporter_share", share(limits.max_reporter_share)),
        ("max_unchecked_share", share(limits.max_unchecked_share)),
        ("max_selector_failures", share(limits.max_selector_failures)),
        ("recent_days", limits.recent_days.to_string()),
        ("max_regression", share(limits.max_regression)),
    ];
    html! {
        section {
            h2 { "Method and data" }
            p {
                "Counted are the messages of DMARC aggregate reports with the domain or a name below it in From; of names with a
                 DMARC record of their own, none. Every message counts once. A report counts on the UTC day that holds the
                 middle of its period. A path's role says why it exists: own, approved by the ledger, a service, another account, a
                 forwarder, a mailing list, a filter in front of a recipient, or unknown."
            }
            dl {
                dt { "Window" } dd { (day(&answer.window.begin)) " to " (day(&answer.window.end)) ", as of " (answer.as_of) }
                dt { "Evidence" } dd {
                    (grouped(evidence.reports)) " reports of " (grouped(evidence.reporters)) " reporters on " (evidence.days)
                    " days; of " (grouped(evidence.unchecked_reports)) " reports nobody checked whether their mail was genuine"
                    @if evidence.unchecked_left_out { ", and they are left out" }
                }
                dt { "Newest report" } dd { (answer.newest_report.as_deref().unwrap_or("none")) }
                dt { "Thresholds" } dd { code.small { @for (name, value) in &thresholds { (name) "=" (value) " " } } }
                dt { "Program" } dd { (answer.program) }
                dt { "The same as data" } dd {
                    code { "dmarcstat readiness " (Text(&answer.domain)) " --target " (answer.target.as_str()) " --since " (day(&answer.window.begin))
                        " --until " (day(&answer.window.end)) " --as-of " (answer.as_of) " --format json" }
                }
            }
            (reporters(answer))
        }
    }
}

fn reporters(answer: &Review) -> Markup {
    if answer.reporters.is_empty() {
        return html! {};
    }
    let left_out = answer.reporters.len().saturating_sub(REPORTERS);
    let off_paper = answer.reporters.len().saturating_sub(REPORTERS_ON_PAPER);
    html! {
        h3 { "Who reports" }
        table.small {
            thead { tr {
                th scope="col" { "Reporter" }
                th.n scope="col" { "Reports" }
                th.n scope="col" { "Messages" }
                th.n scope="col" { "Share" }
                th scope="col" { "Last" }
            } }
            tbody {
                @for (at, one) in answer.reporters.iter().take(REPORTERS).enumerate() {
                    tr.more[at >= REPORTERS_ON_PAPER && !one.silent] {
                        th scope="row" { (Text(&one.reporter)) @if one.silent { " " span.tone.warn { "fell silent" } } }
                        td.n { (grouped(one.reports)) }
                        td.n { (grouped(one.messages)) }
                        td.n { (percent(one.messages, answer.evidence.messages.max(one.messages))) }
                        td.when { (one.last) }
                    }
                }
            }
        }
        @if off_paper > 0 { p.printed.soft { "Of " (answer.reporters.len()) " reporters the largest and those that fell silent are printed." } }
        @if left_out > 0 { p.more.soft { (left_out) " more in the JSON answer." } }
    }
}
