use crate::SecretText;
#[cfg(feature = "schema")]
use crate::schema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The form of `POST /v1/introspect` and `POST /v1/revoke`. A `token_type_hint` may come along, as in RFC 7662 and
/// RFC 7009, and says nothing: a token's text says what it is.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({ "token": "jtn_Fxkb5z4PTwPRu4jJpDdsXGzlU0uyL3fR32DfSw" })))]
pub struct PresentedToken {
    /// The token's text.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub token: SecretText,
}

/// The answer of `POST /v1/introspect` ([RFC 7662 §2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2)). Of a token
/// that is not valid it says so and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "active": true,
    "scope": "notes:read notes:write",
    "sub": "01a20a08-721c-71bf-b9fb-b59edca64a79",
    "username": "ada",
    "token_type": "Bearer",
    "iat": 1795464654,
    "exp": 1798056654
})))]
pub struct Introspection {
    /// Whether the token is valid now.
    pub active: bool,
    /// What its holder may do: the token's scopes and its user's in common, with spaces between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub scope: Option<String>,
    /// The user's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub sub: Option<Uuid>,
    /// What the user is called, for a person to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub username: Option<String>,
    /// `Bearer`; left out: a refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<schema::TokenType>, nullable = false))]
    pub token_type: Option<String>,
    /// When the token was issued, in seconds since 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub iat: Option<i64>,
    /// From when on it is no longer accepted, in seconds since 1970-01-01 UTC; left out: never. It may be revoked before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub exp: Option<i64>,
    /// The client that it was given to; left out: none, it is a login or a personal token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub client_id: Option<Uuid>,
    /// The one resource that accepts it ([RFC 8707](https://www.rfc-editor.org/rfc/rfc8707)); left out: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub aud: Option<String>,
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
    fn an_inactive_token_is_told_of_nothing_else() {
        let text = serde_json::to_string(&Introspection::inactive()).unwrap();
        assert_eq!(text, r#"{"active":false}"#);
    }
}
