//! `/v1/admin/…`, row by row.

mod audit_events;
mod clients;
mod last_admin;
mod tokens;
mod verifiers;

use crate::support::{Auth, PASSWORD, bearer, kind, login, pointers, sign_up, token_request};
use jeton_client::ProblemKind::{
    InsufficientScope, InvalidCredentials, InvalidToken, NotFound, ScopeNotHeld, UsernameTaken,
};
use jeton_client::{AuditQuery, CreateTokenRequest, CreateUserRequest, Session, UserInfo, UserQuery};
use jeton_proof_support::RawRequest;
use uuid::Uuid;

const NEW: &str = "a wholly different phrase";

/// The service, and an admin, signed in.
async fn with_admin() -> (Auth, Session) {
    let auth = Auth::start();
    let root = auth.sign_up_with("root", "admin notes:read").await;
    (auth, root)
}

fn person(username: &str) -> CreateUserRequest {
    CreateUserRequest {
        username: username.to_owned(),
        password: Some(PASSWORD.into()),
        email: None,
        service: false,
        scopes: None,
    }
}

fn service(username: &str, scopes: &[&str]) -> CreateUserRequest {
    CreateUserRequest {
        password: None,
        service: true,
        scopes: Some(scopes.iter().map(|&scope| scope.to_owned()).collect()),
        ..person(username)
    }
}

fn token(scopes: &[&str]) -> CreateTokenRequest {
    token_request("nightly", scopes)
}

fn nobody() -> Uuid {
    Uuid::now_v7()
}

async fn names(session: &Session, query: UserQuery) -> Vec<String> {
    let page = session.admin().users(&query, None, None).await.unwrap();
    page.users.into_iter().map(|user| user.username).collect()
}

#[tokio::test]
async fn the_scope_admin_is_needed_for_all_of_it_and_a_programs_token_may_have_it() {
    let (auth, root) = with_admin().await;
    let eve = auth.sign_up("eve").await;
    let id = eve.me().await.unwrap().user.id;
    let header = bearer(&eve);
    let user = format!("/v1/admin/users/{id}");
    for (method, path) in [
        ("GET", "/v1/admin/users".to_owned()),
        ("POST", "/v1/admin/users".to_owned()),
        ("GET", user.clone()),
        ("DELETE", user.clone()),
        ("PATCH", user.clone()),
        ("PUT", format!("{user}/scopes")),
        ("PUT", format!("{user}/password")),
        ("POST", format!("{user}/disable")),
        ("POST", format!("{user}/enable")),
        ("POST", format!("{user}/unblock")),
        ("GET", format!("{user}/tokens")),
        ("POST", format!("{user}/tokens")),
        ("DELETE", format!("{user}/tokens")),
        ("DELETE", format!("{user}/tokens/{id}")),
        ("GET", "/v1/admin/audit-events".to_owned()),
        ("GET", "/v1/admin/networks".to_owned()),
        ("POST", "/v1/admin/networks/unblock".to_owned()),
        ("GET", "/v1/admin/verifiers".to_owned()),
    ] {
        let answer = auth.send(&RawRequest::new(method, &path).header("Authorization", &header));
        assert_eq!(answer.status, 403, "{method} {path}");
        assert_eq!(
            answer.header("WWW-Authenticate"),
            Some(r#"Bearer realm="jeton", error="insufficient_scope", scope="admin""#),
        );
        let answer = auth.send(&RawRequest::new(method, &path));
        assert_eq!(answer.status, 401, "{method} {path}");
    }
    // An admin's token that was made for less is none, and one that was made for that is.
    let less = root.tokens().create(&token(&["notes:read"])).await.unwrap();
    let less = auth.client().session(less.token).unwrap();
    assert_eq!(kind(less.admin().user(id).await), InsufficientScope);
    let program = root.tokens().create(&token(&["admin"])).await.unwrap();
    let program = auth.client().session(program.token).unwrap();
    program.admin().user(id).await.unwrap();
}

#[tokio::test]
async fn nobody_becomes_an_admin_by_signing_up_or_by_wishing() {
    let auth = Auth::start();
    let eve = auth.sign_up("eve").await;
    assert_eq!(kind(eve.tokens().create(&token(&["admin"])).await), ScopeNotHeld);
    let wish = jeton_client::LoginRequest {
        scopes: Some(vec!["admin".into()]),
        ..login("eve", PASSWORD)
    };
    assert_eq!(kind(auth.client().login(&wish).await), ScopeNotHeld);
    let body = format!(
        r#"{{"username": "mallory", "password": "{PASSWORD}", "scopes": ["admin"], "service": false}}"#
    );
    let answer = auth.send(&crate::support::json("POST", "/v1/users", &body));
    let problem: jeton_client::Problem = serde_json::from_slice(&answer.body).unwrap();
    let refused: Vec<_> = problem
        .errors
        .iter()
        .map(|error| error.pointer.as_str())
        .collect();
    assert_eq!((answer.status, refused), (422, vec!["/scopes", "/service"]));
    let nobody = auth.client().login(&login("mallory", PASSWORD)).await;
    assert_eq!(kind(nobody), InvalidCredentials);
}

#[tokio::test]
async fn users_are_listed_in_pages_and_by_what_they_are() {
    let (_auth, root) = with_admin().await;
    for name in ["ada", "Adam", "bob"] {
        root.admin().create_user(&person(name)).await.unwrap();
    }
    let robot = root
        .admin()
        .create_user(&service("ada-robot", &[]))
        .await
        .unwrap();
    root.admin().disable(robot.id).await.unwrap();

    assert_eq!(
        names(&root, UserQuery::default()).await,
        ["ada-robot", "bob", "Adam", "ada", "root"]
    );
    let prefix = |prefix: &str| UserQuery {
        prefix: Some(prefix.to_owned()),
        ..UserQuery::default()
    };
    assert_eq!(names(&root, prefix("ADA")).await, ["ada-robot", "Adam", "ada"]);
    let people = UserQuery {
        service: Some(false),
        ..prefix("ada")
    };
    assert_eq!(names(&root, people).await, ["Adam", "ada"]);
    let disabled = UserQuery {
        disabled: Some(true),
        ..UserQuery::default()
    };
    assert_eq!(names(&root, disabled).await, ["ada-robot"]);

    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = root
            .admin()
            .users(&UserQuery::default(), Some(2), after)
            .await
            .unwrap();
        assert!(page.users.len() <= 2);
        all.extend(page.users.into_iter().map(|user| user.username));
        after = page.next;
        if after.is_none() {
            break;
        }
        // What comes meanwhile shifts nothing.
        root.admin()
            .create_user(&person(&format!("late-{}", all.len())))
            .await
            .unwrap();
    }
    assert_eq!(all, ["ada-robot", "bob", "Adam", "ada", "root"]);
}

#[tokio::test]
async fn a_user_is_created_and_signs_in() {
    let auth = Auth::start_with(&[("JETON_SIGNUP", "closed"), ("JETON_DEFAULT_SCOPES", "notes:read")]);
    let root = bootstrap(&auth).await;
    let request = CreateUserRequest {
        email: Some("ada@example.org".into()),
        ..person("Ada")
    };
    let created = root.admin().create_user(&request).await.unwrap();
    let expected = UserInfo {
        id: created.id,
        username: "Ada".into(),
        email: Some("ada@example.org".into()),
        scopes: vec!["notes:read".into()],
        service: false,
        created_at: created.created_at,
        disabled_at: None,
    };
    assert_eq!(created, expected);
    assert_eq!(root.admin().user(created.id).await.unwrap(), expected);
    assert_eq!(auth.sign_in("ada").await.me().await.unwrap().user.id, created.id);
    // The second attempt of one who has not heard how the first ended.
    assert_eq!(kind(root.admin().create_user(&request).await), UsernameTaken);
    assert_eq!(kind(root.admin().user(nobody()).await), NotFound);
}

/// The first admin, as `jeton user create --admin` makes one.
async fn bootstrap(auth: &Auth) -> Session {
    let user = jeton_domain::NewUser {
        service: false,
        id: jeton_domain::UserId(nobody()),
        username: jeton_domain::Username::parse("root").unwrap(),
        email: None,
        password_hash: Some(jeton_domain::PasswordHash::make(
            &jeton_domain::NewPassword::choose(
                jeton_domain::Password::new(PASSWORD.to_owned()),
                "root",
                None,
            )
            .unwrap(),
            jeton_domain::BcryptCost::new(4).unwrap(),
            [7; 16],
        )),
        scopes: "admin".parse().unwrap(),
    };
    let by = jeton_domain::AuditContext::cli();
    jeton_persistence::users::create(&mut auth.connect(), &by, &user).unwrap();
    auth.sign_in("root").await
}

#[tokio::test]
async fn every_refused_field_is_named() {
    let (_auth, root) = with_admin().await;
    let bad = CreateUserRequest {
        username: "a b".into(),
        email: Some("nowhere".into()),
        scopes: Some(vec!["a\"b".into()]),
        password: None,
        service: false,
    };
    assert_eq!(
        pointers(root.admin().create_user(&bad).await),
        ["/username", "/email", "/scopes", "/password"]
    );
    let with_password = CreateUserRequest {
        password: Some(PASSWORD.into()),
        ..service("robot", &[])
    };
    assert_eq!(
        pointers(root.admin().create_user(&with_password).await),
        ["/password"]
    );
    let guessable = CreateUserRequest {
        password: Some("letmein1".into()),
        ..person("ada")
    };
    assert_eq!(
        pointers(root.admin().create_user(&guessable).await),
        ["/password"]
    );
    let id = root.me().await.unwrap().user.id;
    assert_eq!(pointers(root.admin().set_scopes(id, &["a b"]).await), ["/scopes"]);
    assert_eq!(
        pointers(root.admin().set_password(id, "letmein1", false).await),
        ["/password"]
    );
}

#[tokio::test]
async fn revocations_by_an_admin_hold_everywhere_and_twice_is_as_good_as_once() {
    let auth = Auth::start();
    let second = crate::support::start_service(auth.database.url(), &[]);
    let elsewhere = jeton_client::AuthClient::new(&second.base_url()).unwrap();
    let root = auth.sign_up_with("root", "admin notes:read").await;
    let ada = auth.sign_up("ada").await;
    let id = ada.me().await.unwrap().user.id;
    let there = elsewhere.session(ada.token()).unwrap();
    there.verify(&["notes:write"]).await.unwrap();

    for _ in 0..2 {
        let less = root.admin().set_scopes(id, &["notes:read"]).await.unwrap();
        assert_eq!(less.scopes, ["notes:read"]);
        assert_eq!(kind(there.verify(&["notes:write"]).await), InsufficientScope);
        there.verify(&["notes:read"]).await.unwrap();
    }
    let mut since = None;
    for _ in 0..2 {
        let disabled = root.admin().disable(id).await.unwrap().disabled_at;
        assert!(disabled.is_some() && (since.is_none() || since == disabled));
        since = disabled;
        assert_eq!(kind(there.verify(&[]).await), InvalidToken);
        assert_eq!(kind(auth.login("ada", PASSWORD).await), InvalidCredentials);
    }
    for _ in 0..2 {
        assert_eq!(root.admin().enable(id).await.unwrap().disabled_at, None);
        there.verify(&[]).await.unwrap();
    }
    for _ in 0..2 {
        root.admin().set_password(id, NEW, false).await.unwrap();
        assert_eq!(kind(there.verify(&[]).await), InvalidToken);
    }
    let again = auth
        .client()
        .sign_in(jeton_client::Credentials::new("ada", NEW))
        .await
        .unwrap();
    let there = elsewhere.session(again.token()).unwrap();
    there.verify(&[]).await.unwrap();
    root.admin().delete_user(id).await.unwrap();
    assert_eq!(kind(there.verify(&[]).await), InvalidToken);
    assert_eq!(kind(root.admin().delete_user(id).await), NotFound);
    auth.client().sign_up(&sign_up("ada")).await.unwrap();
}

#[tokio::test]
async fn users_and_tokens_that_are_not_there_are_404() {
    let (auth, root) = with_admin().await;
    let (admin, id) = (root.admin(), nobody());
    assert_eq!(kind(admin.set_scopes(id, &[]).await), NotFound);
    assert_eq!(kind(admin.disable(id).await), NotFound);
    assert_eq!(kind(admin.enable(id).await), NotFound);
    assert_eq!(kind(admin.set_password(id, NEW, true).await), NotFound);
    assert_eq!(kind(admin.delete_user(id).await), NotFound);
    assert_eq!(kind(admin.tokens(id, None, None).await), NotFound);
    assert_eq!(kind(admin.create_token(id, &token(&[])).await), NotFound);
    assert_eq!(kind(admin.revoke_tokens(id).await), NotFound);
    let ada = auth.sign_up("ada").await;
    let me = ada.me().await.unwrap();
    // A token is found under its own user alone.
    let roots = root.me().await.unwrap().user.id;
    assert_eq!(kind(admin.revoke_token(roots, me.token.id).await), NotFound);
    assert_eq!(kind(admin.revoke_token(me.user.id, id).await), NotFound);
    ada.me().await.unwrap();
}
