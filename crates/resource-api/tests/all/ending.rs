//! Services that are told to end.

use crate::support::{client, notes_process, only_token, sign_up, start_auth, wait_until};
use diesel::connection::SimpleConnection;
use jeton_client::ExposeSecret;
use jeton_persistence::PgConnection;
use jeton_proof_support::{
    Endpoint, InProcess, RawRequest, RawResponse, ServiceProcess, TestDatabase, count, try_raw,
};
use std::thread::JoinHandle;

/// A notes service with a request under way that cannot be answered before [`let_go`](Self::let_go).
struct Busy {
    notes: ServiceProcess,
    request: JoinHandle<std::io::Result<RawResponse>>,
    connection: PgConnection,
    /// Ended before the database is dropped.
    auth: InProcess,
    database: TestDatabase,
}

impl Busy {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let database = TestDatabase::create();
        let auth = start_auth(database.url());
        let notes = notes_process(database.url(), settings);
        let session = client(&auth.base_url())
            .sign_up_session(&sign_up("ada"))
            .await
            .unwrap();
        let session = only_token(&session);
        let mut connection = database.connect();
        connection
            .batch_execute("BEGIN; LOCK TABLE notes IN ACCESS EXCLUSIVE MODE")
            .unwrap();
        let header = format!("Bearer {}", session.token().expose_secret());
        let get = RawRequest::new("GET", "/notes").header("Authorization", header);
        let address = notes.address().to_owned();
        let request = std::thread::spawn(move || try_raw(address, &get.to_bytes()));
        let mut watcher = database.connect();
        let waits = "pg_locks WHERE NOT granted AND relation = 'notes'::regclass";
        wait_until("the request waits", || count(&mut watcher, waits) > 0);
        Self {
            notes,
            request,
            connection,
            auth,
            database,
        }
    }
}

fn status(service: &Endpoint, path: &str) -> u16 {
    RawRequest::new("GET", path).send(service.address()).status
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_answered_and_everything_is_given_back() {
    for signal in ["TERM", "INT"] {
        let Busy {
            notes,
            request,
            mut connection,
            auth,
            database,
        } = Busy::start(&[]).await;
        assert_eq!(count(&mut database.connect(), "verifiers"), 2);
        assert_eq!(count(&mut database.connect(), "token_uses"), 0);
        notes.signal(signal);
        notes.wait_for_log(&format!("SIG{signal}: ending"));
        connection.batch_execute("COMMIT").unwrap();
        assert_eq!(request.join().unwrap().unwrap().status, 200);
        notes.wait_for_log("ended in order");
        assert!(notes.wait().success());
        // Its lease, and what it has noted of the token's use, which it would have written in some seconds.
        assert_eq!(count(&mut connection, "verifiers"), 1);
        assert_eq!(count(&mut connection, "token_uses"), 1);
        drop(auth);
        drop(database);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_limit_to_waiting() {
    let busy = Busy::start(&[("JETON_SHUTDOWN_TIMEOUT", "1s")]).await;
    busy.notes.signal("TERM");
    let _ = busy.notes.wait();
    assert!(busy.request.join().unwrap().is_err(), "no answer");
    drop(busy.connection);
    drop(busy.auth);
    drop(busy.database);
}

/// So that a load balancer can notice, while it goes on to send requests.
#[test]
fn in_its_grace_it_serves_and_says_that_it_ends() {
    let database = TestDatabase::create();
    let notes = notes_process(database.url(), &[("JETON_SHUTDOWN_GRACE", "1h")]);
    assert_eq!(status(&notes, "/readyz"), 200);
    notes.signal("TERM");
    wait_until("it says so", || status(&notes, "/readyz") != 200);
    let ready = RawRequest::new("GET", "/readyz").send(notes.address());
    assert_eq!(ready.status, 503);
    assert!(ready.header("Retry-After").is_some());
    assert_eq!(status(&notes, "/livez"), 200);
    assert_eq!(status(&notes, "/public"), 200);
    // And an hour is not waited for when somebody insists.
    notes.signal("INT");
    assert_eq!(notes.wait().code(), Some(1));
}

#[test]
fn a_second_signal_ends_it_whatever_is_under_way() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let busy = runtime.block_on(Busy::start(&[("JETON_SHUTDOWN_TIMEOUT", "1h")]));
    busy.notes.signal("TERM");
    busy.notes.wait_for_log("SIGTERM: ending");
    busy.notes.signal("TERM");
    assert_eq!(busy.notes.wait().code(), Some(1));
    assert!(busy.request.join().unwrap().is_err());
    drop(busy.connection);
    drop(busy.auth);
    drop(busy.database);
}

/// An idle connection is nothing to wait for.
#[test]
fn idle_connections_are_closed_at_once() {
    let database = TestDatabase::create();
    let settings = [("JETON_KEEP_ALIVE", "1h"), ("JETON_SHUTDOWN_TIMEOUT", "1h")];
    let notes = notes_process(database.url(), &settings);
    let mut idle = crate::limits::Client::connect(&notes);
    assert_eq!(idle.get("/public"), 200);
    notes.signal("TERM");
    assert!(notes.wait().success());
    idle.wait_until_closed();
}
