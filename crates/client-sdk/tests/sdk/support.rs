use crate::server::{Reply, Server};
use jeton_client::{
    AuthClient, AuthClientBuilder, ClientError, Credentials, Problem, ProblemKind, Response, Session,
};
use serde_json::{Value, json};
use std::fmt::Debug;
use std::time::Duration;

pub(crate) const ID: &str = "0198c0de-0000-7000-8000-000000000001";
pub(crate) const PASSWORD: &str = "pass-WORD-secret";
pub(crate) const OLD: &str = "jtn_OLDoldOLD";
pub(crate) const NEW: &str = "jtn_NEWnewNEW";

/// A client that does not wait.
pub(crate) fn builder(auth: &Server) -> AuthClientBuilder {
    AuthClient::builder(&auth.url("")).retry_pause(Duration::ZERO)
}

pub(crate) fn client(auth: &Server) -> AuthClient {
    builder(auth).build().unwrap()
}

/// Signs in as ada; the server must answer one login.
pub(crate) async fn signed_in(auth: &Server) -> Session {
    client(auth).sign_in(credentials()).await.unwrap()
}

/// Signed in as ada at a server that answers so what comes afterwards.
pub(crate) async fn scripted(replies: Vec<Reply>) -> (Server, Session) {
    let auth = Server::script([vec![login(OLD)], replies].concat()).await;
    let session = signed_in(&auth).await;
    (auth, session)
}

pub(crate) async fn fetch(session: &Session, service: &Server) -> Result<Response, ClientError> {
    session.get(service.url("/")).send().await
}

/// The kind of problem that a call ended with.
pub(crate) fn kind<T: Debug>(result: Result<T, ClientError>) -> ProblemKind {
    result.unwrap_err().kind().unwrap()
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new("ada", PASSWORD)
}

pub(crate) fn issued(token: &str) -> Value {
    json!({
        "token": token, "token_type": "Bearer", "token_id": ID, "kind": "login", "name": "login",
        "scopes": ["notes:read"], "expires_at": "2030-01-02T03:04:05Z", "user": {"id": ID, "username": "ada"}
    })
}

pub(crate) fn login(token: &str) -> Reply {
    Reply::json(200, &issued(token))
}

pub(crate) fn token_info(name: &str) -> Value {
    json!({
        "id": ID, "kind": "personal", "name": name, "scopes": ["notes:read"],
        "created_at": "2026-01-02T03:04:05Z", "expires_at": null
    })
}

pub(crate) fn problem(kind: ProblemKind) -> Reply {
    let body = serde_json::to_value(Problem::new(kind, "As scripted.")).unwrap();
    Reply::text(kind.status(), body.to_string()).header("content-type", "application/problem+json")
}

pub(crate) fn invalid_token() -> Reply {
    problem(ProblemKind::InvalidToken).header(
        "www-authenticate",
        r#"Bearer realm="jeton", error="invalid_token""#,
    )
}

pub(crate) fn unavailable(retry_after: Option<&str>) -> Reply {
    let reply = problem(ProblemKind::Unavailable);
    match retry_after {
        Some(value) => reply.header("retry-after", value),
        None => reply,
    }
}

/// A service that takes the new token only.
pub(crate) async fn service_for_new_token() -> Server {
    Server::start(|request| async move {
        if request.authorization() == [format!("Bearer {NEW}")] {
            Reply::text(200, "welcome")
        } else {
            invalid_token()
        }
    })
    .await
}
