use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, NoStore, Tag};
use crate::error::{ApiError, ApiResult};
use crate::revoked_token::Answer;
use crate::state::State;
use crate::validation::{self, refuse};
use crate::wire;
use actix_web::http::Method;
use actix_web::web::{Data, Path};
use jeton_api_types::{ClientInfo, ClientWithSecret, SetRedirectUrisRequest, SetScopesRequest};
use jeton_domain::delegation::{ClientSecret, check_scopes};
use jeton_domain::{ADMIN, ClientId};
use jeton_http_kit::Json;
use jeton_persistence::delegation::clients;
use uuid::Uuid;

const ADMINISTRATION: Tag = Tag::Administration;
const ADMINS: Access = Access::Scope(ADMIN);

pub(crate) fn endpoints() -> Vec<Endpoint> {
    let path = "/v1/admin/clients/{id}";
    vec![
        Endpoint::new(Method::GET, path, ADMINS, show)
            .named(ADMINISTRATION, "showClient", "Show a client")
            .answers("The client.")
            .problems([ApiError::NoSuchClient]),
        Endpoint::new(Method::DELETE, path, ADMINS, delete)
            .named(ADMINISTRATION, "deleteClient", "Delete a client")
            .about("With all that users have granted it.")
            .revokes(Answer::Refused)
            .answers("The client is gone; no service accepts its tokens.")
            .problems([ApiError::NoSuchClient]),
        Endpoint::new(Method::PUT, "/v1/admin/clients/{id}/scopes", ADMINS, set_scopes)
            .named(ADMINISTRATION, "setClientScopes", "Set a client's scopes")
            .about(
                "What its tokens may do at the most, in place of what it was. Where that is less, its access tokens are \
                revoked, and it refreshes those that it still may have.",
            )
            .revokes(Answer::Refused)
            .answers("The client.")
            .problems([ApiError::NoSuchClient]),
        Endpoint::new(
            Method::PUT,
            "/v1/admin/clients/{id}/redirect-uris",
            ADMINS,
            set_redirect_uris,
        )
        .named(ADMINISTRATION, "setRedirectUris", "Set a client's redirect URIs")
        .about("In place of those before. Requests that are on their way end; tokens stay.")
        .answers("The client.")
        .problems([ApiError::NoSuchClient]),
        Endpoint::new(
            Method::POST,
            "/v1/admin/clients/{id}/rotate-secret",
            ADMINS,
            rotate_secret,
        )
        .named(ADMINISTRATION, "rotateClientSecret", "Give a client another secret")
        .about("From then on the one before is wrong. The client's tokens stay.")
        .answers("The client, and its secret, which is shown this once.")
        .problems([ApiError::NoSuchClient, ApiError::PublicClient]),
        Endpoint::new(Method::POST, "/v1/admin/clients/{id}/disable", ADMINS, disable)
            .named(ADMINISTRATION, "disableClient", "Disable a client")
            .about("It gets no token, and none of its tokens is accepted. What users have granted it is kept.")
            .revokes(Answer::Refused)
            .answers("The client is disabled; no service accepts its tokens.")
            .problems([ApiError::NoSuchClient]),
        Endpoint::new(Method::POST, "/v1/admin/clients/{id}/enable", ADMINS, enable)
            .named(ADMINISTRATION, "enableClient", "Enable a client")
            .about(
                "What users have granted it holds, and refresh tokens work; the access tokens from before do not come \
                back.",
            )
            .revokes(Answer::Refused)
            .answers("The client.")
            .problems([ApiError::NoSuchClient]),
    ]
}

async fn show(state: Data<State>, id: Path<Uuid>) -> ApiResult<Json<ClientInfo>> {
    let id = ClientId(id.into_inner());
    let found = state
        .database
        .run(move |connection| clients::find(connection, id))
        .await?;
    let client = found.ok_or(ApiError::NoSuchClient)?;
    Ok(Json(wire::client(client)))
}

async fn delete(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<NoContent> {
    let id = ClientId(id.into_inner());
    let deleted = state
        .revoke(by.0, move |connection, by| clients::delete(connection, by, id))
        .await?;
    if deleted {
        Ok(NoContent)
    } else {
        Err(ApiError::NoSuchClient)
    }
}

async fn set_scopes(
    state: Data<State>,
    by: By,
    id: Path<Uuid>,
    body: Json<SetScopesRequest>,
) -> ApiResult<Json<ClientInfo>> {
    let scopes = validation::scopes(&body.0.scopes).map_err(|refused| refuse("/scopes", &refused))?;
    check_scopes(&scopes).map_err(validation::invalid_client)?;
    let id = ClientId(id.into_inner());
    let set = state
        .revoke(by.0, move |connection, by| {
            clients::set_scopes(connection, by, id, &scopes)
        })
        .await?;
    let client = set.ok_or(ApiError::NoSuchClient)?;
    Ok(Json(wire::client(client)))
}

async fn set_redirect_uris(
    state: Data<State>,
    by: By,
    id: Path<Uuid>,
    body: Json<SetRedirectUrisRequest>,
) -> ApiResult<Json<ClientInfo>> {
    let uris = validation::redirect_uris(&body.0.redirect_uris)
        .map_err(|refused| refuse("/redirect_uris", &refused))?;
    let id = ClientId(id.into_inner());
    let set = state
        .database
        .run(move |connection| {
            let Some(client) = clients::find(connection, id)? else {
                return Ok(Err(ApiError::NoSuchClient));
            };
            // What a client may use is set once, when it is created: nobody changes it meanwhile.
            if let Err(refused) = client.check_redirect_uris(&uris) {
                return Ok(Err(validation::invalid_client(refused)));
            }
            let set = clients::set_redirect_uris(connection, &by.0, id, &uris)?;
            Ok(set.ok_or(ApiError::NoSuchClient))
        })
        .await?;
    Ok(Json(wire::client(set?)))
}

async fn rotate_secret(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<NoStore<ClientWithSecret>> {
    let id = ClientId(id.into_inner());
    let secret = ClientSecret::generate(&mut rand::rng());
    let digest = secret.digest();
    let rotated = state
        .database
        .run(move |connection| {
            let rotated = clients::rotate_secret(connection, &by.0, id, digest)?;
            Ok(match rotated {
                Some(client) => Ok(client),
                None if clients::find(connection, id)?.is_some() => Err(ApiError::PublicClient),
                None => Err(ApiError::NoSuchClient),
            })
        })
        .await?;
    Ok(NoStore(wire::client_with_secret(rotated?, Some(&secret))))
}

async fn disable(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<Json<ClientInfo>> {
    let id = ClientId(id.into_inner());
    let disabled = state
        .revoke(by.0, move |connection, by| clients::disable(connection, by, id))
        .await?;
    let client = disabled.ok_or(ApiError::NoSuchClient)?;
    Ok(Json(wire::client(client)))
}

async fn enable(state: Data<State>, by: By, id: Path<Uuid>) -> ApiResult<Json<ClientInfo>> {
    let id = ClientId(id.into_inner());
    let enabled = state
        .revoke(by.0, move |connection, by| clients::enable(connection, by, id))
        .await?;
    let client = enabled.ok_or(ApiError::NoSuchClient)?;
    Ok(Json(wire::client(client)))
}
