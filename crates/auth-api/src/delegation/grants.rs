//! What a user has let apps do.

use crate::audit_context::By;
use crate::docs::Schemas;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::{ApiError, ApiResult};
use crate::state::State;
use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::web::{Data, Path, Query};
use jeton_domain::{GrantId, ScopeSet};
use jeton_http_kit::Page;
use jeton_persistence::PgConnection;
use jeton_persistence::delegation::{grants, scopes};
use jeton_verifier::Caller;
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) fn endpoints() -> [Endpoint; 2] {
    let grant = json!({
        "type": "object",
        "required": ["id", "client", "scopes", "created_at"],
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "client": {
                "type": "object",
                "required": ["id", "name"],
                "properties": { "id": { "type": "string", "format": "uuid" }, "name": { "type": "string" } }
            },
            "scopes": super::wanted::scopes_schema(),
            "created_at": { "type": "string", "format": "date-time" }
        }
    });
    let page = json!({
        "type": "object",
        "required": ["grants", "next"],
        "properties": {
            "grants": { "type": "array", "items": grant },
            "next": { "type": ["string", "null"], "format": "uuid", "description": "Where the next page begins; null: this is the last." }
        },
        "examples": [{
            "grants": [{
                "id": "01a20a08-738f-751b-8481-9455bd50dae2",
                "client": { "id": "01a20a08-7e44-7b10-9c3d-6a1f0e5d2b77", "name": "Notes for Desktops" },
                "scopes": [{ "name": "notes:read", "title": "Read your notes", "description": "All of them." }],
                "created_at": "2026-11-23T20:10:54.389124Z"
            }],
            "next": null
        }]
    });
    let example = Schemas::first_example(&page);
    [
        Endpoint::new(Method::GET, "/v1/grants", Access::LoginToken, list)
            .named(Tag::Delegation, "listGrants", "List what apps may do")
            .about("What the user has let apps do, in the words in which it was asked.")
            .answers("A page of them.")
            .content("application/json", page, example),
        Endpoint::new(Method::DELETE, "/v1/grants/{id}", Access::LoginToken, revoke)
            .named(Tag::Delegation, "revokeGrant", "Take back what an app may do")
            .about("With all of its tokens.")
            .answers("No service anywhere accepts any of them.")
            .problems([ApiError::NoSuchGrant]),
    ]
}

pub(super) async fn list(state: Data<State>, caller: Caller, page: Query<Page>) -> ApiResult<HttpResponse> {
    let (user, after, limit) = (caller.user_id(), page.after.map(GrantId), page.limit.get());
    let (found, known) = state
        .database
        .run(move |connection: &mut PgConnection| {
            let found = grants::list(connection, user, after, limit + 1)?;
            let all = found
                .iter()
                .fold(ScopeSet::default(), |all, grant| all.union(&grant.scopes));
            Ok((found, scopes::find(connection, &all)?))
        })
        .await?;
    let shown = found.into_iter().map(|grant| {
        let scopes: Vec<_> = grant
            .scopes
            .iter()
            .map(|name| super::wanted::described(name, &known))
            .collect();
        json!({
            "id": grant.id.0,
            "client": { "id": grant.client.0, "name": grant.client_name },
            "scopes": scopes,
            "created_at": grant.created_at,
        })
    });
    let (grants, next) = page.cut(shown.collect(), |grant: &Value| {
        grant["id"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .unwrap_or_default()
    });
    Ok(HttpResponse::Ok().json(json!({ "grants": grants, "next": next })))
}

/// Answered once no service anywhere accepts any of its tokens.
pub(super) async fn revoke(
    state: Data<State>,
    caller: Caller,
    by: By,
    id: Path<Uuid>,
) -> ApiResult<NoContent> {
    let (user, id) = (caller.user_id(), GrantId(id.into_inner()));
    let revoked = state
        .revoke(by.0, move |connection, by| {
            grants::revoke(connection, by, user, id)
        })
        .await?;
    if revoked {
        Ok(NoContent)
    } else {
        Err(ApiError::NoSuchGrant)
    }
}
