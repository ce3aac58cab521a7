use super::{App, ISSUER, REDIRECT_URI, VERIFIER, body, challenge, new_client, parameters};
use crate::support::{Auth, PASSWORD, json};
use jeton_client::Credentials;
use jeton_domain::AuditContext;
use jeton_domain::delegation::{NewClient, RedirectUri};
use jeton_persistence::delegation::clients;
use jeton_proof_support::count;
use serde_json::{Value, json};

/// Nobody is sent anywhere that is not the client's.
#[tokio::test]
async fn a_wrong_client_or_redirect_uri_is_told_to_nobody_but_the_page() {
    let auth = Auth::start();
    let app = App::public(&auth);
    let other = NewClient {
        redirect_uris: vec![RedirectUri::parse("https://other.example/").unwrap()],
        ..new_client("Other")
    };
    App::create(&mut auth.connect(), &other);
    for (name, wrong) in [
        ("client_id", Some("")),
        ("client_id", None),
        ("client_id", Some("public app")),
        ("client_id", Some("00000000-0000-7000-8000-000000000000")),
        ("client_id", Some(&*app.id().to_uppercase())),
        ("redirect_uri", None),
        ("redirect_uri", Some("https://other.example/")),
        ("redirect_uri", Some("https://evil.example/callback?x=1")),
        (
            "redirect_uri",
            Some("https://app.example@evil.example/callback?x=1"),
        ),
        (
            "redirect_uri",
            Some("https://app.example.evil.example/callback?x=1"),
        ),
        ("redirect_uri", Some("https://app.example/callback?x=1#y")),
        ("redirect_uri", Some("https://app.example/callback?x=1&y=2")),
        ("redirect_uri", Some("https://app.example/callback")),
        ("redirect_uri", Some("https://app.example/callback/?x=1")),
        ("redirect_uri", Some("https://app.example/Callback?x=1")),
        ("redirect_uri", Some("https://app.example/%63allback?x=1")),
        ("redirect_uri", Some("https://app.example/../callback?x=1")),
        ("redirect_uri", Some("https://app.example:443/callback?x=1")),
        ("redirect_uri", Some("http://app.example/callback?x=1")),
        ("redirect_uri", Some("HTTPS://app.example/callback?x=1")),
        (
            "redirect_uri",
            Some("javascript:alert(1)//https://app.example/callback?x=1"),
        ),
        ("redirect_uri", Some("https://app.example/callback?x=1\n")),
        ("redirect_uri", Some(" https://app.example/callback?x=1")),
    ] {
        // Whatever else is wrong.
        for also in [None, Some("scope")] {
            let mut request = app.request();
            request.remove(name);
            request.extend(wrong.map(|wrong| (name, wrong.to_owned())));
            request.extend(also.map(|name| (name, "admin".to_owned())));
            let answer = auth.begin(&request);
            assert_eq!(answer.status, 400, "{name}={wrong:?}");
            let problem = body(&answer);
            assert_eq!(problem["type"], "urn:jeton:problem:invalid-authorization-request");
            assert_eq!(problem["redirect_to"], Value::Null, "{name}={wrong:?}");
        }
    }
    for twice in ["client_id", "redirect_uri"] {
        let mut text = json!(app.request()).to_string();
        text.insert_str(1, &format!(r#""{twice}":"{}","#, app.request()[twice]));
        let answer = auth.send(&json("POST", "/v1/authorizations", &text));
        assert_eq!(
            (answer.status, &body(&answer)["redirect_to"]),
            (400, &Value::Null),
            "{twice}"
        );
    }
    assert_eq!(count(&mut auth.connect(), "authorizations"), 0);
}

#[tokio::test]
async fn what_else_is_wrong_is_told_to_the_client() {
    let auth = Auth::start();
    let app = App::public(&auth);
    let long = "x".repeat(5_000);
    for (name, wrong, error) in [
        ("response_type", None, "invalid_request"),
        ("response_type", Some("token"), "unsupported_response_type"),
        ("response_type", Some("code token"), "unsupported_response_type"),
        ("response_mode", Some("fragment"), "invalid_request"),
        ("request", Some("x.y.z"), "invalid_request"),
        ("request_uri", Some("https://evil.example/"), "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge", Some("short"), "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("scope", Some("admin"), "invalid_scope"),
        ("scope", Some("tokens:revoke"), "invalid_scope"),
        ("scope", Some("notes:read notes:delete"), "invalid_scope"),
        ("scope", Some("a\"b"), "invalid_scope"),
        ("resource", Some("notes"), "invalid_target"),
        ("resource", Some("https://a.example/#b"), "invalid_target"),
        ("state", Some(long.as_str()), "invalid_request"),
    ] {
        let mut request = app.request();
        request.remove(name);
        request.extend(wrong.map(|wrong| (name, wrong.to_owned())));
        let answer = auth.begin(&request);
        assert_eq!(answer.status, 400, "{name}={wrong:?}");
        let told = parameters(&body(&answer)["redirect_to"]);
        assert_eq!(told["error"], error, "{name}={wrong:?}");
        assert_eq!(told["iss"], ISSUER);
        assert_eq!(told["state"], request["state"]);
    }
    let mut request = app.request();
    request.insert("scope", "photos:read".to_owned());
    request.insert("resource", "https://notes.example/".to_owned());
    let told = parameters(&body(&auth.begin(&request))["redirect_to"]);
    assert_eq!(told["error"], "invalid_target");
    // What nobody knows is nothing.
    let mut request = app.request();
    request.insert("nonce", "x".to_owned());
    request.insert("prompt", "login".to_owned());
    assert_eq!(auth.begin(&request).status, 201);
}

#[tokio::test]
async fn what_is_no_text_is_told_apart_from_what_comes_twice() {
    let auth = Auth::start();
    let app = App::public(&auth);
    let request = json!(app.request()).to_string();
    for (more, error, description) in [
        (
            r#""scope":["notes:read"]"#,
            "invalid_request",
            "A parameter comes more than once.",
        ),
        (
            r#""response_mode":["query"]"#,
            "invalid_request",
            "A parameter is no text.",
        ),
        (
            r#""response_mode":7"#,
            "invalid_request",
            "A parameter is no text.",
        ),
        (
            r#""resource":["https://notes.example/"]"#,
            "invalid_target",
            "resource is no absolute URI without fragment",
        ),
        (
            r#""resource":"https://notes.example/","resource":"https://notes.example/""#,
            "invalid_target",
            "One resource at a time",
        ),
    ] {
        let sent = format!("{},{more}}}", request.strip_suffix('}').unwrap());
        let answer = auth.send(&json("POST", "/v1/authorizations", &sent));
        let told = parameters(&body(&answer)["redirect_to"]);
        assert_eq!(
            (&*told["error"], &*told["error_description"]),
            (error, description),
            "{more}"
        );
    }
}

#[tokio::test]
async fn a_code_is_bound_to_its_client_its_redirect_uri_and_its_challenge() {
    let (auth, ada) = Auth::with_ada().await;
    let (app, other) = (App::public(&auth), App::confidential(&auth));
    let code = auth.code(&ada, &app);
    let with = |name: &str, value: Option<&str>| {
        let mut form = app.exchange(&code);
        form.retain(|(other, _)| *other != name);
        let name = ["redirect_uri", "code_verifier", "code"]
            .into_iter()
            .find(|known| *known == name)
            .unwrap();
        form.extend(value.map(|value| (name, value.to_owned())));
        auth.error_of(&form)
    };
    assert_eq!(auth.error_of(&other.exchange(&code)), "invalid_grant");
    for uri in [
        "https://app.example/callback",
        "https://evil.example/",
        "https://app.example/callback?x=2",
    ] {
        assert_eq!(with("redirect_uri", Some(uri)), "invalid_grant", "{uri}");
    }
    assert_eq!(with("redirect_uri", None), "invalid_request");
    assert_eq!(with("code_verifier", None), "invalid_request");
    for verifier in [
        "short",
        &challenge(VERIFIER),
        &VERIFIER.to_lowercase(),
        &format!("{VERIFIER}x"),
    ] {
        assert_eq!(
            with("code_verifier", Some(verifier)),
            "invalid_grant",
            "{verifier}"
        );
    }
    assert_eq!(with("code", Some("jtc_mistyped")), "invalid_grant");
    // None of that has used it.
    assert_eq!(auth.token(&app.exchange(&code)).status, 200);
}

#[tokio::test]
async fn a_replayed_code_takes_back_what_it_gave_but_not_before_who_asks_is_known() {
    let (auth, ada) = Auth::with_ada().await;
    let (app, other) = (App::confidential(&auth), App::public(&auth));
    let code = auth.code(&ada, &app);
    let tokens = body(&auth.token(&app.exchange(&code)));
    let mut unknown = app.exchange(&code);
    unknown.retain(|(name, _)| *name != "client_secret");
    assert_eq!(auth.error_of(&unknown), "invalid_client");
    assert_eq!(auth.error_of(&other.exchange(&code)), "invalid_grant");
    let mut guessed = app.exchange(&code);
    guessed.retain(|(name, _)| *name != "code_verifier");
    guessed.push(("code_verifier", "x".repeat(43)));
    assert_eq!(auth.error_of(&guessed), "invalid_grant");
    assert!(auth.accepts(&tokens["access_token"]));

    assert_eq!(auth.error_of(&app.exchange(&code)), "invalid_grant");
    assert!(!auth.accepts(&tokens["access_token"]));
    let refresh = app.refresh(tokens["refresh_token"].as_str().unwrap());
    assert_eq!(auth.error_of(&refresh), "invalid_grant");
    assert_eq!(
        count(
            &mut auth.connect(),
            "audit_events WHERE detail->>'reason' = 'code-replayed'"
        ),
        1
    );
}

/// However many ask at once, at the most one is given something, and it is taken back.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_exchanged_by_many_at_once_is_good_for_nothing() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let form = app.exchange(&auth.code(&ada, &app));
    let answers: Vec<_> = std::thread::scope(|scope| {
        let ask = || scope.spawn(|| auth.token(&form));
        let all: Vec<_> = (0..8).map(|_| ask()).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let given: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(given.len(), 1);
    assert!(!auth.accepts(&body(given[0])["access_token"]));
}

#[tokio::test]
async fn a_user_disabled_or_scopes_narrowed_after_consent_are_seen_at_the_token_endpoint() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let connection = &mut auth.connect();
    let narrow = |connection: &mut _, to: &str| {
        let pending = clients::set_scopes(
            connection,
            &AuditContext::cli(),
            app.client.id,
            &to.parse().unwrap(),
        );
        jeton_revoker::confirm(connection, pending.unwrap()).unwrap();
    };
    let code = auth.code(&ada, &app);
    narrow(connection, "notes:read");
    let tokens = body(&auth.token(&app.exchange(&code)));
    assert_eq!(tokens["scope"], "notes:read");
    let refresh = app.refresh(tokens["refresh_token"].as_str().unwrap());

    let code = auth.code_for(&ada, &{
        let mut request = app.request();
        request.insert("scope", "notes:read".to_owned());
        request
    });
    auth.execute("UPDATE users SET scopes = '{notes:write}'");
    assert_eq!(auth.error_of(&app.exchange(&code)), "invalid_grant");
    assert_eq!(auth.error_of(&refresh), "invalid_grant");
    auth.execute("UPDATE users SET scopes = '{notes:read}', disabled_at = now()");
    assert_eq!(auth.error_of(&app.exchange(&code)), "invalid_grant");
    assert_eq!(auth.error_of(&refresh), "invalid_grant");
    // What was in the way is gone: nothing was thrown away.
    auth.execute("UPDATE users SET disabled_at = NULL");
    assert_eq!(auth.token(&app.exchange(&code)).status, 200);
    assert_eq!(auth.token(&refresh).status, 200);
}

#[tokio::test]
async fn a_client_that_is_disabled_or_narrowed_loses_its_tokens_everywhere() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::confidential(&auth);
    let tokens = auth.tokens(&ada, &app);
    let code = auth.code(&ada, &app);
    let id = body(&auth.begin(&app.request()))["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(auth.accepts(&tokens["access_token"]));
    auth.revoke(|connection| clients::disable(connection, &AuditContext::cli(), app.client.id));
    assert!(!auth.accepts(&tokens["access_token"]));
    let refresh = app.refresh(tokens["refresh_token"].as_str().unwrap());
    assert_eq!(auth.error_of(&refresh), "invalid_client");
    assert_eq!(auth.error_of(&app.exchange(&code)), "invalid_client");
    assert_eq!(auth.begin(&app.request()).status, 400);
    assert_eq!(auth.decide(&ada, &id, "approve", json!({})).status, 404);
    auth.revoke(|connection| clients::enable(connection, &AuditContext::cli(), app.client.id));
    assert!(!auth.accepts(&tokens["access_token"]));
    let again = body(&auth.token(&refresh));
    assert!(auth.accepts(&again["access_token"]));
    auth.revoke(|connection| {
        clients::set_scopes(
            connection,
            &AuditContext::cli(),
            app.client.id,
            &"notes:read".parse().unwrap(),
        )
    });
    assert!(!auth.accepts(&again["access_token"]));
    let narrowed = body(&auth.token(&refresh));
    assert_eq!(narrowed["scope"], "notes:read");
    auth.revoke(|connection| clients::delete(connection, &AuditContext::cli(), app.client.id));
    assert!(!auth.accepts(&narrowed["access_token"]));
}

/// The port of this machine is free, and nothing else.
#[tokio::test]
async fn a_redirect_to_this_machine_may_have_any_port() {
    let (auth, ada) = Auth::with_ada().await;
    let new = NewClient {
        redirect_uris: vec![RedirectUri::parse("http://127.0.0.1/cb").unwrap()],
        ..new_client("Native")
    };
    let app = App::create(&mut auth.connect(), &new);
    let mut request = app.request();
    for (uri, right) in [
        ("http://127.0.0.1:51004/cb", 201),
        ("http://127.0.0.1:51004/cb2", 400),
        ("http://127.0.0.1:51004@evil.example/cb", 400),
        ("http://localhost:51004/cb", 400),
        ("http://127.0.0.1:/cb", 400),
    ] {
        request.insert("redirect_uri", uri.to_owned());
        assert_eq!(auth.begin(&request).status, right, "{uri}");
    }
    request.insert("redirect_uri", "http://127.0.0.1:51004/cb".to_owned());
    let id = body(&auth.begin(&request))["id"].as_str().unwrap().to_owned();
    let approved = body(&auth.decide(&ada, &id, "approve", json!({})));
    let to = approved["redirect_to"].as_str().unwrap();
    assert!(to.starts_with("http://127.0.0.1:51004/cb?code=jtc_"), "{to}");
    // The exchange names the port, too.
    let code = to.split(['=', '&']).nth(1).unwrap();
    assert_eq!(auth.error_of(&app.exchange(code)), "invalid_grant");
    assert_ne!(REDIRECT_URI, "http://127.0.0.1:51004/cb");
}

/// A handle is for one decision, however many make it at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_decided_once() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let id = body(&auth.begin(&app.request()))["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| auth.decide(&ada, &id, "approve", json!({})).status))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(count(&mut auth.connect(), "authorization_codes"), 1);
}

/// What the token does not hold, it does not show either.
#[tokio::test]
async fn who_signed_in_for_less_gives_no_more_to_an_app() {
    let (auth, _) = Auth::with_ada().await;
    let app = App::public(&auth);
    let credentials = Credentials::new("ada", PASSWORD).scopes(["notes:read"]);
    let narrowed = auth.client().sign_in(credentials).await.unwrap();
    let id = body(&auth.begin(&app.request()))["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let shown = body(&auth.show(&narrowed, &id));
    assert_eq!(shown["scopes"].as_array().unwrap().len(), 1);
    let code = auth.code(&narrowed, &app);
    let tokens = body(&auth.token(&app.exchange(&code)));
    assert_eq!(tokens["scope"], "notes:read");
    assert_eq!(auth.grants(&narrowed)[0]["scopes"].as_array().unwrap().len(), 1);
}
