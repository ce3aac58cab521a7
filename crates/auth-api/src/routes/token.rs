use crate::error::{ApiError, ApiResult};
use crate::initiator::By;
use crate::state::State;
use crate::validation::refuse;
use crate::wire;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use jeton_api_types::RenameTokenRequest;
use jeton_domain::{TokenId, TokenName};
use jeton_http_kit::Json;
use jeton_persistence::tokens;
use jeton_verifier::Caller;
use uuid::Uuid;

/// `PATCH /v1/tokens/{id}`: gives one of the user's tokens another name.
pub(crate) async fn rename(
    state: Data<State>,
    caller: Caller,
    by: By,
    id: Path<Uuid>,
    body: Json<RenameTokenRequest>,
) -> ApiResult<HttpResponse> {
    let name = TokenName::parse(&body.0.name).map_err(|refused| refuse("/name", &refused))?;
    let (owner, id) = (caller.user_id(), TokenId(id.into_inner()));
    let renamed = state
        .database
        .run(move |connection| tokens::rename(connection, &by.0, owner, id, &name))
        .await?;
    let token = renamed.ok_or(ApiError::NoSuchToken)?;
    Ok(HttpResponse::Ok().json(wire::token(token)))
}

/// `DELETE /v1/tokens/{id}`: revokes one of the user's tokens.
pub(crate) async fn revoke(
    state: Data<State>,
    caller: Caller,
    by: By,
    id: Path<Uuid>,
) -> ApiResult<HttpResponse> {
    let (owner, id) = (caller.user_id(), TokenId(id.into_inner()));
    let revoked = state
        .database
        .run(move |connection| tokens::revoke(connection, &by.0, owner, id))
        .await?;
    if state.confirm(revoked).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::NoSuchToken)
    }
}
