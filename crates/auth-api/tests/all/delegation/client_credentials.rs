//! Tokens that a client gets for its own secret: its service account's.

use super::{App, body, new_client};
use crate::support::Auth;
use jeton_domain::delegation::{ClientSecret, GrantType, NewClient};
use jeton_domain::{AuditContext, ExposeSecret, NewUser, ScopeSet, UserId, Username};
use jeton_persistence::delegation::clients;
use jeton_persistence::users;
use jeton_proof_support::count;
use uuid::Uuid;

/// A client that is bound to a new service account, which holds these scopes.
pub(crate) fn server(auth: &Auth, name: &str, scopes: &str) -> App {
    let connection = &mut auth.connect();
    let account = NewUser {
        id: UserId(Uuid::now_v7()),
        username: Username::parse(name).unwrap(),
        email: None,
        password_hash: None,
        service: true,
        scopes: ScopeSet::parse(scopes).unwrap(),
    };
    users::create(connection, &AuditContext::cli(), &account).unwrap();
    let secret = ClientSecret::generate(&mut rand::rng());
    let new = NewClient {
        secret: Some(secret.digest()),
        redirect_uris: Vec::new(),
        grant_types: vec![GrantType::ClientCredentials],
        service_account: Some(account.id),
        ..new_client(name)
    };
    App {
        secret: Some(secret.expose_secret().to_owned()),
        ..App::create(connection, &new)
    }
}

pub(crate) fn wish(app: &App, more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let mut form = vec![("grant_type", "client_credentials".to_owned())];
    form.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    app.signed(form)
}

#[tokio::test]
async fn a_client_gets_its_service_accounts_tokens_and_no_refresh_token() {
    let auth = Auth::start();
    let app = server(&auth, "robot", "notes:read admin");
    let answer = auth.token(&wish(&app, &[]));
    assert_eq!(answer.status, 200, "{answer:?}");
    let tokens = body(&answer);
    assert_eq!(
        (&tokens["scope"], &tokens["token_type"]),
        (&"notes:read".into(), &"Bearer".into())
    );
    assert!(tokens.get("refresh_token").is_none());
    assert!(auth.accepts(&tokens["access_token"]));
    let row = "tokens JOIN users ON users.id = user_id WHERE kind = 'delegated' AND username = 'robot' AND client_id IS NOT NULL";
    assert_eq!(count(&mut auth.connect(), row), 1);
    // Another takes nothing from the one before, and the log has one line for both.
    let again = body(&auth.token(&wish(&app, &[("scope", "notes:read")])));
    assert!(auth.accepts(&again["access_token"]) && auth.accepts(&tokens["access_token"]));
    let used = "audit_events WHERE action = 'grant-used'";
    assert_eq!(count(&mut auth.connect(), used), 1);
    // Nobody has consented to anything.
    assert_eq!(count(&mut auth.connect(), "grants WHERE scopes = '{}'"), 1);
}

#[tokio::test]
async fn scopes_are_bounded_by_client_account_and_request() {
    let auth = Auth::start();
    let app = server(&auth, "robot", "notes:read notes:write photos:read other:read");
    let all = body(&auth.token(&wish(&app, &[])));
    assert_eq!(all["scope"], "notes:read notes:write photos:read");
    let some = body(&auth.token(&wish(&app, &[("scope", "notes:write")])));
    assert_eq!(some["scope"], "notes:write");
    for scope in ["admin", "other:read", "notes:read notes:delete", "a\"b"] {
        assert_eq!(
            auth.error_of(&wish(&app, &[("scope", scope)])),
            "invalid_scope",
            "{scope}"
        );
    }
    let notes = ("resource", "https://notes.example/");
    let bound = body(&auth.token(&wish(&app, &[notes])));
    assert_eq!(bound["scope"], "notes:read notes:write");
    let elsewhere = wish(&app, &[notes, ("scope", "photos:read")]);
    assert_eq!(auth.error_of(&elsewhere), "invalid_target");
    let poor = server(&auth, "poor", "other:read");
    assert_eq!(auth.error_of(&wish(&poor, &[])), "invalid_scope");
}

#[tokio::test]
async fn whoever_is_no_such_client_gets_nothing() {
    let (auth, ada) = Auth::with_ada().await;
    let app = server(&auth, "robot", "notes:read");
    let other = App::confidential(&auth);
    assert_eq!(auth.error_of(&wish(&other, &[])), "unauthorized_client");
    assert_eq!(
        auth.error_of(&wish(&App::public(&auth), &[])),
        "unauthorized_client"
    );
    let mut without = wish(&app, &[]);
    without.retain(|(name, _)| *name != "client_secret");
    assert_eq!(auth.error_of(&without), "invalid_client");
    let mut wrong = without.clone();
    wrong.push(("client_secret", other.secret.clone().unwrap()));
    assert_eq!(auth.error_of(&wrong), "invalid_client");
    // Nor does it come to a user's tokens.
    assert_eq!(auth.begin(&app.request()).status, 400);
    let code = auth.code(&ada, &App::create(&mut auth.connect(), &new_client("Code app")));
    assert_eq!(auth.error_of(&app.exchange(&code)), "unauthorized_client");
}

#[tokio::test]
async fn its_tokens_end_with_the_account_the_client_and_the_secret() {
    let auth = Auth::start();
    let app = server(&auth, "robot", "notes:read notes:write");
    let tokens = || body(&auth.token(&wish(&app, &[])))["access_token"].clone();
    let (cli, client) = (AuditContext::cli(), app.client.id);
    let account = app.client.service_account.unwrap();

    let token = tokens();
    assert!(auth.accepts(&token));
    auth.revoke(|connection| users::disable(connection, &cli, account));
    assert!(!auth.accepts(&token));
    assert_eq!(auth.error_of(&wish(&app, &[])), "unauthorized_client");
    users::enable(&mut auth.connect(), &cli, account).unwrap();

    let token = tokens();
    auth.revoke(|connection| clients::disable(connection, &cli, client));
    assert!(!auth.accepts(&token));
    assert_eq!(auth.error_of(&wish(&app, &[])), "invalid_client");
    auth.revoke(|connection| clients::enable(connection, &cli, client));

    let token = tokens();
    auth.revoke(|connection| clients::set_scopes(connection, &cli, client, &"notes:read".parse().unwrap()));
    assert!(!auth.accepts(&token));
    assert_eq!(body(&auth.token(&wish(&app, &[])))["scope"], "notes:read");

    let secret = ClientSecret::generate(&mut rand::rng());
    clients::rotate_secret(&mut auth.connect(), &cli, client, secret.digest()).unwrap();
    assert_eq!(auth.error_of(&wish(&app, &[])), "invalid_client");
    let rotated = App {
        client: app.client.clone(),
        secret: Some(secret.expose_secret().to_owned()),
    };
    assert_eq!(auth.token(&wish(&rotated, &[])).status, 200);

    // It signs in from now on: what is a person's, no client gets for a secret.
    auth.execute("UPDATE users SET is_service_account = false, password_hash = 'x'");
    assert_eq!(auth.error_of(&wish(&rotated, &[])), "unauthorized_client");
    auth.execute("DELETE FROM users");
    assert_eq!(auth.error_of(&wish(&rotated, &[])), "unauthorized_client");
}

/// The grant that they hang on is made once.
#[tokio::test(flavor = "multi_thread")]
async fn many_that_ask_at_once_all_get_tokens() {
    let auth = Auth::start();
    let app = server(&auth, "robot", "notes:read");
    let form = wish(&app, &[]);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(|| auth.token(&form).status)).collect();
        for one in all {
            assert_eq!(one.join().unwrap(), 200);
        }
    });
    assert_eq!(count(&mut auth.connect(), "grants"), 1);
}
