//! Failures of TLS that are new, and such as are over, by SMTP TLS reports.

use super::answer::{Change, ChangeKind, ChangeSubject};
use super::comparison::Comparison;
use crate::diagnosis::dates::shown;
use crate::diagnosis::tls::{Judged, judged, remedy_of};
use crate::query::Window;
use crate::words::{agree, grouped, list, plural};

/// Reporters that are named.
const NAMED: usize = 3;

pub(super) fn compare(comparison: &Comparison<'_>) -> Vec<Change> {
    let Comparison { window, before, tls, .. } = *comparison;
    let mut found = Vec::new();
    for policy in &tls.policies {
        for one in judged(policy, window).filter(|one| one.since >= window.first) {
            // As elsewhere, no single reporter among several raises an alarm.
            let kind = if one.enough && one.ongoing { ChangeKind::Worse } else { ChangeKind::New };
            let reporters = tls.names(one.reporters.iter().copied());
            let [sessions, all] = one.sessions;
            let text = format!(
                "{} of {} failed ({}), as {} {}",
                grouped(sessions),
                plural(all, "session"),
                policy.policy_type.as_deref().unwrap_or("policy not given"),
                list(reporters, NAMED),
                if one.lone_claim {
                    "alone says, against others"
                } else {
                    agree(one.reporters.len() as u64, "says", "say")
                },
            );
            let mut change = change(kind, &one, text);
            change.since = Some(shown(one.since));
            change.remedy = Some(remedy_of(&one).title);
            found.push(change);
        }
        for one in judged(policy, Window { first: before.first, last: window.last }) {
            if !one.ongoing && one.last() < window.first {
                let text = format!("no longer seen since {}", shown(one.last()));
                let mut change = change(ChangeKind::Mended, &one, text);
                change.since = Some(shown(one.last().saturating_add(1)));
                found.push(change);
            }
        }
    }
    found
}

fn change(kind: ChangeKind, one: &Judged<'_>, text: String) -> Change {
    let mut change = Change::new(kind, ChangeSubject::Tls, text);
    change.domain = Some(one.policy.domain.clone());
    let what = one.failure.result_type.as_deref().unwrap_or("failure");
    change.name = Some(match &one.failure.mx_host {
        Some(host) => format!("{what} at {host}"),
        None => what.to_owned(),
    });
    change
}
