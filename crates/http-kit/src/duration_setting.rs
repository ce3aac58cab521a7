use humantime::format_duration;
use std::str::FromStr;
use std::time::Duration;

/// A time as `10s` or `500ms`, or as a plain number of seconds, within bounds, which are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationSetting<const SHORTEST: u64, const LONGEST: u64>(pub Duration);

impl<const SHORTEST: u64, const LONGEST: u64> FromStr for DurationSetting<SHORTEST, LONGEST> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let time = match text.parse() {
            Ok(secs) => Duration::from_secs(secs),
            Err(_) => humantime::parse_duration(text).map_err(|_| "say a time as 10s or 500ms".to_owned())?,
        };
        let bounds = Duration::from_millis(SHORTEST)..=Duration::from_millis(LONGEST);
        if bounds.contains(&time) {
            Ok(Self(time))
        } else {
            let (shortest, longest) = (format_duration(*bounds.start()), format_duration(*bounds.end()));
            Err(format!("say {shortest} to {longest}"))
        }
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
        assert_eq!(read("61s"), Err("say 100ms to 1m".to_owned()));
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
