//! What SMTP TLS reports say of domains, by policy: who saw how many sessions go well and fail on which days.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::witnesses::Met;
use crate::domain;
use crate::report::period::Day;
use crate::store::{Store, StoreError, TlsFailures, TlsSessions};

/// Failures of a policy that are told apart. More are made up: their hosts, and then their kinds, are left out.
const KEPT_FAILURES: usize = 1000;
/// Texts of one kind that are kept of a failure: addresses, reason codes.
const KEPT_TEXTS: usize = 20;

/// What the reports of some days say.
#[derive(Debug, Clone, Default)]
pub struct TlsSurvey {
    /// Who reports, by place.
    pub reporters: Vec<String>,
    /// The reports, with their days.
    pub reports: BTreeSet<(Day, i64)>,
    /// The policies, in the order of their domains and types.
    pub policies: Vec<TlsPolicyFigures>,
}

impl TlsSurvey {
    /// The names of reporters by their places, in alphabetical order.
    #[must_use]
    pub fn names(&self, places: impl IntoIterator<Item = u32>) -> Vec<String> {
        let named = places.into_iter().filter_map(|place| self.reporters.get(place as usize).cloned());
        named.collect::<BTreeSet<String>>().into_iter().collect()
    }
}

/// What is said of a domain under policies of one type.
#[derive(Debug, Clone, Default)]
pub struct TlsPolicyFigures {
    /// The policy domain.
    pub domain: String,
    /// `policy-type`; absent where a report gives none.
    pub policy_type: Option<String>,
    /// `policy-string` of the newest report that has one, a line each.
    pub policy_string: Vec<String>,
    /// `mx-host` of the newest report that has one.
    pub mx_host: Vec<String>,
    /// The reports, with their days.
    pub reports: BTreeSet<(Day, i64)>,
    /// Sessions that went well and that failed, by day and reporter.
    pub sessions: BTreeMap<(Day, u32), [u64; 2]>,
    /// What failed, by kind and host.
    pub failures: Vec<TlsFailureFigures>,
}

/// A kind of failure at a host.
#[derive(Debug, Clone, Default)]
pub struct TlsFailureFigures {
    /// `result-type`; absent for sessions of which only the sum is told.
    pub result_type: Option<String>,
    /// `receiving-mx-hostname`.
    pub mx_host: Option<String>,
    /// Sessions by day and reporter.
    pub sessions: BTreeMap<(Day, u32), u64>,
    /// `receiving-ip`, some of them.
    pub receiving_ips: BTreeSet<String>,
    /// `failure-reason-code`, some of them.
    pub reason_codes: BTreeSet<String>,
    /// `additional-information`, some of it.
    pub information: BTreeSet<String>,
}

/// Reads what the reports that count say of the domains at or below `domains`, or of all, from a day to another.
///
/// # Errors
/// See [`StoreError`].
pub fn tls_survey(store: &Store, first: Day, last: Day, domains: &[String]) -> Result<TlsSurvey, StoreError> {
    // Reports of strangers may be many and long, so none is held: the first pass tells who reports, the second the rest.
    let mut reporters: FxHashMap<i64, Vec<(i64, bool)>> = FxHashMap::default();
    store.tls_sessions(first, last, false, &mut |one| {
        let of_domain = reporters.entry(one.domain).or_default();
        if !of_domain.contains(&(one.reporter, one.checked)) {
            of_domain.push((one.reporter, one.checked));
        }
    })?;
    let mut names = store.names();
    let mut met = Met::default();
    let mut asked: FxHashSet<i64> = FxHashSet::default();
    for (domain, reporters) in reporters {
        if domain::is_among(names.text(domain)?, domains) {
            asked.insert(domain);
            for (reporter, checked) in reporters {
                met.place(reporter, checked);
            }
        }
    }
    let witnesses = met.witnesses(|id| names.text(id).map(str::to_owned))?;
    let mut gathered: BTreeMap<(i64, Option<i64>), Gathered> = BTreeMap::new();
    let mut survey = TlsSurvey { reporters: witnesses.names.clone(), ..TlsSurvey::default() };
    store.tls_sessions(first, last, true, &mut |one| {
        if asked.contains(&one.domain) {
            survey.reports.insert((one.day, one.report));
            let place = met.place(one.reporter, one.checked);
            let policy = gathered.entry((one.domain, one.policy_type)).or_default();
            policy.add(&one, witnesses.of[place as usize]);
        }
    })?;
    for ((domain, kind), gathered) in gathered {
        let mut text = |id: Option<i64>| id.map(|id| names.text(id).map(str::to_owned)).transpose();
        let lines = |text: Option<String>| text.map_or(Vec::new(), |text| text.lines().map(str::to_owned).collect());
        let (domain, policy_type) = (text(Some(domain))?.unwrap_or_default(), text(kind)?);
        let (policy_string, mx_host) = (lines(text(gathered.policy_string)?), lines(text(gathered.mx_host)?));
        let mut failures = Vec::with_capacity(gathered.failures.len());
        for ((result_type, mx_host), failure) in gathered.failures {
            let mut texts = |ids: BTreeSet<i64>| {
                ids.into_iter().map(|id| names.text(id).map(str::to_owned)).collect::<Result<BTreeSet<_>, _>>()
            };
            let [receiving_ips, reason_codes, information] = failure.texts;
            let (receiving_ips, reason_codes) = (texts(receiving_ips)?, texts(reason_codes)?);
            let information = texts(information)?;
            let mut text = |id: Option<i64>| id.map(|id| names.text(id).map(str::to_owned)).transpose();
            failures.push(TlsFailureFigures {
                result_type: text(result_type)?,
                mx_host: text(mx_host)?,
                sessions: failure.sessions,
                receiving_ips,
                reason_codes,
                information,
            });
        }
        // Numbers of names say nothing; what is shown does not depend on them.
        failures.sort_by(|a, b| (&a.mx_host, &a.result_type).cmp(&(&b.mx_host, &b.result_type)));
        let Gathered { reports, sessions, .. } = gathered;
        survey.policies.push(TlsPolicyFigures {
            domain,
            policy_type,
            policy_string,
            mx_host,
            reports,
            sessions,
            failures,
        });
    }
    survey.policies.sort_by(|a, b| (&a.domain, &a.policy_type).cmp(&(&b.domain, &b.policy_type)));
    Ok(survey)
}

/// A policy as it is gathered; names by their numbers.
#[derive(Default)]
struct Gathered {
    reports: BTreeSet<(Day, i64)>,
    policy_string: Option<i64>,
    mx_host: Option<i64>,
    sessions: BTreeMap<(Day, u32), [u64; 2]>,
    failures: BTreeMap<(Option<i64>, Option<i64>), GatheredFailure>,
}

#[derive(Default)]
struct GatheredFailure {
    sessions: BTreeMap<(Day, u32), u64>,
    /// Addresses, reason codes, information.
    texts: [BTreeSet<i64>; 3],
}

impl Gathered {
    fn add(&mut self, one: &TlsSessions, reporter: u32) {
        let at = (one.day, reporter);
        self.reports.insert((one.day, one.report));
        // They come in the order of their days.
        self.policy_string = one.policy_string.or(self.policy_string);
        self.mx_host = one.mx_host.or(self.mx_host);
        let sums = self.sessions.entry(at).or_default();
        sums[0] = sums[0].saturating_add(one.successful);
        sums[1] = sums[1].saturating_add(one.failed);
        let mut told = 0_u64;
        for failure in &one.failures {
            told = told.saturating_add(failure.sessions);
            let TlsFailures { receiving_ip, reason_code, information, .. } = *failure;
            let gathered = self.failure(failure.result_type, failure.mx_host, at, failure.sessions);
            for (kept, id) in gathered.texts.iter_mut().zip([receiving_ip, reason_code, information]) {
                kept.extend(id.filter(|_| kept.len() < KEPT_TEXTS));
            }
        }
        if told < one.failed {
            self.failure(None, None, at, one.failed - told);
        }
    }

    fn failure(
        &mut self,
        kind: Option<i64>,
        mx_host: Option<i64>,
        at: (Day, u32),
        sessions: u64,
    ) -> &mut GatheredFailure {
        let has_room = |key: (Option<i64>, Option<i64>), most: usize| {
            self.failures.contains_key(&key) || self.failures.len() < most
        };
        let key = if has_room((kind, mx_host), KEPT_FAILURES) {
            (kind, mx_host)
        } else if has_room((kind, None), 2 * KEPT_FAILURES) {
            (kind, None)
        } else {
            (None, None)
        };
        let failure = self.failures.entry(key).or_default();
        let sum = failure.sessions.entry(at).or_default();
        *sum = sum.saturating_add(sessions);
        failure
    }
}
