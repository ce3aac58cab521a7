use crate::error::ApiResult;
use crate::initiator::By;
use crate::state::State;
use actix_web::HttpResponse;
use actix_web::web::Data;
use jeton_persistence::tokens;
use jeton_verifier::Caller;

/// `POST /v1/logout`: revokes the token that asks. Gone already, by another logout at the same time, is as good.
pub(crate) async fn log_out(state: Data<State>, caller: Caller, by: By) -> ApiResult<HttpResponse> {
    let (user, token) = (caller.user_id(), caller.token_id());
    let revoked = state
        .database
        .run(move |connection| tokens::log_out(connection, &by.0, user, token))
        .await?;
    state.confirm(revoked).await?;
    Ok(HttpResponse::NoContent().finish())
}
