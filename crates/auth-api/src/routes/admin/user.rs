use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
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

const PATH: &str = "/v1/admin/users/{id}";

pub(crate) fn endpoints() -> [Endpoint; 2] {
    [
        Endpoint::new(Method::GET, PATH, Access::Scope(ADMIN), show)
            .named(Tag::Administration, "showUser", "Show a user")
            .answers("The user.")
            .problems([ApiError::NoSuchUser]),
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
