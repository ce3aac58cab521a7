use super::Held;
use crate::clock::Stamp;
use crate::wire::{Check, Checks, Sighting};
use crate::world::{Auth, Phase, World};
use jeton_client::{ClientError, ProblemKind, Session};
use std::sync::Arc;
use std::time::Duration;

/// How long a client waits before it tries again elsewhere.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// What a client makes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer<T = ()> {
    /// 2xx: the acknowledgement.
    Done(T),
    /// 401, 404, or `invalid_grant`: there is nothing to revoke. To whoever has asked before that is an acknowledgement, too.
    Gone,
    /// The password is another one (by now).
    WrongPassword,
    /// It may have happened or not: a 503, no answer.
    Unsure,
}

impl<T> Answer<T> {
    pub(crate) fn of(result: Result<T, ClientError>) -> Self {
        match result {
            Ok(done) => Self::Done(done),
            // What no refresh token is, nor any that was.
            Err(error) if error.oauth() == Some("invalid_grant") => Self::Gone,
            Err(error) => match error.kind() {
                Some(ProblemKind::InvalidToken | ProblemKind::NotFound) => Self::Gone,
                Some(ProblemKind::WrongPassword | ProblemKind::InvalidCredentials) => Self::WrongPassword,
                _ => Self::Unsure,
            },
        }
    }
}

impl World {
    /// Tries until there is an answer, at one auth service after the other; also says at which. [`Answer::Unsure`] only
    /// when the run has given up.
    pub(crate) async fn insist<T, F: Future<Output = Answer<T>>>(
        &self,
        call: impl Fn(Arc<Auth>) -> F,
    ) -> (Answer<T>, Vec<String>) {
        let mut tried = Vec::new();
        let mut auth = self.auths.pick(None);
        while self.phase() != Phase::GivingUp {
            if let Some(auth) = &auth {
                if !tried.contains(&auth.name) {
                    tried.push(auth.name.clone());
                }
                match call(auth.clone()).await {
                    Answer::Unsure => self.records.stats().unsure += 1,
                    answer => return (answer, tried),
                }
            }
            tokio::time::sleep(TRY_AGAIN).await;
            auth = self.auths.pick(auth.as_deref());
        }
        (Answer::Unsure, tried)
    }

    /// The same with a token.
    pub(crate) async fn insist_with<T, F: Future<Output = Result<T, ClientError>>>(
        &self,
        held: &Held,
        call: impl Fn(Session) -> F,
    ) -> (Answer<T>, Vec<String>) {
        let call = &call;
        self.insist(|auth| async move { self.with_token(&auth, held, call).await })
            .await
    }

    /// One request with a token, which the guard of that service checks first.
    pub(crate) async fn with_token<T, F: Future<Output = Result<T, ClientError>>>(
        &self,
        auth: &Auth,
        held: &Held,
        call: impl FnOnce(Session) -> F,
    ) -> Answer<T> {
        match auth.client.session(&*held.text) {
            Ok(session) => Answer::of(self.check(auth, held, call(session)).await.1),
            Err(_) => Answer::Gone,
        }
    }

    /// Has every auth service's guard check the token.
    pub(crate) async fn ask_guards(&self, held: &Held) {
        for auth in self.auths.members() {
            let Ok(session) = auth.client.session(&*held.text) else {
                continue;
            };
            let tokens = session.tokens();
            let (check, answer) = self.check(&auth, held, tokens.list(Some(1), None)).await;
            self.records.stats().guarded += 1;
            // The guard has let a program's token through, for the handler to refuse.
            let accepted = match &answer {
                Ok(_) => true,
                Err(error) => error.kind() == Some(ProblemKind::LoginTokenRequired),
            };
            if accepted {
                let mut sighting = Sighting::nothing(held.number);
                Checks::note(&mut sighting.accepted, check);
                self.records.ledger().saw(&auth.name, &sighting);
            }
        }
    }

    /// A 401 is a refusal like any other.
    async fn check<T>(
        &self,
        auth: &Auth,
        held: &Held,
        call: impl Future<Output = Result<T, ClientError>>,
    ) -> (Check, Result<T, ClientError>) {
        let start = Stamp::now();
        let result = call.await;
        let end = Stamp::now();
        let check = Check { start, end };
        if matches!(&result, Err(error) if error.kind() == Some(ProblemKind::InvalidToken)) {
            let mut sighting = Sighting::nothing(held.number);
            Checks::note(&mut sighting.refused, check);
            self.records.ledger().saw(&auth.name, &sighting);
        }
        (check, result)
    }
}
