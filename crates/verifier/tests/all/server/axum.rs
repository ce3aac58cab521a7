use super::{notes, photos};
use axum::routing::{MethodRouter, any, get, post};
use axum::{Json, Router};
use jeton_verifier::axum::Guard;
use jeton_verifier::{Caller, Verifier, VerifierSettings};
use std::net::SocketAddr;
use std::sync::mpsc::Sender;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Who calls, with which scopes.
async fn whoami(caller: Caller) -> String {
    format!("{} {} {}", caller.username(), caller.token_id(), caller.scopes())
}

async fn greet(caller: Option<Caller>) -> String {
    caller.map_or("nobody".to_owned(), |caller| caller.username().to_owned())
}

async fn echo(caller: Caller, Json(body): Json<String>) -> String {
    format!("{}: {body}", caller.username())
}

fn routes(guard: &Guard) -> Router {
    let behind = |guard: Guard| -> MethodRouter { get(whoami).route_layer(guard) };
    let nested = Router::new()
        .route("/nested/write", behind(guard.requiring("notes:write")))
        .route("/nested/admin", behind(guard.requiring("admin")))
        .route("/nested/optional", get(greet).route_layer(guard.optional()))
        .route("/nested", get(whoami))
        .route_layer(guard.requiring("notes:read"));
    let (read, reports) = (guard.requiring("notes:read"), guard.requiring("reports:read"));
    // These handlers would answer anybody: what is required is the guards' alone to ask.
    let ask = |guard: Guard| -> MethodRouter { get(greet).route_layer(guard) };
    let optional = Router::new()
        .route("/optional/write", ask(guard.requiring("notes:write")))
        .route("/optional/caller", get(whoami))
        .route("/optional", get(greet))
        .route_layer(guard.optional());
    Router::new()
        .route("/whoami", behind(guard.clone()))
        .route("/notes", behind(read.clone()))
        .route("/reports", behind(reports.clone()))
        .route("/both", behind(read.requiring("notes:write")))
        .route("/one-of-both", behind(read.requiring("admin")))
        .route("/no-scope", behind(guard.requiring("two words")))
        .route("/echo", post(echo).route_layer(guard.clone()))
        .route("/any-method", any(greet).layer(reports.clone()))
        .route("/any-method/if-any", any(greet).layer(guard.optional()))
        .route("/forgotten", get(whoami))
        .route("/reports-if-any", ask(reports.optional()))
        .route(
            "/required-after-all",
            ask(guard.optional().requiring("notes:read")),
        )
        .merge(optional)
        .merge(nested)
        .merge(protected(guard))
}

fn protected(guard: &Guard) -> Router {
    let behind = |guard: Guard| -> MethodRouter { get(whoami).route_layer(guard) };
    let (notes, photos) = (notes(), photos());
    let (notes_guard, photos_guard) = (guard.resource(&notes), guard.resource(&photos));
    let inside = Router::new()
        .route("/at/notes/told", behind(notes_guard.requiring("notes:write")))
        .route("/at/notes/not-told", behind(guard.requiring("notes:read")))
        .route("/at/notes/photos", behind(photos_guard.clone()))
        .route("/at/notes", get(whoami))
        .route_layer(notes_guard.clone());
    let if_any = Router::new()
        .route("/at/notes-if-any/caller", get(whoami))
        .route("/at/notes-if-any", get(greet))
        .route_layer(notes_guard.optional());
    Router::new()
        .route_service(notes.metadata_path(), notes.clone())
        .route_service(photos.metadata_path(), photos.clone())
        .route("/at/reports", behind(notes_guard.requiring("reports:read")))
        .route("/at/photos", behind(photos_guard))
        .merge(if_any)
        .merge(inside)
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn serve(settings: VerifierSettings, tell: Sender<SocketAddr>, stop: oneshot::Receiver<()>) {
    let guard = Guard::new(Verifier::connect(settings).await.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    tell.send(listener.local_addr().unwrap()).unwrap();
    let stopped = async {
        let _ = stop.await;
    };
    let server = axum::serve(listener, routes(&guard)).with_graceful_shutdown(stopped);
    server.await.unwrap();
}
