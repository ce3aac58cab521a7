//! Whom the guard lets through, and where.

use crate::gate::Gate;
use crate::server::Server;
use crate::support::{database, execute, setting, user_with_token};
use jeton_proof_support::{RawRequest, RawResponse};

/// Status and body, for what is let through.
fn answer(response: &RawResponse) -> (u16, String) {
    (response.status, response.text())
}

#[test]
fn a_handler_learns_who_is_calling() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "Ada");
    let server = Server::start(database.url());
    let me = (200, format!("Ada {} notes:read notes:write", token.id));
    for scheme in ["Bearer", "bearer", "BEARER", "Token", "token", "Bearer "] {
        let value = format!("{scheme} {}", token.text);
        assert_eq!(
            answer(&server.get("/whoami", &[value.as_bytes()])),
            me,
            "{scheme}"
        );
    }
}

#[test]
fn required_scopes_are_those_of_now() {
    let (database, mut connection, _, token) = setting();
    let server = Server::start(database.url());
    assert_eq!(server.get_with("/notes", &token.text).status, 200);
    assert_eq!(server.get_with("/both", &token.text).status, 200);
    execute(&mut connection, "UPDATE users SET scopes = '{notes:write}'");
    assert_eq!(server.get_with("/notes", &token.text).status, 403);
    assert_eq!(server.get_with("/both", &token.text).status, 403);
    assert_eq!(server.get_with("/whoami", &token.text).status, 200);
}

#[test]
fn a_missing_scope_is_named() {
    let (database, _, _, token) = setting();
    let server = Server::start(database.url());
    for (path, scope) in [
        ("/reports", "reports:read"),
        ("/one-of-both", "admin"),
        ("/nested/admin", "admin"),
    ] {
        let refused = server.get_with(path, &token.text);
        assert_eq!(refused.status, 403, "{path}");
        let challenge = format!(r#"Bearer realm="jeton", error="insufficient_scope", scope="{scope}""#);
        assert_eq!(
            refused.headers_named("WWW-Authenticate").collect::<Vec<_>>(),
            [&challenge]
        );
        assert_eq!(refused.header("Content-Type"), Some("application/problem+json"));
        let body = format!(
            r#"{{"type":"urn:jeton:problem:insufficient-scope","title":"Insufficient scope","status":403,"detail":"The token lacks the scope {scope}."}}"#
        );
        assert_eq!(refused.text(), body);
    }
}

/// A route's guard inside a scope's: both must be content, and the token is looked up once.
#[test]
fn guards_may_stand_around_each_other() {
    let (database, mut connection, _, token) = setting();
    let server = Server::start(database.url());
    let mut gate = Gate::install(&database);
    assert_eq!(server.get_with("/nested", &token.text).status, 200);
    assert_eq!(gate.statements(), server.front_ends());
    assert_eq!(server.get_with("/nested/write", &token.text).status, 200);
    assert_eq!(gate.statements(), 2 * server.front_ends());
    assert_eq!(server.get("/nested/write", &[]).status, 401);

    // The outer one, and then the inner one.
    for scopes in ["{notes:write}", "{notes:read}"] {
        execute(&mut connection, &format!("UPDATE users SET scopes = '{scopes}'"));
        let refused = server.get_with("/nested/write", &token.text);
        assert_eq!(refused.status, 403, "{scopes}");
    }
    assert_eq!(server.get_with("/nested", &token.text).status, 200);
}

/// Fails closed: somebody forgot the guard, and the client is told nothing of that.
#[test]
fn a_handler_without_a_guard_has_no_caller() {
    let (database, _, _, token) = setting();
    let server = Server::start(database.url());
    for response in [
        server.get("/forgotten", &[]),
        server.get_with("/forgotten", &token.text),
    ] {
        assert_eq!(response.status, 500);
        assert_eq!(
            response.text(),
            r#"{"type":"urn:jeton:problem:internal","title":"Internal error","status":500,"detail":"Something went wrong on our side."}"#
        );
        assert_eq!(response.header("WWW-Authenticate"), None);
    }
}

#[test]
fn a_bad_body_does_not_answer_before_a_bad_token() {
    let (database, _, _, token) = setting();
    let server = Server::start(database.url());
    let valid = format!("Bearer {}", token.text);
    for (authorization, body, status) in [
        (None, "\"hello\"", 401),
        (None, "nonsense", 401),
        (Some("Bearer jtn_mistyped"), "nonsense", 401),
        (Some(valid.as_str()), "nonsense", 400),
        (Some(&valid), "\"hello\"", 200),
    ] {
        let mut request = RawRequest::new("POST", "/echo").header("Content-Type", "application/json");
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        let response = server.send(&request.body(body));
        assert_eq!(
            response.status,
            status,
            "{authorization:?} {body}: {}",
            response.text()
        );
        if status == 200 {
            assert_eq!(response.text(), "ada: hello");
        }
    }
}
