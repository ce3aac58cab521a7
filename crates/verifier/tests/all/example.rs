//! The example on axum, as a process: by raw HTTP, and by the SDK.

use crate::support::{PATIENCE, count, database, execute, unknown, user_with_token, wait_until};
use jeton_client::AuthClient;
use jeton_proof_support::{RawConnection, RawRequest, ServiceProcess, example};

fn start(database_url: &str) -> ServiceProcess {
    let env = [("DATABASE_URL", database_url), ("HELLO_ADDR", "127.0.0.1:0")];
    ServiceProcess::start(example("axum_service"), &env)
}

fn leases(connection: &mut jeton_persistence::PgConnection) -> i64 {
    count(connection, "verifiers")
}

#[test]
fn the_example_on_axum_is_protected_and_ends_in_order() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    let service = start(database.url());
    let ask = |method, path, token: Option<&str>| {
        let mut request = RawRequest::new(method, path);
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let answer = request.body("milk").send(service.address());
        (answer.status, answer.text())
    };
    let ada = Some(&*token.text);
    assert_eq!(ask("GET", "/hello", ada), (200, "Hello, ada!\n".to_owned()));
    assert_eq!(ask("GET", "/", ada), (200, "Welcome back, ada!\n".to_owned()));
    assert_eq!(ask("GET", "/", None), (200, "Sign in to see more.\n".to_owned()));
    assert_eq!(ask("POST", "/notes", ada), (200, "ada writes: milk\n".to_owned()));
    let stranger = unknown();
    for (method, path, token, status) in [
        ("GET", "/hello", None, 401),
        ("GET", "/", Some(&*stranger), 401),
        ("POST", "/notes", None, 401),
        ("DELETE", "/notes", None, 405),
        ("GET", "/nothing", None, 404),
    ] {
        assert_eq!(ask(method, path, token).0, status, "{method} {path}");
    }
    execute(&mut connection, "UPDATE users SET scopes = '{notes:write}'");
    // What SQL takes away by hand, nobody waits for.
    wait_until("the scope is gone", || ask("POST", "/notes", ada).0 == 403);

    assert_eq!(leases(&mut connection), 1);
    // Somebody stays connected and has nothing to ask.
    let mut idle = RawConnection::open(service.address()).unwrap();
    let request = RawRequest::new("GET", "/").to_bytes();
    assert_eq!(idle.send(&request).unwrap().status, 200);
    assert!(service.terminate().success());
    assert_eq!(
        leases(&mut connection),
        0,
        "nobody waits for a lease that was given back"
    );
}

#[tokio::test]
async fn the_sdk_calls_the_example_on_axum() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    let service = start(database.url());
    // There is no auth service: the session has its token already.
    let session = AuthClient::new("http://127.0.0.1:9")
        .unwrap()
        .session(token.text.as_str())
        .unwrap();
    let hello = format!("{}/hello", service.base_url());
    let answer = session.get(&hello).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "Hello, ada!\n");

    execute(&mut connection, "DELETE FROM tokens");
    // What SQL revokes by hand, nobody waits for.
    let refused = async {
        loop {
            if let Err(error) = session.get(&hello).send().await {
                break error;
            }
        }
    };
    let refused = tokio::time::timeout(PATIENCE, refused).await.unwrap();
    assert!(refused.is_unauthorized(), "{refused}");
}
