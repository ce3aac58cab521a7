//! The database away, and back.

use crate::support::{PASSWORD, bearer, json, on_own_postgres, sign_up};
use diesel::connection::SimpleConnection;
use jeton_client::{AuthClient, ExposeSecret, Problem};
use jeton_local_postgres::LocalPostgres;
use jeton_proof_support::{RawRequest, RawResponse, connect, execute, wait_until};

fn assert_unavailable(response: &RawResponse, what: &str) {
    assert_eq!(response.status, 503, "{what}: {}", response.text());
    assert!(
        response.header("Retry-After").unwrap().parse::<u32>().unwrap() >= 1,
        "{what}"
    );
    let problem: Problem = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(problem.type_, "urn:jeton:problem:unavailable");
    for inside in ["postgres", "connect", "127.0.0.1", "pool", "sql"] {
        assert!(
            !response.text().to_lowercase().contains(inside),
            "{what}: {}",
            response.text()
        );
    }
}

fn form(path: &str, authorization: &str, token: &str) -> RawRequest {
    RawRequest::new("POST", path)
        .header("Authorization", authorization)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(format!("token={token}"))
}

/// The token of somebody who may ask about others'.
async fn introspector(postgres: &LocalPostgres, client: &AuthClient) -> String {
    client.sign_up(&sign_up("reports")).await.unwrap();
    execute(
        &mut connect(&postgres.url()),
        "UPDATE users SET scopes = '{tokens:introspect}' WHERE username = 'reports'",
    );
    let issued = client
        .login(&crate::support::login("reports", PASSWORD))
        .await
        .unwrap();
    issued.token.expose_secret().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_postgres_is_503_and_over_when_it_is_back() {
    let (postgres, service, client) = on_own_postgres(&[]);
    let session = client.sign_up_session(&sign_up("ada")).await.unwrap();
    let header = bearer(&session);
    let introspector = format!("Bearer {}", introspector(&postgres, &client).await);
    let unknown = jeton_domain::PlainToken::generate(&mut rand::rng());
    let unknown = unknown.expose_secret();

    for stop in [LocalPostgres::stop, LocalPostgres::crash] {
        stop(&postgres).unwrap();
        let credentials = format!(r#"{{"username": "ada", "password": "{PASSWORD}"}}"#);
        for (request, what) in [
            (json("POST", "/v1/login", &credentials), "login"),
            (json("POST", "/v1/users", &credentials), "sign-up"),
            (
                RawRequest::new("GET", "/v1/me").header("Authorization", &header),
                "me",
            ),
            (
                RawRequest::new("POST", "/v1/logout").header("Authorization", &header),
                "logout",
            ),
            (
                RawRequest::new("GET", "/v1/tokens").header("Authorization", &header),
                "tokens",
            ),
            (
                form(
                    "/v1/introspect",
                    &introspector,
                    header.trim_start_matches("Bearer "),
                ),
                "introspect",
            ),
            (
                form("/v1/revoke", &header, header.trim_start_matches("Bearer ")),
                "revoke",
            ),
            (
                RawRequest::new("GET", "/v1/verify").header("Authorization", format!("Bearer {unknown}")),
                "verify",
            ),
            (RawRequest::new("GET", "/readyz"), "readyz"),
        ] {
            assert_unavailable(&request.send(service.address()), what);
        }
        assert_eq!(service.get("/livez").status, 200);
        let malformed = RawRequest::new("GET", "/v1/me").header("Authorization", "Bearer jtn_mistyped");
        assert_eq!(
            malformed.send(service.address()).status,
            401,
            "known to be no token without asking"
        );

        postgres.start().unwrap();
        assert_eq!(service.get("/readyz").status, 200);
        session.me().await.unwrap();
        client
            .login(&crate::support::login("ada", PASSWORD))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_stands_still_is_a_503_too() {
    let (postgres, service, client) = on_own_postgres(&[]);
    let session = client.sign_up_session(&sign_up("ada")).await.unwrap();
    let header = bearer(&session);

    postgres.pause().unwrap();
    for (request, what) in [
        (
            RawRequest::new("GET", "/v1/me").header("Authorization", &header),
            "me",
        ),
        (
            json("POST", "/v1/login", r#"{"username": "ada", "password": "x"}"#),
            "login",
        ),
        (RawRequest::new("GET", "/readyz"), "readyz"),
    ] {
        assert_unavailable(&request.send(service.address()), what);
    }
    postgres.resume().unwrap();
    // The threads that were stuck have to notice first; until then the answer may still be 503.
    let recovered = (0..200).any(|_| service.get("/readyz").status == 200);
    assert!(recovered);
}

/// What writes takes a lock of the server's one table of them; what reads takes none there, and goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_not_ready_while_the_servers_table_of_locks_is_full() {
    let (postgres, service, client) = on_own_postgres(&[]);
    let session = client.sign_up_session(&sign_up("ada")).await.unwrap();
    let ready = || service.get("/readyz");
    let sign_in = || {
        let credentials = format!(r#"{{"username": "ada", "password": "{PASSWORD}"}}"#);
        json("POST", "/v1/login", &credentials).send(service.address())
    };
    let unseen = client
        .login(&crate::support::login("ada", PASSWORD))
        .await
        .unwrap();
    let unseen = client.session(unseen.token).unwrap();
    session.me().await.unwrap();
    assert_eq!(ready().status, 200);

    let mut holder = connect(&postgres.url());
    wait_until("no lock is left", || {
        // It fails, and keeps what it has got.
        let all = "SELECT pg_advisory_lock(number) FROM generate_series(1, 1000000) AS number";
        holder.batch_execute(all).unwrap_err();
        sign_in().status == 503
    });
    assert_unavailable(&sign_in(), "login");
    assert_unavailable(&ready(), "readyz");
    for checked in [&session, &unseen] {
        checked.verify(&[]).await.unwrap();
    }

    drop(holder);
    wait_until("there are locks again", || {
        ready().status == 200 && sign_in().status == 200
    });
}
