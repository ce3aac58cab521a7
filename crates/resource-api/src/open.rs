//! What needs no database: for everybody, and for every valid token.

use actix_web::HttpResponse;
use jeton_verifier::Caller;
use serde_json::json;

/// `GET /public`: for everybody.
pub(crate) async fn public() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "message": "Anybody may read this." }))
}

/// `GET /whoami`: what the guard knows of the caller.
pub(crate) async fn who_am_i(caller: Caller) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "user": { "id": caller.user_id().0, "username": caller.username() },
        "token_id": caller.token_id().0,
        "kind": caller.token_kind().as_str(),
        "client_id": caller.client_id().map(|client| client.0),
        "scopes": caller.scopes().to_texts(),
    }))
}
