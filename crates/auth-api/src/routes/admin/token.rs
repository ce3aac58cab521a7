use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::{ApiError, ApiResult};
use crate::revoked_token::Answer;
use crate::routes::token::revoke_of;
use crate::state::State;
use actix_web::http::Method;
use actix_web::web::{Data, Path};
use jeton_domain::{ADMIN, TokenId, UserId};
use jeton_verifier::Caller;
use uuid::Uuid;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(
        Method::DELETE,
        "/v1/admin/users/{id}/tokens/{token}",
        Access::Scope(ADMIN),
        revoke,
    )
    .named(
        Tag::Administration,
        "revokeUserToken",
        "Revoke one of a user's tokens",
    )
    .revokes(Answer::Refused)
    .answers("The token is revoked, everywhere.")
    .problems([ApiError::NoSuchToken])
}

async fn revoke(state: Data<State>, caller: Caller, by: By, ids: Path<(Uuid, Uuid)>) -> ApiResult<NoContent> {
    let (owner, id) = ids.into_inner();
    revoke_of(&state, &caller, by, UserId(owner), TokenId(id)).await
}
