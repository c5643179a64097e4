//! Lengths of time, as they are typed.

use std::time::Duration;

/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(31 * 86_400);

/// A length of time of a month at most: `30` or `30s`, `5m`, `2h`.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    let wrong = || format!("invalid length of time {text:?}: use 30s, 5m or 2h");
    let length = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let length: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
            Duration::try_from(length).map_err(|_| wrong())?
        }
    };
    Some(length).filter(|length| *length <= LONGEST).ok_or_else(wrong)
}

/// The same, and more than nothing.
pub(super) fn some_length(text: &str) -> Result<Duration, String> {
    match length(text)? {
        Duration::ZERO => Err(format!("invalid length of time {text:?}: it must be more than nothing")),
        length => Ok(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_need_no_unit() {
        for (text, seconds) in
            [("30", 30), ("30s", 30), ("5m", 300), ("2h", 7200), ("1h30m", 5400), ("744h", 2_678_400), ("0", 0)]
        {
            assert_eq!(length(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "-5", "-5m", "5x", "soon", "800h", "99999999999999999999"] {
            assert!(length(wrong).unwrap_err().contains("use 30s"), "{wrong}");
        }
        assert!(some_length("0s").is_err() && some_length("1").is_ok());
    }
}
