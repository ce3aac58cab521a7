use crate::endpoint::{Access, Endpoint, Tag};
use crate::error::ApiResult;
use crate::state::State;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_api_types::{VerifierInfo, VerifierList};
use jeton_domain::ADMIN;
use jeton_http_kit::Json;
use jeton_persistence::verifiers::{self, Registration};

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/v1/admin/verifiers", Access::Scope(ADMIN), list)
        .named(Tag::Administration, "listVerifiers", "List verifiers")
        .about(
            "The services that may check tokens from memory, and that a revocation waits for. Newest first.",
        )
        .answers("All of them.")
}

async fn list(state: Data<State>) -> ApiResult<Json<VerifierList>> {
    let found = state.database.run(verifiers::list).await?;
    let verifiers = found.into_iter().map(info).collect();
    Ok(Json(VerifierList { verifiers }))
}

fn info(registration: Registration) -> VerifierInfo {
    VerifierInfo {
        id: registration.id,
        lease: registration.lease().as_secs_f64(),
        registered_at: registration.registered_at,
        name: registration.name,
        owner: registration.owner,
    }
}
