//! What answers are right, and what is made of each.

use crate::services::{Kind, Service};
use crate::world::World;
use jeton_client::{ClientError, ProblemKind, Session, StatusCode};
use std::time::{Duration, Instant};

/// How long a client waits before it tries again elsewhere. Services ask for a second; less is more load.
pub(crate) const TRY_AGAIN: Duration = Duration::from_millis(200);

/// The answers that are right, besides 503 with `Retry-After` while Postgres is away.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Right {
    done: bool,
    refused: &'static [ProblemKind],
    /// Whether errors are told as OAuth has them (RFC 6749 §5.2), and not as problems.
    by_oauth: bool,
}

impl Right {
    pub(crate) const DONE: Self = Self::done_or(&[]);
    /// Done, and done again by a second attempt.
    pub(crate) const TWICE: (Self, Self) = (Self::DONE, Self::DONE);
    /// Done, by what speaks OAuth.
    pub(crate) const DONE_BY_OAUTH: Self = Self {
        by_oauth: true,
        ..Self::DONE
    };
    /// The token is none.
    pub(crate) const INVALID_TOKEN: Self = Self::refused(&[ProblemKind::InvalidToken]);

    /// The same, or done: an attempt that came to nothing may have revoked it.
    pub(crate) const INVALID_TOKEN_OR_DONE: Self = Self::done_or(&[ProblemKind::InvalidToken]);

    pub(crate) const fn refused(refused: &'static [ProblemKind]) -> Self {
        Self {
            done: false,
            refused,
            by_oauth: false,
        }
    }

    /// Done, or one of these: where an attempt that came to nothing may have been effective, or another is under way.
    pub(crate) const fn done_or(refused: &'static [ProblemKind]) -> Self {
        Self {
            done: true,
            refused,
            by_oauth: false,
        }
    }

    pub(crate) fn is_done(self) -> bool {
        self.done && self.refused.is_empty()
    }
}

/// A right answer.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    Done(T),
    Refused(ProblemKind),
    /// 503, while Postgres is away: it may have happened or not.
    Away,
}

impl<T> Answer<T> {
    pub(crate) fn done(self) -> Option<T> {
        match self {
            Self::Done(done) => Some(done),
            Self::Refused(_) | Self::Away => None,
        }
    }
}

/// An answer was wrong, and is in the book. What it was about is no longer known, and nobody goes on with it.
#[derive(Debug)]
pub(crate) struct Lost;

/// What each answer comes to.
pub(crate) type Judged<T> = Result<T, Lost>;

impl World {
    /// Notes and judges one answer.
    pub(crate) async fn ask<T>(
        &self,
        request: &'static str,
        service: &Service,
        right: Right,
        call: impl Future<Output = Result<T, ClientError>>,
    ) -> Judged<Answer<T>> {
        let began = Instant::now();
        let result = call.await;
        let took = began.elapsed();
        self.book.note(request, &service.name, outcome(&result), took);
        let away = self.outages.touch(began, began + took);
        judge(result, right, away).map_err(|why| {
            let after = self.began.elapsed().as_secs_f64();
            self.wrong(&format!("{request} at {}, {after:.3} s on: {why}", service.name))
        })
    }

    /// One request with this token.
    pub(crate) async fn ask_with<T>(
        &self,
        request: &'static str,
        service: &Service,
        token: &str,
        right: Right,
        call: impl AsyncFnOnce(Session) -> Result<T, ClientError>,
    ) -> Judged<Answer<T>> {
        let call = async { call(service.client().session(token)?).await };
        self.ask(request, service, right, call).await
    }

    /// Asks one service after the other until there is an answer; says as well whether there were attempts without one.
    /// After those, what is right is `again`.
    pub(crate) async fn insist<T>(
        &self,
        request: &'static str,
        kind: Kind,
        token: &str,
        (first, again): (Right, Right),
        call: impl AsyncFn(&Service, Session) -> Result<T, ClientError>,
    ) -> Judged<(Answer<T>, bool)> {
        let mut unsure = false;
        loop {
            let right = if unsure { again } else { first };
            let service = self.pick(kind);
            let call = async |session| call(service, session).await;
            match self.ask_with(request, service, token, right, call).await? {
                Answer::Away => {
                    unsure = true;
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                answer => return Ok((answer, unsure)),
            }
        }
    }

    /// Something is not as it must be.
    pub(crate) fn wrong(&self, what: &str) -> Lost {
        self.book.wrong(what);
        Lost
    }

    /// What must be, of an answer's body, say.
    pub(crate) fn check(&self, is_right: bool, what: impl FnOnce() -> String) -> Judged<()> {
        if is_right {
            Ok(())
        } else {
            Err(self.wrong(&what()))
        }
    }
}

/// What the report calls it.
fn outcome<T>(result: &Result<T, ClientError>) -> String {
    match result {
        Ok(_) => "2xx".to_owned(),
        Err(ClientError::Problem { status, problem, .. }) => {
            let slug = problem.type_.rsplit(':').next().unwrap_or_default();
            format!("{} {slug}", status.as_u16())
        }
        Err(error) => error.status().map_or_else(
            || "no answer".to_owned(),
            |status| format!("{} without a problem", status.as_u16()),
        ),
    }
}

fn judge<T>(result: Result<T, ClientError>, right: Right, away: bool) -> Result<Answer<T>, String> {
    let error = match result {
        Ok(done) if right.done => return Ok(Answer::Done(done)),
        Ok(_) => return Err(format!("done, and to be refused: {:?}", right.refused)),
        Err(error) => error,
    };
    let request = error
        .request_id()
        .map_or_else(String::new, |id| format!(" (request {id})"));
    if error.status() == Some(StatusCode::SERVICE_UNAVAILABLE) {
        let kind = error.kind();
        let is_told = kind == Some(ProblemKind::Unavailable) || (right.by_oauth && kind.is_none());
        return match error.retry_after() {
            Some(wait) if is_told && !wait.is_zero() => {
                if away {
                    Ok(Answer::Away)
                } else {
                    Err(format!("503, and Postgres is there{request}"))
                }
            }
            _ => Err(format!("503 without a problem and Retry-After: {error}{request}")),
        };
    }
    match error.kind() {
        Some(kind)
            if right.refused.contains(&kind) && error.status().map(|s| s.as_u16()) == Some(kind.status()) =>
        {
            Ok(Answer::Refused(kind))
        }
        _ => Err(format!("{error}, and right is {right:?}{request}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_client::Problem;

    fn problem(kind: ProblemKind, retry_after: Option<u64>) -> Result<(), ClientError> {
        Err(ClientError::Problem {
            status: StatusCode::from_u16(kind.status()).unwrap(),
            problem: Box::new(Problem::new(kind, "")),
            retry_after: retry_after.map(Duration::from_secs),
            request_id: None,
        })
    }

    #[test]
    fn an_answer_that_is_done_has_to_be_allowed() {
        assert!(matches!(judge(Ok(()), Right::DONE, false), Ok(Answer::Done(()))));
        assert!(judge(Ok(()), Right::INVALID_TOKEN, false).is_err());
        assert!(
            judge(Ok(()), Right::INVALID_TOKEN, true).is_err(),
            "nor while Postgres is away"
        );
    }

    #[test]
    fn a_refusal_has_to_be_the_right_one() {
        let refused = || problem(ProblemKind::InvalidToken, None);
        assert!(judge(refused(), Right::INVALID_TOKEN, false).is_ok());
        assert!(judge(refused(), Right::DONE, false).is_err());
        assert!(
            judge(refused(), Right::DONE, true).is_err(),
            "never because Postgres is away"
        );
        assert!(judge(problem(ProblemKind::NotFound, None), Right::INVALID_TOKEN, false).is_err());
    }

    #[test]
    fn a_503_needs_an_outage_and_retry_after() {
        let away = |retry_after| problem(ProblemKind::Unavailable, retry_after);
        assert!(matches!(
            judge(away(Some(1)), Right::DONE, true),
            Ok(Answer::Away)
        ));
        assert!(judge(away(Some(1)), Right::DONE, false).is_err());
        assert!(judge(away(None), Right::DONE, true).is_err());
        assert!(judge(away(Some(0)), Right::DONE, true).is_err());
    }

    #[test]
    fn nothing_else_is_right_in_an_outage() {
        assert!(judge(problem(ProblemKind::Internal, None), Right::DONE, true).is_err());
        let status = |status| ClientError::Status {
            status,
            retry_after: None,
            request_id: None,
        };
        let bare = Err::<(), _>(status(StatusCode::BAD_GATEWAY));
        assert!(judge(bare, Right::DONE, true).is_err());
    }
}
