use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::{ApiError, ApiResult};
use crate::revoked_token::Answer;
use crate::state::State;
use crate::validation;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::{Data, Path};
use jeton_api_types::{UpdateUserRequest, UserInfo};
use jeton_domain::{ADMIN, UserId};
use jeton_http_kit::Json;
use jeton_persistence::users;
use uuid::Uuid;

const PATH: &str = "/v1/admin/users/{id}";

pub(crate) fn endpoints() -> [Endpoint; 3] {
    [
        Endpoint::new(Method::GET, PATH, Access::Scope(ADMIN), show)
            .named(Tag::Administration, "showUser", "Show a user")
            .answers("The user.")
            .problems([ApiError::NoSuchUser]),
        Endpoint::new(Method::PATCH, PATH, Access::Scope(ADMIN), update)
            .named(Tag::Administration, "updateUser", "Rename a user, or set the e-mail address")
            .about("What is left out stays. The tokens stay as well. Answered once every service knows the new name.")
            .answers("The user.")
            .problems([ApiError::NoSuchUser, ApiError::UsernameTaken]),
        Endpoint::new(Method::DELETE, PATH, Access::Scope(ADMIN), delete)
            .named(Tag::Administration, "deleteUser", "Delete a user")
            .about("With all tokens, and whatever services keep for the user in the same database.")
            .revokes(Answer::Refused)
            .answers("The user is gone; the tokens are revoked, everywhere.")
            .problems([ApiError::NoSuchUser, ApiError::LastAdmin]),
    ]
}

async fn show(state: Data<State>, id: Path<Uuid>) -> ApiResult<Json<UserInfo>> {
    let id = UserId(id.into_inner());
    let found = state
        .database
        .run(move |connection| users::find(connection, id))
        .await?;
    let user = found.ok_or(ApiError::NoSuchUser)?;
    Ok(Json(wire::user(user)))
}

async fn update(
    state: Data<State>,
    by: By,
    id: Path<Uuid>,
    body: Json<UpdateUserRequest>,
) -> ApiResult<Json<UserInfo>> {
    let changes = validation::user_changes(body.0.username.as_deref(), body.0.email.as_ref())?;
    let id = UserId(id.into_inner());
    let changed = state
        .revoke(by.0, move |connection, by| {
            users::change(connection, by, id, &changes)
        })
        .await?;
    let user = changed.ok_or(ApiError::NoSuchUser)?;
    Ok(Json(wire::user(user)))
}

async fn delete(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<NoContent> {
    let id = UserId(id.into_inner());
    let deleted = state
        .revoke(by.0, move |connection, by| users::delete(connection, by, id))
        .await?;
    if deleted {
        Ok(NoContent)
    } else {
        Err(ApiError::NoSuchUser)
    }
}
