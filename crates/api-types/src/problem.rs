use serde::{Deserialize, Serialize};

/// The media type of a [`Problem`] (RFC 9457 §3).
pub const PROBLEM_JSON: &str = "application/problem+json";

const URN: &str = "urn:jeton:problem:";

/// The body of every error: problem details ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:jeton:problem:` and a slug that stays the same for good.
    #[serde(rename = "type")]
    pub type_: String,
    /// The same for every problem of the type.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time, for a person to read.
    pub detail: String,
    /// What is wrong with which field of the body, or which parameter of the query.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(min_items = 1))]
    pub errors: Vec<FieldError>,
    /// Of an authorization request that is wrong, and whose client and redirect URI are right: where the client is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, nullable = false, format = "uri"))]
    pub redirect_to: Option<Box<str>>,
}

/// What is wrong with one field of the body, or with one parameter of the query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// Where: a JSON pointer ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)), as `/username`. Long names are cut.
    pub pointer: String,
    /// What is wrong with it; follows the field's name in a sentence.
    pub detail: String,
}

impl Problem {
    /// A problem of a kind, with the sentence for this time.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            type_: format!("{URN}{}", kind.slug()),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.into(),
            errors: Vec::new(),
            redirect_to: None,
        }
    }

    /// What kind it is; `None` for one that this version does not know.
    #[must_use]
    pub fn kind(&self) -> Option<ProblemKind> {
        let slug = self.type_.strip_prefix(URN)?;
        ProblemKind::ALL.iter().copied().find(|kind| kind.slug() == slug)
    }
}

macro_rules! problem_kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $status:literal $slug:literal $title:literal,)*) => {
        /// Every kind of problem, with its slug, status and title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ProblemKind { $($(#[doc = $doc])+ $name,)* }

        impl ProblemKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The last part of the problem's `type`.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The problem's `title`.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What it says of any request that is answered so, for the documentation.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)* }
            }
        }
    };
}

problem_kinds! {
    /// More than one `Authorization` header was sent.
    BadRequest = 400 "bad-request" "Bad request",
    /// The body is not what its content type says: no JSON.
    MalformedBody = 400 "malformed-body" "Malformed body",
    /// The query string has something that it cannot have.
    MalformedQuery = 400 "malformed-query" "Malformed query",
    /// An authorization request that no user is asked about: the client is unknown, or what it asks for is wrong.
    InvalidAuthorizationRequest = 400 "invalid-authorization-request" "Invalid authorization request",
    /// No token was sent; credentials of another scheme are none.
    MissingToken = 401 "missing-token" "Missing token",
    /// The token is not valid: mistyped, unknown, expired or revoked, which look the same.
    InvalidToken = 401 "invalid-token" "Invalid token",
    /// Username or password is wrong, or the user may not sign in, which look the same.
    InvalidCredentials = 401 "invalid-credentials" "Invalid credentials",
    /// The password that must be given again is not the user's.
    WrongPassword = 403 "wrong-password" "Wrong password",
    /// The token lacks a scope; `WWW-Authenticate` names it.
    InsufficientScope = 403 "insufficient-scope" "Insufficient scope",
    /// The token is a personal one. Only a token from signing in manages the account.
    LoginTokenRequired = 403 "login-token-required" "Login token required",
    /// Scopes were asked for that the user, or the token that asks, does not hold.
    ScopeNotHeld = 403 "scope-not-held" "Scope not held",
    /// Nobody may sign up here.
    SignupClosed = 403 "signup-closed" "Sign-up closed",
    /// There is no such thing, or not for this caller.
    NotFound = 404 "not-found" "Not found",
    /// The resource does not know the method; `Allow` names those that it knows.
    MethodNotAllowed = 405 "method-not-allowed" "Method not allowed",
    /// The body did not come in time.
    RequestTimeout = 408 "request-timeout" "Request timeout",
    /// Somebody else has the username.
    UsernameTaken = 409 "username-taken" "Username taken",
    /// Nobody else who can sign in has the scope `admin`.
    LastAdmin = 409 "last-admin" "Last admin",
    /// The user is a service account, which has no password, and `allow_sign_in` was not said.
    ServiceAccount = 409 "service-account" "Service account",
    /// The user is no service account.
    NotAServiceAccount = 409 "not-a-service-account" "Not a service account",
    /// Another client has the name.
    ClientNameTaken = 409 "client-name-taken" "Client name taken",
    /// The client is a public one, which has no secret.
    PublicClient = 409 "public-client" "Public client",
    /// The user is disabled.
    UserDisabled = 409 "user-disabled" "User disabled",
    /// The user has as many personal tokens as there may be.
    TooManyTokens = 409 "too-many-tokens" "Too many tokens",
    /// The body has more than 128 KiB.
    BodyTooLarge = 413 "body-too-large" "Body too large",
    /// The body has a content type that is not taken here, or a content coding, of which none is.
    UnsupportedMediaType = 415 "unsupported-media-type" "Unsupported media type",
    /// Some fields of the body are refused; or the body, or the query, has a name that is not known here.
    Validation = 422 "validation" "Validation failed",
    /// Too many attempts have failed, for the account or from the client's network, where signing up counts as well.
    TooManyAttempts = 429 "too-many-attempts" "Too many attempts",
    /// A defect of the service.
    Internal = 500 "internal" "Internal error",
    /// The service cannot answer now: the database is away, too many passwords wait to be hashed, or a revocation is not
    /// yet known to hold everywhere. To ask again is safe, and waits again.
    Unavailable = 503 "unavailable" "Temporarily unavailable",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_type() {
        for &kind in ProblemKind::ALL {
            assert_eq!(Problem::new(kind, "").kind(), Some(kind));
        }
    }

    #[test]
    fn unknown_types_are_no_kind() {
        let problem = Problem {
            type_: "about:blank".into(),
            ..Problem::new(ProblemKind::NotFound, "")
        };
        assert_eq!(problem.kind(), None);
    }
}
