use super::{Access, Endpoint, Parameters};
use crate::acts;
use crate::login_token;
use crate::revoked_token;
use crate::routes;
use crate::state::State;
use crate::validation;
use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::middleware::{Condition, from_fn};
use actix_web::{Route, web};
use jeton_http_kit::{get_or_head, method_not_allowed, taking, without_body};
use jeton_verifier::actix::Guard;
use std::sync::LazyLock;

/// All endpoints of one path.
pub(crate) struct Resource {
    pub(crate) path: &'static str,
    pub(crate) endpoints: Vec<Endpoint>,
    /// The methods it has, as `Allow` names them.
    allow: String,
}

/// All resources, in the order in which their first endpoint is declared.
pub(crate) fn resources() -> &'static [Resource] {
    static RESOURCES: LazyLock<Vec<Resource>> = LazyLock::new(|| by_path(routes::endpoints()));
    &RESOURCES
}

fn by_path(endpoints: Vec<Endpoint>) -> Vec<Resource> {
    let mut resources: Vec<Resource> = Vec::new();
    for endpoint in endpoints {
        let path = endpoint.path;
        let method = match endpoint.method {
            Method::GET => "GET, HEAD",
            ref other => other.as_str(),
        };
        match resources.iter_mut().find(|resource| resource.path == path) {
            Some(resource) => {
                resource.allow = format!("{}, {method}", resource.allow);
                resource.endpoints.push(endpoint);
            }
            None => resources.push(Resource {
                path,
                allow: method.to_owned(),
                endpoints: vec![endpoint],
            }),
        }
    }
    resources
}

impl Resource {
    /// For the router; `None` where the HTTP kit has put it there.
    pub(crate) fn service(&'static self, state: &State) -> Option<impl HttpServiceFactory + 'static> {
        let guard = Guard::new(state.verifier.clone());
        let mut resource = web::resource(self.path).default_service(method_not_allowed(&self.allow));
        for endpoint in &self.endpoints {
            resource = resource.route(endpoint.route(&guard)?);
        }
        // A path that has anything for those with a token has nothing for others, its 405 included.
        let guarded = self
            .endpoints
            .iter()
            .any(|endpoint| endpoint.access != Access::Public && !endpoint.checks_token_itself);
        let revokes = self.endpoints.iter().find_map(|endpoint| endpoint.revokes);
        let confirmed = from_fn(move |request, next| {
            revoked_token::confirmed(revokes.unwrap_or_default(), request, next)
        });
        // What is wrapped last is asked first.
        Some(
            resource
                .wrap(Condition::new(guarded, guard))
                .wrap(Condition::new(revokes.is_some(), confirmed)),
        )
    }
}

impl Endpoint {
    /// Behind the guard of its resource, which has asked for a token and no more.
    fn route(&self, guard: &Guard) -> Option<Route> {
        let route = match &self.method {
            _ if self.by_any_method => web::route(),
            &Method::GET => get_or_head(),
            method => web::method(method.clone()),
        };
        let mut route = (self.handle.as_ref()?)(route);
        if !self.request.bodies.is_empty() {
            route = route.wrap(from_fn(validation::told_as_sent));
        }
        if self.is_counted {
            route = route.wrap(from_fn(acts::counted));
        }
        if let Parameters::Known(names) = &self.request.parameters {
            if self.request.bodies.is_empty() {
                route = without_body(route);
            }
            route = taking(names, route);
        }
        Some(match self.access {
            Access::Public | Access::AnyToken => route,
            Access::LoginToken => route.wrap(from_fn(login_token::required)),
            Access::Scope(scope) => route.wrap(guard.requiring(scope)),
        })
    }
}
