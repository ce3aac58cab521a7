//! A service on axum that is protected, and that ends in order. How to run it beside `scripts/up` says the crate's README.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use axum::Router;
use axum::routing::{get, post};
use jeton_verifier::axum::Guard;
use jeton_verifier::{Caller, DatabaseUrl, Verifier, VerifierSettings};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

async fn front_page(caller: Option<Caller>) -> String {
    match caller {
        Some(caller) => format!("Welcome back, {}!\n", caller.username()),
        None => "Sign in to see more.\n".to_owned(),
    }
}

async fn hello(caller: Caller) -> String {
    format!("Hello, {}!\n", caller.username())
}

async fn write(caller: Caller, text: String) -> String {
    format!("{} writes: {text}\n", caller.username())
}

fn app(guard: &Guard) -> Router {
    // Whoever writes may read: of these two guards, the outer one checks the token, and both their scopes are required.
    let writing = post(write).route_layer(guard.requiring("notes:write"));
    let notes = get(hello)
        .merge(writing)
        .route_layer(guard.requiring("notes:read"));
    Router::new()
        .route("/", get(front_page).route_layer(guard.optional()))
        .route("/hello", get(hello).route_layer(guard.clone()))
        .route("/notes", notes)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = DatabaseUrl::parse(&std::env::var("DATABASE_URL")?)?;
    let verifier = Verifier::connect(VerifierSettings::new(url)).await?;
    let address = std::env::var("HELLO_ADDR").unwrap_or_else(|_| "127.0.0.1:8082".to_owned());
    let listener = TcpListener::bind(&address).await?;
    // Before anybody is told that the service is there: a signal would end it on the spot.
    let (told, long_told) = (told_to_end()?, told_to_end()?);
    println!("listening on http://{}", listener.local_addr()?);
    // Told to end, it answers the requests under way and drops the app, and with it the last handle of the verifier: that gives
    // the lease back, and no revocation needs to wait for this service any more.
    let serving = axum::serve(listener, app(&Guard::new(verifier))).with_graceful_shutdown(told);
    // Whoever has sent half a request holds the end up no longer.
    let too_late = async {
        long_told.await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    };
    tokio::select! {
        served = serving => served?,
        () = too_late => {}
    }
    Ok(())
}

fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
