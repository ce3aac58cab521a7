//! Guessing passwords takes long, for whomever, and nobody else suffers from it.

mod accounts;
mod at_once;
mod networks;
mod refusals;
mod taken_back;

use crate::support::{Auth, PASSWORD, attempt, comparable, json, kind, login, pointers, start_service};
use diesel::connection::SimpleConnection;
use jeton_client::types::AuditEventInfo;
use jeton_client::{AuditQuery, ClientError, ProblemKind, Session};
use jeton_persistence::audit::{AuditEvent, AuditFilter, list};
use jeton_proof_support::{Endpoint, RawRequest, RawResponse, text, wait_until};

/// Two at once, and eight in all.
const FEW: [(&str, &str); 3] = [
    ("JETON_ACCOUNT_FAILURES", "8"),
    ("JETON_TRUSTED_PROXIES", "127.0.0.1"),
    ("JETON_HASHING_QUEUE", "200"),
];

fn statuses(auth: &Auth, request: &RawRequest, times: usize) -> Vec<u16> {
    (0..times).map(|_| auth.send(request).status).collect()
}

const STRANGER: &str = "203.0.113.9";
const HOME: &str = "2001:db8::1";

/// A sign-up from an address.
fn sign_up_from(name: &str, address: &str) -> RawRequest {
    let body = serde_json::json!({ "username": name, "password": PASSWORD });
    json("POST", "/v1/users", &body.to_string()).header("X-Forwarded-For", address)
}

/// What still counts, for accounts and for networks other than that of the tests: failures, and attempts in flight.
fn counted(auth: &Auth) -> String {
    let sql = "SELECT concat_ws(' ', \
        (SELECT coalesce(sum(failures), 0) FROM account_attempts), \
        (SELECT coalesce(sum(ceil(failures)), 0) FROM network_attempts WHERE network <> '127.0.0.1'), \
        (SELECT coalesce(sum(cardinality(in_flight)), 0) FROM account_attempts), \
        (SELECT coalesce(sum(cardinality(in_flight)), 0) FROM network_attempts))";
    text(&mut auth.connect(), sql)
}

/// Nothing.
const NOTHING: &str = "0 0 0 0";

/// The reasons that sign-ins, or confirmations, came to nothing for, oldest first.
fn reasons(auth: &Auth, action: &str) -> Vec<String> {
    let events = list(&mut auth.connect(), &AuditFilter::default(), None, 1000).unwrap();
    let of_action = events.iter().rev().filter(|event| event.action == action);
    let reason = |event: &AuditEvent| event.detail["reason"].as_str().unwrap_or("-").to_owned();
    of_action.map(reason).collect()
}

/// What an admin is told of these acts, newest first.
async fn audit_events(root: &Session, action: &str) -> Vec<AuditEventInfo> {
    let query = AuditQuery {
        action: Some(action.to_owned()),
        ..AuditQuery::default()
    };
    let page = root.admin().audit_events(&query, None, None).await;
    page.unwrap().events
}

/// How many rounds of bcrypt all checks of passwords have taken so far.
fn rounds(metrics: &str) -> u64 {
    let text = RawRequest::new("GET", "/metrics").send(metrics).text();
    let rounds = text
        .lines()
        .find_map(|line| line.strip_prefix("jeton_hashing_rounds_total "));
    rounds.unwrap().parse().unwrap()
}

/// The same request so many times at once, to each of the services in turn.
fn race(services: &[&Endpoint], request: &RawRequest, times: usize) -> Vec<RawResponse> {
    all_at_once(services, times, |_| request.clone())
}

/// As [`race`], of requests that differ.
fn all_at_once(
    services: &[&Endpoint],
    times: usize,
    request: impl Fn(usize) -> RawRequest + Sync,
) -> Vec<RawResponse> {
    let start = std::sync::Barrier::new(times);
    let one = |i: usize| {
        start.wait();
        let request = request(i);
        // Where the machine has much else to do, it may be told 503, having waited in vain for the others: it asks again.
        let mut answers = (0..20).map(|_| request.send(services[i % services.len()].address()));
        answers
            .find(|answer| answer.status != 503)
            .expect("503 again and again")
    };
    std::thread::scope(|scope| {
        let one = &one;
        let running: Vec<_> = (0..times).map(|i| scope.spawn(move || one(i))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}
