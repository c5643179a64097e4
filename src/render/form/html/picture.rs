//! Pictures: bars of days and of shares. Colours come with patterns, numbers and a table.

use maud::{Markup, html};

use super::text::{LONGEST, Plain};
use crate::render::shares::Shares;
use crate::render::sparkline::{Layout, Look, Marks, Sparkline};
use crate::report::period::{Day, date_of};
use crate::words::{grouped, percent, plural};

/// More bars than that are no longer told apart.
const MOST_BARS: usize = 124;
/// Bars of the picture in a cell.
const MOST_MARKS: usize = 60;

/// The marks that are laid over a colour, so that it is not the only sign. They are drawn once in a page.
pub(super) fn patterns() -> Markup {
    html! {
        svg width="0" height="0" style="position:absolute" aria-hidden="true" {
            defs {
                (pattern(Look::Intermittent, "M0 0h6", "2"))
                (pattern(Look::Unaligned, "M0 6L6 0M-1 1L1-1M5 7L7 5", "1.4"))
                (pattern(Look::Broken, "M0 0L6 6M-1 5L1 7M5-1L7 1", "1.4"))
                (pattern(Look::Unsigned, "M0 0L6 6M0 6L6 0", "1.2"))
                (pattern(Look::HandedOn, "M0 0v6", "2"))
                (pattern(Look::NotReported, "M3 2v2", "2"))
            }
        }
    }
}

fn pattern(look: Look, path: &str, width: &str) -> Markup {
    html! {
        pattern id=(format!("p-{}", look.as_str())) width="6" height="6" patternUnits="userSpaceOnUse" {
            rect width="6" height="6" fill=(format!("var(--{})", look.as_str())) {}
            path d=(path) stroke="var(--paper)" stroke-width=(width) stroke-opacity=".55" fill="none" {}
        }
    }
}

/// How a part is filled.
fn fill(look: Look) -> String {
    match look {
        Look::Signed => "var(--signed)".to_owned(),
        look => format!("url(#p-{})", look.as_str()),
    }
}

fn swatch(look: Look) -> Markup {
    html! { svg viewBox="0 0 22 16" aria-hidden="true" { rect width="22" height="16" rx="2" fill=(fill(look)) {} } }
}

/// A horizontal bar of parts that make a whole.
pub(super) fn shares(shares: &Shares) -> Markup {
    let whole = shares.whole();
    let mut at = 0.0;
    let mut rectangles = Vec::new();
    for part in shares.parts.iter().filter(|part| part.messages > 0) {
        let width = part.messages as f64 * 1000.0 / whole.max(1) as f64;
        // What is there must be seen.
        rectangles.push((at, width.max(2.0), part.look));
        at += width;
    }
    let told = shares
        .parts
        .iter()
        .map(|part| format!("{}: {}, {} ({})", part.label, part.note, grouped(part.messages), part.percent(whole)));
    let description = format!("Of {}: {}", plural(whole, "message"), told.collect::<Vec<_>>().join("; "));
    html! {
        figure {
            svg.bar viewBox="0 0 1000 20" preserveAspectRatio="none" role="img" aria-label=(description) {
                rect width="1000" height="20" fill="var(--line)" {}
                @for &(x, width, look) in &rectangles {
                    rect x=(number(x)) width=(number(width)) height="20" fill=(fill(look)) {}
                }
            }
            ul.legend {
                @for part in shares.parts.iter().filter(|part| part.messages > 0) {
                    li { (swatch(part.look)) span { (part.label) ": " (part.note) } b { (grouped(part.messages)) " · " (part.percent(whole)) } }
                }
            }
        }
    }
}

/// A bar of the chart: one day, or several together.
struct Bar {
    from: Day,
    to: Day,
    messages: u64,
    /// In the order of the series.
    of: Vec<u64>,
}

/// The days, several together where there are more than can be told apart.
fn bars(sparkline: &Sparkline) -> Vec<Bar> {
    let Some((first, last)) = sparkline.ends() else { return Vec::new() };
    let layout = Layout::new(first, last, MOST_BARS, true).by_weeks();
    let all = layout.sums(sparkline.all.iter().copied());
    let series: Vec<Vec<u64>> =
        sparkline.series.iter().map(|series| layout.sums(series.days.iter().copied())).collect();
    let bar = |(at, messages): (usize, u64)| {
        let (from, to) = layout.days(at);
        Bar { from, to, messages, of: series.iter().map(|sums| sums[at]).collect() }
    };
    all.into_iter().enumerate().map(bar).collect()
}

/// The volume day by day, in bars of what makes a whole, and lines for what does not.
pub(super) fn sparkline(sparkline: &Sparkline) -> Markup {
    let bars = bars(sparkline);
    let Some(most) = bars.iter().map(|bar| bar.messages).max().filter(|&most| most > 0) else {
        return html! {};
    };
    let step = 1000.0 / bars.len() as f64;
    let unit = match bars.first().map(|bar| bar.to - bar.from + 1) {
        Some(days) if days > 1 => format!("{days} days"),
        _ => "day".to_owned(),
    };
    let total = |number: usize| bars.iter().map(|bar| bar.of[number]).sum::<u64>();
    let parts: Vec<String> = (sparkline.series.iter().enumerate())
        .map(|(number, series)| format!("{} {}", series.label, grouped(total(number))))
        .collect();
    let most_words = plural(most, "message");
    let description =
        format!("Bar chart of messages each {unit}. In all: {}. At most {most_words} in one {unit}.", parts.join(", "));
    html! {
        figure {
            p.axis { span { (most_words) } span { "each bar: " (unit) } }
            svg.chart viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label=(description) {
                @for line in [25, 50, 75] {
                    rect y=(line) width="1000" height="0.4" fill="var(--line)" {}
                }
                @for (number, series) in sparkline.series.iter().enumerate() {
                    @if series.apart {
                        path.line d=(line(&bars, number, most, step)) {}
                    } @else {
                        path d=(stack(sparkline, &bars, number, most, step)) fill=(fill(series.look)) {}
                    }
                }
            }
            p.axis {
                span { (bars.first().map(|bar| date_of(bar.from).to_string()).unwrap_or_default()) }
                span { (bars.last().map(|bar| date_of(bar.to).to_string()).unwrap_or_default()) }
            }
            ul.legend {
                @for (number, series) in sparkline.series.iter().enumerate() {
                    li {
                        @if series.apart {
                            svg viewBox="0 0 22 16" aria-hidden="true" { path.line d="M0 8h22" {} }
                        } @else { (swatch(series.look)) }
                        span { (Plain(&series.label, LONGEST)) } b { (grouped(total(number))) }
                    }
                }
            }
        }
        (figures(sparkline, &bars))
    }
}

/// The path of all pieces of one series, one over each bar, on top of the series before it.
fn stack(sparkline: &Sparkline, bars: &[Bar], series: usize, most: u64, step: f64) -> String {
    let mut path = String::new();
    let scale = |messages: u64| messages as f64 * 100.0 / most as f64;
    for (at, bar) in bars.iter().enumerate().filter(|(_, bar)| bar.of[series] > 0) {
        let below: u64 = (0..series).filter(|&other| !sparkline.series[other].apart).map(|other| bar.of[other]).sum();
        let (height, bottom) = (number(scale(bar.of[series])), number(100.0 - scale(below)));
        let (x, width) = (number(at as f64 * step + step * 0.1), number(step * 0.8));
        path.push_str(&format!("M{x} {bottom}h{width}v-{height}h-{width}z"));
    }
    path
}

/// A line of steps.
fn line(bars: &[Bar], series: usize, most: u64, step: f64) -> String {
    let mut path = String::new();
    for (at, bar) in bars.iter().enumerate() {
        let y = 100.0 - bar.of[series] as f64 * 100.0 / most as f64;
        let (x, y) = (number(at as f64 * step), number(y));
        path.push_str(&if at == 0 {
            format!("M{x} {y}h{}", number(step))
        } else {
            format!("L{x} {y}h{}", number(step))
        });
    }
    path
}

/// The same as a table, for who cannot see the picture.
fn figures(sparkline: &Sparkline, bars: &[Bar]) -> Markup {
    html! {
        details {
            summary { "The same as a table" }
            table.small {
                thead { tr {
                    th scope="col" { "Days" }
                    th.n scope="col" { "Messages" }
                    @for series in &sparkline.series { th.n scope="col" { (Plain(&series.label, LONGEST)) } }
                } }
                tbody {
                    @for bar in bars { tr {
                        th scope="row" { (date_of(bar.from)) @if bar.to != bar.from { " to " (date_of(bar.to)) } }
                        td.n { (grouped(bar.messages)) }
                        @for &messages in &bar.of { td.n { (grouped(messages)) } }
                    } }
                }
            }
        }
    }
}

/// How much was good day by day, small enough for a cell.
pub(super) fn marks(marks: &Marks) -> Markup {
    let (first, last) = marks.days;
    let layout = Layout::new(first, last, MOST_MARKS, true);
    let (good, bad) = (layout.sums(marks.good.iter().copied()), layout.sums(marks.bad.iter().copied()));
    let sums: Vec<(u64, u64)> = good.into_iter().zip(bad).collect();
    let (good, bad) = sums.iter().fold((0, 0), |(good, bad), sum| (good + sum.0, bad + sum.1));
    let description = format!(
        "{} to {}: {} of {}",
        date_of(first),
        date_of(last),
        percent(good, good + bad),
        plural(good + bad, "message")
    );
    // What was bad hangs from the top, what was good stands below it.
    let path = |is_bad: bool| -> String {
        let piece = |(at, &(good, bad)): (usize, &(u64, u64))| {
            let seam = bad as f64 * 10.0 / (good + bad).max(1) as f64;
            let (from, to) = if is_bad { (0.0, seam) } else { (seam, 10.0) };
            (good + bad > 0 && to > from).then(|| format!("M{at}.1 {}h.8v{}h-.8z", number(from), number(to - from)))
        };
        sums.iter().enumerate().filter_map(piece).collect()
    };
    html! {
        svg.marks viewBox=(format!("0 0 {} 10", sums.len())) preserveAspectRatio="none" role="img" aria-label=(description) {
            path d=(path(false)) fill="var(--signed)" {}
            path d=(path(true)) fill=(fill(Look::Unsigned)) {}
        }
    }
}

/// A number with two decimals at most.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
