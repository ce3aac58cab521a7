use crate::hasher::HashingError;
use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use jeton_api_types::{FieldError, ProblemKind, ProblemResponse};
use jeton_domain::ScopesNotHeld;
use jeton_http_kit::database_problem;
use jeton_persistence::tokens::Refusal;
use jeton_persistence::users::USERNAME_TAKEN;
use jeton_persistence::{DatabaseError, LAST_ADMIN};
use jeton_revoker::Unconfirmed;
use std::time::Duration;

/// What a client is told to wait, in seconds, when the hashing queue is full: about what it takes to work it off.
const HASHING_RETRY_AFTER_SECS: u32 = 3;

/// What a client is told to wait, in seconds, when a revocation is not known to hold everywhere.
const RETRY_AFTER_SECS: u32 = 1;

/// Everything that a handler can end with, besides its answer. Here alone an error becomes a problem.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Database(DatabaseError),
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error(transparent)]
    Unconfirmed(#[from] Unconfirmed),
    #[error("fields are refused")]
    Validation(Vec<FieldError>),
    #[error("too many attempts")]
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
    #[error("no such user")]
    NoSuchUser,
    #[error("nobody else who can sign in has the scope admin")]
    LastAdmin,
    #[error("a service account")]
    ServiceAccount,
    #[error("no service account")]
    NotAServiceAccount,
    #[error("the user is disabled")]
    UserDisabled,
    #[error("no such token")]
    NoSuchToken,
    #[error("the token lacks the scope {0}")]
    InsufficientScope(String),
    #[error("the query cannot be what was meant")]
    MalformedQuery(&'static str),
    #[error("tokens cannot be checked now")]
    TokensUnavailable,
}

/// A conflict that has a name of its own on the wire gets it here.
impl From<DatabaseError> for ApiError {
    fn from(error: DatabaseError) -> Self {
        match &error {
            DatabaseError::Conflict { constraint } if constraint == USERNAME_TAKEN => Self::UsernameTaken,
            DatabaseError::Conflict { constraint } if constraint == LAST_ADMIN => Self::LastAdmin,
            _ => Self::Database(error),
        }
    }
}

impl From<ScopesNotHeld> for ApiError {
    fn from(_: ScopesNotHeld) -> Self {
        Self::ScopeNotHeld
    }
}

/// Why an administrator cannot make a token for a user. Others are not told.
impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UserGone => Self::NoSuchUser,
            Refusal::UserDisabled => Self::UserDisabled,
            Refusal::NotAServiceAccount => Self::NotAServiceAccount,
            Refusal::PasswordChanged => Self::InvalidCredentials,
            Refusal::TokenGone => Self::TokenGone,
        }
    }
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn problem(&self) -> ProblemResponse {
        let problem = ProblemResponse::new;
        match self {
            Self::Database(error) => database_problem(error),
            // The queue says so in the log, once a second.
            Self::Hashing(HashingError::QueueFull) => ProblemResponse::unavailable(HASHING_RETRY_AFTER_SECS),
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
            // Up: whoever comes at that time is let through.
            Self::TooManyAttempts(wait) => {
                ProblemResponse::too_many_attempts(wait.as_secs_f64().ceil().max(1.0) as u64)
            }
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
                "There are as many personal tokens as there may be; revoke one first.",
            ),
            Self::NoSuchUser => problem(ProblemKind::NotFound, "There is no such user."),
            Self::LastAdmin => problem(
                ProblemKind::LastAdmin,
                "Nobody else who can sign in has the scope admin; give it to somebody first.",
            ),
            Self::ServiceAccount => problem(
                ProblemKind::ServiceAccount,
                "A password would let the service account sign in; say allow_sign_in if it is to.",
            ),
            Self::NotAServiceAccount => problem(
                ProblemKind::NotAServiceAccount,
                "People make their own tokens; an administrator makes those of service accounts.",
            ),
            Self::UserDisabled => problem(
                ProblemKind::UserDisabled,
                "The user is disabled; enable it first.",
            ),
            Self::InsufficientScope(scope) => ProblemResponse::insufficient_scope(scope),
            Self::MalformedQuery(detail) => problem(ProblemKind::MalformedQuery, detail),
            // The verifier has said why already.
            Self::TokensUnavailable => ProblemResponse::unavailable(RETRY_AFTER_SECS),
            Self::NoSuchToken => problem(ProblemKind::NotFound, "There is no such token."),
        }
    }
}

impl actix_web::ResponseError for ApiError {
    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.problem().error_response()
    }
}
