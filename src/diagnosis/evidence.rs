//! Why a path has its class, as plain data: what reporters say, and which of them count.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cause::{CauseEvidence, Change};
use super::class::Class;
use super::consensus::view::View;
use super::states::{ALIGNED, BROKEN, DkimFigures, MOSTLY, UNSIGNED, share};
use crate::alignment::DkimState;
use crate::domain;
use crate::query::{PathFigures, SenderKey, Survey};
use crate::report::period::date_of;
use crate::words::{self, grouped, plural};

/// Why a path is of its class.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Grounds {
    /// The messages that set the class, by DKIM state: those of [`set_aside`](Self::set_aside) are not among them.
    pub counted: DkimFigures,
    /// What one reporter alone claims, where others saw the same path on the same days otherwise.
    pub set_aside: Vec<LoneClaim>,
    /// Messages of reports that nobody checked, which do not set the class where reports that passed saw the path.
    pub unchecked: u64,
    /// Messages counted as broken that a reporter shows as unsigned: it leaves out signatures whose key is missing.
    pub omitted_signatures: u64,
    /// Messages with a broken signature that were not set aside, by its result.
    pub broken_by: BTreeMap<&'static str, u64>,
    /// What shows the cause.
    pub cause: Option<CauseEvidence>,
    /// Messages with a null reverse-path: bounces and automatic replies.
    pub null_reverse_path: NullFigures,
    /// What authenticates the domain on it.
    #[serde(rename = "vouched")]
    pub authenticated: Authenticated,
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
    /// What the others saw on the days of its reports.
    pub others: DkimFigures,
    /// Another saw some of the same, on whatever day.
    #[serde(skip)]
    pub is_shared: bool,
    /// Of signatures that fail, the result that it writes, where it is one.
    #[serde(skip)]
    pub result: Option<&'static str>,
}

impl LoneClaim {
    /// In words, with what the others saw.
    fn in_words(&self) -> String {
        let (reporter, state) = (&self.reporter, self.state);
        let mut messages = plural(self.messages, "message");
        if let Some(result @ ("temperror" | "permerror" | "policy")) = self.result {
            messages.push_str(&format!(", {result}"));
        }
        let others = words::parts(&self.others.named(), grouped);
        if self.is_shared {
            format!("{reporter} says {state} of {messages}, against the others on the same days: {others}")
        } else {
            format!("only {reporter} says {state} ({messages}); others on the same days: {others}")
        }
    }
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

/// The mail of a path that SPF or DKIM authenticates as the domain's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Authenticated {
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
    /// Messages that receivers exempted as forwarded.
    pub excused: u64,
    /// Reporters that did.
    pub excused_reporters: u64,
    /// The messages with aligned SPF, those that carry signatures and those that were spared, each of how many: what one
    /// reporter alone says is left out.
    #[serde(skip)]
    pub weighed: [(u64, u64); 3],
}

/// Less than this share of messages is an exception.
const FEW: f64 = 0.01;
impl Grounds {
    pub(super) fn of(survey: &Survey, at: usize, view: &View, cause: Option<CauseEvidence>) -> Self {
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
                    others: DkimFigures::from(lone.others),
                    is_shared: lone.is_shared,
                    result: lone.result,
                })
                .collect(),
            unchecked: survey.tally.messages_not_telling(at),
            omitted_signatures: view.omitted,
            broken_by: view.broken_by.clone(),
            cause,
            null_reverse_path: NullFigures {
                messages: view.null.iter().sum(),
                aligned: view.null[ALIGNED],
                unsigned: view.null[UNSIGNED],
            },
            authenticated: Authenticated {
                messages: view.authenticated.messages(),
                reporters: view.authenticated.witnesses() as u64,
                several_days: view.authenticated.several_days,
                weighed: view.authenticated.weighed(),
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
}

/// What a published policy costs now, where mail passes by SPF only: whatever recipients forward of it.
pub(super) fn refused(survey: &Survey, path: &PathFigures, class: Class) -> Option<String> {
    let published = |name: &str| survey.domains.iter().find(|domain| domain.domain == name)?.policy.as_deref();
    let policy = published(&path.domain).or_else(|| published(domain::organizational(&path.domain)))?;
    let carried = path.spf_aligned * 2 > path.messages && class.needs_work() && path.role.sends_for_owner();
    let done = match policy {
        "reject" => "refused",
        "quarantine" => "put into the junk folder",
        _ => return None,
    };
    carried.then(|| {
        format!(
            "p={policy} is published: copies of this mail that recipients forward are {done} today, because it passes by SPF only, which does not survive forwarding"
        )
    })
}

/// What is refused today, of mail that is sent for the owner, where that is most of it.
pub(super) fn rejected(path: &PathFigures) -> Option<String> {
    if !path.role.sends_for_owner() || share(path.rejected, path.messages) < MOSTLY {
        return None;
    }
    let organization = domain::organizational(&path.domain);
    let asks = if organization == path.domain {
        format!("as the policy of {organization} asks")
    } else {
        format!("as the policy of {organization} for its subdomains (sp) asks, or one of {} itself", path.domain)
    };
    Some(format!(
        "receivers reject it today: {} of {} messages, {asks}",
        grouped(path.rejected),
        grouped(path.messages)
    ))
}

/// The evidence in words, for a line below the path.
pub(super) fn notes(path: &PathFigures, class: Class, change: Option<&Change>, evidence: &Grounds) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(change) = change {
        let last = date_of(change.day.saturating_sub(1));
        notes.push(format!(
            "{} since {}; until {last}: {}",
            class.as_str(),
            date_of(change.day),
            change.before.as_str()
        ));
    }
    notes.extend(evidence.cause.as_ref().map(|cause| cause.text.clone()));
    let unknown = path.dkim[usize::from(DkimState::Unknown.code())];
    if unknown > 0 && unknown < path.messages && share(unknown, path.messages) >= 0.5 {
        notes.push(format!("for {unknown} of {} messages the reports do not say how they are signed", path.messages));
    }
    for lone in &evidence.set_aside {
        notes.push(lone.in_words());
    }
    if evidence.unchecked > 0 {
        let messages = plural(evidence.unchecked, "message");
        notes.push(format!("{messages} from unverified reports are not counted for this"));
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
    if path.witnesses == 1 {
        notes.push(format!("one reporter: {}", words::list(&path.reporters, 3)));
    }
    if (1..10).contains(&path.messages) {
        notes.push("few messages".to_owned());
    }
    notes
}
