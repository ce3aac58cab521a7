use crate::error::{ApiError, ApiResult};
use crate::initiator::By;
use crate::state::State;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use jeton_domain::{TokenId, UserId};
use jeton_persistence::tokens;
use uuid::Uuid;

/// `DELETE /v1/admin/users/{id}/tokens/{token}`: revokes one of a user's tokens.
pub(crate) async fn revoke(state: Data<State>, by: By, ids: Path<(Uuid, Uuid)>) -> ApiResult<HttpResponse> {
    let (owner, id) = ids.into_inner();
    let revoked = state
        .database
        .run(move |connection| tokens::revoke(connection, &by.0, UserId(owner), TokenId(id)))
        .await?;
    if state.confirm(revoked).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::NoSuchToken)
    }
}
