//! Through PgBouncer. Needs the program `pgbouncer`, and one of the tests a newer one than some systems have; without it,
//! they say so and do nothing.

use crate::support::{check, count, remembering_at, setting, settings, wait_until};
use jeton_domain::AuditContext;
use jeton_proof_support::{TestDatabase, find_program};
use jeton_verifier::{Verifier, VerifyError};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Pooler {
    process: Child,
    url: String,
    _directory: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// From here on it keeps prepared statements where it lends a connection for a transaction.
const KEEPS_STATEMENTS: (u32, u32) = (1, 21);

/// The version of the program, if it is there and not older than that.
#[expect(clippy::print_stderr, reason = "whoever runs the tests has to know")]
fn installed(least: (u32, u32)) -> Option<(u32, u32)> {
    let program = find_program(&["pgbouncer"], "--version")?;
    let output = Command::new(program).arg("--version").output().unwrap();
    // PgBouncer 1.24.1, and lines about libraries.
    let text = String::from_utf8(output.stdout).unwrap();
    let mut numbers = text.split_whitespace().nth(1).unwrap().split('.');
    let [major, minor] = std::array::from_fn(|_| numbers.next().unwrap().parse().unwrap());
    if (major, minor) < least {
        eprintln!(
            "skipped: pgbouncer is {major}.{minor}, and older than {}.{}",
            least.0, least.1
        );
        return None;
    }
    Some((major, minor))
}

/// Starts one before the database; `None` where there is no such program, or only an older one.
fn start(database: &TestDatabase, mode: &str, least: (u32, u32)) -> Option<Pooler> {
    let version = installed(least)?;
    // postgres://user:password@host:port/name?…
    let mut parts = database
        .url()
        .split(['/', ':', '@', '?'])
        .filter(|part| !part.is_empty());
    let [_, user, password, host, port, name] = std::array::from_fn(|_| parts.next().unwrap().to_owned());
    let listen = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = directory.path().join("pgbouncer.ini");
    let users = directory.path().join("users.txt");
    std::fs::write(&users, format!("\"{user}\" \"{password}\"\n")).unwrap();
    let mut file = std::fs::File::create(&config).unwrap();
    write!(
        file,
        "[databases]\n{name} = host={host} port={port} user={user} password={password}\n\
        [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {listen}\nunix_socket_dir =\nauth_type = trust\n\
        auth_file = {}\npool_mode = {mode}\n",
        users.display()
    )
    .unwrap();
    // Before 1.24, none are kept unless it is told to; before 1.21, it would not start with a setting that it does not know.
    if version >= KEEPS_STATEMENTS {
        writeln!(file, "max_prepared_statements = 100").unwrap();
    }
    // It refuses to be root.
    let mut command = Command::new("pgbouncer");
    let root = std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    if root {
        command.args(["--user", "nobody"]);
    }
    let process = command
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pooler = Pooler {
        process,
        url: format!("postgres://{user}:{password}@127.0.0.1:{listen}/{name}"),
        _directory: directory,
    };
    wait_until("the pool listens", || {
        TcpStream::connect(("127.0.0.1", listen)).is_ok()
    });
    Some(pooler)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_lends_for_a_session_is_as_good_as_none() {
    let (database, mut connection, ada, token) = setting();
    let Some(pooler) = start(&database, "session", (1, 0)) else {
        return;
    };
    let verifier = remembering_at(&pooler.url).await;
    for _ in 0..3 {
        assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    }
    assert_eq!(verifier.status().entries, 1);
    let revoked =
        jeton_persistence::tokens::revoke(&mut connection, &AuditContext::cli(), ada.id, token.id).unwrap();
    assert!(jeton_revoker::confirm(&mut connection, revoked).unwrap());
    assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Invalid));
}

/// It is served by whatever connection is free: what was a session is none, and nothing may be remembered for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_lends_for_a_transaction_does_no_harm() {
    let (database, mut connection, ada, token) = setting();
    let Some(pooler) = start(&database, "transaction", KEEPS_STATEMENTS) else {
        return;
    };
    let verifiers = [connect(&pooler.url).await, connect(&pooler.url).await];
    for verifier in &verifiers {
        assert_eq!(check(verifier, &token.text).await, Ok(token.id));
    }
    let revoked =
        jeton_persistence::tokens::revoke(&mut connection, &AuditContext::cli(), ada.id, token.id).unwrap();
    tokio::task::spawn_blocking(move || {
        assert!(jeton_revoker::confirm(&mut connection, revoked).unwrap());
        assert_eq!(count(&mut connection, "tokens"), 0);
    })
    .await
    .unwrap();
    for verifier in &verifiers {
        assert_eq!(check(verifier, &token.text).await, Err(VerifyError::Invalid));
    }
}

async fn connect(url: &str) -> Verifier {
    let settings = jeton_verifier::VerifierSettings {
        cache_tokens: 100,
        lease: Duration::from_millis(500),
        ..settings(url)
    };
    Verifier::connect(settings).await.unwrap()
}
