//! What is served under `/v1/admin`, to whoever has a token with the scope `admin`, of either kind: a program that
//! administers users has one that was made for it. Each file is one path, and its functions are the methods.

mod audit_events;
mod disabled;
mod password;
mod scopes;
mod token;
mod tokens;
mod unblock;
mod user;
mod users;

use crate::gone::{self, Answer};
use actix_web::dev::HttpServiceFactory;
use actix_web::middleware::from_fn;
use actix_web::web::{delete, post, put, resource, scope};
use jeton_domain::ADMIN;
use jeton_http_kit::{get_or_head, method_not_allowed};
use jeton_verifier::actix::Guard;

pub(crate) fn service(guard: &Guard) -> impl HttpServiceFactory + 'static {
    let at = |path, allow| resource(path).default_service(method_not_allowed(allow));
    scope("/admin")
        .service(
            at("/users", "GET, HEAD, POST")
                .route(get_or_head().to(users::list))
                .route(post().to(users::create)),
        )
        .service(
            at("/users/{id}", "GET, HEAD, DELETE")
                .route(get_or_head().to(user::show))
                .route(delete().to(user::delete)),
        )
        .service(at("/users/{id}/scopes", "PUT").route(put().to(scopes::set)))
        .service(at("/users/{id}/password", "PUT").route(put().to(password::set)))
        .service(at("/users/{id}/disable", "POST").route(post().to(disabled::disable)))
        .service(at("/users/{id}/enable", "POST").route(post().to(disabled::enable)))
        .service(at("/users/{id}/unblock", "POST").route(post().to(unblock::unblock)))
        .service(
            at("/users/{id}/tokens", "GET, HEAD, POST, DELETE")
                .route(get_or_head().to(tokens::list))
                .route(post().to(tokens::create))
                .route(delete().to(tokens::revoke_all)),
        )
        .service(at("/users/{id}/tokens/{token}", "DELETE").route(delete().to(token::revoke)))
        .service(at("/audit-events", "GET, HEAD").route(get_or_head().to(audit_events::list)))
        .wrap(guard.requiring(ADMIN))
        .wrap(from_fn(|request, next| {
            gone::confirmed(Answer::Refused, request, next)
        }))
}
