//! What changes nothing, several at the same time.

use super::{Held, Need, Person};
use crate::judge::{Judged, Right};
use crate::services::{Kind, Service};
use futures_util::future::try_join_all;
use jeton_client::{Introspection, ProblemKind, Session, UserQuery};
use rand::RngExt;
use serde::Deserialize;
use uuid::Uuid;

/// How many at the same time.
const AT_ONCE: usize = 6;

#[derive(Debug, Clone, Copy)]
enum Look {
    WhoAmI,
    Me,
    Verify,
    Notes,
    Note,
    NoteOfAnother,
    Tokens,
    Introspect,
    Administer,
}

const LOOKS: [Look; 12] = [
    Look::WhoAmI,
    Look::WhoAmI,
    Look::WhoAmI,
    Look::Me,
    Look::Verify,
    Look::Notes,
    Look::Notes,
    Look::Note,
    Look::NoteOfAnother,
    Look::Tokens,
    Look::Introspect,
    Look::Administer,
];

/// The answer of `GET /whoami`.
#[derive(Debug, Deserialize)]
struct WhoAmI {
    user: Who,
    token_id: Uuid,
    kind: String,
    scopes: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Who {
    id: Uuid,
    username: String,
}

impl Person {
    pub(super) async fn look_around(&mut self) -> Judged<()> {
        let looks: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let look = LOOKS[self.any() % LOOKS.len()];
                (look, self.any_token(), self.any_token(), self.any())
            })
            .collect();
        let looks = looks
            .iter()
            .map(|(look, held, other, number)| self.look(*look, held, other, *number));
        try_join_all(looks).await.map(drop)
    }

    async fn look(&self, look: Look, held: &Held, other: &Held, number: usize) -> Judged<()> {
        let (auth, resource) = (self.world.pick(Kind::Auth), self.world.pick(Kind::Resource));
        let token = self.right(held, Need::TOKEN);
        match look {
            Look::WhoAmI => self.who_am_i_at(resource, held, token).await,
            Look::Me => self.me_at(auth, held, token).await,
            Look::Verify => self.verify(auth, held, number).await,
            Look::Notes => self.list_notes(held).await.map(drop),
            Look::Note => self.read_note(held, number).await,
            Look::NoteOfAnother => self.read_note_of_another(held, number).await,
            Look::Tokens => self.list_tokens(held).await.map(drop),
            Look::Introspect => self.introspect(auth, held, other).await,
            Look::Administer => {
                let right = self.right(held, Need::scope("admin"));
                let query = UserQuery::default();
                let list = async |session: Session| session.admin().users(&query, Some(1), None).await;
                self.ask("users", auth, held, right, list).await.map(drop)
            }
        }
    }

    /// At every service.
    pub(super) async fn ask_everywhere(&self, held: &Held) -> Judged<()> {
        let right = self.right(held, Need::TOKEN);
        let all = self.world.services.iter();
        try_join_all(all.map(|service| self.see(service, held, right)))
            .await
            .map(drop)
    }

    pub(super) async fn who_am_i_at(&self, service: &Service, held: &Held, right: Right) -> Judged<()> {
        let url = service.url("/whoami");
        let ask = async |session: Session| session.get(url).send_json::<WhoAmI>().await;
        let Some(answer) = self.ask("whoami", service, held, right, ask).await?.done() else {
            return Ok(());
        };
        let right = answer.user.id == self.id
            && answer.user.username == self.name
            && answer.token_id == held.id
            && answer.kind == held.kind()
            && answer.scopes == self.scopes_of(held);
        self.check(right, "whoami", &answer)
    }

    pub(super) async fn me_at(&self, service: &Service, held: &Held, right: Right) -> Judged<()> {
        let ask = async |session: Session| session.me().await;
        let Some(answer) = self.ask("me", service, held, right, ask).await?.done() else {
            return Ok(());
        };
        let right = answer.user.id == self.id
            && answer.user.scopes.iter().eq(&self.scopes)
            && answer.token.id == held.id
            && answer.token.kind == held.kind()
            && answer.token.scopes.iter().eq(&held.scopes);
        self.check(right, "me", &answer)
    }

    async fn verify(&self, service: &Service, held: &Held, number: usize) -> Judged<()> {
        let scope = super::SCOPES[number % super::SCOPES.len()];
        let right = self.right(held, Need::scope(scope));
        let ask = async |session: Session| session.verify(&[scope]).await;
        let Some(answer) = self.ask("verify", service, held, right, ask).await?.done() else {
            return Ok(());
        };
        let right = answer.user_id == self.id
            && answer.username == self.name
            && answer.token_id == held.id
            && answer.scopes == self.scopes_of(held);
        self.check(right, "verify", &answer)
    }

    async fn introspect(&self, service: &Service, held: &Held, other: &Held) -> Judged<()> {
        let right = self.right(held, Need::scope("tokens:introspect"));
        let ask = async |session: Session| session.introspect(&*other.text).await;
        let Some(answer) = self.ask("introspect", service, held, right, ask).await?.done() else {
            return Ok(());
        };
        let right = match self.may(other) {
            None => answer == Introspection::inactive(),
            Some(_) => {
                answer.active
                    && answer.sub == Some(self.id)
                    && answer.scope == Some(self.scopes_of(other).join(" "))
            }
        };
        self.check(right, "introspection", &answer)
    }

    /// A note that is somebody else's is not there.
    async fn read_note_of_another(&self, held: &Held, number: usize) -> Judged<()> {
        let Some(note) = self.world.notes.not_of(self.id, number) else {
            return Ok(());
        };
        let right = match self.right(held, Need::scope("notes:read")) {
            right if right.is_done() => Right::refused(&[ProblemKind::NotFound]),
            right => right,
        };
        let service = self.world.pick(Kind::Resource);
        let url = service.url(&format!("/notes/{note}"));
        let ask = async |session: Session| session.get(url).send().await.map(drop);
        let answer = self.ask("note of another", service, held, right, ask);
        answer.await.map(drop)
    }

    /// What it may do, as services tell it.
    fn scopes_of(&self, held: &Held) -> Vec<String> {
        self.may(held).unwrap_or_default().into_iter().collect()
    }

    /// A few of the user's own, by somebody who may.
    pub(super) async fn be_looked_at(&mut self) -> Judged<()> {
        let query = UserQuery {
            prefix: Some(self.name.clone()),
            ..UserQuery::default()
        };
        let rights = (Right::DONE, Right::DONE);
        let list = async |_: &_, session: Session| session.admin().users(&query, None, None).await;
        let (found, _) = self.world.administer("users", rights, list).await?;
        if let Some(found) = found.done() {
            let names: Vec<_> = found.users.iter().map(|user| (user.id, &user.scopes)).collect();
            let right = match &names[..] {
                [(id, scopes)] => *id == self.id && scopes.iter().eq(&self.scopes),
                _ => false,
            };
            self.check(right, "users of that name", &names)?;
        }
        // A short run is to have both.
        let asked = |request| self.world.book.has(request);
        let drawn = match (asked("audit-events"), asked("user's tokens")) {
            (false, _) => true,
            (true, false) => false,
            (true, true) => self.rng.random_bool(0.5),
        };
        if drawn {
            return self.be_read_about().await;
        }
        let list = async |_: &_, session: Session| session.admin().tokens(self.id, None, None).await;
        let (found, _) = self.world.administer("user's tokens", rights, list).await?;
        match found.done() {
            Some(found) => self.check_tokens(&found.tokens),
            None => Ok(()),
        }
    }
}

impl Held {
    pub(super) fn kind(&self) -> &'static str {
        if self.login { "login" } else { "personal" }
    }
}
