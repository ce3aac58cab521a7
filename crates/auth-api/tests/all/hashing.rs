//! A storm of sign-ins fills a queue, not the service.

use crate::support::{Auth, PASSWORD, attempt, login};
use jeton_client::{ClientError, ProblemKind};
use jeton_proof_support::{count, execute, wait_for_blocked, wait_until};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

#[tokio::test(flavor = "multi_thread")]
async fn past_the_queue_is_a_503_that_says_when_and_other_requests_go_on() {
    // At cost 13 a hash takes long enough that none ends while the requests arrive.
    let auth = Auth::start_with(&[("JETON_BCRYPT_COST", "13"), ("JETON_HASHING_QUEUE", "0")]);
    let session = auth.sign_up("ada").await;
    let client = auth.client();
    // Of many names: how many one account may fail is another limit.
    let storm: Vec<_> = (0..40)
        .map(|i| {
            let client = client.clone();
            tokio::spawn(async move { client.login(&login(&format!("user{i}"), "wrong")).await })
        })
        .collect();
    let mut meanwhile = 0;
    let mut refused = 0;
    for attempt in storm {
        while !attempt.is_finished() {
            session.me().await.unwrap();
            meanwhile += 1;
        }
        match attempt.await.unwrap().unwrap_err() {
            error if error.kind() == Some(ProblemKind::InvalidCredentials) => {}
            ClientError::Problem {
                status, retry_after, ..
            } => {
                assert_eq!(status.as_u16(), 503);
                assert!(retry_after.is_some());
                refused += 1;
            }
            other => panic!("{other}"),
        }
    }
    let cores = std::thread::available_parallelism().unwrap().get();
    assert!(refused > 0, "nobody was refused, with {cores} places");
    assert!(meanwhile > 0, "no other request was answered during the storm");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_long_enough_serves_all() {
    let auth = Auth::start_with(&[("JETON_HASHING_QUEUE", "40")]);
    let names = ["ada", "bob", "eve"];
    for name in names {
        auth.sign_up(name).await;
    }
    let client = auth.client();
    let storm: Vec<_> = (0..40)
        .map(|i| {
            let client = client.clone();
            tokio::spawn(async move { client.login(&login(names[i % 3], PASSWORD)).await })
        })
        .collect();
    for attempt in storm {
        attempt.await.unwrap().unwrap();
    }
}

/// Ends the storm, whatever comes of the test.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A right password does not count as an attempt, so that nothing but the queue stands against such a storm.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_from_one_network_keeps_nobody_of_another_out() {
    let auth = Auth::start_with(&[
        ("JETON_TRUSTED_PROXIES", "127.0.0.1"),
        ("JETON_BCRYPT_COST", "9"),
        ("JETON_HASHING_QUEUE", "4"),
    ]);
    for name in ["ada", "bob"] {
        auth.sign_up(name).await;
    }
    // Known from there: no two sign-ins of the storm are the first.
    assert_eq!(
        auth.send(&attempt("ada", PASSWORD, "2001:db8:0:1::1")).status,
        200
    );
    let (over, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
    let answers: Vec<u16> = thread::scope(|scope| {
        for i in 0..16 {
            let (auth, over, refused) = (&auth, &over, &refused);
            scope.spawn(move || {
                let storm = attempt("ada", PASSWORD, &format!("2001:db8:0:1::{i}"));
                while !over.load(Ordering::Relaxed) {
                    let is_refused = auth.send(&storm).status == 503;
                    refused.fetch_add(usize::from(is_refused), Ordering::Relaxed);
                }
            });
        }
        let _over = Over(&over);
        wait_until("the queue is full", || refused.load(Ordering::Relaxed) > 20);
        let answers = ["2001:db8:0:2::1", "203.0.113.9"].repeat(10);
        let answers = answers
            .iter()
            .map(|address| auth.send(&attempt("bob", PASSWORD, address)).status);
        answers.collect()
    });
    assert_eq!(answers, [200; 20]);
    // Those that were turned away have not failed.
    for counted in [
        "account_attempts WHERE failures > 0",
        "network_attempts WHERE failures >= 1 AND network <> '127.0.0.1'",
    ] {
        assert_eq!(count(&mut auth.connect(), counted), 0, "{counted}");
    }
}

/// Whoever is to be refused, and waits for the database to say so, is in nobody's way.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_is_still_being_counted_takes_no_place() {
    let auth = Auth::start_with(&[
        ("JETON_TRUSTED_PROXIES", "127.0.0.1"),
        ("JETON_HASHING_QUEUE", "0"),
    ]);
    auth.sign_up("ada").await;
    let wrong = attempt("nobody", "wrong", "203.0.113.9");
    assert_eq!(auth.send(&wrong).status, 401);
    let (mut holder, mut watcher) = (auth.connect(), auth.connect());
    let hold = "BEGIN; SELECT FROM network_attempts WHERE network = '203.0.113.9' FOR UPDATE";
    execute(&mut holder, hold);
    let cores = thread::available_parallelism().unwrap().get();
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| auth.send(&wrong));
        }
        wait_for_blocked(&mut watcher, cores.try_into().unwrap());
        let other = auth.send(&attempt("ada", PASSWORD, "2001:db8::1")).status;
        execute(&mut holder, "COMMIT");
        assert_eq!(other, 200);
    });
}
