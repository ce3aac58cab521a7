//! Rows that somebody else has written: an importer, or a person with psql. Whatever the tables take, is no obstacle.

use crate::openapi::document::Document;
use crate::support::{Auth, PASSWORD, attempt};
use diesel::connection::SimpleConnection;
use jeton_client::{CreateTokenRequest, Session, UserInfo, UserQuery};
use jeton_domain::{AuditContext, NewUser, UserId, Username};
use jeton_persistence::users;
use jeton_proof_support::{Endpoint, RawRequest, count, wait_until};
use std::ops::Deref;
use uuid::Uuid;

/// What may be in a row of `users`.
const USERS: &[&str] = &[
    "username = 'two words'",
    "username = E'\\x1b[2J\\n\\x7f'",
    "username = E'\\u202Eada'",
    "username = 'a%20b', username_key = 'a%20b'",
    "username_key = 'Some Body'",
    "username_key = repeat('x', 1000)",
    "email = 'nowhere'",
    "email = ''",
    "email = E'ada@example.org\\nBcc: eve@example.org'",
    "scopes = '{two words,notes:read}'",
    "scopes = '{\"two words\",\"\",notes:read}'",
    "scopes = '{notes:read,notes:read}'",
    "scopes = '[5:6]={notes:read,notes:write}'",
    "scopes = (SELECT array_agg('s' || n) FROM generate_series(1, 1000) AS n)",
    "scopes = '{}'",
    "password_hash = ''",
    "password_hash = 'argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA'",
    "password_hash = 'bcrypt_sha256$$2b$18$'",
    "created_at = '1970-01-01 00:00:00Z'",
    "created_at = '9999-12-31 23:59:59.999999Z', disabled_at = '9999-12-31 23:59:59.999999Z'",
];

/// And of `tokens`.
const TOKENS: &[&str] = &[
    "name = ''",
    "name = E'two\\nlines \\x1b[2J \\u202E'",
    "name = repeat('x', 1000)",
    "scopes = '{\"two words\",notes:read}'",
    "scopes = (SELECT array_agg('s' || n) FROM generate_series(1, 1000) AS n)",
    "created_at = '9999-12-31 23:59:59.999999Z'",
    "expires_at = '9999-12-31 23:59:59.999999Z'",
    "idle_ttl_secs = 2147483647",
];

/// And of `delegable_scopes`: a row's values.
const SCOPES: &[&str] = &[
    "'two words', 'Odd', ''",
    "'a:b', ' ', ''",
    "'a:b', 'Odd', '', 'notes'",
    "E'\\x1b[2J\\u202E', E'two\\nlines', E'\\u202E'",
    "'ü', 'Odd', repeat('x', 1000)",
];

/// And of `audit_events`.
const EVENTS: [&str; 3] = [
    "(gen_random_uuid(), 'of-a-later-version', 'somebody', NULL, '{}')",
    "(gen_random_uuid(), 'sign-in', E'\\x1b[2J', E'two\\nlines', '{\"n\": 1e400}')",
    "(gen_random_uuid(), 'sign-in', '', '', (repeat('{\"a\":', 500) || '1' || repeat('}', 500))::jsonb)",
];

fn run<S: Deref<Target = Endpoint>>(auth: &Auth<S>, sql: &str) {
    auth.connect()
        .batch_execute(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn happen(auth: &Auth) {
    for row in EVENTS {
        run(
            auth,
            &format!(
                "INSERT INTO audit_events (id, action, actor_label, subject_username, detail) VALUES {row}"
            ),
        );
    }
}

async fn everybody(root: &Session) -> Vec<UserInfo> {
    root.admin()
        .users(&UserQuery::default(), None, None)
        .await
        .unwrap()
        .users
}

#[tokio::test]
async fn an_odd_user_is_listed_changed_and_deleted_and_hides_nobody() {
    let auth = Auth::start();
    let root = auth.sign_up_with("root", "admin notes:read").await;
    for change in USERS {
        let session = auth.sign_up("ada").await;
        let id = session.me().await.unwrap().user.id;
        run(&auth, &format!("UPDATE users SET {change} WHERE id = '{id}'"));

        // Itself: right or wrong, and no error.
        let signed_in = auth.send(&attempt("ada", PASSWORD, "::1"));
        assert!([200, 401].contains(&signed_in.status), "{change}: {signed_in:?}");
        let seen = everybody(&root).await;
        assert!(seen.iter().any(|user| user.id == id), "{change}");
        assert!(seen.iter().any(|user| user.username == "root"), "{change}");

        let admin = root.admin();
        assert_eq!(admin.user(id).await.unwrap().id, id, "{change}");
        admin.tokens(id, None, None).await.unwrap();
        // In place of whatever they were, even where what can be read of them is the same.
        let scopes = admin.set_scopes(id, &["notes:read"]).await.unwrap().scopes;
        assert_eq!(scopes, ["notes:read"], "{change}");
        let stored = format!("users WHERE id = '{id}' AND scopes <@ '{{notes:read}}'");
        assert_eq!(count(&mut auth.connect(), &stored), 1, "{change}");
        admin.disable(id).await.unwrap();
        admin.enable(id).await.unwrap();
        admin
            .set_password(id, "a wholly different phrase", false)
            .await
            .unwrap();
        admin.delete_user(id).await.unwrap();
        assert_eq!(everybody(&root).await.len(), 1, "{change}");
        root.admin()
            .audit_events(&Default::default(), None, None)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_odd_token_is_listed_and_revoked_and_hides_no_other() {
    let auth = Auth::start();
    let session = auth.sign_up("ada").await;
    for change in TOKENS {
        let wish = CreateTokenRequest {
            name: "nightly".into(),
            scopes: vec!["notes:read".into()],
            expires_in: None,
        };
        let token = session.tokens().create(&wish).await.unwrap();
        let id = token.token_id;
        run(&auth, &format!("UPDATE tokens SET {change} WHERE id = '{id}'"));
        // Checked by what can be read of it.
        let program = auth.client().session(token.token).unwrap();
        program.me().await.unwrap();
        let listed = session.tokens().list(None, None).await.unwrap().tokens;
        assert_eq!(listed.len(), 2, "{change}");
        session.tokens().revoke(id).await.unwrap();
        assert_eq!(
            session.tokens().list(None, None).await.unwrap().tokens.len(),
            1,
            "{change}"
        );
    }
}

#[tokio::test]
async fn an_odd_delegable_scope_is_listed_and_deleted_and_hides_no_other() {
    let auth = Auth::start();
    let root = auth.sign_up_with("root", "admin").await;
    let clients = root.admin().clients();
    run(
        &auth,
        "INSERT INTO delegable_scopes VALUES ('notes:read', 'Read your notes', '')",
    );
    for row in SCOPES {
        run(&auth, &format!("INSERT INTO delegable_scopes VALUES ({row})"));
        let listed = clients.delegable_scopes().await.unwrap();
        assert_eq!(listed.len(), 2, "{row}");
        for scope in listed.iter().filter(|scope| scope.name != "notes:read") {
            clients.delete_delegable_scope(&scope.name).await.unwrap();
        }
        assert_eq!(clients.delegable_scopes().await.unwrap().len(), 1, "{row}");
    }
}

#[tokio::test]
async fn an_odd_event_hides_no_other() {
    let auth = Auth::start();
    let root = auth.sign_up_with("root", "admin").await;
    let before = root
        .admin()
        .audit_events(&Default::default(), None, None)
        .await
        .unwrap();
    happen(&auth);
    let after = root
        .admin()
        .audit_events(&Default::default(), None, None)
        .await
        .unwrap();
    assert_eq!(after.events.len(), before.events.len() + EVENTS.len());
    let huge = after
        .events
        .iter()
        .find(|event| event.subject_username.as_deref() == Some("two\nlines"));
    // As a text, since no number of Rust's is as large.
    let text = huge.unwrap().detail["text"].as_str().unwrap();
    assert!(text.starts_with("{\"n\": 1000"), "{text}");
}

/// The operator finds the row by it.
#[tokio::test]
async fn the_log_names_an_odd_row_and_its_column() {
    let auth = Auth::start_process(&[("JETON_LOG_FORMAT", "json")]);
    for (change, column) in [
        ("username_key = 'somebody'", "users.username_key"),
        ("email = 'nowhere'", "users.email"),
        ("scopes = '{\"two words\"}'", "users.scopes"),
    ] {
        let session = auth.sign_up("ada").await;
        let id = session.me().await.unwrap().user.id;
        run(&auth, &format!("UPDATE users SET {change} WHERE id = '{id}'"));
        session.me().await.unwrap();
        let id_text = id.to_string();
        wait_until("the log names the row and its column", || {
            let logs = auth.service.logs();
            logs.lines()
                .any(|line| line.contains(&id_text) && line.contains(column))
        });
        run(&auth, &format!("DELETE FROM users WHERE id = '{id}'"));
    }
}

/// Decoded, the header would name another user.
#[tokio::test]
async fn a_gateway_is_told_an_odd_name_so_that_it_decodes_to_it() {
    let auth = Auth::start();
    let session = auth.sign_up("bob").await;
    for (name, header) in [("b%6fb", "b%256fb"), (" bob ", "%20bob%20"), ("b\nb", "b%0Ab")] {
        run(&auth, &format!("UPDATE users SET username = '{name}'"));
        let token = jeton_client::ExposeSecret::expose_secret(&session.token()).to_owned();
        let request = RawRequest::new("GET", "/v1/verify").header("Authorization", format!("Bearer {token}"));
        // The verifier forgets the name that was before within a moment.
        wait_until("the name is told", || {
            auth.send(&request).header("X-Auth-Username") == Some(header)
        });
    }
}

/// A key that nobody's sign-in computes keeps its user out, and is no error.
#[tokio::test]
async fn whoever_cannot_be_found_is_refused_and_can_be_helped() {
    let auth = Auth::start();
    let ada = NewUser {
        service: true,
        id: UserId(Uuid::now_v7()),
        username: Username::parse("Straße").unwrap(),
        email: None,
        password_hash: None,
        scopes: Default::default(),
    };
    users::create(&mut auth.connect(), &AuditContext::cli(), &ada).unwrap();
    run(&auth, "UPDATE users SET username_key = lower(username)");
    for name in ["Straße", "straße", "strasse"] {
        assert_eq!(auth.send(&attempt(name, PASSWORD, "::1")).status, 401, "{name}");
    }
    let row = users::find(&mut auth.connect(), ada.id).unwrap().unwrap();
    assert!(!Username::is_reachable(&row.username, "straße"));
}

/// What is read is not bound by what may be asked for.
#[tokio::test]
async fn answers_about_odd_rows_are_as_they_are_described() {
    let auth = Auth::start();
    let document = Document::read();
    let root = auth.sign_up_with("root", "admin").await;
    let ask = |path: &str, id: Uuid, session: &Session| {
        let target = path.replace("{id}", &id.to_string());
        let token = jeton_client::ExposeSecret::expose_secret(&session.token()).to_owned();
        let request = RawRequest::new("GET", &target).header("Authorization", format!("Bearer {token}"));
        let answer = auth.send(&request);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        document.check("GET", path, &answer);
    };
    for change in USERS {
        let session = auth.sign_up("ada").await;
        let id = session.me().await.unwrap().user.id;
        run(&auth, &format!("UPDATE users SET {change} WHERE id = '{id}'"));
        ask("/v1/admin/users", id, &root);
        ask("/v1/admin/users/{id}", id, &root);
        ask("/v1/admin/users/{id}/tokens", id, &root);
        if !change.contains("disabled_at") {
            ask("/v1/me", id, &session);
        }
        root.admin().delete_user(id).await.unwrap();
    }
    for change in TOKENS {
        let session = auth.sign_up("ada").await;
        let id = session.me().await.unwrap().user.id;
        run(
            &auth,
            &format!("UPDATE tokens SET {change} WHERE user_id = '{id}'"),
        );
        ask("/v1/me", id, &session);
        ask("/v1/tokens", id, &session);
        root.admin().delete_user(id).await.unwrap();
    }
    happen(&auth);
    ask("/v1/admin/audit-events", Uuid::nil(), &root);
}
