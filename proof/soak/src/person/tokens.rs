//! Tokens: made for programs, listed, renamed, revoked.

use super::{Held, Need, Person};
use crate::judge::{Answer, Judged, Right};
use crate::operator::secret;
use crate::services::{Kind, TOKENS_PER_USER};
use jeton_client::{CreateTokenRequest, ProblemKind, Session, TokenInfo};
use rand::RngExt;
use uuid::Uuid;

impl Person {
    pub(super) async fn create_token(&mut self) -> Judged<()> {
        let (held, scopes) = (self.any_token(), self.some_scopes());
        let right = match self.right(&held, Need::LOGIN) {
            right if !right.is_done() => right,
            _ if !self.may(&held).is_some_and(|may| scopes.is_subset(&may)) => {
                Right::refused(&[ProblemKind::ScopeNotHeld])
            }
            _ if self.has_too_many_programs() => Right::refused(&[ProblemKind::TooManyTokens]),
            right => right,
        };
        let excess = self.excess();
        let request = &CreateTokenRequest {
            name: secret(),
            scopes: scopes.iter().cloned().collect(),
            expires_in: Some(86_400),
        };
        let service = self.world.pick(Kind::Auth);
        let create = async |session: Session| session.tokens().create(request).await;
        let answer = self.ask("token created", service, &held, right, create).await?;
        match answer {
            Answer::Done(issued) => {
                self.check_issued(&issued, "personal", &scopes)?;
                self.check(issued.name == request.name, "the name of a token", &issued.name)?;
                self.hold(&issued);
                self.find_what_gave_way(&held, excess).await
            }
            Answer::Refused(_) => Ok(()),
            // It may be there, and may have made others go.
            Answer::Away if right.is_done() => self.start_over().await,
            Answer::Away => Ok(()),
        }
    }

    /// One place is kept for signing in.
    fn has_too_many_programs(&self) -> bool {
        self.tokens.iter().filter(|held| !held.login).count() + 1 >= TOKENS_PER_USER
    }

    /// Of login tokens, those go that were not used for longest, to the minute: which they are is seen in the list.
    pub(super) async fn find_what_gave_way(&mut self, by: &Held, excess: usize) -> Judged<()> {
        if excess == 0 {
            return Ok(());
        }
        let rights = (Right::DONE, Right::DONE);
        let list = async |_: &_, session: Session| session.tokens().list_all().await;
        let (answer, _) = self.insist("tokens", Kind::Auth, by, rights, list).await?;
        let Some(there) = answer.done() else { return Ok(()) };
        let is_there = |held: &Held| there.iter().any(|token| token.id == held.id);
        let gone: Vec<_> = self
            .tokens
            .iter()
            .filter(|held| !is_there(held))
            .cloned()
            .collect();
        let right = gone.len() == excess && gone.iter().all(|held| held.login && held.id != by.id);
        self.check(right, "what gave way to a token", &(excess, &gone))?;
        self.revoked(|held| gone.iter().any(|gone| gone.id == held.id))
            .await?;
        self.check_tokens(&there)
    }

    pub(super) async fn list_tokens(&self, held: &Held) -> Judged<()> {
        let right = self.right(held, Need::LOGIN);
        let service = self.world.pick(Kind::Auth);
        let list = async |session: Session| session.tokens().list_all().await;
        match self.ask("tokens", service, held, right, list).await?.done() {
            Some(there) => self.check_tokens(&there),
            None => Ok(()),
        }
    }

    pub(super) fn check_tokens(&self, there: &[TokenInfo]) -> Judged<()> {
        let is_right = |token: &TokenInfo| {
            self.tokens.iter().any(|held| {
                held.id == token.id
                    && held.name == token.name
                    && held.kind() == token.kind
                    && held.scopes.iter().eq(&token.scopes)
            })
        };
        let right = there.len() == self.tokens.len() && there.iter().all(is_right);
        self.check(right, "tokens", &(there, &self.tokens))
    }

    pub(super) async fn rename_token(&mut self) -> Judged<()> {
        let (held, target, name) = (self.any_token(), self.any_token(), secret());
        let right = self.right_about(&held, &target);
        let rename = async |_: &_, session: Session| session.tokens().rename(target.id, name.as_str()).await;
        let rights = (right, right);
        let (answer, _) = self
            .insist("token renamed", Kind::Auth, &held, rights, rename)
            .await?;
        if let Some(token) = answer.done() {
            self.check(
                token.id == target.id && token.name == name,
                "the token renamed",
                &token,
            )?;
            let renamed = self.tokens.iter_mut().filter(|held| held.id == target.id);
            renamed.for_each(|held| held.name.clone_from(&name));
        }
        Ok(())
    }

    /// What is right where `held` does something to the user's token `target`.
    fn right_about(&self, held: &Held, target: &Held) -> Right {
        match self.right(held, Need::LOGIN) {
            right if right.is_done() && self.may(target).is_none() => {
                Right::refused(&[ProblemKind::NotFound])
            }
            right => right,
        }
    }

    pub(super) async fn revoke_token(&mut self) -> Judged<()> {
        let (held, target) = (self.any_token(), self.any_token());
        let first = self.right_about(&held, &target);
        let again = match first.is_done() {
            true if held.id == target.id => Right::INVALID_TOKEN_OR_DONE,
            true => Right::done_or(&[ProblemKind::NotFound]),
            false => first,
        };
        let rights = (first, again);
        let revoke = async |_: &_, session: Session| session.tokens().revoke(target.id).await;
        self.insist("token revoked", Kind::Auth, &held, rights, revoke)
            .await?;
        if first.is_done() {
            self.revoked(|held| held.id == target.id).await?;
        }
        Ok(())
    }

    /// By its text (RFC 7009): one of the user's, or somebody else's, which takes a scope.
    pub(super) async fn revoke_text(&mut self) -> Judged<()> {
        let (held, target, number) = (self.any_token(), self.any_token(), self.any());
        let another = self.world.tokens.not_of(self.id, number);
        let may = self.may(&held);
        let keeps_others = may.as_ref().is_some_and(|may| !may.contains("tokens:revoke"));
        // A short run is to have this, too.
        let drawn = self.rng.random_bool(0.3) || !self.world.book.has("revoke another's");
        if let Some(another) = another
            && keeps_others
            && drawn
        {
            // It may be gone by now: that is as good as revoked.
            let right = Right::done_or(&[ProblemKind::InsufficientScope]);
            let service = self.world.pick(Kind::Auth);
            let revoke = async |session: Session| session.revoke_token(another.as_str()).await;
            let answer = self.ask("revoke another's", service, &held, right, revoke);
            return answer.await.map(drop);
        }
        let first = self.right(&held, Need::TOKEN);
        let again = match first.is_done() && held.id == target.id {
            true => Right::INVALID_TOKEN_OR_DONE,
            false => first,
        };
        let rights = (first, again);
        let revoke = async |_: &_, session: Session| session.revoke_token(&*target.text).await;
        self.insist("revoke", Kind::Auth, &held, rights, revoke).await?;
        if first.is_done() {
            self.revoked(|held| held.id == target.id).await?;
        }
        Ok(())
    }

    /// One of the user's tokens.
    pub(super) fn any_id(&mut self) -> Option<Uuid> {
        let number = self.any();
        self.tokens
            .get(number % self.tokens.len().max(1))
            .map(|held| held.id)
    }
}
