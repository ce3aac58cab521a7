use crate::error::{ApiError, ApiResult};
use crate::initiator::By;
use crate::state::State;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use jeton_domain::UserId;
use jeton_persistence::rate_limit;
use uuid::Uuid;

/// `POST /v1/admin/users/{id}/unblock`: forgets the failed sign-ins to the account, so that its owner is let in at once.
/// Twice is as good as once.
pub(crate) async fn unblock(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    let id = UserId(id.into_inner());
    let unblocked = state
        .database
        .run(move |connection| rate_limit::unblock(connection, &by.0, id))
        .await?;
    if unblocked {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::NoSuchUser)
    }
}
