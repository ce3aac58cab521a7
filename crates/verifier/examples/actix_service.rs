//! A service on actix-web that is protected, and that ends in order: the program of the crate's README, which says how to run
//! it beside `scripts/up`.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use actix_web::{App, HttpServer, web};
use jeton_verifier::actix::Guard;
use jeton_verifier::{Caller, DatabaseUrl, Verifier, VerifierSettings};

async fn hello(caller: Caller) -> String {
    format!("Hello, {}!\n", caller.username())
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = DatabaseUrl::parse(&std::env::var("DATABASE_URL")?)?;
    let guard = Guard::new(Verifier::connect(VerifierSettings::new(url)).await?);
    let app = move || {
        App::new()
            .route("/hello", web::get().to(hello).wrap(guard.clone()))
            .route(
                "/reports",
                web::get().to(hello).wrap(guard.requiring("reports:read")),
            )
    };
    let address = std::env::var("HELLO_ADDR").unwrap_or_else(|_| "127.0.0.1:8082".to_owned());
    let server = HttpServer::new(app).bind(address)?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    // Ended by SIGTERM, it answers the requests under way and drops the app, and with it the last handle of the verifier: that
    // gives the lease back, and no revocation needs to wait for this service any more.
    Ok(server.run().await?)
}
