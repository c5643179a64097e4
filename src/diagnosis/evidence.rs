//! Why a path is of its class, as plain data: what reporters say, which part is not signed, where signatures break.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use super::class::Class;
use super::forwarding::Forwarding;
use super::path::DkimFigures;
use super::view::{ALIGNED, BROKEN, States, UNALIGNED, UNSIGNED, View, known, share};
use crate::query::{AddressFigures, PathFigures, Survey};
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
    /// Messages with a broken signature, by its result.
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

/// Where signatures break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "where", rename_all = "lowercase")]
pub enum Breaks {
    /// At every reporter: at the source, a key or signing fault.
    Source,
    /// At some reporters, or now and then: on the way.
    Transit {
        /// Reporters that saw it, of those that saw enough.
        reporters: u64,
        /// Of how many.
        of: u64,
    },
    /// On some days only: a key was missing, as in a rotation.
    Days {
        /// The days.
        days: Vec<String>,
    },
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
    /// Messages that carry a signature of the domain, or of its tenant, that is at home at another sender.
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
const CLEAR: f64 = 0.9;
/// Fewer messages of an address or a reporter tell nothing of it.
const TELLING: u64 = 3;
/// No more addresses are listed.
const LISTED: usize = 20;

impl Grounds {
    pub(super) fn of(survey: &Survey, at: usize, view: &View, class: Class, forwarding: Forwarding) -> Self {
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
            breaks: breaks(view),
            unsigned_part: match class {
                Class::Intermittent => parts(survey, view, &survey.tally.addresses(at)),
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
                carried: forwarding.carried,
                verified: forwarding.verifies,
                excused: forwarding.excused,
                excused_reporters: forwarding.excused_reporters as u64,
                weighed: forwarding.weighed,
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

/// Where signatures break: a key that is missing for some days, the source, or the way.
fn breaks(view: &View) -> Option<Breaks> {
    let all = view.counted[BROKEN];
    if all == 0 {
        return None;
    }
    let days = view.days();
    let bad: Vec<&(Day, States)> =
        days.iter().filter(|(_, states)| share(states[BROKEN], states[BROKEN] + states[ALIGNED]) >= 0.5).collect();
    let in_bad: u64 = bad.iter().map(|(_, states)| states[BROKEN]).sum();
    let seen = days.iter().filter(|(_, states)| known(states) > 0).count();
    if bad.len() * 3 <= seen && in_bad as f64 >= 0.8 * all as f64 && view.counted[ALIGNED] > 0 {
        return Some(Breaks::Days { days: bad.iter().map(|(day, _)| date_of(*day).to_string()).collect() });
    }
    let reporters = view.by_reporter();
    let telling = |states: &&States| states[BROKEN] + states[ALIGNED] >= TELLING;
    let enough: Vec<&States> = match reporters.values().filter(telling).collect::<Vec<_>>() {
        none if none.is_empty() => reporters.values().filter(|states| known(states) > 0).collect(),
        some => some,
    };
    if enough.iter().all(|states| share(states[BROKEN], states[BROKEN] + states[ALIGNED]) >= 0.5) {
        return Some(Breaks::Source);
    }
    let saw = enough.iter().filter(|states| states[BROKEN] > 0).count();
    Some(Breaks::Transit { reporters: saw as u64, of: enough.len() as u64 })
}

/// Which part is not signed as the domain.
fn parts(survey: &Survey, view: &View, addresses: &[AddressFigures]) -> Vec<Part> {
    let mut parts = Vec::new();
    parts.extend(by_day(&view.days()));
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

/// The day that parts signed days from unsigned ones, where one does.
fn by_day(days: &[(Day, States)]) -> Option<Part> {
    let total = days.iter().fold((0, 0), |sum, (_, states)| (sum.0 + states[ALIGNED], sum.1 + missing(states)));
    let mut before = (0, 0);
    let mut best: Option<(f64, Day, bool)> = None;
    for (day, states) in days {
        if before != (0, 0) {
            let after = (total.0 - before.0, total.1 - before.1);
            let (was, is) = (share(before.0, before.0 + before.1), share(after.0, after.0 + after.1));
            // Both sides must be clear, and the day itself is the first of the other side.
            let clear = if is > was { is.min(1.0 - was) } else { was.min(1.0 - is) };
            if clear >= CLEAR && best.is_none_or(|(known, ..)| clear > known) {
                best = Some((clear, *day, is > was));
            }
        }
        before.0 += states[ALIGNED];
        before.1 += missing(states);
    }
    best.map(|(_, day, signed)| Part::Day { since: date_of(day).to_string(), signed })
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

/// The evidence in words, for a line below the path.
pub(super) fn notes(path: &PathFigures, class: Class, evidence: &Grounds) -> Vec<String> {
    let mut notes: Vec<String> = evidence.unsigned_part.iter().map(Part::worded).collect();
    let broken = evidence.counted.broken;
    if let (Some(breaks), true) =
        (&evidence.breaks, matches!(class, Class::Signed | Class::Broken | Class::Intermittent))
        && (class == Class::Broken || broken as f64 >= 0.01 * path.messages as f64)
    {
        notes.push(breaks.worded(broken, evidence.broken_mostly()));
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
                let shown: Vec<String> = addresses.iter().take(4).map(ToString::to_string).collect();
                let more = (*unsigned as usize).saturating_sub(shown.len());
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let (verb, noun) = if *unsigned == 1 { ("signs", "address") } else { ("sign", "addresses") };
                format!("{unsigned} of {of} {noun} never {verb}: {}{more}", shown.join(", "))
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

impl Breaks {
    /// In words.
    #[must_use]
    pub fn worded(&self, messages: u64, result: Option<&str>) -> String {
        let result = result.map(|result| format!(" ({result})")).unwrap_or_default();
        match self {
            Breaks::Source => format!("signatures fail at every reporter{result}: a fault of key or signer"),
            Breaks::Transit { reporters, of } => {
                format!("{messages} signatures failed{result} at {reporters} of {of} reporters: changed on the way")
            }
            Breaks::Days { days } => match days.as_slice() {
                [day] => format!("signatures failed on {day} only{result}: a key was missing or changed"),
                days => format!(
                    "signatures failed on {} days from {} to {} only{result}: a key was missing or changed",
                    days.len(),
                    days.first().map_or("", String::as_str),
                    days.last().map_or("", String::as_str)
                ),
            },
        }
    }
}
