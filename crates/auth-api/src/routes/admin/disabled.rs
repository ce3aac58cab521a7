use crate::error::{ApiError, ApiResult};
use crate::initiator::By;
use crate::state::State;
use crate::wire;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use jeton_domain::UserId;
use jeton_persistence::users;
use uuid::Uuid;

/// `POST /v1/admin/users/{id}/disable`: keeps the user out, tokens and all. Twice is as good as once.
pub(crate) async fn disable(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    let id = UserId(id.into_inner());
    let disabled = state
        .database
        .run(move |connection| users::disable(connection, &by.0, id))
        .await?;
    let user = state.confirm(disabled).await?.ok_or(ApiError::NoSuchUser)?;
    Ok(HttpResponse::Ok().json(wire::user(user)))
}

/// `POST /v1/admin/users/{id}/enable`: lets the user in again, with the tokens from before.
pub(crate) async fn enable(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    let id = UserId(id.into_inner());
    let enabled = state
        .database
        .run(move |connection| users::enable(connection, &by.0, id))
        .await?;
    let user = enabled.ok_or(ApiError::NoSuchUser)?;
    Ok(HttpResponse::Ok().json(wire::user(user)))
}
