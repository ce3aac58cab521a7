use super::order::{By, Order};
use super::requests::Answer;
use crate::clock::Stamp;
use crate::wire::{Right, TokenNumber, WRITE};
use crate::world::{Asked, Auth, World};
use jeton_client::{CreateTokenRequest, ExposeSecret, IssuedToken, LoginRequest, Session, SignUpRequest};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A user with tokens. One thing at a time happens to a person, so that it is always known what was asked and answered.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) username: String,
    pub(crate) id: Uuid,
    password: String,
    pub(crate) tokens: Vec<Held>,
    /// Those that a client has.
    pub(crate) given: Vec<Held>,
}

/// A token that somebody holds.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) number: TokenNumber,
    pub(crate) id: Uuid,
    pub(crate) text: Arc<str>,
    /// From signing in: may manage the account.
    pub(crate) login: bool,
}

impl Held {
    /// Somebody has got it: all verifiers but `except` check it from now on.
    pub(super) fn begin(&self, world: &World, except: Option<&str>) {
        world.records.ledger().issued(self.number, Stamp::now());
        world.fleet.check(self.number, &self.text, except);
        world.records.stats().issued += 1;
    }
}

impl Person {
    /// Signs somebody new up. `None`: the run has given up.
    pub(crate) async fn sign_up(world: &World) -> Option<Self> {
        let password = random_word();
        let (answer, _) = world
            .insist(|auth| {
                let request = SignUpRequest {
                    // Another one each time: after an answer that says nothing the name may be taken.
                    username: random_word(),
                    password: password.as_str().into(),
                    email: None,
                };
                async move { Answer::of(auth.client.sign_up(&request).await) }
            })
            .await;
        let Answer::Done(issued) = answer else { return None };
        let mut person = Self {
            username: issued.user.username.clone(),
            id: issued.user.id,
            password,
            tokens: Vec::new(),
            given: Vec::new(),
        };
        person.hold(world, &issued, None);
        Some(person)
    }

    /// Signs in once more. All verifiers but `except` are told of the token.
    pub(crate) async fn sign_in(&mut self, world: &World, except: Option<&str>) -> Option<Held> {
        let (answer, _) = world.insist(|auth| self.log_in(auth)).await;
        match answer {
            Answer::Done(issued) => Some(self.hold(world, &issued, except)),
            _ => None,
        }
    }

    /// One attempt to sign in.
    pub(super) async fn log_in(&self, auth: Arc<Auth>) -> Answer<IssuedToken> {
        let request = LoginRequest {
            username: self.username.clone(),
            password: self.password.as_str().into(),
            name: None,
            scopes: None,
            expires_in: None,
        };
        Answer::of(auth.client.login(&request).await)
    }

    /// Makes a token for a program.
    pub(crate) async fn create_token(&mut self, world: &World, by: &Held) -> Option<Held> {
        let request = &CreateTokenRequest {
            name: "program".to_owned(),
            scopes: vec!["notes:read".to_owned(), WRITE.to_owned()],
            expires_in: None,
        };
        let create = |session: Session| async move { session.tokens().create(request).await };
        let (answer, _) = world.insist_with(by, create).await;
        match answer {
            Answer::Done(issued) => Some(self.hold(world, &issued, None)),
            _ => None,
        }
    }

    pub(super) fn hold(&mut self, world: &World, issued: &IssuedToken, except: Option<&str>) -> Held {
        let text = issued.token.expose_secret();
        let held = Held {
            number: world.new_number(),
            id: issued.token_id,
            text: text.into(),
            login: issued.kind == "login",
        };
        held.begin(world, except);
        self.tokens.push(held.clone());
        held
    }

    /// Logs out, at two services at the same time if `twice`.
    pub(crate) async fn log_out(&mut self, world: &World, held: &Held, twice: bool) {
        self.drop_token(held);
        let act = if twice { "logout, twice at once" } else { "logout" };
        let asked = world.ask(act, &[held.number]);
        let log_out =
            || world.insist(|auth| async move { Way::LogOut.attempt(world, &auth, held, held).await });
        if twice {
            let (one, other) = tokio::join!(log_out(), log_out());
            let tried = [one.1, other.1].concat();
            let answer = if one.0 == Answer::Done(()) { one.0 } else { other.0 };
            conclude(world, &asked, &answer, &tried);
        } else {
            let (answer, tried) = log_out().await;
            conclude(world, &asked, &answer, &tried);
        }
        world.ask_guards(held).await;
    }

    /// Revokes a token by its id.
    pub(crate) async fn revoke(&mut self, world: &World, held: &Held, by: &Held) {
        self.revoke_in(Way::ById, world, held, by).await;
    }

    /// Revokes a token by its text, by means of any token of the same user's, itself included, or of an admin's.
    pub(crate) async fn revoke_text(&mut self, world: &World, held: &Held, by: &Held) {
        self.revoke_in(Way::ByText, world, held, by).await;
    }

    async fn revoke_in(&mut self, way: Way, world: &World, held: &Held, by: &Held) {
        self.drop_token(held);
        let asked = world.ask(way.act(), &[held.number]);
        let (answer, tried) = world
            .insist(|auth| async move { way.attempt(world, &auth, held, by).await })
            .await;
        conclude(world, &asked, &answer, &tried);
        world.ask_guards(held).await;
    }

    /// Logs out everywhere.
    pub(crate) async fn log_out_everywhere(&mut self, world: &World, by: &Held) {
        let asked = world.ask("logout-all", &self.numbers());
        self.keep_only(None);
        let call = |session: Session| async move { session.logout_all().await };
        let (answer, tried) = world.insist_with(by, call).await;
        conclude(world, &asked, &answer, &tried);
    }

    /// Changes the password, which keeps only the token that asks.
    pub(crate) async fn change_password(&mut self, world: &World, by: &Held) {
        self.drop_token(by);
        let asked = world.ask("password change", &self.numbers());
        self.keep_only(Some(by));
        let new = random_word();
        let (current, chosen) = (self.password.as_str(), new.as_str());
        let call = |session: Session| async move { session.change_password(current, chosen).await };
        let (answer, tried) = world.insist_with(by, call).await;
        conclude(world, &asked, &answer, &tried);
        // Wrong by now: an attempt whose answer was lost has come to its end after all.
        if matches!(answer, Answer::Done(()) | Answer::WrongPassword) {
            self.password = new;
        }
    }

    /// Deletes the account.
    pub(crate) async fn delete_account(self, world: &World, by: &Held) {
        let asked = world.ask("DELETE me", &self.numbers());
        let password = self.password.as_str();
        let call = |session: Session| async move { session.delete_account(password).await };
        let (answer, tried) = world.insist_with(by, call).await;
        conclude(world, &asked, &answer, &tried);
    }

    /// Is disabled and, after a while, enabled again.
    pub(crate) async fn be_disabled(&mut self, world: &World, by: By, time: Duration) {
        let tokens = self.numbers();
        let asked = world.ask_for_a_while(Order::Disable.act(by), Right::Use, &tokens);
        let (answer, tried) = world.order(by, self, Order::Disable).await;
        conclude(world, &asked, &answer, &tried);
        world.rest(time).await;
        world.ask_back(Right::Use, &tokens);
        if world.order(by, self, Order::Enable).await.0 == Answer::Done(()) {
            world.back(Right::Use, &tokens);
        }
    }

    /// Loses a scope and, after a while, has it again.
    pub(crate) async fn lose_scope(&mut self, world: &World, by: By, time: Duration) {
        let tokens = self.numbers();
        let (few, all) = (
            Order::SetScopes(&["notes:read"]),
            Order::SetScopes(&["notes:read", WRITE]),
        );
        let asked = world.ask_for_a_while(few.act(by), Right::Write, &tokens);
        let (answer, tried) = world.order(by, self, few).await;
        conclude(world, &asked, &answer, &tried);
        world.rest(time).await;
        world.ask_back(Right::Write, &tokens);
        if world.order(by, self, all).await.0 == Answer::Done(()) {
            world.back(Right::Write, &tokens);
        }
    }

    /// Has a token revoked by somebody else.
    pub(crate) async fn be_revoked(&mut self, world: &World, by: By, held: &Held) {
        self.drop_token(held);
        self.lose(world, by, Order::RevokeToken(held.id), &[held.number])
            .await;
    }

    /// The same of all tokens.
    pub(crate) async fn be_revoked_everywhere(&mut self, world: &World, by: By) {
        let tokens = self.numbers();
        self.keep_only(None);
        self.lose(world, by, Order::RevokeTokens, &tokens).await;
    }

    /// Is given another password, which keeps no token.
    pub(crate) async fn be_given_password(&mut self, world: &World, by: By) {
        let tokens = self.numbers();
        self.keep_only(None);
        let new = random_word();
        self.lose(world, by, Order::SetPassword(&new), &tokens).await;
        self.password = new;
    }

    /// Is deleted.
    pub(crate) async fn be_deleted(self, world: &World, by: By) {
        self.lose(world, by, Order::Delete, &self.numbers()).await;
    }

    async fn lose(&self, world: &World, by: By, order: Order<'_>, tokens: &[TokenNumber]) {
        let asked = world.ask(order.act(by), tokens);
        let (answer, tried) = world.order(by, self, order).await;
        conclude(world, &asked, &answer, &tried);
    }

    pub(crate) fn numbers(&self) -> Vec<TokenNumber> {
        let all = self.tokens.iter().chain(&self.given);
        all.map(|held| held.number).collect()
    }

    fn keep_only(&mut self, kept: Option<&Held>) {
        self.tokens = kept.into_iter().cloned().collect();
        self.given.clear();
    }

    pub(crate) fn drop_token(&mut self, held: &Held) {
        self.tokens.retain(|other| other.number != held.number);
    }
}

/// How one token is revoked by somebody who holds tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    LogOut,
    ById,
    ByText,
}

impl Way {
    /// What it is called in reports.
    pub(crate) fn act(self) -> &'static str {
        match self {
            Self::LogOut => "logout",
            Self::ById => "DELETE token",
            Self::ByText => "POST revoke",
        }
    }

    /// One attempt. Whoever logs out does so by the token itself.
    pub(crate) async fn attempt(self, world: &World, auth: &Auth, held: &Held, by: &Held) -> Answer {
        let base = &auth.base_url;
        match self {
            Self::LogOut => {
                let url = format!("{base}/v1/logout");
                let call = |session: Session| async move { session.post(url).send().await.map(drop) };
                world.with_token(auth, held, call).await
            }
            Self::ById => {
                let url = format!("{base}/v1/tokens/{}", held.id);
                let call = |session: Session| async move { session.delete(url).send().await.map(drop) };
                world.with_token(auth, by, call).await
            }
            Self::ByText => {
                let call = |session: Session| async move { session.revoke_token(&*held.text).await };
                world.with_token(auth, by, call).await
            }
        }
    }
}

/// What is known when a client has stopped asking.
pub(crate) fn conclude<T>(world: &World, asked: &Asked, answer: &Answer<T>, tried: &[String]) {
    match answer {
        Answer::Done(_) => world.acknowledged(asked, tried),
        Answer::Gone => world.found_gone(asked, tried),
        Answer::WrongPassword => world.unconfirmed(asked),
        Answer::Unsure => world.never_acknowledged(asked, tried),
    }
}

/// A name or a password that nobody has had.
pub(crate) fn random_word() -> String {
    format!("w{:016x}", rand::random::<u64>())
}
