use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, Issued, Tag};
use crate::error::{ApiError, ApiResult};
use crate::hasher::HashingError;
use crate::rate_limit;
use crate::settings::Signup;
use crate::state::State;
use crate::validation::Refusals;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_api_types::SignUpRequest;
use jeton_domain::{Email, NewToken, NewUser, TokenId, TokenName, UserId, Username};
use jeton_http_kit::Json;
use jeton_persistence::rate_limit::Account;
use jeton_persistence::{PgConnection, users};
use std::time::Duration;
use uuid::Uuid;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/v1/users", Access::Public, sign_up)
        .named(Tag::SigningIn, "signUp", "Sign up")
        .about("Creates a user, and a first token. Where the operator has closed sign-up, 403.")
        .answers("The user, with a token from signing in.")
        .problems([
            ApiError::SignupClosed,
            ApiError::UsernameTaken,
            ApiError::TooManyAttempts(Duration::ZERO),
        ])
}

/// Both the user and the token, or neither.
async fn sign_up(state: Data<State>, by: By, body: Json<SignUpRequest>) -> ApiResult<Issued<201>> {
    if state.signup == Signup::Closed {
        return Err(ApiError::SignupClosed);
    }
    let Json(body) = body;
    let mut refusals = Refusals::default();
    let username = refusals.take("/username", Username::parse(&body.username));
    let email = refusals.take("/email", body.email.as_deref().map(Email::parse).transpose());
    let (Some(username), Some(email)) = (username, email) else {
        return Err(refusals.into());
    };

    // Each costs a hash, an account, and the answer to whether a name is taken. It counts for the network it comes from as
    // a sign-in does that has failed, and is not taken back.
    let key = username.key().clone();
    let is_taken = move |connection: &mut PgConnection| users::is_taken(connection, &key);
    let (attempt, taken) = rate_limit::begin(&state, &by.0, &Account::Nobody, is_taken).await?;
    let attempt = attempt.counts();
    // Spares the hashing where the answer is clear already; the unique constraint decides all the same.
    if taken {
        attempt.fail().await?;
        return Err(ApiError::UsernameTaken);
    }
    let password = wire::password(&body.password);
    let address = email.as_ref().map(Email::as_str);
    let chosen = state
        .choose_password(&by.0, "/password", password, username.as_str(), address)
        .await;
    // Where there was no place to hash it, it was no attempt.
    if let Err(ApiError::Hashing(HashingError::QueueFull)) = chosen {
        attempt.take_back().await;
    } else {
        attempt.fail().await?;
    }
    let hash = chosen?;

    let user = NewUser {
        service: false,
        id: UserId(Uuid::now_v7()),
        username,
        email,
        password_hash: Some(hash),
        scopes: state.default_scopes.clone(),
    };
    let (id, name, scopes) = (TokenId(Uuid::now_v7()), TokenName::login(), user.scopes.clone());
    let lifetime = state.tokens.lifetime;
    let (plain, token) = NewToken::login(&mut rand::rng(), id, name, scopes, lifetime, &state.tokens);
    let (user, token) = state
        .database
        .run(move |connection| users::sign_up(connection, &by.0, &user, &token))
        .await?;
    let user = wire::summary(user.id, user.username.as_str());
    Ok(wire::issued(&plain, user, token))
}
