use crate::Takes;
use humantime::format_duration;
use std::str::FromStr;
use std::time::Duration;

/// A time as `10s` or `500ms`, or as a plain number of seconds, within bounds, which are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationSetting<const SHORTEST: u64, const LONGEST: u64>(pub Duration);

impl<const SHORTEST: u64, const LONGEST: u64> FromStr for DurationSetting<SHORTEST, LONGEST> {
    type Err = Takes;

    fn from_str(text: &str) -> Result<Self, Takes> {
        let bounds = Duration::from_millis(SHORTEST)..=Duration::from_millis(LONGEST);
        let time = match text.parse() {
            Ok(secs) => Some(Duration::from_secs(secs)),
            Err(_) => humantime::parse_duration(text).ok(),
        };
        let takes = || Takes::range(format_duration(*bounds.start()), format_duration(*bounds.end()));
        time.filter(|time| bounds.contains(time))
            .map(Self)
            .ok_or_else(takes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_bounds() {
        type Setting = DurationSetting<100, 60_000>;
        let read = |text: &str| text.parse::<Setting>().map(|setting| setting.0);
        assert_eq!(read("10"), Ok(Duration::from_secs(10)));
        assert_eq!(read("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(read("1m"), Ok(Duration::from_secs(60)));
        assert_eq!(read("61s"), Err(Takes("100ms to 1m".to_owned())));
        for bad in [
            "",
            "0",
            "99ms",
            "never",
            "-1s",
            "10 parsecs",
            "18446744073709551615",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
