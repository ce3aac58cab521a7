use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, Issued, Tag};
use crate::error::{ApiError, ApiResult};
use crate::rate_limit::{self, Attempt, SoFar};
use crate::routes::me::log_unreadable;
use crate::state::State;
use crate::validation::{self, Refusals};
use crate::wire;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_api_types::LoginRequest;
use jeton_domain::{
    AuditAction, AuditContext, AuditReason, NewToken, Password, PasswordHash, ScopeSet, TokenId,
    TokenLifetime, TokenName, User, UserId, UsernameKey,
};
use jeton_http_kit::JsonOrForm;
use jeton_persistence::audit::NewAuditEvent;
use jeton_persistence::rate_limit::Account;
use jeton_persistence::tokens::Refusal;
use jeton_persistence::{PgConnection, tokens, users};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/v1/login", Access::Public, log_in)
        .named(Tag::SigningIn, "logIn", "Sign in")
        .about(
            "A token for username and password. Beyond the number of tokens that a user may have, the login token that \
            was not used for longest is revoked. An unknown user, a wrong password and a disabled user look the same.",
        )
        .answers("A token.")
        .problems([
            ApiError::InvalidCredentials,
            ApiError::ScopeNotHeld,
            ApiError::TooManyTokens,
            ApiError::TooManyAttempts(Duration::ZERO),
        ])
}

/// What is asked of the token, read before anything is spent on it.
struct RequestedToken {
    name: TokenName,
    scopes: Option<ScopeSet>,
    lifetime: TokenLifetime,
}

async fn log_in(state: Data<State>, by: By, body: JsonOrForm<LoginRequest>) -> ApiResult<Issued<200>> {
    let JsonOrForm(body) = body;
    let requested = requested(&body, state.tokens.lifetime)?;
    let mut first = true;
    loop {
        match sign_in(&state, &by.0, &body, &requested).await? {
            Ok(answer) => return Ok(answer),
            // Another sign-in may have replaced the hash by a better one of the same password, or its owner may have set
            // the same one: then once more.
            Err((attempt, _)) if first => attempt.take_back().await,
            // It may be right still, and nobody is told that it is wrong before it was found to be.
            Err((attempt, Refusal::PasswordChanged)) => {
                return attempt.finish(Err(ApiError::ChangedMeanwhile)).await;
            }
            Err((attempt, _)) => return attempt.finish(Err(ApiError::InvalidCredentials)).await,
        }
        first = false;
    }
}

/// Within, the attempt is still in flight: when it came to issuing the token, the user was no longer as the password was
/// verified with.
async fn sign_in(
    state: &State,
    by: &AuditContext,
    body: &LoginRequest,
    requested: &RequestedToken,
) -> ApiResult<Result<Issued<200>, (Attempt, Refusal)>> {
    let password = || wire::password(&body.password);
    let (attempt, user, verified) = authenticate(state, by, &body.username, password()).await?;

    let (id, by) = (user.id, by.clone());
    if let Err(refused) = state.acts.count(id) {
        // The password was right, so it is no failure; and no event, of which there were enough.
        attempt.take_back().await;
        return Err(refused);
    }
    let scopes = match user.scopes.grant(requested.scopes.clone()) {
        Ok(scopes) => scopes,
        Err(refused) => return attempt.finish(Err(refused.into())).await,
    };
    let (new, name) = (TokenId(Uuid::now_v7()), requested.name.clone());
    let (plain, token) = NewToken::login(
        &mut rand::rng(),
        new,
        name,
        scopes,
        requested.lifetime,
        &state.tokens,
    );
    let token = Arc::new(token);
    let of_issue = verified.clone();
    let issued = state
        .issue(move |connection| tokens::issue_for_password(connection, &by, id, &of_issue, &token))
        .await;
    let token = match issued {
        Ok(Ok(token)) => attempt.finish(Ok(token)).await?,
        // Whatever was changed meanwhile, the next look at the user tells what to answer, and to write down.
        Ok(Err(refusal)) => return Ok(Err((attempt, refusal))),
        Err(error) => return attempt.finish(Err(error)).await,
    };
    upgrade_later(state, id, verified, password());
    let user = wire::summary(id, user.username.as_str());
    Ok(Ok(wire::issued(&plain, user, token)))
}

/// Replaces a hash that new ones are better than, while the answer is on its way already, and only if a core has
/// nothing to do: whoever signs in never waits for it, and a storm of sign-ins is not made twice as long. Otherwise, and
/// where it fails, the next sign-in tries again.
fn upgrade_later(state: &State, id: UserId, verified: PasswordHash, password: Password) {
    let (hasher, database) = (state.hasher.clone(), state.database.clone());
    actix_web::rt::spawn(async move {
        let Some(upgraded) = hasher.upgrade(&verified, password).await else {
            return;
        };
        let replaced = database
            .run(move |connection| users::upgrade_password_hash(connection, id, &verified, &upgraded))
            .await;
        match replaced {
            Ok(replaced) => tracing::debug!(user_id = %id, replaced, "hashed a password anew"),
            Err(error) => tracing::warn!(%error, "a password that was hashed anew was not stored"),
        }
    });
}

fn requested(body: &LoginRequest, service: TokenLifetime) -> ApiResult<RequestedToken> {
    let mut refusals = Refusals::default();
    let name = body
        .name
        .as_deref()
        .map_or_else(|| Ok(TokenName::login()), TokenName::parse);
    let name = refusals.take("/name", name);
    let scopes = refusals.take(
        "/scopes",
        body.scopes.as_deref().map(validation::scopes).transpose(),
    );
    let lifetime = refusals.take("/expires_in", service.for_login(body.expires_in));
    match (name, scopes, lifetime) {
        (Some(name), Some(scopes), Some(lifetime)) => Ok(RequestedToken {
            name,
            scopes,
            lifetime,
        }),
        _ => Err(refusals.into()),
    }
}

/// Finds the user whose password it is. Unknown name, wrong password, no password, one whose hash cannot be read, and
/// disabled user count alike, cost the same time, one hash and one event, and give the same answer. (So not even the right
/// password of a disabled user is taken back: that would tell it from a wrong one.)
async fn authenticate(
    state: &State,
    by: &AuditContext,
    username: &str,
    password: Password,
) -> ApiResult<(Attempt, User, PasswordHash)> {
    // A name that nobody can have goes the same way, to the hash of nobody: it must not be the quicker answer.
    let key = UsernameKey::of_typed(username);
    let account = key.clone().map_or(Account::Nobody, Account::Named);
    let read = move |connection: &mut PgConnection| match &key {
        Some(key) => users::find_for_sign_in(connection, key),
        None => Ok(None),
    };
    let (attempt, found) = rate_limit::begin(state, by, &account, read).await?;
    let (user, hash) = match found {
        Some(found) => (Some(found.user), found.password_hash),
        None => (None, None),
    };
    let who = user.as_ref().map(|user| (user.id, user.disabled_at.is_some()));
    let is_readable = hash.as_ref().map(PasswordHash::is_readable);
    let judge = move |right| judge(who, is_readable, right);
    let attempt = attempt
        .check(&state.hasher, hash.clone(), password, judge)
        .await?;
    if attempt.is_right()
        && let (Some(user), Some(hash)) = (user, hash)
    {
        return Ok((attempt, user, hash));
    }
    if let (Some((id, _)), Some(false)) = (who, is_readable) {
        log_unreadable(id);
    }
    attempt.fail().await?;
    Err(ApiError::InvalidCredentials)
}

/// What a check means for whoever was found, who may be disabled, and whose hash may be missing or unreadable.
fn judge(who: Option<(UserId, bool)>, is_readable: Option<bool>, right: bool) -> SoFar {
    let failed = NewAuditEvent::new(AuditAction::SignInFailed);
    let reason = match (who, is_readable) {
        (Some((id, false)), Some(_)) if right => return SoFar::right(failed.of(id)),
        (Some(_), Some(_)) if right => AuditReason::Disabled,
        (Some(_), Some(false)) => AuditReason::UnreadableHash,
        (Some(_), Some(true)) => AuditReason::WrongPassword,
        (Some(_), None) => AuditReason::NoPassword,
        (None, _) => AuditReason::UnknownUser,
    };
    let failed = failed.reason(reason);
    // Of a name that is nobody's nothing is kept: people type passwords there.
    SoFar::Failed(Some(match who {
        Some((id, _)) => failed.of(id),
        None => failed,
    }))
}
