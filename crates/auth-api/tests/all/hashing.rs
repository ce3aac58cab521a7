//! A storm of sign-ins fills a queue, not the service.

use crate::support::{Auth, login};
use jeton_client::{ClientError, ProblemKind};

#[tokio::test(flavor = "multi_thread")]
async fn past_the_queue_is_a_503_that_says_when_and_other_requests_go_on() {
    // At cost 13 a hash takes long enough that none ends while the requests arrive.
    let auth = Auth::start_with(&[("JETON_BCRYPT_COST", "13"), ("JETON_HASHING_QUEUE", "0")]);
    let session = auth.sign_up("ada").await;
    let client = auth.client();
    let storm: Vec<_> = (0..40)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.login(&login("ada", "wrong")).await })
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
            tokio::spawn(async move { client.login(&login(names[i % 3], crate::support::PASSWORD)).await })
        })
        .collect();
    for attempt in storm {
        attempt.await.unwrap().unwrap();
    }
}
