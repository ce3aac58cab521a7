use std::fmt;
use std::str::FromStr;
use std::time::Duration;

const MINUTE: u64 = 60;
const DAY: u64 = 86_400;

/// The longest that anything can be asked to live, in seconds: ten years. Whoever wants longer wants a token that does not
/// expire, and has to say so, where the operator lets it: a number that is too large by mistake would be one in disguise.
pub const LONGEST_LIFETIME_SECS: u64 = 3650 * DAY;

/// How long something lasts, between bounds, which are in seconds and belong to it: from a plain number of seconds, a time
/// as `30d` or `12h 30m`, or `never` for what has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime<const SHORTEST_SECS: u64, const LONGEST_SECS: u64>(pub Option<Duration>);

/// How long a token lives from its issue.
pub type TokenLifetime = Lifetime<1, LONGEST_LIFETIME_SECS>;

/// How long a token is accepted after its last use. Uses are noted to the minute, and some seconds after: a time of
/// minutes would end tokens that are in use.
pub type IdleTimeout = Lifetime<{ 5 * MINUTE }, LONGEST_LIFETIME_SECS>;

/// A text that is no such time. The message is what would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} to {}, or never", Rounded(*.shortest_secs), Rounded(*.longest_secs))]
pub struct InvalidLifetime {
    shortest_secs: u64,
    longest_secs: u64,
}

/// Why a token is not to live for so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be from 1 to {longest_secs}{}", if *.or_never { "; leave it out for a token that does not expire" } else { "" })]
pub struct LifetimeRefused {
    longest_secs: u64,
    or_never: bool,
}

impl<const SHORTEST_SECS: u64, const LONGEST_SECS: u64> Lifetime<SHORTEST_SECS, LONGEST_SECS> {
    /// No end.
    pub const NEVER: Self = Self(None);
}

impl<const SHORTEST_SECS: u64, const LONGEST_SECS: u64> FromStr for Lifetime<SHORTEST_SECS, LONGEST_SECS> {
    type Err = InvalidLifetime;

    fn from_str(text: &str) -> Result<Self, InvalidLifetime> {
        if text == "never" {
            return Ok(Self::NEVER);
        }
        let time = match text.parse() {
            Ok(secs) => Some(Duration::from_secs(secs)),
            Err(_) => humantime::parse_duration(text).ok(),
        };
        let bounds = SHORTEST_SECS..=LONGEST_SECS;
        time.filter(|time| bounds.contains(&time.as_secs()))
            .map(|time| Self(Some(time)))
            .ok_or(InvalidLifetime {
                shortest_secs: SHORTEST_SECS,
                longest_secs: LONGEST_SECS,
            })
    }
}

impl TokenLifetime {
    /// With this as the service's: how long a login token lives. As asked, in seconds, but no longer than the service lets it.
    ///
    /// # Errors
    /// [`LifetimeRefused`]
    pub fn for_login(self, asked_secs: Option<u64>) -> Result<Self, LifetimeRefused> {
        let longest = self.0.map_or(LONGEST_LIFETIME_SECS, |time| time.as_secs());
        self.asked(asked_secs, longest)
    }

    /// With this as the service's: how long a personal token lives. As asked, in seconds, and that may be longer than a
    /// login token does; as long as that where nothing is said.
    ///
    /// # Errors
    /// [`LifetimeRefused`]
    pub fn for_personal(self, asked_secs: Option<u64>) -> Result<Self, LifetimeRefused> {
        self.asked(asked_secs, LONGEST_LIFETIME_SECS)
    }

    fn asked(self, asked_secs: Option<u64>, longest_secs: u64) -> Result<Self, LifetimeRefused> {
        match asked_secs {
            None => Ok(self),
            Some(secs) if (1..=longest_secs).contains(&secs) => Ok(Self(Some(Duration::from_secs(secs)))),
            Some(_) => Err(LifetimeRefused {
                longest_secs,
                or_never: self == Self::NEVER,
            }),
        }
    }
}

/// Whole days, minutes or seconds, whichever is the largest that fits.
struct Rounded(u64);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            secs if secs % DAY == 0 => write!(f, "{}d", secs / DAY),
            secs if secs % MINUTE == 0 => write!(f, "{}m", secs / MINUTE),
            secs => write!(f, "{secs}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secs(secs: u64) -> TokenLifetime {
        Lifetime(Some(Duration::from_secs(secs)))
    }

    #[test]
    fn reads_what_the_settings_promise() {
        for (text, right) in [
            ("never", TokenLifetime::NEVER),
            ("3600", secs(3600)),
            ("30d", secs(30 * DAY)),
            ("12h 30m", secs(45_000)),
            ("1", secs(1)),
            ("3650d", secs(LONGEST_LIFETIME_SECS)),
        ] {
            assert_eq!(text.parse(), Ok(right), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_and_says_what_may_be() {
        for bad in [
            "",
            "-1",
            "30 lightyears",
            "forever",
            "0",
            "999ms",
            "3651d",
            "100y",
            "18446744073709551615",
        ] {
            let refusal = bad.parse::<TokenLifetime>().unwrap_err();
            assert_eq!(refusal.to_string(), "1s to 3650d, or never", "{bad}");
        }
    }

    #[test]
    fn an_idle_timeout_is_five_minutes_at_the_least() {
        let refusal = "5m to 3650d, or never";
        assert_eq!("4m".parse::<IdleTimeout>().unwrap_err().to_string(), refusal);
        assert_eq!(
            "5m".parse(),
            Ok(Lifetime::<300, LONGEST_LIFETIME_SECS>(Some(Duration::from_secs(
                300
            ))))
        );
        assert_eq!("never".parse(), Ok(IdleTimeout::NEVER));
    }

    #[test]
    fn a_login_token_never_outlives_the_setting() {
        let day = secs(DAY);
        assert_eq!(day.for_login(None), Ok(day));
        assert_eq!(TokenLifetime::NEVER.for_login(None), Ok(TokenLifetime::NEVER));
        assert_eq!(day.for_login(Some(60)), Ok(secs(60)));
        for (service, asked, refusal) in [
            (day, DAY + 1, "must be from 1 to 86400"),
            (day, 0, "must be from 1 to 86400"),
            (
                TokenLifetime::NEVER,
                u64::MAX,
                "must be from 1 to 315360000; leave it out for a token that does not expire",
            ),
        ] {
            let refused = service.for_login(Some(asked)).unwrap_err();
            assert_eq!(refused.to_string(), refusal);
        }
    }

    #[test]
    fn a_personal_token_may() {
        let day = secs(DAY);
        assert_eq!(day.for_personal(None), Ok(day));
        assert_eq!(day.for_personal(Some(2 * DAY)), Ok(secs(2 * DAY)));
        assert_eq!(
            day.for_personal(Some(LONGEST_LIFETIME_SECS)),
            Ok(secs(LONGEST_LIFETIME_SECS))
        );
        for bad in [0, LONGEST_LIFETIME_SECS + 1, u64::MAX] {
            assert!(day.for_personal(Some(bad)).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_lifetime_within_bounds_or_none(text in "[0-9a-z .-]{0,24}") {
            if let Ok(Lifetime::<1, LONGEST_LIFETIME_SECS>(Some(time))) = text.parse() {
                prop_assert!((1..=LONGEST_LIFETIME_SECS).contains(&time.as_secs()));
            }
        }
    }
}
