//! Services that are told to end.

use crate::connection::Client;
use crate::support::{issue, process};
use jeton_proof_support::{RawRequest, RawResponse, ServiceProcess, count, database, try_raw, wait_until};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

/// A service with a request under way, which is answered when `hold` is dropped.
struct Busy {
    service: ServiceProcess,
    request: JoinHandle<std::io::Result<RawResponse>>,
    hold: TcpStream,
}

impl Busy {
    fn start(settings: &[(&str, &str)]) -> Self {
        let service = process(settings);
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let get = RawRequest::new("GET", &format!("/held/{}", holder.local_addr().unwrap()));
        let address = service.address().to_owned();
        let request = std::thread::spawn(move || try_raw(address, &get.to_bytes()));
        let (hold, _) = holder.accept().unwrap();
        Self {
            service,
            request,
            hold,
        }
    }
}

#[test]
fn a_shutdown_answers_what_is_under_way_and_gives_everything_back() {
    for signal in ["TERM", "INT"] {
        let (database, mut connection) = database();
        let (_, _, token) = issue(&mut connection, "ada");
        let busy = Busy::start(&[("DATABASE_URL", database.url())]);
        let whoami = RawRequest::new("GET", "/whoami").header("Authorization", format!("Bearer {token}"));
        assert_eq!(whoami.send(busy.service.address()).status, 200);
        assert_eq!(count(&mut connection, "verifiers"), 1);
        assert_eq!(count(&mut connection, "token_uses"), 0);
        busy.service.signal(signal);
        busy.service.wait_for_log(&format!("SIG{signal}: ending"));
        drop(busy.hold);
        assert_eq!(busy.request.join().unwrap().unwrap().status, 200);
        busy.service.wait_for_log("ended in order");
        assert!(busy.service.wait().success());
        // Its lease, and what it has noted of the token's use, which it would have written in some seconds.
        assert_eq!(count(&mut connection, "verifiers"), 0);
        assert_eq!(count(&mut connection, "token_uses"), 1);
    }
}

#[test]
fn a_shutdown_has_a_limit_to_waiting() {
    let busy = Busy::start(&[("JETON_SHUTDOWN_TIMEOUT", "1s")]);
    busy.service.signal("TERM");
    let _ = busy.service.wait();
    assert!(busy.request.join().unwrap().is_err(), "no answer");
}

/// So that a load balancer can notice, while it goes on to send requests.
#[test]
fn a_service_in_its_grace_serves_and_says_that_it_ends() {
    let service = process(&[("JETON_SHUTDOWN_GRACE", "1h")]);
    assert_eq!(service.get("/readyz").status, 200);
    service.signal("TERM");
    wait_until("it says so", || service.get("/readyz").status != 200);
    let ready = service.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.header("Retry-After").is_some());
    assert_eq!(service.get("/livez").status, 200);
    assert_eq!(service.get("/public").status, 200);
    // And an hour is not waited for when somebody insists.
    service.signal("INT");
    assert_eq!(service.wait().code(), Some(1));
}

#[test]
fn a_second_signal_ends_it_whatever_is_under_way() {
    let busy = Busy::start(&[("JETON_SHUTDOWN_TIMEOUT", "1h")]);
    busy.service.signal("TERM");
    busy.service.wait_for_log("SIGTERM: ending");
    busy.service.signal("TERM");
    assert_eq!(busy.service.wait().code(), Some(1));
    assert!(busy.request.join().unwrap().is_err());
}

/// An idle connection is nothing to wait for.
#[test]
fn idle_connections_are_closed_at_once() {
    let service = process(&[("JETON_KEEP_ALIVE", "1h"), ("JETON_SHUTDOWN_TIMEOUT", "1h")]);
    let mut idle = Client::connect(&service);
    assert_eq!(idle.get("/public"), 200);
    service.signal("TERM");
    assert!(service.wait().success());
    idle.wait_until_closed();
}
