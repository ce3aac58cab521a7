use crate::error::{ApiError, ApiResult};
use crate::initiator::By;
use crate::state::State;
use crate::validation::refuse;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use jeton_api_types::{ExposeSecret, SetPasswordRequest};
use jeton_domain::{Password, UserId};
use jeton_persistence::{attempts, users};
use jeton_service::Json;
use uuid::Uuid;

/// `PUT /v1/admin/users/{id}/password`: gives the user a password, and revokes all the user's tokens.
pub(crate) async fn set(
    state: Data<State>,
    by: By,
    id: Path<Uuid>,
    body: Json<SetPasswordRequest>,
) -> ApiResult<HttpResponse> {
    let id = UserId(id.into_inner());
    let found = state
        .database
        .run(move |connection| users::find(connection, id))
        .await?;
    let user = found.ok_or(ApiError::NoSuchUser)?;
    if user.service && !body.0.allow_sign_in {
        return Err(ApiError::ServiceAccount);
    }
    let password = Password::new(body.0.password.expose_secret().to_owned());
    let email = user.email.map(|email| email.as_str().to_owned());
    let network = attempts::network(by.0.address);
    let hash = state
        .hasher
        .choose(network, password, user.username, email)
        .await?;
    let hash = hash.map_err(|refused| refuse("/password", &refused))?;
    let set = state
        .database
        .run(move |connection| users::set_password(connection, &by.0, id, &hash))
        .await?;
    if state.confirm(set).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::NoSuchUser)
    }
}
