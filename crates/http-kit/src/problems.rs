use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpResponse, ResponseError, Route, guard, web};
use jeton_api_types::{ProblemKind, ProblemResponse};
use jeton_persistence::DatabaseError;

/// What a client is told to wait, in seconds, when the database is away.
const RETRY_AFTER_SECS: u32 = 1;

/// The problem for a request that the database failed. Logs it, once; the client learns nothing of the inside.
#[must_use]
pub fn database_problem(error: &DatabaseError) -> ProblemResponse {
    match error {
        DatabaseError::Unavailable(_) => {
            tracing::warn!(%error, "answering 503");
            ProblemResponse::unavailable(RETRY_AFTER_SECS)
        }
        DatabaseError::Conflict { .. }
        | DatabaseError::Corrupt { .. }
        | DatabaseError::ServerTooOld(_)
        | DatabaseError::NotUtf8 { .. }
        | DatabaseError::TooManyVerifiers
        | DatabaseError::NotAService(_)
        | DatabaseError::Unreleased
        | DatabaseError::Query(_) => {
            tracing::error!(%error, "answering 500");
            ProblemResponse::internal()
        }
    }
}

/// A route for `GET`, and for `HEAD`, which every server must answer as well ([RFC 9110 §9.1]).
///
/// [RFC 9110 §9.1]: https://www.rfc-editor.org/rfc/rfc9110#section-9.1
pub fn get_or_head() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// A resource's `default_service`: 405, with what the resource does know in `Allow` ([RFC 9110 §15.5.6]).
///
/// [RFC 9110 §15.5.6]: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6
pub fn method_not_allowed(allow: &'static str) -> Route {
    web::to(move || async move { method_not_allowed_problem(allow).error_response() })
}

/// 405: see [`method_not_allowed`].
#[must_use]
pub fn method_not_allowed_problem(allow: &'static str) -> ProblemResponse {
    ProblemResponse::new(
        ProblemKind::MethodNotAllowed,
        "The request's method is not for this resource.",
    )
    .with_header(ALLOW, HeaderValue::from_static(allow))
}

/// 404 for a path that is no resource's.
#[must_use]
pub fn not_found_problem() -> ProblemResponse {
    ProblemResponse::new(ProblemKind::NotFound, "There is nothing here.")
}

/// 400 for a query that does not fit the type that it is read into.
#[must_use]
pub fn malformed_query_problem() -> ProblemResponse {
    let detail = "The query string has a parameter with a value it cannot have.";
    ProblemResponse::new(ProblemKind::MalformedQuery, detail)
}

pub(crate) async fn not_found() -> HttpResponse {
    not_found_problem().error_response()
}

/// Turns actix-web's own refusals of paths and queries into problems that do not echo what was sent.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .app_data(web::PathConfig::default().error_handler(|_, _| not_found_problem().into()))
        .app_data(web::QueryConfig::default().error_handler(|_, _| malformed_query_problem().into()));
}
