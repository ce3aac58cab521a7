//! The guard for actix-web: one `wrap` protects a route, a scope or a whole app, and handlers take a [`Caller`].

use crate::{Caller, Verifier, VerifyError, bearer_token};
use actix_web::body::EitherBody;
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::AUTHORIZATION;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, ResponseError};
use futures_util::future::LocalBoxFuture;
use jeton_api_types::{ProblemKind, ProblemResponse};
use std::future::{Ready, ready};
use std::rc::Rc;

/// What a client is told to wait, in seconds, when tokens cannot be checked.
const RETRY_AFTER_SECS: u32 = 1;

/// Lets a request through that carries a valid token, with all scopes that are required, and answers any other with
/// a problem: 401, 403, 503, or 400 for two `Authorization` headers.
///
/// Cheap to clone. Put one around routes, scopes or the app with `wrap`; of two around each other, only the outer one
/// checks the token, and both their scopes are required.
#[derive(Debug, Clone)]
pub struct Guard {
    verifier: Verifier,
    scopes: Vec<&'static str>,
}

impl Guard {
    /// Lets every valid token through.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            scopes: Vec::new(),
        }
    }

    /// The same guard, requiring one more scope.
    #[must_use]
    pub fn requiring(&self, scope: &'static str) -> Self {
        let mut guard = self.clone();
        guard.scopes.push(scope);
        guard
    }

    async fn authenticate(&self, request: &ServiceRequest) -> Result<(), ProblemResponse> {
        let known = request.extensions().get::<Caller>().cloned();
        let caller = match known {
            Some(caller) => caller,
            None => self.verifier.verify(token_of(request)?).await.map_err(problem)?,
        };
        if let Some(missing) = self.scopes.iter().find(|scope| !caller.scopes().contains(scope)) {
            return Err(ProblemResponse::insufficient_scope(missing));
        }
        let span = tracing::Span::current();
        span.record("user_id", tracing::field::display(caller.user_id()));
        span.record("token_id", tracing::field::display(caller.token_id()));
        request.extensions_mut().insert(caller);
        Ok(())
    }
}

fn token_of(request: &ServiceRequest) -> Result<&str, ProblemResponse> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let header = headers.next().ok_or_else(ProblemResponse::missing_token)?;
    if headers.next().is_some() {
        return Err(ProblemResponse::new(
            ProblemKind::BadRequest,
            "Send one Authorization header.",
        ));
    }
    bearer_token(header.as_bytes()).map_err(|_| ProblemResponse::invalid_token())
}

fn problem(error: VerifyError) -> ProblemResponse {
    match error {
        VerifyError::Invalid => ProblemResponse::invalid_token(),
        VerifyError::Unavailable => ProblemResponse::unavailable(RETRY_AFTER_SECS),
    }
}

impl<S, B> Transform<S, ServiceRequest> for Guard
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = GuardService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(GuardService {
            guard: Rc::new(self.clone()),
            service: Rc::new(service),
        }))
    }
}

/// The guard at its place in front of a service. Made by actix-web.
#[derive(Debug)]
pub struct GuardService<S> {
    guard: Rc<Guard>,
    service: Rc<S>,
}

impl<S, B> Service<ServiceRequest> for GuardService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (guard, service) = (self.guard.clone(), self.service.clone());
        Box::pin(async move {
            match guard.authenticate(&request).await {
                Ok(()) => Ok(service.call(request).await?.map_into_left_body()),
                // A response, not an `Err`: the middleware around this one, CORS say, shall see it.
                Err(problem) => Ok(request
                    .into_response(problem.error_response())
                    .map_into_right_body()),
            }
        })
    }
}

/// What the guard found. In a handler that no guard stands before, the request fails: 500.
impl FromRequest for Caller {
    type Error = ProblemResponse;
    type Future = Ready<Result<Self, ProblemResponse>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or_else(|| {
            tracing::error!(
                path = request.path(),
                "a handler takes a Caller, and no guard stands before it"
            );
            ProblemResponse::internal()
        }))
    }
}
