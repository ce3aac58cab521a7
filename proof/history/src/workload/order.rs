//! What is done to a person in somebody else's name: on the command line, or over HTTP.

use super::requests::Answer;
use super::{Held, Person};
use crate::wire::WRITE;
use crate::world::World;
use jeton_client::{Session, SetDelegableScopeRequest};
use uuid::Uuid;

/// Who is told to do it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    Operator,
    Admin,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Order<'a> {
    Disable,
    Enable,
    SetScopes(&'a [&'a str]),
    RevokeToken(Uuid),
    RevokeTokens,
    SetPassword(&'a str),
    Delete,
}

impl Order<'_> {
    /// What it is called in reports.
    pub(super) fn act(self, by: By) -> &'static str {
        match (by, self) {
            (By::Operator, Self::Disable | Self::Enable) => "disable",
            (By::Operator, Self::SetScopes(_)) => "set-scopes",
            (By::Operator, Self::RevokeToken(_)) => "token revoke",
            (By::Operator, Self::RevokeTokens) => "token revoke --all-of",
            (By::Operator, Self::SetPassword(_)) => "set-password",
            (By::Operator, Self::Delete) => "user delete",
            (By::Admin, Self::Disable | Self::Enable) => "admin: disable",
            (By::Admin, Self::SetScopes(_)) => "admin: set scopes",
            (By::Admin, Self::RevokeToken(_)) => "admin: DELETE token",
            (By::Admin, Self::RevokeTokens) => "admin: DELETE tokens",
            (By::Admin, Self::SetPassword(_)) => "admin: set password",
            (By::Admin, Self::Delete) => "admin: DELETE user",
        }
    }
}

impl World {
    /// Has it done to somebody, however often it takes; also says at which auth services.
    pub(super) async fn order(&self, by: By, person: &Person, order: Order<'_>) -> (Answer, Vec<String>) {
        match by {
            By::Operator => (self.operate_on(&person.username, order).await, Vec::new()),
            By::Admin => self.administer(person.id, order).await,
        }
    }

    async fn operate_on(&self, name: &str, order: Order<'_>) -> Answer {
        let id;
        let (arguments, input): (Vec<&str>, &str) = match order {
            Order::Disable => (vec!["user", "disable", name], ""),
            Order::Enable => (vec!["user", "enable", name], ""),
            Order::SetScopes(scopes) => ([&["user", "set-scopes", name], scopes].concat(), ""),
            Order::RevokeToken(token) => {
                id = token.to_string();
                (vec!["token", "revoke", &id], "")
            }
            Order::RevokeTokens => (vec!["token", "revoke", "--all-of", name], ""),
            Order::SetPassword(password) => {
                (vec!["user", "set-password", name, "--bcrypt-cost", "4"], password)
            }
            Order::Delete => (vec!["user", "delete", name, "--yes"], ""),
        };
        self.operate(&arguments, input).await
    }

    async fn administer(&self, user: Uuid, order: Order<'_>) -> (Answer, Vec<String>) {
        // Not before there is an admin.
        let Some(held) = self.admin.get() else {
            return (Answer::Unsure, Vec::new());
        };
        let call = |session: Session| async move {
            let admin = session.admin();
            match order {
                Order::Disable => admin.disable(user).await.map(drop),
                Order::Enable => admin.enable(user).await.map(drop),
                Order::SetScopes(scopes) => admin.set_scopes(user, scopes).await.map(drop),
                Order::RevokeToken(id) => admin.revoke_token(user, id).await,
                Order::RevokeTokens => admin.revoke_tokens(user).await.map(drop),
                Order::SetPassword(password) => admin.set_password(user, password, false).await,
                Order::Delete => admin.delete_user(user).await,
            }
        };
        self.insist_with(held, call).await
    }

    /// Makes somebody an admin, whose token is checked as everybody's, and never revoked.
    pub(crate) async fn appoint_admin(&self) {
        let Some(mut person) = Person::sign_up(self).await else {
            return;
        };
        let scopes = ["admin", "tokens:revoke", "notes:read", WRITE];
        self.operate_on(&person.username, Order::SetScopes(&scopes)).await;
        if let Some(held) = person.sign_in(self, None).await {
            self.allow_delegation(&held).await;
            let _ = self.admin.set(held);
        }
    }

    /// Lets users give to clients what they have.
    async fn allow_delegation(&self, admin: &Held) {
        for name in ["notes:read", WRITE] {
            let scope = SetDelegableScopeRequest {
                name: name.to_owned(),
                title: name.to_owned(),
                description: String::new(),
                resource: None,
            };
            let scope = &scope;
            let set = |session: Session| async move {
                let admin = session.admin();
                admin.clients().set_delegable_scope(scope).await.map(drop)
            };
            self.insist_with(admin, set).await;
        }
    }
}
