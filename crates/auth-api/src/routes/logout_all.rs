use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, Tag};
use crate::error::ApiResult;
use crate::revoked_token::Answer;
use crate::state::State;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_api_types::LogoutAllResponse;
use jeton_http_kit::Json;
use jeton_persistence::tokens;
use jeton_verifier::Caller;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(
        Method::POST,
        "/v1/logout-all",
        Access::LoginToken,
        log_out_everywhere,
    )
    .named(Tag::SigningIn, "logOutEverywhere", "Log out everywhere")
    .about("Revokes all of the user's tokens, the one that asks included.")
    .revokes(Answer::Refused)
    .answers("They are revoked, everywhere.")
}

async fn log_out_everywhere(
    state: Data<State>,
    caller: Caller,
    by: By,
) -> ApiResult<Json<LogoutAllResponse>> {
    let user = caller.user_id();
    let revoked = state
        .revoke(by.0, move |connection, by| {
            tokens::revoke_all(connection, by, user)
        })
        .await?;
    Ok(Json(LogoutAllResponse {
        revoked: revoked as u64,
    }))
}
