//! The tables of the page: checks, paths, subdomains. On a phone each row becomes a card.

use maud::{Markup, html};

use super::Text;
use crate::diagnosis::Class;
use crate::diagnosis::readiness::{Check, Review, ReviewedPath};
use crate::render::readiness::title;
use crate::words::{grouped, percent, plural};

/// Paths in the page, and of these on paper.
const PATHS: usize = 300;
const PATHS_ON_PAPER: usize = 16;
/// Paths of unknown senders among them: there may be one for each network that a spoofer had.
const UNKNOWN: usize = 25;
/// Subdomains in the page.
const SUBDOMAINS: usize = 50;
const SUBDOMAINS_ON_PAPER: usize = 5;

/// The checks, what stands in the way first. Of those that passed, paper has only the figure: the thresholds are below.
pub(super) fn checks(answer: &Review) -> Markup {
    let mut checks: Vec<&Check> = answer.checks.iter().collect();
    checks.sort_by_key(|check| (check.passed, !check.blocking && !check.passed));
    html! {
        section {
            h2 { "Checks" }
            table.cards.checks role="table" {
                thead { tr {
                    th scope="col" { "Check" }
                    th scope="col" { "Result" }
                    th scope="col" { "Found" }
                    th scope="col" { "Threshold" }
                } }
                tbody { @for check in checks { (row(check)) } }
            }
        }
    }
}

fn row(check: &Check) -> Markup {
    let (tone, word) = match (check.passed, check.blocking) {
        (true, _) => ("good", "✓ passed"),
        (false, true) => ("bad", "✗ blocks"),
        (false, false) => ("warn", "! advice"),
    };
    html! {
        tr role="row" {
            th scope="row" { (Text(&title(&check.name))) }
            td.result role="cell" data-label="Result" { span.tone.(tone) { (word) } }
            td.wide role="cell" { (Text(&check.detail)) }
            td.wide.soft.small role="cell" { span.more[check.passed] { (Text(&check.threshold)) } }
        }
    }
}

pub(super) fn paths(answer: &Review) -> Markup {
    if answer.paths.is_empty() {
        return html! {};
    }
    let nobodys = |path: &&ReviewedPath| path.role.is_nobodys();
    let named = answer.paths.iter().filter(|path| !nobodys(path)).take(PATHS);
    let mut unknown: Vec<&ReviewedPath> = answer.paths.iter().filter(nobodys).collect();
    unknown.sort_by_key(|path| std::cmp::Reverse(path.messages));
    let shown: Vec<&ReviewedPath> = named.chain(unknown.into_iter().take(UNKNOWN)).collect();
    let messages = |paths: &[&ReviewedPath]| paths.iter().map(|path| path.messages).sum::<u64>();
    let all: u64 = answer.paths.iter().map(|path| path.messages).sum();
    let left_out = (answer.paths.len() - shown.len()) as u64;
    let on_paper = &shown[..shown.len().min(PATHS_ON_PAPER)];
    let off_paper = (answer.paths.len() - on_paper.len()) as u64;
    html! {
        section {
            h2 { "Sending paths" }
            table.cards role="table" {
                thead { tr {
                    th scope="col" { "Sender" }
                    th scope="col" { "Class" }
                    th scope="col" { "Role" }
                    th.n scope="col" { "Messages" }
                    th.n scope="col" { "Pass" }
                    th.n scope="col" { "DKIM" }
                    th.n scope="col" { "SPF alone" }
                    th scope="col" { "Last seen" }
                } }
                tbody {
                    @for (at, path) in shown.iter().enumerate() { (path_row(path, &answer.domain, at >= PATHS_ON_PAPER)) }
                    @if off_paper > 0 {
                        tr.printed role="row" { td colspan="8" role="cell" {
                            (plural(off_paper, "more path")) " with " (plural(all - messages(on_paper), "message")) " not printed."
                        } }
                    }
                    @if left_out > 0 {
                        tr.more role="row" { td.wide colspan="8" role="cell" {
                            (plural(left_out, "more path")) " with " (plural(all - messages(&shown), "message"))
                            " in sum; " code { "dmarcstat sources" } " lists them."
                        } }
                    }
                }
            }
        }
    }
}

fn path_row(path: &ReviewedPath, domain: &str, more: bool) -> Markup {
    let tone = match path.class {
        Class::Signed => "good",
        Class::Intermittent | Class::Broken => "warn",
        Class::Unaligned | Class::Unsigned => "bad",
        Class::NotReported => "dim",
    };
    html! {
        tr.more[more] role="row" {
            th scope="row" {
                (Text(&path.sender)) " " span.id { (path.id) }
                @if path.domain != domain { br; span.soft.small { "as " (Text(&path.domain)) } }
            }
            td role="cell" data-label="Class" { span.tone.(tone) { (path.class.as_str()) } }
            td role="cell" data-label="Role" { (path.role.as_str()) }
            td.n role="cell" data-label="Messages" { (grouped(path.messages)) }
            td.n role="cell" data-label="Pass DMARC" { (percent(path.pass, path.messages)) }
            td.n role="cell" data-label="DKIM aligned" { (percent(path.dkim_aligned, path.messages)) }
            td.n role="cell" data-label="Pass by SPF alone" { (grouped(path.spf_alone)) }
            td.when role="cell" data-label="Last seen" { (path.last_seen) }
        }
    }
}

pub(super) fn subdomains(answer: &Review) -> Markup {
    if answer.subdomains.is_empty() {
        return html! {};
    }
    let left_out = answer.subdomains.len().saturating_sub(SUBDOMAINS) as u64;
    let off_paper = answer.subdomains.len().saturating_sub(SUBDOMAINS_ON_PAPER) as u64;
    html! {
        section {
            h2 { "Subdomains seen" }
            table.cards role="table" {
                thead { tr {
                    th scope="col" { "Subdomain" }
                    th.n scope="col" { "Messages" }
                    th.n scope="col" { "Pass" }
                    th.n scope="col" { "Yours lost" }
                    th scope="col" { "Policy now" }
                    th scope="col" { "Then" }
                } }
                tbody {
                    @for (at, one) in answer.subdomains.iter().take(SUBDOMAINS).enumerate() {
                        tr.more[at >= SUBDOMAINS_ON_PAPER] role="row" {
                            th scope="row" {
                                (Text(&one.domain))
                                @for note in &one.notes { br; span.soft.small { (Text(note)) } }
                            }
                            td.n role="cell" data-label="Messages" { (grouped(one.messages)) }
                            td.n role="cell" data-label="Pass DMARC" { (percent(one.pass, one.messages)) }
                            td.n role="cell" data-label="Yours lost" { (grouped(one.own_lost)) }
                            td role="cell" data-label="Policy now" {
                                @match &one.now { Some(now) => { (Text(now)) " (" (one.by) ")" }, None => (one.by) }
                            }
                            td role="cell" data-label="Then" { (Text(&one.then)) }
                        }
                    }
                    @if off_paper > 0 {
                        tr.printed role="row" { td colspan="6" role="cell" { (plural(off_paper, "more subdomain")) " not printed." } }
                    }
                    @if left_out > 0 {
                        tr.more role="row" { td.wide colspan="6" role="cell" { (plural(left_out, "more subdomain")) " in the JSON answer." } }
                    }
                }
            }
        }
    }
}
