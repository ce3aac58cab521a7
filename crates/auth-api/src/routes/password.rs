use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::{ApiError, ApiResult};
use crate::routes::me::{check_password_again, confirmed, none_if_replaced};
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
    let mut hash = None;
    let changed = confirmed(&state, &by.0, id, current, async |verified| {
        let hash = match &hash {
            Some(hash) => PasswordHash::clone(hash),
            None => hash.insert(choose(&state, &by.0, id, new()).await?).clone(),
        };
        replace(&state, &by.0, id, kept, verified, hash).await
    });
    match changed.await {
        // It may be the new one already.
        Err(ApiError::WrongPassword) => repeat(&state, by.0, id, kept, new()).await,
        changed => changed,
    }
}

/// Hashes the new password, if it may be chosen.
async fn choose(state: &State, by: &AuditContext, id: UserId, new: Password) -> ApiResult<PasswordHash> {
    let user = state
        .database
        .run(move |connection| users::find(connection, id))
        .await?;
    let user = user.ok_or(ApiError::TokenGone)?;
    state
        .choose_password(by, "/new_password", new, &user.username, user.email.as_deref())
        .await
}

/// Replaces the password that was verified by the new one. `None`: its hash is another by now, and is to be verified again.
async fn replace(
    state: &State,
    by: &AuditContext,
    id: UserId,
    kept: TokenId,
    verified: PasswordHash,
    hash: PasswordHash,
) -> ApiResult<Option<NoContent>> {
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
