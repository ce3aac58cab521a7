use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, Tag};
use crate::error::{ApiError, ApiResult};
use crate::revoked_token::Answer;
use crate::state::State;
use crate::validation::{self, refuse};
use crate::wire;
use actix_web::http::Method;
use actix_web::web::{Data, Path};
use jeton_api_types::{SetScopesRequest, UserInfo};
use jeton_domain::{ADMIN, UserId};
use jeton_http_kit::Json;
use jeton_persistence::users;
use uuid::Uuid;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(
        Method::PUT,
        "/v1/admin/users/{id}/scopes",
        Access::Scope(ADMIN),
        set,
    )
    .named(Tag::Administration, "setScopes", "Set a user's scopes")
    .about("What the user's tokens may do at the most, in place of what it was.")
    .revokes(Answer::Refused)
    .answers("The user.")
    .problems([ApiError::NoSuchUser, ApiError::LastAdmin])
}

/// Any scope, and `admin` as well: whoever asks holds that.
async fn set(
    state: Data<State>,
    by: By,
    id: Path<Uuid>,
    body: Json<SetScopesRequest>,
) -> ApiResult<Json<UserInfo>> {
    let scopes = validation::scopes(&body.0.scopes).map_err(|refused| refuse("/scopes", &refused))?;
    let id = UserId(id.into_inner());
    let set = state
        .revoke(by.0, move |connection, by| {
            users::set_scopes(connection, by, id, &scopes)
        })
        .await?;
    let user = set.ok_or(ApiError::NoSuchUser)?;
    Ok(Json(wire::user(user)))
}
