use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::ApiResult;
use crate::revoked_token::Answer;
use crate::state::State;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_domain::TokenKind;
use jeton_persistence::tokens;
use jeton_verifier::Caller;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/v1/logout", Access::AnyToken, log_out)
        .named(Tag::SigningIn, "logOut", "Log out")
        .about(
            "Revokes the token that asks. It is answered once no service anywhere accepts it any more; a token that is \
            revoked already is 204 as well.",
        )
        .revokes(Answer::Done)
        .answers("The token is revoked, everywhere.")
}

/// Gone already, by another logout at the same time, is as good.
async fn log_out(state: Data<State>, caller: Caller, by: By) -> ApiResult<NoContent> {
    let (user, token) = (caller.user_id(), caller.token_id());
    let noted = caller.token_kind() != TokenKind::Delegated || state.given_back.has_room(user);
    state
        .revoke(by.0, move |connection, by| {
            tokens::log_out(connection, by, user, token, noted)
        })
        .await?;
    Ok(NoContent)
}
