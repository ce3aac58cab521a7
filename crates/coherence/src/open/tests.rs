#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use super::open;
use crate::database_url::Target;
use crate::{
    AsyncPgConnection, ConnectionLimits, DatabaseError, DatabaseUrl, connect, establish, refused_servers,
};
use diesel::connection::SimpleConnection;
use diesel::sql_types::{Integer, Text};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use jeton_local_postgres::LocalPostgres;
use jeton_proof_support::{DarkHost, wait_until};
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::thread;

/// A server of its own, whose user `jeton` has the password `p`.
fn server(settings: &str) -> LocalPostgres {
    let server = LocalPostgres::temporary().unwrap();
    let url = DatabaseUrl::parse(&server.url()).unwrap();
    let mut connection = establish(&url, ConnectionLimits::NONE).unwrap();
    connection.batch_execute("ALTER ROLE jeton PASSWORD 'p'").unwrap();
    if !settings.is_empty() {
        connection.batch_execute(settings).unwrap();
        server.stop().unwrap();
        server.start().unwrap();
    }
    server
}

async fn port(connection: &mut AsyncPgConnection) -> u16 {
    let port = diesel::dsl::sql::<Integer>("inet_server_port()");
    let port: i32 = diesel::select(port).get_result(connection).await.unwrap();
    port.try_into().unwrap()
}

/// The port of the server that was taken, or why there is none. No environment has a say.
async fn taken(url: &str) -> Result<u16, String> {
    let target = Target::read(url, |_| None).unwrap();
    match open(&target, &ConnectionLimits::NONE).await {
        Ok(mut connection) => Ok(port(&mut connection).await),
        Err(DatabaseError::Unavailable(reason)) => Err(reason),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_first_of_several_hosts_that_will_do_is_taken() {
    let standby = server("ALTER SYSTEM SET default_transaction_read_only = on");
    let primary = server("");
    let (one, two) = (standby.port(), primary.port());
    let hosts = |list: &str, query: &str| format!("postgres://jeton:p@{list}/jeton?{query}");
    let both = format!("127.0.0.1:{one},127.0.0.1:{two}");
    assert_eq!(taken(&hosts(&both, "")).await, Ok(two));
    assert_eq!(taken(&hosts(&both, "load_balance_hosts=random")).await, Ok(two));
    assert_eq!(taken(&hosts(&both, "target_session_attrs=any")).await, Ok(one));
    let turned = format!("127.0.0.1:{two},127.0.0.1:{one}");
    assert_eq!(
        taken(&hosts(&turned, "target_session_attrs=primary")).await,
        Ok(two)
    );

    let alone = taken(&hosts(&format!("127.0.0.1:{one}"), "")).await.unwrap_err();
    assert!(alone.contains("does not allow writes"), "{alone}");
    let nobody = taken(&hosts(&format!("127.0.0.1:1,127.0.0.1:{one}"), ""))
        .await
        .unwrap_err();
    assert!(nobody.starts_with("127.0.0.1 port 1: "), "{nobody}");
    assert!(nobody.contains(&format!("; 127.0.0.1 port {one}: ")), "{nobody}");
    // Only an address of version 4 has a server; the name may have others.
    assert_eq!(
        taken(&hosts(&format!("127.0.0.1:1,localhost:{two}"), "")).await,
        Ok(two)
    );

    // Time is for each host.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().port();
    let late = format!("127.0.0.1:{silent},127.0.0.1:{two}");
    assert_eq!(taken(&hosts(&late, "connect_timeout=1")).await, Ok(two));

    // Where one does not let the account in, no other is asked: not even one that has such a database, say.
    for (from, to, why) in [
        (":p@", ":q@", "password authentication failed"),
        (":p@", "@", "password missing"),
        ("/jeton?", "/other?", "database \"other\" does not exist"),
    ] {
        let wrong = taken(&hosts(&turned, "passfile=/nowhere").replace(from, to))
            .await
            .unwrap_err();
        assert!(wrong.contains(why), "{wrong}");
        assert!(!wrong.contains("; "), "{wrong}");
    }
    // One that has no connection left does not speak for the others.
    let url = DatabaseUrl::parse(&hosts(&format!("127.0.0.1:{two}"), "")).unwrap();
    let role = "CREATE ROLE few LOGIN PASSWORD 'p'";
    let mut connection = establish(&url, ConnectionLimits::NONE).unwrap();
    connection.batch_execute(role).unwrap();
    let full = server(&format!("{role} CONNECTION LIMIT 0"));
    let busy = hosts(&format!("127.0.0.1:{},127.0.0.1:{two}", full.port()), "");
    let few = |url: &str| url.replace("jeton:p@", "few:p@");
    assert_eq!(taken(&few(&busy)).await, Ok(two));
    let alone = taken(&few(&hosts(&format!("127.0.0.1:{}", full.port()), ""))).await;
    assert!(alone.unwrap_err().contains("too many connections"));
}

/// The same server twice, as after a fail-over: a standby that was promoted, and the primary that it was a copy of.
#[test]
fn a_former_primary_is_refused_once_its_successor_was_seen() {
    let server = LocalPostgres::temporary().unwrap();
    let url = DatabaseUrl::parse(&server.url()).unwrap();
    let connect = || establish(&url, ConnectionLimits::NONE);
    let former = connect().unwrap().server();
    let data = |name: &str| server.directory().join(name);
    let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");

    server.stop().unwrap();
    run(Command::new("cp").arg("-a").args([data("data"), data("former")]));
    std::fs::write(data("data").join("standby.signal"), "").unwrap();
    server.start().unwrap();
    let any = DatabaseUrl::parse(&format!("{}?target_session_attrs=any", server.url())).unwrap();
    let refused = establish(&any, ConnectionLimits::NONE).map(drop).unwrap_err();
    assert!(refused.to_string().contains("this is a standby"), "{refused}");
    // As pg_ctl does it.
    std::fs::write(data("data").join("promote"), "").unwrap();
    let pid = std::fs::read_to_string(data("data").join("postmaster.pid")).unwrap();
    run(Command::new("kill").args(["-USR1", pid.lines().next().unwrap()]));
    wait_until("it is promoted", || connect().is_ok());
    let promoted = connect().unwrap().server();
    assert_ne!(promoted, former);
    assert!(former.is_superseded() && !promoted.is_superseded());

    server.stop().unwrap();
    std::fs::rename(data("data"), data("promoted")).unwrap();
    std::fs::rename(data("former"), data("data")).unwrap();
    server.start().unwrap();
    let before = refused_servers();
    let refused = connect().map(drop).unwrap_err().to_string();
    assert!(
        refused.contains("this is a former primary: its timeline is 1, and 2 was seen"),
        "{refused}"
    );
    assert!(refused_servers() > before);
}

/// One connection finds out, for all that come after it.
#[tokio::test]
async fn a_dark_host_is_tried_first_once() {
    let server = server("");
    for (query, connections) in [
        ("connect_timeout=5", 3),
        // By chance, the other one is first a few times; not so often.
        ("connect_timeout=5&load_balance_hosts=random", 30),
    ] {
        let dark = DarkHost::start();
        let url = format!("postgres://jeton:p@127.0.0.1:{}/jeton?{query}", server.port());
        let url = DatabaseUrl::parse(&dark.before(&url)).unwrap();
        for _ in 0..connections {
            let mut connection = connect(&url.clone(), &ConnectionLimits::NONE).await.unwrap();
            assert_eq!(port(&mut connection).await, server.port(), "{query}");
        }
        // Tried once, and then looked whether anybody is there.
        assert_eq!(dark.connections(), 2, "{query}");
    }
}

/// However patient the address is, it is not for the first of several.
#[tokio::test]
async fn a_dark_host_is_given_up_without_a_connect_timeout() {
    let (server, dark) = (server(""), DarkHost::start());
    let url = format!(
        "postgres://jeton:p@127.0.0.1:{}/jeton?connect_timeout=0",
        server.port()
    );
    assert_eq!(taken(&dark.before(&url)).await, Ok(server.port()));
}

#[tokio::test]
async fn the_host_that_worked_last_is_tried_first_until_it_is_the_wrong_one() {
    let [one, two] = [server(""), server("")];
    let url = format!(
        "postgres://jeton:p@127.0.0.1:{},127.0.0.1:{}/jeton",
        one.port(),
        two.port()
    );
    let url = DatabaseUrl::parse(&url).unwrap();
    let taken = async || {
        let mut connection = connect(&url, &ConnectionLimits::NONE).await.unwrap();
        port(&mut connection).await
    };
    assert_eq!(taken().await, one.port());
    one.stop().unwrap();
    assert_eq!(taken().await, two.port());
    // Back, and as good as the other; but that one works.
    one.start().unwrap();
    assert_eq!(taken().await, two.port());
    let mut connection = connect(&url, &ConnectionLimits::NONE).await.unwrap();
    let demote = "ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()";
    for statement in demote.split(';') {
        connection.batch_execute(statement).await.unwrap();
    }
    drop(connection);
    while taken().await == two.port() {}
    assert_eq!(taken().await, one.port());
}

/// Passes what comes at a Unix socket on to a server, and back.
fn socket_to(port: u16) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(directory.path().join(".s.PGSQL.7")).unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
            let (answers, answered) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || {
                pass::<UnixStream, TcpStream>(client, server, |to| to.shutdown(Shutdown::Write))
            });
            thread::spawn(move || {
                pass::<TcpStream, UnixStream>(answers, answered, |to| to.shutdown(Shutdown::Write))
            });
        }
    });
    directory
}

fn pass<R: io::Read, W: io::Write>(mut from: R, mut to: W, end: impl Fn(&W) -> io::Result<()>) {
    let _ = io::copy(&mut from, &mut to);
    let _ = end(&to);
}

#[tokio::test]
async fn a_unix_socket_is_spoken_to_in_clear_text() {
    let server = server("");
    let directory = socket_to(server.port());
    let path = directory.path().display();
    let mut queries = vec!["", "sslmode=prefer"];
    if cfg!(feature = "tls") {
        queries.extend(["sslmode=require", "sslmode=verify-full&sslrootcert=/nowhere"]);
    }
    for query in queries {
        let url = format!("postgres://jeton:p@/jeton?host={path}&port=7&{query}");
        assert_eq!(taken(&url).await, Ok(server.port()), "{query}");
    }
}

#[tokio::test]
async fn what_the_server_is_told_of_the_session_it_is_told() {
    let server = server("");
    let url = format!(
        "postgres://jeton:p@127.0.0.1:{}/jeton?options=-c%20work_mem%3D65kB&application_name=shop",
        server.port()
    );
    let target = Target::read(&url, |name| {
        (name == "PGDATESTYLE").then(|| "ISO, YMD".to_owned())
    })
    .unwrap();
    let mut connection = open(&target, &ConnectionLimits::NONE).await.unwrap();
    for (setting, expected) in [
        ("work_mem", "65kB"),
        ("application_name", "shop"),
        ("DateStyle", "ISO, YMD"),
        ("client_encoding", "UTF8"),
    ] {
        let shown = diesel::dsl::sql::<Text>(&format!("current_setting('{setting}')"));
        let shown: String = diesel::select(shown).get_result(&mut connection).await.unwrap();
        assert_eq!(shown, expected, "{setting}");
    }
}
