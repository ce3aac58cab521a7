//! A service with guards, on a real socket.

use crate::support::settings;
use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use actix_web::{App, HttpServer, web};
use jeton_proof_support::{RawRequest, RawResponse};
use jeton_verifier::actix::Guard;
use jeton_verifier::{Caller, Verifier};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

pub(crate) struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// Who calls, with which scopes.
async fn whoami(caller: Caller) -> String {
    format!("{} {} {}", caller.username(), caller.token_id(), caller.scopes())
}

async fn echo(caller: Caller, body: web::Json<String>) -> String {
    format!("{}: {}", caller.username(), *body)
}

fn routes(config: &mut web::ServiceConfig, guard: &Guard) {
    let nested = web::scope("/nested")
        .wrap(guard.requiring("notes:read"))
        .route(
            "/write",
            web::get().to(whoami).wrap(guard.requiring("notes:write")),
        )
        .route("/admin", web::get().to(whoami).wrap(guard.requiring("admin")))
        .route("", web::get().to(whoami));
    config
        .route("/whoami", web::get().to(whoami).wrap(guard.clone()))
        .route(
            "/notes",
            web::get().to(whoami).wrap(guard.requiring("notes:read")),
        )
        .route(
            "/reports",
            web::get().to(whoami).wrap(guard.requiring("reports:read")),
        )
        .route(
            "/both",
            web::get()
                .to(whoami)
                .wrap(guard.requiring("notes:read").requiring("notes:write")),
        )
        .route(
            "/one-of-both",
            web::get()
                .to(whoami)
                .wrap(guard.requiring("notes:read").requiring("admin")),
        )
        .route("/echo", web::post().to(echo).wrap(guard.clone()))
        .route("/forgotten", web::get().to(whoami))
        .service(nested);
}

impl Server {
    pub(crate) fn start(database_url: &str) -> Self {
        let settings = settings(database_url);
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            System::new().block_on(async move {
                let guard = Guard::new(Verifier::connect(settings).await.unwrap());
                let app = move || App::new().configure(|config| routes(config, &guard));
                let server = HttpServer::new(app).workers(1).disable_signals();
                let server = server.bind(("127.0.0.1", 0)).unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                tell.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = told.recv().unwrap();
        Self {
            address,
            handle,
            thread: Some(thread),
        }
    }

    pub(crate) fn send(&self, request: &RawRequest) -> RawResponse {
        request.clone().header("Connection", "close").send(self.address)
    }

    /// `GET` with these `Authorization` headers.
    pub(crate) fn get(&self, path: &str, authorization: &[&[u8]]) -> RawResponse {
        let request = authorization
            .iter()
            .fold(RawRequest::new("GET", path), |request, value| {
                request.header("Authorization", value)
            });
        self.send(&request)
    }

    /// `GET` with a token.
    pub(crate) fn get_with(&self, path: &str, token: &str) -> RawResponse {
        self.get(path, &[format!("Bearer {token}").as_bytes()])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the server panicked");
        }
    }
}
