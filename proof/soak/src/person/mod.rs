//! A user, what is known of the account, and what the user does. One act at a time happens to a person, so that it is
//! always known which answers are right; what is asked within an act may be asked at the same time.

mod account;
mod acts;
mod administered;
mod apps;
mod notes;
mod reads;
mod tokens;

pub(crate) use acts::{live, look_on};

use crate::judge::{Answer, Judged, Right};
use crate::services::{Kind, Service};
use crate::world::World;
use jeton_client::{ClientError, ExposeSecret, IssuedToken, ProblemKind, Session};
use rand::RngExt;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use uuid::Uuid;

/// How many tokens that are gone are remembered, to be tried again.
const GONE: usize = 20;

/// What new users may do.
const DEFAULT_SCOPES: [&str; 2] = ["notes:read", "notes:write"];
/// What some users may do; `admin` is for nobody here.
const SCOPES: [&str; 4] = ["notes:read", "notes:write", "tokens:introspect", "tokens:revoke"];

type Scopes = BTreeSet<String>;

/// A user.
pub(crate) struct Person {
    world: Rc<World>,
    rng: StdRng,
    name: String,
    id: Uuid,
    password: String,
    /// What the user's tokens may do at the most.
    scopes: Scopes,
    disabled: bool,
    /// Those that are valid.
    tokens: Vec<Held>,
    /// Some of those that are not, newest last.
    gone: VecDeque<Held>,
    notes: BTreeMap<Uuid, Text>,
    /// How many sign-ins may have counted as failed since one has succeeded.
    failures: u32,
}

/// A token.
#[derive(Debug, Clone)]
struct Held {
    id: Uuid,
    text: Rc<str>,
    name: String,
    /// From signing in: may manage the account.
    login: bool,
    scopes: Scopes,
}

/// What a note says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Text {
    title: String,
    body: String,
}

/// What a request takes.
#[derive(Debug, Clone, Copy)]
struct Need {
    scope: Option<&'static str>,
    login: bool,
}

impl Need {
    const TOKEN: Self = Self {
        scope: None,
        login: false,
    };
    const LOGIN: Self = Self {
        scope: None,
        login: true,
    };

    const fn scope(scope: &'static str) -> Self {
        Self {
            scope: Some(scope),
            login: false,
        }
    }
}

impl Person {
    /// One request with a token.
    async fn ask<T>(
        &self,
        request: &'static str,
        service: &Service,
        held: &Held,
        right: Right,
        call: impl AsyncFnOnce(Session) -> Result<T, ClientError>,
    ) -> Judged<Answer<T>> {
        self.world
            .ask_with(request, service, &held.text, right, call)
            .await
    }

    /// The same until there is an answer: [`World::insist`].
    async fn insist<T>(
        &self,
        request: &'static str,
        kind: Kind,
        held: &Held,
        rights: (Right, Right),
        call: impl AsyncFn(&Service, Session) -> Result<T, ClientError>,
    ) -> Judged<(Answer<T>, bool)> {
        self.world.insist(request, kind, &held.text, rights, call).await
    }

    /// Any number, to choose something by.
    fn any(&mut self) -> usize {
        self.rng.random_range(0..1_000_000)
    }

    /// A token: mostly a valid one.
    fn any_token(&mut self) -> Held {
        let (number, valid) = (self.any(), self.rng.random_bool(0.85));
        let gone = self.gone.get(number % self.gone.len().max(1));
        let held = self.tokens.get(number % self.tokens.len().max(1));
        let held = if valid { held.or(gone) } else { gone.or(held) };
        // Nobody acts without a token.
        held.cloned().unwrap_or_else(Held::none)
    }

    /// A valid one from signing in.
    fn login_token(&mut self) -> Held {
        let number = self.any();
        let login: Vec<_> = self.tokens.iter().filter(|held| held.login).collect();
        let held = login.get(number % login.len().max(1));
        held.map_or_else(Held::none, |held| (*held).clone())
    }

    /// What the token may do; `None` where it is none.
    fn may(&self, held: &Held) -> Option<Scopes> {
        let valid = !self.disabled && self.tokens.iter().any(|other| other.id == held.id);
        valid.then(|| held.scopes.intersection(&self.scopes).cloned().collect())
    }

    /// Which answer is right to a request that takes this.
    fn right(&self, held: &Held, need: Need) -> Right {
        match (self.may(held), need.scope) {
            (None, _) => Right::INVALID_TOKEN,
            (Some(may), Some(scope)) if !may.contains(scope) => {
                Right::refused(&[ProblemKind::InsufficientScope])
            }
            _ if need.login && !held.login => Right::refused(&[ProblemKind::LoginTokenRequired]),
            _ => Right::DONE,
        }
    }

    /// A token that was just issued.
    fn hold(&mut self, issued: &IssuedToken) -> Held {
        let text = issued.token.expose_secret();
        let held = Held {
            id: issued.token_id,
            text: text.into(),
            name: issued.name.clone(),
            login: issued.kind == "login",
            scopes: issued.scopes.iter().cloned().collect(),
        };
        self.world.tokens.remember(self.id, text.to_owned());
        self.tokens.push(held.clone());
        held
    }

    /// These are revoked, and that was acknowledged: all services are asked, and none accepts one any more.
    async fn revoked(&mut self, is_revoked: impl Fn(&Held) -> bool) -> Judged<()> {
        let revoked: Vec<_> = self.tokens.extract_if(.., |held| is_revoked(held)).collect();
        for held in &revoked {
            self.gone.push_back(held.clone());
            if self.gone.len() > GONE {
                self.gone.pop_front();
            }
        }
        for held in &revoked {
            self.ask_everywhere(held).await?;
        }
        Ok(())
    }

    fn some_scopes(&mut self) -> Scopes {
        let some = SCOPES.iter().filter(|_| self.rng.random_bool(0.6));
        some.map(|&scope| scope.to_owned()).collect()
    }

    /// One answer was of another shape than it should be.
    fn check(&self, is_right: bool, what: &str, answer: &impl std::fmt::Debug) -> Judged<()> {
        self.world
            .check(is_right, || format!("{what}: {answer:?}, of {}", self.name))
    }
}

impl Held {
    fn none() -> Self {
        Self {
            id: Uuid::nil(),
            text: "none".into(),
            name: String::new(),
            login: false,
            scopes: Scopes::new(),
        }
    }
}
