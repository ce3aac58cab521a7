use crate::error::{ApiError, ApiResult};
use crate::initiator::By;
use crate::state::State;
use crate::wire;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use jeton_api_types::SetPasswordRequest;
use jeton_domain::UserId;
use jeton_http_kit::Json;
use jeton_persistence::users;
use uuid::Uuid;

/// `PUT /v1/admin/users/{id}/password`: gives the user a password, and revokes all the user's tokens.
pub(crate) async fn set(
    state: Data<State>,
    by: By,
    id: Path<Uuid>,
    body: Json<SetPasswordRequest>,
) -> ApiResult<HttpResponse> {
    let id = UserId(id.into_inner());
    let found = state
        .database
        .run(move |connection| users::find(connection, id))
        .await?;
    let user = found.ok_or(ApiError::NoSuchUser)?;
    if user.service && !body.0.allow_sign_in {
        return Err(ApiError::ServiceAccount);
    }
    let password = wire::password(&body.0.password);
    let hash = state
        .choose_password(&by.0, "/password", password, &user.username, user.email.as_ref())
        .await?;
    let set = state
        .database
        .run(move |connection| users::set_password(connection, &by.0, id, &hash))
        .await?;
    if state.confirm(set).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::NoSuchUser)
    }
}
