//! What becomes of a request, told without any framework. Every front end asks this and passes the answer on.

use crate::authorization::credentials;
use crate::verifier::Check;
use crate::{AuthorizationError, Caller, Refusal, RefusalKind, Verifier, VerifyError};
use jeton_domain::{Scope, TokenDigest};
use std::fmt;

/// What becomes of a request: of [`Verifier::authorize`].
#[derive(Debug)]
#[must_use]
pub enum Decision {
    /// It is let through; this is who calls.
    Allow(Caller),
    /// Only the database can tell: [wait](LookUp::outcome) for it.
    LookUp(LookUp),
    /// It is not let through; this is the answer.
    Refuse(Refusal),
}

impl Decision {
    /// The end of it: looks the token up where that is needed.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn outcome(self) -> Result<Caller, Refusal> {
        match self {
            Self::Allow(caller) => Ok(caller),
            Self::LookUp(look_up) => look_up.outcome().await,
            Self::Refuse(refusal) => Err(refusal),
        }
    }
}

/// A token that is not remembered, and what is required of it. Nothing is asked before [`outcome`](Self::outcome) is awaited.
#[must_use]
pub struct LookUp {
    verifier: Verifier,
    digest: TokenDigest,
    scopes: Vec<String>,
}

impl LookUp {
    /// Asks the database. Needs a Tokio runtime with its timer on.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn outcome(self) -> Result<Caller, Refusal> {
        let found = self.verifier.look_up(self.digest).await;
        found
            .map_err(RefusalKind::from)
            .and_then(|caller| admit(caller, &self.scopes))
            .map_err(|kind| self.verifier.refusal(kind))
    }
}

impl fmt::Debug for LookUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookUp")
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// Decides about a request by its `Authorization` headers, which are all to be given, and by the scopes that are required
    /// of its token. What can be told from memory is told at once, and nothing is allocated for it.
    ///
    /// Who calls is noted in the current span as `user_id` and `token_id`, where it has these fields.
    ///
    /// ```no_run
    /// # fn answer(_: u16, _: impl Iterator, _: &str) {}
    /// # async fn example(verifier: jeton_verifier::Verifier) {
    /// let headers = [&b"Bearer jtn_Fxkb5z4PTwPRu4jJpDdsXGzlU0uyL3fR32DfSw"[..]];
    /// match verifier.authorize(headers, &["notes:read"]).outcome().await {
    ///     Ok(caller) => println!("{} may read notes", caller.username()),
    ///     Err(refusal) => answer(refusal.status(), refusal.headers(), &refusal.body()),
    /// }
    /// # }
    /// ```
    pub fn authorize<'h>(
        &self,
        authorization: impl IntoIterator<Item = &'h [u8]>,
        scopes: &[&str],
    ) -> Decision {
        self.check_headers(authorization)
            .and_then(|check| match check {
                Check::Known(caller) => admit(caller, scopes).map(Decision::Allow),
                Check::LookUp(digest) => Ok(Decision::LookUp(LookUp {
                    verifier: self.clone(),
                    digest,
                    scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
                })),
            })
            .unwrap_or_else(|kind| Decision::Refuse(self.refusal(kind)))
    }

    fn check_headers<'h>(
        &self,
        authorization: impl IntoIterator<Item = &'h [u8]>,
    ) -> Result<Check, RefusalKind> {
        let mut headers = authorization.into_iter();
        let header = headers.next().ok_or(RefusalKind::MissingToken)?;
        if headers.next().is_some() {
            return Err(RefusalKind::SeveralTokens);
        }
        Ok(self.check(credentials(header)?)?)
    }

    /// With where apps learn what to do about it, if this is known.
    pub(crate) fn refusal(&self, kind: RefusalKind) -> Refusal {
        Refusal::new(kind, self.protected().cloned())
    }
}

/// Lets the caller in, if it has what is required.
fn admit(caller: Caller, scopes: &[impl AsRef<str>]) -> Result<Caller, RefusalKind> {
    require(&caller, scopes)?;
    note_in_span(&caller);
    Ok(caller)
}

/// Most spans have no such fields. To look costs less than to take hold of the span.
fn note_in_span(caller: &Caller) {
    const FIELDS: [&str; 2] = ["user_id", "token_id"];
    let wanted = tracing::dispatcher::get_default(|subscriber| {
        let span = subscriber.current_span();
        let fields = span.metadata().map(tracing::Metadata::fields);
        fields.is_some_and(|fields| FIELDS.iter().any(|name| fields.field(*name).is_some()))
    });
    if wanted {
        let span = tracing::Span::current();
        span.record(FIELDS[0], tracing::field::display(caller.user_id()));
        span.record(FIELDS[1], tracing::field::display(caller.token_id()));
    }
}

pub(crate) fn require(caller: &Caller, scopes: &[impl AsRef<str>]) -> Result<(), RefusalKind> {
    let missing = scopes
        .iter()
        .map(AsRef::as_ref)
        .find(|scope| !caller.scopes().contains(scope));
    match missing.map(|text| (text, Scope::parse(text))) {
        None => Ok(()),
        Some((_, Ok(scope))) => Err(RefusalKind::InsufficientScope(scope)),
        Some((text, Err(error))) => {
            tracing::error!(scope = text, %error, "a scope is required that nobody can have");
            Err(RefusalKind::Internal)
        }
    }
}

impl From<AuthorizationError> for RefusalKind {
    fn from(error: AuthorizationError) -> Self {
        match error {
            AuthorizationError::OtherScheme => Self::MissingToken,
            AuthorizationError::Malformed => Self::InvalidToken,
        }
    }
}

impl From<VerifyError> for RefusalKind {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Invalid => Self::InvalidToken,
            VerifyError::Unavailable => Self::Unavailable,
        }
    }
}
