//! What is served under which path. Each file is one path, and its functions are the methods.

mod admin;
mod introspect;
mod login;
mod logout;
mod logout_all;
mod me;
mod password;
mod revoke;
mod token;
mod tokens;
mod users;
mod verify;

use crate::docs;
use crate::gone::{self, Answer};
use crate::login_token;
use crate::state::State;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, ServiceConfig, delete, patch, post, put, resource, route, scope};
use jeton_domain::INTROSPECT_TOKENS;
use jeton_http_kit::{get_or_head, method_not_allowed};
use jeton_verifier::actix::Guard;

/// The routes, for `main` and for whoever else serves them.
pub(crate) fn configure(state: State) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    move |config| {
        let guard = Guard::new(state.verifier.clone());
        // What is wrapped last is asked first: the guard, and then whether the token may manage the account.
        let guarded_by = |guard: &Guard, path, allow| {
            resource(path)
                .default_service(method_not_allowed(allow))
                .wrap(guard.clone())
        };
        let guarded = |path, allow| guarded_by(&guard, path, allow);
        let login_only = || from_fn(login_token::required);
        let revoking = |answer| from_fn(move |request, next| gone::confirmed(answer, request, next));
        docs::configure(config);
        config.app_data(Data::new(state.clone())).service(
            scope("/v1")
                .service(
                    resource("/users")
                        .route(post().to(users::sign_up))
                        .default_service(method_not_allowed("POST")),
                )
                .service(
                    resource("/login")
                        .route(post().to(login::log_in))
                        .default_service(method_not_allowed("POST")),
                )
                .service(
                    guarded("/logout", "POST")
                        .route(post().to(logout::log_out))
                        .wrap(revoking(Answer::Done)),
                )
                .service(
                    guarded("/logout-all", "POST")
                        .route(post().to(logout_all::log_out_everywhere).wrap(login_only()))
                        .wrap(revoking(Answer::Refused)),
                )
                .service(
                    guarded("/me", "GET, HEAD, DELETE")
                        .route(get_or_head().to(me::show))
                        .route(delete().to(me::delete_account).wrap(login_only()))
                        .wrap(revoking(Answer::Refused)),
                )
                .service(guarded("/me/password", "PUT").route(put().to(password::change).wrap(login_only())))
                .service(
                    guarded("/tokens", "GET, HEAD, POST")
                        .route(get_or_head().to(tokens::list).wrap(login_only()))
                        .route(post().to(tokens::create).wrap(login_only())),
                )
                .service(
                    guarded("/tokens/{id}", "PATCH, DELETE")
                        .route(patch().to(token::rename).wrap(login_only()))
                        .route(delete().to(token::revoke).wrap(login_only()))
                        .wrap(revoking(Answer::Refused)),
                )
                .service(
                    guarded_by(&guard.requiring(INTROSPECT_TOKENS), "/introspect", "POST")
                        .route(post().to(introspect::introspect)),
                )
                .service(
                    guarded("/revoke", "POST")
                        .route(post().to(revoke::revoke))
                        .wrap(revoking(Answer::Refused)),
                )
                .service(admin::service(&guard))
                .service(
                    resource("/verify")
                        .route(route().to(verify::verify))
                        .wrap(guard.clone()),
                ),
        );
    }
}
