use crate::error::{ApiError, ApiResult};
use crate::initiator::By;
use crate::state::State;
use actix_web::HttpResponse;
use actix_web::web::Data;
use jeton_api_types::{ExposeSecret, PresentedToken};
use jeton_domain::{PlainToken, REVOKE_TOKENS};
use jeton_http_kit::Form;
use jeton_persistence::tokens::{self, Presented};
use jeton_verifier::Caller;

/// `POST /v1/revoke`: revokes the token that is sent along, if it is the caller's user's, or whosever it is for a caller
/// with the scope `tokens:revoke` ([RFC 7009]). A token that is not there is as good as revoked.
///
/// [RFC 7009]: https://www.rfc-editor.org/rfc/rfc7009
pub(crate) async fn revoke(
    state: Data<State>,
    caller: Caller,
    by: By,
    body: Form<PresentedToken>,
) -> ApiResult<HttpResponse> {
    let Ok(digest) = PlainToken::digest_of(body.0.token.expose_secret()) else {
        return Ok(HttpResponse::Ok().finish());
    };
    let owner = (!caller.scopes().contains(REVOKE_TOKENS)).then(|| caller.user_id());
    let outcome = state
        .database
        .run(move |connection| tokens::revoke_presented(connection, &by.0, digest, owner))
        .await?;
    match state.confirm(outcome).await? {
        Presented::NotTheOwners => Err(ApiError::InsufficientScope(REVOKE_TOKENS.to_owned())),
        Presented::Revoked | Presented::Unknown => Ok(HttpResponse::Ok().finish()),
    }
}
