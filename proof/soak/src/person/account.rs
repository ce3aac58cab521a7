//! Signing up, in and out, and the password.

use super::{DEFAULT_SCOPES, Held, Need, Person, Scopes};
use crate::judge::{Answer, Judged, Right};
use crate::operator::secret;
use crate::services::{Kind, Service, TOKENS_PER_USER};
use crate::world::World;
use futures_util::future::try_join_all;
use jeton_client::{IssuedToken, LoginRequest, ProblemKind, Session, SignUpRequest};
use rand::RngExt;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use uuid::Uuid;

/// Far fewer than JETON_ACCOUNT_FAILURES lets through at once.
const FAILURES: u32 = 5;

impl Person {
    pub(super) async fn sign_up(world: &Rc<World>, rng: StdRng) -> Judged<Self> {
        let mut person = Self {
            world: world.clone(),
            rng,
            name: secret(),
            id: Uuid::nil(),
            password: secret(),
            scopes: DEFAULT_SCOPES.map(str::to_owned).into(),
            disabled: false,
            tokens: Vec::new(),
            gone: VecDeque::new(),
            notes: BTreeMap::new(),
            failures: 0,
        };
        let taken = Right::done_or(&[ProblemKind::UsernameTaken]);
        let (answer, _) = world
            .insist(
                "sign-up",
                Kind::Auth,
                "none",
                (Right::DONE, taken),
                async |_, session| {
                    let request = SignUpRequest {
                        username: person.name.clone(),
                        password: person.password.as_str().into(),
                        email: None,
                    };
                    session.client().sign_up(&request).await
                },
            )
            .await?;
        match answer.done() {
            Some(issued) => {
                person.id = issued.user.id;
                person.check_issued(&issued, "login", &person.scopes)?;
                person.hold(&issued);
            }
            // By the attempt that was answered 503.
            None => person.start_over().await?,
        }
        Ok(person)
    }

    /// One more token. Beyond so many, others give way.
    pub(super) async fn sign_in(&mut self) -> Judged<()> {
        let scopes = self.rng.random_bool(0.4).then(|| self.some_scopes());
        match scopes {
            // More than one has; the password is right all the same.
            Some(scopes) if !scopes.is_subset(&self.scopes) => {
                let right = Right::refused(&[ProblemKind::ScopeNotHeld]);
                let (_, unsure) = self.log_in(right, Some(&scopes)).await?;
                self.note_attempt(true, unsure);
                Ok(())
            }
            scopes => self.sign_in_with(scopes).await,
        }
    }

    pub(super) async fn sign_in_with(&mut self, scopes: Option<Scopes>) -> Judged<()> {
        let excess = self.excess();
        let (answer, unsure) = self.log_in(Right::DONE, scopes.as_ref()).await?;
        self.note_attempt(true, unsure);
        let Some(issued) = answer.done() else {
            return Ok(());
        };
        self.id = issued.user.id;
        self.check_issued(&issued, "login", scopes.as_ref().unwrap_or(&self.scopes))?;
        if unsure {
            return self.start_over_with(&issued).await;
        }
        let held = self.hold(&issued);
        self.find_what_gave_way(&held, excess).await
    }

    /// How many login tokens have to give way to one more.
    pub(super) fn excess(&self) -> usize {
        (self.tokens.len() + 1).saturating_sub(TOKENS_PER_USER)
    }

    /// Attempts that came to nothing may have issued tokens that nobody has: an end to all.
    pub(super) async fn start_over(&mut self) -> Judged<()> {
        let (answer, unsure) = self.log_in(Right::DONE, None).await?;
        self.note_attempt(true, unsure);
        match answer.done() {
            Some(issued) => {
                self.id = issued.user.id;
                self.start_over_with(&issued).await
            }
            None => Ok(()),
        }
    }

    async fn start_over_with(&mut self, issued: &IssuedToken) -> Judged<()> {
        let held = self.hold(issued);
        let gone = Right::INVALID_TOKEN_OR_DONE;
        let rights = (Right::DONE, gone);
        self.insist("logout-all", Kind::Auth, &held, rights, async |_, session| {
            session.logout_all().await
        })
        .await?;
        self.revoked(|_| true).await
    }

    async fn log_in(&self, right: Right, scopes: Option<&Scopes>) -> Judged<(Answer<IssuedToken>, bool)> {
        self.world
            .insist("login", Kind::Auth, "none", (right, right), async |_, session| {
                let request = LoginRequest {
                    username: self.name.clone(),
                    password: self.password.as_str().into(),
                    name: None,
                    scopes: scopes.map(|scopes| scopes.iter().cloned().collect()),
                    expires_in: None,
                };
                session.client().login(&request).await
            })
            .await
    }

    /// Attempts without an answer may have counted as failed.
    fn note_attempt(&mut self, succeeded: bool, unsure: bool) {
        self.failures = if succeeded {
            0
        } else {
            self.failures + 1 + u32::from(unsure)
        };
    }

    pub(super) fn check_issued(&self, issued: &IssuedToken, kind: &str, scopes: &Scopes) -> Judged<()> {
        let right = issued.kind == kind
            && issued.user.username == self.name
            && issued.user.id == self.id
            && issued.scopes.iter().eq(scopes);
        self.check(
            right,
            "the token issued",
            &(&issued.user, &issued.kind, &issued.scopes),
        )
    }

    pub(super) async fn mistype_password(&mut self) -> Judged<()> {
        if self.failures >= FAILURES {
            return self.sign_in_with(None).await;
        }
        let right = Right::refused(&[ProblemKind::InvalidCredentials]);
        let password = std::mem::replace(&mut self.password, secret());
        let answer = self.log_in(right, None).await;
        self.password = password;
        let (_, unsure) = answer?;
        self.note_attempt(false, unsure);
        Ok(())
    }

    /// Whoever uses the token meanwhile is answered one way or the other, until the logout is acknowledged.
    pub(super) async fn log_out_while_in_use(&mut self) -> Judged<()> {
        let held = self.login_token();
        let either = Right::INVALID_TOKEN_OR_DONE;
        let log_out = async {
            // The SDK takes a token that is unknown for one that is revoked; this tells them apart.
            let request = async |service: &Service, session: Session| {
                session.post(service.url("/v1/logout")).send().await.map(drop)
            };
            let rights = (Right::DONE, Right::DONE);
            self.insist("logout", Kind::Auth, &held, rights, request).await
        };
        let others = self
            .world
            .services
            .iter()
            .map(|service| self.see(service, &held, either));
        let (logged_out, _) = tokio::join!(log_out, try_join_all(others));
        logged_out?;
        self.revoked(|other| other.id == held.id).await
    }

    pub(super) async fn log_out_everywhere(&mut self) -> Judged<()> {
        let held = self.any_token();
        let first = self.right(&held, Need::LOGIN);
        let again = match first.is_done() {
            true => Right::INVALID_TOKEN_OR_DONE,
            false => first,
        };
        let (answer, unsure) = self
            .insist(
                "logout-all",
                Kind::Auth,
                &held,
                (first, again),
                async |_, session| session.logout_all().await,
            )
            .await?;
        if !first.is_done() {
            return Ok(());
        }
        if let Some(revoked) = answer.done() {
            let right = unsure || revoked == self.tokens.len() as u64;
            self.check(right, "logout-all revoked", &revoked)?;
        }
        self.revoked(|_| true).await
    }

    pub(super) async fn change_password(&mut self) -> Judged<()> {
        let (held, chosen) = (self.any_token(), secret());
        let wrong = self.failures < FAILURES && self.rng.random_bool(0.3);
        let right = match self.right(&held, Need::LOGIN) {
            right if right.is_done() && wrong => Right::refused(&[ProblemKind::WrongPassword]),
            right => right,
        };
        let current = if wrong { secret() } else { self.password.clone() };
        let (answer, unsure) = self
            .insist(
                "password change",
                Kind::Auth,
                &held,
                (right, right),
                async |_, session| session.change_password(current.as_str(), chosen.as_str()).await,
            )
            .await?;
        match answer {
            Answer::Done(()) => {
                self.note_attempt(true, unsure);
                self.password = chosen;
                self.revoked(|other| other.id != held.id).await
            }
            Answer::Refused(ProblemKind::WrongPassword) => {
                // Both the old and the new one are tried, and count.
                self.note_attempt(false, unsure);
                self.note_attempt(false, unsure);
                Ok(())
            }
            Answer::Refused(_) | Answer::Away => Ok(()),
        }
    }

    /// The account is deleted, by its owner or by the administrator.
    pub(super) async fn leave(&mut self) -> Judged<()> {
        if !self.tokens.iter().any(|held| held.login) {
            self.sign_in_with(None).await?;
        }
        let held = self.login_token();
        if self.rng.random_bool(0.5) && held.login {
            let rights = (Right::DONE, Right::INVALID_TOKEN_OR_DONE);
            self.insist(
                "account deletion",
                Kind::Auth,
                &held,
                rights,
                async |_, session| session.delete_account(self.password.as_str()).await,
            )
            .await?;
        } else {
            self.be_deleted().await?;
        }
        self.notes.clear();
        self.revoked(|_| true).await
    }

    /// Whether the token is what it should be, at this service.
    pub(super) async fn see(&self, service: &Service, held: &Held, right: Right) -> Judged<()> {
        match service.kind {
            Kind::Auth => self.me_at(service, held, right).await,
            Kind::Resource => self.who_am_i_at(service, held, right).await,
        }
    }
}
