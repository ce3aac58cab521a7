use crate::{FieldError, PROBLEM_JSON, Problem, ProblemKind};
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use std::fmt;

const REALM: &str = r#"Bearer realm="jeton""#;

/// A [`Problem`] with the headers that go with it: what a handler or a middleware of actix-web returns as its error.
#[derive(Debug, Clone)]
pub struct ProblemResponse(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    problem: Problem,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ProblemResponse {
    /// A problem of a kind, with the sentence for this time.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            problem: Problem::new(kind, detail),
            headers: Vec::new(),
        }))
    }

    /// The body.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// The headers that go with it.
    #[must_use]
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.0.headers
    }

    /// 400 for more than one `Authorization` header: which is meant, nobody knows.
    #[must_use]
    pub fn several_tokens() -> Self {
        Self::new(ProblemKind::BadRequest, "Send one Authorization header.")
    }

    /// 401 for a request without credentials (RFC 6750 §3.1: no error code).
    #[must_use]
    pub fn missing_token() -> Self {
        Self::new(
            ProblemKind::MissingToken,
            "Send a token in the Authorization header: Bearer <token>.",
        )
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static(REALM))
    }

    /// 401 for credentials that are no valid token. Always the same bytes, whatever is wrong with them.
    #[must_use]
    pub fn invalid_token() -> Self {
        let challenge = HeaderValue::from_static(r#"Bearer realm="jeton", error="invalid_token""#);
        Self::new(
            ProblemKind::InvalidToken,
            "The token is malformed, unknown, expired or revoked.",
        )
        .with_header(WWW_AUTHENTICATE, challenge)
    }

    /// 403 for a valid token that lacks a scope. A scope has no character that would need quoting (RFC 6749 §3.3).
    #[must_use]
    pub fn insufficient_scope(scope: &str) -> Self {
        let challenge = format!(r#"{REALM}, error="insufficient_scope", scope="{scope}""#);
        let problem = Self::new(
            ProblemKind::InsufficientScope,
            format!("The token lacks the scope {scope}."),
        );
        match HeaderValue::from_str(&challenge) {
            Ok(challenge) => problem.with_header(WWW_AUTHENTICATE, challenge),
            Err(_) => problem,
        }
    }

    /// 422 that names what is wrong with each field.
    #[must_use]
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let mut response = Self::new(ProblemKind::Validation, "Some fields are refused; see errors.");
        response.0.problem.errors = errors;
        response
    }

    /// 429: there were too many, another attempt may be made in so many seconds (RFC 6585 §4).
    #[must_use]
    pub fn too_many_attempts(retry_after_secs: u64) -> Self {
        Self::new(
            ProblemKind::TooManyAttempts,
            "There were too many attempts. Wait before the next one.",
        )
        .with_header(RETRY_AFTER, HeaderValue::from(retry_after_secs))
    }

    /// 503: try again in so many seconds.
    #[must_use]
    pub fn unavailable(retry_after_secs: u32) -> Self {
        Self::new(
            ProblemKind::Unavailable,
            "The service cannot answer this now. Try again later.",
        )
        .with_header(RETRY_AFTER, HeaderValue::from(retry_after_secs))
    }

    /// 500, which says nothing of the inside.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(ProblemKind::Internal, "Something went wrong on our side.")
    }

    /// The same with where the client of an authorization request is told.
    #[must_use]
    pub fn with_redirect(mut self, to: &str) -> Self {
        self.0.problem.redirect_to = Some(to.into());
        self
    }

    /// The same with another header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }
}

impl fmt::Display for ProblemResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.problem.type_, self.0.problem.detail)
    }
}

impl ResponseError for ProblemResponse {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.status_code());
        for (name, value) in &self.0.headers {
            response.append_header((name.clone(), value.clone()));
        }
        // `json` keeps a content type that is set already.
        response.content_type(PROBLEM_JSON).json(&self.0.problem)
    }
}
