//! The guard for axum 0.8, and for any other stack of tower services: one layer protects a route, a router or a whole
//! stack, and handlers take a [`Caller`], or an `Option<Caller>` behind a guard that is [optional](Guard::optional).
//!
//! ```no_run
//! use axum::{Router, routing::{get, post}};
//! use jeton_verifier::{Caller, axum::Guard};
//! use tower::ServiceBuilder;
//!
//! async fn notes(caller: Caller) -> String {
//!     format!("notes of {}", caller.username())
//! }
//!
//! async fn front_page(caller: Option<Caller>) -> String {
//!     caller.map_or("Sign in!".to_owned(), |caller| format!("Hello, {}!", caller.username()))
//! }
//!
//! # fn app(guard: Guard) -> Router {
//! let writing = Router::new()
//!     .route("/import", post(notes))
//!     .route_layer(ServiceBuilder::new().layer(guard.requiring("notes:write")));
//! Router::new()
//!     .route("/", get(front_page).route_layer(guard.optional()))
//!     .route("/notes", get(notes).route_layer(guard.requiring("notes:read")))
//!     .merge(writing)
//! # }
//! ```
//!
//! With `route_layer`, a path that is not there stays a 404, whoever asks. So does the 405 of a method that a path does not
//! have, where the guard is the `route_layer` of the path's methods, as of `/notes` here; a router's is before its 405s as
//! well, which those without a valid token see as a 401. With `layer`, a guard answers all of these; so it does where
//! `routing::any` or a `fallback` is to be protected, which are before no `route_layer`.
//!
//! What it stands before answers with a body that can be made of [`Bytes`], since that is what it refuses with. Where it is another
//! one, of tonic say, or of a layer of tower-http that traces or compresses and comes after the guard in one `ServiceBuilder`, make it
//! axum's:
//!
//! ```no_run
//! # use axum::body::Body;
//! # use http::{Request, Response};
//! # use jeton_verifier::axum::Guard;
//! # use tower::{Service, ServiceBuilder};
//! # fn protected<S>(guard: Guard, service: S) -> impl Service<Request<Body>, Response = Response<Body>>
//! # where S: Service<Request<Body>, Response = Response<String>> + Clone {
//! ServiceBuilder::new()
//!     .layer(guard)
//!     .map_response(|response: Response<_>| response.map(Body::new))
//!     .service(service)
//! # }
//! ```

use crate::policy::{Admission, Anonymous, Policy, noted};
use crate::{Caller, ProtectedResource, Refusal, RefusalKind, Verifier};
use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::IntoResponse;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready as at_once};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tower_layer::Layer;
use tower_service::Service;

/// Lets a request through that carries a valid token, with all scopes that are required, and answers any other with
/// a [`Refusal`]: 401, 403, 503, or 400 for two `Authorization` headers.
///
/// Cheap to clone. It is a [`Layer`] for whatever answers an [`http::Request`] with an [`http::Response`] whose body can be
/// made of [`Bytes`], as axum's can, and that can be cloned. Of two of one verifier around each other, only the outer one checks
/// the token, and both their scopes are required.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Policy>);

impl Guard {
    /// Lets every valid token through.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self(Arc::new(Policy::new(verifier)))
    }

    /// The same guard, for this resource: it accepts the tokens as well that were issued for it, and no other's, and names its
    /// metadata when it refuses a request. A guard that was not told which resource it protects accepts only tokens that are for
    /// any. Of two guards around each other, each has to be told.
    ///
    /// Serve the metadata, too: see [`ProtectedResource`].
    #[must_use]
    pub fn resource(&self, resource: &ProtectedResource) -> Self {
        Self(Arc::new(self.0.resource(resource)))
    }

    /// The same guard, requiring one more scope, and with it a token.
    #[must_use]
    pub fn requiring(&self, scope: &'static str) -> Self {
        Self(Arc::new(self.0.requiring(scope)))
    }

    /// The same guard, letting requests through as well that bring no token: handlers take an `Option<Caller>`, and one that
    /// takes a [`Caller`] answers them 401. A token that is there has to be valid, and to have the scopes required so far.
    #[must_use]
    pub fn optional(&self) -> Self {
        Self(Arc::new(self.0.optional()))
    }
}

impl<S> Layer<S> for Guard {
    type Service = GuardService<S>;

    fn layer(&self, service: S) -> GuardService<S> {
        GuardService {
            policy: self.0.clone(),
            service,
        }
    }
}

/// The guard at its place in front of a service. Made by its [`Layer`].
#[derive(Debug, Clone)]
pub struct GuardService<S> {
    policy: Arc<Policy>,
    service: S,
}

impl<S, B, R> Service<Request<B>> for GuardService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    R: From<Bytes>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = GuardFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> GuardFuture<S, B> {
        let headers = request.headers().get_all(AUTHORIZATION);
        let caller = request.extensions().get::<Caller>();
        let state = match self
            .policy
            .decide(caller, headers.iter().map(HeaderValue::as_bytes))
        {
            Admission::Checked => State::pass(&mut self.service, request),
            Admission::Caller(caller) => {
                request.extensions_mut().insert(caller);
                State::pass(&mut self.service, request)
            }
            Admission::Anonymous(anonymous) => {
                request.extensions_mut().insert(anonymous);
                State::pass(&mut self.service, request)
            }
            Admission::LookUp(look_up) => {
                // The one that said it was ready is the one to be called.
                let another = self.service.clone();
                let service = std::mem::replace(&mut self.service, another);
                State::LookUp {
                    look_up: Box::pin(look_up.outcome()),
                    then: Some((service, request)),
                }
            }
            Admission::Refused(refusal) => State::Refused { refusal },
        };
        GuardFuture { state }
    }
}

pin_project! {
    /// The answer of a [`GuardService`], or of what it stands before.
    ///
    /// What is told from memory is told at once; only a look-up is boxed.
    pub struct GuardFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

type Outcome = Pin<Box<dyn Future<Output = Result<Caller, Refusal>> + Send>>;

pin_project! {
    #[project = Projected]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        Passed { #[pin] response: S::Future },
        LookUp { look_up: Outcome, then: Option<(S, Request<B>)> },
        Refused { refusal: Refusal },
    }
}

impl<S, B> State<S, B>
where
    S: Service<Request<B>>,
{
    fn pass(service: &mut S, request: Request<B>) -> Self {
        Self::Passed {
            response: service.call(request),
        }
    }
}

impl<S, B, R> Future for GuardFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: From<Bytes>,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                Projected::Passed { response } => return response.poll(context),
                Projected::Refused { refusal } => return Poll::Ready(Ok(refused(refusal))),
                Projected::LookUp { look_up, then } => {
                    match (ready!(look_up.as_mut().poll(context)), then.take()) {
                        (Ok(caller), Some((mut service, mut request))) => {
                            request.extensions_mut().insert(caller);
                            State::pass(&mut service, request)
                        }
                        (Err(refusal), _) => State::Refused { refusal },
                        // Only this takes what comes then, and another state follows.
                        (Ok(_), None) => State::Refused {
                            refusal: RefusalKind::Internal.into(),
                        },
                    }
                }
            };
            state.set(next);
        }
    }
}

impl<S, B> fmt::Debug for GuardFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardFuture").finish_non_exhaustive()
    }
}

fn refused<R: From<Bytes>>(refusal: &Refusal) -> Response<R> {
    let body = match refusal.body() {
        Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
        Cow::Owned(text) => Bytes::from(text),
    };
    let mut response = Response::new(R::from(body));
    *response.status_mut() =
        StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in refusal.headers() {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response
                .headers_mut()
                .append(HeaderName::from_static(name), value);
        }
    }
    response
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        refused(&self)
    }
}

fn noted_with(parts: &Parts) -> Result<Result<Caller, Anonymous>, Refusal> {
    let extensions = &parts.extensions;
    noted(
        extensions.get(),
        || extensions.get::<Anonymous>().cloned(),
        parts.uri.path(),
    )
}

/// What the guard found. In a handler that no guard stands before, the request fails: 500, and a line in the log.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        noted_with(parts)?.map_err(|Anonymous(refusal)| refusal)
    }
}

/// `None` where an [optional](Guard::optional) guard has let a request through that brought no token. Without any guard, the
/// request fails as above.
impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Refusal> {
        noted_with(parts).map(Result::ok)
    }
}

/// Serves the metadata: for `Router::route_service`, at [`metadata_path`](ProtectedResource::metadata_path).
impl<B> Service<Request<B>> for ProtectedResource {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = self.answer(request.method().as_str());
        let mut response = Response::new(Body::from(answer.body.to_owned()));
        *response.status_mut() =
            StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for &(name, value) in answer.headers {
            let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
            response.headers_mut().append(name, value);
        }
        at_once(Ok(response))
    }
}
