//! What the page of a review has room for: pictures, every path, the published policy, and how the answer came about, so that
//! anybody can check it.

use super::wording::is_published;
use crate::diagnosis::Class;
use crate::diagnosis::readiness::{DayFigures, Review, ReviewedPath, Verdict};
use crate::render::document::{Document, Fact, Text};
use crate::render::paths::paint;
use crate::render::sparkline::{Series, Sparkline};
use crate::render::table::{Column, Table, painted, plain};
use crate::report::period::Day;
use crate::words::{grouped, list, percent, plural};

/// Paths of unknown senders that are listed: there may be one for each network that a spoofer had.
const UNKNOWN: usize = 25;

/// What the page is about.
pub(super) fn title(answer: &Review) -> String {
    let words = match answer.verdict {
        Verdict::Ready if is_published(answer) => {
            return format!("{}: in order at p={}", answer.domain, answer.target.as_str());
        }
        Verdict::Ready => "ready",
        Verdict::NotReady => "not ready",
        Verdict::Undecided => "undecided",
        Verdict::NotEnoughData => "not enough data",
    };
    format!("{}: {words} for p={}", answer.domain, answer.target.as_str())
}

/// The volume day by day, by class.
pub(super) fn daily(answer: &Review, document: &mut Document) {
    let days = |value: &dyn Fn(&DayFigures) -> u64| -> Vec<(Day, u64)> {
        answer.daily.iter().map(|one| (one.day, value(one))).collect()
    };
    let series = Class::ALL.iter().map(|&class| Series {
        label: class.as_str().to_owned(),
        look: class.into(),
        apart: false,
        days: days(&|one| one.by_class.get(&class).copied().unwrap_or(0)),
    });
    let occurs = |series: &Series| series.days.iter().any(|&(_, messages)| messages > 0);
    let series: Vec<Series> = series.filter(occurs).collect();
    if !series.is_empty() {
        document.heading("Volume by day and class");
        document.sparkline(Sparkline { all: days(&|one| one.messages), series });
    }
}

/// Every path, but of unknown senders the largest alone.
pub(super) fn paths(answer: &Review, document: &mut Document) {
    if answer.paths.is_empty() {
        return;
    }
    let (mut unknown, named): (Vec<&ReviewedPath>, Vec<&ReviewedPath>) =
        answer.paths.iter().partition(|path| path.role.is_nobodys());
    unknown.sort_by_key(|path| std::cmp::Reverse(path.messages));
    let left = unknown.split_off(unknown.len().min(UNKNOWN));
    document.heading("Sending paths");
    let table = Table::of(
        named.into_iter().chain(unknown).map(|path| (path, path.domain == answer.domain)),
        [
            (Column::text("SENDER"), |(path, is_its)| {
                plain(if *is_its { path.sender.clone() } else { format!("{} as {}", path.sender, path.domain) })
            }),
            (Column::text("CLASS"), |(path, _)| painted(path.class.as_str(), paint(path.class))),
            (Column::text("ROLE"), |(path, _)| plain(path.role.as_str())),
            (Column::number("MESSAGES"), |(path, _)| plain(grouped(path.messages))),
            (Column::number("DMARC PASS"), |(path, _)| plain(percent(path.pass, path.messages))),
            (Column::number("DKIM ALIGNED"), |(path, _)| plain(percent(path.dkim_aligned, path.messages))),
            (Column::number("SPF ONLY"), |(path, _)| plain(grouped(path.spf_alone))),
            (Column::text("LAST SEEN"), |(path, _)| plain(&path.last_seen)),
            (Column::text("ID"), |(path, _)| plain(&path.id)),
        ],
    );
    document.table(table);
    if !left.is_empty() {
        let messages = left.iter().map(|path| path.messages).sum();
        let (paths, messages) = (plural(left.len() as u64, "more path"), plural(messages, "message"));
        document
            .text(Text::prose(format!("{paths} of unknown senders with {messages}; `dmarcstat sources` lists them.")));
    }
}

/// What is published, and what strict alignment would cost.
pub(super) fn policy(answer: &Review, document: &mut Document) {
    let Some(record) = &answer.published else { return };
    let tags = [
        ("p", &record.p),
        ("sp", &record.sp),
        ("np", &record.np),
        ("adkim", &record.adkim),
        ("aspf", &record.aspf),
        ("pct", &record.pct),
        ("t", &record.testing),
    ];
    let tags = tags.into_iter().filter_map(|(tag, value)| value.as_ref().map(|value| format!("{tag}={value}")));
    document.heading("The published policy");
    document.text(format!("As reports found it last at {}:", record.domain));
    document.verbatim(0, vec![tags.collect::<Vec<_>>().join("; ")]);
    if answer.policy_changes.is_empty() {
        document.text("It did not change in this window.");
    }
    let strict = &answer.strict;
    let unknown = match strict.unknown {
        0 => String::new(),
        unknown => format!("; for {} the reports do not say", grouped(unknown)),
    };
    document.text(format!(
        "Under strict alignment, of your mail that passes now, adkim=s alone would lose {}, aspf=s alone {}, both {}{unknown}.",
        grouped(strict.lost_adkim),
        grouped(strict.lost_aspf),
        grouped(strict.lost_both),
    ));
    let selectors = answer.selectors.iter().map(|one| {
        let (part, word) = if one.healthy { (one.verified, "verify") } else { (one.failed, "fail") };
        let share = percent(part, one.verified + one.failed);
        format!("{} of {} ({share} {word})", one.selector.as_deref().unwrap_or("(not named)"), one.domain)
    });
    if !answer.selectors.is_empty() {
        document.text(format!("DKIM selectors of your mail: {}.", list(selectors, 12)));
    }
}

/// How the answer came about.
pub(super) fn method(answer: &Review, document: &mut Document) {
    let (evidence, limits) = (&answer.evidence, &answer.thresholds);
    let day = |day: &Option<String>| day.clone().unwrap_or_else(|| "–".to_owned());
    let thresholds = [
        ("min_days", limits.min_days.to_string()),
        ("min_reporters", limits.min_reporters.to_string()),
        ("min_messages", limits.min_messages.to_string()),
        ("max_age_days", limits.max_age_days.to_string()),
        ("pass_share", limits.pass_share.to_string()),
        ("max_path_failures", limits.max_path_failures.to_string()),
        ("max_reporter_share", limits.max_reporter_share.to_string()),
        ("max_unchecked_share", limits.max_unchecked_share.to_string()),
        ("max_selector_failures", limits.max_selector_failures.to_string()),
        ("recent_days", limits.recent_days.to_string()),
        ("max_regression", limits.max_regression.to_string()),
    ];
    let thresholds: Vec<String> = thresholds.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let left_out = if evidence.unchecked_left_out { ", and they are left out" } else { "" };
    document.heading("Method and data");
    document.text(
        "The messages counted are those of DMARC aggregate reports with the domain or a name below it in From; names with a DMARC record of their own are left out. Every message counts once. A report counts on the UTC day that holds the middle of its period. \
         A path's role says why it exists: own, approved by the ledger, a service, another account, a forwarder, a mailing list, a \
         filter in front of a recipient, or unknown.",
    );
    let command = format!(
        "`dmarcstat readiness {} --target {} --since {} --until {} --as-of {} --format json`",
        answer.domain,
        answer.target.as_str(),
        day(&answer.window.begin),
        day(&answer.window.end),
        answer.as_of
    );
    document.facts(vec![
        Fact::new(
            "Window",
            format!("{} to {}, as of {}", day(&answer.window.begin), day(&answer.window.end), answer.as_of),
        ),
        Fact::new(
            "Evidence",
            format!(
                "{} of {} on {}; for {} nobody checked whether their mail was genuine{left_out}",
                plural(evidence.reports, "report"),
                plural(evidence.reporters, "reporter"),
                plural(u64::from(evidence.days), "day"),
                plural(evidence.unchecked_reports, "report"),
            ),
        ),
        Fact::new("Newest report", answer.newest_report.as_deref().unwrap_or("none")),
        Fact::new("Thresholds", thresholds.join(" ")),
        Fact::new("Program", &answer.program),
        Fact::new("The same as data", Text::prose(command)),
    ]);
}
