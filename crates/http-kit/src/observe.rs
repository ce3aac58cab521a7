use crate::connections::Connection;
use crate::method::method_label;
use crate::metrics::{Ending, RequestMetrics, Shard};
use crate::request_id::X_REQUEST_ID;
use crate::{RequestId, client_address};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::StatusCode;
use actix_web::{Error, HttpMessage, HttpRequest};
use jeton_verifier::Caller;
use pin_project_lite::pin_project;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tracing::Span;

/// What stands around everything else: gives each request its id, a span for whatever is logged on its way, and a line
/// in the log when it is answered; and counts them.
pub(crate) struct Observe {
    pub(crate) metrics: Arc<RequestMetrics>,
}

impl<S, B> Transform<S, ServiceRequest> for Observe
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = ObserveService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        // One of these is made for each thread.
        let shard = self.metrics.shard();
        ready(Ok(ObserveService { service, shard }))
    }
}

pub(crate) struct ObserveService<S> {
    service: S,
    shard: Arc<Shard>,
}

impl<S, B> Service<ServiceRequest> for ObserveService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = Observed<S::Future>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let watch = Watch::start(&request, self.shard.clone());
        request.extensions_mut().insert(watch.id);
        let service = watch.span.in_scope(|| self.service.call(request));
        Observed { service, watch }
    }
}

pin_project! {
    pub(crate) struct Observed<F> {
        #[pin]
        service: F,
        watch: Watch,
    }
}

impl<F, B> Future for Observed<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = {
            let _entered = this.watch.span.enter();
            ready!(this.service.poll(context))
        };
        Poll::Ready(this.watch.finish(outcome))
    }
}

/// One request, watched from its head to the head of its answer.
struct Watch {
    id: RequestId,
    span: Span,
    method: &'static str,
    route: Option<String>,
    connection: Option<Rc<Connection>>,
    started: Instant,
    shard: Arc<Shard>,
    answered: bool,
}

impl Watch {
    /// Of what was sent, the log keeps neither headers nor query nor path, nor a method that somebody made up: they may
    /// hold what should not be kept.
    fn start(request: &ServiceRequest, shard: Arc<Shard>) -> Self {
        let id = RequestId::of(request.headers());
        let route = request.match_pattern();
        let method = method_label(request.method());
        // At the level of an error, so that a line of any level has it.
        let span = tracing::error_span!(
            "request",
            request_id = %id,
            method,
            route = route.as_deref().unwrap_or("-"),
            client = client_address(request.request()).map(tracing::field::display),
        );
        shard.begin();
        let connection = request.conn_data::<Rc<Connection>>().cloned();
        if let Some(connection) = &connection {
            connection.begin_request();
        }
        Self {
            id,
            span,
            method,
            route,
            connection,
            shard,
            started: Instant::now(),
            answered: false,
        }
    }

    fn finish<B>(&mut self, outcome: Result<ServiceResponse<B>, Error>) -> Result<ServiceResponse<B>, Error> {
        self.answered = true;
        let header = self.id.header();
        match outcome {
            Ok(mut response) => {
                if let Some(id) = header {
                    response.headers_mut().insert(X_REQUEST_ID, id);
                }
                self.note(response.status(), caller_of(response.request()));
                Ok(response)
            }
            // From a middleware: the answer is made of it later, out of reach.
            Err(mut error) => {
                self.note(error.as_response_error().status_code(), None);
                error.add_response_mapper(move |mut response| {
                    if let Some(id) = &header {
                        response.headers_mut().insert(X_REQUEST_ID, id.clone());
                    }
                    response
                });
                Err(error)
            }
        }
    }

    fn note(&self, status: StatusCode, caller: Option<Caller>) {
        let took = self.started.elapsed();
        self.end(Ending::Answered(status), took);
        self.span.in_scope(|| {
            tracing::info!(
                status = status.as_u16(),
                duration_ms = milliseconds(took),
                user_id = caller
                    .as_ref()
                    .map(|caller| tracing::field::display(caller.user_id())),
                token_id = caller
                    .as_ref()
                    .map(|caller| tracing::field::display(caller.token_id())),
                "answered"
            );
        });
    }

    fn end(&self, ending: Ending, took: Duration) {
        if let Some(connection) = &self.connection {
            connection.end_request();
        }
        self.shard.end(self.route.as_deref(), self.method, ending, took);
    }
}

/// To the microsecond.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.answered {
            let took = self.started.elapsed();
            self.end(Ending::Abandoned, took);
            let _entered = self.span.enter();
            tracing::info!(duration_ms = milliseconds(took), "the client went away");
        }
    }
}

fn caller_of(request: &HttpRequest) -> Option<Caller> {
    request.extensions().get::<Caller>().cloned()
}
