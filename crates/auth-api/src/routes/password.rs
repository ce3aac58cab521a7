use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::{ApiError, ApiResult};
use crate::routes::me::{check_password, check_password_again, none_if_replaced};
use crate::state::State;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_api_types::ChangePasswordRequest;
use jeton_domain::{AuditContext, Password, PasswordHash, TokenId, UserId};
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
        let (attempt, verified) = match check_password(&state, &by.0, id, current()).await {
            // It may be the new one already.
            Err(ApiError::WrongPassword) => return repeat(&state, by.0, id, kept, new()).await,
            checked => checked?,
        };
        let replaced = replace(&state, &by.0, id, kept, verified, new()).await;
        if let Some(done) = attempt.finish_or_take_back(replaced).await? {
            return Ok(done);
        }
    }
}

/// Replaces the password that was verified by the new one. `None`: its hash is another by now, and is to be verified again.
async fn replace(
    state: &State,
    by: &AuditContext,
    id: UserId,
    kept: TokenId,
    verified: PasswordHash,
    new: Password,
) -> ApiResult<Option<NoContent>> {
    let user = state
        .database
        .run(move |connection| users::find(connection, id))
        .await?;
    let user = user.ok_or(ApiError::TokenGone)?;
    let hash = state
        .choose_password(by, "/new_password", new, &user.username, user.email.as_deref())
        .await?;
    let of_change = verified.clone();
    let changed = state
        .revoke(by.clone(), move |connection, by| {
            users::change_password(connection, by, id, &of_change, &hash, kept)
        })
        .await?;
    if changed {
        return Ok(Some(NoContent));
    }
    none_if_replaced(state, id, verified, ApiError::WrongPassword).await
}

/// Once more what a change does beyond the password, if the password is the new one: it may not be known to hold. Whether it
/// is, is another guess, and counts as one.
async fn repeat(
    state: &State,
    by: AuditContext,
    id: UserId,
    kept: TokenId,
    new: Password,
) -> ApiResult<NoContent> {
    let (attempt, _) = match check_password_again(state, &by, id, new).await {
        // Not to be made now; and the one that was made before it has failed.
        Err(ApiError::TooManyAttempts(_)) => return Err(ApiError::WrongPassword),
        checked => checked?,
    };
    attempt.finish(revoke_others(state, by, id, kept).await).await
}

async fn revoke_others(state: &State, by: AuditContext, id: UserId, kept: TokenId) -> ApiResult<NoContent> {
    state
        .revoke(by, move |connection, by| {
            tokens::revoke_others(connection, by, id, kept)
        })
        .await?;
    Ok(NoContent)
}
