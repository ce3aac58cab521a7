//! From the fields of a body to the domain's types; what is refused is collected, so that one answer names it all.

use crate::error::{ApiError, ApiResult};
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};
use jeton_api_types::FieldError;
use jeton_domain::delegation::{InvalidClient, InvalidDelegableScope, InvalidRedirectUri, RedirectUri};
use jeton_domain::{Email, ScopeSet, UserChanges, Username};
use jeton_http_kit::named_as_sent;
use std::fmt::Display;

/// What was refused so far.
#[derive(Default)]
pub(crate) struct Refusals(Vec<FieldError>);

impl Refusals {
    /// Takes a field's value out of its parsing, or notes why there is none.
    pub(crate) fn take<T, E: Display>(&mut self, pointer: &str, parsed: Result<T, E>) -> Option<T> {
        parsed
            .map_err(|error| self.0.push(field_error(pointer, &error)))
            .ok()
    }
}

impl From<Refusals> for ApiError {
    fn from(refusals: Refusals) -> Self {
        Self::Validation(refusals.0)
    }
}

fn field_error(pointer: &str, error: &impl Display) -> FieldError {
    FieldError {
        pointer: pointer.to_owned(),
        detail: error.to_string(),
    }
}

/// One field's refusal as an error.
pub(crate) fn refuse(pointer: &str, error: &impl Display) -> ApiError {
    ApiError::Validation(vec![field_error(pointer, error)])
}

pub(crate) fn scopes(texts: &[String]) -> Result<ScopeSet, jeton_domain::InvalidScope> {
    ScopeSet::from_texts(texts)
}

/// Where a client may have users sent back to.
pub(crate) fn redirect_uris(texts: &[String]) -> Result<Vec<RedirectUri>, InvalidRedirectUri> {
    texts.iter().map(|text| RedirectUri::parse(text)).collect()
}

/// Which field says why a client cannot be as it is to be.
pub(crate) fn invalid_client(refused: InvalidClient) -> ApiError {
    let (pointer, detail) = match refused {
        InvalidClient::NoGrantType => ("/grant_types", "must have a way to come to tokens"),
        InvalidClient::NoRedirectUri => ("/redirect_uris", "must not be empty with authorization_code"),
        InvalidClient::TooManyRedirectUris => ("/redirect_uris", "must be at most 32"),
        InvalidClient::ServiceAccount => (
            "/service_account",
            "must come with client_credentials, and a confidential client, and so must they with it",
        ),
        InvalidClient::Privileged => (
            "/scopes",
            "must hold nothing that is never delegated: admin, and what begins with tokens:",
        ),
    };
    refuse(pointer, &detail)
}

/// Which field says why a scope cannot be one that users give to clients.
pub(crate) fn invalid_delegable_scope(refused: InvalidDelegableScope) -> ApiError {
    let (pointer, detail) = match refused {
        InvalidDelegableScope::Privileged => ("/name", "must not be admin, nor begin with tokens:"),
        InvalidDelegableScope::Title => (
            "/title",
            "must be 1 to 100 characters, none of which controls how others are shown",
        ),
        InvalidDelegableScope::Description => (
            "/description",
            "must be at most 1000 characters, none of which controls how others are shown",
        ),
    };
    refuse(pointer, &detail)
}

/// What is to be changed of a user. No address at all is something to say, too.
pub(crate) fn user_changes(username: Option<&str>, email: Option<&Option<String>>) -> ApiResult<UserChanges> {
    let mut refusals = Refusals::default();
    let username = refusals.take("/username", username.map(Username::parse).transpose());
    let email = email.map(|email| email.as_deref().map(Email::parse).transpose());
    let email = refusals.take("/email", email.transpose());
    let (Some(username), Some(email)) = (username, email) else {
        return Err(refusals.into());
    };
    Ok(UserChanges { username, email })
}

/// Stands around whatever takes a body: fields that the handler refuses are named as they were sent.
pub(crate) async fn told_as_sent<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let answer = next.call(request).await?;
    let refusal = answer.response().error().and_then(Error::as_error);
    let Some(ApiError::Validation(errors)) = refusal else {
        return Ok(answer.map_into_left_body());
    };
    let refusal = ApiError::Validation(named_as_sent(answer.request(), errors));
    Ok(answer
        .into_response(HttpResponse::from_error(refusal))
        .map_into_right_body())
}
