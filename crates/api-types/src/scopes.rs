use serde::de::{Deserializer, SeqAccess, Visitor};
use std::fmt;

/// Fields that may be sent by another name as well, which is the second: RFC 6749's.
pub const OTHER_NAMES: [(&str, &str); 1] = [("scopes", "scope")];

/// Reads scopes from an array of texts or, as in forms and RFC 6749, from one text with spaces between them.
pub(crate) fn array_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(ArrayOrText)
}

/// As [`array_or_text`], for a field that may be missing. Null is refused: where nothing is said a token is for everything, and
/// who writes null may have meant nothing.
pub(crate) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    array_or_text(deserializer).map(Some)
}

struct ArrayOrText;

impl<'de> Visitor<'de> for ArrayOrText {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of scopes, or scopes with spaces between them")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text
            .split(' ')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut scopes = Vec::new();
        while let Some(scope) = seq.next_element()? {
            scopes.push(scope);
        }
        Ok(scopes)
    }
}

#[cfg(test)]
mod tests {
    use crate::LoginRequest;

    fn scopes(fields: &str) -> Result<Option<Vec<String>>, serde_json::Error> {
        let json = format!(r#"{{"username": "ada", "password": "x"{fields}}}"#);
        serde_json::from_str::<LoginRequest>(&json).map(|login| login.scopes)
    }

    #[test]
    fn an_array_or_a_text_or_nothing_and_not_null() {
        let both = Some(vec!["notes:read".to_owned(), "notes:write".to_owned()]);
        assert_eq!(
            scopes(r#", "scopes": ["notes:read", "notes:write"]"#).unwrap(),
            both
        );
        assert_eq!(scopes(r#", "scopes": "notes:read  notes:write""#).unwrap(), both);
        assert_eq!(scopes(r#", "scopes": """#).unwrap(), Some(vec![]));
        assert_eq!(scopes("").unwrap(), None);
        for wrong in ["null", "7", "[7]", "[null]", "{}"] {
            for name in ["scopes", "scope"] {
                assert!(
                    scopes(&format!(r#", "{name}": {wrong}"#)).is_err(),
                    "{name}: {wrong}"
                );
            }
        }
    }
}
