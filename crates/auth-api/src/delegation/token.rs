//! The token endpoint ([RFC 6749 §3.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.2)).

use super::client_auth::authenticate;
use super::oauth_error::{OAuthError, OAuthResult};
use super::parameters::OAuthParameters;
use crate::audit_context::By;
use crate::docs::header;
use crate::endpoint::{Access, Endpoint, Tag};
use crate::state::State;
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, PRAGMA};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use jeton_api_types::ProblemResponse;
use jeton_domain::delegation::{
    AuthorizationCode, Client, DeviceCode, GrantType, RefreshToken, Resource, SecretDigest,
};
use jeton_domain::{Actor, AuditContext, ExposeSecret, PlainToken, ScopeSet, TokenId};
use jeton_http_kit::{FORM, Form};
use jeton_persistence::delegation::issue::{
    self, Exchange, IssuedTokens, NewFamily, NewTokens, PresentedCode, Refusal,
};
use jeton_persistence::delegation::refresh::{PresentedRefresh, refresh};
use jeton_persistence::delegation::{client_credentials, devices};
use jeton_persistence::{DatabaseResult, Pending, PgConnection};
use rand::RngExt;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use uuid::Uuid;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/v1/token", Access::Public, issue)
        .named(Tag::Delegation, "issueToken", "Get a token for an app")
        .about(
            "By an authorization code, a refresh token, a device code, or the client's own credentials \
            ([RFC 6749 §3.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.2)).",
        )
        .takes(FORM, |_| {
            let text = || json!({ "type": "string" });
            json!({
                "type": "object",
                "required": ["grant_type"],
                "properties": {
                    "grant_type": { "enum": GrantType::ALL.map(GrantType::wire_name) },
                    "code": text(), "redirect_uri": text(), "code_verifier": text(), "refresh_token": text(),
                    "device_code": text(), "scope": text(), "resource": text(),
                    "client_id": text(), "client_secret": text()
                },
                "examples": [{
                    "grant_type": "authorization_code",
                    "code": "jtc_4f9mXcV1qR7tB2yN8kLw3sZpD6hJ0aGe1uQ5vT",
                    "redirect_uri": "http://127.0.0.1:8400/callback",
                    "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                    "client_id": "01a20a08-7e44-7b10-9c3d-6a1f0e5d2b77"
                }]
            })
        })
        .answers("An access token, and a refresh token where the client may have one.")
        .header("Pragma", header("As RFC 6749 §5.1 wants it.", json!({ "const": "no-cache" }), "no-cache"))
        .json(
            200,
            json!({
                "type": "object",
                "required": ["access_token", "token_type", "expires_in", "scope"],
                "properties": {
                    "access_token": { "$ref": "#/components/schemas/TokenText" },
                    "token_type": { "const": "Bearer" },
                    "expires_in": { "type": "integer", "description": "In seconds." },
                    "scope": { "type": "string", "description": "What it may do: scopes with spaces between them." },
                    "refresh_token": { "type": "string" }
                },
                "examples": [{
                    "access_token": "jtn_Fxkb5z4PTwPRu4jJpDdsXGzlU0uyL3fR32DfSw",
                    "token_type": "Bearer",
                    "expires_in": 3600,
                    "scope": "notes:read",
                    "refresh_token": "jtr_4f9mXcV1qR7tB2yN8kLw3sZpD6hJ0aGe1uQ5vT"
                }]
            }),
        )
        .of_clients([
            OAuthError::INVALID_GRANT,
            OAuthError::INVALID_SCOPE,
            OAuthError::INVALID_TARGET,
            OAuthError::UNAUTHORIZED_CLIENT,
            OAuthError::UNSUPPORTED_GRANT_TYPE,
            OAuthError::AUTHORIZATION_PENDING,
            OAuthError::SLOW_DOWN,
            OAuthError::ACCESS_DENIED,
            OAuthError::EXPIRED_TOKEN,
        ])
}

pub(super) async fn issue(
    state: Data<State>,
    by: By,
    request: HttpRequest,
    body: Result<Form<OAuthParameters>, ProblemResponse>,
) -> OAuthResult<HttpResponse> {
    let Form(parameters) = body?;
    let client = authenticate(&state, None, &request, &parameters).await?;
    let by = AuditContext {
        actor: Actor::Client(client.id),
        ..by.0
    };
    let wanted = parameters.need("grant_type", "grant_type is missing")?;
    let grant = GrantType::ALL
        .into_iter()
        .find(|grant| grant.wire_name() == wanted);
    let outcome = match grant {
        Some(grant) if !client.may_use(grant) => Err(OAuthError::UNAUTHORIZED_CLIENT),
        Some(GrantType::AuthorizationCode) => by_code(&state, by, &client, &parameters).await,
        Some(GrantType::RefreshToken) => by_refresh_token(&state, by, &client, &parameters).await,
        Some(GrantType::ClientCredentials) => for_itself(&state, by, &client, &parameters).await,
        Some(GrantType::DeviceCode) => by_device_code(&state, by, &client, &parameters).await,
        None => Err(OAuthError::UNSUPPORTED_GRANT_TYPE),
    };
    let counts = &state.delegation.counts;
    match &outcome {
        Ok(_) => &counts.issued,
        Err(_) => &counts.refused,
    }
    .fetch_add(1, Ordering::Relaxed);
    outcome
}

/// A code that cannot be one is as good as one that is unknown.
async fn by_code(
    state: &State,
    by: AuditContext,
    client: &Client,
    parameters: &OAuthParameters,
) -> OAuthResult<HttpResponse> {
    let code = parameters.need("code", "code is missing")?;
    let redirect_uri = parameters
        .need("redirect_uri", "redirect_uri is missing")?
        .to_owned();
    let verifier = parameters
        .need("code_verifier", "code_verifier is missing")?
        .to_owned();
    let resource = resource(parameters)?;
    let code = AuthorizationCode::parse(code)
        .map_err(|_| OAuthError::INVALID_GRANT)?
        .digest();
    let (family, client) = (new_family(), client.id);
    exchange(state, None, move |connection, new| {
        let presented = PresentedCode {
            code,
            redirect_uri: &redirect_uri,
            verifier: &verifier,
            resource: resource.as_ref(),
        };
        issue::exchange_code(connection, &by, client, &presented, new, &family)
    })
    .await
}

async fn by_refresh_token(
    state: &State,
    by: AuditContext,
    client: &Client,
    parameters: &OAuthParameters,
) -> OAuthResult<HttpResponse> {
    let token = parameters.need("refresh_token", "refresh_token is missing")?;
    let scopes = scopes(parameters)?;
    let resource = resource(parameters)?;
    let token = RefreshToken::parse(token).map_err(|_| OAuthError::INVALID_GRANT)?;
    let client = client.id;
    let family = token.family();
    exchange(state, Some(family), move |connection, new| {
        let presented = PresentedRefresh {
            token: &token,
            scopes: scopes.as_ref(),
            resource: resource.as_ref(),
        };
        refresh(connection, &by, client, &presented, new)
    })
    .await
}

async fn for_itself(
    state: &State,
    by: AuditContext,
    client: &Client,
    parameters: &OAuthParameters,
) -> OAuthResult<HttpResponse> {
    let (scopes, resource) = (scopes(parameters)?, resource(parameters)?);
    let client = client.id;
    exchange(state, None, move |connection, new| {
        client_credentials::issue(connection, &by, client, scopes.as_ref(), resource.as_ref(), new)
    })
    .await
}

async fn by_device_code(
    state: &State,
    by: AuditContext,
    client: &Client,
    parameters: &OAuthParameters,
) -> OAuthResult<HttpResponse> {
    let code = parameters.need("device_code", "device_code is missing")?;
    let resource = resource(parameters)?;
    let code = DeviceCode::parse(code)
        .map_err(|_| OAuthError::INVALID_GRANT)?
        .digest();
    let (family, client) = (new_family(), client.id);
    exchange(state, None, move |connection, new| {
        devices::poll(connection, &by, client, (code, resource.as_ref()), new, &family)
    })
    .await
}

/// In case that there is to be one.
fn new_family() -> Arc<NewFamily> {
    let mut rng = rand::rng();
    Arc::new(NewFamily {
        first: RefreshToken::generate(&mut rng),
        salt: rng.random(),
    })
}

fn scopes(parameters: &OAuthParameters) -> OAuthResult<Option<ScopeSet>> {
    let text = parameters.find("scope")?;
    text.map(ScopeSet::parse)
        .transpose()
        .map_err(|_| OAuthError::INVALID_SCOPE)
}

pub(super) fn resource(parameters: &OAuthParameters) -> OAuthResult<Option<Resource>> {
    let text = parameters
        .get("resource")
        .map_err(|_| OAuthError::INVALID_TARGET)?;
    text.map(Resource::parse)
        .transpose()
        .map_err(|_| OAuthError::INVALID_TARGET)
}

/// Issues tokens, once what gives way to them is accepted nowhere any more. What is taken back for a replay is accepted nowhere
/// any more when that is answered. Those of one `line` are done one after the other: of a family of refresh tokens, which waits
/// for its row anyway.
pub(super) async fn exchange(
    state: &State,
    line: Option<SecretDigest>,
    work: impl Fn(&mut PgConnection, &NewTokens) -> DatabaseResult<Pending<Exchange>> + Clone + Send + 'static,
) -> OAuthResult<HttpResponse> {
    loop {
        let text = PlainToken::generate(&mut rand::rng());
        let new = NewTokens {
            id: TokenId(Uuid::now_v7()),
            digest: text.digest(),
            ttl: state.delegation.access_ttl,
            refresh_ttl: state.delegation.refresh_ttl,
        };
        let work = work.clone();
        let work = move |connection: &mut PgConnection| work(connection, &new);
        let done = state.database.run_in_line(line, work).await?;
        match state.confirm(done).await? {
            Exchange::Issued(issued) => return Ok(answer(state, &text, &issued)),
            Exchange::RoomMade => {}
            Exchange::Replayed => {
                state.delegation.counts.replayed.fetch_add(1, Ordering::Relaxed);
                return Err(OAuthError::INVALID_GRANT);
            }
            Exchange::Refused(refusal) => return Err(refused(refusal)),
        }
    }
}

fn refused(refusal: Refusal) -> OAuthError {
    match refusal {
        Refusal::Grant => OAuthError::INVALID_GRANT,
        Refusal::Scope => OAuthError::INVALID_SCOPE,
        Refusal::Resource => OAuthError::INVALID_TARGET,
        Refusal::Client => OAuthError::UNAUTHORIZED_CLIENT,
        Refusal::Pending => OAuthError::AUTHORIZATION_PENDING,
        Refusal::SlowDown => OAuthError::SLOW_DOWN,
        Refusal::Denied => OAuthError::ACCESS_DENIED,
        Refusal::Expired => OAuthError::EXPIRED_TOKEN,
    }
}

fn answer(state: &State, text: &PlainToken, issued: &IssuedTokens) -> HttpResponse {
    let mut body = json!({
        "access_token": text.expose_secret(),
        "token_type": "Bearer",
        "expires_in": state.delegation.access_ttl.as_secs(),
        "scope": issued.scopes.to_string(),
    });
    if let Some(refresh) = &issued.refresh {
        body["refresh_token"] = json!(refresh.expose_secret());
    }
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((PRAGMA, "no-cache"))
        .json(body)
}
