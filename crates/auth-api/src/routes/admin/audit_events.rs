use crate::error::{ApiError, ApiResult};
use crate::state::State;
use crate::wire;
use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use jeton_api_types::{AuditEventList, AuditQuery};
use jeton_domain::UserId;
use jeton_http_kit::PageLimit;
use jeton_persistence::audit::{self, AuditCursor, AuditFilter};
use serde::Deserialize;

/// As [`Page`](jeton_http_kit::Page), for a list in the order of time.
#[derive(Debug, Deserialize)]
pub(crate) struct AuditPage {
    #[serde(default)]
    limit: PageLimit,
    after: Option<String>,
}

/// `GET /v1/admin/audit-events`: what happened, newest first, a page at a time.
pub(crate) async fn list(
    state: Data<State>,
    query: Query<AuditQuery>,
    page: Query<AuditPage>,
) -> ApiResult<HttpResponse> {
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
    Ok(HttpResponse::Ok().json(AuditEventList { events, next }))
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
