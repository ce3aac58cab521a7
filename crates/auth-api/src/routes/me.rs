use crate::audit_context::By;
use crate::delegation::PROFILE;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::{ApiError, ApiResult};
use crate::rate_limit::{self, Attempt, SoFar};
use crate::revoked_token::Answer;
use crate::state::State;
use crate::validation;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_api_types::{Account, DeleteAccountRequest, MeResponse, UpdateAccountRequest};
use jeton_domain::{
    AuditAction, AuditContext, AuditReason, Password, PasswordHash, TokenKind, UserChanges, UserId,
};
use jeton_http_kit::Json;
use jeton_persistence::audit::NewAuditEvent;
use jeton_persistence::rate_limit::Account as Limited;
use jeton_persistence::{PgConnection, tokens, users};
use jeton_verifier::Caller;
use std::time::Duration;

pub(crate) fn endpoints() -> [Endpoint; 3] {
    [
        Endpoint::new(Method::GET, "/v1/me", Access::AnyToken, show)
            .named(Tag::Account, "showMe", "Who am I?")
            .about(
                "The user, and the token that asks. With any token; an app's takes the scope `profile`, and sees no more of the \
                user's scopes than its own.",
            )
            .answers("The user and the token."),
        Endpoint::new(Method::PATCH, "/v1/me", Access::LoginToken, update)
            .named(Tag::Account, "updateMe", "Change one's name or e-mail address")
            .counted()
            .about(
                "Once the password is given again. What is left out stays, and so do the tokens. Answered once every \
                service knows the new name; the old one is anybody's then.",
            )
            .answers("The user.")
            .problems([
                ApiError::WrongPassword,
                ApiError::UsernameTaken,
                ApiError::TooManyAttempts(Duration::ZERO),
            ]),
        Endpoint::new(Method::DELETE, "/v1/me", Access::LoginToken, delete_account)
            .named(Tag::Account, "deleteMe", "Delete the account")
            .about(
                "Deletes the user, with all tokens and whatever services keep for the user in the same database, once \
                the password is given again.",
            )
            .revokes(Answer::Refused)
            .answers("The user is gone.")
            .problems([
                ApiError::WrongPassword,
                ApiError::LastAdmin,
                ApiError::TooManyAttempts(Duration::ZERO),
            ]),
    ]
}

async fn show(state: Data<State>, caller: Caller) -> ApiResult<Json<MeResponse>> {
    // An app sees what it was given, and no e-mail address along with that.
    let is_app = caller.token_kind() == TokenKind::Delegated;
    if is_app && !caller.scopes().contains(PROFILE) {
        return Err(ApiError::InsufficientScope(PROFILE.to_owned()));
    }
    let (user, token) = (caller.user_id(), caller.token_id());
    let found = state
        .database
        .run(move |connection| {
            Ok((
                users::find(connection, user)?,
                tokens::find(connection, user, token)?,
            ))
        })
        .await?;
    match found {
        (Some(user), Some(token)) => Ok(Json(MeResponse {
            user: Account {
                scopes: if is_app { caller.scopes() } else { &user.scopes }.to_texts(),
                ..wire::account(user)
            },
            token: wire::token(token),
        })),
        _ => Err(ApiError::TokenGone),
    }
}

async fn update(
    state: Data<State>,
    caller: Caller,
    by: By,
    body: Json<UpdateAccountRequest>,
) -> ApiResult<Json<Account>> {
    let changes = validation::user_changes(body.0.username.as_deref(), body.0.email.as_ref())?;
    let id = caller.user_id();
    let password = || wire::password(&body.0.password);
    confirmed(&state, &by.0, id, password, async |verified| {
        replace(&state, by.0.clone(), id, verified, changes.clone()).await
    })
    .await
}

/// Changes the user whose password was verified. `None`: its hash is another by now, and is to be verified again.
async fn replace(
    state: &State,
    by: AuditContext,
    id: UserId,
    verified: PasswordHash,
    changes: UserChanges,
) -> ApiResult<Option<Json<Account>>> {
    let of_change = verified.clone();
    let changed = state
        .revoke(by, move |connection, by| {
            users::change_for_password(connection, by, id, &of_change, &changes)
        })
        .await?;
    if let Some(user) = changed {
        return Ok(Some(Json(wire::account(user))));
    }
    none_if_replaced(state, id, verified, ApiError::TokenGone).await
}

async fn delete_account(
    state: Data<State>,
    caller: Caller,
    by: By,
    body: Json<DeleteAccountRequest>,
) -> ApiResult<NoContent> {
    let id = caller.user_id();
    let password = || wire::password(&body.0.password);
    confirmed(&state, &by.0, id, password, async |verified| {
        delete(&state, by.0.clone(), id, verified).await
    })
    .await
}

/// Deletes the user whose password was verified. `None`: its hash is another by now, and is to be verified again.
async fn delete(
    state: &State,
    by: AuditContext,
    id: UserId,
    verified: PasswordHash,
) -> ApiResult<Option<NoContent>> {
    let of_deletion = verified.clone();
    let deleted = state
        .revoke(by, move |connection, by| {
            users::delete_for_password(connection, by, id, &of_deletion)
        })
        .await?;
    if deleted {
        return Ok(Some(NoContent));
    }
    none_if_replaced(state, id, verified, ApiError::TokenGone).await
}

/// Checks the password, and does what takes it, for as long as the hash is the one that was verified. `None` from that: it is
/// another by now, and the password is checked once more. No more than that: of many at once that replace one hash, each
/// would check the password as often as there are others.
pub(crate) async fn confirmed<T>(
    state: &State,
    by: &AuditContext,
    id: UserId,
    password: impl Fn() -> Password,
    mut act: impl AsyncFnMut(PasswordHash) -> ApiResult<Option<T>>,
) -> ApiResult<T> {
    let mut again = true;
    loop {
        let (attempt, verified) = check_password(state, by, id, password()).await?;
        match act(verified).await.transpose() {
            Some(done) => return attempt.finish(done).await,
            None if again => attempt.take_back().await,
            None => return attempt.finish(Err(ApiError::ChangedMeanwhile)).await,
        }
        again = false;
    }
}

/// `None` where there is another hash than the one that was verified: of another password, or a sign-in has made a better
/// one of the same, so that the password is to be checked again. Otherwise this error.
pub(crate) async fn none_if_replaced<T>(
    state: &State,
    id: UserId,
    verified: PasswordHash,
    otherwise: ApiError,
) -> ApiResult<Option<T>> {
    let current = state
        .database
        .run(move |connection| users::find_password_hash(connection, id))
        .await?;
    match current {
        Some(current) if current != verified => Ok(None),
        _ => Err(otherwise),
    }
}

/// The operator should know: to those outside it is a wrong password.
pub(crate) fn log_unreadable(id: UserId) {
    tracing::error!(user_id = %id, "the stored password hash cannot be read: set another password");
}

/// Checks the password that somebody signed in must give again, and gives its hash. It counts as a sign-in does: whoever has
/// got hold of a token must not find out the password with it. That it was wrong is written down.
pub(crate) async fn check_password(
    state: &State,
    by: &AuditContext,
    id: UserId,
    password: Password,
) -> ApiResult<(Attempt, PasswordHash)> {
    check(state, by, id, password, true).await
}

/// Checks another that the same request has. It counts as the first does, and only that is written down.
pub(crate) async fn check_password_again(
    state: &State,
    by: &AuditContext,
    id: UserId,
    password: Password,
) -> ApiResult<(Attempt, PasswordHash)> {
    check(state, by, id, password, false).await
}

async fn check(
    state: &State,
    by: &AuditContext,
    id: UserId,
    password: Password,
    written_down: bool,
) -> ApiResult<(Attempt, PasswordHash)> {
    let read = move |connection: &mut PgConnection| users::find_password_hash(connection, id);
    let (attempt, hash) = rate_limit::begin(state, by, &Limited::User(id), read).await?;
    let is_unreadable = hash.as_ref().is_some_and(|hash| !hash.is_readable());
    let judge = move |right| {
        let failed = NewAuditEvent::new(AuditAction::ConfirmationFailed).of(id);
        match (right, is_unreadable) {
            (true, _) => SoFar::right(failed),
            (false, true) => SoFar::Failed(written_down.then(|| failed.reason(AuditReason::UnreadableHash))),
            (false, false) => SoFar::Failed(written_down.then_some(failed)),
        }
    };
    let attempt = attempt
        .check(&state.hasher, hash.clone(), password, judge)
        .await?;
    if attempt.is_right()
        && let Some(hash) = hash
    {
        return Ok((attempt, hash));
    }
    if is_unreadable {
        log_unreadable(id);
    }
    attempt.fail().await?;
    Err(ApiError::WrongPassword)
}
