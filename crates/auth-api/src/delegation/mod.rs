//! Delegation (OAuth 2.1): other programs get tokens by a user's consent. The endpoints that clients speak to follow OAuth's
//! standards, errors included; those that the page speaks to follow the rest of this API.

mod authorizations;
mod client_auth;
mod device;
mod grants;
mod issuer;
mod metadata;
mod oauth_error;
mod parameters;
mod presented;
mod starts;
mod token;
mod wanted;

pub use issuer::Issuer;
pub(crate) use oauth_error::{OAuthError, OAuthResult};
pub(crate) use presented::read as read_presented;

use crate::endpoint::Endpoint;
use crate::settings::Settings;
use actix_web::guard::{self, GuardContext};
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{self, ServiceConfig};
use jeton_http_kit::Metrics;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The scope that lets an app see who its user is (`GET /v1/me`).
pub(crate) const PROFILE: &str = "profile";

/// How long a request waits for its user's decision.
pub(crate) const AUTHORIZATION_TTL: Duration = Duration::from_secs(600);
/// How long an authorization code can be exchanged.
pub(crate) const CODE_TTL: Duration = Duration::from_secs(60);

/// What the operator lets clients have, and what became of it.
pub(crate) struct Delegation {
    issuer: Option<Issuer>,
    pub(crate) access_ttl: Duration,
    pub(crate) refresh_ttl: Duration,
    starts: starts::Starts,
    counts: Counts,
}

/// How often what happened.
#[derive(Default)]
struct Counts {
    issued: AtomicU64,
    refused: AtomicU64,
    replayed: AtomicU64,
}

impl Delegation {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            issuer: settings.issuer.clone(),
            access_ttl: settings.access_token_ttl.0,
            refresh_ttl: settings.refresh_token_ttl.0,
            starts: starts::Starts::new(settings.network_authorizations.0),
            counts: Counts::default(),
        }
    }

    pub(crate) fn register(self: &Arc<Self>, metrics: &mut Metrics) {
        let this = self.clone();
        metrics.add(move |samples| {
            let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
            samples.counter(
                "jeton_delegated_tokens_issued",
                "Access tokens that clients were given",
                read(&this.counts.issued),
            )?;
            samples.counter(
                "jeton_delegated_tokens_refused",
                "Requests for an access token that were refused: invalid_grant and the like",
                read(&this.counts.refused),
            )?;
            samples.counter(
                "jeton_delegation_replays",
                "Codes and refresh tokens that were used twice: what came of their grants was taken back",
                read(&this.counts.replayed),
            )
        });
    }
}

/// What a client with credentials of its own asks of `/v1/revoke` and `/v1/introspect` goes before what the holders of tokens
/// ask of them.
pub(crate) fn configure(config: &mut ServiceConfig) {
    let of_client = |path: &str| web::resource(path).guard(guard::fn_guard(is_asked_by_client));
    config
        .service(of_client("/v1/revoke").route(web::post().to(presented::revoke)))
        .service(of_client("/v1/introspect").route(web::post().to(presented::introspect)));
}

/// In the order in which an app meets them.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![metadata::endpoint()];
    endpoints.extend(authorizations::endpoints());
    endpoints.extend([device::endpoint(), token::endpoint()]);
    endpoints.extend(grants::endpoints());
    endpoints
}

/// By HTTP Basic, or by what the body says: without a token, at least.
fn is_asked_by_client(context: &GuardContext<'_>) -> bool {
    let head = context.head();
    let is_basic = |value: &actix_web::http::header::HeaderValue| {
        value
            .as_bytes()
            .get(..6)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic "))
    };
    head.method == actix_web::http::Method::POST && head.headers.get_all(AUTHORIZATION).all(is_basic)
}
