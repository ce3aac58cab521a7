use super::{notes, photos};
use actix_web::rt::{System, spawn};
use actix_web::{App, HttpServer, web};
use jeton_verifier::actix::Guard;
use jeton_verifier::{Caller, Verifier, VerifierSettings};
use std::net::SocketAddr;
use std::sync::mpsc::Sender;
use tokio::sync::oneshot;

/// Who calls, with which scopes.
async fn whoami(caller: Caller) -> String {
    format!("{} {} {}", caller.username(), caller.token_id(), caller.scopes())
}

async fn greet(caller: Option<Caller>) -> String {
    caller.map_or("nobody".to_owned(), |caller| caller.username().to_owned())
}

async fn echo(caller: Caller, body: web::Json<String>) -> String {
    format!("{}: {}", caller.username(), *body)
}

fn routes(config: &mut web::ServiceConfig, guard: &Guard) {
    let get = |guard: Guard| web::get().to(whoami).wrap(guard);
    let nested = web::scope("/nested")
        .wrap(guard.requiring("notes:read"))
        .route("/write", get(guard.requiring("notes:write")))
        .route("/admin", get(guard.requiring("admin")))
        .route("/optional", web::get().to(greet).wrap(guard.optional()))
        .route("", web::get().to(whoami));
    let (read, reports) = (guard.requiring("notes:read"), guard.requiring("reports:read"));
    // These handlers would answer anybody: what is required is the guards' alone to ask.
    let ask = |guard: Guard| web::get().to(greet).wrap(guard);
    let optional = web::scope("/optional")
        .wrap(guard.optional())
        .route("/write", ask(guard.requiring("notes:write")))
        .route("/caller", web::get().to(whoami))
        .route("", web::get().to(greet));
    config
        .route("/whoami", get(guard.clone()))
        .route("/notes", get(read.clone()))
        .route("/reports", get(reports.clone()))
        .route("/both", get(read.requiring("notes:write")))
        .route("/one-of-both", get(read.requiring("admin")))
        .route("/no-scope", get(guard.requiring("two words")))
        .route("/echo", web::post().to(echo).wrap(guard.clone()))
        .route("/any-method", web::route().to(greet).wrap(reports.clone()))
        .route(
            "/any-method/if-any",
            web::route().to(greet).wrap(guard.optional()),
        )
        .route("/forgotten", web::get().to(whoami))
        .route("/reports-if-any", ask(reports.optional()))
        .route(
            "/required-after-all",
            ask(guard.optional().requiring("notes:read")),
        )
        .service(optional)
        .service(nested)
        .configure(|config| protected(config, guard));
}

fn protected(config: &mut web::ServiceConfig, guard: &Guard) {
    let (notes, photos) = (notes(), photos());
    let (notes_guard, photos_guard) = (guard.resource(&notes), guard.resource(&photos));
    let inside = web::scope("/at/notes")
        .wrap(notes_guard.clone())
        .route(
            "/told",
            web::get().to(whoami).wrap(notes_guard.requiring("notes:write")),
        )
        .route(
            "/not-told",
            web::get().to(whoami).wrap(guard.requiring("notes:read")),
        )
        .route("/photos", web::get().to(whoami).wrap(photos_guard.clone()))
        .route("", web::get().to(whoami));
    let if_any = web::scope("/at/notes-if-any")
        .wrap(notes_guard.optional())
        .route("/caller", web::get().to(whoami))
        .route("", web::get().to(greet));
    config
        .service(notes)
        .service(photos)
        .route(
            "/at/reports",
            web::get().to(whoami).wrap(notes_guard.requiring("reports:read")),
        )
        .route("/at/photos", web::get().to(whoami).wrap(photos_guard))
        .service(if_any)
        .service(inside);
}

pub(super) fn serve(settings: VerifierSettings, tell: Sender<SocketAddr>, stop: oneshot::Receiver<()>) {
    System::new().block_on(async move {
        let guard = Guard::new(Verifier::connect(settings).await.unwrap());
        let app = move || App::new().configure(|config| routes(config, &guard));
        let server = HttpServer::new(app).workers(1).disable_signals();
        let server = server.bind(("127.0.0.1", 0)).unwrap();
        tell.send(server.addrs()[0]).unwrap();
        let server = server.run();
        let handle = server.handle();
        spawn(async move {
            let _ = stop.await;
            handle.stop(false).await;
        });
        server.await.unwrap();
    });
}
