//! Revocation ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)) and introspection
//! ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)) for clients: of what they were given themselves.

use super::client_auth::{authenticate, names_a_client};
use super::oauth_error::{OAuthError, OAuthResult};
use super::parameters::OAuthParameters;
use crate::audit_context::By;
use crate::state::State;
use crate::wire;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use jeton_api_types::{Introspection, ProblemResponse};
use jeton_domain::delegation::RefreshToken;
use jeton_domain::{Actor, AuditContext, PlainToken};
use jeton_http_kit::Form;
use jeton_persistence::Turn;
use jeton_persistence::delegation::presented::{self, For, Presented, Revocation};

type Body = Result<Form<OAuthParameters>, ProblemResponse>;

/// What a client sends; `None`: who asks says nothing of a client, and sends no token either.
fn of_client(request: &HttpRequest, body: Body) -> OAuthResult<Option<OAuthParameters>> {
    match body {
        Ok(Form(parameters)) => Ok(Some(parameters).filter(|parameters| names_a_client(request, parameters))),
        Err(_) if !request.headers().contains_key(AUTHORIZATION) => Ok(None),
        Err(problem) => Err(problem.into()),
    }
}

/// What a text can be, if it is one that was given to somebody.
pub(crate) fn read(text: &str) -> Option<Presented> {
    match PlainToken::digest_of(text) {
        Ok(digest) => Some(Presented::Access(digest)),
        Err(_) => RefreshToken::parse(text).ok().map(Presented::Refresh),
    }
}

pub(super) async fn revoke(
    state: Data<State>,
    by: By,
    request: HttpRequest,
    body: Body,
) -> OAuthResult<HttpResponse> {
    let Some(parameters) = of_client(&request, body)? else {
        return Ok(ProblemResponse::missing_token().error_response());
    };
    let client = authenticate(&state, Some(Turn::of(&by.0)), &request, &parameters)
        .await?
        .id;
    let by = AuditContext {
        actor: Actor::Client(client),
        ..by.0
    };
    let text = parameters.need("token", "token is missing")?;
    let Some(presented) = read(text) else {
        return Ok(HttpResponse::Ok().finish());
    };
    let given_back = state.given_back.clone();
    let outcome = state
        .revoke(by, move |connection, by| {
            let noted = |user| given_back.has_room(user);
            presented::revoke(connection, by, &presented, For::Client(client), &noted)
        })
        .await?;
    match outcome {
        Revocation::Done => Ok(HttpResponse::Ok().finish()),
        Revocation::NotTheirs => Err(OAuthError::UNAUTHORIZED_CLIENT),
    }
}

/// Who has no secret is told nothing: whoever finds a token could ask what it is for.
pub(super) async fn introspect(
    state: Data<State>,
    request: HttpRequest,
    body: Body,
) -> OAuthResult<HttpResponse> {
    let Some(parameters) = of_client(&request, body)? else {
        return Ok(ProblemResponse::missing_token().error_response());
    };
    let client = authenticate(&state, None, &request, &parameters).await?;
    if !client.confidential {
        return Err(OAuthError::INVALID_CLIENT);
    }
    let text = parameters.need("token", "token is missing")?;
    let found = match read(text) {
        Some(presented) => {
            let of = For::Client(client.id);
            state
                .database
                .run(move |connection| presented::introspect(connection, &presented, of))
                .await?
        }
        None => None,
    };
    let answer = found.map_or_else(Introspection::inactive, wire::introspected);
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(answer))
}
