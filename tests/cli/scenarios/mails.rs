//! The mails and policies of a scenario, and the records that each reporter makes of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

/// What is published; of several that fit, the last.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    /// `p=none adkim=s`.
    pub(super) record: String,
    #[serde(default)]
    days: Days,
    #[serde(default)]
    at: Vec<String>,
}

/// The same mail at each reporter on each day.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mail {
    /// The addresses; each sends `count`. `203.0.*.9 x 30`: thirty networks.
    ip: Vec<String>,
    #[serde(default = "ten")]
    count: u64,
    /// Header From, where it is not the domain.
    from: Option<String>,
    /// The reverse-path's domain and its result: `example.com pass`. With `null`, the name in HELO.
    #[serde(default)]
    spf: String,
    /// The reverse-path is empty.
    #[serde(default)]
    null: bool,
    /// `d= s= result`, and what is written beside it.
    #[serde(default)]
    dkim: Vec<String>,
    /// The reason for which receivers spared it.
    spared: Option<String>,
    #[serde(default)]
    days: Days,
    /// Only these reporters see it.
    #[serde(default)]
    at: Vec<String>,
    /// The domain that the reports are about, where it is another.
    pub(super) about: Option<String>,
}

/// `3-5`, `8-`, `-4`, `9`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Days(i64, i64);

impl Default for Days {
    fn default() -> Self {
        Days(1, i64::MAX)
    }
}

impl TryFrom<String> for Days {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let day = |text: &str, without: i64| if text.is_empty() { Ok(without) } else { text.trim().parse() };
        match text.split_once('-') {
            Some((first, last)) => Ok(Days(day(first, 1)?, day(last, i64::MAX)?)),
            None => text.trim().parse().map(|only| Days(only, only)),
        }
    }
}

impl Days {
    pub(super) fn has(self, day: i64) -> bool {
        (self.0..=self.1).contains(&day)
    }
}

pub(super) fn ten() -> u64 {
    10
}

/// A reporter, with what it leaves out.
pub(super) struct Reporter {
    pub(super) name: &'static str,
    writes_envelopes: bool,
    /// And not `fail` for everything.
    tells_failures: bool,
    writes_selectors: bool,
}

pub(super) const PLAIN: Reporter =
    Reporter { name: "plain.example", writes_envelopes: true, tells_failures: true, writes_selectors: true };
pub(super) const REPORTERS: [Reporter; 5] = [
    PLAIN,
    Reporter { name: "second.example", ..PLAIN },
    Reporter { name: "no-envelopes.example", writes_envelopes: false, ..PLAIN },
    Reporter { name: "only-fail.example", tells_failures: false, ..PLAIN },
    Reporter { name: "no-selectors.example", writes_selectors: false, ..PLAIN },
];

pub(super) fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// `203.0.*.9 x 30`: the numbers from 1 to 30 in place of the star.
pub(super) fn many(text: &str) -> Vec<String> {
    match text.split_once(" x ") {
        Some((pattern, number)) => {
            let number: u32 = number.trim().parse().expect("how many");
            (1..=number).map(|at| pattern.replace('*', &at.to_string())).collect()
        }
        None => vec![text.to_owned()],
    }
}

impl Policy {
    pub(super) fn fits(&self, day: i64, reporter: &Reporter) -> bool {
        self.days.has(day) && (self.at.is_empty() || self.at.iter().any(|name| name == reporter.name))
    }
}

impl Mail {
    pub(super) fn fits(&self, day: i64, reporter: &Reporter) -> bool {
        self.days.has(day) && (self.at.is_empty() || self.at.iter().any(|name| name == reporter.name))
    }

    /// The records of one reporter on one day, evaluated by the published mode.
    pub(super) fn records(&self, domain: &str, reporter: &Reporter, policy: &BTreeMap<&str, &str>, xml: &mut String) {
        let from = self.from.as_deref().unwrap_or(domain);
        // The domain of a scenario is its organizational domain.
        let organization = self.about.as_deref().unwrap_or(domain);
        let aligned = |name: &str, tag: &str| match policy.get(tag) {
            Some(&"s") => name == from,
            _ => name == organization || name.ends_with(&format!(".{organization}")),
        };
        let result = |result: &str| match result {
            "pass" | "none" => result.to_owned(),
            other => (if reporter.tells_failures { other } else { "fail" }).to_owned(),
        };
        let (mut dkim_passes, mut auth) = (false, String::new());
        for signature in &self.dkim {
            let parts: Vec<&str> = signature.splitn(4, ' ').collect();
            let [name, selector, verdict] = parts[..3] else { panic!("d= s= result: {signature:?}") };
            dkim_passes |= verdict == "pass" && aligned(name, "adkim");
            let _ = write!(auth, "<dkim><domain>{name}</domain>");
            if reporter.writes_selectors {
                let _ = write!(auth, "<selector>{selector}</selector>");
            }
            let _ = write!(auth, "<result>{}</result>", result(verdict));
            if let Some(text) = parts.get(3).filter(|_| reporter.tells_failures) {
                let _ = write!(auth, "<human_result>{text}</human_result>");
            }
            auth.push_str("</dkim>");
        }
        let (name, verdict) = self.spf.split_once(' ').unwrap_or(("", "none"));
        let spf_passes = verdict == "pass" && aligned(name, "aspf") && (!self.null || name == from);
        let _ = write!(auth, "<spf><domain>{name}</domain>");
        if reporter.writes_envelopes {
            let _ = write!(auth, "<scope>{}</scope>", if self.null { "helo" } else { "mfrom" });
        }
        // Who calls every failure `fail` does so of SPF too, but for what it could not evaluate.
        let _ = write!(auth, "<result>{verdict}</result></spf>");
        let envelope = match (reporter.writes_envelopes, self.null) {
            (false, _) => String::new(),
            (true, true) => "<envelope_from></envelope_from>".to_owned(),
            (true, false) => format!("<envelope_from>{name}</envelope_from>"),
        };
        let word = |passes: bool| if passes { "pass" } else { "fail" };
        let spared =
            self.spared.as_ref().map_or_else(String::new, |kind| format!("<reason><type>{kind}</type></reason>"));
        let wanted = policy.get("p").copied().unwrap_or("none");
        let disposition = if dkim_passes || spf_passes || !spared.is_empty() { "none" } else { wanted };
        for address in self.ip.iter().flat_map(|text| many(text)) {
            let _ = writeln!(
                xml,
                "<record><row><source_ip>{address}</source_ip><count>{}</count><policy_evaluated><disposition>{disposition}\
                 </disposition><dkim>{}</dkim><spf>{}</spf>{spared}</policy_evaluated></row><identifiers>{envelope}\
                 <header_from>{from}</header_from></identifiers><auth_results>{auth}</auth_results></record>",
                self.count,
                word(dkim_passes),
                word(spf_passes),
            );
        }
    }
}
