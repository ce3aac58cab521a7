use crate::endpoint::{Access, Endpoint, Tag};
use crate::error::{ApiError, ApiResult};
use crate::state::State;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::{Data, Query};
use jeton_api_types::{AuditEventList, AuditQuery};
use jeton_domain::{ADMIN, UserId};
use jeton_http_kit::{Json, PageLimit};
use jeton_persistence::audit::{self, AuditCursor, AuditFilter};
use serde::Deserialize;
use utoipa::ToSchema;

/// As [`Page`](jeton_http_kit::Page), for a list in the order of time.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({ "limit": 50, "after": "1795464654389124.01a20a08-7411-7a2c-9a77-6a1f60f4a3c5" }))]
struct AuditPage {
    /// The most items that the page has.
    #[serde(default)]
    #[schema(value_type = u32, minimum = 1, maximum = 100, default = 50)]
    limit: PageLimit,
    /// The `next` of the page before.
    #[schema(pattern = r"^[0-9]{1,17}\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    after: Option<String>,
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/v1/admin/audit-events", Access::Scope(ADMIN), list)
        .named(Tag::Administration, "listAuditEvents", "List audit events")
        .about("What happened, newest first. What is said of an event must all be true.")
        .answers("A page of them.")
}

async fn list(
    state: Data<State>,
    query: Query<AuditQuery>,
    page: Query<AuditPage>,
) -> ApiResult<Json<AuditEventList>> {
    let filter = filter(&query)?;
    let after: Option<AuditCursor> = page
        .after
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| ApiError::MalformedQuery("after is the next of the page before."))?;
    let limit = page.limit.get();
    let mut events = state
        .database
        .run(move |connection| audit::list(connection, &filter, after, limit + 1))
        .await?;
    let more = events.len() > limit as usize;
    events.truncate(limit as usize);
    let last = events.last().filter(|_| more);
    let next = last.map(|event| event.cursor().to_string());
    let events = events.into_iter().map(wire::audit_event).collect();
    Ok(Json(AuditEventList { events, next }))
}

fn filter(query: &AuditQuery) -> ApiResult<AuditFilter> {
    let action = query.action.as_deref().map(str::parse).transpose();
    Ok(AuditFilter {
        subject: query.user.map(UserId),
        actor: query.by.map(UserId),
        action: action.map_err(|_| ApiError::MalformedQuery("There is no such action."))?,
        since: query.since,
        until: query.until,
    })
}
