//! A right password that comes to nothing is no failure, for the account and for the network, and is written down.

use super::*;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn sign_in(fields: &str) -> RawRequest {
    let body = format!(r#"{{"username": "ada", "password": "{PASSWORD}"{fields}}}"#);
    json("POST", "/v1/login", &body).header("X-Forwarded-For", STRANGER)
}

#[tokio::test]
async fn refused_sign_ins_with_the_right_password_are() {
    let mut settings = FEW.to_vec();
    settings.push(("JETON_TOKENS_PER_USER", "2"));
    let auth = Auth::start_with(&settings);
    let session = auth.sign_up("ada").await;
    let wish = jeton_client::CreateTokenRequest {
        name: "nightly".to_owned(),
        scopes: vec![],
        expires_in: None,
    };
    session.tokens().create(&wish).await.unwrap();
    // A setting that was lowered: there is no room for a token from signing in.
    auth.connect()
        .batch_execute("UPDATE tokens SET kind = 'personal'")
        .unwrap();
    for (fields, status, reason) in [
        ("", 409, "too-many-tokens"),
        (r#", "scopes": ["admin"]"#, 403, "scope-not-held"),
    ] {
        let before = reasons(&auth, "sign-in-failed").len();
        assert_eq!(statuses(&auth, &sign_in(fields), 6), [status; 6]);
        assert_eq!(reasons(&auth, "sign-in-failed")[before..], [reason; 6]);
        assert_eq!(counted(&auth), NOTHING);
    }
}

#[tokio::test]
async fn confirmations_whose_request_is_refused_are() {
    let auth = Auth::start_with(&FEW);
    let root = auth.sign_up_with("root", "admin").await;
    auth.sign_up("grace").await;
    let taken = jeton_client::UpdateUserRequest {
        username: Some("grace".to_owned()),
        email: None,
    };
    for _ in 0..6 {
        let renamed = root.update_account(PASSWORD, &taken).await;
        assert_eq!(kind(renamed), ProblemKind::UsernameTaken);
        let weak = root.change_password(PASSWORD, "password1").await;
        assert_eq!(kind(weak), ProblemKind::Validation);
        assert_eq!(kind(root.delete_account(PASSWORD).await), ProblemKind::LastAdmin);
    }
    assert_eq!(reasons(&auth, "confirmation-failed"), ["request-refused"; 18]);
    assert_eq!(counted(&auth), NOTHING);
}

/// The password is changed back and forth while others sign in with one of the two: what was right when it was looked at is no
/// failure.
#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_beside_changes_of_the_password_are() {
    let mut settings = FEW.to_vec();
    settings.extend([
        ("JETON_ACCOUNT_FAILURES", "100"),
        ("JETON_NETWORK_FAILURES", "1000000"),
    ]);
    let auth = Auth::start_with(&settings);
    let session = auth.sign_up("ada").await;
    let other = start_service(auth.role.url(), &settings);
    let over = Arc::new(AtomicBool::new(false));
    let addresses = [auth.service.address(), other.address()].map(ToString::to_string);
    let storm: Vec<_> = (0..8)
        .map(|i| {
            let (over, address) = (over.clone(), addresses[i % 2].clone());
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let status = sign_in("").send(&address).status;
                    assert!([200, 401, 429, 503].contains(&status), "{status}");
                }
            })
        })
        .collect();
    let both = [PASSWORD, "a wholly different phrase"];
    for i in 0..20 {
        let changed = session.change_password(both[i % 2], both[(i + 1) % 2]).await;
        over.fetch_or(changed.is_err(), Ordering::Relaxed);
        changed.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    for one in storm {
        one.join().unwrap();
    }
    let wrong = reasons(&auth, "sign-in-failed");
    let wrong = wrong.iter().filter(|reason| *reason == "wrong-password").count();
    let network = "SELECT ceil(failures) FROM network_attempts WHERE network = '203.0.113.9'";
    let network: usize = text(&mut auth.connect(), network).parse().unwrap();
    assert!(network <= wrong, "{network} count, and {wrong} were wrong");
    let in_flight = "SELECT coalesce(sum(cardinality(in_flight)), 0) FROM network_attempts";
    assert_eq!(text(&mut auth.connect(), in_flight), "0");
}

/// Sends a request, and hangs up once something is so. What was answered before it is not read: so it is a reset that ends the
/// connection, and not the end of what the client has to say.
fn hang_up_once(auth: &Auth, password: &str, what: &str, is_so: impl FnMut() -> bool) {
    let body = format!(r#"{{"username": "ada", "password": "{password}"}}"#);
    let request = format!(
        "GET /livez HTTP/1.1\r\nHost: x\r\n\r\nPOST /v1/login HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {STRANGER}\r\nContent-Type: application/json\r\n\
            Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(auth.service.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    wait_until(what, is_so);
}

/// How many statements of the services wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
    AND cardinality(pg_blocking_pids(pid)) > 0";

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_whose_client_hangs_up_is() {
    let auth = Auth::start_with(&FEW);
    auth.sign_up("ada").await;
    let (mut holder, mut watcher) = (auth.connect(), auth.connect());
    holder
        .batch_execute("BEGIN; SELECT FROM users FOR UPDATE")
        .unwrap();
    hang_up_once(&auth, PASSWORD, "the token is about to be issued", || {
        text(&mut watcher, WAITING) == "1"
    });
    wait_until("it is written down", || {
        reasons(&auth, "sign-in-failed") == ["client-gone"]
    });
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(counted(&auth), NOTHING);
}

/// A comparison counts whether anybody hears of it or not.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_whose_client_hangs_up_is_not() {
    let mut settings = FEW.to_vec();
    settings.extend([("JETON_BCRYPT_COST", "11"), ("JETON_METRICS_ADDR", "127.0.0.1:0")]);
    let auth = Auth::start_with(&settings);
    auth.sign_up("ada").await;
    let metrics = auth.service.metrics_address();
    for failures in 1..=2 {
        let before = rounds(&metrics);
        hang_up_once(&auth, "wrong", "it is being compared, or was", || {
            let text = RawRequest::new("GET", "/metrics").send(&metrics).text();
            text.contains("jeton_hashing_in_use 1") || rounds(&metrics) > before
        });
        wait_until("it counts", || {
            counted(&auth) == format!("{failures} {failures} 0 0")
        });
    }
    assert_eq!(reasons(&auth, "sign-in-failed"), ["wrong-password"; 2]);
    assert_eq!(auth.send(&sign_in("")).status, 429);
}

/// The database does not answer in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_is_answered_503_is() {
    let auth = Auth::start_with(&FEW);
    auth.sign_up("ada").await;
    let mut holder = auth.connect();
    holder
        .batch_execute("BEGIN; SELECT FROM users FOR UPDATE")
        .unwrap();
    assert_eq!(auth.send(&sign_in("")).status, 503);
    holder.batch_execute("ROLLBACK").unwrap();
    wait_until("it is written down", || {
        reasons(&auth, "sign-in-failed") == ["unavailable"]
    });
    assert_eq!(counted(&auth), NOTHING);
    assert_eq!(auth.send(&sign_in("")).status, 200);
}

/// Not so with a disabled user: it would tell the right password from a wrong one.
#[tokio::test]
async fn a_disabled_users_is_not() {
    let auth = Auth::start_with(&FEW);
    auth.sign_up("ada").await;
    auth.connect()
        .batch_execute("UPDATE users SET disabled_at = now()")
        .unwrap();
    assert_eq!(statuses(&auth, &sign_in(""), 4), [401, 401, 429, 429]);
    assert_eq!(reasons(&auth, "sign-in-failed"), ["disabled"; 2]);
}
