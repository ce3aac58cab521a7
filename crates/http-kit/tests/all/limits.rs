//! Clients that are slow, silent, many or huge.

use crate::connection::Client;
use crate::support::{DESCRIPTORS, LARGE, in_process, process};
use jeton_proof_support::{RawRequest, try_raw};
use std::io::{ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::time::Duration;

/// Little enough to be waited for, and enough for what is in time, on a machine that has much to do.
const SHORT: [(&str, &str); 2] = [("JETON_CLIENT_TIMEOUT", "2s"), ("JETON_KEEP_ALIVE", "1s")];
/// So much that what ends by itself ends for another reason.
const LONG: [(&str, &str); 2] = [("JETON_CLIENT_TIMEOUT", "1h"), ("JETON_KEEP_ALIVE", "1h")];

#[test]
fn the_head_of_a_request_has_a_time() {
    let service = in_process(&SHORT);
    let mut first = Client::connect(&service);
    first.send(b"GET /pub");
    assert!(first.dribble().starts_with("HTTP/1.1 408 "));
    // The second on a connection as well, and one whose first byte came along with the first.
    let mut second = Client::connect(&service);
    assert_eq!(second.get("/public"), 200);
    second.send(b"GET /");
    assert_eq!(second.dribble(), "");
    let mut pipelined = Client::connect(&service);
    let request = RawRequest::new("GET", "/public").to_bytes();
    pipelined.send(&[request.as_slice(), b"G"].concat());
    assert_eq!(pipelined.status(), 200);
    pipelined.wait_until_closed();
    let mut silent = Client::connect(&service);
    silent.wait_until_closed();
    assert_eq!(service.get("/livez").status, 200);
}

#[test]
fn a_body_has_a_time() {
    let service = in_process(&SHORT);
    let head = RawRequest::new("POST", "/login")
        .header("Content-Type", "application/json")
        .header("Content-Length", "100000")
        .to_bytes();
    let mut slow = Client::connect(&service);
    slow.send(&head);
    let answer = slow.dribble();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("urn:jeton:problem:request-timeout"), "{answer}");
    // One that nobody reads.
    let mut unread = Client::connect(&service);
    unread.send(b"GET /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    let answer = unread.dribble();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[test]
fn a_client_who_does_not_read_its_answer_is_cut_off() {
    let service = process(&[&SHORT[..], &[("JETON_LOG", "info,jeton_http_kit=debug")]].concat());
    let request = RawRequest::new("GET", "/large");
    let mut deaf = Client::connect(&service);
    deaf.send(&request.to_bytes());
    service.wait_for_log("cut a connection");
    let got = deaf.wait_until_closed();
    assert!(got < LARGE, "{got}");
    // Who reads gets all of it.
    let whole = request.send(service.address());
    assert_eq!((whole.status, whole.body.len()), (200, LARGE));
}

#[test]
fn connections_beyond_the_most_wait() {
    let service = in_process(&[&LONG[..], &[("JETON_MAX_CONNECTIONS", "1")]].concat());
    let mut first = Client::connect(&service);
    assert_eq!(first.get("/public"), 200);
    let mut second = Client::connect(&service);
    second.send(&RawRequest::new("GET", "/public").to_bytes());
    second
        .0
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let early = second.0.read(&mut [0; 1]).map_err(|error| error.kind());
    assert!(
        matches!(early, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
        "{early:?}"
    );
    assert_eq!(first.get("/public"), 200);
    drop(first);
    second.0.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    assert_eq!(second.status(), 200);
}

/// One address does not take all the places there are.
#[test]
fn one_address_leaves_connections_to_others() {
    let service = in_process(&[&LONG[..], &[("JETON_MAX_CONNECTIONS", "40")]].concat());
    let request = RawRequest::new("GET", "/public").to_bytes();
    let mut all: Vec<_> = (0..80).map(|_| Client::connect(&service)).collect();
    let served = all.iter_mut().filter_map(|client| {
        client.0.write_all(&request).ok()?;
        client.0.read_exact(&mut [0; 12]).ok()
    });
    let served = served.count();
    assert!((1..=36).contains(&served), "{served}");
    let mut other = Client::connect_from(Ipv4Addr::new(127, 0, 0, 2), &service);
    assert_eq!(other.get("/public"), 200);
}

/// Whoever has changed nothing is not warned of anything.
#[test]
fn connections_are_no_more_than_file_descriptors() {
    let service = process(&[(DESCRIPTORS, "300")]);
    service.wait_for_log("serving 50 connections at a time");
    assert_eq!(Client::connect(&service).get("/public"), 200);
    assert!(!service.logs().contains("WARN"), "{}", service.logs());
}

#[test]
fn heads_have_a_size() {
    let service = in_process(&[]);
    let huge = RawRequest::new("GET", "/livez").header("X-Huge", "a".repeat(200_000));
    let many = (0..200).fold(RawRequest::new("GET", "/livez"), |request, i| {
        request.header(&format!("X-{i}"), "x")
    });
    for request in [huge, many] {
        if let Ok(answer) = try_raw(service.address(), &request.to_bytes()) {
            assert!([400, 431].contains(&answer.status), "{answer:?}");
        }
    }
    assert_eq!(service.get("/livez").status, 200);
}
