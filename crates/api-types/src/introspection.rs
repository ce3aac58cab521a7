use crate::SecretText;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The form of `POST /v1/introspect` and `POST /v1/revoke`. A `token_type_hint` may come along, as in RFC 7662 and
/// RFC 7009, and says nothing: there is one type of token.
#[derive(Debug, Serialize, Deserialize)]
pub struct PresentedToken {
    /// The token's text.
    pub token: SecretText,
}

/// The answer of `POST /v1/introspect` ([RFC 7662 §2.2]). Of a token that is not valid it says so and nothing else.
///
/// [RFC 7662 §2.2]: https://www.rfc-editor.org/rfc/rfc7662#section-2.2
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Introspection {
    /// Whether the token is valid now.
    pub active: bool,
    /// What its holder may do: the token's scopes and its user's in common, with spaces between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The user's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<Uuid>,
    /// What the user is called, for a person to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// When the token was issued, in seconds since 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// From when on it is no longer accepted, in seconds since 1970-01-01 UTC; left out: never. It may be revoked before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
}

impl Introspection {
    /// What is said of a token that is malformed, unknown, expired or revoked: `{"active": false}`.
    #[must_use]
    pub fn inactive() -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_inactive_token_nothing_else_is_said() {
        let text = serde_json::to_string(&Introspection::inactive()).unwrap();
        assert_eq!(text, r#"{"active":false}"#);
    }
}
