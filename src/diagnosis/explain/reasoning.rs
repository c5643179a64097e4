//! Why a path has its name, its standing and its class: the figures beside the thresholds.

use serde::Serialize;

use crate::diagnosis::class::{Class, Standing, Thresholds};
use crate::diagnosis::path::SendingPath;
use crate::query::{PathFigures, Survey};

/// A step of the reasoning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// `name`, `standing` or `class`.
    pub about: &'static str,
    /// In words, with the figures.
    pub text: String,
}

pub(super) fn reasoning(path: &SendingPath, survey: &Survey, thresholds: &Thresholds) -> Vec<Reason> {
    let mut reasons = vec![Reason { about: "name", text: name(path) }];
    if let Some(figures) = survey.paths.get(path.figures) {
        reasons.push(Reason { about: "standing", text: standing(path, figures, survey, thresholds) });
        reasons.push(Reason { about: "class", text: class(path, figures, thresholds) });
    }
    reasons
}

fn name(path: &SendingPath) -> String {
    let tenant = path.tenant.as_ref().map_or_else(String::new, |tenant| format!(", tenant {tenant}"));
    let provider = path.provider.as_ref().map_or_else(String::new, |id| format!(", provider {id}"));
    format!("named by {}{provider}{tenant}", path.named_by)
}

/// A share in percent, of something that may be nothing.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    let share = part as f64 * 100.0 / whole as f64;
    match (part, share) {
        (0, _) => "0 %".to_owned(),
        (part, _) if part == whole => "100 %".to_owned(),
        // Rounding must not carry a share over the threshold that it is held against.
        (_, share) => format!("{:.1} %", (share * 10.0).floor() / 10.0),
    }
}

fn at_least(threshold: f64) -> String {
    format!("at least {} %", threshold * 100.0)
}

fn standing(path: &SendingPath, figures: &PathFigures, survey: &Survey, thresholds: &Thresholds) -> String {
    let evidence = survey.evidence.get(&path.domain).copied().unwrap_or_default();
    let vouched = format!(
        "aligned SPF or DKIM in {} of its messages ({}), at {} of the domain's {} reporters (at least {}), {}",
        percent(figures.vouched, figures.messages),
        at_least(thresholds.vouched),
        figures.vouched_reporters,
        evidence.reporters,
        evidence.reporters.min(2),
        match (figures.vouched_days, evidence.days) {
            (true, _) => "on several days (at least 2)",
            (false, _) if figures.vouched == 0 => "on no day",
            (false, true) => "on one day (at least 2)",
            (false, false) => "on the only day there is",
        }
    );
    match path.standing {
        Standing::Listed => format!("listed: in the ledger of approved senders; {vouched}"),
        Standing::Yours if figures.own_tenant => format!("yours: the tenant is the domain's own; {vouched}"),
        Standing::Yours => format!("yours: {vouched}"),
        Standing::Recognised => {
            format!("recognised: the sender is catalogued, nothing proves that it acts for the domain; {vouched}")
        }
        Standing::Unproven => format!("unproven: {vouched}"),
    }
}

fn class(path: &SendingPath, figures: &PathFigures, thresholds: &Thresholds) -> String {
    let dkim = &path.dkim;
    let known = dkim.aligned + dkim.unaligned + dkim.broken + dkim.unsigned;
    let share = |messages: u64| percent(messages, known);
    let not_signed = dkim.unsigned + dkim.unaligned;
    match path.class {
        Class::Signed if not_signed == 0 && dkim.broken > 0 => format!(
            "signed: aligned in {} and the rest broken ({})",
            share(dkim.aligned),
            at_least(thresholds.signed_but_broken)
        ),
        Class::Signed => format!("signed: aligned in {} ({})", share(dkim.aligned), at_least(thresholds.signed)),
        Class::Intermittent => format!(
            "intermittent: aligned in {}, unsigned or unaligned in {} ({} of each; under {} % aligned)",
            share(dkim.aligned),
            share(not_signed),
            at_least(thresholds.intermittent),
            thresholds.signed * 100.0
        ),
        Class::Unaligned => format!(
            "unaligned: {} unaligned, the largest part of what is not aligned; aligned in {}",
            share(dkim.unaligned),
            share(dkim.aligned)
        ),
        Class::Broken => format!(
            "broken: {} broken, the largest part of what is not aligned; aligned in {}",
            share(dkim.broken),
            share(dkim.aligned)
        ),
        Class::Unsigned => format!(
            "unsigned: {} unsigned, the largest part of what is not aligned; aligned in {}",
            share(dkim.unsigned),
            share(dkim.aligned)
        ),
        Class::Forwarded => format!(
            "forwarded: SPF aligned in {} (under 5 %), and its mail carries signatures that are at home at other senders, or reporters say that it was forwarded (in {} of its messages)",
            percent(figures.spf_aligned, figures.messages),
            percent(figures.excused, figures.messages)
        ),
        Class::Unproven if known == 0 => "unproven: the reports say nothing of its signatures".to_owned(),
        Class::Unproven => format!("unproven: nothing vouches for it; aligned in {}", share(dkim.aligned)),
    }
}
