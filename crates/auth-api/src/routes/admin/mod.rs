//! What is served under `/v1/admin`, to whoever has a token with the scope `admin`, of either kind: a program that
//! administers users has one that was made for it.

mod audit_events;
mod client;
mod clients;
mod delegable_scopes;
mod disabled;
mod networks;
mod password;
mod scopes;
mod token;
mod tokens;
mod unblock;
mod user;
mod users;
mod verifiers;

use crate::endpoint::Endpoint;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = Vec::new();
    endpoints.extend(users::endpoints());
    endpoints.extend(user::endpoints());
    endpoints.push(scopes::endpoint());
    endpoints.push(password::endpoint());
    endpoints.extend(disabled::endpoints());
    endpoints.push(unblock::endpoint());
    endpoints.extend(tokens::endpoints());
    endpoints.push(token::endpoint());
    endpoints.extend(clients::endpoints());
    endpoints.extend(client::endpoints());
    endpoints.extend(delegable_scopes::endpoints());
    endpoints.extend(networks::endpoints());
    endpoints.push(audit_events::endpoint());
    endpoints.push(verifiers::endpoint());
    endpoints
}
