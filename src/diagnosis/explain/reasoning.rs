//! Why a path has its name, its standing and its class: the figures beside the thresholds.

use serde::Serialize;

use crate::diagnosis::class::{Class, Standing, Thresholds};
use crate::diagnosis::path::SendingPath;
use crate::query::Survey;

/// A step of the reasoning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// `name`, `standing`, `class`, or `evidence` that was weighed.
    pub about: &'static str,
    /// In words, with the figures.
    pub text: String,
}

pub(super) fn reasoning(path: &SendingPath, survey: &Survey, thresholds: &Thresholds) -> Vec<Reason> {
    let mut reasons = vec![
        Reason { about: "name", text: name(path) },
        Reason { about: "standing", text: standing(path, survey, thresholds) },
        Reason { about: "class", text: class(path, thresholds) },
    ];
    reasons.extend(evidence(path).into_iter().map(|text| Reason { about: "evidence", text }));
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

fn threshold(share: f64) -> String {
    format!("{} %", (share * 1000.0).round() / 10.0)
}

fn standing(path: &SendingPath, survey: &Survey, thresholds: &Thresholds) -> String {
    let domain = survey.evidence.get(&path.domain).copied().unwrap_or_default();
    let found = path.evidence.vouched;
    let vouched = format!(
        "aligned SPF or DKIM in {} of its messages (at least {}), at {} of the domain's {} reporters (at least {}), {}",
        percent(found.weighed.0, found.weighed.1),
        threshold(thresholds.vouched),
        found.reporters,
        domain.reporters,
        domain.reporters.min(2),
        match (found.several_days, domain.days) {
            (true, _) => "on several days (at least 2)",
            (false, _) if found.messages == 0 => "on no day",
            (false, true) => "on one day (at least 2)",
            (false, false) => "on the only day there is",
        }
    );
    match path.standing {
        Standing::Listed => format!("listed: in the ledger of approved senders; {vouched}"),
        Standing::Yours if found.messages == 0 => format!("yours: the account is the domain's own; {vouched}"),
        Standing::Yours => format!("yours: {vouched}"),
        Standing::Recognised => {
            format!("recognised: the sender is catalogued, and nothing proves that it acts for the domain; {vouched}")
        }
        Standing::Unproven => format!("unproven: {vouched}"),
    }
}

fn class(path: &SendingPath, thresholds: &Thresholds) -> String {
    let dkim = &path.evidence.counted;
    let known =
        [dkim.aligned, dkim.unaligned, dkim.broken, dkim.unsigned].iter().fold(0_u64, |sum, &n| sum.saturating_add(n));
    let share = |messages: u64| percent(messages, known);
    let largest = |word: &str, messages: u64| {
        format!(
            "{word}: {} {word}, the largest part of what is not aligned; aligned in {}",
            share(messages),
            share(dkim.aligned)
        )
    };
    match path.class {
        Class::Signed if (dkim.aligned as f64) < thresholds.signed * known as f64 => format!(
            "signed: aligned in {} and nearly all of the rest broken (at least {})",
            share(dkim.aligned),
            threshold(thresholds.signed_but_broken)
        ),
        Class::Signed => {
            format!("signed: aligned in {} (at least {})", share(dkim.aligned), threshold(thresholds.signed))
        }
        Class::Intermittent => format!(
            "intermittent: aligned in {} (under {}), unsigned or unaligned in {} (at least {} of each)",
            share(dkim.aligned),
            threshold(thresholds.signed),
            share(dkim.unsigned.saturating_add(dkim.unaligned)),
            threshold(thresholds.intermittent)
        ),
        Class::Unaligned => largest("unaligned", dkim.unaligned),
        Class::Broken => largest("broken", dkim.broken),
        Class::Unsigned => largest("unsigned", dkim.unsigned),
        Class::Forwarded => forwarded(path, thresholds),
        Class::Unproven if known == 0 => "unproven: there is nothing to judge its signatures by".to_owned(),
        Class::Unproven => format!("unproven: nothing vouches for it; aligned in {}", share(dkim.aligned)),
    }
}

fn forwarded(path: &SendingPath, thresholds: &Thresholds) -> String {
    let found = path.evidence.forwarding;
    let [spf, carried, excused] = found.weighed;
    format!(
        "forwarded: SPF aligned in {} (under {}); {} of its messages carry signatures that are at home at other senders (at \
         least {}), {} were spared as forwarded by {} reporters (at least {}, by 2)",
        percent(spf.0, spf.1),
        threshold(thresholds.own_spf),
        percent(carried.0, carried.1),
        threshold(thresholds.carried),
        percent(excused.0, excused.1),
        found.excused_reporters,
        threshold(thresholds.excused)
    )
}

/// What was set aside or put right before the class was judged; the path's notes have the rest.
fn evidence(path: &SendingPath) -> Vec<String> {
    let mut texts = Vec::new();
    let omitted = path.evidence.omitted_signatures;
    if omitted > 0 {
        texts.push(format!(
            "{omitted} messages that reporters show as unsigned count as broken: these reporters leave out signatures whose key is missing"
        ));
    }
    texts
}
