//! The device flow ([RFC 8628](https://www.rfc-editor.org/rfc/rfc8628)): what a device asks for, and the code that a person types
//! elsewhere. The code stands in no link: who is sent one would approve what somebody else has begun.

use super::AUTHORIZATION_TTL;
use super::authorizations::no_store;
use super::client_auth::authenticate;
use super::issuer::issuer;
use super::oauth_error::{OAuthError, OAuthResult};
use super::parameters::OAuthParameters;
use super::wanted::{ForClient, Wanted, shown};
use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, Tag};
use crate::error::{ApiError, ApiResult};
use crate::rate_limit;
use crate::state::State;
use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use jeton_api_types::ProblemResponse;
use jeton_domain::ExposeSecret;
use jeton_domain::delegation::{AuthorizationHandle, DeviceCode, GrantType, UserCode};
use jeton_http_kit::{FORM, Form};
use jeton_persistence::delegation::devices::{self, NewDevice, POLL_INTERVAL_SECS};
use jeton_persistence::delegation::scopes;
use jeton_persistence::rate_limit::Account;
use serde_json::{Value, json};
use std::time::Instant;

/// How often a code is made anew that another device shows.
const ATTEMPTS: usize = 5;

pub(super) fn endpoint() -> Endpoint {
    let text = json!({ "type": "string" });
    Endpoint::new(Method::POST, "/v1/device_authorization", Access::Public, start)
        .named(Tag::Delegation, "authorizeDevice", "Begin on a device without a browser")
        .about(
            "The code that a person types elsewhere, at `verification_uri`, and the code that the device asks `/v1/token` with \
            meanwhile ([RFC 8628](https://www.rfc-editor.org/rfc/rfc8628)).",
        )
        .takes(FORM, |_| {
            let text = || json!({ "type": "string" });
            json!({
                "type": "object",
                "properties": {
                    "client_id": text(), "client_secret": text(), "scope": text(), "resource": text()
                },
                "examples": [{ "client_id": "01a20a08-7e44-7b10-9c3d-6a1f0e5d2b77", "scope": "notes:read" }]
            })
        })
        .answers("The codes.")
        .json(
            200,
            json!({
                "type": "object",
                "required": ["device_code", "user_code", "verification_uri", "expires_in", "interval"],
                "properties": {
                    "device_code": text,
                    "user_code": text,
                    "verification_uri": { "type": "string", "format": "uri" },
                    "expires_in": { "type": "integer", "description": "In seconds." },
                    "interval": { "type": "integer", "description": "The seconds to wait between two requests, at the least." }
                },
                "examples": [{
                    "device_code": "jtd_4f9mXcV1qR7tB2yN8kLw3sZpD6hJ0aGe1uQ5vT",
                    "user_code": "BCDF-GHJK",
                    "verification_uri": "https://auth.example.org/device",
                    "expires_in": 600,
                    "interval": 5
                }]
            }),
        )
        .of_clients([
            OAuthError::UNAUTHORIZED_CLIENT,
            OAuthError::INVALID_SCOPE,
            OAuthError::INVALID_TARGET,
            OAuthError::TOO_MANY,
        ])
}

pub(super) async fn start(
    state: Data<State>,
    by: By,
    request: HttpRequest,
    body: Result<Form<OAuthParameters>, ProblemResponse>,
) -> OAuthResult<HttpResponse> {
    let Form(parameters) = body?;
    let client = authenticate(&state, None, &request, &parameters).await?;
    if !client.may_use(GrantType::DeviceCode) {
        return Err(OAuthError::UNAUTHORIZED_CLIENT);
    }
    let told = |wrong: ForClient| OAuthError::bad(wrong.error, wrong.description);
    let wanted = Wanted::read(&client, &parameters).map_err(told)?;
    state.delegation.starts.count(&by.0, Instant::now())?;
    let names = wanted.scopes.clone();
    let known = state
        .database
        .run(move |connection| scopes::find(connection, &names))
        .await?;
    let (scopes, _) = wanted.delegable(&known).map_err(told)?;
    for _ in 0..ATTEMPTS {
        let (device_code, user_code) = {
            let mut rng = rand::rng();
            (DeviceCode::generate(&mut rng), UserCode::generate(&mut rng))
        };
        let new = NewDevice {
            device_code: device_code.digest(),
            user_code: user_code.clone(),
            client: client.id,
            scopes: scopes.clone(),
            audience: wanted.resource.clone(),
            ttl: AUTHORIZATION_TTL,
        };
        let started = state
            .database
            .run(move |connection| devices::start(connection, &new))
            .await?;
        if started {
            let elsewhere = state.pages.elsewhere("device");
            let page = elsewhere
                .unwrap_or_else(|| format!("{}/device", issuer(state.delegation.issuer.as_ref(), &request)));
            return Ok(no_store(HttpResponse::Ok()).json(json!({
                "device_code": device_code.expose_secret(),
                "user_code": user_code.to_string(),
                "verification_uri": page,
                "expires_in": AUTHORIZATION_TTL.as_secs(),
                "interval": POLL_INTERVAL_SECS,
            })));
        }
    }
    Err(OAuthError::UNAVAILABLE)
}

/// A person has typed a code. One that is wrong counts for the network that it comes from as a sign-in does that has failed:
/// for all instances together, so that guessing takes longer than a code lives.
pub(super) async fn enter(state: &State, by: By, typed: &str) -> ApiResult<HttpResponse> {
    let Ok(code) = UserCode::parse(typed) else {
        return Err(ApiError::NoSuchUserCode);
    };
    let (attempt, ()) = rate_limit::begin(state, &by.0, &Account::Nobody, |_| Ok(())).await?;
    let attempt = attempt.counts();
    let handle = AuthorizationHandle::generate(&mut rand::rng());
    let digest = handle.digest();
    let entered = state
        .database
        .run(move |connection| {
            let Some(authorization) = devices::enter(connection, &code, digest)? else {
                return Ok(None);
            };
            let known = scopes::find(connection, &authorization.scopes)?;
            Ok(Some((authorization, known)))
        })
        .await?;
    let Some((authorization, known)) = entered else {
        attempt.fail().await?;
        return Err(ApiError::NoSuchUserCode);
    };
    attempt.take_back().await;
    let client = &authorization.client;
    Ok(no_store(HttpResponse::Created()).json(json!({
        "id": handle.expose_secret(),
        "client": { "name": client.name, "redirect_host": Value::Null, "first_party": client.first_party },
        "scopes": known.iter().map(shown).collect::<Vec<_>>(),
        "expires_at": authorization.expires_at,
    })))
}
