use crate::delegation;
use crate::endpoint::{Access, Endpoint, NoStore, Tag};
use crate::error::{ApiError, ApiResult};
use crate::state::State;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_api_types::{ExposeSecret, Introspection, PresentedToken};
use jeton_domain::INTROSPECT_TOKENS;
use jeton_http_kit::Form;
use jeton_persistence::delegation::presented::{self, For};
use jeton_persistence::tokens;
use jeton_verifier::VerifyError;
use serde_json::json;

pub(crate) fn endpoint() -> Endpoint {
    let access = Access::Scope(INTROSPECT_TOKENS);
    Endpoint::new(Method::POST, "/v1/introspect", access, introspect)
        .named(Tag::ServicesAndGateways, "introspect", "Introspect a token")
        .about(
            "What there is to say of a token that somebody has sent \
            ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)). A client with a secret asks about what it was given.",
        )
        .answers("What there is to say of it; of a token that is not valid, nothing else.")
        .other_example("valid", "not valid", json!({ "active": false }))
        .of_clients([])
}

/// It counts as a use of the token: a service that asks here has been called with it.
async fn introspect(state: Data<State>, body: Form<PresentedToken>) -> ApiResult<NoStore<Introspection>> {
    let text = body.0.token.expose_secret();
    if let Some(presented) = delegation::read_presented(text) {
        let found = state
            .database
            .run(move |connection| presented::introspect(connection, &presented, For::Anybody))
            .await?;
        if let Some(found) = found {
            return Ok(NoStore(wire::introspected(found)));
        }
    }
    look(&state, text).await.map(NoStore)
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
