use std::str::FromStr;
use std::time::Duration;

/// How long a token lives: seconds as a plain number, a time as `30d` or `12h 30m`, or `never` for one that does not
/// expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime(pub Option<Duration>);

/// A hundred years, in seconds: beyond it, a moment may not fit the database's calendar.
const LONGEST_SECS: u64 = 100 * 365 * 86_400;

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(None));
        }
        let duration = match text.parse() {
            Ok(secs) => Duration::from_secs(secs),
            Err(_) => humantime::parse_duration(text)
                .map_err(|_| "say `never`, a number of seconds, or a time as 30d or 12h".to_owned())?,
        };
        if (1..=LONGEST_SECS).contains(&duration.as_secs()) {
            Ok(Self(Some(duration)))
        } else {
            Err("say at least a second and at most a hundred years, or `never`".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_the_settings_promise() {
        let secs = |text: &str| text.parse::<Lifetime>().unwrap().0.map(|d| d.as_secs());
        assert_eq!(secs("never"), None);
        assert_eq!(secs("3600"), Some(3600));
        assert_eq!(secs("30d"), Some(30 * 86_400));
        assert_eq!(secs("12h 30m"), Some(45_000));
    }

    #[test]
    fn refuses_the_rest() {
        for bad in [
            "",
            "0",
            "0s",
            "-1",
            "30 lightyears",
            "forever",
            "101y",
            "18446744073709551615",
        ] {
            assert!(bad.parse::<Lifetime>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_lifetime_within_bounds_or_none(text in "[0-9a-z .-]{0,24}") {
            if let Ok(Lifetime(Some(duration))) = text.parse() {
                prop_assert!((1..=LONGEST_SECS).contains(&duration.as_secs()));
            }
        }
    }
}
