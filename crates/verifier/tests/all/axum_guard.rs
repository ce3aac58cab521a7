//! What only axum and tower have: layers, routers, extractors.

use crate::support::{database, remembering, settings, unknown, user_with_token, verifier};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use jeton_verifier::axum::Guard;
use jeton_verifier::{Caller, LONGEST_LEASE, Verifier, VerifierSettings};
use std::convert::Infallible;
use std::io::Write;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

fn request<B>(method: &str, path: &str, token: Option<&str>, body: B) -> Request<B> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(body).unwrap()
}

async fn status(app: &Router, method: &str, path: &str, token: Option<&str>) -> StatusCode {
    let request = request(method, path, token, Body::empty());
    app.clone().oneshot(request).await.unwrap().status()
}

async fn whoami(caller: Caller) -> String {
    caller.username().to_owned()
}

async fn greet(caller: Option<Caller>) -> String {
    caller.map_or("nobody".to_owned(), |caller| caller.username().to_owned())
}

/// A stranger is told what there is not, as of any service; what there is, only to those with a token.
#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_are_not_there_stay_404_and_405() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    let guard = Guard::new(verifier(&database).await).requiring("notes:read");
    let route = Router::new().route("/notes", get(whoami).route_layer(guard.clone()));
    let router = Router::new().route("/notes", get(whoami)).route_layer(guard);
    let (unknown, known) = (unknown(), Some(&*token.text));
    for app in [&route, &router] {
        for token in [None, Some(&*unknown), known] {
            assert_eq!(status(app, "GET", "/nothing", token).await, 404);
        }
        for (method, token, right) in [
            ("GET", None, 401),
            ("HEAD", None, 401),
            ("GET", known, 200),
            ("HEAD", known, 200),
            ("DELETE", known, 405),
        ] {
            assert_eq!(status(app, method, "/notes", token).await, right, "{method}");
        }
    }
    // A router's layer is before a path's 405 as well: that is axum's.
    for (app, right) in [(&route, 405), (&router, 401)] {
        for token in [None, Some(&*unknown)] {
            assert_eq!(status(app, "DELETE", "/notes", token).await, right);
        }
    }
}

/// Any service of tower's that answers HTTP: here with a body that axum knows nothing of.
#[tokio::test(flavor = "multi_thread")]
async fn a_guard_is_a_layer_of_any_tower_stack() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    let guard = Guard::new(remembering(&database).await);
    let mut stack = ServiceBuilder::new()
        .layer(guard.requiring("notes:read"))
        .layer(guard.requiring("notes:write"))
        .service(service_fn(async |request: Request<u8>| {
            let caller = request.extensions().get::<Caller>().unwrap();
            let answer = format!("{} {}", caller.username(), request.body());
            Ok::<_, Infallible>(Response::new(answer.into_bytes()))
        }));
    // Looked up, and then from memory.
    for body in [1, 2] {
        let request = request("GET", "/", Some(&token.text), body);
        let response = stack.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.into_body(), format!("ada {body}").into_bytes());
    }
    let request = request("GET", "/", None, 3);
    let response = stack.ready().await.unwrap().call(request).await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(response.into_body().starts_with(b"{\"type\":"));
}

/// No text is made of bytes.
#[tokio::test(flavor = "multi_thread")]
async fn any_body_can_be_made_one_that_a_guard_can_refuse_with() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    let stack = ServiceBuilder::new()
        .layer(Guard::new(verifier(&database).await))
        .map_response(|response: Response<String>| response.map(Body::new))
        .service(service_fn(async |_| {
            Ok::<_, Infallible>(Response::new("text".to_owned()))
        }));
    for (token, right) in [(Some(&*token.text), 200), (None, 401)] {
        let response = stack
            .clone()
            .oneshot(request("GET", "/", token, ()))
            .await
            .unwrap();
        assert_eq!(response.status(), right);
    }
}

/// Each database has its own tokens: what one has found is no word about the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_guard_does_not_take_the_word_of_another_database() {
    let [(one, mut one_connection), (two, mut two_connection)] = [database(), database()];
    let (_, of_one) = user_with_token(&mut one_connection, "ada");
    let (_, of_two) = user_with_token(&mut two_connection, "bob");
    let guards = [remembering(&one).await, remembering(&two).await].map(Guard::new);
    let [inner, outer] = &guards;
    let app = Router::new()
        .route("/", get(whoami).route_layer(inner.clone()))
        .route("/if-any", get(greet).route_layer(inner.optional()))
        .layer(outer.optional());
    // Looked up, and then from memory where it is known.
    for _ in 0..2 {
        for path in ["/", "/if-any"] {
            for token in [&of_one, &of_two] {
                assert_eq!(status(&app, "GET", path, Some(&token.text)).await, 401, "{path}");
            }
        }
    }
    // Two that ask the same database find it each for itself.
    let same = Router::new()
        .route("/", get(whoami).route_layer(outer.clone()))
        .layer(Guard::new(remembering(&two).await));
    assert_eq!(status(&same, "GET", "/", Some(&of_two.text)).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_guards_check_a_token_once() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    let verifier = remembering(&database).await;
    let guard = Guard::new(verifier.clone());
    let app = Router::new()
        .route("/", get(whoami).route_layer(guard.requiring("notes:write")))
        .route_layer(guard.requiring("notes:read"))
        .layer(guard.optional());
    assert_eq!(status(&app, "GET", "/", Some(&token.text)).await, 200);
    let status_then = verifier.status();
    assert_eq!((status_then.looked_up_valid, status_then.hits), (1, 0));
    assert_eq!(status(&app, "GET", "/", Some(&token.text)).await, 200);
    let status_now = verifier.status();
    assert_eq!((status_now.looked_up_valid, status_now.hits), (1, 1));
}

/// What a test has logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Fails closed: somebody forgot the guard. The log says so, to whoever can put it right, and the client is told nothing.
#[tokio::test]
async fn a_handler_without_a_guard_is_a_500_and_a_line_in_the_log() {
    let app = Router::new()
        .route("/caller", get(whoami))
        .route("/optional", get(greet));
    for path in ["/caller", "/optional"] {
        for token in [None, Some(&*unknown())] {
            let log = Log::default();
            let writer = log.clone();
            let subscriber = tracing_subscriber::fmt()
                .with_ansi(false)
                .with_writer(move || writer.clone())
                .finish();
            let logging = tracing::subscriber::set_default(subscriber);
            assert_eq!(status(&app, "GET", path, token).await, 500);
            drop(logging);
            let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
            let said = "a handler takes a Caller, and no guard stands before it";
            assert!(text.contains(said) && text.contains(path), "{text}");
            assert!(token.is_none_or(|token| !text.contains(token)), "{text}");
        }
    }
}

/// A place among the request's extensions is all that is allocated for a token that is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_token_passes_the_guard_without_allocating() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    let verifier = Verifier::connect(VerifierSettings {
        cache_tokens: 100,
        lease: LONGEST_LEASE,
        ..settings(database.url())
    });
    let guard = Guard::new(verifier.await.unwrap());
    let mut guarded = ServiceBuilder::new()
        .layer(guard.requiring("notes:read"))
        .service(service_fn(|_: Request<()>| {
            std::future::ready(Ok::<_, Infallible>(Response::new(Bytes::new())))
        }));
    let mut call = |request: Request<()>| {
        let mut answer = pin!(guarded.call(request));
        answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    let known = request("GET", "/", Some(&token.text), ());
    let looked_up = guarded_once(&guard, known.clone()).await;
    assert_eq!(looked_up, 200);
    // For what is made when it is first needed.
    assert!(call(known.clone()).is_ready());

    // As a word and any other value of that size would take.
    let mut other = known.clone();
    let place = allocation_counter::measure(|| {
        other.extensions_mut().insert(0_usize);
    });
    let mut answer = Poll::Pending;
    let request = known.clone();
    let allocated = allocation_counter::measure(|| answer = call(request));
    assert!(matches!(answer, Poll::Ready(Ok(response)) if response.status() == 200));
    assert_eq!(allocated.count_total, place.count_total, "{allocated:?}");
}

async fn guarded_once(guard: &Guard, request: Request<()>) -> StatusCode {
    let service = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Bytes::new())));
    let service = ServiceBuilder::new().layer(guard.clone()).service(service);
    service.oneshot(request).await.unwrap().status()
}
