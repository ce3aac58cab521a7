use crate::endpoint::{Access, Endpoint, Tag};
use crate::error::ApiResult;
use crate::state::State;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::{Data, Query};
use jeton_api_types::VerifierList;
use jeton_domain::ADMIN;
use jeton_http_kit::{Json, Page};
use jeton_persistence::verifiers;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/v1/admin/verifiers", Access::Scope(ADMIN), list)
        .named(Tag::Administration, "listVerifiers", "List verifiers")
        .about(
            "The services that may check tokens from memory, and that a revocation waits for. Newest first.",
        )
        .answers("A page of them.")
}

async fn list(state: Data<State>, page: Query<Page>) -> ApiResult<Json<VerifierList>> {
    let (after, limit) = (page.after, page.limit.get());
    let found = state
        .database
        .run(move |connection| verifiers::list(connection, after, limit + 1))
        .await?;
    let (verifiers, next) = page.cut(found.into_iter().map(wire::verifier).collect(), |one| one.id);
    Ok(Json(VerifierList { verifiers, next }))
}
