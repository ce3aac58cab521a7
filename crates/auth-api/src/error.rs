use crate::hasher::HashingError;
use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use jeton_api_types::{FieldError, ProblemKind, ProblemResponse};
use jeton_domain::ScopesNotHeld;
use jeton_http_kit::database_problem;
use jeton_persistence::delegation::clients::CLIENT_NAME_TAKEN;
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
    /// The password is right, and each time it was found to be, its hash was replaced by another before that came to anything.
    #[error("the user was changed meanwhile, again and again")]
    ChangedMeanwhile,
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
    #[error("no such client")]
    NoSuchClient,
    #[error("the client's name is taken")]
    ClientNameTaken,
    #[error("a public client")]
    PublicClient,
    #[error("no such delegable scope")]
    NoSuchDelegableScope,
    #[error("no such token")]
    NoSuchToken,
    #[error("no such grant")]
    NoSuchGrant,
    #[error("no device shows this code")]
    NoSuchUserCode,
    #[error("no such authorization request")]
    NoSuchAuthorization,
    /// Why, and where the client is to be told, if it is the client that made it.
    #[error("an authorization request that is wrong: {0}")]
    InvalidAuthorizationRequest(&'static str, Option<String>),
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
            DatabaseError::Conflict { constraint } if constraint == CLIENT_NAME_TAKEN => {
                Self::ClientNameTaken
            }
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
        let problem = |kind, detail: &str| ProblemResponse::new(kind, detail);
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
            Self::TokensUnavailable | Self::ChangedMeanwhile => {
                ProblemResponse::unavailable(RETRY_AFTER_SECS)
            }
            Self::NoSuchClient => problem(ProblemKind::NotFound, "There is no such client."),
            Self::ClientNameTaken => problem(
                ProblemKind::ClientNameTaken,
                "Another client has this name, and users could not tell them apart.",
            ),
            Self::PublicClient => problem(
                ProblemKind::PublicClient,
                "A public client can keep no secret, and has none.",
            ),
            Self::NoSuchDelegableScope => {
                problem(ProblemKind::NotFound, "Users may not give this scope to clients.")
            }
            Self::NoSuchToken => problem(ProblemKind::NotFound, "There is no such token."),
            Self::NoSuchGrant => problem(ProblemKind::NotFound, "There is no such grant."),
            Self::NoSuchUserCode => problem(
                ProblemKind::NotFound,
                "No device waits with this code: it is mistyped, was typed before, or has waited for too long.",
            ),
            Self::NoSuchAuthorization => problem(
                ProblemKind::NotFound,
                "There is no such request: it was decided, or has waited for too long.",
            ),
            Self::InvalidAuthorizationRequest(detail, redirect_to) => {
                let response = problem(ProblemKind::InvalidAuthorizationRequest, detail);
                match redirect_to {
                    Some(to) => response.with_redirect(to),
                    None => response,
                }
            }
        }
    }
}

impl actix_web::ResponseError for ApiError {
    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.problem().error_response()
    }
}
