//! The examples, as processes: by raw HTTP, and by the SDK.

use crate::support::{PATIENCE, count, database, execute, unknown, user_with_token, wait_until};
use jeton_client::AuthClient;
use jeton_proof_support::{RawConnection, RawRequest, ServiceProcess, example, find_program};
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

fn start(name: &str, database_url: &str) -> ServiceProcess {
    let env = [("DATABASE_URL", database_url), ("HELLO_ADDR", "127.0.0.1:0")];
    ServiceProcess::start(example(name), &env)
}

fn leases(connection: &mut jeton_persistence::PgConnection) -> i64 {
    count(connection, "verifiers")
}

#[test]
fn the_example_on_axum_is_protected_and_ends_in_order() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    let service = start("axum_service", database.url());
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

/// Neither closes its verifier: that the last handle goes is enough.
#[test]
fn the_examples_give_the_lease_back_when_they_are_told_to_end() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    for name in ["actix_service", "axum_service"] {
        for signal in ["TERM", "INT"] {
            let service = start(name, database.url());
            let hello =
                RawRequest::new("GET", "/hello").header("Authorization", format!("Bearer {}", token.text));
            let answer = hello.send(service.address());
            assert_eq!((answer.status, &*answer.text()), (200, "Hello, ada!\n"), "{name}");
            assert_eq!(leases(&mut connection), 1, "{name}");
            // Half a request does not hold it up.
            let half = (signal == "TERM").then(|| {
                let mut half = TcpStream::connect(service.address()).unwrap();
                half.write_all(b"GET /hello HTTP/1.1\r\n").unwrap();
                half
            });
            service.signal(signal);
            assert!(service.wait().success(), "{name}, {signal}");
            drop(half);
            assert_eq!(leases(&mut connection), 0, "{name}, {signal}");
        }
    }
    // What was used is written as well.
    assert_eq!(count(&mut connection, "token_uses"), 1);
}

/// How often the verifier's threads of a process have waited for something, so far.
fn waits(process: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    // A thread of the runtime's may have gone meanwhile.
    let statuses = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("status")).ok());
    let ours = statuses.filter(|status| status.starts_with("Name:\tjeton-"));
    let waits = ours.map(|status| {
        let mut lines = status.lines();
        let waits = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        waits.unwrap().trim().parse::<u64>().unwrap()
    });
    waits.sum()
}

/// Nothing but its renewals, and what it writes now and then, wakes up a service that nobody asks anything. Asked for a nudge a
/// thousand times a second, it would be some thousand times.
#[test]
fn an_idle_service_sleeps_between_renewals() {
    if !PathBuf::from("/proc/self/status").exists() {
        return eprintln!("not tested: there is no /proc");
    }
    let (database, mut connection) = database();
    let service = start("axum_service", database.url());
    let renewals = |connection: &mut _| {
        let version = crate::support::text(connection, "SELECT version FROM verifiers");
        version.parse::<u64>().unwrap()
    };
    // What belongs to the start is over by then.
    wait_until("it renews", || renewals(&mut connection) >= 3);
    let before = (renewals(&mut connection), waits(service.id()));
    wait_until("it renews again and again", || {
        renewals(&mut connection) >= before.0 + 3
    });
    let (waits, renewals) = (
        waits(service.id()) - before.1,
        renewals(&mut connection) + 1 - before.0,
    );
    // A renewal is sent and answered, each of which may come in parts; once in a while uses are looked for.
    assert!(waits <= 10 * renewals, "{waits} in {renewals} renewals");
}

/// As the README has it.
#[test]
fn curl_calls_the_examples() {
    let Some(curl) = find_program(&["curl"], "--version") else {
        return;
    };
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    let token = format!("Authorization: Bearer {}", token.text);
    for name in ["actix_service", "axum_service"] {
        let service = start(name, database.url());
        let call = |arguments: &[&str]| {
            let mut command = Command::new(curl);
            let quiet = [
                "--no-progress-meter",
                "--noproxy",
                "*",
                "--write-out",
                " %{http_code}",
            ];
            let url = format!("{}/hello", service.base_url());
            let output = command.args(quiet).args(arguments).arg(url).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        assert_eq!(call(&["-H", &token]), "Hello, ada!\n 200", "{name}");
        let refused = call(&[]);
        assert!(
            refused.contains("\"title\":\"Missing token\"") && refused.ends_with(" 401"),
            "{name}: {refused}"
        );
        let challenge = call(&["--include", "-H", "Authorization: Bearer jtn_mistyped"]);
        assert!(
            challenge.contains("www-authenticate: Bearer realm=\"jeton\", error=\"invalid_token\""),
            "{name}: {challenge}"
        );
    }
}

#[tokio::test]
async fn the_sdk_calls_the_example_on_axum() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    let service = start("axum_service", database.url());
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
