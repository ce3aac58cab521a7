//! The guard for actix-web: one `wrap` protects a route, a scope or a whole app, and handlers take a [`Caller`].

use crate::verifier::Check;
use crate::{AuthorizationError, Caller, Verifier, VerifyError, bearer_token};
use actix_web::body::EitherBody;
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::AUTHORIZATION;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, ResponseError};
use futures_util::future::{Either, FutureExt, LocalBoxFuture, Map};
use jeton_api_types::ProblemResponse;
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

    /// Who is calling, as far as that can be told without asking the database.
    fn check(&self, request: &ServiceRequest) -> Result<Check, ProblemResponse> {
        let known = request.extensions().get::<Caller>().cloned();
        match known {
            Some(caller) => Ok(Check::Known(caller)),
            None => self.verifier.check(token_of(request)?).map_err(problem),
        }
    }

    /// Lets the caller in, if it has what is required.
    fn admit(&self, request: &ServiceRequest, caller: Caller) -> Result<(), ProblemResponse> {
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
        return Err(ProblemResponse::several_tokens());
    }
    bearer_token(header.as_bytes()).map_err(|error| match error {
        AuthorizationError::OtherScheme => ProblemResponse::missing_token(),
        AuthorizationError::Malformed => ProblemResponse::invalid_token(),
    })
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
    /// What is told from memory is told at once; only a look-up needs a future of its own.
    type Future = Either<
        Either<Ready<Result<Self::Response, Error>>, Map<S::Future, fn(Inner<B>) -> Outer<B>>>,
        LocalBoxFuture<'static, Result<Self::Response, Error>>,
    >;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let caller = match self.guard.check(&request) {
            Ok(Check::Known(caller)) => caller,
            Ok(Check::LookUp(digest)) => {
                let (guard, service) = (self.guard.clone(), self.service.clone());
                return Either::Right(Box::pin(async move {
                    let caller = guard.verifier.look_up(digest).await.map_err(problem);
                    match caller.and_then(|caller| guard.admit(&request, caller)) {
                        Ok(()) => passed(service.call(request).await),
                        Err(problem) => Ok(refused(request, &problem)),
                    }
                }));
            }
            Err(problem) => return Either::Left(Either::Left(ready(Ok(refused(request, &problem))))),
        };
        Either::Left(match self.guard.admit(&request, caller) {
            Ok(()) => Either::Right(self.service.call(request).map(passed)),
            Err(problem) => Either::Left(ready(Ok(refused(request, &problem)))),
        })
    }
}

type Inner<B> = Result<ServiceResponse<B>, Error>;
type Outer<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

fn passed<B>(response: Inner<B>) -> Outer<B> {
    response.map(ServiceResponse::map_into_left_body)
}

/// A response, not an `Err`: the middleware around this one, CORS say, shall see it.
fn refused<B>(request: ServiceRequest, problem: &ProblemResponse) -> ServiceResponse<EitherBody<B>> {
    request
        .into_response(problem.error_response())
        .map_into_right_body()
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
