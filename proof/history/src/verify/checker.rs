use super::guarded;
use super::watched::{Outcome, Watched};
use crate::clock::Stamp;
use crate::wire::{Check, Command, Report, Sighting, Tally, TokenNumber, WRITE};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jeton_verifier::axum::Guard;
use jeton_verifier::{Caller, Verifier, VerifyError};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// How often everything is reported, whether urgent or not.
const REPORT_EVERY: Duration = Duration::from_millis(250);
/// The shortest pause between two rounds.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// The longest: with many tokens, too, each shall be checked many times a second.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

type Ended = (TokenNumber, Check, Outcome);
type Waiting = Pin<Box<dyn Future<Output = Ended>>>;

/// One thread's checks: round after round of all tokens that it was told of.
pub(super) struct Checker<R> {
    verifier: Verifier,
    guard: Guard,
    /// Which of the two checks this round.
    by_guard: bool,
    commands: UnboundedReceiver<Command>,
    report: R,
    tokens: BTreeMap<TokenNumber, Watched>,
    waiting: FuturesUnordered<Waiting>,
    tally: Tally,
    unavailable_since: Option<Stamp>,
    reported: Stamp,
}

impl<R: FnMut(&Report)> Checker<R> {
    pub(super) fn new(verifier: Verifier, commands: UnboundedReceiver<Command>, report: R) -> Self {
        Self {
            guard: guarded::guard(verifier.clone()),
            by_guard: false,
            verifier,
            commands,
            report,
            tokens: BTreeMap::new(),
            waiting: FuturesUnordered::new(),
            tally: Tally::default(),
            unavailable_since: None,
            reported: Stamp::now(),
        }
    }

    /// Checks until nobody can tell it anything any more.
    pub(super) async fn run(mut self) {
        loop {
            let began = Stamp::now();
            if !self.obey() {
                break;
            }
            self.check_all(began);
            self.report_news();
            // A sixth of a core: Postgres, the services and the threads that are tested need the rest.
            let pause = (Stamp::now().since(began) * 5).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            self.wait(pause).await;
        }
        self.reported = Stamp(0);
        self.report_news();
    }

    /// Does what it was told; `false`: it is to end.
    fn obey(&mut self) -> bool {
        use tokio::sync::mpsc::error::TryRecvError;
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.obey_one(command),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn obey_one(&mut self, command: Command) {
        match command {
            Command::Check { token, text, gone } => {
                self.tokens.insert(token, Watched::new(token, &text, gone));
            }
            Command::Revoking(token) => self.with(token, |watched| watched.urgent = true),
            Command::Gone { token, right, at } => self.with(token, |watched| watched.gone(right, at)),
            Command::Back { token, right } => self.with(token, |watched| watched.back(right)),
            Command::Forget(token) => {
                self.tokens.remove(&token);
            }
        }
    }

    fn with(&mut self, token: TokenNumber, change: impl FnOnce(&mut Watched)) {
        if let Some(watched) = self.tokens.get_mut(&token) {
            change(watched);
        }
    }

    fn check_all(&mut self, now: Stamp) {
        let due: Vec<_> = self
            .tokens
            .values()
            .filter(|watched| watched.is_due(now))
            .map(|watched| (watched.token, watched.text.clone()))
            .collect();
        self.by_guard = !self.by_guard;
        let by_guard = self.by_guard;
        for (token, text) in due {
            let (verifier, guard) = (self.verifier.clone(), self.guard.clone());
            let start = Stamp::now();
            let mut check: Waiting = Box::pin(async move {
                let outcome = if by_guard {
                    guarded::check(&guard, &text).await
                } else {
                    outcome(&verifier.verify(&text).await)
                };
                let end = Stamp::now();
                (token, Check { start, end }, outcome)
            });
            // What is in the cache is answered at once.
            match check.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(ended) => self.note(ended, true),
                Poll::Pending => {
                    self.with(token, Watched::waits);
                    self.waiting.push(check);
                }
            }
        }
    }

    fn note(&mut self, (token, check, outcome): Ended, at_once: bool) {
        match (outcome, at_once) {
            (Outcome::Accepted { .. }, true) => self.tally.hits += 1,
            (Outcome::Accepted { .. }, false) => self.tally.looked_up += 1,
            (Outcome::Refused, _) => self.tally.refused += 1,
            (Outcome::Unavailable, _) => self.tally.unavailable += 1,
        }
        match (outcome, self.unavailable_since) {
            (Outcome::Unavailable, None) => self.unavailable_since = Some(check.end),
            (Outcome::Unavailable, Some(_)) | (_, None) => {}
            (_, Some(since)) => {
                let nanos = check.end.since(since).as_nanos();
                self.tally.unavailable_nanos += u64::try_from(nanos).unwrap_or(u64::MAX);
                self.unavailable_since = None;
            }
        }
        let Some(watched) = self.tokens.get_mut(&token) else {
            return;
        };
        if watched.note(check, outcome) {
            let sightings = watched.take_news().into_iter().collect();
            (self.report)(&Report {
                sightings,
                tally: Tally::default(),
            });
        }
    }

    fn report_news(&mut self) {
        let now = Stamp::now();
        let all = now.since(self.reported) >= REPORT_EVERY;
        let sightings: Vec<Sighting> = self
            .tokens
            .values_mut()
            .filter(|watched| all || watched.urgent)
            .filter_map(Watched::take_news)
            .collect();
        if all {
            self.reported = now;
        } else if sightings.is_empty() {
            return;
        }
        let tally = std::mem::take(&mut self.tally);
        (self.report)(&Report { sightings, tally });
    }

    /// Lets the checks that wait go on for a while.
    async fn wait(&mut self, pause: Duration) {
        let over = tokio::time::sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                Some(ended) = self.waiting.next(), if !self.waiting.is_empty() => {
                    self.with(ended.0, Watched::has_waited);
                    self.note(ended, false);
                }
                () = &mut over => break,
            }
        }
    }
}

fn outcome(answer: &Result<Caller, VerifyError>) -> Outcome {
    match answer {
        Ok(caller) => Outcome::Accepted {
            with_write: caller.scopes().contains(WRITE),
        },
        Err(VerifyError::Invalid) => Outcome::Refused,
        Err(VerifyError::Unavailable) => Outcome::Unavailable,
    }
}
