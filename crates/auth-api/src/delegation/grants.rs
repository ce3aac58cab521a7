//! What a user has let apps do.

use crate::audit_context::By;
use crate::error::{ApiError, ApiResult};
use crate::state::State;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, Responder};
use jeton_domain::{GrantId, ScopeSet};
use jeton_http_kit::Page;
use jeton_persistence::PgConnection;
use jeton_persistence::delegation::{grants, scopes};
use jeton_verifier::Caller;
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) async fn list(state: Data<State>, caller: Caller, page: Query<Page>) -> ApiResult<impl Responder> {
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
            .map(|name| super::authorizations::described(name, &known))
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
) -> ApiResult<HttpResponse> {
    let (user, id) = (caller.user_id(), GrantId(id.into_inner()));
    let revoked = state
        .revoke(by.0, move |connection, by| {
            grants::revoke(connection, by, user, id)
        })
        .await?;
    if revoked {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::NoSuchGrant)
    }
}
