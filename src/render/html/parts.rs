//! The parts of the page that are no tables: impact, what to mend, what receivers did, what was published.

use maud::{Markup, html};

use super::{Text, chart};
use crate::diagnosis::Remedy;
use crate::diagnosis::readiness::{Blocker, Review, Target};
use crate::finding::Code;
use crate::render::readiness::few;
use crate::words::{grouped, percent, plural};

/// Blockers told in full; the others are named.
const IN_FULL: usize = 10;
/// Of these, how many on paper.
const ON_PAPER: usize = 3;

pub(super) fn impact(answer: &Review) -> Markup {
    let (impact, lost) = (&answer.impact, &answer.impact.lost);
    let own = lost.own_mail();
    let parts = [
        ("signed", "pass DMARC: arrive as now", impact.pass),
        ("unsigned", "own: would be lost", lost.own),
        ("broken", "approved: would be lost", lost.approved),
        ("intermittent", "services and other accounts: decide whose", lost.service + lost.other_account),
        (
            "handed-on",
            "forwarders, lists and filters: up to receivers",
            lost.forwarder + lost.mailing_list + lost.recipient_filter,
        ),
        ("not-reported", "unknown and denied: the policy's aim", lost.unknown + lost.denied),
    ];
    let told: Vec<String> = parts
        .iter()
        .map(|(_, label, messages)| {
            format!("{label}, {} ({})", grouped(*messages), percent(*messages, impact.messages))
        })
        .collect();
    let description = format!("Of {}: {}", plural(impact.messages, "message"), told.join("; "));
    html! {
        (chart::patterns())
        section {
            h2 { "What p=" (answer.target.as_str()) " would do" }
            p {
                "Of " strong { (plural(impact.messages, "message")) } " in this window, "
                @if own == 0 { "none of your own would be lost." }
                @else { strong { (grouped(own)) } " of your own would be lost." }
                @if answer.target == Target::Quarantine { " Lost means: put into the junk folder." }
            }
            (chart::bar(&parts, impact.messages, &description))
        }
    }
}

pub(super) fn findings(answer: &Review) -> Markup {
    html! {
        @if !answer.findings.is_empty() {
            section {
                h2 { "Of the whole domain" }
                @for finding in &answer.findings {
                    article.remedy {
                        h3 { (Text(&finding.domain)) " " span.id { (finding.code().as_str()) } }
                        p { (Text(&finding.worded())) }
                        @if let Some(remedy) = &finding.finding.remedy { (steps(remedy)) }
                    }
                }
            }
        }
    }
}

pub(super) fn blockers(answer: &Review) -> Markup {
    if answer.blockers.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "What stands in the way, and what mends it" }
            @for (at, blocker) in answer.blockers.iter().take(IN_FULL).enumerate() {
                (remedy(blocker, at >= ON_PAPER))
            }
            @if answer.blockers.len() > ON_PAPER {
                p.printed.soft {
                    (plural((answer.blockers.len() - ON_PAPER) as u64, "more path")) " not printed; the page on a screen has them."
                }
            }
            @if answer.blockers.len() > IN_FULL {
                p.more { "Besides: "
                    @for (at, blocker) in answer.blockers.iter().enumerate().skip(IN_FULL) {
                        @if at > IN_FULL { ", " }
                        (Text(&blocker.sender)) " " span.id { (blocker.path) }
                    }
                    ". See " code { "dmarcstat explain" } "."
                }
            }
        }
    }
}

fn remedy(blocker: &Blocker, more: bool) -> Markup {
    let fails = blocker.reasons.contains(&"fails");
    let alone = blocker.reasons.contains(&"spf-alone");
    html! {
        article class=(if more { "remedy more" } else { "remedy" }) {
            h3 { (Text(&blocker.sender)) " " span.id { (blocker.path) } }
            p {
                (Text(&blocker.domain)) " · " (blocker.class.as_str()) ", " (blocker.role.as_str()) " · "
                @if fails { span.tone.bad { (grouped(blocker.messages)) " of " (grouped(blocker.path_messages)) " fail" } }
                @if fails && alone { ", " }
                @if alone { span.tone.warn { (grouped(blocker.spf_alone)) " pass by SPF alone" } }
            }
            @match &blocker.remedy {
                None => p.soft { "See " code { "dmarcstat explain " (blocker.path) } " for what breaks, where and since when." },
                Some(remedy) => (steps(remedy)),
            }
        }
    }
}

/// What to do, step by step.
fn steps(remedy: &Remedy) -> Markup {
    html! {
        p { strong { "Mend: " } (Text(&remedy.title)) }
        @if !remedy.steps.is_empty() { ol { @for step in &remedy.steps { li { (Text(step)) } } } }
        @for record in &remedy.records {
            pre {
                (Text(&record.name)) "  " (Text(&record.kind)) "  "
                @match &record.value {
                    Some(value) => (Text(value)),
                    None => "(value as the provider shows it)",
                }
            }
        }
        @if let Some(source) = &remedy.source { p.soft.small { "Source: " (Text(source)) } }
    }
}

pub(super) fn fragile(answer: &Review) -> Markup {
    let only: Vec<_> =
        answer.fragile.iter().filter(|path| !answer.blockers.iter().any(|blocker| blocker.path == path.path)).collect();
    let undecided: Vec<_> = answer.decide.iter().chain(&answer.forgotten).collect();
    html! {
        @if !only.is_empty() {
            section {
                h2 { "Carried by SPF alone" }
                p { "These pass today and are lost when forwarded:" }
                ul.plain {
                    @for path in only {
                        li { (Text(&path.sender)) ": " (grouped(path.messages)) " of " (plural(path.path_messages, "message")) " " span.id { (path.path) } }
                    }
                }
            }
        }
        @if !undecided.is_empty() {
            section {
                h2 { "To decide about" }
                p { "Nothing in the reports shows that these may send for the domain. Whoever knows them should say so before they are lost:" }
                ul.plain {
                    @for path in undecided.into_iter().take(20) {
                        li { (Text(&path.sender)) ": " (plural(path.messages, "message")) " fail " span.id { (path.path) } }
                    }
                }
            }
        }
    }
}

pub(super) fn receivers(answer: &Review) -> Markup {
    let done = &answer.dispositions;
    let failing = done.none + done.quarantine + done.reject + done.unknown;
    if failing == 0 {
        return html! {};
    }
    html! {
        section {
            h2 { "What receivers did with what failed" }
            p {
                "Of " (plural(failing, "message")) ": delivered " (grouped(done.none)) ", quarantined " (grouped(done.quarantine))
                ", rejected " (grouped(done.reject)) @if done.unknown > 0 { ", not told " (grouped(done.unknown)) } "."
            }
            @if !answer.overridden.is_empty() {
                p { "Not what the policy asked for:" }
                ul.plain {
                    @for one in answer.overridden.iter().take(8) {
                        li {
                            (grouped(one.messages)) ": " (Text(one.done)) " instead of " (Text(&one.asked)) " · "
                            @if one.reasons.is_empty() { "no reason given" } @else { (Text(&one.reasons.join(", "))) }
                            " · " (Text(&few(&one.reporters)))
                        }
                    }
                }
                @if answer.overridden.len() > 8 { p.soft { (plural((answer.overridden.len() - 8) as u64, "more kind")) " in the JSON answer." } }
            }
        }
    }
}

pub(super) fn policy(answer: &Review) -> Markup {
    let Some(record) = &answer.published else { return html! {} };
    let tags = [
        ("p", &record.p),
        ("sp", &record.sp),
        ("np", &record.np),
        ("adkim", &record.adkim),
        ("aspf", &record.aspf),
        ("pct", &record.pct),
        ("t", &record.testing),
    ];
    let strict = &answer.strict;
    html! {
        section {
            h2 { "The published policy" }
            p {
                "As reports found it last at " (Text(&record.domain)) ": "
                code { @for (tag, value) in tags { @if let Some(value) = value { (tag) "=" (Text(value)) " " } } }
            }
            @if answer.policy_changes.is_empty() {
                p { "It did not change in this window." }
            } @else {
                p { "It changed in this window:" }
                ul.plain {
                    @for change in answer.policy_changes.iter().take(10) {
                        li {
                            (change.date) ": " (change.tag) " from " (Text(change.from.as_deref().unwrap_or("none")))
                            " to " (Text(change.to.as_deref().unwrap_or("none")))
                        }
                    }
                }
            }
            p {
                "Under strict alignment, of your mail that passes now, adkim=s alone would lose " (grouped(strict.lost_adkim))
                ", aspf=s alone " (grouped(strict.lost_aspf)) ", both " (grouped(strict.lost_both))
                @if strict.unknown > 0 { "; of " (grouped(strict.unknown)) " the reports do not tell" } "."
            }
            @if !answer.selectors.is_empty() {
                p {
                    "DKIM selectors of your mail: "
                    @for (at, one) in answer.selectors.iter().take(12).enumerate() {
                        @if at > 0 { ", " }
                        code { (Text(one.selector.as_deref().unwrap_or("(not told)"))) } " of " (Text(&one.domain)) " "
                        @if one.healthy { "(" (percent(one.verified, one.verified + one.failed)) " verify)" }
                        @else { span.tone.warn { "(" (percent(one.failed, one.verified + one.failed)) " fail)" } }
                    }
                    "."
                }
            }
        }
    }
}

pub(super) fn advice(answer: &Review) -> Markup {
    html! {
        @if !answer.advice.is_empty() {
            section {
                h2 { "What the standard says" }
                @for advice in &answer.advice {
                    p { strong { (advice.section) } ": " (advice.text) " " span.soft { "(" (Text(&advice.because)) ")" } }
                }
            }
        }
    }
}
