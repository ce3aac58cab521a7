use serde::de::{Deserializer, Error, Visitor};
use std::fmt;

/// Reads a number of seconds that may be missing. JSON has one kind of number: a client that has no integers writes
/// `60.0`, which is one by JSON Schema, too. Null is refused: where nothing is said a token lives for as long as the service
/// lets it, and who writes null may have meant otherwise.
pub(crate) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    // The hint keeps a text out where there are numbers, and has a form read one from its text.
    deserializer.deserialize_u64(Whole).map(Some)
}

struct Whole;

impl Visitor<'_> for Whole {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of seconds")
    }

    fn visit_u64<E>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
        u64::try_from(number).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<u64, E> {
        // As many as a double tells apart, and centuries more than anybody may ask for.
        const MOST: f64 = 9_007_199_254_740_992.0;
        if number.fract() == 0.0 && (0.0..=MOST).contains(&number) {
            Ok(number as u64)
        } else {
            Err(E::custom("not a whole number"))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::CreateTokenRequest;

    fn expires_in(text: &str) -> Option<Option<u64>> {
        let json = format!(r#"{{"name": "backup", "scopes": []{text}}}"#);
        let read = serde_json::from_str::<CreateTokenRequest>(&json);
        read.ok().map(|request| request.expires_in)
    }

    #[test]
    fn whole_numbers_however_they_are_written() {
        for (text, seconds) in [
            ("", None),
            (r#", "expires_in": 60"#, Some(60)),
            (r#", "expires_in": 60.0"#, Some(60)),
            (r#", "expires_in": 6e1"#, Some(60)),
            (r#", "expires_in": 18446744073709551615"#, Some(u64::MAX)),
        ] {
            assert_eq!(expires_in(text), Some(seconds), "{text}");
        }
        for wrong in [
            "60.5",
            "-1",
            "-1.0",
            "1e300",
            "18446744073709551616",
            r#""60""#,
            "true",
            "null",
            "[60]",
        ] {
            assert_eq!(
                expires_in(&format!(r#", "expires_in": {wrong}"#)),
                None,
                "{wrong}"
            );
        }
    }
}
