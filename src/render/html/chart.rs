//! Pictures: the bar of impact and the days. Colours come with patterns, numbers and a table.

use maud::{Markup, html};

use super::{CLASSES, Text};
use crate::diagnosis::Class;
use crate::diagnosis::readiness::{ByClass, DayFigures, Review};
use crate::words::{grouped, percent, plural};

/// More bars than that are no longer told apart.
const MOST_BARS: usize = 124;

/// The marks that are laid over a colour, so that it is not the only sign. They are drawn once in a page.
pub(super) fn patterns() -> Markup {
    html! {
        svg width="0" height="0" style="position:absolute" aria-hidden="true" {
            defs {
                (pattern("intermittent", "M0 0h6", "2"))
                (pattern("unaligned", "M0 6L6 0M-1 1L1-1M5 7L7 5", "1.4"))
                (pattern("broken", "M0 0L6 6M-1 5L1 7M5-1L7 1", "1.4"))
                (pattern("unsigned", "M0 0L6 6M0 6L6 0", "1.2"))
                (pattern("handed-on", "M0 0v6", "2"))
                (pattern("not-reported", "M3 2v2", "2"))
            }
        }
    }
}

fn pattern(name: &str, path: &str, width: &str) -> Markup {
    html! {
        pattern id=(format!("p-{name}")) width="6" height="6" patternUnits="userSpaceOnUse" {
            rect width="6" height="6" fill=(format!("var(--{name})")) {}
            path d=(path) stroke="var(--paper)" stroke-width=(width) stroke-opacity=".55" fill="none" {}
        }
    }
}

/// How a part is filled.
pub(super) fn fill(name: &str) -> String {
    match name {
        "signed" => "var(--signed)".to_owned(),
        name => format!("url(#p-{name})"),
    }
}

/// A horizontal bar of parts that make a whole; each part has its fill, its label and its messages.
pub(super) fn bar(parts: &[(&str, &str, u64)], whole: u64, description: &str) -> Markup {
    let mut at = 0.0;
    let rectangles: Vec<(f64, f64, &str)> = parts
        .iter()
        .filter(|(_, _, messages)| *messages > 0)
        .map(|&(name, _, messages)| {
            let width = messages as f64 * 1000.0 / whole.max(1) as f64;
            // What is there must be seen.
            let shown = width.max(2.0);
            at += width;
            (at - width, shown, name)
        })
        .collect();
    html! {
        figure {
            svg.bar viewBox="0 0 1000 20" preserveAspectRatio="none" role="img" aria-label=(description) {
                rect width="1000" height="20" fill="var(--line)" {}
                @for (x, width, name) in &rectangles {
                    rect x=(number(*x)) width=(number(*width)) height="20" fill=(fill(name)) {}
                }
            }
            ul.legend {
                @for (name, label, messages) in parts {
                    li { (swatch(name)) span { (label) } b { (grouped(*messages)) " · " (percent(*messages, whole)) } }
                }
            }
        }
    }
}

fn swatch(name: &str) -> Markup {
    html! { svg viewBox="0 0 22 16" aria-hidden="true" { rect width="22" height="16" rx="2" fill=(fill(name)) {} } }
}

/// A bar of the chart: one day, or several together.
struct Bar {
    from: String,
    to: String,
    messages: u64,
    fail: u64,
    by_class: ByClass,
}

/// The days, several together where there are more than can be told apart.
fn bars(days: &[DayFigures]) -> (Vec<Bar>, usize) {
    let each = days.len().div_ceil(MOST_BARS).max(1);
    let each = if each > 1 { each.div_ceil(7) * 7 } else { 1 };
    let bars = days
        .chunks(each)
        .filter_map(|days| {
            let (first, last) = (days.first()?, days.last()?);
            let mut by_class = ByClass::default();
            for class in CLASSES {
                *by_class.of_mut(class) = days.iter().map(|day| day.by_class.of(class)).sum();
            }
            Some(Bar {
                from: first.date.clone(),
                to: last.date.clone(),
                messages: days.iter().map(|day| day.messages).sum(),
                fail: days.iter().map(|day| day.fail).sum(),
                by_class,
            })
        })
        .collect();
    (bars, each)
}

/// The volume day by day, by class.
pub(super) fn daily(answer: &Review) -> Markup {
    let (bars, each) = bars(&answer.daily);
    let Some(most) = bars.iter().map(|bar| bar.messages).max().filter(|&most| most > 0) else {
        return html! {};
    };
    let totals: Vec<(Class, u64)> = CLASSES
        .into_iter()
        .map(|class| (class, answer.daily.iter().map(|day| day.by_class.of(class)).sum()))
        .filter(|&(_, messages)| messages > 0)
        .collect();
    let step = 1000.0 / bars.len() as f64;
    let unit = if each == 1 { "day".to_owned() } else { format!("{each} days") };
    let parts: Vec<String> =
        totals.iter().map(|(class, messages)| format!("{} {}", class.as_str(), grouped(*messages))).collect();
    let description = format!(
        "Bar chart of messages each {unit}, stacked by class. In all: {}. At most {} in one {unit}.",
        parts.join(", "),
        plural(most, "message")
    );
    html! {
        section {
            h2 { "Volume by day and class" }
            figure {
                p.axis { span { (grouped(most)) " messages" } span { "each bar: " (unit) } }
                svg.chart viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label=(description) {
                    @for line in [25, 50, 75] {
                        rect y=(line) width="1000" height="0.4" fill="var(--line)" {}
                    }
                    @for (class, _) in &totals {
                        path d=(stack(&bars, *class, most, step)) fill=(fill(class.as_str())) {}
                    }
                }
                p.axis {
                    span { (bars.first().map(|bar| bar.from.as_str()).unwrap_or_default()) }
                    span { (bars.last().map(|bar| bar.to.as_str()).unwrap_or_default()) }
                }
                ul.legend {
                    @for (class, messages) in &totals {
                        li { (swatch(class.as_str())) span { (class.as_str()) } b { (grouped(*messages)) } }
                    }
                }
            }
            (figures(&bars, &totals))
        }
    }
}

/// The path of all pieces of one class, one over each bar, on top of the classes before it.
fn stack(bars: &[Bar], class: Class, most: u64, step: f64) -> String {
    let mut path = String::new();
    for (at, bar) in bars.iter().enumerate() {
        let messages = bar.by_class.of(class);
        if messages == 0 {
            continue;
        }
        let below: u64 =
            CLASSES.into_iter().take_while(|&other| other != class).map(|other| bar.by_class.of(other)).sum();
        let scale = |messages: u64| messages as f64 * 100.0 / most as f64;
        let (height, bottom) = (scale(messages), 100.0 - scale(below));
        let (x, width) = (at as f64 * step + step * 0.1, step * 0.8);
        path.push_str(&format!(
            "M{} {}h{}v-{}h-{}z",
            number(x),
            number(bottom),
            number(width),
            number(height),
            number(width)
        ));
    }
    path
}

/// The same as a table, for who cannot see the picture.
fn figures(bars: &[Bar], totals: &[(Class, u64)]) -> Markup {
    html! {
        details {
            summary { "The same as a table" }
            table.small {
                thead { tr {
                    th scope="col" { "Days" }
                    th.n scope="col" { "Messages" }
                    th.n scope="col" { "Fail DMARC" }
                    @for (class, _) in totals { th.n scope="col" { (class.as_str()) } }
                } }
                tbody {
                    @for bar in bars { tr {
                        th scope="row" { (Text(&bar.from)) @if bar.to != bar.from { " to " (Text(&bar.to)) } }
                        td.n { (grouped(bar.messages)) }
                        td.n { (grouped(bar.fail)) }
                        @for (class, _) in totals { td.n { (grouped(bar.by_class.of(*class))) } }
                    } }
                }
            }
        }
    }
}

/// A number with two decimals at most.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
