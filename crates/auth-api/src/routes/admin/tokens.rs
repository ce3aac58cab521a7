use crate::error::{ApiError, ApiResult};
use crate::initiator::By;
use crate::routes::tokens::new_personal;
use crate::state::State;
use crate::wire;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use jeton_api_types::{CreateTokenRequest, LogoutAllResponse, TokenList};
use jeton_domain::{TokenId, User, UserId};
use jeton_http_kit::{Json, Page};
use jeton_persistence::{tokens, users};
use std::sync::Arc;
use uuid::Uuid;

/// `GET /v1/admin/users/{id}/tokens`: a user's valid tokens, newest first, a page at a time.
pub(crate) async fn list(state: Data<State>, id: Path<Uuid>, page: Query<Page>) -> ApiResult<HttpResponse> {
    let id = UserId(id.into_inner());
    let (after, limit) = (page.after.map(TokenId), page.limit.get());
    let (user, found) = state
        .database
        .run(move |connection| {
            let user = users::find(connection, id)?;
            Ok((user, tokens::list(connection, id, after, limit + 1)?))
        })
        .await?;
    user.ok_or(ApiError::NoSuchUser)?;
    let (tokens, next) = page.cut(found.into_iter().map(wire::token).collect(), |token| token.id);
    Ok(HttpResponse::Ok().json(TokenList { tokens, next }))
}

/// `POST /v1/admin/users/{id}/tokens`: a token for a service account. Not for a person: with it, one could do in
/// somebody's name what nobody would know was not theirs.
pub(crate) async fn create(
    state: Data<State>,
    by: By,
    id: Path<Uuid>,
    body: Json<CreateTokenRequest>,
) -> ApiResult<HttpResponse> {
    let (plain, token) = new_personal(&state, &body.0)?;
    let id = UserId(id.into_inner());
    let user = find_service(&state, id).await?;
    user.scopes.grant(Some(token.scopes.clone()))?;
    let (by, token) = (by.0, Arc::new(token));
    let issued = state
        .issue(move |connection| tokens::issue_for_service(connection, &by, id, &token))
        .await?;
    // Refused: disabled, deleted or given a password since it was found.
    let token = issued?;
    let summary = wire::summary(id, user.username.as_str());
    Ok(wire::issued(StatusCode::CREATED, &plain, summary, token))
}

async fn find_service(state: &State, id: UserId) -> ApiResult<User> {
    let found = state
        .database
        .run(move |connection| users::find(connection, id))
        .await?;
    let user = found.ok_or(ApiError::NoSuchUser)?;
    if !user.service {
        return Err(ApiError::NotAServiceAccount);
    }
    if user.disabled_at.is_some() {
        return Err(ApiError::UserDisabled);
    }
    Ok(user)
}

/// `DELETE /v1/admin/users/{id}/tokens`: revokes all of a user's tokens.
pub(crate) async fn revoke_all(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    let id = UserId(id.into_inner());
    let revoked = state
        .database
        .run(move |connection| {
            let user = users::find(connection, id)?;
            let revoked = tokens::revoke_all(connection, &by.0, id)?;
            Ok(revoked.map(|revoked| user.and(Some(revoked))))
        })
        .await?;
    let revoked = state.confirm(revoked).await?.ok_or(ApiError::NoSuchUser)?;
    Ok(HttpResponse::Ok().json(LogoutAllResponse {
        revoked: revoked as u64,
    }))
}
