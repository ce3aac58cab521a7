//! What an administrator does to the user.

use super::{DEFAULT_SCOPES, Person, Scopes};
use crate::judge::{Judged, Right};
use crate::operator::secret;
use crate::services::Kind;
use jeton_client::{AuditQuery, LoginRequest, ProblemKind, Session};
use rand::RngExt;

/// Asked for again, what was done already is done as well, unless what it was done to is gone.
const ONCE: (Right, Right) = (Right::DONE, Right::done_or(&[ProblemKind::NotFound]));

impl Person {
    /// For a while, in which no token is one and nobody can sign in.
    pub(super) async fn be_disabled(&mut self) -> Judged<()> {
        let disable = async |_: &_, session: Session| session.admin().disable(self.id).await;
        self.world.administer("disable", Right::TWICE, disable).await?;
        self.disabled = true;
        for held in &self.tokens {
            self.ask_everywhere(held).await?;
        }
        self.be_kept_out().await?;
        let enable = async |_: &_, session: Session| session.admin().enable(self.id).await;
        self.world.administer("enable", Right::TWICE, enable).await?;
        self.disabled = false;
        for held in &self.tokens {
            self.ask_everywhere(held).await?;
        }
        Ok(())
    }

    async fn be_kept_out(&mut self) -> Judged<()> {
        self.failures += 1;
        let request = LoginRequest {
            username: self.name.clone(),
            password: self.password.as_str().into(),
            name: None,
            scopes: None,
            expires_in: None,
        };
        let (service, right) = (
            self.world.pick(Kind::Auth),
            Right::refused(&[ProblemKind::InvalidCredentials]),
        );
        let client = service.client();
        let answer = self.world.ask("login", service, right, client.login(&request));
        answer.await.map(drop)
    }

    /// The user may other things from now on.
    pub(super) async fn get_other_scopes(&mut self) -> Judged<()> {
        let scopes: Scopes = match self.rng.random_bool(0.5) {
            true => DEFAULT_SCOPES.map(str::to_owned).into(),
            false => self.some_scopes(),
        };
        let set = async |_: &_, session: Session| {
            let scopes: Vec<_> = scopes.iter().map(String::as_str).collect();
            session.admin().set_scopes(self.id, &scopes).await
        };
        let (answer, _) = self.world.administer("set-scopes", Right::TWICE, set).await?;
        if let Some(user) = answer.done() {
            self.check(user.scopes.iter().eq(&scopes), "scopes set", &user)?;
        }
        self.scopes = scopes;
        for held in &self.tokens {
            self.ask_everywhere(held).await?;
        }
        Ok(())
    }

    pub(super) async fn lose_token(&mut self) -> Judged<()> {
        let Some(token) = self.any_id() else { return Ok(()) };
        let revoke = async |_: &_, session: Session| session.admin().revoke_token(self.id, token).await;
        self.world
            .administer("user's token revoked", ONCE, revoke)
            .await?;
        self.revoked(|held| held.id == token).await
    }

    pub(super) async fn lose_all_tokens(&mut self) -> Judged<()> {
        let revoke = async |_: &_, session: Session| session.admin().revoke_tokens(self.id).await;
        let (answer, unsure) = self
            .world
            .administer("user's tokens revoked", Right::TWICE, revoke)
            .await?;
        if let Some(revoked) = answer.done() {
            let right = unsure || revoked == self.tokens.len() as u64;
            self.check(right, "tokens revoked", &revoked)?;
        }
        self.revoked(|_| true).await
    }

    pub(super) async fn get_password(&mut self) -> Judged<()> {
        let password = secret();
        let set = async |_: &_, session: Session| {
            session
                .admin()
                .set_password(self.id, password.as_str(), false)
                .await
        };
        self.world
            .administer("user's password set", Right::TWICE, set)
            .await?;
        self.password = password;
        self.revoked(|_| true).await
    }

    pub(super) async fn be_unblocked(&mut self) -> Judged<()> {
        let unblock = async |_: &_, session: Session| session.admin().unblock(self.id).await;
        self.world.administer("unblock", Right::TWICE, unblock).await?;
        self.failures = 0;
        Ok(())
    }

    pub(super) async fn be_deleted(&mut self) -> Judged<()> {
        let delete = async |_: &_, session: Session| session.admin().delete_user(self.id).await;
        self.world
            .administer("user deleted", ONCE, delete)
            .await
            .map(drop)
    }

    /// The audit log has something about everybody, and of nobody else.
    pub(super) async fn be_read_about(&self) -> Judged<()> {
        let query = AuditQuery {
            user: Some(self.id),
            ..AuditQuery::default()
        };
        let read = async |_: &_, session: Session| session.admin().audit_events(&query, Some(10), None).await;
        let (answer, _) = self.world.administer("audit-events", Right::TWICE, read).await?;
        match answer.done() {
            Some(found) => {
                let events = &found.events;
                let right =
                    !events.is_empty() && events.iter().all(|event| event.subject_id == Some(self.id));
                self.check(right, "events about the user", events)
            }
            None => Ok(()),
        }
    }
}
