use crate::error::{ApiError, ApiResult};
use crate::initiator::By;
use crate::state::State;
use crate::validation::{self, Refusals};
use crate::wire;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use jeton_api_types::{CreateTokenRequest, TokenList};
use jeton_domain::{NewToken, PlainToken, TokenId, TokenName};
use jeton_http_kit::{Json, Page};
use jeton_persistence::tokens;
use jeton_verifier::Caller;
use std::sync::Arc;
use uuid::Uuid;

/// `GET /v1/tokens`: the user's valid tokens, newest first, a page at a time.
pub(crate) async fn list(state: Data<State>, caller: Caller, page: Query<Page>) -> ApiResult<HttpResponse> {
    let (user, after, limit) = (caller.user_id(), page.after.map(TokenId), page.limit.get());
    let found = state
        .database
        .run(move |connection| tokens::list(connection, user, after, limit + 1))
        .await?;
    let (tokens, next) = page.cut(found.into_iter().map(wire::token).collect(), |token| token.id);
    Ok(HttpResponse::Ok().json(TokenList { tokens, next }))
}

/// `POST /v1/tokens`: a personal token, for a program.
pub(crate) async fn create(
    state: Data<State>,
    caller: Caller,
    by: By,
    body: Json<CreateTokenRequest>,
) -> ApiResult<HttpResponse> {
    let (plain, token) = new_personal(&state, &body.0)?;
    caller.scopes().grant(Some(token.scopes.clone()))?;
    let (user, with) = (caller.user_id(), caller.token_id());
    let (by, token) = (by.0, Arc::new(token));
    let issued = state
        .issue(move |connection| tokens::issue_by_token(connection, &by, user, with, &token))
        .await?;
    // Whatever the reason is, a check of the token would say that it is not valid.
    let token = issued.map_err(|_| ApiError::TokenGone)?;
    Ok(wire::issued(
        StatusCode::CREATED,
        &plain,
        wire::summary(user, caller.username()),
        token,
    ))
}

/// The personal token that a body asks for, whosever it will be.
pub(crate) fn new_personal(state: &State, body: &CreateTokenRequest) -> ApiResult<(PlainToken, NewToken)> {
    let mut refusals = Refusals::default();
    let name = refusals.take("/name", TokenName::parse(&body.name));
    let scopes = refusals.take("/scopes", validation::scopes(&body.scopes));
    let lifetime = state.tokens.lifetime.for_personal(body.expires_in);
    let lifetime = refusals.take("/expires_in", lifetime);
    let (Some(name), Some(scopes), Some(lifetime)) = (name, scopes, lifetime) else {
        return Err(refusals.into());
    };
    let (id, limit) = (TokenId(Uuid::now_v7()), state.tokens.user_limit);
    Ok(NewToken::personal(
        &mut rand::rng(),
        id,
        name,
        scopes,
        lifetime,
        limit,
    ))
}
