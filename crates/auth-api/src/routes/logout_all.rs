use crate::error::ApiResult;
use crate::initiator::By;
use crate::state::State;
use actix_web::HttpResponse;
use actix_web::web::Data;
use jeton_api_types::LogoutAllResponse;
use jeton_persistence::tokens;
use jeton_verifier::Caller;

/// `POST /v1/logout-all`: revokes all of the user's tokens, the one that asks included.
pub(crate) async fn log_out_everywhere(
    state: Data<State>,
    caller: Caller,
    by: By,
) -> ApiResult<HttpResponse> {
    let user = caller.user_id();
    let revoked = state
        .database
        .run(move |connection| tokens::revoke_all(connection, &by.0, user))
        .await?;
    let revoked = state.confirm(revoked).await?;
    Ok(HttpResponse::Ok().json(LogoutAllResponse {
        revoked: revoked as u64,
    }))
}
