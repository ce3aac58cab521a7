use crate::audit_context::By;
use crate::delegation::{self, OAuthError};
use crate::endpoint::{Access, Empty, Endpoint, Tag};
use crate::error::{ApiError, ApiResult};
use crate::revoked_token::Answer;
use crate::state::State;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_api_types::{ExposeSecret, PresentedToken};
use jeton_domain::{AuditContext, REVOKE_TOKENS};
use jeton_http_kit::Form;
use jeton_persistence::PgConnection;
use jeton_persistence::delegation::presented::{self, For, Presented, Revocation};
use jeton_persistence::tokens;
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
            token that is not there is as good as revoked. A client that says who it is revokes what it was given: with a \
            refresh token, all access tokens by the user's grant. What the user has consented to stays, and so do the client's \
            other refresh tokens.",
        )
        .revokes(Answer::Refused)
        .answers("The token is revoked, everywhere.")
        .problems([ApiError::InsufficientScope(REVOKE_TOKENS.to_owned())])
        .of_clients([OAuthError::UNAUTHORIZED_CLIENT])
}

async fn revoke(state: Data<State>, caller: Caller, by: By, body: Form<PresentedToken>) -> ApiResult<Empty> {
    let owner = (!caller.scopes().contains(REVOKE_TOKENS)).then(|| caller.user_id());
    let digest = match delegation::read_presented(body.0.token.expose_secret()) {
        Some(Presented::Access(digest)) => digest,
        Some(refresh @ Presented::Refresh(_)) => {
            let of = owner.map_or(For::Anybody, For::User);
            let revoke = move |connection: &mut PgConnection, by: &AuditContext| {
                presented::revoke(connection, by, &refresh, of, &|_| true)
            };
            return match state.revoke(by.0, revoke).await? {
                Revocation::Done => Ok(Empty),
                Revocation::NotTheirs => Err(ApiError::InsufficientScope(REVOKE_TOKENS.to_owned())),
            };
        }
        None => return Ok(Empty),
    };
    let given_back = state.given_back.clone();
    let outcome = state
        .revoke(by.0, move |connection, by| {
            tokens::revoke_presented(connection, by, digest, owner, &|user| given_back.has_room(user))
        })
        .await?;
    match outcome {
        tokens::Presented::NotTheOwners => Err(ApiError::InsufficientScope(REVOKE_TOKENS.to_owned())),
        tokens::Presented::Revoked | tokens::Presented::Unknown => Ok(Empty),
    }
}
