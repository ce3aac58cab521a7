use crate::error::ApiError;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError};
use jeton_domain::TokenKind;
use jeton_verifier::Caller;

/// Lets through what a guard has let through with a token from signing in. It stands behind a guard, and before the
/// body is read.
pub(crate) async fn required<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let kind = request.extensions().get::<Caller>().map(Caller::token_kind);
    match kind {
        Some(TokenKind::Login) => Ok(next.call(request).await?.map_into_left_body()),
        Some(TokenKind::Personal | TokenKind::Delegated) | None => {
            let refusal = ApiError::LoginTokenRequired.error_response();
            Ok(request.into_response(refusal).map_into_right_body())
        }
    }
}
