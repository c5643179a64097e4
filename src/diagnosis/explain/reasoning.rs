//! Why a path has its name, its role and its class: the figures beside the thresholds.

use serde::Serialize;

use crate::diagnosis::class::{Class, Thresholds};
use crate::diagnosis::path::SendingPath;
use crate::query::Survey;
use crate::role::Role;
use crate::words::{percent, threshold};

/// A step of the reasoning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// `name`, `role`, `class`, or `evidence` that was weighed.
    pub about: &'static str,
    /// In words, with the figures.
    pub text: String,
}

pub(super) fn reasoning(path: &SendingPath, survey: &Survey, thresholds: &Thresholds) -> Vec<Reason> {
    let mut reasons = vec![
        Reason { about: "name", text: name(path) },
        Reason { about: "role", text: role(path, survey) },
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

/// Why it has its role: the figures that speak for it. `docs/diagnosis.md` has the rows.
fn role(path: &SendingPath, survey: &Survey) -> String {
    let domain = survey.evidence.get(&path.domain).copied().unwrap_or_default();
    let authenticated = path.evidence.authenticated;
    let authenticated = format!(
        "aligned SPF or DKIM in {} of its messages, at {} of the domain's {} reporters, {}",
        percent(authenticated.weighed.0, authenticated.weighed.1),
        authenticated.reporters,
        domain.reporters,
        match (authenticated.several_days, domain.days) {
            (true, _) => "on several days",
            (false, _) if authenticated.messages == 0 => "on no day",
            (false, true) => "on one day",
            (false, false) => "on the only day there is",
        }
    );
    let why = match path.role {
        Role::Own => authenticated,
        Role::Approved => format!("an entry of the ledger approves it; {authenticated}"),
        Role::Denied => "an entry of the ledger says that it is not the owner's".to_owned(),
        Role::Service => {
            format!("somebody else authenticates here and writes under the domain's name; {authenticated}")
        }
        Role::OtherAccount => "the verified signature of an account that nothing shows to be the owner's".to_owned(),
        Role::Forwarder | Role::MailingList | Role::RecipientFilter => handed_on(path),
        Role::Unknown => "neither SPF nor DKIM authenticates anybody".to_owned(),
    };
    format!("{}: {why}", path.role.as_str())
}

fn handed_on(path: &SendingPath) -> String {
    let found = path.evidence.forwarding;
    let [spf, carried, excused] = found.weighed;
    let verified = match (found.verified, carried.0) {
        (_, 0) => "",
        (true, _) => ", and some of these verified",
        (false, _) => ", and none of these verified",
    };
    format!(
        "{} of its messages carry signatures of the domain{verified}, SPF aligned in {}; {} were exempted from the policy as forwarded or sent by a list, by {} reporters",
        percent(carried.0, carried.1),
        percent(spf.0, spf.1),
        percent(excused.0, excused.1),
        found.excused_reporters,
    )
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
        Class::NotReported => "not-reported: no report says how it signs".to_owned(),
    }
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
