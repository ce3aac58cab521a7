use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::{ApiError, ApiResult};
use crate::revoked_token::Answer;
use crate::state::State;
use crate::validation::refuse;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::{Data, Path};
use jeton_api_types::{RenameTokenRequest, TokenInfo};
use jeton_domain::{TokenId, TokenName, UserId};
use jeton_http_kit::Json;
use jeton_persistence::tokens;
use jeton_verifier::Caller;
use uuid::Uuid;

const PATH: &str = "/v1/tokens/{id}";

pub(crate) fn endpoints() -> [Endpoint; 2] {
    [
        Endpoint::new(Method::PATCH, PATH, Access::LoginToken, rename)
            .named(Tag::Tokens, "renameToken", "Rename a token")
            .counted()
            .answers("The token.")
            .problems([ApiError::NoSuchToken]),
        Endpoint::new(Method::DELETE, PATH, Access::LoginToken, revoke)
            .named(Tag::Tokens, "revokeToken", "Revoke a token")
            .about("Answered once no service anywhere accepts it any more.")
            .revokes(Answer::Refused)
            .answers("The token is revoked, everywhere.")
            .problems([ApiError::NoSuchToken]),
    ]
}

async fn rename(
    state: Data<State>,
    caller: Caller,
    by: By,
    id: Path<Uuid>,
    body: Json<RenameTokenRequest>,
) -> ApiResult<Json<TokenInfo>> {
    let name = TokenName::parse(&body.0.name).map_err(|refused| refuse("/name", &refused))?;
    let (owner, id) = (caller.user_id(), TokenId(id.into_inner()));
    let renamed = state
        .database
        .run(move |connection| tokens::rename(connection, &by.0, owner, id, &name))
        .await?;
    let token = renamed.ok_or_else(|| not_found(&caller, owner, id))?;
    Ok(Json(wire::token(token)))
}

async fn revoke(state: Data<State>, caller: Caller, by: By, id: Path<Uuid>) -> ApiResult<NoContent> {
    let (owner, id) = (caller.user_id(), TokenId(id.into_inner()));
    revoke_of(&state, &caller, by, owner, id).await
}

/// Revokes a token of the owner's.
pub(crate) async fn revoke_of(
    state: &State,
    caller: &Caller,
    by: By,
    owner: UserId,
    id: TokenId,
) -> ApiResult<NoContent> {
    let given_back = state.given_back.clone();
    let revoked = state
        .revoke(by.0, move |connection, by| {
            tokens::revoke_noting(connection, by, owner, id, &|user| given_back.has_room(user))
        })
        .await?;
    if revoked {
        Ok(NoContent)
    } else {
        Err(not_found(caller, owner, id))
    }
}

/// There is no such token of the owner's. The one that asks was there when the guard let it through.
fn not_found(caller: &Caller, owner: UserId, id: TokenId) -> ApiError {
    if (caller.user_id(), caller.token_id()) == (owner, id) {
        ApiError::TokenGone
    } else {
        ApiError::NoSuchToken
    }
}
