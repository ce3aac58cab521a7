use serde::de::{Deserializer, SeqAccess, Visitor};
use std::fmt;

/// Reads scopes from an array of texts or, as in forms and RFC 6749, from one text with spaces between them.
pub(crate) fn array_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(ArrayOrText)
}

/// As [`array_or_text`], for a field that may be missing.
pub(crate) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    deserializer.deserialize_option(Optional)
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

struct Optional;

impl<'de> Visitor<'de> for Optional {
    type Value = Option<Vec<String>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ArrayOrText.expecting(f)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        array_or_text(deserializer).map(Some)
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
    fn array_text_null_and_nothing() {
        let both = Some(vec!["notes:read".to_owned(), "notes:write".to_owned()]);
        assert_eq!(
            scopes(r#", "scopes": ["notes:read", "notes:write"]"#).unwrap(),
            both
        );
        assert_eq!(scopes(r#", "scopes": "notes:read  notes:write""#).unwrap(), both);
        assert_eq!(scopes(r#", "scopes": """#).unwrap(), Some(vec![]));
        assert_eq!(scopes(r#", "scopes": null"#).unwrap(), None);
        assert_eq!(scopes("").unwrap(), None);
        assert!(scopes(r#", "scopes": 7"#).is_err());
        assert!(scopes(r#", "scopes": [7]"#).is_err());
    }
}
