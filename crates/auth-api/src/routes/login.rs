use crate::attempt::{admit, hashed};
use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, Issued, Tag};
use crate::error::{ApiError, ApiResult};
use crate::routes::me::log_unreadable;
use crate::state::State;
use crate::validation::{self, Refusals};
use crate::wire;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_api_types::LoginRequest;
use jeton_domain::{
    AuditAction, AuditContext, AuditReason, NewToken, Password, PasswordHash, ScopeSet, TokenId,
    TokenLifetime, TokenName, User, UserId, Username,
};
use jeton_http_kit::JsonOrForm;
use jeton_persistence::audit::{self, NewAuditEvent};
use jeton_persistence::rate_limit::{self, Account};
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
    // Another sign-in may have replaced the hash meanwhile by a better one of the same password: then once more.
    for _ in 0..2 {
        if let Some(answer) = sign_in(&state, &by.0, &body, &requested).await? {
            return Ok(answer);
        }
    }
    Err(ApiError::InvalidCredentials)
}

/// `None`: when it came to issuing the token, the user was no longer as the password was verified with.
async fn sign_in(
    state: &State,
    by: &AuditContext,
    body: &LoginRequest,
    requested: &RequestedToken,
) -> ApiResult<Option<Issued<200>>> {
    let password = || wire::password(&body.password);
    let (user, verified) = authenticate(state, by, &body.username, password()).await?;

    let (id, by) = (user.id, by.clone());
    if let Err(refused) = state.acts.count(id) {
        // The password was right, so it is no failure; and no event, of which there were enough.
        state
            .database
            .run(move |connection| rate_limit::take_back(connection, &by, &Account::User(id)))
            .await?;
        return Err(refused);
    }
    let scopes = match user.scopes.grant(requested.scopes.clone()) {
        Ok(scopes) => scopes,
        Err(refused) => {
            let reason = AuditReason::ScopeNotHeld;
            state
                .database
                .run(move |connection| rate_limit::refuse_right(connection, &by, id, reason))
                .await?;
            return Err(refused.into());
        }
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
        .await?;
    // Whatever was changed meanwhile, the next look at the user tells what to answer, and to write down.
    let Ok(token) = issued else { return Ok(None) };
    upgrade_later(state, id, verified, password());
    let user = wire::summary(id, user.username.as_str());
    Ok(Some(wire::issued(&plain, user, token)))
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
/// disabled user count alike, cost the same time, one hash and one event, and give the same answer.
async fn authenticate(
    state: &State,
    by: &AuditContext,
    username: &str,
    password: Password,
) -> ApiResult<(User, PasswordHash)> {
    // A name that nobody can have goes the same way, to the hash of nobody: it must not be the quicker answer.
    let key = Username::parse(username).map(|name| name.key().clone()).ok();
    let account = key.clone().map_or(Account::Nobody, Account::Named);
    let read = move |connection: &mut PgConnection| match key {
        Some(key) => users::find_for_sign_in(connection, &key),
        None => Ok(None),
    };
    let found = admit(state, by, &account, read).await?;
    let hash = found.as_ref().and_then(|found| found.password_hash.clone());
    let network = rate_limit::network(by.address);
    let verify = state.hasher.verify(network, hash.clone(), vec![password]);
    let right = hashed(state, by, account, verify).await?.is_some();
    let user = found.map(|found| found.user);
    let (user, reason) = match (user, hash) {
        (Some(user), Some(hash)) if right && user.disabled_at.is_none() => return Ok((user, hash)),
        (Some(user), Some(_)) if right => (Some(user), AuditReason::Disabled),
        (Some(user), Some(hash)) if !hash.is_readable() => {
            log_unreadable(user.id);
            (Some(user), AuditReason::UnreadableHash)
        }
        (Some(user), Some(_)) => (Some(user), AuditReason::WrongPassword),
        (Some(user), None) => (Some(user), AuditReason::NoPassword),
        (None, _) => (None, AuditReason::UnknownUser),
    };
    let mut event = NewAuditEvent::new(AuditAction::SignInFailed).reason(reason);
    // Of a name that is nobody's nothing is kept: people type passwords there.
    if let Some(user) = user {
        event = event.of(user.id);
    }
    let by = by.clone();
    state
        .database
        .run(move |connection| audit::record(connection, &by, &event))
        .await?;
    Err(ApiError::InvalidCredentials)
}
