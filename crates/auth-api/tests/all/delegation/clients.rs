//! How clients say who they are, and what they may ask about their tokens.

use super::{App, body, form};
use crate::support::{Auth, bearer};
use serde_json::{Value, json};

#[tokio::test]
async fn a_client_says_who_it_is_in_one_way() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::confidential(&auth);
    let tokens = auth.tokens(&ada, &app);
    let refresh = vec![
        ("grant_type", "refresh_token".to_owned()),
        (
            "refresh_token",
            tokens["refresh_token"].as_str().unwrap().to_owned(),
        ),
    ];
    let by_header = form("/v1/token", &refresh).header("Authorization", app.basic());
    assert_eq!(auth.send(&by_header).status, 200);
    let both = form("/v1/token", &app.signed(refresh.clone())).header("Authorization", app.basic());
    let answer = auth.send(&both);
    assert_eq!(
        (answer.status, &body(&answer)["error"]),
        (400, &json!("invalid_request"))
    );
    let mut named = refresh.clone();
    named.push(("client_id", app.id()));
    let answer = auth.send(&form("/v1/token", &named).header("Authorization", app.basic()));
    assert_eq!(answer.status, 200);

    let public = App::public(&auth);
    named.push((
        "client_secret",
        app.secret.clone().unwrap().replace("jts_", "jtn_"),
    ));
    let mut given = refresh.clone();
    given.extend([
        ("client_id", public.id()),
        ("client_secret", app.secret.clone().unwrap()),
    ]);
    let mut secretless = refresh.clone();
    secretless.push(("client_id", app.id()));
    for wrong in [refresh.clone(), named, given, secretless] {
        let answer = auth.token(&wrong);
        assert_eq!(
            (answer.status, &body(&answer)["error"]),
            (401, &json!("invalid_client"))
        );
        assert_eq!(answer.header("WWW-Authenticate"), Some("Basic realm=\"jeton\""));
    }
    for header in ["Basic", "Basic !", "Basic eA==", "Bearer x"] {
        let answer = auth.send(&form("/v1/token", &refresh).header("Authorization", header));
        assert_eq!(answer.status, 401, "{header}");
    }
}

#[tokio::test]
async fn a_client_revokes_what_it_was_given_and_nothing_else() {
    let (auth, ada) = Auth::with_ada().await;
    let (app, other) = (App::confidential(&auth), App::public(&auth));
    let tokens = auth.tokens(&ada, &app);
    let revoke = |app: &App, token: &str| {
        auth.send(&form(
            "/v1/revoke",
            &app.signed(vec![("token", token.to_owned())]),
        ))
    };
    let (access, refresh) = (
        tokens["access_token"].as_str().unwrap(),
        tokens["refresh_token"].as_str().unwrap(),
    );
    let nothing = auth.send(&form("/v1/revoke", &app.signed(Vec::new())));
    assert_eq!(
        (nothing.status, &body(&nothing)["error"]),
        (400, &json!("invalid_request"))
    );
    for token in [access, refresh] {
        let refused = revoke(&other, token);
        assert_eq!(
            (refused.status, &body(&refused)["error"]),
            (400, &json!("unauthorized_client"))
        );
    }
    // Not a client's at all.
    let login = bearer(&ada).replace("Bearer ", "");
    assert_eq!(revoke(&app, &login).status, 200);
    assert!(ada.me().await.is_ok());
    assert_eq!(revoke(&app, "nonsense").status, 200);
    let again = body(&auth.token(&app.refresh(refresh)));
    assert_eq!(revoke(&app, access).status, 200);
    assert!(!auth.accepts(&tokens["access_token"]));
    assert!(auth.accepts(&again["access_token"]));
    assert_eq!(revoke(&app, refresh).status, 200);
    assert!(!auth.accepts(&again["access_token"]));
    assert_eq!(auth.error_of(&app.refresh(refresh)), "invalid_grant");
    assert_eq!(revoke(&app, refresh).status, 200);
    // The consent stays.
    assert_eq!(auth.grants(&ada).len(), 1);
    let own = auth.tokens(&ada, &other);
    assert_eq!(revoke(&other, own["refresh_token"].as_str().unwrap()).status, 200);
    assert!(!auth.accepts(&own["access_token"]));
}

/// RFC 7009 §2.1: the access tokens of the same grant, which is one for all of the user's devices.
#[tokio::test]
async fn a_refresh_token_takes_the_grants_access_tokens_along_and_no_other_refresh_token() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let (here, elsewhere) = (auth.tokens(&ada, &app), auth.tokens(&ada, &app));
    let of = app.signed(vec![(
        "token",
        here["refresh_token"].as_str().unwrap().to_owned(),
    )]);
    assert_eq!(auth.send(&form("/v1/revoke", &of)).status, 200);
    for tokens in [&here, &elsewhere] {
        assert!(!auth.accepts(&tokens["access_token"]));
    }
    let refresh = |tokens: &Value| app.refresh(tokens["refresh_token"].as_str().unwrap());
    assert_eq!(auth.error_of(&refresh(&here)), "invalid_grant");
    assert_eq!(auth.token(&refresh(&elsewhere)).status, 200);
    assert_eq!(auth.grants(&ada).len(), 1);
}

#[tokio::test]
async fn a_user_revokes_a_refresh_token_by_its_text() {
    let (auth, ada) = Auth::with_ada().await;
    let eve = auth.sign_up("eve").await;
    let tokens = auth.tokens(&ada, &App::public(&auth));
    let of = [("token", tokens["refresh_token"].as_str().unwrap().to_owned())];
    let by = |session| form("/v1/revoke", &of).header("Authorization", bearer(session));
    assert_eq!(auth.send(&by(&eve)).status, 403);
    assert!(auth.accepts(&tokens["access_token"]));
    assert_eq!(auth.send(&by(&ada)).status, 200);
    assert!(!auth.accepts(&tokens["access_token"]));
}

#[tokio::test]
async fn a_client_is_told_about_its_own_tokens() {
    let (auth, ada) = Auth::with_ada().await;
    let (app, public) = (App::confidential(&auth), App::public(&auth));
    let tokens = auth.tokens(&ada, &app);
    let ask = |token: &str| {
        let request = form("/v1/introspect", &[("token", token.to_owned())]);
        body(&auth.send(&request.header("Authorization", app.basic())))
    };
    let access = ask(tokens["access_token"].as_str().unwrap());
    assert_eq!(
        (&access["active"], &access["scope"]),
        (&json!(true), &json!("notes:read notes:write"))
    );
    assert_eq!(
        (&access["client_id"], &access["username"]),
        (&json!(app.id()), &json!("ada"))
    );
    let refresh = ask(tokens["refresh_token"].as_str().unwrap());
    assert_eq!(refresh["active"], true);
    assert_eq!(refresh.get("token_type"), None);
    let others = auth.tokens(&ada, &public);
    let login = bearer(&ada).replace("Bearer ", "");
    for token in [
        others["access_token"].as_str().unwrap(),
        login.as_str(),
        "nonsense",
    ] {
        assert_eq!(ask(token), json!({ "active": false }));
    }
    let unproved = form("/v1/introspect", &public.signed(vec![("token", login.clone())]));
    assert_eq!(auth.send(&unproved).status, 401);
    assert_eq!(
        auth.send(&form("/v1/introspect", &[("token", login)])).status,
        401
    );
    // Whoever may ask about any token hears of these as well.
    let root = auth.sign_up_with("root", "tokens:introspect").await;
    let about = [("token", tokens["access_token"].as_str().unwrap().to_owned())];
    let asked = form("/v1/introspect", &about).header("Authorization", bearer(&root));
    assert_eq!(body(&auth.send(&asked))["client_id"], app.id());
}
