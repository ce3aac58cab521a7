use crate::ProtectedResource;
use jeton_domain::Scope;
use std::borrow::Cow;

/// Why a request is not let through, and the answer that tells its sender: a status, headers and a body, the same bytes from
/// every front end.
///
/// The body is a problem ([RFC 9457]) as the auth API answers it, and the challenge that of [RFC 6750 §3]. Whatever is wrong
/// with a token, it is [`InvalidToken`](RefusalKind::InvalidToken): a stranger does not learn which.
///
/// [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457
/// [RFC 6750 §3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Refusal {
    kind: RefusalKind,
    resource: Option<ProtectedResource>,
}

/// Why a request is not let through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalKind {
    /// 400: more than one `Authorization` header. Which of them counts is what a proxy and a service might disagree on.
    #[error("more than one Authorization header")]
    SeveralTokens,
    /// 401: no token. Credentials of another scheme are none.
    #[error("no token")]
    MissingToken,
    /// 401: what was sent is no valid token.
    #[error("not a valid token")]
    InvalidToken,
    /// 403: the token lacks this scope.
    #[error("the token lacks the scope {0}")]
    InsufficientScope(Scope),
    /// 503: it cannot be told now. The token may be valid, and the request may be sent again, in a second.
    #[error("tokens cannot be checked now")]
    Unavailable,
    /// 500: the service is not put together right, as the log says; its callers are told nothing of that.
    #[error("the service is not put together right")]
    Internal,
}

impl From<RefusalKind> for Refusal {
    fn from(kind: RefusalKind) -> Self {
        Self::new(kind, None)
    }
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, resource: Option<ProtectedResource>) -> Self {
        Self { kind, resource }
    }

    /// Why.
    #[must_use]
    pub fn kind(&self) -> &RefusalKind {
        &self.kind
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match &self.kind {
            RefusalKind::SeveralTokens => 400,
            RefusalKind::MissingToken | RefusalKind::InvalidToken => 401,
            RefusalKind::InsufficientScope(_) => 403,
            RefusalKind::Internal => 500,
            RefusalKind::Unavailable => 503,
        }
    }

    /// The headers, their names in lower case: `content-type`, and `www-authenticate` or `retry-after` (seconds) where the
    /// status wants one. What is about the connection, as the length, is the server's.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, Cow<'static, str>)> + use<> {
        let content_type = ("content-type", Cow::Borrowed("application/problem+json"));
        let other = match self.kind {
            RefusalKind::Unavailable => Some(("retry-after", Cow::Borrowed("1"))),
            _ => self.challenge().map(|challenge| ("www-authenticate", challenge)),
        };
        [Some(content_type), other].into_iter().flatten()
    }

    fn challenge(&self) -> Option<Cow<'static, str>> {
        let challenge = match &self.kind {
            RefusalKind::SeveralTokens | RefusalKind::Internal | RefusalKind::Unavailable => return None,
            // RFC 6750 §3.1: whoever sent no credentials is given no error code.
            RefusalKind::MissingToken => Cow::Borrowed(r#"Bearer realm="jeton""#),
            RefusalKind::InvalidToken => Cow::Borrowed(r#"Bearer realm="jeton", error="invalid_token""#),
            // A scope has no character that would need quoting (RFC 6749 §3.3), here or in JSON.
            RefusalKind::InsufficientScope(scope) => Cow::Owned(format!(
                r#"Bearer realm="jeton", error="insufficient_scope", scope="{scope}""#
            )),
        };
        // RFC 9728 §5.1.
        Some(match &self.resource {
            None => challenge,
            Some(resource) => Cow::Owned(format!(
                r#"{challenge}, resource_metadata="{}""#,
                resource.metadata_url()
            )),
        })
    }

    /// The body: JSON. Written out, since the engine has no other use for what writes JSON.
    #[must_use]
    pub fn body(&self) -> Cow<'static, str> {
        Cow::Borrowed(match &self.kind {
            RefusalKind::SeveralTokens => {
                r#"{"type":"urn:jeton:problem:bad-request","title":"Bad request","status":400,"detail":"Send one Authorization header."}"#
            }
            RefusalKind::MissingToken => {
                r#"{"type":"urn:jeton:problem:missing-token","title":"Missing token","status":401,"detail":"Send a token in the Authorization header: Bearer <token>."}"#
            }
            RefusalKind::InvalidToken => {
                r#"{"type":"urn:jeton:problem:invalid-token","title":"Invalid token","status":401,"detail":"The token is malformed, unknown, expired or revoked."}"#
            }
            RefusalKind::InsufficientScope(scope) => {
                return Cow::Owned(format!(
                    r#"{{"type":"urn:jeton:problem:insufficient-scope","title":"Insufficient scope","status":403,"detail":"The token lacks the scope {scope}."}}"#
                ));
            }
            RefusalKind::Unavailable => {
                r#"{"type":"urn:jeton:problem:unavailable","title":"Temporarily unavailable","status":503,"detail":"The service cannot answer this now. Try again later."}"#
            }
            RefusalKind::Internal => {
                r#"{"type":"urn:jeton:problem:internal","title":"Internal error","status":500,"detail":"Something went wrong on our side."}"#
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_api_types::ProblemResponse;

    /// The auth API writes the same problems by its own means, for whoever asks it instead of embedding a verifier.
    #[test]
    fn a_refusal_has_the_bytes_that_the_auth_api_answers() {
        let scope = "!#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~";
        for (kind, problem) in [
            (RefusalKind::SeveralTokens, ProblemResponse::several_tokens()),
            (RefusalKind::MissingToken, ProblemResponse::missing_token()),
            (RefusalKind::InvalidToken, ProblemResponse::invalid_token()),
            (
                RefusalKind::InsufficientScope(Scope::parse(scope).unwrap()),
                ProblemResponse::insufficient_scope(scope),
            ),
            (RefusalKind::Unavailable, ProblemResponse::unavailable(1)),
            (RefusalKind::Internal, ProblemResponse::internal()),
        ] {
            let refusal = Refusal::from(kind);
            assert_eq!(refusal.status(), problem.problem().status);
            assert_eq!(refusal.body(), serde_json::to_string(problem.problem()).unwrap());
            let mut right = vec![(
                "content-type".to_owned(),
                jeton_api_types::PROBLEM_JSON.to_owned(),
            )];
            for (name, value) in problem.headers() {
                right.push((name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
            }
            let headers: Vec<_> = refusal
                .headers()
                .map(|(name, value)| (name.to_owned(), value.into_owned()))
                .collect();
            assert_eq!(headers, right);
        }
    }
}
