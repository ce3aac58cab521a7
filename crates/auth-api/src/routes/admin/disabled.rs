use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, Tag};
use crate::error::{ApiError, ApiResult};
use crate::revoked_token::Answer;
use crate::state::State;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::{Data, Path};
use jeton_api_types::UserInfo;
use jeton_domain::{ADMIN, UserId};
use jeton_http_kit::Json;
use jeton_persistence::users;
use uuid::Uuid;

pub(crate) fn endpoints() -> [Endpoint; 2] {
    [
        Endpoint::new(
            Method::POST,
            "/v1/admin/users/{id}/disable",
            Access::Scope(ADMIN),
            disable,
        )
        .named(Tag::Administration, "disableUser", "Disable a user")
        .about(
            "Keeps the user out, tokens and all. Twice is as good as once. The tokens stay, and are accepted again once \
            the user is enabled: revoke them as well, if they may be in wrong hands.",
        )
        .revokes(Answer::Refused)
        .answers("The user is disabled; no service accepts the tokens.")
        .problems([ApiError::NoSuchUser, ApiError::LastAdmin]),
        Endpoint::new(
            Method::POST,
            "/v1/admin/users/{id}/enable",
            Access::Scope(ADMIN),
            enable,
        )
        .named(Tag::Administration, "enableUser", "Enable a user")
        .about("Lets the user in again, with the tokens from before.")
        .answers("The user.")
        .problems([ApiError::NoSuchUser]),
    ]
}

async fn disable(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<Json<UserInfo>> {
    let id = UserId(id.into_inner());
    let disabled = state
        .revoke(by.0, move |connection, by| users::disable(connection, by, id))
        .await?;
    let user = disabled.ok_or(ApiError::NoSuchUser)?;
    Ok(Json(wire::user(user)))
}

async fn enable(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<Json<UserInfo>> {
    let id = UserId(id.into_inner());
    let enabled = state
        .database
        .run(move |connection| users::enable(connection, &by.0, id))
        .await?;
    let user = enabled.ok_or(ApiError::NoSuchUser)?;
    Ok(Json(wire::user(user)))
}
