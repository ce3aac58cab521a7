use crate::error::ApiError;
use jeton_api_types::ProblemResponse;

/// Who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody.
    Public,
    /// Whoever has a token.
    AnyToken,
    /// Whoever has a token from signing in.
    LoginToken,
    /// Whoever has a token, of either kind, with this scope.
    Scope(&'static str),
}

impl Access {
    /// What those are answered who may not, or of whom that cannot be told now.
    pub(crate) fn problems(self) -> Vec<ProblemResponse> {
        let mine = match self {
            Self::Public => return Vec::new(),
            Self::AnyToken => None,
            Self::LoginToken => Some(ApiError::LoginTokenRequired.problem()),
            Self::Scope(scope) => Some(ProblemResponse::insufficient_scope(scope)),
        };
        let every_guard = [
            ProblemResponse::several_tokens(),
            ProblemResponse::missing_token(),
            ProblemResponse::invalid_token(),
            ApiError::TokensUnavailable.problem(),
        ];
        every_guard.into_iter().chain(mine).collect()
    }
}
