//! What the guards of all frameworks have in common.

use crate::authorize::require;
use crate::{Caller, Decision, LookUp, ProtectedResource, Refusal, RefusalKind, Verifier};

/// What a guard asks of a request.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    verifier: Verifier,
    scopes: Vec<&'static str>,
    optional: bool,
}

/// What a guard does with a request. It notes what it has found with the request, for the guards and handlers behind it: a
/// [`Caller`] or [`Anonymous`].
pub(crate) enum Admission {
    /// A guard around this one has noted the caller.
    Checked,
    Caller(Caller),
    Anonymous(Anonymous),
    LookUp(LookUp),
    Refused(Refusal),
}

/// A guard stands before this handler, and has let a request through that brought no token. A handler that wants one answers this.
#[derive(Debug, Clone)]
pub(crate) struct Anonymous(pub(crate) Refusal);

impl Policy {
    pub(crate) fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            scopes: Vec::new(),
            optional: false,
        }
    }

    /// Nobody has a scope without a token, whatever was said before.
    pub(crate) fn requiring(&self, scope: &'static str) -> Self {
        let mut policy = self.clone();
        policy.scopes.push(scope);
        policy.optional = false;
        policy
    }

    pub(crate) fn optional(&self) -> Self {
        Self {
            optional: true,
            ..self.clone()
        }
    }

    pub(crate) fn resource(&self, resource: &ProtectedResource) -> Self {
        Self {
            verifier: self.verifier.protecting(resource),
            ..self.clone()
        }
    }

    /// `checked` is whom a guard around this one has let through. If it asks another database, or is for another resource, that is no
    /// word for this one, which checks the token itself.
    pub(crate) fn decide<'h>(
        &self,
        checked: Option<&Caller>,
        authorization: impl IntoIterator<Item = &'h [u8]>,
    ) -> Admission {
        if let Some(caller) = checked.filter(|caller| self.verifier.accepts(caller)) {
            return match require(caller, &self.scopes) {
                Ok(()) => Admission::Checked,
                Err(kind) => Admission::Refused(self.verifier.refusal(kind)),
            };
        }
        match self.verifier.authorize(authorization, &self.scopes) {
            Decision::Allow(caller) => Admission::Caller(caller),
            Decision::LookUp(look_up) => Admission::LookUp(look_up),
            Decision::Refuse(refusal) if self.optional && *refusal.kind() == RefusalKind::MissingToken => {
                Admission::Anonymous(Anonymous(refusal))
            }
            Decision::Refuse(refusal) => Admission::Refused(refusal),
        }
    }
}

/// What a guard has noted with a request, for a handler that wants to know; if none has, the service is not put together
/// right, and the handler is not to run.
pub(crate) fn noted(
    caller: Option<&Caller>,
    anonymous: impl FnOnce() -> Option<Anonymous>,
    path: &str,
) -> Result<Result<Caller, Anonymous>, Refusal> {
    if let Some(caller) = caller {
        return Ok(Ok(caller.clone()));
    }
    anonymous().map(Err).ok_or_else(|| {
        tracing::error!(path, "a handler takes a Caller, and no guard stands before it");
        RefusalKind::Internal.into()
    })
}
