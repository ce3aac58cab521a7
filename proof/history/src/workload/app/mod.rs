//! A program of somebody else's, and the users who let it act for them.

mod acts;
mod client;

pub(crate) use acts::act;

use super::requests::Answer;
use super::{Held, Person, conclude};
use crate::ledger::Violation;
use crate::wire::WRITE;
use crate::world::{Auth, World};
use jeton_client::{App as Sdk, ClientError, ExposeSecret, SecretText, Session};
use jeton_domain::PlainToken;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

const SCOPES: [&str; 2] = ["notes:read", WRITE];
const REDIRECT_URI: &str = "https://app.example/callback";

/// A client. One thing at a time happens to it and to its users, so that it is always known what was asked and answered.
pub(crate) struct App {
    id: Uuid,
    /// `None`: a public one, whose refresh tokens are replaced.
    secret: Option<Arc<str>>,
    /// The name of the account that it acts for itself as.
    account: Option<String>,
    users: Vec<User>,
    /// The tokens that it has for itself.
    own: Vec<Held>,
}

/// Somebody who uses it.
struct User {
    person: Person,
    grant: Option<Grant>,
}

/// What a user has let it do.
struct Grant {
    id: Uuid,
    refresh: Arc<str>,
}

/// What a client is given.
struct Given {
    access: SecretText,
    refresh: Option<SecretText>,
}

impl Given {
    async fn of(session: &Session) -> Self {
        Self {
            access: session.token(),
            refresh: session.refresh_token().await,
        }
    }
}

impl App {
    /// As the SDK knows it.
    fn at(&self, auth: &Auth) -> Sdk {
        let secret = self.secret.as_deref().map(SecretText::from);
        auth.client.app(self.id.to_string(), secret)
    }

    /// Has a user allow all that it may ask for, by the shortest way through HTTP.
    async fn be_authorized(&mut self, world: &World, user: usize) {
        let Some(manager) = self.users[user].person.manager(world).await else {
            return;
        };
        let (this, held) = (&*self, &manager);
        let (answer, _) = world
            .insist(|auth| async move {
                let ask = |session| this.authorize(&auth, session);
                world.with_token(&auth, held, ask).await
            })
            .await;
        if let Answer::Done((id, given)) = answer {
            let user = &mut self.users[user];
            user.person.hold_given(world, given.access.expose_secret());
            user.grant = given.refresh.map(|refresh| Grant {
                id,
                refresh: refresh.expose_secret().into(),
            });
        }
    }

    async fn authorize(&self, auth: &Auth, session: Session) -> Result<(Uuid, Given), ClientError> {
        let base = &auth.base_url;
        let asking = self.at(auth).authorization(REDIRECT_URI, &SCOPES).await?;
        let parameters: BTreeMap<String, String> = query(asking.url()).into_iter().collect();
        let begun: Value = session
            .post(format!("{base}/v1/authorizations"))
            .json(&parameters)
            .send_json()
            .await?;
        let id = begun["id"].as_str().unwrap_or_default();
        let approved: Value = session
            .post(format!("{base}/v1/authorizations/{id}/approve"))
            .json(&json!({}))
            .send_json()
            .await?;
        let redirect = approved["redirect_to"].as_str().unwrap_or_default();
        let (_, answer) = redirect.split_once('?').unwrap_or_default();
        let given = Given::of(&asking.finish(answer).await?).await;
        let listed: Value = session.get(format!("{base}/v1/grants")).send_json().await?;
        Ok((grant_of(&listed, self.id), given))
    }

    /// Gets another token for a refresh token, which has to work: nobody has taken anything back.
    async fn refresh(&mut self, world: &World, user: usize) {
        let Some(grant) = &self.users[user].grant else {
            return;
        };
        let (this, refresh) = (&*self, &*grant.refresh);
        let (answer, tried) = world
            .insist(|auth| async move {
                let refreshed = async {
                    // A token that is none: so the SDK gets one that is.
                    let none = PlainToken::generate(&mut rand::rng());
                    let session = this
                        .at(&auth)
                        .session(none.expose_secret(), SecretText::from(refresh))?;
                    session.verify(&[]).await?;
                    Ok(Given::of(&session).await)
                };
                Answer::of(refreshed.await)
            })
            .await;
        match answer {
            Answer::Done(given) => {
                let user = &mut self.users[user];
                user.person.hold_given(world, given.access.expose_secret());
                if let (Some(grant), Some(refresh)) = (&mut user.grant, given.refresh) {
                    grant.refresh = refresh.expose_secret().into();
                }
            }
            Answer::Unsure => {}
            Answer::Gone | Answer::WrongPassword => {
                let violation = Violation::refresh_refused(&tried.join(", "), self.id, grant.id);
                world.records.ledger().add(violation);
                self.users[user].grant = None;
            }
        }
    }

    /// Gets a token for itself.
    async fn act_for_itself(&mut self, world: &World) {
        let this = &*self;
        let (answer, _) = world
            .insist(|auth| async move {
                let given = async {
                    let session = this.at(&auth).client_credentials(&SCOPES).await?;
                    Ok(Given::of(&session).await)
                };
                Answer::of(given.await)
            })
            .await;
        if let Answer::Done(given) = answer {
            self.own.push(Held::given(world, given.access.expose_secret()));
        }
    }

    /// A user takes back what it was allowed to do.
    async fn be_taken_back(&mut self, world: &World, user: usize) {
        let Some(manager) = self.users[user].person.manager(world).await else {
            return;
        };
        let User { person, grant } = &mut self.users[user];
        let Some(grant) = grant.take() else { return };
        let given = std::mem::take(&mut person.given);
        let asked = world.ask("DELETE grant", &numbers(&given));
        let (id, held) = (grant.id, &manager);
        let (answer, tried) = world
            .insist(|auth| async move {
                let url = format!("{}/v1/grants/{id}", auth.base_url);
                let call = |session: Session| async move { session.delete(url).send().await.map(drop) };
                world.with_token(&auth, held, call).await
            })
            .await;
        conclude(world, &asked, &answer, &tried);
        for held in &given {
            world.ask_guards(held).await;
        }
    }

    /// A user logs out everywhere, or changes the password: no app keeps anything of that user's.
    async fn lose_user(&mut self, world: &World, user: usize, by_password: bool) {
        let User { person, grant } = &mut self.users[user];
        let Some(manager) = person.manager(world).await else {
            return;
        };
        *grant = None;
        if by_password {
            person.change_password(world, &manager).await;
        } else {
            person.log_out_everywhere(world, &manager).await;
        }
    }

    /// It gives back what it has of a user: the refresh token, and what came by it. The consent stays.
    async fn give_back(&mut self, world: &World, user: usize) {
        let User { person, grant } = &mut self.users[user];
        let Some(grant) = grant.take() else { return };
        let given = std::mem::take(&mut person.given);
        let asked = world.ask("client: POST revoke", &numbers(&given));
        let (this, refresh) = (&*self, &*grant.refresh);
        let (answer, tried) = world
            .insist(|auth| async move {
                let given_back = async {
                    let none = PlainToken::generate(&mut rand::rng());
                    let session = this
                        .at(&auth)
                        .session(none.expose_secret(), SecretText::from(refresh))?;
                    session.logout().await
                };
                Answer::of(given_back.await)
            })
            .await;
        conclude(world, &asked, &answer, &tried);
    }
}

impl Held {
    /// A token that a client was given: nobody is told what it is called.
    fn given(world: &World, text: &str) -> Self {
        let held = Self {
            number: world.new_number(),
            id: Uuid::nil(),
            text: text.into(),
            login: false,
        };
        held.begin(world, None);
        held
    }
}

impl Person {
    /// Who manages the account: a token from signing in.
    async fn manager(&mut self, world: &World) -> Option<Held> {
        match self.tokens.iter().find(|held| held.login) {
            Some(held) => Some(held.clone()),
            None => self.sign_in(world, None).await,
        }
    }

    fn hold_given(&mut self, world: &World, text: &str) {
        self.given.push(Held::given(world, text));
    }
}

fn numbers(tokens: &[Held]) -> Vec<crate::wire::TokenNumber> {
    tokens.iter().map(|held| held.number).collect()
}

fn query(url: &str) -> Vec<(String, String)> {
    Url::parse(url).map_or_else(|_| Vec::new(), |url| url.query_pairs().into_owned().collect())
}

/// The id of the grant to this client, of those that a user sees.
fn grant_of(listed: &Value, client: Uuid) -> Uuid {
    let grants = listed["grants"].as_array().into_iter().flatten();
    let client = client.to_string();
    let mut grants = grants;
    let its = grants.find(|grant| grant["client"]["id"] == client.as_str());
    its.and_then(|grant| grant["id"].as_str()?.parse().ok())
        .unwrap_or_default()
}
