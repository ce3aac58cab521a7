use jeton_api_types::{Problem, ProblemKind};
use reqwest::StatusCode;
use std::time::Duration;

/// Why a call did not succeed. Neither its text nor its `Debug` holds a password or a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The service answered with a problem ([RFC 9457]).
    ///
    /// [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457
    #[error("{}", describe(problem))]
    Problem {
        /// The status of the answer.
        status: StatusCode,
        /// Its body.
        problem: Box<Problem>,
        /// How long to wait before trying again, where the service says so.
        retry_after: Option<Duration>,
        /// What the service calls the request, in its log as well.
        request_id: Option<String>,
    },
    /// The service answered with an error that is no problem, or the auth API with a redirect, which is not followed.
    #[error("the service answered {status}")]
    Status {
        /// The status of the answer.
        status: StatusCode,
        /// How long to wait before trying again, where the service says so.
        retry_after: Option<Duration>,
        /// What the service calls the request, in its log as well.
        request_id: Option<String>,
    },
    /// No answer: no connection, a time-out, or a request that cannot be sent. The URL in it has lost its query.
    #[error(transparent)]
    Transport(reqwest::Error),
    /// The answer's body has another shape than it should have. What stands there is not told: it may be a secret.
    #[error("the body of the answer {status} has another shape than expected (line {line}, column {column})")]
    UnexpectedBody {
        /// The status of the answer.
        status: StatusCode,
        /// The line where reading stopped, from 1; 0 where it is not about a place.
        line: usize,
        /// The column where reading stopped, from 1.
        column: usize,
    },
    /// The answer's body is longer than the SDK reads into memory. What is larger, read by
    /// [`ServiceRequest::send`](crate::ServiceRequest::send), in parts.
    #[error("the body of the answer {status} has more than {limit} bytes")]
    BodyTooLarge {
        /// The status of the answer.
        status: StatusCode,
        /// The most bytes that are read.
        limit: usize,
    },
    /// The answer lacks a header that it should have, or has one of another shape.
    #[error("the headers of the answer {status} are not what was expected")]
    UnexpectedHeaders {
        /// The status of the answer.
        status: StatusCode,
    },
    /// The base URL cannot be used. It is not repeated here: it may hold a password.
    #[error("the base URL {0}")]
    InvalidBaseUrl(&'static str),
    /// The token has characters that no token has (a line end, say), or none at all ([RFC 6750 §2.1]).
    ///
    /// [RFC 6750 §2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    #[error("the token is empty or has characters that no token has")]
    MalformedToken,
    /// The auth API refuses what an app asked for, or the user has denied it ([RFC 6749 §5.2], §4.1.2.1, [RFC 8628 §3.5]).
    /// After `invalid_grant` the refresh token is of no use any more: ask the user again.
    ///
    /// [RFC 6749 §5.2]: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
    /// [RFC 8628 §3.5]: https://www.rfc-editor.org/rfc/rfc8628#section-3.5
    #[error("{error}{}", described(description.as_deref()))]
    OAuth {
        /// The status of the answer; `None` where the user's browser has brought it.
        status: Option<StatusCode>,
        /// What programs decide by, as `access_denied`.
        error: String,
        /// What is for a person to read, a developer mostly.
        description: Option<String>,
    },
    /// This is no answer to what was asked. It is to be thrown away, with all that is in it: somebody else may have sent it.
    #[error("not the answer to this request: {0}")]
    ForeignAnswer(&'static str),
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ClientError {
    /// The status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Problem { status, .. }
            | Self::Status { status, .. }
            | Self::UnexpectedBody { status, .. }
            | Self::BodyTooLarge { status, .. }
            | Self::UnexpectedHeaders { status } => Some(*status),
            Self::OAuth { status, .. } => *status,
            Self::Transport(_)
            | Self::InvalidBaseUrl(_)
            | Self::MalformedToken
            | Self::ForeignAnswer(_)
            | Self::NoRandomness
            | Self::Tls(_) => None,
        }
    }

    /// The problem that the service answered with.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// What kind of problem; `None` for all else, and for a problem that this version does not know.
    #[must_use]
    pub fn kind(&self) -> Option<ProblemKind> {
        self.problem().and_then(Problem::kind)
    }

    /// The error by OAuth's name, as `access_denied` or `invalid_grant`.
    #[must_use]
    pub fn oauth(&self) -> Option<&str> {
        match self {
            Self::OAuth { error, .. } => Some(error),
            _ => None,
        }
    }

    /// How long to wait before trying again: `Retry-After` in whole seconds ([RFC 9110 §10.2.3]; the form with a date
    /// is not read).
    ///
    /// [RFC 9110 §10.2.3]: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem { retry_after, .. } | Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What the service calls the request (`X-Request-Id`): whoever operates it finds the reason by that, in its log.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Problem { request_id, .. } | Self::Status { request_id, .. } => request_id.as_deref(),
            _ => None,
        }
    }

    /// Whether it is a 429: there were too many attempts, and the next may be made after
    /// [`retry_after`](Self::retry_after).
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.status() == Some(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Whether it is a 401: no token, a token that is no longer accepted, or a wrong username or password.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(StatusCode::UNAUTHORIZED)
    }
}

impl From<reqwest::Error> for ClientError {
    /// Keeps scheme, host and path of the URL and drops the rest, where people put secrets.
    fn from(mut error: reqwest::Error) -> Self {
        if let Some(url) = error.url_mut() {
            url.set_query(None);
            url.set_fragment(None);
            // Both fail only for a URL that cannot have a user.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        Self::Transport(error)
    }
}

fn described(description: Option<&str>) -> String {
    description.map_or_else(String::new, |text| format!(": {text}"))
}

fn describe(problem: &Problem) -> String {
    let mut text = problem.title.clone();
    if !problem.detail.is_empty() {
        text = format!("{text}: {}", problem.detail);
    }
    for error in &problem.errors {
        text = format!("{text} [{} {}]", error.pointer, error.detail);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_api_types::FieldError;

    #[test]
    fn text_names_the_fields() {
        let mut problem = Problem::new(ProblemKind::Validation, "Some fields are refused.");
        problem.errors.push(FieldError {
            pointer: "/username".into(),
            detail: "is too short".into(),
        });
        let error = ClientError::Problem {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            problem: Box::new(problem),
            retry_after: None,
            request_id: None,
        };
        assert_eq!(
            error.to_string(),
            "Validation failed: Some fields are refused. [/username is too short]"
        );
        assert_eq!(error.kind(), Some(ProblemKind::Validation));
        assert!(!error.is_unauthorized());
    }
}
