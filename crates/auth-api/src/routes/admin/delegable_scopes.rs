use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::{ApiError, ApiResult};
use crate::state::State;
use crate::validation::{self, Refusals};
use crate::wire;
use actix_web::http::Method;
use actix_web::web::{Data, Query};
use jeton_api_types::{
    DelegableScopeInfo, DelegableScopeList, DelegableScopeQuery, SetDelegableScopeRequest,
};
use jeton_domain::delegation::{DelegableScope, Resource};
use jeton_domain::{ADMIN, Scope};
use jeton_http_kit::Json;
use jeton_persistence::delegation::scopes;

const PATH: &str = "/v1/admin/delegable-scopes";

pub(crate) fn endpoints() -> [Endpoint; 3] {
    [
        Endpoint::new(Method::GET, PATH, Access::Scope(ADMIN), list)
            .named(
                Tag::Administration,
                "listDelegableScopes",
                "List the scopes that users may give to clients",
            )
            .about("All of them, by name, in the words in which users are asked.")
            .answers("The scopes."),
        Endpoint::new(Method::PUT, PATH, Access::Scope(ADMIN), set)
            .named(
                Tag::Administration,
                "setDelegableScope",
                "Let users give a scope to clients",
            )
            .about("For one that they may give already, this is what is said of it from then on.")
            .answers("The scope."),
        Endpoint::new(Method::DELETE, PATH, Access::Scope(ADMIN), delete)
            .named(
                Tag::Administration,
                "deleteDelegableScope",
                "Let users give a scope to clients no longer",
            )
            .about("What they have given stays: it is taken from a client by setting the client's scopes.")
            .answers("Nobody is asked for it any more.")
            .problems([ApiError::NoSuchDelegableScope]),
    ]
}

async fn list(state: Data<State>) -> ApiResult<Json<DelegableScopeList>> {
    let found = state.database.run(scopes::list_stored).await?;
    let scopes = found.into_iter().map(wire::stored_scope).collect();
    Ok(Json(DelegableScopeList { scopes }))
}

async fn set(
    state: Data<State>,
    by: By,
    body: Json<SetDelegableScopeRequest>,
) -> ApiResult<Json<DelegableScopeInfo>> {
    let Json(body) = body;
    let mut refusals = Refusals::default();
    let name = refusals.take("/name", Scope::parse(&body.name));
    let resource = body.resource.as_deref().map(Resource::parse).transpose();
    let resource = refusals.take("/resource", resource);
    let (Some(name), Some(resource)) = (name, resource) else {
        return Err(refusals.into());
    };
    let scope = DelegableScope::new(name, &body.title, &body.description, resource)
        .map_err(validation::invalid_delegable_scope)?;
    let told = scope.clone();
    state
        .database
        .run(move |connection| scopes::set(connection, &by.0, &told))
        .await?;
    Ok(Json(wire::delegable_scope(scope)))
}

async fn delete(state: Data<State>, by: By, query: Query<DelegableScopeQuery>) -> ApiResult<NoContent> {
    // By what the table says, which need not be a scope.
    let name = query.into_inner().name;
    let deleted = state
        .database
        .run(move |connection| scopes::delete(connection, &by.0, &name))
        .await?;
    if deleted {
        Ok(NoContent)
    } else {
        Err(ApiError::NoSuchDelegableScope)
    }
}
