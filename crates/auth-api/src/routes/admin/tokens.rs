use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, Issued, Tag};
use crate::error::{ApiError, ApiResult};
use crate::revoked_token::Answer;
use crate::routes::tokens::{new_personal, personal_token};
use crate::state::State;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::{Data, Path, Query};
use jeton_api_types::{CreateTokenRequest, LogoutAllResponse, TokenList};
use jeton_domain::{ADMIN, TokenId, User, UserId};
use jeton_http_kit::{Json, Page};
use jeton_persistence::{tokens, users};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

const PATH: &str = "/v1/admin/users/{id}/tokens";

pub(crate) fn endpoints() -> [Endpoint; 3] {
    [
        Endpoint::new(Method::GET, PATH, Access::Scope(ADMIN), list)
            .named(Tag::Administration, "listUserTokens", "List a user's tokens")
            .about("Valid ones, newest first. Never their texts.")
            .answers("A page of them.")
            .problems([ApiError::NoSuchUser]),
        Endpoint::new(Method::POST, PATH, Access::Scope(ADMIN), create)
            .named(
                Tag::Administration,
                "createUserToken",
                "Create a service account's token",
            )
            .about("For service accounts only: people make their own.")
            .answers("The token. Its text is shown this once.")
            .example(personal_token(
                json!({ "id": "01a20a08-7b1e-7cc2-93a5-3df0c2a8f6d1", "username": "nightly-backup" }),
            ))
            .problems([
                ApiError::ScopeNotHeld,
                ApiError::NoSuchUser,
                ApiError::NotAServiceAccount,
                ApiError::UserDisabled,
                ApiError::TooManyTokens,
            ]),
        Endpoint::new(Method::DELETE, PATH, Access::Scope(ADMIN), revoke_all)
            .named(
                Tag::Administration,
                "revokeUserTokens",
                "Revoke all of a user's tokens",
            )
            .revokes(Answer::Refused)
            .answers("They are revoked, everywhere.")
            .problems([ApiError::NoSuchUser]),
    ]
}

async fn list(state: Data<State>, id: Path<Uuid>, page: Query<Page>) -> ApiResult<Json<TokenList>> {
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
    Ok(Json(TokenList { tokens, next }))
}

/// Not for a person: with it, one could do in somebody's name what nobody would know was not theirs.
async fn create(
    state: Data<State>,
    by: By,
    id: Path<Uuid>,
    body: Json<CreateTokenRequest>,
) -> ApiResult<Issued<201>> {
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
    Ok(wire::issued(&plain, summary, token))
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

async fn revoke_all(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<Json<LogoutAllResponse>> {
    let id = UserId(id.into_inner());
    let revoked = state
        .revoke(by.0, move |connection, by| {
            let user = users::find(connection, id)?;
            let revoked = tokens::revoke_all(connection, by, id)?;
            Ok(revoked.map(|revoked| user.and(Some(revoked))))
        })
        .await?
        .ok_or(ApiError::NoSuchUser)?;
    Ok(Json(LogoutAllResponse {
        revoked: revoked as u64,
    }))
}
