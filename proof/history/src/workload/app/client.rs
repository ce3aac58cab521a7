//! What operators do to a client.

use super::{App, REDIRECT_URI, SCOPES, User, numbers};
use crate::wire::TokenNumber;
use crate::workload::requests::Answer;
use crate::workload::{By, Person, conclude, random_word};
use crate::world::World;
use jeton_client::{CreateClientRequest, CreateUserRequest, ExposeSecret, Session};
use std::time::Duration;

/// How many users it has.
const USERS: usize = 2;

#[derive(Debug, Clone, Copy)]
enum Order {
    Disable,
    Enable,
    SetScopes(&'static [&'static str]),
    Delete,
}

impl Order {
    /// What it is called in reports.
    fn act(self, by: By) -> &'static str {
        match (by, self) {
            (By::Operator, Self::Disable | Self::Enable) => "client disable",
            (By::Operator, Self::SetScopes(_)) => "client set-scopes",
            (By::Operator, Self::Delete) => "client delete",
            (By::Admin, Self::Disable | Self::Enable) => "admin: disable client",
            (By::Admin, Self::SetScopes(_)) => "admin: set client's scopes",
            (By::Admin, Self::Delete) => "admin: DELETE client",
        }
    }
}

impl App {
    /// Registers another one, with users of its own. `None`: the run has given up, or nobody may register one yet.
    pub(super) async fn register(world: &World, confidential: bool) -> Option<Self> {
        let admin = world.admin.get()?;
        let account = match confidential {
            true => Some(account(world).await?),
            false => None,
        };
        let service_account = account.as_ref().map(|(id, _)| *id);
        let create = |session: Session| async move {
            let grants = ["authorization_code", "refresh_token", "client_credentials"];
            let grants = if confidential { &grants[..] } else { &grants[..2] };
            let request = CreateClientRequest {
                // Another one each time: after an answer that says nothing the name may be taken.
                name: random_word(),
                redirect_uris: vec![REDIRECT_URI.to_owned()],
                scopes: SCOPES.map(str::to_owned).to_vec(),
                confidential,
                grant_types: Some(grants.iter().map(|&grant| grant.to_owned()).collect()),
                service_account,
                first_party: false,
            };
            session.admin().clients().create(&request).await
        };
        let (answer, _) = world.insist_with(admin, create).await;
        let Answer::Done(created) = answer else {
            return None;
        };
        let mut app = Self {
            id: created.client.client_id,
            secret: created.client_secret.map(|secret| secret.expose_secret().into()),
            account: account.map(|(_, name)| name),
            users: Vec::new(),
            own: Vec::new(),
        };
        while app.users.len() < USERS {
            let person = Person::sign_up(world).await?;
            app.users.push(User { person, grant: None });
        }
        Some(app)
    }

    pub(super) fn is_confidential(&self) -> bool {
        self.secret.is_some()
    }

    /// Is disabled and, after a while, enabled again: what it had before does not come back.
    pub(super) async fn be_disabled(&mut self, world: &World, by: By, time: Duration) {
        self.lose_all(world, by, Order::Disable).await;
        world.rest(time).await;
        self.order(world, by, Order::Enable).await;
    }

    /// May ask for less and, after a while, for as much as before: the same.
    pub(super) async fn be_narrowed(&mut self, world: &World, by: By, time: Duration) {
        self.lose_all(world, by, Order::SetScopes(&SCOPES[..1])).await;
        world.rest(time).await;
        self.order(world, by, Order::SetScopes(&SCOPES)).await;
    }

    /// Is deleted, and then so are those who have used it.
    pub(super) async fn be_deleted(mut self, world: &World, by: By) {
        self.lose_all(world, by, Order::Delete).await;
        for user in self.users {
            user.person.be_deleted(world, by).await;
        }
        if let Some(account) = &self.account {
            world.operate(&["user", "delete", account, "--yes"], "").await;
        }
    }

    /// Every token that it has is revoked.
    async fn lose_all(&mut self, world: &World, by: By, order: Order) {
        let tokens: Vec<TokenNumber> = self
            .users
            .iter_mut()
            .map(|user| std::mem::take(&mut user.person.given))
            .chain([std::mem::take(&mut self.own)])
            .flat_map(|given| numbers(&given))
            .collect();
        let asked = world.ask(order.act(by), &tokens);
        let (answer, tried) = self.order(world, by, order).await;
        conclude(world, &asked, &answer, &tried);
    }

    /// Has it done, however often it takes; also says at which auth services.
    async fn order(&self, world: &World, by: By, order: Order) -> (Answer, Vec<String>) {
        match (by, world.admin.get()) {
            (By::Admin, Some(admin)) => {
                let id = self.id;
                let call = |session: Session| async move {
                    let admin = session.admin();
                    let clients = admin.clients();
                    match order {
                        Order::Disable => clients.disable(id).await.map(drop),
                        Order::Enable => clients.enable(id).await.map(drop),
                        Order::SetScopes(scopes) => clients.set_scopes(id, scopes).await.map(drop),
                        Order::Delete => clients.delete(id).await,
                    }
                };
                world.insist_with(admin, call).await
            }
            _ => {
                let id = self.id.to_string();
                let arguments = match order {
                    Order::Disable => vec!["client", "disable", &id],
                    Order::Enable => vec!["client", "enable", &id],
                    Order::SetScopes(scopes) => [&["client", "set-scopes", &id][..], scopes].concat(),
                    Order::Delete => vec!["client", "delete", &id, "--yes"],
                };
                (world.operate(&arguments, "").await, Vec::new())
            }
        }
    }
}

/// The id and the name of a new account for a program.
async fn account(world: &World) -> Option<(uuid::Uuid, String)> {
    let create = |session: Session| async move {
        let request = CreateUserRequest {
            username: random_word(),
            password: None,
            email: None,
            service: true,
            scopes: Some(SCOPES.map(str::to_owned).to_vec()),
        };
        session.admin().create_user(&request).await
    };
    match world.insist_with(world.admin.get()?, create).await.0 {
        Answer::Done(user) => Some((user.id, user.username)),
        _ => None,
    }
}
