use crate::error::ApiError;
use crate::state::State;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse, ResponseError};
use jeton_coherence::revocations;
use jeton_domain::{PlainToken, TokenDigest};
use jeton_http_kit::client_address;
use jeton_persistence::Turn;
use jeton_persistence::rate_limit::network;
use jeton_verifier::bearer_token;

/// What a request is answered whose token was revoked a moment ago.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Answer {
    /// As the guard does.
    #[default]
    Refused,
    /// A `POST` is 204: that is what it asked for.
    Done,
}

/// Stands before the guard of what revokes. A token that is not valid may have been revoked by an attempt before this
/// one that was answered 503, because it was not known to hold everywhere: now it has to be, before anything is said.
pub(crate) async fn confirmed<B: MessageBody>(
    answer: Answer,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let state = request.app_data::<Data<State>>().cloned();
    let digest = digest(&request).filter(|_| !request.method().is_safe());
    let turn = Turn::Network(network(client_address(request.request())));
    let asked_to_revoke = request.method() == Method::POST;
    let response = next.call(request).await?;
    let refused = response.status() == actix_web::http::StatusCode::UNAUTHORIZED;
    let (true, Some(state), Some(digest)) = (refused, state, digest) else {
        return Ok(response.map_into_left_body());
    };
    Ok(match (confirm(&state, turn, digest).await, answer) {
        (Ok(true), Answer::Done) if asked_to_revoke => other(response, HttpResponse::NoContent().finish()),
        (Ok(_), _) => response.map_into_left_body(),
        (Err(error), _) => other(response, error.error_response()),
    })
}

fn other<B>(response: ServiceResponse<B>, answer: HttpResponse) -> ServiceResponse<EitherBody<B>> {
    response.into_response(answer).map_into_right_body()
}

fn digest(request: &ServiceRequest) -> Option<TokenDigest> {
    let header = request.headers().get(AUTHORIZATION)?;
    PlainToken::digest_of(bearer_token(header.as_bytes()).ok()?).ok()
}

/// Waits until what revoked the token holds everywhere; says whether something has revoked it. Longer ago than the log
/// remembers, and it does.
async fn confirm(state: &State, turn: Turn, digest: TokenDigest) -> Result<bool, ApiError> {
    let revoked = state
        .database
        .run_reserved(turn, move |connection| revocations::of_token(connection, digest))
        .await?;
    state.confirm(revoked).await
}
