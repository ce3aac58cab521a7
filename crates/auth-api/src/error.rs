use crate::hasher::HashingError;
use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use jeton_api_types::{FieldError, ProblemKind, ProblemResponse};
use jeton_persistence::DatabaseError;
use jeton_revoker::Unconfirmed;
use jeton_service::database_problem;
use std::time::Duration;

/// What a client is told to wait, in seconds, when the hashing queue is full: about what it takes to work it off.
const HASHING_RETRY_AFTER_SECS: u32 = 3;

/// What a client is told to wait, in seconds, when a revocation is not known to hold everywhere.
const RETRY_AFTER_SECS: u32 = 1;

/// Everything that a handler can end with, besides its answer. Here alone an error becomes a problem.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error(transparent)]
    Unconfirmed(#[from] Unconfirmed),
    #[error("fields are refused")]
    Validation(Vec<FieldError>),
    #[error("too many attempts have failed")]
    TooManyAttempts(Duration),
    #[error("wrong username or password")]
    InvalidCredentials,
    #[error("wrong password")]
    WrongPassword,
    /// The guard let the token through, and it was revoked before the handler came to its point.
    #[error("the token was revoked meanwhile")]
    TokenGone,
    #[error("not a login token")]
    LoginTokenRequired,
    #[error("scopes were asked for that are not held")]
    ScopeNotHeld,
    #[error("sign-up is closed")]
    SignupClosed,
    #[error("the username is taken")]
    UsernameTaken,
    #[error("the user has as many tokens as may be")]
    TooManyTokens,
    #[error("no such token")]
    NoSuchToken,
    #[error("the token lacks the scope {0}")]
    InsufficientScope(String),
    #[error("the query cannot be what was meant")]
    MalformedQuery(&'static str),
    #[error("tokens cannot be checked now")]
    TokensUnavailable,
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    fn problem(&self) -> ProblemResponse {
        let problem = ProblemResponse::new;
        match self {
            Self::Database(error) => database_problem(error),
            Self::Hashing(HashingError::QueueFull) => {
                tracing::warn!("the hashing queue is full: answering 503");
                ProblemResponse::unavailable(HASHING_RETRY_AFTER_SECS)
            }
            Self::Hashing(HashingError::Stopped) => {
                tracing::error!("hashing stopped: answering 500");
                ProblemResponse::internal()
            }
            // Done, perhaps, but nobody may rely on it yet: whoever asks again is answered once it holds.
            Self::Unconfirmed(error) => {
                tracing::warn!(%error, "answering 503");
                ProblemResponse::unavailable(RETRY_AFTER_SECS)
            }
            Self::Validation(errors) => ProblemResponse::validation(errors.clone()),
            Self::TooManyAttempts(wait) => ProblemResponse::too_many_attempts(wait.as_secs().max(1)),
            Self::InvalidCredentials => {
                // RFC 9110 §15.5.2: a 401 names a way to authenticate.
                problem(ProblemKind::InvalidCredentials, "Username or password is wrong.").with_header(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static(r#"Bearer realm="jeton""#),
                )
            }
            Self::WrongPassword => problem(ProblemKind::WrongPassword, "That is not your password."),
            Self::TokenGone => ProblemResponse::invalid_token(),
            Self::LoginTokenRequired => {
                let detail =
                    "A personal token does not manage the account; sign in with username and password.";
                problem(ProblemKind::LoginTokenRequired, detail)
            }
            Self::ScopeNotHeld => problem(
                ProblemKind::ScopeNotHeld,
                "A token can be given only scopes that its user, or the token that asks, holds.",
            ),
            Self::SignupClosed => problem(ProblemKind::SignupClosed, "Ask the operator for an account."),
            Self::UsernameTaken => problem(ProblemKind::UsernameTaken, "Somebody else has this username."),
            Self::TooManyTokens => problem(
                ProblemKind::TooManyTokens,
                "You have as many personal tokens as you may; revoke one first.",
            ),
            Self::InsufficientScope(scope) => ProblemResponse::insufficient_scope(scope),
            Self::MalformedQuery(detail) => problem(ProblemKind::MalformedQuery, detail),
            // The verifier has said why already.
            Self::TokensUnavailable => ProblemResponse::unavailable(RETRY_AFTER_SECS),
            Self::NoSuchToken => problem(ProblemKind::NotFound, "You have no such token."),
        }
    }
}

impl actix_web::ResponseError for ApiError {
    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.problem().error_response()
    }
}
