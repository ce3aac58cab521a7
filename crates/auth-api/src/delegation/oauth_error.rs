use crate::error::ApiError;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use jeton_api_types::ProblemResponse;
use jeton_persistence::DatabaseError;
use serde_json::{Value, json};
use std::fmt;

/// An error as clients are told it ([RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)). A database that is away
/// is never one of what they have presented: they would throw it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OAuthError {
    status: StatusCode,
    code: &'static str,
    description: &'static str,
}

pub(crate) type OAuthResult<T> = Result<T, OAuthError>;

impl OAuthError {
    /// What any request of a client's may be told.
    pub(crate) const EVERYWHERE: [Self; 4] = [
        Self::invalid_request("A parameter comes more than once."),
        Self::INVALID_CLIENT,
        Self::UNAVAILABLE,
        Self::SERVER_ERROR,
    ];

    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// As it is on the wire.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.code, "error_description": self.description })
    }

    pub(super) const fn bad(code: &'static str, description: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            description,
        }
    }

    pub(crate) const fn invalid_request(description: &'static str) -> Self {
        Self::bad("invalid_request", description)
    }

    /// The same whatever is wrong: who asks is told nothing about clients.
    pub(crate) const INVALID_CLIENT: Self = Self {
        status: StatusCode::UNAUTHORIZED,
        code: "invalid_client",
        description: "The client is unknown or disabled, or has not proved who it is.",
    };

    /// The same whatever is wrong with what was presented.
    pub(crate) const INVALID_GRANT: Self = Self::bad(
        "invalid_grant",
        "It is unknown, expired, used, revoked, or another client's.",
    );
    pub(crate) const INVALID_SCOPE: Self =
        Self::bad("invalid_scope", "No more than was granted can be asked for.");
    pub(crate) const INVALID_TARGET: Self =
        Self::bad("invalid_target", "It was not granted for this resource.");
    pub(crate) const UNAUTHORIZED_CLIENT: Self =
        Self::bad("unauthorized_client", "The client is not registered for this.");
    pub(crate) const UNSUPPORTED_GRANT_TYPE: Self =
        Self::bad("unsupported_grant_type", "There is no such grant type here.");
    /// Of a device's request ([RFC 8628 §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
    pub(crate) const AUTHORIZATION_PENDING: Self =
        Self::bad("authorization_pending", "Nobody has decided yet.");
    pub(crate) const SLOW_DOWN: Self = Self::bad(
        "slow_down",
        "Nobody has decided yet; wait five seconds more between two requests.",
    );
    pub(crate) const ACCESS_DENIED: Self = Self::bad("access_denied", "The user did not allow it.");
    pub(crate) const EXPIRED_TOKEN: Self = Self::bad("expired_token", "Nobody has decided in time.");
    pub(super) const TOO_MANY: Self = Self {
        status: StatusCode::TOO_MANY_REQUESTS,
        code: "temporarily_unavailable",
        description: "Too many requests come from this network. Try again later.",
    };
    pub(crate) const UNAVAILABLE: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "temporarily_unavailable",
        description: "The service cannot answer this now. Try again later.",
    };
    const SERVER_ERROR: Self = Self {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: "server_error",
        description: "Something went wrong on our side.",
    };
}

impl From<ApiError> for OAuthError {
    fn from(error: ApiError) -> Self {
        // Says in the log what it is.
        match error.problem().problem().status {
            429 => Self::TOO_MANY,
            503 => Self::UNAVAILABLE,
            _ => Self::SERVER_ERROR,
        }
    }
}

impl From<DatabaseError> for OAuthError {
    fn from(error: DatabaseError) -> Self {
        ApiError::from(error).into()
    }
}

/// A body that cannot be read.
impl From<ProblemResponse> for OAuthError {
    fn from(_: ProblemResponse) -> Self {
        Self::invalid_request("The body is no form that can be read.")
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.description)
    }
}

impl ResponseError for OAuthError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((CACHE_CONTROL, "no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Basic realm=\"jeton\""));
        }
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response.insert_header((RETRY_AFTER, "60"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((RETRY_AFTER, "1"));
        }
        response.json(self.body())
    }
}
