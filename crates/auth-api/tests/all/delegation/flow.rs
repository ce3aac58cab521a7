use super::{App, ISSUER, REDIRECT_URI, body, new_client, parameters};
use crate::support::{Auth, bearer, json as posted};
use jeton_domain::delegation::{DelegableScope, GrantType, NewClient, RedirectUri};
use jeton_domain::{AuditContext, Scope, ScopeSet};
use jeton_persistence::delegation::scopes;
use jeton_proof_support::{RawRequest, count, text};
use serde_json::{Value, json};

#[tokio::test]
async fn a_user_lets_an_app_do_something_and_takes_it_back() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let begun = auth.begin(&app.request());
    assert_eq!(begun.status, 201);
    let begun = body(&begun);
    assert_eq!(
        begun["client"],
        json!({ "name": "Public app", "redirect_host": "app.example", "first_party": false })
    );
    assert_eq!(
        begun["scopes"][0],
        json!({ "name": "notes:read", "title": "Read your notes", "description": "All of them." })
    );
    let id = begun["id"].as_str().unwrap();
    let shown = body(&auth.show(&ada, id));
    assert_eq!(
        (&shown["consented"], &shown["scopes"]),
        (&json!(false), &begun["scopes"])
    );
    let approved = body(&auth.decide(&ada, id, "approve", json!({ "scopes": ["notes:read"] })));
    let answer = parameters(&approved["redirect_to"]);
    assert_eq!(answer["x"], "1");
    assert_eq!(answer["state"], "xyz & more");
    assert_eq!(answer["iss"], ISSUER);
    let tokens = body(&auth.token(&app.exchange(&answer["code"])));
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"]),
        (&json!("Bearer"), &json!(3600))
    );
    assert_eq!(tokens["scope"], "notes:read");
    assert!(auth.accepts(&tokens["access_token"]));

    let grants = auth.grants(&ada);
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0]["client"]["name"], "Public app");
    let path = format!("/v1/grants/{}", grants[0]["id"].as_str().unwrap());
    let delete = RawRequest::new("DELETE", &path).header("Authorization", bearer(&ada));
    assert_eq!(auth.send(&delete).status, 204);
    assert!(!auth.accepts(&tokens["access_token"]));
    assert_eq!(auth.send(&delete).status, 404);
    let refresh = app.refresh(tokens["refresh_token"].as_str().unwrap());
    assert_eq!(auth.error_of(&refresh), "invalid_grant");
    let events = text(
        &mut auth.connect(),
        "SELECT string_agg(action, ' ' ORDER BY at) FROM audit_events WHERE action LIKE 'grant%'",
    );
    assert_eq!(events, "grant-given grant-used grant-revoked");
}

/// As libraries send a request that has nothing to say.
#[tokio::test]
async fn all_of_it_is_allowed_without_a_word() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let approve = |media_type: Option<&str>, sent: &str| {
        let id = body(&auth.begin(&app.request()))["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = format!("/v1/authorizations/{id}/approve");
        let request = RawRequest::new("POST", &path).header("Authorization", bearer(&ada));
        auth.send(&match media_type {
            Some(media_type) => request.header("Content-Type", media_type).body(sent),
            None => request,
        })
    };
    for media_type in [
        None,
        Some("application/json"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let answer = approve(media_type, "");
        assert_eq!(answer.status, 200, "{media_type:?}: {answer:?}");
        let code = &parameters(&body(&answer)["redirect_to"])["code"];
        let tokens = body(&auth.token(&app.exchange(code)));
        assert_eq!(tokens["scope"], "notes:read notes:write");
    }
    for (media_type, sent, status) in [
        ("text/plain", "{}", 415),
        ("application/x-www-form-urlencoded", "scopes=notes:read", 415),
        ("application/json", " ", 400),
        ("application/json", r#"{"scope":"notes:read"}"#, 422),
    ] {
        assert_eq!(approve(Some(media_type), sent).status, status, "{sent}");
    }
}

#[tokio::test]
async fn another_users_grant_cannot_be_taken_back() {
    let (auth, ada) = Auth::with_ada().await;
    let eve = auth.sign_up("eve").await;
    auth.tokens(&ada, &App::public(&auth));
    let path = format!("/v1/grants/{}", auth.grants(&ada)[0]["id"].as_str().unwrap());
    let delete = RawRequest::new("DELETE", &path).header("Authorization", bearer(&eve));
    assert_eq!(auth.send(&delete).status, 404);
    assert_eq!(auth.grants(&ada).len(), 1);
}

/// As programs write what they do not say.
#[tokio::test]
async fn a_parameter_that_is_null_is_none() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let mut request = json!(app.request());
    for name in [
        "scope",
        "state",
        "resource",
        "response_mode",
        "request",
        "user_code",
    ] {
        request[name] = Value::Null;
    }
    let begun = auth.send(&posted("POST", "/v1/authorizations", &request.to_string()));
    assert_eq!(begun.status, 201, "{begun:?}");
    let begun = body(&begun);
    assert_eq!(
        begun["scopes"].as_array().unwrap().len(),
        3,
        "all that the client may ask for"
    );
    let approved = auth.decide(&ada, begun["id"].as_str().unwrap(), "approve", json!({}));
    let answer = parameters(&body(&approved)["redirect_to"]);
    assert!(!answer.contains_key("state"), "{answer:?}");
    request["client_id"] = Value::Null;
    let refused = auth.send(&posted("POST", "/v1/authorizations", &request.to_string()));
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn a_user_may_refuse() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let id = body(&auth.begin(&app.request()))["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let denied = body(&auth.decide(&ada, &id, "deny", json!({})));
    let answer = parameters(&denied["redirect_to"]);
    assert_eq!(
        (answer["error"].as_str(), answer["state"].as_str()),
        ("access_denied", "xyz & more")
    );
    assert!(answer.contains_key("iss"));
    for how in ["deny", "approve"] {
        assert_eq!(auth.decide(&ada, &id, how, json!({})).status, 404, "{how}");
    }
    assert_eq!(auth.show(&ada, &id).status, 404);
    assert_eq!(count(&mut auth.connect(), "grants"), 0);
}

#[tokio::test]
async fn consent_is_asked_once_for_a_set_of_scopes_and_again_for_more() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let consented = |scope: &str| {
        let mut request = app.request();
        request.insert("scope", scope.to_owned());
        let id = body(&auth.begin(&request))["id"].as_str().unwrap().to_owned();
        body(&auth.show(&ada, &id))["consented"].as_bool().unwrap()
    };
    let give = |scope: &str| {
        let mut request = app.request();
        request.insert("scope", scope.to_owned());
        auth.code_for(&ada, &request);
    };
    assert!(!consented("notes:read"));
    give("notes:read");
    assert!(consented("notes:read"));
    assert!(!consented("notes:read notes:write"));
    give("notes:write");
    assert!(consented("notes:read notes:write"));
}

#[tokio::test]
async fn consent_is_skipped_for_the_operators_own_and_never_for_what_listens_on_the_users_machine() {
    let (auth, ada) = Auth::with_ada().await;
    for (number, (uri, first_party, right)) in [
        (REDIRECT_URI, true, true),
        ("http://127.0.0.1/callback?x=1", true, false),
        ("com.example.app:/callback?x=1", true, false),
        ("http://localhost:1/callback?x=1", false, false),
    ]
    .into_iter()
    .enumerate()
    {
        let new = NewClient {
            redirect_uris: vec![RedirectUri::parse(uri).unwrap()],
            first_party,
            ..new_client(&format!("App {number}"))
        };
        let app = App::create(&mut auth.connect(), &new);
        let mut request = app.request();
        request.insert("redirect_uri", uri.to_owned());
        let begin = || body(&auth.begin(&request))["id"].as_str().unwrap().to_owned();
        auth.decide(&ada, &begin(), "approve", json!({}));
        assert_eq!(body(&auth.show(&ada, &begin()))["consented"], right, "{uri}");
    }
}

#[tokio::test]
async fn what_is_asked_is_what_client_user_and_catalogue_have_in_common() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let mut request = app.request();
    request.insert("scope", "notes:read photos:read".to_owned());
    let begun = body(&auth.begin(&request));
    assert_eq!(begun["scopes"].as_array().unwrap().len(), 2);
    let id = begun["id"].as_str().unwrap();
    // Ada has no photos.
    let shown = body(&auth.show(&ada, id));
    assert_eq!(shown["scopes"].as_array().unwrap().len(), 1);
    for scopes in [json!([]), json!(["admin"]), json!(["notes:read", "notes:write"])] {
        let refused = auth.decide(&ada, id, "approve", json!({ "scopes": scopes }));
        assert_eq!(refused.status, 422, "{scopes}");
    }
    // By a front end that shows what was asked for.
    let all = json!({ "scopes": ["notes:read", "photos:read"] });
    let approved = auth.decide(&ada, id, "approve", all);
    assert_eq!(approved.status, 200, "{approved:?}");
    let code = &parameters(&body(&approved)["redirect_to"])["code"];
    let tokens = body(&auth.token(&app.exchange(code)));
    assert_eq!(tokens["scope"], "notes:read");

    for (scope, what) in [
        ("photos:read", json!({})),
        ("photos:read notes:read", json!({ "scopes": ["photos:read"] })),
    ] {
        request.insert("scope", scope.to_owned());
        let id = body(&auth.begin(&request))["id"].as_str().unwrap().to_owned();
        let nothing = body(&auth.decide(&ada, &id, "approve", what));
        assert_eq!(parameters(&nothing["redirect_to"])["error"], "access_denied");
    }
    // Nothing said is all that may be asked for.
    request.remove("scope");
    let begun = body(&auth.begin(&request));
    assert_eq!(begun["scopes"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_token_is_for_the_resource_that_was_asked_for() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let mut request = app.request();
    request.insert("resource", "https://notes.example/".to_owned());
    let code = auth.code_for(&ada, &request);
    let mut wrong = app.exchange(&code);
    wrong.push(("resource", "https://photos.example/".to_owned()));
    assert_eq!(auth.error_of(&wrong), "invalid_target");
    let tokens = body(&auth.token(&app.exchange(&code)));
    // The auth service is another resource. A gateway says which one it stands before.
    let header = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    for (query, status) in [
        ("", 401),
        ("?resource=https://notes.example/", 200),
        ("?resource=https://notes.example/&scope=notes:read", 200),
        ("?resource=https://notes.example/&scope=reports:read", 403),
        ("?resource=https://notes.example", 401),
        ("?resource=https://photos.example/", 401),
        ("?scope=notes:read&uri=/&resource=https://notes.example/", 401),
    ] {
        let target = format!("/v1/verify{query}");
        let verify = RawRequest::new("GET", &target).header("Authorization", &header);
        assert_eq!(auth.send(&verify).status, status, "{query}");
    }
    let me = RawRequest::new("GET", "/v1/me").header("Authorization", &header);
    assert_eq!(auth.send(&me).status, 401);
    let session = auth
        .client()
        .session(tokens["access_token"].as_str().unwrap())
        .unwrap();
    let verified = session
        .verify_for("https://notes.example/", &["notes:read"])
        .await;
    assert_eq!(verified.unwrap().username, "ada");
    assert!(session.verify_for("https://photos.example/", &[]).await.is_err());
    assert!(session.verify(&[]).await.is_err());
    let audiences = "SELECT string_agg(audience, ' ') FROM tokens WHERE kind = 'delegated'";
    assert_eq!(text(&mut auth.connect(), audiences), "https://notes.example/");
    let refresh = app.refresh(tokens["refresh_token"].as_str().unwrap());
    assert_eq!(auth.token(&refresh).status, 200);
    assert_eq!(
        text(&mut auth.connect(), audiences),
        "https://notes.example/ https://notes.example/"
    );
    let mut wrong = refresh;
    wrong.push(("resource", "https://photos.example/".to_owned()));
    assert_eq!(auth.error_of(&wrong), "invalid_target");
}

#[tokio::test]
async fn an_apps_token_reaches_nothing_of_the_account() {
    let (auth, ada) = Auth::with_ada().await;
    let tokens = auth.tokens(&ada, &App::public(&auth));
    let header = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    for (method, path) in [
        ("GET", "/v1/me"),
        ("GET", "/v1/tokens"),
        ("GET", "/v1/grants"),
        ("POST", "/v1/logout-all"),
        ("GET", "/v1/admin/users"),
    ] {
        let answer = auth.send(&RawRequest::new(method, path).header("Authorization", &header));
        assert!([403, 404].contains(&answer.status), "{path}: {answer:?}");
    }
    assert!(auth.accepts(&tokens["access_token"]));
    let listed = ada.tokens().list(None, None).await.unwrap().tokens;
    assert!(listed.iter().all(|token| token.kind == "login"));
    // A logout of its own is its own.
    let logout = RawRequest::new("POST", "/v1/logout").header("Authorization", &header);
    assert_eq!(auth.send(&logout).status, 204);
    assert!(!auth.accepts(&tokens["access_token"]));
    assert!(ada.me().await.is_ok());
}

#[tokio::test]
async fn an_app_that_may_see_the_profile_learns_no_more_of_scopes_than_its_own() {
    let auth = Auth::start();
    let ada = auth.sign_up_with("ada", "notes:read profile admin").await;
    let new = NewClient {
        scopes: ScopeSet::parse("profile").unwrap(),
        ..new_client("Greeter")
    };
    let app = App::create(&mut auth.connect(), &new);
    let scope = DelegableScope::new(Scope::parse("profile").unwrap(), "See who you are", "", None).unwrap();
    scopes::set(&mut auth.connect(), &AuditContext::cli(), &scope).unwrap();
    let mut request = app.request();
    request.insert("scope", "profile".to_owned());
    let code = auth.code_for(&ada, &request);
    let tokens = body(&auth.token(&app.exchange(&code)));
    let header = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let me = body(&auth.send(&RawRequest::new("GET", "/v1/me").header("Authorization", header)));
    assert_eq!(me["user"]["username"], "ada");
    assert_eq!(me["user"]["scopes"], json!(["profile"]));
    let own = ada.me().await.unwrap();
    assert_eq!(own.user.scopes, ["admin", "notes:read", "profile"]);
}

#[tokio::test]
async fn logging_out_everywhere_takes_apps_along() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let tokens = auth.tokens(&ada, &app);
    ada.logout_all().await.unwrap();
    assert!(!auth.accepts(&tokens["access_token"]));
    let refresh = app.refresh(tokens["refresh_token"].as_str().unwrap());
    assert_eq!(auth.error_of(&refresh), "invalid_grant");
}

#[tokio::test]
async fn refreshing_apps_evict_no_sign_in() {
    let auth = Auth::start_with(&[("JETON_TOKENS_PER_USER", "2")]);
    let ada = auth.sign_up("ada").await;
    let app = App::confidential(&auth);
    let tokens = auth.tokens(&ada, &app);
    let refresh = app.refresh(tokens["refresh_token"].as_str().unwrap());
    for _ in 0..10 {
        assert_eq!(auth.token(&refresh).status, 200);
    }
    auth.sign_in("ada").await;
    assert!(ada.me().await.is_ok());
}

#[tokio::test]
async fn the_metadata_says_where_everything_is() {
    let auth = Auth::start_with(&[("JETON_ISSUER", "https://auth.example.org")]);
    App::public(&auth);
    let answer = auth.send(&RawRequest::new("GET", "/.well-known/oauth-authorization-server"));
    let found = body(&answer);
    for (name, right) in [
        ("issuer", json!("https://auth.example.org")),
        (
            "authorization_endpoint",
            json!("https://auth.example.org/authorize"),
        ),
        ("token_endpoint", json!("https://auth.example.org/v1/token")),
        ("revocation_endpoint", json!("https://auth.example.org/v1/revoke")),
        (
            "introspection_endpoint",
            json!("https://auth.example.org/v1/introspect"),
        ),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("response_types_supported", json!(["code"])),
        ("authorization_response_iss_parameter_supported", json!(true)),
        (
            "scopes_supported",
            json!(["notes:read", "notes:write", "photos:read"]),
        ),
    ] {
        assert_eq!(found[name], right, "{name}");
    }
    let elsewhere = Auth::start_with(&[("JETON_PAGES_URL", "https://login.example.org")]);
    let answer = elsewhere.send(&RawRequest::new("GET", "/.well-known/oauth-authorization-server"));
    assert_eq!(
        body(&answer)["authorization_endpoint"],
        "https://login.example.org/authorize"
    );
    assert_eq!(body(&answer)["issuer"], ISSUER);
}

#[tokio::test]
async fn a_client_without_refresh_tokens_gets_none() {
    let (auth, ada) = Auth::with_ada().await;
    let new = NewClient {
        grant_types: vec![GrantType::AuthorizationCode],
        ..new_client("One time")
    };
    let app = App::create(&mut auth.connect(), &new);
    let tokens = auth.tokens(&ada, &app);
    assert_eq!(tokens["refresh_token"], Value::Null);
    assert_eq!(auth.error_of(&app.refresh("jtr_x")), "unauthorized_client");
}

#[tokio::test]
async fn requests_and_codes_do_not_wait_for_ever() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let id = body(&auth.begin(&app.request()))["id"]
        .as_str()
        .unwrap()
        .to_owned();
    auth.execute("UPDATE authorizations SET expires_at = now()");
    assert_eq!(auth.show(&ada, &id).status, 404);
    assert_eq!(auth.decide(&ada, &id, "approve", json!({})).status, 404);
    let code = auth.code(&ada, &app);
    let lifetime = "SELECT (expires_at - now() BETWEEN interval '50 seconds' AND interval '60 seconds')::text FROM authorization_codes";
    assert_eq!(text(&mut auth.connect(), lifetime), "true");
    auth.execute("UPDATE authorization_codes SET expires_at = now()");
    assert_eq!(auth.error_of(&app.exchange(&code)), "invalid_grant");
}

#[tokio::test]
async fn a_network_begins_only_so_many_requests() {
    let auth = Auth::start_with(&[("JETON_NETWORK_AUTHORIZATIONS", "10")]);
    let app = App::public(&auth);
    for _ in 0..10 {
        assert_eq!(auth.begin(&app.request()).status, 201);
    }
    let refused = auth.begin(&app.request());
    assert_eq!(refused.status, 429);
    assert!(refused.header("Retry-After").is_some());
    assert_eq!(count(&mut auth.connect(), "authorizations"), 10);
}
