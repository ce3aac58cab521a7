use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::{ApiError, ApiResult};
use crate::revoked_token::Answer;
use crate::state::State;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::{Data, Path};
use jeton_api_types::SetPasswordRequest;
use jeton_coherence::revocations::gone;
use jeton_domain::{ADMIN, UserId};
use jeton_http_kit::Json;
use jeton_persistence::users;
use uuid::Uuid;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(
        Method::PUT,
        "/v1/admin/users/{id}/password",
        Access::Scope(ADMIN),
        set,
    )
    .named(Tag::Administration, "setPassword", "Set a user's password")
    .about("Revokes all of the user's tokens, and forgets the failed sign-ins to the account.")
    .revokes(Answer::Refused)
    .answers("The password is set; the tokens are revoked, everywhere.")
    .problems([ApiError::NoSuchUser, ApiError::ServiceAccount])
}

async fn set(
    state: Data<State>,
    by: By,
    id: Path<Uuid>,
    body: Json<SetPasswordRequest>,
) -> ApiResult<NoContent> {
    let id = UserId(id.into_inner());
    let found = state
        .database
        .run(move |connection| users::find(connection, id))
        .await?;
    let Some(user) = found else {
        state.revoke(by.0, |connection, _| gone(connection, ())).await?;
        return Err(ApiError::NoSuchUser);
    };
    if user.service && !body.0.allow_sign_in {
        return Err(ApiError::ServiceAccount);
    }
    let password = wire::password(&body.0.password);
    let hash = state
        .choose_password(
            &by.0,
            "/password",
            password,
            &user.username,
            user.email.as_deref(),
        )
        .await?;
    let set = state
        .revoke(by.0, move |connection, by| {
            users::set_password(connection, by, id, &hash)
        })
        .await?;
    state.rate_limits.forget_blocks();
    if set {
        Ok(NoContent)
    } else {
        Err(ApiError::NoSuchUser)
    }
}
