use serde::{Deserialize, Deserializer};

/// Reads what may be left out, and null, which is another thing to say: together with `#[serde(default)]`, `None` is what
/// was left out, and `Some(None)` is null.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use crate::UpdateUserRequest;

    #[test]
    fn null_is_not_what_was_left_out() {
        for (json, email) in [
            ("{}", None),
            (r#"{"email":null}"#, Some(None)),
            (r#"{"email":"a@b"}"#, Some(Some("a@b".to_owned()))),
        ] {
            let read: UpdateUserRequest = serde_json::from_str(json).unwrap();
            assert_eq!(read.email, email, "{json}");
            assert_eq!(serde_json::to_string(&read).unwrap(), json);
        }
    }
}
