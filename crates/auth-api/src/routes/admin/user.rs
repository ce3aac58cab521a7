use crate::error::{ApiError, ApiResult};
use crate::initiator::By;
use crate::state::State;
use crate::wire;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use jeton_domain::UserId;
use jeton_persistence::users;
use uuid::Uuid;

/// `GET /v1/admin/users/{id}`: one user.
pub(crate) async fn show(state: Data<State>, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    let id = UserId(id.into_inner());
    let found = state
        .database
        .run(move |connection| users::find(connection, id))
        .await?;
    let user = found.ok_or(ApiError::NoSuchUser)?;
    Ok(HttpResponse::Ok().json(wire::user(user)))
}

/// `DELETE /v1/admin/users/{id}`: deletes a user, with all tokens.
pub(crate) async fn delete(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    let id = UserId(id.into_inner());
    let deleted = state
        .database
        .run(move |connection| users::delete(connection, &by.0, id))
        .await?;
    if state.confirm(deleted).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::NoSuchUser)
    }
}
