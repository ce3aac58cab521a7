use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::{ApiError, ApiResult};
use crate::routes::me::{check_passwords, is_replaced};
use crate::state::State;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_api_types::ChangePasswordRequest;
use jeton_domain::{AuditContext, TokenId, UserId};
use jeton_http_kit::Json;
use jeton_persistence::{tokens, users};
use jeton_verifier::Caller;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::PUT, "/v1/me/password", Access::LoginToken, change)
        .named(Tag::Account, "changePassword", "Change the password")
        .about("All of the user's tokens but the one that asks are revoked. Twice is as good as once.")
        .counted()
        .answers("The password is changed; the other tokens are revoked, everywhere.")
        .problems([ApiError::WrongPassword])
}

/// Twice is as good as once, as it is with every PUT: a first attempt may have been answered 503.
async fn change(
    state: Data<State>,
    caller: Caller,
    by: By,
    body: Json<ChangePasswordRequest>,
) -> ApiResult<NoContent> {
    let (id, kept) = (caller.user_id(), caller.token_id());
    let current = || wire::password(&body.0.current_password);
    let new = || wire::password(&body.0.new_password);
    loop {
        // The password may be the new one already.
        let (which, verified) = check_passwords(&state, &by.0, id, vec![current(), new()]).await?;
        if which == 1 {
            return finish(&state, by.0, id, kept).await;
        }
        let user = state
            .database
            .run(move |connection| users::find(connection, id))
            .await?;
        let user = user.ok_or(ApiError::TokenGone)?;
        let hash = state
            .choose_password(&by.0, "/new_password", new(), &user.username, user.email.as_ref())
            .await?;

        let of_change = verified.clone();
        let changed = state
            .revoke(by.0.clone(), move |connection, by| {
                users::change_password(connection, by, id, &of_change, &hash, kept)
            })
            .await?;
        if changed {
            return Ok(NoContent);
        }
        // The password that was confirmed is no longer the password.
        if !is_replaced(&state, id, verified).await? {
            return Err(ApiError::WrongPassword);
        }
    }
}

/// Once more what a change does beyond the password: it may not be known to hold.
async fn finish(state: &State, by: AuditContext, id: UserId, kept: TokenId) -> ApiResult<NoContent> {
    state
        .revoke(by, move |connection, by| {
            tokens::revoke_others(connection, by, id, kept)
        })
        .await?;
    Ok(NoContent)
}
