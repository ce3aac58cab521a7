//! What is revoked is acknowledged only once it holds everywhere, and a second attempt is right when that is not known.

use crate::support::{Auth, PASSWORD, bearer, kind, on_own_postgres, sign_up};
use jeton_client::{ExposeSecret, ProblemKind, Session};
use jeton_coherence::verifiers;
use jeton_domain::{AuditContext, UserId};
use jeton_persistence::{PgConnection, users};
use jeton_proof_support::{
    Endpoint, RawRequest, RawResponse, connect as connect_to, count, execute, wait_until,
};
use std::thread;

/// A verifier that does not answer, as one whose machine has lost power: revocations wait for it.
const SILENT: &str = "INSERT INTO verifiers (id, name, lease_ms) VALUES (gen_random_uuid(), 'silent', 60000)";
/// What is left once somebody has waited for it.
const GIVEN_UP: &str = "DELETE FROM verifiers WHERE name = 'silent'";

fn request(method: &str, path: &str, session: &Session) -> RawRequest {
    RawRequest::new(method, path).header("Authorization", bearer(session))
}

fn send(service: &Endpoint, request: RawRequest) -> thread::JoinHandle<RawResponse> {
    let address = service.address().to_owned();
    thread::spawn(move || request.send(address))
}

fn unapplied(connection: &mut PgConnection) -> bool {
    !jeton_coherence::revocations::unapplied(connection)
        .unwrap()
        .is_settled()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_waits_for_every_verifier() {
    let (auth, session) = Auth::with_ada().await;
    // Remembered from here on: whoever is refused later is so because it was forgotten, not because nobody knew it yet.
    session.me().await.unwrap();
    let connection = &mut auth.connect();
    execute(connection, SILENT);
    let logout = send(&auth.service, request("POST", "/v1/logout", &session));
    // The service's own verifier has applied it, and has forgotten the token; the logout has not returned.
    wait_until("it is refused", || {
        auth.send(&request("GET", "/v1/tokens", &session)).status == 401
    });
    assert!(unapplied(connection) && !logout.is_finished());
    // Neither has one that came later, and is told that the token is gone already.
    let again = send(&auth.service, request("POST", "/v1/logout", &session));
    let everywhere = send(&auth.service, request("POST", "/v1/logout-all", &session));
    wait_until("all wait", || {
        verifiers::list(connection).unwrap().len() == 2 && !again.is_finished() && !everywhere.is_finished()
    });
    execute(connection, GIVEN_UP);
    assert_eq!(logout.join().unwrap().status, 204);
    assert_eq!(again.join().unwrap().status, 204);
    assert_eq!(everywhere.join().unwrap().status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_by_the_tokens_text_waits_until_it_holds_everywhere() {
    let auth = Auth::start();
    let (session, other) = (auth.sign_up("ada").await, auth.sign_in("ada").await);
    let connection = &mut auth.connect();
    execute(connection, SILENT);
    let revoke = || {
        let request = request("POST", "/v1/revoke", &session)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("token={}", other.token().expose_secret()));
        send(&auth.service, request)
    };
    let first = revoke();
    wait_until("it is refused", || {
        auth.send(&request("GET", "/v1/verify", &other)).status == 401
    });
    let again = revoke();
    // Whoever asks after both were sent has an answer, and neither of them has.
    assert_eq!(auth.send(&request("GET", "/v1/me", &session)).status, 200);
    assert!(unapplied(connection) && !first.is_finished() && !again.is_finished());
    execute(connection, GIVEN_UP);
    assert_eq!([first, again].map(|one| one.join().unwrap().status), [200, 200]);
}

/// The sign-in that takes the place of another token has revoked that one.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_another_token_gives_way_to_waits_until_that_holds_everywhere() {
    let auth = Auth::start_with(&[("JETON_TOKENS_PER_USER", "2")]);
    let first = auth.sign_up("ada").await;
    let connection = &mut auth.connect();
    execute(connection, SILENT);
    // There is room: nobody waits.
    auth.sign_in("ada").await;
    let sign_in = || {
        let body = format!(r#"{{"username": "ada", "password": "{PASSWORD}"}}"#);
        send(&auth.service, crate::support::json("POST", "/v1/login", &body))
    };
    let waiting = sign_in();
    wait_until("the oldest is refused", || {
        auth.send(&request("GET", "/v1/verify", &first)).status == 401
    });
    assert!(unapplied(connection) && !waiting.is_finished());
    execute(connection, GIVEN_UP);
    assert_eq!(waiting.join().unwrap().status, 200);
}

/// One that cannot be confirmed leaves no token that nobody knows, and the next attempt takes nothing more away.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_others_give_way_to_is_issued_once_that_holds_or_not_at_all() {
    let (postgres, service, client) = on_own_postgres(&[("JETON_TOKENS_PER_USER", "4")]);
    let mut sessions = vec![client.sign_up_session(&sign_up("ada")).await.unwrap()];
    for _ in 0..3 {
        let credentials = jeton_client::Credentials::new("ada", PASSWORD);
        sessions.push(client.sign_in(credentials).await.unwrap());
    }
    let newest = client.session(sessions[3].token()).unwrap();
    let mut listed = newest.tokens().list_all().await.unwrap().len();
    for (path, body) in [
        (
            "/v1/login",
            format!(r#"{{"username": "ada", "password": "{PASSWORD}"}}"#),
        ),
        ("/v1/tokens", r#"{"name": "nightly", "scopes": []}"#.to_owned()),
    ] {
        let ask = || crate::support::json("POST", path, &body).header("Authorization", bearer(&newest));
        assert_eq!(listed, 4);
        // The row of the service's own verifier from before the crash may still be there.
        wait_until("all is applied", || !unapplied(&mut connect_to(&postgres.url())));
        execute(&mut connect_to(&postgres.url()), SILENT);
        let first = send(&service, ask());
        wait_until("it waits", || unapplied(&mut connect_to(&postgres.url())));
        postgres.crash().unwrap();
        assert_eq!(first.join().unwrap().status, 503, "{path}");
        postgres.start().unwrap();
        execute(&mut connect_to(&postgres.url()), GIVEN_UP);
        wait_until("it works again", || {
            request("GET", "/v1/me", &newest).send(service.address()).status == 200
        });
        let after = newest.tokens().list_all().await.unwrap();
        assert_eq!(after.len(), 3, "{path}: {after:?}");
        let again = ask().send(service.address());
        assert!([200, 201].contains(&again.status), "{}", again.text());
        let kept = newest.tokens().list_all().await.unwrap();
        listed = kept.len();
        assert!(
            after
                .iter()
                .all(|token| kept.iter().any(|other| other.id == token.id)),
            "{path}: {kept:?}"
        );
    }
    assert_eq!(listed, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_admin_takes_away_waits_until_it_holds_everywhere() {
    let auth = Auth::start();
    let root = auth.sign_up_with("root", "admin").await;
    let user = auth.sign_up("ada").await.me().await.unwrap().user.id;
    let connection = &mut auth.connect();
    for (method, path, body, status) in [
        ("DELETE", "/tokens", "", 200),
        ("PUT", "/scopes", r#"{"scopes": ["notes:read"]}"#, 200),
        ("PATCH", "", r#"{"username": "ADA"}"#, 200),
        ("POST", "/disable", "", 200),
        (
            "PUT",
            "/password",
            r#"{"password": "a wholly different phrase"}"#,
            204,
        ),
        ("DELETE", "", "", 204),
    ] {
        // A token to lose, which a disabled user is not issued.
        let token = "INSERT INTO tokens (id, user_id, digest, kind, name, scopes)
            SELECT gen_random_uuid(), id, sha256(random()::text::bytea), 'personal', 'lost', '{}' FROM users
            WHERE username_key = 'ada'";
        execute(connection, token);
        execute(connection, SILENT);
        let send_it = || {
            let request = crate::support::json(method, &format!("/v1/admin/users/{user}{path}"), body);
            send(&auth.service, request.header("Authorization", bearer(&root)))
        };
        let first = send_it();
        wait_until("it is done", || first.is_finished() || unapplied(connection));
        let again = send_it();
        assert_eq!(auth.send(&request("GET", "/v1/me", &root)).status, 200);
        assert!(!first.is_finished() && !again.is_finished(), "{method} {path}");
        execute(connection, GIVEN_UP);
        assert_eq!(first.join().unwrap().status, status, "{method} {path}");
        // Gone already, where there is nothing left to be asked for again.
        let second = if method == "DELETE" && path.is_empty() {
            404
        } else {
            status
        };
        assert_eq!(again.join().unwrap().status, second, "{method} {path}");
    }
}

/// While they wait they hold no connection: there are ten.
#[tokio::test(flavor = "multi_thread")]
async fn those_who_wait_are_in_nobodys_way() {
    let auth = Auth::start();
    let other = auth.sign_up("ada").await;
    let mut sessions = Vec::new();
    for _ in 0..12 {
        sessions.push(auth.sign_in("ada").await);
    }
    let connection = &mut auth.connect();
    execute(connection, SILENT);
    let mut logouts = Vec::new();
    for session in &sessions {
        let before = count(connection, "tokens");
        logouts.push(send(&auth.service, request("POST", "/v1/logout", session)));
        wait_until("it is done, and waits", || count(connection, "tokens") < before);
    }
    assert_eq!(auth.send(&request("GET", "/v1/tokens", &other)).status, 200);
    assert!(logouts.iter().all(|logout| !logout.is_finished()));
    execute(connection, GIVEN_UP);
    for logout in logouts {
        assert_eq!(logout.join().unwrap().status, 204);
    }
}

/// And then by nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_verifier_that_was_waited_for_is_off_the_list() {
    let (auth, session) = Auth::with_ada().await;
    let connection = &mut auth.connect();
    execute(connection, &SILENT.replace("60000", "500"));
    session.logout().await.unwrap();
    // Whoever waited may hear of it first.
    wait_until("it is off the list", || {
        verifiers::list(connection).unwrap().len() == 1
    });
    assert!(!unapplied(connection));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_that_cannot_be_confirmed_is_503_and_the_second_attempt_waits_again() {
    let (postgres, service, client) = on_own_postgres(&[]);
    client.sign_up_session(&sign_up("ada")).await.unwrap();
    let sign_in = async || {
        let credentials = jeton_client::Credentials::new("ada", PASSWORD);
        client.sign_in(credentials).await.unwrap()
    };
    type Make = fn(&Session, uuid::Uuid) -> RawRequest;
    // A service that still has its memory from before finds nothing left to revoke, and one that has not, no token.
    let acts: [(&str, Make, &[u16]); 3] = [
        (
            "logout",
            |session, _| request("POST", "/v1/logout", session),
            &[204],
        ),
        (
            "logout-all",
            |session, _| request("POST", "/v1/logout-all", session),
            &[200, 401],
        ),
        (
            "revoke",
            |session, other| request("DELETE", &format!("/v1/tokens/{other}"), session),
            &[404],
        ),
    ];
    for (what, make, second) in acts {
        let (session, other) = (sign_in().await, sign_in().await);
        let other = other.me().await.unwrap().token.id;
        execute(&mut connect_to(&postgres.url()), SILENT);
        let first = send(&service, make(&session, other));
        wait_until("it is done, and waits", || {
            unapplied(&mut connect_to(&postgres.url()))
        });
        postgres.crash().unwrap();
        let first = first.join().unwrap();
        assert_eq!(first.status, 503, "{what}: {}", first.text());
        assert!(first.header("Retry-After").is_some(), "{what}");

        postgres.start().unwrap();
        // A connection from before may still be in the pool, and cost one request a 503.
        wait_until("it works again", || {
            let ready = service.get("/readyz");
            ready.status == 200
        });
        let again = send(&service, make(&session, other));
        let connection = &mut connect_to(&postgres.url());
        // The service's verifier comes back, and what stands in the way is the silent one alone.
        wait_until("one stands in the way", || {
            let rows = verifiers::list(connection).unwrap();
            rows.len() == 2 && rows.iter().any(|row| row.version > 3)
        });
        assert!(!again.is_finished(), "{what}");
        execute(connection, GIVEN_UP);
        let again = again.join().unwrap();
        assert!(second.contains(&again.status), "{what}: {}", again.text());
        let after = client.session(session.token()).unwrap().me().await;
        assert_eq!(after.is_ok(), what == "revoke", "{what}: {after:?}");
    }
}

/// A PUT: whoever has not heard how the first attempt ended sends it again as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_change_twice_is_as_good_as_once() {
    const NEW: &str = "a wholly different phrase";
    let auth = Auth::start();
    let (session, other) = (auth.sign_up("ada").await, auth.sign_in("ada").await);
    session.change_password(PASSWORD, NEW).await.unwrap();
    assert_eq!(
        kind(auth.only_token(&other).me().await),
        ProblemKind::InvalidToken
    );
    session.change_password(PASSWORD, NEW).await.unwrap();
    session.me().await.unwrap();
    let wrong = session
        .change_password(PASSWORD, "neither this one nor that")
        .await;
    assert_eq!(kind(wrong), ProblemKind::WrongPassword);
}

/// What the log holds of a token need not be that it was revoked.
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_users_logout_is_refused_and_revokes_nothing() {
    let (auth, session) = Auth::with_ada().await;
    let id = UserId(session.me().await.unwrap().user.id);
    auth.revoke(|connection| users::disable(connection, &AuditContext::cli(), id));
    let logout = auth.send(&request("POST", "/v1/logout", &session));
    assert_eq!(logout.status, 401, "{}", logout.text());
    users::enable(&mut auth.connect(), &AuditContext::cli(), id).unwrap();
    session.me().await.unwrap();
}
