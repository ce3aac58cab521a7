use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, Issued, Tag};
use crate::error::{ApiError, ApiResult};
use crate::state::State;
use crate::validation::{self, Refusals};
use crate::wire;
use actix_web::http::Method;
use actix_web::web::{Data, Query};
use jeton_api_types::{CreateTokenRequest, TokenList};
use jeton_domain::{NewToken, PlainToken, TokenId, TokenName};
use jeton_http_kit::{Json, Page};
use jeton_persistence::tokens;
use jeton_verifier::Caller;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

pub(crate) fn endpoints() -> [Endpoint; 2] {
    [
        Endpoint::new(Method::GET, "/v1/tokens", Access::LoginToken, list)
            .named(Tag::Tokens, "listTokens", "List tokens")
            .about("The user's valid tokens, newest first. Never their texts.")
            .answers("A page of them."),
        Endpoint::new(Method::POST, "/v1/tokens", Access::LoginToken, create)
            .named(Tag::Tokens, "createToken", "Create a personal token")
            .about(
                "A token for a program. It can be given scopes that the token that asks holds, and does not manage the \
                account.",
            )
            .counted()
            .answers("The token. Its text is shown this once.")
            .example(personal_token(json!({ "id": "01a20a08-721c-71bf-b9fb-b59edca64a79", "username": "ada" })))
            .problems([ApiError::ScopeNotHeld, ApiError::TooManyTokens]),
    ]
}

/// An example of an answer that issues one.
pub(crate) fn personal_token(user: Value) -> Value {
    json!({
        "token": "jtn_Fxkb5z4PTwPRu4jJpDdsXGzlU0uyL3fR32DfSw",
        "token_type": "Bearer",
        "token_id": "01a20a08-738f-751b-8481-9455bd50dae2",
        "kind": "personal",
        "name": "nightly backup",
        "scopes": ["notes:read"],
        "expires_at": "2027-02-21T20:10:55.759331Z",
        "user": user
    })
}

async fn list(state: Data<State>, caller: Caller, page: Query<Page>) -> ApiResult<Json<TokenList>> {
    let (user, after, limit) = (caller.user_id(), page.after.map(TokenId), page.limit.get());
    let found = state
        .database
        .run(move |connection| tokens::list(connection, user, after, limit + 1))
        .await?;
    let (tokens, next) = page.cut(found.into_iter().map(wire::token).collect(), |token| token.id);
    Ok(Json(TokenList { tokens, next }))
}

async fn create(
    state: Data<State>,
    caller: Caller,
    by: By,
    body: Json<CreateTokenRequest>,
) -> ApiResult<Issued<201>> {
    let (plain, token) = new_personal(&state, &body.0)?;
    caller.scopes().grant(Some(token.scopes.clone()))?;
    let (user, with) = (caller.user_id(), caller.token_id());
    let (by, token) = (by.0, Arc::new(token));
    let issued = state
        .issue(move |connection| tokens::issue_by_token(connection, &by, user, with, &token))
        .await?;
    // Whatever the reason is, a check of the token would say that it is not valid.
    let token = issued.map_err(|_| ApiError::TokenGone)?;
    let user = wire::summary(user, caller.username());
    Ok(wire::issued(&plain, user, token))
}

/// The personal token that a body asks for, whosever it will be.
pub(crate) fn new_personal(state: &State, body: &CreateTokenRequest) -> ApiResult<(PlainToken, NewToken)> {
    let mut refusals = Refusals::default();
    let name = refusals.take("/name", TokenName::parse(&body.name));
    let scopes = refusals.take("/scopes", validation::scopes(&body.scopes));
    let lifetime = state.tokens.lifetime.for_personal(body.expires_in);
    let lifetime = refusals.take("/expires_in", lifetime);
    let (Some(name), Some(scopes), Some(lifetime)) = (name, scopes, lifetime) else {
        return Err(refusals.into());
    };
    let (id, limit) = (TokenId(Uuid::now_v7()), state.tokens.user_limit);
    Ok(NewToken::personal(
        &mut rand::rng(),
        id,
        name,
        scopes,
        lifetime,
        limit,
    ))
}
