use crate::support::{Auth, PASSWORD, comparable, json, kind, login, pointers};
use jeton_client::{ExposeSecret, IssuedToken, LoginRequest, ProblemKind};
use jeton_domain::{AuditContext, UserId};
use jeton_persistence::users;
use jeton_proof_support::RawRequest;

#[tokio::test]
async fn the_token_is_in_the_body_and_in_the_header() {
    let auth = Auth::start();
    auth.sign_up("ada").await;
    let body = format!(r#"{{"username": "ADA", "password": "{PASSWORD}"}}"#);
    let form = "username=ada&password=correct+horse%20battery+staple&scopes=notes:read&name=Pixel+9";
    let as_form = RawRequest::new("POST", "/v1/login")
        .header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
        .body(form);
    for request in [json("POST", "/v1/login", &body), as_form] {
        let response = auth.send(&request);
        assert_eq!(response.status, 200, "{}", response.text());
        let issued: IssuedToken = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(
            response.header("X-Auth-Token"),
            Some(issued.token.expose_secret())
        );
        assert_eq!(response.header("Cache-Control"), Some("no-store"));
        assert_eq!(response.header("Set-Cookie"), None);
    }
}

/// Ignored, it would give an administrator's token all that the administrator may do.
#[tokio::test]
async fn scope_as_oauth_spells_it_is_what_the_token_is_for() {
    let auth = Auth::start();
    auth.sign_up_with("root", "admin notes:read notes:write").await;
    let body = |more: &str| format!(r#"{{"username": "root", "password": "{PASSWORD}"{more}}}"#);
    let form = |more: &str| {
        RawRequest::new("POST", "/v1/login/")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!(
                "username=root&password={}{more}",
                PASSWORD.replace(' ', "+")
            ))
    };
    for request in [
        json(
            "POST",
            "/v1/login",
            &body(r#", "scope": "notes:read notes:write""#),
        ),
        form("&scope=notes:read+notes:write"),
    ] {
        let issued: IssuedToken = serde_json::from_slice(&auth.send(&request).body).unwrap();
        assert_eq!(issued.scopes, ["notes:read", "notes:write"]);
    }
    for (request, pointer) in [
        (
            json(
                "POST",
                "/v1/login",
                &body(r#", "scope": "notes:read", "scopes": []"#),
            ),
            "/scopes",
        ),
        (form("&scope=notes:read&scopes=notes:read"), "/scopes"),
        (form("&scope=notes:read&scope=notes:write"), "/scope"),
        (
            json("POST", "/v1/login", &body(r#", "Scope": "notes:read""#)),
            "/Scope",
        ),
        (form("&scopess=notes:read"), "/scopess"),
    ] {
        let answer = auth.send(&request);
        let problem: jeton_client::Problem = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem.kind(), Some(ProblemKind::Validation), "{pointer}");
        assert_eq!(problem.errors[0].pointer, pointer);
    }
}

#[tokio::test]
async fn the_answer_has_the_documented_shape() {
    let auth = Auth::start();
    auth.sign_up("ada").await;
    let body = format!(
        r#"{{"username": "ada", "password": "{PASSWORD}", "scopes": "notes:read", "expires_in": 60}}"#
    );
    let response = auth.send(&json("POST", "/v1/login", &body));
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    insta::assert_json_snapshot!(body, {
        ".token" => "[token]", ".token_id" => "[uuid]", ".expires_at" => "[time]", ".user.id" => "[uuid]",
    }, @r#"
    {
      "token": "[token]",
      "token_type": "Bearer",
      "token_id": "[uuid]",
      "kind": "login",
      "name": "login",
      "scopes": [
        "notes:read"
      ],
      "expires_at": "[time]",
      "user": {
        "id": "[uuid]",
        "username": "ada"
      }
    }
    "#);
    assert!(body["expires_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_failed_login_has_the_same_bytes_whatever_is_wrong() {
    let auth = Auth::start();
    for name in ["ada", "off"] {
        auth.sign_up(name).await;
    }
    let off = auth.sign_in("off").await.me().await.unwrap().user.id;
    auth.revoke(|connection| users::disable(connection, &AuditContext::cli(), UserId(off)));
    let without_password = jeton_domain::NewUser {
        service: true,
        id: UserId(uuid::Uuid::now_v7()),
        username: jeton_domain::Username::parse("robot").unwrap(),
        email: None,
        password_hash: None,
        scopes: jeton_domain::ScopeSet::default(),
    };
    users::create(&mut auth.connect(), &AuditContext::cli(), &without_password).unwrap();

    let attempt = |username: &str, password: &str| {
        let body = serde_json::json!({ "username": username, "password": password });
        comparable(&auth.send(&json("POST", "/v1/login", &body.to_string())))
    };
    let wrong_password = attempt("ada", "wrong");
    assert_eq!(wrong_password.0, 401);
    for (username, password) in [
        ("nobody", PASSWORD),
        ("off", PASSWORD),
        ("off", "wrong"),
        ("robot", ""),
        ("robot", PASSWORD),
        ("a b", PASSWORD),
        ("", ""),
    ] {
        assert_eq!(attempt(username, password), wrong_password, "{username}");
    }
}

#[tokio::test]
async fn the_401_of_a_sign_in_is_a_problem_with_a_challenge() {
    let auth = Auth::start();
    let response = auth.send(&json(
        "POST",
        "/v1/login",
        r#"{"username": "x", "password": "y"}"#,
    ));
    assert_eq!(
        response.header("WWW-Authenticate"),
        Some(r#"Bearer realm="jeton""#)
    );
    assert_eq!(response.header("Content-Type"), Some("application/problem+json"));
    insta::assert_snapshot!(response.text(), @r#"{"type":"urn:jeton:problem:invalid-credentials","title":"Invalid credentials","status":401,"detail":"Username or password is wrong."}"#);
}

#[tokio::test]
async fn a_token_can_be_narrower_than_its_user_and_not_wider() {
    let auth = Auth::start();
    auth.sign_up("ada").await;
    let with = |scopes: &[&str]| LoginRequest {
        scopes: Some(scopes.iter().map(|&s| s.to_owned()).collect()),
        ..login("ada", PASSWORD)
    };
    assert_eq!(
        auth.client().login(&with(&["notes:read"])).await.unwrap().scopes,
        ["notes:read"]
    );
    assert!(auth.client().login(&with(&[])).await.unwrap().scopes.is_empty());
    assert_eq!(
        kind(auth.client().login(&with(&["admin"])).await),
        ProblemKind::ScopeNotHeld
    );
    // Not for one who does not know the password: it would tell what the user holds.
    let stranger = LoginRequest {
        password: "wrong".into(),
        ..with(&["admin"])
    };
    assert_eq!(
        kind(auth.client().login(&stranger).await),
        ProblemKind::InvalidCredentials
    );
}

#[tokio::test]
async fn a_token_lives_as_long_as_asked_and_no_longer_than_allowed() {
    let auth = Auth::start_with(&[("JETON_TOKEN_TTL", "1h")]);
    auth.sign_up("ada").await;
    let with = |expires_in| LoginRequest {
        expires_in,
        ..login("ada", PASSWORD)
    };
    let life = async |expires_in| {
        let issued = auth.client().login(&with(expires_in)).await.unwrap();
        let session = auth.client().session(issued.token).unwrap();
        let token = session.me().await.unwrap().token;
        (token.expires_at.unwrap() - token.created_at).num_seconds()
    };
    assert_eq!(life(None).await, 3600);
    assert_eq!(life(Some(60)).await, 60);
    assert_eq!(
        pointers(auth.client().login(&with(Some(3601))).await),
        ["/expires_in"]
    );
    assert_eq!(
        pointers(auth.client().login(&with(Some(0))).await),
        ["/expires_in"]
    );
}

#[tokio::test]
async fn tokens_can_be_set_to_live_for_ever() {
    let auth = Auth::start_with(&[("JETON_TOKEN_TTL", "never")]);
    auth.sign_up("ada").await;
    assert_eq!(
        auth.client()
            .login(&login("ada", PASSWORD))
            .await
            .unwrap()
            .expires_at,
        None
    );
}

#[tokio::test]
async fn every_refused_wish_is_named() {
    let auth = Auth::start();
    let request = LoginRequest {
        name: Some(" ".into()),
        scopes: Some(vec!["a\"b".into()]),
        expires_in: Some(0),
        ..login("ada", PASSWORD)
    };
    assert_eq!(
        pointers(auth.client().login(&request).await),
        ["/name", "/scopes", "/expires_in"]
    );
}
