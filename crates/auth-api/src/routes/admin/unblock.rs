use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::{ApiError, ApiResult};
use crate::state::State;
use actix_web::http::Method;
use actix_web::web::{Data, Path};
use jeton_domain::{ADMIN, UserId};
use jeton_persistence::rate_limit;
use uuid::Uuid;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(
        Method::POST,
        "/v1/admin/users/{id}/unblock",
        Access::Scope(ADMIN),
        unblock,
    )
    .named(Tag::Administration, "unblockUser", "Let a user try again")
    .about(
        "Forgets the failed sign-ins to the user's account, so that the next is let through at once. From a network that \
        too many have failed from, under whatever names, none is; that passes within the hour, or by `unblockNetwork`.",
    )
    .answers("The failures are forgotten.")
    .problems([ApiError::NoSuchUser])
}

async fn unblock(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<NoContent> {
    let id = UserId(id.into_inner());
    let unblocked = state
        .database
        .run(move |connection| rate_limit::unblock(connection, &by.0, id))
        .await?;
    if unblocked {
        state.rate_limits.forget_blocks();
        Ok(NoContent)
    } else {
        Err(ApiError::NoSuchUser)
    }
}
