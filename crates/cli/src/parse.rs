//! What clap reads arguments with. None of these is for a secret: clap quotes what it cannot read.

use chrono::{DateTime, SecondsFormat, Utc};
use std::time::Duration;

/// A time as `5s`, or seconds as a plain number.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = match text.parse() {
        Ok(secs) => Duration::from_secs(secs),
        Err(_) => humantime::parse_duration(text).map_err(|_| "say a time as 5s or 500ms".to_owned())?,
    };
    if duration.is_zero() {
        return Err("must be more than nothing".to_owned());
    }
    Ok(duration)
}

/// A moment in RFC 3339, or so long ago, as `7d`.
pub(crate) fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let ago = humantime::parse_duration(text).ok();
    ago.and_then(|ago| Utc::now().checked_sub_signed(chrono::Duration::from_std(ago).ok()?))
        .ok_or_else(|| "say a time as 2026-11-24T09:00:00Z, or how long ago it was, as 7d".to_owned())
}

/// The way back: RFC 3339 in UTC, to the second, as people want to read it.
pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
