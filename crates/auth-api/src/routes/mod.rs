//! What is served. Each file is one path: its endpoints, and their handlers.

mod admin;
mod introspect;
mod login;
mod logout;
mod logout_all;
mod me;
mod password;
mod probes;
mod renew;
mod revoke;
mod token;
mod tokens;
mod users;
mod verify;

use crate::delegation;
use crate::docs;
use crate::endpoint::{Endpoint, resources};
use crate::pages;
use crate::state::State;
use actix_web::web::{Data, ServiceConfig};

/// All endpoints, in the order in which the document has them.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        users::endpoint(),
        login::endpoint(),
        logout::endpoint(),
        logout_all::endpoint(),
    ];
    endpoints.extend(me::endpoints());
    endpoints.push(password::endpoint());
    endpoints.extend(tokens::endpoints());
    endpoints.extend(token::endpoints());
    endpoints.push(renew::endpoint());
    endpoints.extend(delegation::endpoints());
    endpoints.extend(admin::endpoints());
    endpoints.extend([introspect::endpoint(), revoke::endpoint(), verify::endpoint()]);
    endpoints.extend(pages::endpoints());
    endpoints.extend(probes::endpoints());
    endpoints.extend(docs::endpoints());
    endpoints
}

/// The routes, for `main` and for whoever else serves them.
pub(crate) fn configure(state: State) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    // Made before anybody asks for it.
    docs::openapi();
    move |config| {
        config.app_data(Data::new(state.clone()));
        config.app_data(Data::from(state.pages.clone()));
        pages::assets(config);
        delegation::configure(config);
        for service in resources().iter().filter_map(|resource| resource.service(&state)) {
            config.service(service);
        }
    }
}
