use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoStore, Tag};
use crate::error::{ApiError, ApiResult};
use crate::state::State;
use crate::validation::{self, Refusals, refuse};
use crate::wire;
use actix_web::http::Method;
use actix_web::web::{Data, Query};
use jeton_api_types::{ClientList, ClientWithSecret, CreateClientRequest};
use jeton_domain::delegation::{ClientName, ClientSecret, GrantType, NewClient, UnknownGrantType};
use jeton_domain::{ADMIN, ClientId, UserId};
use jeton_http_kit::{Json, Page};
use jeton_persistence::delegation::clients;
use jeton_persistence::users;
use uuid::Uuid;

const PATH: &str = "/v1/admin/clients";

pub(crate) fn endpoints() -> [Endpoint; 2] {
    [
        Endpoint::new(Method::GET, PATH, Access::Scope(ADMIN), list)
            .named(Tag::Administration, "listClients", "List clients")
            .about("The programs that users let act for them (OAuth 2.1), newest first.")
            .answers("A page of them."),
        Endpoint::new(Method::POST, PATH, Access::Scope(ADMIN), create)
            .named(Tag::Administration, "createClient", "Create a client")
            .about("A confidential one gets a secret, which is shown this once.")
            .answers("The client, and its secret if it has one.")
            .problems([ApiError::ClientNameTaken]),
    ]
}

async fn list(state: Data<State>, page: Query<Page>) -> ApiResult<Json<ClientList>> {
    let (after, limit) = (page.after.map(ClientId), page.limit.get());
    let found = state
        .database
        .run(move |connection| clients::list(connection, after, limit + 1))
        .await?;
    let found = found.into_iter().map(wire::client).collect();
    let (clients, next) = page.cut(found, |client| client.client_id);
    Ok(Json(ClientList { clients, next }))
}

async fn create(
    state: Data<State>,
    by: By,
    body: Json<CreateClientRequest>,
) -> ApiResult<NoStore<ClientWithSecret, 201>> {
    let secret = body
        .0
        .confidential
        .then(|| ClientSecret::generate(&mut rand::rng()));
    let client = new_client(&body.0, secret.as_ref())?;
    let created = state
        .database
        .run(move |connection| {
            let account = client.service_account;
            let account = account
                .map(|id| users::find(connection, id))
                .transpose()?
                .flatten();
            let there_is_one = account.is_some_and(|account| account.service);
            if client.service_account.is_some() && !there_is_one {
                return Ok(None);
            }
            clients::create(connection, &by.0, &client).map(Some)
        })
        .await?;
    let created =
        created.ok_or_else(|| refuse("/service_account", &"must be the id of a service account"))?;
    Ok(NoStore(wire::client_with_secret(created, secret.as_ref())))
}

fn new_client(body: &CreateClientRequest, secret: Option<&ClientSecret>) -> ApiResult<NewClient> {
    let mut refusals = Refusals::default();
    let name = refusals.take("/name", ClientName::parse(&body.name));
    let uris = refusals.take("/redirect_uris", validation::redirect_uris(&body.redirect_uris));
    let scopes = refusals.take("/scopes", validation::scopes(&body.scopes));
    let grants = body.grant_types.as_deref().map(grant_types).transpose();
    let grants = refusals.take("/grant_types", grants);
    let (Some(name), Some(redirect_uris), Some(scopes), Some(grants)) = (name, uris, scopes, grants) else {
        return Err(refusals.into());
    };
    let implied = || {
        let (uris, account) = (!redirect_uris.is_empty(), body.service_account.is_some());
        GrantType::implied(&[], body.confidential, uris, account)
    };
    let client = NewClient {
        id: ClientId(Uuid::now_v7()),
        name,
        secret: secret.map(ClientSecret::digest),
        grant_types: grants.unwrap_or_else(implied),
        redirect_uris,
        scopes,
        service_account: body.service_account.map(UserId),
        first_party: body.first_party,
    };
    client.check().map_err(validation::invalid_client)?;
    Ok(client)
}

/// Each once, however often it is named.
fn grant_types(texts: &[String]) -> Result<Vec<GrantType>, UnknownGrantType> {
    let mut grants = texts
        .iter()
        .map(|text| text.parse())
        .collect::<Result<Vec<GrantType>, _>>()?;
    grants.sort_unstable();
    grants.dedup();
    Ok(grants)
}
