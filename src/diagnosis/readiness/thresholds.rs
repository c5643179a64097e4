//! What a domain must show before it is called ready.

use serde::{Deserialize, Deserializer, Serialize};

use crate::diagnosis::failing::{MOST_FAILURES, PASS_SHARE};

/// The thresholds, with the names they have in the configuration's `[readiness]`. Shares are from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadinessThresholds {
    /// Days of the window with reports of mail, at least.
    pub min_days: u32,
    /// Reporters, at least.
    pub min_reporters: u32,
    /// Messages, at least.
    pub min_messages: u64,
    /// Days between the end of the newest report and the day of the review, at most.
    pub max_age_days: u32,
    /// Share of the messages of paths of standing yours and listed that passes DMARC, at least.
    #[serde(deserialize_with = "share")]
    pub pass_share: f64,
    /// Messages of one such path that may fail, or pass by SPF only. A path may fail in more where they are no more
    /// than `pass_share` allows of it.
    pub max_path_failures: u64,
    /// Share of the messages that one reporter may have reported before that is pointed out.
    #[serde(deserialize_with = "share")]
    pub max_reporter_share: f64,
    /// Share of the evidence that may be unchecked before that is pointed out.
    #[serde(deserialize_with = "share")]
    pub max_unchecked_share: f64,
    /// Share of a selector's signatures that may fail before it is called unhealthy.
    #[serde(deserialize_with = "share")]
    pub max_selector_failures: f64,
    /// Days at the end of the window that are compared with those before.
    pub recent_days: u32,
    /// How much less of a path's messages may pass in those days, as a share.
    #[serde(deserialize_with = "share")]
    pub max_regression: f64,
    /// Domains that send no mail: nothing of theirs need be seen to pass.
    pub parked: Vec<String>,
}

impl ReadinessThresholds {
    /// Whether a domain is said to send no mail.
    pub(super) fn is_parked(&self, domain: &str) -> bool {
        self.parked.iter().any(|name| name.eq_ignore_ascii_case(domain))
    }
}

impl Default for ReadinessThresholds {
    fn default() -> Self {
        ReadinessThresholds {
            min_days: 28,
            min_reporters: 3,
            min_messages: 1000,
            max_age_days: 3,
            pass_share: PASS_SHARE,
            max_path_failures: MOST_FAILURES,
            max_reporter_share: 0.8,
            max_unchecked_share: 0.5,
            max_selector_failures: 0.05,
            recent_days: 7,
            max_regression: 0.1,
            parked: Vec::new(),
        }
    }
}

/// Reads a share.
fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err(serde::de::Error::custom(format!("invalid share {share}: use a number from 0 to 1, such as 0.995")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        readiness: ReadinessThresholds,
    }

    #[test]
    fn the_documented_values_hold() {
        let page = include_str!("../../../docs/readiness.md");
        let (_, rest) = page.split_once("```toml\n").unwrap();
        let (written, _) = rest.split_once("```").unwrap();
        assert_eq!(toml::from_str::<File>(written).unwrap().readiness, ReadinessThresholds::default());
        let names = serde_json::to_value(ReadinessThresholds::default()).unwrap();
        assert!(names.as_object().unwrap().keys().all(|name| written.contains(&format!("\n{name} = "))));
    }
}
