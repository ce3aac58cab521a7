//! The guard for actix-web: one `wrap` protects a route, a scope or a whole app, and handlers take a [`Caller`], or an
//! `Option<Caller>` behind a guard that is [optional](Guard::optional).

use crate::policy::{Admission, Anonymous, Policy, noted};
use crate::{Caller, ProtectedResource, Refusal, Verifier};
use actix_web::body::{BoxBody, EitherBody};
use actix_web::dev::{
    AppService, HttpServiceFactory, Payload, Service, ServiceRequest, ServiceResponse, Transform,
    forward_ready,
};
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use futures_util::future::{Either, FutureExt, LocalBoxFuture, Map};
use std::future::{Ready, ready};
use std::rc::Rc;

/// Lets a request through that carries a valid token, with all scopes that are required, and answers any other with
/// a [`Refusal`]: 401, 403, 503, or 400 for two `Authorization` headers.
///
/// Cheap to clone. Put one around routes, scopes or the app with `wrap`; of two of one verifier around each other, only the outer
/// one checks the token, and both their scopes are required.
#[derive(Debug, Clone)]
pub struct Guard(Policy);

impl Guard {
    /// Lets every valid token through.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self(Policy::new(verifier))
    }

    /// The same guard, for this resource: it accepts the tokens as well that were issued for it, and no other's, and names its
    /// metadata when it refuses a request. A guard that was not told which resource it protects accepts only tokens that are for
    /// any. Of two guards around each other, each has to be told.
    ///
    /// Serve the metadata, too: see [`ProtectedResource`].
    #[must_use]
    pub fn resource(&self, resource: &ProtectedResource) -> Self {
        Self(self.0.resource(resource))
    }

    /// The same guard, requiring one more scope, and with it a token.
    #[must_use]
    pub fn requiring(&self, scope: &'static str) -> Self {
        Self(self.0.requiring(scope))
    }

    /// The same guard, letting requests through as well that bring no token: handlers take an `Option<Caller>`, and one that
    /// takes a [`Caller`] answers them 401. A token that is there has to be valid, and to have the scopes required so far.
    #[must_use]
    pub fn optional(&self) -> Self {
        Self(self.0.optional())
    }

    fn decide(&self, request: &ServiceRequest) -> Admission {
        let headers = request.headers().get_all(AUTHORIZATION);
        self.0.decide(
            request.extensions().get::<Caller>(),
            headers.map(HeaderValue::as_bytes),
        )
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
            guard: self.clone(),
            service: Rc::new(service),
        }))
    }
}

/// The guard at its place in front of a service. Made by actix-web.
#[derive(Debug)]
pub struct GuardService<S> {
    guard: Guard,
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
        Either<Ready<Outer<B>>, Map<S::Future, fn(Inner<B>) -> Outer<B>>>,
        LocalBoxFuture<'static, Outer<B>>,
    >;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        match self.guard.decide(&request) {
            Admission::Checked => {}
            Admission::Caller(caller) => note(&request, caller),
            Admission::Anonymous(anonymous) => note(&request, anonymous),
            Admission::LookUp(look_up) => {
                let service = self.service.clone();
                return Either::Right(Box::pin(async move {
                    match look_up.outcome().await {
                        Ok(caller) => {
                            note(&request, caller);
                            passed(service.call(request).await)
                        }
                        Err(refusal) => refused(request, &refusal),
                    }
                }));
            }
            Admission::Refused(refusal) => {
                return Either::Left(Either::Left(ready(refused(request, &refusal))));
            }
        }
        let passed: fn(Inner<B>) -> Outer<B> = passed;
        Either::Left(Either::Right(self.service.call(request).map(passed)))
    }
}

type Inner<B> = Result<ServiceResponse<B>, Error>;
type Outer<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

fn note<T: 'static>(request: &ServiceRequest, found: T) {
    request.extensions_mut().insert(found);
}

fn passed<B>(response: Inner<B>) -> Outer<B> {
    response.map(ServiceResponse::map_into_left_body)
}

/// A response, not an `Err`: the middleware around this one, CORS say, shall see it.
fn refused<B>(request: ServiceRequest, refusal: &Refusal) -> Outer<B> {
    let response = request.into_response(refusal.error_response());
    Ok(response.map_into_right_body())
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.status_code());
        for (name, value) in self.headers() {
            response.append_header((name, &*value));
        }
        response.body(self.body())
    }
}

/// What the guard found. In a handler that no guard stands before, the request fails: 500. (An `Option<Caller>` there is
/// `None`, as actix-web has it, and a line in the log.)
impl FromRequest for Caller {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let noted = noted(
            extensions.get(),
            || extensions.get::<Anonymous>().cloned(),
            request.path(),
        );
        ready(noted.and_then(|found| found.map_err(|Anonymous(refusal)| refusal)))
    }
}

/// Serves the metadata at [`metadata_path`](ProtectedResource::metadata_path).
impl HttpServiceFactory for ProtectedResource {
    fn register(self, config: &mut AppService) {
        web::resource(self.metadata_path().to_owned())
            .to(move |request: HttpRequest| ready(metadata(&self, &request)))
            .register(config);
    }
}

fn metadata(resource: &ProtectedResource, request: &HttpRequest) -> HttpResponse {
    let answer = resource.answer(request.method().as_str());
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in answer.headers {
        response.append_header(*header);
    }
    response.body(answer.body.to_owned())
}
