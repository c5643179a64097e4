//! Why a path is of its class, as plain data: what reporters say, which part is not signed, where signatures break.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use super::breaks::{Breaks, breaks};
use super::class::Class;
use super::path::DkimFigures;
use super::view::View;
use super::view::{ALIGNED, BROKEN, States, UNALIGNED, UNSIGNED, known, share};
use crate::alignment::DkimState;
use crate::query::{AddressFigures, PathFigures, SenderKey, Survey};
use crate::report::period::{Day, date_of};

/// Why a path is of its class.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Grounds {
    /// The messages that set the class, by DKIM state: those of [`set_aside`](Self::set_aside) are not among them.
    pub counted: DkimFigures,
    /// What one reporter alone claims, where others saw the same path on the same days otherwise.
    pub set_aside: Vec<LoneClaim>,
    /// Messages counted as broken that a reporter shows as unsigned: it leaves out signatures whose key is missing.
    pub omitted_signatures: u64,
    /// Messages with a broken signature that were not set aside, by its result.
    pub broken_by: BTreeMap<&'static str, u64>,
    /// Where signatures break.
    pub breaks: Option<Breaks>,
    /// Which part is not signed, most telling first.
    pub unsigned_part: Vec<Part>,
    /// Messages with a null reverse-path: bounces and automatic replies.
    pub null_reverse_path: NullFigures,
    /// What vouches for the path.
    pub vouched: Vouched,
    /// What speaks for its handing on mail of others.
    pub forwarding: ForwardingEvidence,
    /// Messages of which a reporter's evaluation contradicts the results that it lists.
    pub contradicting: u64,
    /// The reporters of those.
    pub contradicting_reporters: Vec<String>,
}

/// What one reporter alone claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoneClaim {
    /// The reporter.
    pub reporter: String,
    /// The DKIM state.
    pub state: &'static str,
    /// The messages.
    pub messages: u64,
}

/// A part of a path that is not signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Part {
    /// Since a day all is signed, or nothing is.
    Day {
        /// The day.
        since: String,
        /// What holds since then.
        signed: bool,
    },
    /// Some addresses never sign.
    Address {
        /// Those, the busiest first.
        addresses: Vec<IpAddr>,
        /// How many never sign.
        unsigned: u64,
        /// Of how many.
        of: u64,
        /// Their messages.
        messages: u64,
    },
    /// Bounces and automatic replies.
    NullReversePath {
        /// Those that are not signed as the domain.
        messages: u64,
        /// Of all that are not.
        of: u64,
    },
    /// What some reporters saw.
    Reporter {
        /// The reporters.
        reporters: Vec<String>,
    },
}

/// Messages with a null reverse-path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct NullFigures {
    /// All.
    pub messages: u64,
    /// Those signed as the domain.
    pub aligned: u64,
    /// Those without a signature.
    pub unsigned: u64,
}

/// What vouches for a path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Vouched {
    /// Messages with aligned SPF or DKIM that speaks for the domain.
    pub messages: u64,
    /// Reporters that saw such.
    pub reporters: u64,
    /// They were seen on more than one day.
    pub several_days: bool,
    /// Those that counted, of how many: what one reporter alone says is left out.
    #[serde(skip)]
    pub weighed: (u64, u64),
}

/// What speaks for a path handing on mail of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ForwardingEvidence {
    /// Messages that carry a signature of the domain.
    pub carried: u64,
    /// Some of those verified.
    pub verified: bool,
    /// Messages that receivers spared as forwarded.
    pub excused: u64,
    /// Reporters that did.
    pub excused_reporters: u64,
    /// The messages with aligned SPF, those that carry signatures and those that were spared, each of how many: what one
    /// reporter alone says is left out.
    #[serde(skip)]
    pub weighed: [(u64, u64); 3],
}

/// A path whose signed and unsigned part differ in something has at least this share of each part on its side.
pub(super) const CLEAR: f64 = 0.9;
/// Fewer messages of an address or a reporter tell nothing of it.
pub(super) const TELLING: u64 = 3;
/// Less than this share of messages is an exception.
const FEW: f64 = 0.01;
/// No more addresses are listed.
pub(super) const LISTED: usize = 20;

impl Grounds {
    pub(super) fn of(survey: &Survey, at: usize, addresses: &[AddressFigures], view: &View, class: Class) -> Self {
        let path = &survey.paths[at];
        let carried = view.counted[ALIGNED] + view.counted[BROKEN];
        let name = |place: u32| survey.reporter_names[place as usize].clone();
        let mut contradicting_reporters: Vec<String> =
            view.contradicting_reporters.iter().map(|&place| name(place)).collect();
        contradicting_reporters.sort_unstable();
        Grounds {
            counted: DkimFigures::from(view.counted),
            set_aside: view
                .lone
                .iter()
                .map(|lone| LoneClaim {
                    reporter: name(lone.reporter),
                    state: lone.state.as_str(),
                    messages: lone.messages,
                })
                .collect(),
            omitted_signatures: view.omitted,
            broken_by: view.broken_by.clone(),
            breaks: breaks(view, addresses),
            unsigned_part: match class {
                Class::Intermittent => parts(survey, view, addresses),
                _ => Vec::new(),
            },
            null_reverse_path: NullFigures {
                messages: view.null.iter().sum(),
                aligned: view.null[ALIGNED],
                unsigned: view.null[UNSIGNED],
            },
            vouched: Vouched {
                messages: view.vouched.messages(),
                reporters: view.vouched.witnesses() as u64,
                several_days: view.vouched.several_days,
                weighed: view.vouched.weighed(),
            },
            forwarding: ForwardingEvidence {
                carried,
                verified: view.counted[ALIGNED] > 0,
                excused: path.excused,
                excused_reporters: path.excused_reporters as u64,
                weighed: [(path.spf_aligned, path.messages), (carried, path.messages), (path.excused, path.messages)],
            },
            contradicting: view.contradicting,
            contradicting_reporters,
        }
    }

    /// The result that most broken signatures have.
    #[must_use]
    pub fn broken_mostly(&self) -> Option<&'static str> {
        self.broken_by
            .iter()
            .max_by_key(|(result, messages)| (**messages, std::cmp::Reverse(**result)))
            .map(|one| *one.0)
    }
}

fn missing(states: &States) -> u64 {
    states[UNALIGNED] + states[UNSIGNED]
}

/// Which part is not signed as the domain.
fn parts(survey: &Survey, view: &View, addresses: &[AddressFigures]) -> Vec<Part> {
    let mut parts = Vec::new();
    parts.extend(
        turn(&view.days(), |states| (states[ALIGNED], missing(states)))
            .map(|(day, signed)| Part::Day { since: date_of(day).to_string(), signed }),
    );
    parts.extend(by_address(addresses));
    let all = missing(&view.counted);
    let null = missing(&view.null);
    if null > 0 && share(null, all) >= 0.5 {
        parts.push(Part::NullReversePath { messages: null.min(all), of: all });
    }
    if parts.is_empty() {
        parts.extend(by_reporter(survey, view));
    }
    parts
}

/// The day that parts the good from the bad, as `figures` tells them, where one does; and whether what is since then is good.
pub(super) fn turn(days: &[(Day, States)], figures: impl Fn(&States) -> (u64, u64)) -> Option<(Day, bool)> {
    let plus = |sum: (u64, u64), more: (u64, u64)| (sum.0 + more.0, sum.1 + more.1);
    let total = days.iter().fold((0, 0), |sum, (_, states)| plus(sum, figures(states)));
    let mut before = (0, 0);
    let mut best: Option<(f64, Day, bool)> = None;
    for (day, states) in days {
        let after = (total.0 - before.0, total.1 - before.1);
        if before != (0, 0) && after != (0, 0) {
            let (was, is) = (share(before.0, before.0 + before.1), share(after.0, after.0 + after.1));
            // Both sides must be clear, and the day itself is the first of the other side.
            let clear = if is > was { is.min(1.0 - was) } else { was.min(1.0 - is) };
            if clear >= CLEAR && best.is_none_or(|(known, ..)| clear > known) {
                best = Some((clear, *day, is > was));
            }
        }
        before = plus(before, figures(states));
    }
    best.map(|(_, day, good)| (day, good))
}

/// The addresses that never sign, where others always do.
fn by_address(addresses: &[AddressFigures]) -> Option<Part> {
    let telling = |one: &&AddressFigures| one.dkim[ALIGNED] + missing(&one.dkim) >= TELLING;
    let mut never: Vec<&AddressFigures> = addresses
        .iter()
        .filter(telling)
        .filter(|one| share(one.dkim[ALIGNED], known(&one.dkim)) <= 1.0 - CLEAR)
        .collect();
    let of = addresses.iter().filter(telling).count();
    let all: u64 = addresses.iter().map(|one| missing(&one.dkim)).sum();
    let messages: u64 = never.iter().map(|one| missing(&one.dkim)).sum();
    if never.is_empty() || never.len() == of || share(messages, all) < CLEAR {
        return None;
    }
    never.sort_by_key(|one| (std::cmp::Reverse(missing(&one.dkim)), one.ip));
    Some(Part::Address {
        addresses: never.iter().take(LISTED).map(|one| one.ip).collect(),
        unsigned: never.len() as u64,
        of: of as u64,
        messages,
    })
}

/// The reporters that see no signature, where others see nothing but.
fn by_reporter(survey: &Survey, view: &View) -> Option<Part> {
    let reporters = view.by_reporter();
    let (mut never, mut always) = (Vec::new(), 0);
    for (&reporter, states) in reporters.iter().filter(|(_, states)| known(states) >= TELLING) {
        let signed = share(states[ALIGNED], known(states));
        if signed <= 1.0 - CLEAR {
            never.push(survey.reporter_names[reporter as usize].clone());
        } else if signed >= CLEAR {
            always += 1;
        } else {
            return None;
        }
    }
    never.sort_unstable();
    (!never.is_empty() && always > 0).then_some(Part::Reporter { reporters: never })
}

/// The first few of so many addresses, and how many more there are.
pub(super) fn some_addresses(addresses: &[IpAddr], of: usize) -> String {
    let shown: Vec<String> = addresses.iter().take(4).map(ToString::to_string).collect();
    match of.saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The evidence in words, for a line below the path.
pub(super) fn notes(path: &PathFigures, class: Class, evidence: &Grounds) -> Vec<String> {
    let mut notes: Vec<String> = evidence.unsigned_part.iter().map(Part::worded).collect();
    if class == Class::Intermittent && notes.is_empty() {
        notes.push("signed and unsigned mail is mixed: no day, address, envelope or reporter parts them".to_owned());
    }
    let unknown = path.dkim[usize::from(DkimState::Unknown.code())];
    if unknown > 0 && unknown < path.messages && share(unknown, path.messages) >= 0.5 {
        notes.push(format!("of {unknown} of {} messages the reports do not say how they are signed", path.messages));
    }
    let broken = evidence.counted.broken;
    if let (Some(breaks), true) =
        (&evidence.breaks, matches!(class, Class::Signed | Class::Broken | Class::Intermittent))
        && (class == Class::Broken || broken as f64 >= 0.01 * path.messages as f64)
    {
        notes.push(breaks.worded(&evidence.counted, evidence.broken_mostly()));
    }
    for lone in &evidence.set_aside {
        notes.push(format!(
            "{} alone says {} ({}), which others saw otherwise",
            lone.reporter, lone.state, lone.messages
        ));
    }
    let null = evidence.null_reverse_path;
    if class == Class::Unaligned && null.unsigned > 0 {
        notes.push(format!(
            "of {} bounces and automatic replies {} are not signed at all",
            null.messages, null.unsigned
        ));
    }
    if evidence.contradicting as f64 >= 0.01 * path.messages.max(1) as f64 && evidence.contradicting > 0 {
        let who = match evidence.contradicting_reporters.as_slice() {
            [one] => one.clone(),
            many => format!("{} reporters", many.len()),
        };
        notes.push(format!(
            "{who}: the evaluation of {} messages contradicts the results listed",
            evidence.contradicting
        ));
    }
    let another = matches!(path.sender, SenderKey::Domain(_) | SenderKey::Provider { .. });
    if class == Class::Signed && another && share(path.spf_aligned, path.messages) < FEW {
        notes.push("SPF does not align here and need not: the aligned signature is enough".to_owned());
    }
    if path.reporters.len() == 1 {
        notes.push(format!("one reporter: {}", path.reporters[0]));
    }
    if (1..10).contains(&path.messages) {
        notes.push("few messages".to_owned());
    }
    notes
}

impl Part {
    /// In words.
    #[must_use]
    pub fn worded(&self) -> String {
        match self {
            Part::Day { since, signed: true } => format!("signed since {since}, not before"),
            Part::Day { since, signed: false } => format!("not signed since {since}, before it was"),
            Part::Address { addresses, unsigned, of, .. } => {
                let (verb, noun) = if *unsigned == 1 { ("signs", "address") } else { ("sign", "addresses") };
                format!("{unsigned} of {of} {noun} never {verb}: {}", some_addresses(addresses, *unsigned as usize))
            }
            Part::NullReversePath { messages, of } if messages == of => {
                "what is not signed are bounces and automatic replies (null reverse-path)".to_owned()
            }
            Part::NullReversePath { messages, of } => {
                format!("{messages} of {of} unsigned messages are bounces and automatic replies (null reverse-path)")
            }
            Part::Reporter { reporters } => format!("not signed as seen by {} only", reporters.join(", ")),
        }
    }
}
