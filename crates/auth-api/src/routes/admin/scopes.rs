use crate::error::{ApiError, ApiResult};
use crate::initiator::By;
use crate::state::State;
use crate::validation::{self, refuse};
use crate::wire;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use jeton_api_types::SetScopesRequest;
use jeton_domain::UserId;
use jeton_http_kit::Json;
use jeton_persistence::users;
use uuid::Uuid;

/// `PUT /v1/admin/users/{id}/scopes`: what the user's tokens may do at the most, in place of what it was. Any scope, and
/// `admin` as well: whoever asks holds that.
pub(crate) async fn set(
    state: Data<State>,
    by: By,
    id: Path<Uuid>,
    body: Json<SetScopesRequest>,
) -> ApiResult<HttpResponse> {
    let scopes = validation::scopes(&body.0.scopes).map_err(|refused| refuse("/scopes", &refused))?;
    let id = UserId(id.into_inner());
    let set = state
        .database
        .run(move |connection| users::set_scopes(connection, &by.0, id, &scopes))
        .await?;
    let user = state.confirm(set).await?.ok_or(ApiError::NoSuchUser)?;
    Ok(HttpResponse::Ok().json(wire::user(user)))
}
