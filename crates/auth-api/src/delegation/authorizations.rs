//! The authorization request ([RFC 6749 §4.1.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1)), as the page puts it; what
//! it shows, and what the user decides.
//!
//! Who asks, and where the user is sent back to, is known before anything else: nobody is sent to an address that is not the
//! client's, whatever else is wrong.

use super::device;
use super::issuer::issuer;
use super::parameters::OAuthParameters;
use super::wanted::{ForClient, Wanted, code_challenge, scopes_schema, shown};
use super::{AUTHORIZATION_TTL, CODE_TTL};
use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, Request, Tag, Takes};
use crate::error::{ApiError, ApiResult};
use crate::state::State;
use crate::validation;
use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use jeton_domain::delegation::{AuthorizationCode, AuthorizationHandle, Client, RedirectUri, SecretDigest};
use jeton_domain::{ClientId, ExposeSecret, MAX_SCOPES};
use jeton_http_kit::{JSON, Json, OptionalJson, body_problems};
use jeton_persistence::PgConnection;
use jeton_persistence::delegation::authorizations::{
    self, Approval, Authorization, Decider, NewAuthorization,
};
use jeton_persistence::delegation::{clients, scopes};
use jeton_verifier::Caller;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

const PATH: &str = "/v1/authorizations/{id}";

pub(super) fn endpoints() -> [Endpoint; 4] {
    let gone = || [ApiError::NoSuchAuthorization];
    let back = || {
        json!({
            "type": "object",
            "required": ["redirect_to"],
            "properties": { "redirect_to": {
                "type": ["string", "null"], "format": "uri", "description": "Null: nowhere, a device asks."
            } },
            "examples": [{ "redirect_to": "http://127.0.0.1:8400/callback?code=jtc_4f9mXcV1qR7tB2yN8kLw3sZpD6hJ0aGe1uQ5vT&iss=https%3A%2F%2Fauth.example.org" }]
        })
    };
    [
        Endpoint::new(Method::POST, "/v1/authorizations", Access::Public, start)
            .named(Tag::Delegation, "startAuthorization", "Put an app's request to a user")
            .about(
                "The parameters of the authorization request \
                ([RFC 6749 §4.1.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1), with PKCE), or alone the `user_code` that \
                a device shows. For a page that asks users; parameters that nobody knows are ignored.",
            )
            .takes(JSON, |_| request_schema())
            .answers("Who asks, and for what.")
            .json(201, asked_schema(false))
            .problems([
                ApiError::InvalidAuthorizationRequest("There is no such client.", None),
                ApiError::NoSuchUserCode,
                ApiError::TooManyAttempts(Duration::ZERO),
            ]),
        Endpoint::new(Method::GET, PATH, Access::LoginToken, show)
            .named(Tag::Delegation, "showAuthorization", "What an app asks this user for")
            .answers("Who asks, and for what of that which the user has.")
            .json(200, asked_schema(true))
            .problems(gone()),
        Endpoint::new(Method::POST, "/v1/authorizations/{id}/approve", Access::LoginToken, approve)
            .named(Tag::Delegation, "approveAuthorization", "Let an app do what it asks for")
            .about(
                "Or less: what `scopes` names. Without a body: all of it. What the user does not have is not given; if that is \
                all, the app is told `access_denied`.",
            )
            .counted()
            .takes(JSON, |_| {
                json!({
                    "type": "object",
                    "properties": { "scopes": { "anyOf": [
                        { "type": "array", "items": { "$ref": "#/components/schemas/Scope" }, "maxItems": MAX_SCOPES },
                        { "type": "null" }
                    ] } },
                    "additionalProperties": false,
                    "examples": [{ "scopes": ["notes:read"] }]
                })
            })
            .answers("Where the user goes back to.")
            .json(200, back())
            .problems(gone()),
        Endpoint::new(Method::POST, "/v1/authorizations/{id}/deny", Access::LoginToken, deny)
            .named(Tag::Delegation, "denyAuthorization", "Let an app do nothing")
            .counted()
            .answers("Where the user goes back to.")
            .json(200, back())
            .problems(gone()),
    ]
}

/// What an app asks with; a device's code goes with none of it.
const OF_AN_APP: [&str; 8] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "resource",
];

fn request_schema() -> Value {
    let names = OF_AN_APP.into_iter().chain(["user_code"]);
    let properties: Map<_, _> = names
        .map(|name| (name.to_owned(), json!({ "type": "string" })))
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "examples": [{
            "response_type": "code",
            "client_id": "01a20a08-7e44-7b10-9c3d-6a1f0e5d2b77",
            "redirect_uri": "http://127.0.0.1:8400/callback",
            "scope": "notes:read",
            "state": "af0ifjsldkj",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256"
        }]
    })
}

fn asked_schema(by_user: bool) -> Value {
    let mut schema = json!({
        "type": "object",
        "required": ["id", "client", "scopes", "expires_at"],
        "properties": {
            "id": { "type": "string", "description": "Names the request for as long as it waits." },
            "client": {
                "type": "object",
                "required": ["name", "redirect_host", "first_party"],
                "properties": {
                    "name": { "type": "string" },
                    "redirect_host": { "type": ["string", "null"], "description": "Null: a device asks." },
                    "first_party": { "type": "boolean" }
                }
            },
            "scopes": scopes_schema(),
            "expires_at": { "type": "string", "format": "date-time" }
        },
        "examples": [{
            "id": "jta_4f9mXcV1qR7tB2yN8kLw3sZpD6hJ0aGe1uQ5vT",
            "client": { "name": "Notes for Desktops", "redirect_host": "127.0.0.1", "first_party": false },
            "scopes": [{ "name": "notes:read", "title": "Read your notes", "description": "All of them." }],
            "expires_at": "2026-11-23T20:20:54.389124Z"
        }]
    });
    if by_user {
        schema["required"] = json!(["id", "client", "scopes", "consented", "expires_at"]);
        schema["properties"]["consented"] =
            json!({ "type": "boolean", "description": "Whether the user need not be asked." });
        schema["examples"][0]["consented"] = false.into();
    }
    schema
}

pub(super) async fn start(
    state: Data<State>,
    by: By,
    request: HttpRequest,
    body: Json<OAuthParameters>,
) -> ApiResult<HttpResponse> {
    let Json(parameters) = body;
    if let Ok(Some(typed)) = parameters.get("user_code") {
        // A link to the page has what an app asks with: it enters no code.
        if OF_AN_APP.iter().any(|name| parameters.has(name)) {
            let alone = "user_code comes alone: it is typed, and in no app's request.";
            return Err(ApiError::InvalidAuthorizationRequest(alone, None));
        }
        return device::enter(&state, by, typed).await;
    }
    let (client, redirect_uri) = find_client(&state, &parameters).await?;
    let back = Back {
        issuer: issuer(state.delegation.issuer.as_ref(), &request),
        redirect_uri,
        state: parameters.get("state").unwrap_or_default().map(str::to_owned),
    };
    let read = code_challenge(&client, &parameters)
        .and_then(|challenge| Ok((challenge, Wanted::read(&client, &parameters)?)));
    let (code_challenge, wanted) = read.map_err(|wrong| back.problem(&wrong))?;
    // Before the database is asked for more, and once it is known that this is no slip.
    state.delegation.starts.count(&by.0, Instant::now())?;
    let known = {
        let names = wanted.scopes.clone();
        state
            .database
            .run(move |connection| scopes::find(connection, &names))
            .await?
    };
    let (scopes, shown) = match wanted.delegable(&known) {
        Ok(both) => both,
        Err(wrong) => return Err(back.problem(&wrong)),
    };
    let handle = AuthorizationHandle::generate(&mut rand::rng());
    let new = NewAuthorization {
        handle: handle.digest(),
        client: client.id,
        scopes,
        audience: wanted.resource,
        redirect_uri: back.redirect_uri,
        state: back.state,
        code_challenge,
        ttl: AUTHORIZATION_TTL,
    };
    let host = redirect_host(&client, Some(&new.redirect_uri));
    let expires_at = state
        .database
        .run(move |connection| authorizations::start(connection, &new))
        .await?;
    Ok(no_store(HttpResponse::Created()).json(json!({
        "id": handle.expose_secret(),
        "client": { "name": client.name, "redirect_host": host, "first_party": client.first_party },
        "scopes": shown,
        "expires_at": expires_at,
    })))
}

pub(super) fn no_store(mut answer: HttpResponseBuilder) -> HttpResponseBuilder {
    answer.insert_header((CACHE_CONTROL, "no-store"));
    answer
}

/// The client, and the redirect URI as the request has it, which is one of the client's. Otherwise nobody is sent anywhere.
async fn find_client(state: &State, parameters: &OAuthParameters) -> ApiResult<(Client, String)> {
    let text = |name, problem| match parameters.get(name) {
        Ok(Some(text)) => Ok(text),
        Ok(None) | Err(_) => Err(ApiError::InvalidAuthorizationRequest(problem, None)),
    };
    let unknown = "There is no such client.";
    let id: ClientId = text("client_id", "client_id is missing, comes twice, or is no text.")?
        .parse()
        .map_err(|_| ApiError::InvalidAuthorizationRequest(unknown, None))?;
    let redirect_uri = text(
        "redirect_uri",
        "redirect_uri is missing, comes twice, or is no text.",
    )?;
    let client = state
        .database
        .run(move |connection| clients::find(connection, id))
        .await?
        .filter(|client| client.disabled_at.is_none())
        .ok_or(ApiError::InvalidAuthorizationRequest(unknown, None))?;
    if client.redirect_uri(redirect_uri).is_none() {
        let refused = "redirect_uri is none that the client is registered with.";
        return Err(ApiError::InvalidAuthorizationRequest(refused, None));
    }
    Ok((client, redirect_uri.to_owned()))
}

/// Where the user goes back to, and what goes along in any case.
struct Back {
    issuer: String,
    redirect_uri: String,
    state: Option<String>,
}

impl Back {
    /// With these parameters, with the state, and with who sends it: a client that asks several must know which one answers
    /// ([RFC 9207](https://www.rfc-editor.org/rfc/rfc9207)).
    fn with(&self, parameters: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", &self.issuer);
        let mark = match self.redirect_uri.rsplit_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        format!("{}{mark}{}", self.redirect_uri, query.finish())
    }

    fn error(&self, wrong: &ForClient) -> String {
        self.with(&[("error", wrong.error), ("error_description", wrong.description)])
    }

    fn problem(&self, wrong: &ForClient) -> ApiError {
        ApiError::InvalidAuthorizationRequest(wrong.description, Some(self.error(wrong)))
    }
}

fn back(state: &State, request: &HttpRequest, authorization: &Authorization) -> Option<Back> {
    Some(Back {
        issuer: issuer(state.delegation.issuer.as_ref(), request),
        redirect_uri: authorization.redirect_uri.clone()?,
        state: authorization.state.clone(),
    })
}

fn redirect_host(client: &Client, presented: Option<&str>) -> Option<String> {
    let uri = client.redirect_uri(presented?)?;
    Some(uri.host().to_owned())
}

fn handle(text: &str) -> ApiResult<SecretDigest> {
    AuthorizationHandle::parse(text)
        .map(|handle| handle.digest())
        .map_err(|_| ApiError::NoSuchAuthorization)
}

/// What is asked of this user, and whether the user need not be asked.
pub(super) async fn show(state: Data<State>, caller: Caller, id: Path<String>) -> ApiResult<HttpResponse> {
    let digest = handle(&id)?;
    let user = caller.user_id();
    let held = caller.scopes().clone();
    let found = state
        .database
        .run(move |connection: &mut PgConnection| {
            let Some(authorization) = authorizations::find(connection, digest)? else {
                return Ok(None);
            };
            let offered = authorizations::offered(connection, &authorization, &held)?;
            let known = scopes::find(connection, &offered)?;
            let before = authorizations::consented(connection, user, authorization.client.id)?;
            Ok(Some((authorization, offered, known, before)))
        })
        .await?;
    let (authorization, offered, known, before) = found.ok_or(ApiError::NoSuchAuthorization)?;
    let client = &authorization.client;
    let uri = authorization.redirect_uri.as_deref();
    // Any program on the user's machine could be the one that listens there.
    let is_sure = uri
        .and_then(|uri| client.redirect_uri(uri))
        .is_some_and(|uri| !RedirectUri::is_of_this_machine(uri));
    let was_asked = before.is_some_and(|before| offered.is_subset(&before));
    let consented = is_sure && !offered.is_empty() && (client.first_party || was_asked);
    Ok(no_store(HttpResponse::Ok()).json(json!({
        "id": &*id,
        "client": {
            "name": client.name,
            "redirect_host": redirect_host(client, uri),
            "first_party": client.first_party,
        },
        "scopes": known.iter().map(shown).collect::<Vec<_>>(),
        "consented": consented,
        "expires_at": authorization.expires_at,
    })))
}

/// The endpoint tells what it is.
impl Takes for OptionalJson<ApproveRequest> {
    fn describe(request: &mut Request) {
        request.needs_no_body = true;
        request.problems.extend(body_problems(&[JSON]));
    }
}

/// What the user allows; nothing said: all that is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ApproveRequest {
    scopes: Option<Vec<String>>,
}

pub(super) async fn approve(
    state: Data<State>,
    caller: Caller,
    by: By,
    request: HttpRequest,
    id: Path<String>,
    body: OptionalJson<ApproveRequest>,
) -> ApiResult<HttpResponse> {
    let digest = handle(&id)?;
    let wanted = body.0.scopes.as_deref().map(validation::scopes).transpose();
    let wanted = wanted.map_err(|refused| validation::refuse("/scopes", &refused))?;
    let decider = Decider {
        user: caller.user_id(),
        with: caller.token_id(),
    };
    let code = AuthorizationCode::generate(&mut rand::rng());
    let code_digest = code.digest();
    let approval = state
        .database
        .run(move |connection| {
            authorizations::approve(
                connection,
                &by.0,
                digest,
                decider,
                wanted.as_ref(),
                code_digest,
                CODE_TTL,
            )
        })
        .await?;
    let redirect_to = match approval {
        Approval::Approved(authorization) => {
            back(&state, &request, &authorization).map(|back| back.with(&[("code", code.expose_secret())]))
        }
        Approval::Nothing(authorization) => denied(&state, &request, &authorization),
        Approval::Gone => return Err(ApiError::NoSuchAuthorization),
        Approval::TokenGone => return Err(ApiError::TokenGone),
        Approval::NotAsked => {
            let refused = "must be some of those that are asked for";
            return Err(validation::refuse("/scopes", &refused));
        }
    };
    Ok(no_store(HttpResponse::Ok()).json(json!({ "redirect_to": redirect_to })))
}

fn denied(state: &State, request: &HttpRequest, authorization: &Authorization) -> Option<String> {
    let wrong = ForClient {
        error: "access_denied",
        description: "The user did not allow it",
    };
    back(state, request, authorization).map(|back| back.error(&wrong))
}

pub(super) async fn deny(
    state: Data<State>,
    by: By,
    request: HttpRequest,
    id: Path<String>,
) -> ApiResult<HttpResponse> {
    let digest = handle(&id)?;
    let denied_one = state
        .database
        .run(move |connection| authorizations::deny(connection, &by.0, digest))
        .await?
        .ok_or(ApiError::NoSuchAuthorization)?;
    let redirect_to = denied(&state, &request, &denied_one);
    Ok(no_store(HttpResponse::Ok()).json(json!({ "redirect_to": redirect_to })))
}
