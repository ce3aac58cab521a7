//! An MCP server that is protected: the Model Context Protocol over streamable HTTP, with tools that take a scope. An assistant
//! that knows nothing but its address learns from its 401 who issues its tokens, and asks the user. How to run it beside
//! `scripts/up` says the crate's README.
//!
//! It has no sessions and streams nothing, and so each message is a request of its own, with a token of its own.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jeton_verifier::axum::Guard;
use jeton_verifier::{Caller, DatabaseUrl, ProtectedResource, Refusal, Verifier, VerifierSettings};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// The versions of the protocol that this is all the same in, newest first.
const VERSIONS: [&str; 2] = ["2025-11-25", "2025-06-18"];

struct Tool {
    name: &'static str,
    description: &'static str,
    scope: &'static str,
    call: fn(&Caller) -> String,
}

const TOOLS: [Tool; 2] = [
    Tool {
        name: "latest_note",
        description: "The note that the user has written last",
        scope: "notes:read",
        call: |caller| format!("{}: buy milk", caller.username()),
    },
    Tool {
        name: "forget_notes",
        description: "Deletes all notes of the user",
        scope: "notes:write",
        call: |caller| format!("{} has no notes any more", caller.username()),
    },
];

/// What JSON-RPC calls an error: a code, and a message.
type RpcError = (i32, &'static str);

const INVALID_REQUEST: RpcError = (-32600, "Not a request");
const METHOD_NOT_FOUND: RpcError = (-32601, "No such method");
const NO_SUCH_TOOL: RpcError = (-32602, "No such tool");

fn answer(id: &Value, outcome: Result<Value, RpcError>) -> Response {
    Json(match outcome {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err((code, message)) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
        }
    })
    .into_response()
}

fn initialize(message: &Value) -> Value {
    let wanted = message["params"]["protocolVersion"].as_str();
    let version = VERSIONS.into_iter().find(|version| Some(*version) == wanted);
    json!({
        "protocolVersion": version.unwrap_or(VERSIONS[0]),
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "notes", "version": env!("CARGO_PKG_VERSION") },
    })
}

fn list() -> Value {
    let tools = TOOLS.iter().map(|tool| {
        json!({
            "name": tool.name,
            "description": tool.description,
            "inputSchema": { "type": "object", "properties": {} },
        })
    });
    json!({ "tools": tools.collect::<Vec<_>>() })
}

/// The guard has seen that the token is valid. Which scope it takes is in the body, and so it is asked for here, from memory: what
/// it lacks is told by a 403 with the challenge that clients look for.
async fn call(verifier: &Verifier, headers: &HeaderMap, tool: &Tool) -> Result<Value, Refusal> {
    let authorization = headers.get_all(header::AUTHORIZATION);
    let authorization = authorization.iter().map(HeaderValue::as_bytes);
    let decision = verifier.authorize(authorization, &[tool.scope]);
    let caller = decision.outcome().await?;
    Ok(json!({ "content": [{ "type": "text", "text": (tool.call)(&caller) }] }))
}

async fn mcp(State(verifier): State<Verifier>, headers: HeaderMap, Json(message): Json<Value>) -> Response {
    // No page of another origin has anything to ask here, whatever the name that its browser found this by.
    if headers.contains_key(header::ORIGIN) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let version = headers.get("mcp-protocol-version");
    if version.is_some_and(|version| !VERSIONS.iter().any(|known| version == known)) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let Some(method) = message["method"].as_str() else {
        return (
            StatusCode::BAD_REQUEST,
            answer(&Value::Null, Err(INVALID_REQUEST)),
        )
            .into_response();
    };
    let Some(id) = message.get("id") else {
        // A notification.
        return StatusCode::ACCEPTED.into_response();
    };
    let outcome = match method {
        "initialize" => Ok(initialize(&message)),
        "ping" => Ok(json!({})),
        "tools/list" => Ok(list()),
        "tools/call" => {
            let name = &message["params"]["name"];
            match TOOLS.iter().find(|tool| *name == tool.name) {
                None => Err(NO_SUCH_TOOL),
                Some(tool) => match call(&verifier, &headers, tool).await {
                    Ok(result) => Ok(result),
                    Err(refusal) => return refusal.into_response(),
                },
            }
        }
        _ => Err(METHOD_NOT_FOUND),
    };
    answer(id, outcome)
}

fn app(verifier: &Verifier, resource: &ProtectedResource) -> Router {
    let guard = Guard::new(verifier.clone()).resource(resource);
    Router::new()
        .route("/mcp", post(mcp).route_layer(guard))
        .route_service(resource.metadata_path(), resource.clone())
        .with_state(verifier.protecting(resource))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let set = |name: &str, otherwise: &str| std::env::var(name).unwrap_or_else(|_| otherwise.to_owned());
    let url = DatabaseUrl::parse(&std::env::var("DATABASE_URL")?)?;
    let verifier = Verifier::connect(VerifierSettings::new(url)).await?;
    let listener = TcpListener::bind(set("MCP_ADDR", "127.0.0.1:8083")).await?;
    let origin = format!("http://{}", listener.local_addr()?);
    // The address that clients are given, byte by byte.
    let identifier = set("MCP_RESOURCE", &format!("{origin}/mcp"));
    let issuer = set("JETON_ISSUER", "http://127.0.0.1:8080");
    let scopes = TOOLS.map(|tool| tool.scope);
    let resource = ProtectedResource::new(&identifier, &issuer, &scopes)?;
    // Before anybody is told that the service is there: a signal would end it on the spot.
    let (told, long_told) = (told_to_end()?, told_to_end()?);
    println!("listening on {origin}");
    let serving = axum::serve(listener, app(&verifier, &resource)).with_graceful_shutdown(told);
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
