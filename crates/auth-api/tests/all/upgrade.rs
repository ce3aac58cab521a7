//! Hashes that are cheaper than new ones are made anew when somebody signs in.

use crate::support::{Auth, PASSWORD, bearer, json, kind, login, start_service};
use jeton_client::{AuthClient, Credentials, ProblemKind};
use jeton_domain::{BcryptCost, Password, PasswordHash, Username};
use jeton_persistence::users;
use jeton_proof_support::{Endpoint, InProcess, count, execute, wait_for_blocked, wait_until};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const NEW: &str = "a wholly different phrase";

fn stored(auth: &Auth) -> PasswordHash {
    let ada = Username::parse("ada").unwrap();
    let found = users::find_for_sign_in(&mut auth.connect(), ada.key()).unwrap();
    found.unwrap().password_hash.unwrap()
}

/// Of a hash of the scheme that new ones are of.
fn cost(auth: &Auth) -> u32 {
    let stored = stored(auth);
    let is_ours = stored.expose_encoded().starts_with("bcrypt_sha256$");
    if is_ours { stored.rounds().ilog2() } else { 0 }
}

/// Another instance, with another setting.
fn at_cost(auth: &Auth, cost: &str) -> (InProcess, AuthClient) {
    let settings = [("JETON_BCRYPT_COST", cost), ("JETON_HASHING_QUEUE", "100")];
    let service = start_service(auth.role.url(), &settings);
    let client = AuthClient::builder(&service.base_url()).max_retries(0);
    let client = client.build().unwrap();
    (service, client)
}

/// Signs in until the hash has this cost: where no core is idle just then, it stays as it is.
fn sign_in_until(auth: &Auth, service: &Endpoint, wanted: u32) {
    let sign_in = json(
        "POST",
        "/v1/login",
        &format!(r#"{{"username": "ada", "password": "{PASSWORD}"}}"#),
    );
    wait_until("the hash is made anew", || {
        assert_eq!(sign_in.send(service.address()).status, 200);
        cost(auth) == wanted
    });
}

#[tokio::test]
async fn a_sign_in_makes_a_cheaper_hash_anew_and_changes_nothing_else() {
    let (auth, session) = Auth::with_ada().await;
    assert_eq!(cost(&auth), 4);
    let (service, client) = at_cost(&auth, "6");
    assert_eq!(
        kind(client.login(&login("ada", "wrong")).await),
        ProblemKind::InvalidCredentials
    );
    assert_eq!(cost(&auth), 4);
    sign_in_until(&auth, &service, 6);
    session.me().await.unwrap();
    let upgraded = stored(&auth);
    // Not again, and never back, whatever the instance that is asked has for a setting.
    for client in [client, auth.client()] {
        client.login(&login("ada", PASSWORD)).await.unwrap();
        assert_eq!(
            kind(client.login(&login("ada", "wrong")).await),
            ProblemKind::InvalidCredentials
        );
    }
    assert_eq!(stored(&auth), upgraded);
}

/// Of rows that come from Django, and from elsewhere.
#[tokio::test]
async fn a_sign_in_makes_a_hash_of_another_scheme_anew() {
    let (auth, session) = Auth::with_ada().await;
    let sign_in = |password| auth.send(&crate::support::attempt("ada", password, "::1")).status;
    for stored in [
        "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
        "bcrypt$$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "$2y$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
    ] {
        let put = format!("UPDATE users SET password_hash = '{stored}'");
        auth.execute(&put);
        assert_eq!(sign_in("wrong"), 401);
        assert_eq!(cost(&auth), 0);
        jeton_proof_support::wait_until("the hash is made anew", || {
            assert_eq!(sign_in(PASSWORD), 200);
            cost(&auth) == 4
        });
        assert_eq!((sign_in(PASSWORD), sign_in("wrong")), (200, 401));
        session.me().await.unwrap();
    }
}

/// Replaces the hash in the moment when a request has verified it, and waits for the user's row to go on.
async fn replaced_meanwhile<T: Send + 'static>(
    auth: &Auth,
    replacement: &PasswordHash,
    request: impl Future<Output = T> + Send + 'static,
) -> T {
    let (mut holder, mut watcher) = (auth.connect(), auth.connect());
    execute(&mut holder, "BEGIN; SELECT FROM users FOR UPDATE");
    let request = tokio::spawn(request);
    wait_for_blocked(&mut watcher, 1);
    let replace = format!(
        "UPDATE users SET password_hash = '{}'; COMMIT",
        replacement.expose_encoded()
    );
    execute(&mut holder, &replace);
    request.await.unwrap()
}

/// Whoever verified the old hash when it was replaced is not told that the password is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_hash_that_is_upgraded_in_the_middle_keeps_nobody_out() {
    let (auth, session) = Auth::with_ada().await;
    let upgrade = |password: &str, cost| {
        let password = Password::new(password.to_owned());
        stored(&auth).upgrade(&password, BcryptCost::new(cost).unwrap(), [cost as u8; 16])
    };
    let client = auth.client();
    let sign_in = async move { client.login(&login("ada", PASSWORD)).await };
    replaced_meanwhile(&auth, &upgrade(PASSWORD, 5), sign_in)
        .await
        .unwrap();
    assert_eq!(cost(&auth), 5);

    let changing = session.clone();
    let change = async move { changing.change_password(PASSWORD, NEW).await };
    replaced_meanwhile(&auth, &upgrade(PASSWORD, 6), change)
        .await
        .unwrap();
    auth.login("ada", NEW).await.unwrap();

    let delete = async move { session.delete_account(NEW).await };
    replaced_meanwhile(&auth, &upgrade(NEW, 7), delete).await.unwrap();
    let gone = auth.login("ada", NEW).await;
    assert_eq!(kind(gone), ProblemKind::InvalidCredentials);
}

/// And whoever knows the old one only does not get in.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_replaced_in_the_middle_is_not_the_password() {
    let (auth, session) = Auth::with_ada().await;
    let other = |salt| {
        stored(&auth).upgrade(
            &Password::new(NEW.to_owned()),
            BcryptCost::new(4).unwrap(),
            [salt; 16],
        )
    };
    let first = stored(&auth);
    let restore = || {
        let restore = format!("UPDATE users SET password_hash = '{}'", first.expose_encoded());
        auth.execute(&restore);
    };
    let client = auth.client();
    let sign_in = async move { client.login(&login("ada", PASSWORD)).await };
    let refused = replaced_meanwhile(&auth, &other(1), sign_in).await;
    assert_eq!(kind(refused), ProblemKind::InvalidCredentials);

    restore();
    let changing = session.clone();
    let change = async move { changing.change_password(PASSWORD, "a third of its kind").await };
    let refused = replaced_meanwhile(&auth, &other(2), change).await;
    assert_eq!(kind(refused), ProblemKind::WrongPassword);

    restore();
    let deleting = session.clone();
    let delete = async move { deleting.delete_account(PASSWORD).await };
    let refused = replaced_meanwhile(&auth, &other(3), delete).await;
    assert_eq!(kind(refused), ProblemKind::WrongPassword);
    session.me().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_changed_meanwhile_stays_changed() {
    let auth = Auth::start();
    auth.sign_up("ada").await;
    let (mut old, mut new) = (PASSWORD, NEW);
    for higher in ["5", "6", "7", "8"] {
        let (_service, client) = at_cost(&auth, higher);
        // Whose setting is the lowest, so that only signing in makes it anew.
        let session = auth.client().sign_in(Credentials::new("ada", old)).await.unwrap();
        let request = login("ada", old);
        let (signed_in, changed) = tokio::join!(client.login(&request), session.change_password(old, new));
        changed.unwrap();
        drop(signed_in);
        auth.login("ada", new).await.unwrap();
        assert_eq!(
            kind(auth.login("ada", old).await),
            ProblemKind::InvalidCredentials
        );
        (old, new) = (new, old);
    }
}

/// Somebody replaces the hash by another of the same password all the time: whatever takes the password is done, or answered 503
/// after two checks of it, and never is it said to be wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_hash_that_never_stays_makes_no_password_wrong_and_is_not_checked_without_end() {
    let (auth, session) = Auth::with_ada().await;
    let same = |salt: u16| {
        let password = Password::new(PASSWORD.to_owned());
        let salt = [salt.to_be_bytes(); 8].concat().try_into().unwrap();
        stored(&auth).upgrade(&password, BcryptCost::new(4).unwrap(), salt)
    };
    // So many that none is back while somebody has looked at it: that would be no other one.
    let replace: Vec<String> = (0..1024)
        .map(|salt| {
            format!(
                "UPDATE users SET password_hash = '{}'",
                same(salt).expose_encoded()
            )
        })
        .collect();
    let (mut connection, done) = (auth.connect(), Arc::new(AtomicBool::new(false)));
    let is_done = done.clone();
    let replacing = std::thread::spawn(move || {
        for statement in replace
            .iter()
            .cycle()
            .take_while(|_| !is_done.load(Ordering::Relaxed))
        {
            execute(&mut connection, statement);
        }
    });
    let account = |method: &str, path: &str, body: String| {
        json(method, path, &body).header("Authorization", bearer(&session))
    };
    let password = format!(r#""password": "{PASSWORD}""#);
    let acts = [
        json(
            "POST",
            "/v1/login",
            &format!(r#"{{"username": "ada", {password}}}"#),
        ),
        account(
            "PUT",
            "/v1/me/password",
            format!(r#"{{"current_password": "{PASSWORD}", "new_password": "{PASSWORD}"}}"#),
        ),
        account(
            "PATCH",
            "/v1/me",
            format!(r#"{{"email": "ada@example.org", {password}}}"#),
        ),
    ];
    for request in acts {
        let held_off = (0..8).map(|_| auth.send(&request)).find(|answer| {
            assert!(
                [200, 204, 503].contains(&answer.status),
                "{request:?}: {answer:?}"
            );
            answer.status == 503
        });
        let held_off = held_off.unwrap_or_else(|| panic!("{request:?}"));
        assert_eq!(held_off.header("Retry-After"), Some("1"));
    }
    done.store(true, Ordering::Relaxed);
    replacing.join().unwrap();
    let told = "audit_events WHERE detail->>'reason' = 'changed-meanwhile' AND action IN ('sign-in-failed', 'confirmation-failed')";
    assert_eq!(count(&mut auth.connect(), told), 3);
    auth.login("ada", PASSWORD).await.unwrap();
}
