use crate::audit_context::By;
use crate::endpoint::{Access, Empty, Endpoint, Tag};
use crate::error::{ApiError, ApiResult};
use crate::revoked_token::Answer;
use crate::state::State;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_api_types::{ExposeSecret, PresentedToken};
use jeton_domain::{PlainToken, REVOKE_TOKENS};
use jeton_http_kit::Form;
use jeton_persistence::tokens::{self, Presented};
use jeton_verifier::Caller;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/v1/revoke", Access::AnyToken, revoke)
        .named(
            Tag::ServicesAndGateways,
            "revokePresentedToken",
            "Revoke a token by its text",
        )
        .about(
            "Revokes the token that is sent along, if it is the asking user's \
            ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)). Somebody else's takes the scope `tokens:revoke`. A \
            token that is not there is as good as revoked.",
        )
        .revokes(Answer::Refused)
        .answers("The token is revoked, everywhere.")
        .problems([ApiError::InsufficientScope(REVOKE_TOKENS.to_owned())])
}

async fn revoke(state: Data<State>, caller: Caller, by: By, body: Form<PresentedToken>) -> ApiResult<Empty> {
    let Ok(digest) = PlainToken::digest_of(body.0.token.expose_secret()) else {
        return Ok(Empty);
    };
    let owner = (!caller.scopes().contains(REVOKE_TOKENS)).then(|| caller.user_id());
    let outcome = state
        .revoke(by.0, move |connection, by| {
            tokens::revoke_presented(connection, by, digest, owner)
        })
        .await?;
    match outcome {
        Presented::NotTheOwners => Err(ApiError::InsufficientScope(REVOKE_TOKENS.to_owned())),
        Presented::Revoked | Presented::Unknown => Ok(Empty),
    }
}
