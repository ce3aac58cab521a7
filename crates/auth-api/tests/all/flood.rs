//! Whoever floods the service is in nobody else's way: what revokes is answered, and so is the look at whether it is ready.

use crate::delegation::{App, form as client_form};
use crate::support::{Auth, attempt};
use jeton_client::{CreateTokenRequest, ExposeSecret, Session};
use jeton_domain::PlainToken;
use jeton_proof_support::{RawConnection, RawRequest, count, execute, wait_until};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

const STRANGER: &str = "203.0.113.9";
const BEHIND_A_PROXY: (&str, &str) = ("JETON_TRUSTED_PROXIES", "127.0.0.1");

/// Ends the flood, whatever becomes of the test.
struct Flood<'a>(&'a AtomicBool);

impl Drop for Flood<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does something while requests are sent again and again, on so many connections that are kept open.
fn during_flood<T>(
    auth: &Auth,
    connections: usize,
    requests: impl Fn(usize) -> RawRequest + Sync,
    act: impl FnOnce() -> T,
) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _flood = Flood(&over);
        let connected = Arc::new(Barrier::new(connections + 1));
        for number in 0..connections {
            let (requests, over, connected) = (&requests, &over, connected.clone());
            scope.spawn(move || {
                let bytes = requests(number).to_bytes();
                let open = || RawConnection::open(auth.service.address()).unwrap();
                let mut connection = open();
                connected.wait();
                while !over.load(Ordering::Relaxed) {
                    if connection.send(&bytes).is_err() {
                        connection = open();
                    }
                }
            });
        }
        connected.wait();
        act()
    })
}

fn with_token(method: &str, path: &str, session: &Session) -> RawRequest {
    let header = format!("Bearer {}", session.token().expose_secret());
    RawRequest::new(method, path).header("Authorization", header)
}

fn unknown_token() -> String {
    let token = PlainToken::generate(&mut rand::rng());
    format!("Bearer {}", jeton_domain::ExposeSecret::expose_secret(&token))
}

/// All connections for other work are taken, and will be for as long as the test likes.
#[tokio::test(flavor = "multi_thread")]
async fn revocations_go_on_while_every_other_place_is_taken() {
    let auth = Auth::start_with(&[BEHIND_A_PROXY]);
    let root = auth.sign_up_with("root", "admin notes:read").await;
    let ada = auth.sign_up("ada").await;
    let personal = ada
        .tokens()
        .create(&CreateTokenRequest {
            name: "backup".to_owned(),
            scopes: vec![],
            expires_in: None,
        })
        .await
        .unwrap();
    let (again, grace, heidi) = (
        auth.sign_in("ada").await,
        auth.sign_up("grace").await,
        auth.sign_up("heidi").await,
    );
    let [grace_id, heidi_id] = [
        grace.me().await.unwrap().user.id,
        heidi.me().await.unwrap().user.id,
    ];
    let form = |token: &str| {
        with_token("POST", "/v1/revoke", &ada)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("token={token}"))
    };
    let app = App::confidential(&auth);
    let given = auth.tokens(&ada, &app);
    let by_client = |token: &str| {
        let token = given[token].as_str().unwrap().to_owned();
        client_form("/v1/revoke", &app.signed(vec![("token", token)]))
    };
    let users = "/v1/admin/users";
    let acts = [
        (by_client("access_token"), 200),
        (by_client("refresh_token"), 200),
        (
            with_token("DELETE", &format!("/v1/tokens/{}", personal.token_id), &ada),
            204,
        ),
        (form(again.token().expose_secret()), 200),
        (with_token("POST", "/v1/logout", &ada), 204),
        // A second attempt, whose token is gone.
        (with_token("POST", "/v1/logout", &ada), 204),
        (with_token("POST", "/v1/logout-all", &heidi), 200),
        (
            with_token("POST", &format!("{users}/{grace_id}/disable"), &root),
            200,
        ),
        (
            with_token("DELETE", &format!("{users}/{grace_id}/tokens"), &root),
            200,
        ),
        (with_token("DELETE", &format!("{users}/{grace_id}"), &root), 204),
        (
            with_token("PUT", &format!("{users}/{heidi_id}/scopes"), &root)
                .header("Content-Type", "application/json")
                .body(r#"{"scopes": []}"#),
            200,
        ),
        (RawRequest::new("GET", "/readyz"), 200),
        (with_token("POST", "/v1/logout", &root), 204),
    ];
    let (lock, watcher) = (&mut auth.connect(), &mut auth.connect());
    // Whoever signs in is counted there first.
    execute(lock, "BEGIN; LOCK TABLE network_attempts");
    let attempts = |number| attempt(&format!("user{number}"), "wrong", STRANGER);
    let statuses = during_flood(&auth, 40, attempts, || {
        wait_until("every connection waits for the lock", || {
            count(
                watcher,
                "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            ) >= 10
        });
        let statuses: Vec<u16> = acts.iter().map(|(act, _)| auth.send(act).status).collect();
        execute(lock, "COMMIT");
        statuses
    });
    let wanted: Vec<u16> = acts.iter().map(|(_, status)| *status).collect();
    assert_eq!(statuses, wanted);
}

/// Of everything that costs an address nothing, at once.
#[tokio::test(flavor = "multi_thread")]
async fn others_log_out_while_one_address_floods_the_service() {
    let auth = Auth::start_with(&[BEHIND_A_PROXY]);
    let mut sessions = Vec::new();
    for number in 0..24 {
        sessions.push(auth.sign_up(&format!("person{number}")).await);
    }
    let flood = |number| {
        let from = |request: RawRequest| request.header("X-Forwarded-For", STRANGER);
        match number % 5 {
            0 | 1 => attempt(&format!("user{number}"), "wrong", STRANGER),
            2 => from(RawRequest::new("GET", "/v1/me").header("Authorization", unknown_token())),
            3 => from(RawRequest::new("POST", "/v1/logout").header("Authorization", unknown_token())),
            _ => from(RawRequest::new("GET", "/readyz")),
        }
    };
    let statuses = during_flood(&auth, 300, flood, || {
        let log_out = |session| with_token("POST", "/v1/logout", session);
        let statuses = sessions.iter().map(|session| auth.send(&log_out(session)).status);
        statuses.collect::<Vec<u16>>()
    });
    assert_eq!(statuses, [204; 24]);
}
