use crate::support::{Auth, bearer, kind, token_request};
use jeton_client::{ExposeSecret, Introspection, ProblemKind, SecretText, Session};
use jeton_domain::{AuditContext, UserId};
use jeton_persistence::users;
use jeton_proof_support::{RawRequest, RawResponse, count, wait_until};

async fn with_service() -> (Auth, Session) {
    let auth = Auth::start();
    let service = auth.sign_up_with("reports", "tokens:introspect").await;
    (auth, service)
}

fn send(auth: &Auth, session: &Session, form: &str) -> RawResponse {
    let request = RawRequest::new("POST", "/v1/introspect")
        .header("Authorization", bearer(session))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form);
    auth.send(&request)
}

#[tokio::test]
async fn a_valid_token_is_described_as_rfc_7662_says() {
    let (auth, service) = with_service().await;
    let ada = auth.sign_up("ada").await;
    let form = format!(
        "token_type_hint=access_token&token={}",
        ada.token().expose_secret()
    );
    let answer = send(&auth, &service, &form);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    insta::assert_json_snapshot!(body, {
        ".sub" => "[uuid]", ".iat" => "[secs]", ".exp" => "[secs]",
    }, @r#"
    {
      "active": true,
      "scope": "notes:read notes:write",
      "sub": "[uuid]",
      "username": "ada",
      "token_type": "Bearer",
      "iat": "[secs]",
      "exp": "[secs]"
    }
    "#);
    let me = ada.me().await.unwrap();
    let introspection = service.introspect(ada.token()).await.unwrap();
    assert_eq!(introspection.sub, Some(me.user.id));
    assert_eq!(introspection.iat, Some(me.token.created_at.timestamp()));
    assert_eq!(introspection.exp, Some(me.token.expires_at.unwrap().timestamp()));
}

#[tokio::test]
async fn a_token_that_never_expires_has_no_exp_and_the_scopes_are_those_of_now() {
    let auth = Auth::start_with(&[("JETON_TOKEN_TTL", "never")]);
    let service = auth.sign_up_with("reports", "tokens:introspect").await;
    let ada = auth.sign_up("ada").await;
    let id = UserId(ada.me().await.unwrap().user.id);
    let less = "notes:read".parse().unwrap();
    auth.revoke(|connection| users::set_scopes(connection, &AuditContext::cli(), id, &less));
    let introspection = service.introspect(ada.token()).await.unwrap();
    assert_eq!(introspection.exp, None);
    assert_eq!(introspection.scope.as_deref(), Some("notes:read"));
}

#[tokio::test]
async fn a_token_that_is_not_valid_is_told_of_nothing_else() {
    let (auth, service) = with_service().await;
    let (gone, off) = (auth.sign_up("ada").await, auth.sign_up("off").await);
    let old = token_request("old", &[]);
    let expired = gone.tokens().create(&old).await.unwrap().token;
    for token in [
        gone.token(),
        off.token(),
        SecretText::from(expired.expose_secret()),
    ] {
        assert!(service.introspect(token).await.unwrap().active);
    }
    auth.execute("UPDATE tokens SET expires_at = now() WHERE name = 'old'");
    let id = UserId(off.me().await.unwrap().user.id);
    auth.revoke(|connection| users::disable(connection, &AuditContext::cli(), id));
    let revoked = gone.token();
    gone.logout().await.unwrap();
    let unknown = jeton_domain::PlainToken::generate(&mut rand::rng());
    for token in [
        revoked.expose_secret(),
        off.token().expose_secret(),
        expired.expose_secret(),
        unknown.expose_secret(),
        "jtn_mistyped",
        "",
        "%ff",
    ] {
        let answer = send(&auth, &service, &format!("token={token}"));
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, r#"{"active":false}"#),
            "{token}"
        );
    }
    let introspection = service.introspect("not a token at all").await.unwrap();
    assert_eq!(introspection, Introspection::inactive());
}

#[tokio::test]
async fn introspection_takes_the_scope_and_a_form_with_one_token() {
    let (auth, service) = with_service().await;
    let ada = auth.sign_up("ada").await;
    assert_eq!(
        kind(ada.introspect(ada.token()).await),
        ProblemKind::InsufficientScope
    );
    for (form, status) in [("", 422), ("token_type_hint=x", 422), ("token=a&token=b", 422)] {
        assert_eq!(send(&auth, &service, form).status, status, "{form}");
    }
    let json = RawRequest::new("POST", "/v1/introspect")
        .header("Authorization", bearer(&service))
        .header("Content-Type", "application/json")
        .body(r#"{"token": "x"}"#);
    assert_eq!(auth.send(&json).status, 415);
}

/// Else a token that is only ever used at services that ask here would look as if nobody used it.
#[tokio::test]
async fn introspection_counts_as_a_use() {
    let (auth, service) = with_service().await;
    let ada = auth.sign_up("ada").await;
    let connection = &mut auth.connect();
    let uses = "token_uses JOIN tokens ON tokens.id = token_id JOIN users ON users.id = user_id WHERE username = 'ada'";
    assert_eq!(count(connection, uses), 0);
    service.introspect(ada.token()).await.unwrap();
    wait_until("the use is noted", || count(connection, uses) == 1);
}
