use crate::attempt::{admit, hashed};
use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::{ApiError, ApiResult};
use crate::gone::Answer;
use crate::state::State;
use crate::validation;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_api_types::{Account, DeleteAccountRequest, MeResponse, UpdateAccountRequest};
use jeton_domain::{AuditAction, AuditContext, AuditReason, Password, PasswordHash, UserId};
use jeton_http_kit::Json;
use jeton_persistence::audit::{self, NewAuditEvent};
use jeton_persistence::rate_limit;
use jeton_persistence::{PgConnection, tokens, users};
use jeton_verifier::Caller;
use std::time::Duration;

pub(crate) fn endpoints() -> [Endpoint; 3] {
    [
        Endpoint::new(Method::GET, "/v1/me", Access::AnyToken, show)
            .named(Tag::Account, "showMe", "Who am I?")
            .about("The user, and the token that asks. With any token.")
            .answers("The user and the token."),
        Endpoint::new(Method::PATCH, "/v1/me", Access::LoginToken, update)
            .named(Tag::Account, "updateMe", "Change one's name or e-mail address")
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
            user: wire::account(user),
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
    loop {
        let password = wire::password(&body.0.password);
        let (_, verified) = check_passwords(&state, &by.0, id, vec![password]).await?;
        let (of_change, audit_context, changes) = (verified.clone(), by.0.clone(), changes.clone());
        let changed = state
            .database
            .run(move |connection| {
                users::change_for_password(connection, &audit_context, id, &of_change, &changes)
            })
            .await?;
        if let Some(user) = state.confirm(changed).await? {
            return Ok(Json(wire::account(user)));
        }
        if !is_replaced(&state, id, verified).await? {
            return Err(ApiError::TokenGone);
        }
    }
}

async fn delete_account(
    state: Data<State>,
    caller: Caller,
    by: By,
    body: Json<DeleteAccountRequest>,
) -> ApiResult<NoContent> {
    let id = caller.user_id();
    loop {
        let password = wire::password(&body.0.password);
        let (_, verified) = check_passwords(&state, &by.0, id, vec![password]).await?;
        let (of_deletion, audit_context) = (verified.clone(), by.0.clone());
        let deleted = state
            .database
            .run(move |connection| users::delete_for_password(connection, &audit_context, id, &of_deletion))
            .await?;
        if state.confirm(deleted).await? {
            return Ok(NoContent);
        }
        if !is_replaced(&state, id, verified).await? {
            return Err(ApiError::TokenGone);
        }
    }
}

/// Whether there is another hash than the one that was verified: of another password, or a sign-in has made a better one
/// of the same, so that the password is to be checked again. A better one costs more, which comes to an end.
pub(crate) async fn is_replaced(state: &State, id: UserId, verified: PasswordHash) -> ApiResult<bool> {
    let current = state
        .database
        .run(move |connection| users::find_password_hash(connection, id))
        .await?;
    Ok(current.is_some_and(|current| current != verified))
}

/// The operator should know: to those outside it is a wrong password.
pub(crate) fn log_unreadable(id: UserId) {
    tracing::error!(user_id = %id, "the stored password hash cannot be read: set another password");
}

/// Checks passwords one of which somebody signed in must give again: which it is, and its hash. It counts as one sign-in
/// does, however many there are: whoever has got hold of a token must not find out the password with it. That none was
/// the one is written down.
pub(crate) async fn check_passwords(
    state: &State,
    by: &AuditContext,
    id: UserId,
    passwords: Vec<Password>,
) -> ApiResult<(usize, PasswordHash)> {
    let read = move |connection: &mut PgConnection| users::find_password_hash(connection, id);
    let hash = admit(state, by, &rate_limit::Account::User(id), read).await?;
    let network = rate_limit::network(by.address);
    let verify = state.hasher.verify(network, hash.clone(), passwords);
    let right = hashed(state, by, rate_limit::Account::User(id), verify).await?;
    let by = by.clone();
    let (Some(right), Some(hash)) = (right, &hash) else {
        let mut event = NewAuditEvent::new(AuditAction::ConfirmationFailed).of(id);
        if hash.is_some_and(|hash| !hash.is_readable()) {
            log_unreadable(id);
            event = event.reason(AuditReason::UnreadableHash);
        }
        state
            .database
            .run(move |connection| audit::record(connection, &by, &event))
            .await?;
        return Err(ApiError::WrongPassword);
    };
    state
        .database
        .run(move |connection| rate_limit::succeed(connection, &by, id))
        .await?;
    Ok((right, hash.clone()))
}
