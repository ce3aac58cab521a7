use crate::error::{ApiError, ApiResult};
use crate::state::State;
use crate::wire;
use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use jeton_api_types::{ExposeSecret, Introspection, PresentedToken};
use jeton_http_kit::Form;
use jeton_persistence::tokens;
use jeton_verifier::VerifyError;

/// `POST /v1/introspect`: what there is to say of a token that somebody else has sent ([RFC 7662]). It counts as a use of
/// that token: a service that asks here has been called with it.
///
/// [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662
pub(crate) async fn introspect(state: Data<State>, body: Form<PresentedToken>) -> ApiResult<HttpResponse> {
    let introspection = look(&state, body.0.token.expose_secret()).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(introspection))
}

async fn look(state: &State, token: &str) -> ApiResult<Introspection> {
    let caller = match state.verifier.verify(token).await {
        Ok(caller) => caller,
        Err(VerifyError::Invalid) => return Ok(Introspection::inactive()),
        Err(VerifyError::Unavailable) => return Err(ApiError::TokensUnavailable),
    };
    // The verifier keeps no more than a check needs: when the token was issued stands in the table.
    let (user, id) = (caller.user_id(), caller.token_id());
    let found = state
        .database
        .run(move |connection| tokens::find(connection, user, id))
        .await?;
    Ok(found.map_or_else(Introspection::inactive, |token| {
        wire::introspection(&caller, &token)
    }))
}
