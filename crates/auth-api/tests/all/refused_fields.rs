//! Fields of a body that are refused: what null means, and by which names the answer tells.

use crate::support::{Auth, PASSWORD, bearer, json};
use jeton_client::{Problem, Session};
use jeton_proof_support::{RawRequest, count};
use serde_json::{Value, json as value};

/// The fields that an answer refuses; none, where it is about something else.
fn refused(auth: &Auth, session: &Session, request: &RawRequest) -> Vec<String> {
    let answer = auth.send(&request.clone().header("Authorization", bearer(session)));
    assert!(answer.status < 500, "{answer:?}");
    if answer.status != 422 {
        return Vec::new();
    }
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
    problem.errors.into_iter().map(|error| error.pointer).collect()
}

/// What the requests have besides, which ask for a token's or a user's scopes.
async fn asking_for_scopes(session: &Session) -> [(&'static str, String, Value); 4] {
    let me = session.me().await.unwrap().user.id;
    [
        (
            "POST",
            "/v1/login".to_owned(),
            value!({ "username": "ada", "password": PASSWORD }),
        ),
        ("POST", "/v1/tokens".to_owned(), value!({ "name": "backup" })),
        (
            "POST",
            "/v1/admin/users".to_owned(),
            value!({ "username": "backup", "service": true }),
        ),
        ("PUT", format!("/v1/admin/users/{me}/scopes"), value!({})),
    ]
}

fn with(body: &Value, name: &str, field: Value) -> String {
    let mut body = body.clone();
    body[name] = field;
    body.to_string()
}

/// Left out, they mean as much as there is: who writes null may have meant the contrary.
#[tokio::test]
async fn null_where_left_out_is_the_most_is_refused() {
    let auth = Auth::start();
    let session = auth.sign_up_with("ada", "admin").await;
    let (scopes, expires_in) = (&["scopes", "scope"][..], &["expires_in"][..]);
    let [login, token, user, set] = asking_for_scopes(&session).await;
    let renewal = ("POST", "/v1/token/renew".to_owned(), value!({}));
    let before = count(&mut auth.connect(), "tokens");
    for ((method, path, body), names) in [
        (&login, scopes),
        (&token, scopes),
        (&user, scopes),
        (&set, scopes),
        (&login, expires_in),
        (&token, expires_in),
        (&renewal, &["old_expires_in"]),
    ] {
        for name in names {
            let mut body = body.clone();
            if path == "/v1/tokens" && *name == "expires_in" {
                body["scopes"] = value!([]);
            }
            let request = json(method, path, &with(&body, name, Value::Null));
            assert_eq!(refused(&auth, &session, &request), [format!("/{name}")], "{path}");
        }
    }
    let connection = &mut auth.connect();
    assert_eq!(count(connection, "tokens"), before, "nothing was issued");
    assert_eq!(count(connection, "users WHERE scopes = '{admin}'"), 1);
    assert_eq!(count(connection, "users"), 1);
}

/// Where null means what it says, or no more than leaving out does, it is taken.
#[tokio::test]
async fn null_that_gives_nothing_is_as_good_as_leaving_out() {
    let auth = Auth::start();
    let session = auth.sign_up_with("ada", "admin").await;
    let credentials = value!({ "username": "ada", "password": PASSWORD });
    let account = value!({ "username": "backup", "service": true, "password": null });
    for (method, path, body, name) in [
        ("POST", "/v1/login", &credentials, "name"),
        ("PATCH", "/v1/me", &value!({ "password": PASSWORD }), "username"),
        ("PATCH", "/v1/me", &value!({ "password": PASSWORD }), "email"),
        ("POST", "/v1/admin/users", &account, "email"),
    ] {
        let request = json(method, path, &with(body, name, Value::Null));
        let answer = auth.send(&request.header("Authorization", bearer(&session)));
        assert!([200, 201].contains(&answer.status), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_refused_field_is_named_as_it_was_sent() {
    let auth = Auth::start();
    let session = auth.sign_up_with("ada", "admin").await;
    for (method, path, body) in asking_for_scopes(&session).await {
        for wrong in [
            value!("a\"b"),
            value!(["a", "b c"]),
            value!(vec!["a"; 65]),
            value!(7),
        ] {
            for name in ["scopes", "scope"] {
                let request = json(method, &path, &with(&body, name, wrong.clone()));
                assert_eq!(refused(&auth, &session, &request), [format!("/{name}")], "{path}");
            }
        }
        let once = with(&body, "scope", value!("a"));
        let twice = format!(r#"{}, "scope": "b"}}"#, once.strip_suffix('}').unwrap());
        let request = json(method, &path, &twice);
        assert_eq!(refused(&auth, &session, &request), ["/scope"], "{path}");
    }
    for name in ["scopes", "scope"] {
        let form = RawRequest::new("POST", "/v1/login")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("username=ada&password=x&{name}=%22&expires_in=0"));
        let named = refused(&auth, &session, &form);
        assert_eq!(named, [format!("/{name}"), "/expires_in".to_owned()]);
    }
}
